"""Correction tickets (校核单): what a department is asked to verify, and when a ticket closes."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
import pytest
from sqlalchemy import text

from profiles.households import run_stages
from profiles.tickets import BELIEVED, TICKETS, ticket_changes, write_tickets
from warehouse.bulk import read_arrow, writing
from warehouse.engine import engine_for

DEPARTMENTS = {
    "psb_register": "public_security",
    "health_record": "health",
    "civil_old_age_allowance": "civil_affairs",
    "civil_death": "civil_affairs",
    "market_entity": "market_regulation",
    "grid_visit": "grid",
}
FACT = {
    "person_id": "VARCHAR", "feed": "VARCHAR", "record_key": "VARCHAR", "name": "VARCHAR", "sex": "VARCHAR", "birth_date": "DATE",
    "birth_precision": "VARCHAR", "id_number": "VARCHAR", "own": "BOOLEAN", "ended": "BOOLEAN", "dead": "BOOLEAN",
}  # fmt: skip
WANG = {"name": "王建国", "sex": "1", "birth_date": date(1950, 5, 12), "id_number": "130731195005120017"}


class Facts:
    """What assembly knows of one person P1 whom the register knows as WANG; ``raised`` are the open tickets."""

    def __init__(self, engine) -> None:
        self.engine, self.rows = engine, []
        self.say("psb_register", "R1")

    def say(self, feed: str, key: str, **cells) -> None:
        """A record of P1 that agrees with the register but for ``cells``; said again, it replaces what it said."""
        self.rows = [row for row in self.rows if row["record_key"] != key]
        self.rows.append(
            {
                "person_id": "P1",
                "feed": feed,
                "record_key": key,
                "own": True,
                "ended": False,
                "dead": False,
                "birth_precision": "day",
                **WANG,
                **cells,
            }
        )

    def assemble(self) -> tuple[int, int]:
        """One assembly: how many tickets it opened and closed."""
        with duckdb.connect() as con:
            con.execute("CREATE TABLE fact (" + ", ".join(f"{n} {t}" for n, t in FACT.items()) + ")")
            for row in self.rows:
                con.execute(
                    f"INSERT INTO fact ({', '.join(row)}) VALUES ({', '.join('?' for _ in row)})", list(row.values())
                )
            stands = ", ".join(f"'{value}' AS {attribute}" for attribute, value in WANG.items())
            con.execute(f"CREATE TABLE provenance AS SELECT 'P1' AS person_id, 'psb_register' AS feed, {stands}")
            con.register("department", pa.table({"feed": list(DEPARTMENTS), "department": list(DEPARTMENTS.values())}))
            run_stages(con, "ticket")
            con.register("old_ticket", read_arrow(self.engine, BELIEVED))
            changes = ticket_changes(con, "old_ticket", "ticket")
        with writing(self.engine) as transaction:
            write_tickets(transaction, changes, datetime.now(UTC))
        return tuple(changes[name].num_rows for name in TICKETS)

    def raised(self) -> list[tuple]:
        statement = "SELECT department, record_key, attribute, kind, detail FROM hub.ticket WHERE recorded_to IS NULL ORDER BY 1, 2, 3"
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]


@pytest.fixture
def facts(new_database):
    engine = engine_for(new_database())
    yield Facts(engine)
    engine.dispose()


def test_a_record_that_agrees_raises_nothing(facts: Facts) -> None:
    facts.say("health_record", "A1")
    assert facts.assemble() == (0, 0) and facts.raised() == []


@pytest.mark.parametrize(
    ("attribute", "typed"),
    [("name", "王建帼"), ("sex", "2"), ("birth_date", date(1950, 12, 5)), ("id_number", "130731195005120025")],
)
def test_a_value_typed_otherwise_than_the_register_asks_its_department(facts: Facts, attribute: str, typed) -> None:
    facts.say("health_record", "A1", **{attribute: typed})
    facts.assemble()
    assert facts.raised() == [("health", "A1", attribute, "differs_from_register", {"against": ["psb_register"]})]


@pytest.mark.parametrize(
    "cells",
    [
        {"name": None}, {"name": "王*"}, {"name": "李娜之子"}, {"sex": "9"}, {"birth_date": date(1950, 1, 1), "birth_precision": "year"},
        {"id_number": None}, {"name": "王建帼", "ended": True}, {"name": "李娜", "own": False},
    ],
)  # fmt: skip
def test_what_says_nothing_against_the_register_asks_nobody(facts: Facts, cells: dict) -> None:
    facts.say("health_record", "A1", **cells)
    assert facts.assemble() == (0, 0)


def test_a_visit_is_verified_by_the_next_visit_not_by_a_ticket(facts: Facts) -> None:
    facts.say("grid_visit", "V1#0", name="王建帼")
    assert facts.assemble() == (0, 0)


def test_whoever_keeps_a_dead_person_as_active_is_told_by_whom_he_is_reported_dead(facts: Facts) -> None:
    facts.say("civil_old_age_allowance", "N1")
    facts.say("civil_death", "D1", dead=True)
    facts.assemble()
    against = {"against": ["civil_death"]}
    assert facts.raised() == [
        ("civil_affairs", "N1", "life", "dead_but_active", against),
        ("public_security", "R1", "life", "dead_but_active", against),
    ]


def test_a_business_run_by_a_dead_person_is_asked_about(facts: Facts) -> None:
    facts.say("psb_register", "R1", dead=True, ended=True)
    facts.say("market_entity", "U1", own=False)
    facts.assemble()
    assert facts.raised() == [("market_regulation", "U1", "life", "dead_but_active", {"against": ["psb_register"]})]


def test_a_ticket_stays_open_while_it_holds_and_closes_when_it_is_put_right(facts: Facts) -> None:
    facts.say("health_record", "A1", sex="2")
    assert facts.assemble() == (1, 0)
    assert facts.assemble() == (0, 0)
    facts.say("health_record", "A1")
    assert facts.assemble() == (0, 1) and facts.raised() == []
    with facts.engine.connect() as connection:
        (row,) = connection.execute(text("SELECT state, recorded_to IS NOT NULL FROM hub.ticket"))
    assert tuple(row) == ("closed", True)


def test_a_ticket_tells_no_value_of_another_department(facts: Facts) -> None:
    facts.say(
        "health_record", "A1", name="王建帼", sex="2", birth_date=date(1950, 12, 5), id_number="130731195005120025"
    )
    facts.assemble()
    told = str([row[4] for row in facts.raised()])
    assert len(facts.raised()) == 4 and not any(str(value) in told for value in WANG.values())
