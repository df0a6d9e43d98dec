"""Residence households (居住户), rule by rule: who lives in a dwelling, by the best of what the sources say."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pytest

from profiles.facts import ROWS, _columns
from profiles.households import assemble_households
from profiles.identity import give_ids
from profiles.survivorship import surviving_values

DAY = date(2026, 11, 1)
COLUMNS = {
    **dict.fromkeys(
        ["person_id", "feed", "record_key", "base_key", "role", "name", "former_name", "id_number", "sex", "ethnicity", "relation", "marital_status", "schooling", "phone", "group_kind", "group_key", "community_code", "compound_id", "building_id", "unit", "room", "dwelling_id", "address_text", "batch_id"],
        pa.string(),
    ),
    "birth_date": pa.date32(),
    "death_date": pa.date32(),
    "dead": pa.bool_(),
    "ended": pa.bool_(),
    "own": pa.bool_(),
    "source_time": pa.timestamp("us", tz="UTC"),
    "probability": pa.float64(),
}
DEFAULTS = {"dead": False, "ended": False, "own": True, "probability": 1.0, "batch_id": "b"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def said(person: str, feed: str, home: str | None, when: str, role: str = "holder", **more) -> dict:
    """One mention: ``feed`` says ``person`` is at ``home`` since ``when``."""
    key = f"{feed}-{person}-{when}"
    return {
        **DEFAULTS, "person_id": person, "feed": feed, "record_key": key, "base_key": key, "role": role, "name": person,
        "dwelling_id": home, "building_id": home and home.split("-")[0], "source_time": at(when), **more,
    }  # fmt: skip


def world(facts: list[dict], **rows: list[dict]) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection as profiles.facts leaves one."""
    con = duckdb.connect()
    con.execute("SET VARIABLE day = ?", [DAY])
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    table = pa.table({c: pa.array([f.get(c) for f in facts], t) for c, t in COLUMNS.items()})
    con.register("given", table)
    con.execute("CREATE TABLE fact AS SELECT * FROM given")
    for name, (_, query) in ROWS.items():
        if rows.get(name):
            con.register("given", pa.Table.from_pylist(rows[name]))
            con.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        else:
            con.execute(
                f"CREATE TABLE {name} AS SELECT {', '.join(f'NULL AS {c}' for c in _columns(query))} WHERE false"
            )
    con.execute("CREATE TABLE empty_visit (event_id VARCHAR, dwelling_id VARCHAR, visited_at TIMESTAMPTZ)")
    return con


def homes(con: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """Members by dwelling."""
    surviving_values(con)
    assemble_households(con)
    found = con.execute(
        "SELECT group_key, list(person_id) FROM membership WHERE kind = 'residence' GROUP BY 1"
    ).fetchall()
    return {key: set(people) for key, people in found}


def visit(event: str, home: str, when: str, people: list[str]) -> tuple[list[dict], dict]:
    facts = [said(p, "grid_visit", home, when, "resident", group_kind="visit", group_key=event) for p in people]
    return facts, {"event_id": event, "occurred_at": at(when), "living_status": "owned"}


def test_a_recent_visit_outranks_the_register():
    facts, row = visit("e1", "B1-1-101", "2026-10-01", ["wang"])
    con = world([*facts, said("wang", "psb_register", "B2-1-201", "2026-10-20")], visit=[row])
    assert homes(con) == {"B1-1-101": {"wang"}}


def test_a_visit_of_more_than_180_days_ago_gives_way_to_a_newer_health_archive():
    facts, row = visit("e1", "B1-1-101", "2026-03-01", ["wang"])
    con = world([*facts, said("wang", "health_record", "B2-1-201", "2026-06-01")], visit=[row])
    assert homes(con) == {"B2-1-201": {"wang"}}


def test_a_visit_of_more_than_180_days_ago_stands_against_a_health_archive_that_is_older_still():
    facts, row = visit("e1", "B1-1-101", "2026-03-01", ["wang"])
    con = world([*facts, said("wang", "health_record", "B2-1-201", "2023-01-01")], visit=[row])
    assert homes(con) == {"B1-1-101": {"wang"}}


def test_a_lapsed_permit_still_says_where_one_lives_a_cancelled_one_does_not():
    con = world(
        [
            said("li", "psb_permit", "B1-1-101", "2025-01-01"),
            said("zhao", "psb_permit", "B1-1-102", "2026-01-01", ended=True),
        ]
    )
    assert homes(con) == {"B1-1-101": {"li"}}


def test_a_pupil_lives_where_the_school_says_an_adult_guardian_is_weaker_evidence():
    child = said("child", "edu_enrolment", "B1-1-101", "2026-09-01", birth_date=date(2015, 1, 1))
    con = world([child, said("child", "health_record", "B2-1-201", "2026-09-02", birth_date=date(2015, 1, 1))])
    assert homes(con) == {"B1-1-101": {"child"}}


def test_whom_a_fresh_visit_did_not_meet_no_longer_lives_there_by_older_claims():
    facts, row = visit("e1", "B1-1-101", "2026-10-01", ["new"])
    con = world([*facts, said("old", "psb_register", "B1-1-101", "2020-01-01")], visit=[row])
    assert homes(con) == {"B1-1-101": {"new"}}


def test_who_moved_in_after_the_visit_lives_there():
    facts, row = visit("e1", "B1-1-101", "2026-09-01", ["wang"])
    con = world(
        [
            *facts,
            said("baby", "health_child_vaccination", "B1-1-101", "2026-10-15", "child", birth_date=date(2026, 10, 1)),
        ],
        visit=[row],
    )
    assert homes(con) == {"B1-1-101": {"wang", "baby"}}


@pytest.mark.parametrize("feed", ["civil_death", "psb_register"])
def test_the_dead_live_nowhere(feed: str):
    con = world(
        [
            said("gone", "health_record", "B1-1-101", "2026-01-01"),
            said("gone", feed, None, "2026-02-01", dead=True, ended=True),
        ]
    )
    assert homes(con) == {}


def test_a_guardians_death_note_in_another_role_kills_nobody():
    con = world(
        [
            said("mother", "health_record", "B1-1-101", "2026-01-01"),
            said("mother", "edu_enrolment", None, "2026-02-01", "guardian", dead=True, own=False),
        ]
    )
    assert homes(con) == {"B1-1-101": {"mother"}}


def test_a_household_keeps_its_id_while_one_member_stays_in_the_dwelling():
    con = world(
        [said("wang", "health_record", "B1-1-101", "2026-01-01"), said("li", "health_record", "B1-1-102", "2026-01-01")]
    )
    homes(con)
    con.execute(
        """CREATE TABLE old_household AS SELECT * FROM (VALUES ('R000000007', 'residence', 'B1-1-101'), ('R000000008', 'residence', 'B1-1-102')) t(household_id, kind, natural_key);
           CREATE TABLE old_member AS SELECT * FROM (VALUES ('R000000007', 'wang'), ('R000000008', 'somebody else')) t(household_id, person_id);
           CREATE TABLE highest AS SELECT 'residence' AS kind, 8 AS number"""
    )
    give_ids(con)
    given = con.execute("SELECT natural_key, household_id, is_new FROM household ORDER BY 1").fetchall()
    assert given == [("B1-1-101", "R000000007", False), ("B1-1-102", "R000000009", True)]
