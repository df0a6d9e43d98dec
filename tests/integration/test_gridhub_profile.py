"""``gridhub profile show``, ``export`` and ``evaluate`` as they are typed: whose profile, who looked, where a file goes."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from contracts.reader import load_contracts
from gridhub.commands import export, profile, stages
from gridhub.errors import GridhubError
from tests.residence_world import said, world
from warehouse.access import AccessRefused, looks
from warehouse.engine import engine_for

SIGNED = ("--by", "张登记")


@pytest.fixture(scope="module")
def engine(new_database):
    made = engine_for(new_database())
    with made.begin() as connection:
        connection.execute(text("""INSERT INTO hub.person (person_id, replaced_by, recorded_from)
                                   VALUES ('P000000001', NULL, now()), ('P000000002', 'P000000003', now()), ('P000000003', 'P000000001', now())"""))
    yield made
    made.dispose()


@pytest.fixture
def gridhub(engine, monkeypatch):
    story = SimpleNamespace(engine=engine, contracts=load_contracts(), settings=SimpleNamespace(language="zh"))
    for module in (profile, export, stages):
        monkeypatch.setattr(module, "hub", lambda: story)

    def typed(app, *words: str):
        return CliRunner().invoke(app, list(words))

    return typed


def test_before_the_first_assembly_only_persons_are_measured(gridhub, tmp_path) -> None:
    (tmp_path / "crosswalk.csv").write_text("feed,source_key,true_person_id\nf1,a,A\n", encoding="utf-8")
    (tmp_path / "households.csv").write_text("household_id,kind,true_person_id\nH1,residence,A\n", encoding="utf-8")
    app = stages.typer.Typer()
    stages.register(app)
    told = gridhub(app, "evaluate", "--truth", str(tmp_path))
    assert told.exit_code == 0 and "person records" in told.output and "residence" not in told.output and "gridhub assemble" in told.output
    assert "residence_households" not in json.loads(gridhub(app, "evaluate", "--truth", str(tmp_path), "--json").output)


def test_a_merged_number_shows_the_profile_of_who_it_is_today_and_the_look_is_written_down(gridhub, engine) -> None:
    con = world([said("P000000001", "health_record", "B1-1-101", "2026-01-01", unit="1", room="101")])
    settled(con, engine)
    shown = json.loads(gridhub(profile.app, "P000000002", *SIGNED, "--purpose", "低保复核").output)
    assert [member["person_id"] for member in shown["members"]] == ["P000000001"]
    assert json.loads(gridhub(profile.app, shown["household_id"], *SIGNED).output) == shown
    assert [(look["seen_by"], look["action"], look["subject"], look["purpose"]) for look in looks(engine)] == [
        ("张登记", "profile.show", shown["household_id"], "查看户档"), ("张登记", "profile.show", "P000000002", "低保复核")]


def test_nobody_looks_unnamed_and_what_is_no_id_of_ours_is_not_written_down(gridhub, engine) -> None:
    before = len(looks(engine))
    assert gridhub(profile.app, "P000000001").exit_code == 2
    assert isinstance(gridhub(profile.app, "P000000001", "--by", "\u200b").exception, AccessRefused)
    unknown = gridhub(profile.app, "130731198005120316", *SIGNED)
    assert unknown.exit_code == 1 and "no profile" in unknown.output and len(looks(engine)) == before


def test_a_file_goes_where_a_folder_is(gridhub, tmp_path) -> None:
    for app, words in ((export.app, ("crosswalk",)), (profile.app, ("P000000001", *SIGNED, "--html"))):
        refused = gridhub(app, *words, str(tmp_path / "typo" / "x.csv")).exception
        assert isinstance(refused, GridhubError) and "no such folder" in str(refused) and not (tmp_path / "typo").exists()
    assert gridhub(export.app, "crosswalk", str(tmp_path / "x.csv")).exit_code == 0 and (tmp_path / "x.csv").is_file()


def settled(con, engine) -> None:
    from profiles.store import settle
    from tests.integration.test_profiles_store import GRIDS

    try:
        settle(con, engine, GRIDS, {"health_record": "health"})
    finally:
        con.close()
