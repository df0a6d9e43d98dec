"""The link stage shared out as the DAG does it, against a real warehouse: the same persons, nothing left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from gridhub.pipeline import Hub
from gridhub.settings import Settings, SettingsError
from tests.linkage_world import county
from warehouse.bulk import stage
from warehouse.engine import engine_for


@pytest.fixture
def hub(new_database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub over a warehouse whose mentions are a generated county's; chunks from ten pairs on."""
    url = new_database()
    made = engine_for(url)
    mentions = county(120, seed=3)
    stage(made, "generated", mentions)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE hub.mention_rows AS SELECT * FROM hub.mention"))
        connection.execute(text("DROP VIEW hub.mention"))
        connection.execute(text("ALTER TABLE hub.mention_rows RENAME TO mention"))
        names = ", ".join(mentions.column_names)
        connection.execute(text(f"INSERT INTO hub.mention ({names}) SELECT {names} FROM staging.generated"))
    monkeypatch.setattr("linkage.chunks.WORTH_A_TASK", 10)
    monkeypatch.setattr("places.store.resolve_addresses", lambda engine: _Nothing())
    found = Hub(Settings.from_environment({"GRIDHUB_HOME": str(tmp_path), "GRIDHUB_LINK_CHUNKS": "3"}))
    found.__dict__["engine"] = made  # the mention view is a table here: no upgrade
    yield found
    made.dispose()


class _Nothing:
    def counts(self) -> dict:
        return {}


def persons(hub: Hub) -> set[tuple[str, str, str]]:
    with hub.engine.connect() as connection:
        rows = connection.execute(text("SELECT feed, record_key, person_id, rule, probability FROM hub.person_link WHERE recorded_to IS NULL"))
        return {tuple(row) for row in rows}


def test_rounds_shared_out_give_the_persons_of_one_process(hub: Hub) -> None:
    laid_out, rounds = [], set()
    for first in (True, False):
        chunks = hub.link_ahead(first=first)
        laid_out.append(len(chunks))
        rounds |= {chunk["round_folder"] for chunk in chunks}
        kept = [hub.score_chunk(**chunk).numbers["pairs_kept"] for chunk in chunks]
        assert sum(kept) > 0
        assert set(chunks[0]) == {"round_folder", "chunk"} and not persons(hub)
    hub.link()
    shared = persons(hub)
    assert laid_out == [3, 3] and len(rounds) == 2 and len(shared) > 300
    assert not (hub.settings.shared / "chunks").exists()

    with hub.engine.begin() as connection:
        for table in ("person_link", "person_event", "link_conflict", "link_run", "person"):
            connection.execute(text(f"DELETE FROM hub.{table}"))
    hub.settings = replace(hub.settings, link_chunks=1)
    hub.link()
    assert persons(hub) == shared


def test_where_nothing_is_worth_sharing_the_first_start_links_everything(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linkage.chunks.WORTH_A_TASK", 10**6)
    assert hub.link_ahead(first=True) == []
    assert persons(hub)
    assert hub.link().numbers["link_unchanged"] is True


def test_a_round_that_is_gone_is_said_to_be_gone(hub: Hub) -> None:
    chunks = hub.link_ahead(first=True)
    hub.link()
    with pytest.raises(FileNotFoundError):
        hub.score_chunk(**chunks[0])


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"GRIDHUB_SPLINK_BACKEND": "flink"}, "GRIDHUB_SPLINK_BACKEND"),
        ({"GRIDHUB_SPLINK_BACKEND": "spark"}, "GRIDHUB_SPARK_MASTER"),
        ({"GRIDHUB_SPLINK_BACKEND": "spark", "GRIDHUB_SPARK_MASTER": "local[2]", "GRIDHUB_LINK_CHUNKS": "2"}, "GRIDHUB_LINK_CHUNKS"),
        ({"GRIDHUB_LINK_CHUNKS": "0"}, "GRIDHUB_LINK_CHUNKS"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=f"^{named}"):
        Settings.from_environment(environ)
