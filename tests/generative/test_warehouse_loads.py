"""Whatever arrives in whatever order: reload is idempotent, no row vanishes, the newest stands (入库性质)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contracts.model import Mode

EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEYS = st.sampled_from(["P1", "P2", "P3"])
ROW = st.fixed_dictionaries({"key": KEYS, "order": st.integers(1, 4), "name": st.sampled_from(["李娜", "王芳", "张伟"])})
BATCHES = st.lists(st.tuples(st.lists(ROW, max_size=5), st.integers(0, 2)), min_size=1, max_size=5)


@pytest.fixture
def hub(small, small_hub):
    made = small_hub(small.register)

    def empty() -> None:
        names = [row["name"] for row in made.rows(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables "
            "WHERE schemaname IN ('hub', 'record') AND tablename <> 'alembic_version'")]  # fmt: skip
        with made.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {', '.join(names)}"))

    made.empty = empty
    return made


def load(hub, contract, numbered) -> None:
    """``numbered``: (day of the fetch, (rows, number of quarantined ones))."""
    for day, (rows, aside) in numbered:
        # a department says the same of a person at the same moment, whoever asks
        said = [{**row, "hash": f"{row['name']}"} for row in rows]
        counts = hub.load(contract, said, quarantined=[{}] * aside, day=day)
        assert counts.landed == counts.inserted + counts.changed + counts.unchanged + counts.superseded + counts.quarantined


def open_rows(hub) -> dict:
    return hub.open("small_register", "name", "source_order", "state", "content_hash")


def everything(hub) -> list[dict]:
    return hub.rows("SELECT * FROM record.small_register ORDER BY record_key, recorded_from, recorded_to")


@EXAMPLES
@given(batches=BATCHES)
def test_loading_again_changes_nothing(hub, small, batches):
    hub.empty()
    load(hub, small.register, list(enumerate(batches, 1)))
    before = everything(hub), hub.rows("SELECT * FROM hub.batch ORDER BY batch_id"), hub.rows("SELECT * FROM hub.feed_state")
    load(hub, small.register, list(enumerate(batches, 1)))
    assert (everything(hub), hub.rows("SELECT * FROM hub.batch ORDER BY batch_id"), hub.rows("SELECT * FROM hub.feed_state")) == before


@EXAMPLES
@given(batches=BATCHES, data=st.data())
def test_the_order_of_batches_does_not_matter_for_what_is_believed(hub, small, batches, data):
    numbered = list(enumerate(batches, 1))
    hub.empty()
    load(hub, small.register, numbered)
    believed = open_rows(hub)
    hub.empty()
    load(hub, small.register, data.draw(st.permutations(numbered)))
    assert open_rows(hub) == believed


@EXAMPLES
@given(batches=BATCHES)
def test_the_newest_row_of_every_key_stands(hub, small, batches):
    hub.empty()
    load(hub, small.register, list(enumerate(batches, 1)))
    newest: dict = {}
    for day, (rows, _) in enumerate(batches, 1):
        for number, row in enumerate(rows, 1):
            rank = (row["order"], day, number)
            if rank > newest.get(row["key"], (0, 0, 0, ""))[:3]:
                newest[row["key"]] = (*rank, row["name"])
    assert hub.open("small_register", "name", "source_order") == {k: (v[3], v[0]) for k, v in newest.items()}


@EXAMPLES
@given(batches=BATCHES)
def test_no_row_vanishes_and_history_has_no_gap(hub, small, batches):
    hub.empty()
    load(hub, small.register, list(enumerate(batches, 1)))
    landed = sum(len(rows) + aside for rows, aside in batches)
    assert hub.rows("SELECT sum(landed)::int AS n FROM hub.batch") == [{"n": landed}]
    assert hub.rows("SELECT count(*)::int AS n FROM hub.quarantine") == [{"n": sum(aside for _, aside in batches)}]
    versions: dict = {}
    for row in everything(hub):
        versions.setdefault(row["record_key"], []).append(row)
    for history in versions.values():
        assert [row["recorded_to"] for row in history[:-1]] == [row["recorded_from"] for row in history[1:]]
        assert history[-1]["recorded_to"] is None
        assert all(row["recorded_to"] is None or row["recorded_from"] < row["recorded_to"] for row in history)


MONTHS = st.lists(st.sets(KEYS), min_size=1, max_size=4)


@EXAMPLES
@given(months=MONTHS, data=st.data())
def test_the_order_of_months_does_not_matter_for_who_is_present(hub, small, months, data):
    """A record is present if the latest month has it, and known if any month has."""
    snapshot = replace(small.register, mode=Mode.SNAPSHOT, order_field=None)
    hub.empty()
    for index in data.draw(st.permutations(range(len(months)))):
        rows = [{"key": key, "name": f"{key} {index}"} for key in sorted(months[index])]
        hub.load(snapshot, rows, day=index + 1, period=f"2026{index + 1:02}")
    known = set().union(*months)
    newest = {key: max(i for i, month in enumerate(months) if key in month) for key in known}
    assert hub.open("small_register", "state", "name") == {
        key: ("present" if key in months[-1] else "vanished", f"{key} {newest[key]}") for key in known
    }
