"""A department's table: late rows, rows without a place in the order, drift, forbidden columns."""

from __future__ import annotations

import sqlite3
import traceback
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from connectors.connection import parse
from connectors.errors import DeliveryRefused, PermanentError, TransientError
from connectors.registry import connector_for
from connectors.testing import FETCHED, contract_of


@pytest.fixture
def exchange(tmp_path):
    path = tmp_path / "psb.db"
    link = sqlite3.connect(path, isolation_level=None)
    link.execute("CREATE TABLE GA (id, name, phone, note, updated)")
    link.execute("CREATE VIEW people AS SELECT * FROM GA")
    yield link, parse("people_source", f"sqlite:///{path}")
    link.close()


def sql_contract(**options):
    return contract_of(
        "sql", {"table": "PEOPLE", "key": "id", "updated": "updated", "overlap_minutes": 60, "page_rows": 3, **options}
    )


def put(link, *rows):
    link.executemany("INSERT INTO GA VALUES (?, ?, ?, ?, ?)", [(i, "x", None, None, t) for i, t in rows])


def test_rows_that_come_late_are_found_and_future_ones_hide_nothing(exchange, tmp_path, land, rows_of):
    link, connection = exchange
    put(link, ("A", "2026-11-20T08:00:00"), ("B", "2026-11-20 11:30:00"), ("F", "2027-01-01T00:00:00"))
    (first,) = land(sql_contract(), connection, tmp_path / "l")
    assert rows_of([first], "id") == ["A", "B", "F"]
    assert first.manifest["watermark"] == {"after": "2026-11-20T11:30:00"}
    put(link, ("LATE", "2026-11-20T10:31:00"), ("OLD", "2026-11-20T10:29:59"), ("N", "2026-11-20T12:30:00"))
    (second,) = land(
        sql_contract(), connection, tmp_path / "l", first.manifest["watermark"], FETCHED + timedelta(hours=2)
    )
    assert rows_of([second], "id") == ["LATE", "B", "N", "F"]
    assert second.manifest["watermark"] == {"after": "2026-11-20T12:30:00"}


def test_rows_without_time_or_key_and_rows_at_one_place_are_read(exchange, tmp_path, land, rows_of):
    link, connection = exchange
    same = [("T", "2026-11-20T08:00:00")] * 11  # more than three pages at one time and key
    put(link, *same, (None, "2026-11-20T09:00:00"), ("NT", None), ("ET", ""), ("Z", "2026-11-20T10:00:00"))
    for order in ({}, {"after": "2026-11-20T08:00:00"}):
        (batch,) = land(sql_contract(), connection, tmp_path / str(len(order)), order)
        assert sorted(map(str, rows_of([batch], "id"))) == sorted(["T"] * 11 + ["None", "NT", "ET", "Z"])


def test_drift_of_a_table_is_said_and_a_lost_required_column_refused(exchange, tmp_path, land, rows_of):
    link, connection = exchange
    put(link, ("A", "2026-11-20T08:00:00"))
    link.execute("DROP VIEW people")
    link.execute("CREATE VIEW people AS SELECT id AS ID, name, 'x1' AS LXDH, 7 AS extra, updated FROM GA")
    made = sql_contract()
    fields = [replace(f, aliases=("LXDH",)) if f.name == "phone" else f for f in made.table.fields]
    made = replace(made, tables=(replace(made.table, fields=tuple(fields)),))
    (batch,) = land(made, connection, tmp_path / "l")
    assert rows_of([batch], "id", "phone", "note", "_extra") == [("A", "x1", None, '{"extra":"7"}')]
    assert {(d["column"], d["kind"]) for d in batch.manifest["drift"]} == {
        ("phone", "renamed"),
        ("note", "missing"),
        ("extra", "added"),
    }
    link.execute("DROP VIEW people")
    link.execute("CREATE VIEW people AS SELECT name, id AS other, updated FROM GA")
    with pytest.raises((DeliveryRefused, PermanentError), match="id"):
        land(sql_contract(), connection, tmp_path / "m")
    link.execute("DROP VIEW people")
    with pytest.raises(PermanentError, match="table PEOPLE is not in the database"):
        land(sql_contract(), connection, tmp_path / "m")


def test_a_database_that_is_not_there_is_not_made(tmp_path, land):
    with pytest.raises((TransientError, PermanentError)) as caught:
        land(sql_contract(), parse("people_source", f"sqlite:///{tmp_path}/none.db"), tmp_path / "l")
    assert not (tmp_path / "none.db").exists() and str(tmp_path) not in "".join(
        traceback.format_exception(caught.value)
    )


def test_forbidden_columns_of_a_table_leave_nothing_but_their_or(exchange, tmp_path, land, rows_of):
    link, connection = exchange
    link.execute("DROP VIEW people")
    link.execute("CREATE VIEW people AS SELECT id, name, updated, '诊断X' AS 健康状况, 0 AS f1, 1 AS f2 FROM GA")
    put(link, ("A", "2026-11-20T08:00:00"))
    made = replace(
        sql_contract(), forbidden=("健康状况", "f1", "f2"), derive={"phone": ("f1", "f2")}, keep_unreadable=False
    )
    (batch,) = land(made, connection, tmp_path / "l")
    assert rows_of([batch], "id", "phone", "_extra") == [("A", "true", None)]
    for file in (tmp_path / "l").rglob("*"):
        assert not file.is_file() or "诊断X".encode() not in file.read_bytes()
    assert list(batch.raw_pages()) == [], "a table has no bytes of its own"


def test_text_that_is_no_utf8_costs_only_its_bytes(exchange, tmp_path, land, rows_of):
    link, connection = exchange
    put(link, ("A", "2026-11-20T08:00:00"), ("B", "2026-11-20T08:00:01"))
    link.execute("UPDATE GA SET name = CAST(x'E78E8BFF41' AS TEXT) WHERE id = 'A'")
    (batch,) = land(sql_contract(), connection, tmp_path / "l")
    assert rows_of([batch], "id", "name") == [("A", "王\\xffA"), ("B", "x")]


def test_names_are_found_and_quoted_whatever_their_case(new_database, tmp_path, land, rows_of):
    url = sa.make_url(new_database()).set(drivername="postgresql+psycopg2")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as link:
        link.execute(sa.text('CREATE SCHEMA "Ga"'))
        link.execute(sa.text('CREATE TABLE "Ga"."PEOPLE" ("ID" char(3), "Name" int, phone numeric, note date, "UPDATED" timestamp)'))
        link.execute(sa.text("""INSERT INTO "Ga"."PEOPLE" VALUES ('A', 7, 1.50, '2026-11-01', '2026-11-20 08:00:00.25')"""))
    made, connection = sql_contract(table="Ga.people"), parse("people_source", url.render_as_string(hide_password=False))
    (batch,) = land(made, connection, tmp_path / "l")
    columns = ("id", "name", "phone", "note", "updated")
    assert rows_of([batch], *columns) == [("A  ", "7", "1.50", "2026-11-01", "2026-11-20T08:00:00.250000")]
    assert batch.manifest["watermark"] == {"after": "2026-11-20T08:00:00.250000"} and batch.manifest["drift"] == []


def test_a_backend_that_is_ended_in_mid_read_costs_no_row(new_database, tmp_path, land):
    url = sa.make_url(new_database()).set(drivername="postgresql+psycopg2")
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as link:
        link.execute(sa.text("CREATE TABLE people (id text, name text, phone text, note text, updated timestamptz)"))
        fill = "INSERT INTO people SELECT 'K' || n, 'x', '1', '', '2026-11-20 08:00+08'::timestamptz + n * interval '1 second'"
        link.execute(sa.text(f"{fill} FROM generate_series(1, 20) n"))
        (size,) = link.execute(sa.text("SELECT count(*) FROM people")).one()
    made, connection = sql_contract(), parse("people_source", url.render_as_string(hide_password=False))
    (read,) = connector_for(made, land.patience).plan(made, connection, {})
    found, ended = [], 0
    for page in connector_for(made, land.patience).pages(made, connection, replace(read, fetched_at=FETCHED)):
        found += page.rows["updated"].to_pylist()
        with engine.connect() as link:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
            ended += len(link.execute(sa.text(others)).all())
    assert ended >= 1 and size == 20
    assert found == [f"2026-11-20T08:00:{n:02d}" for n in range(1, 21)]
    assert page.watermark == {"after": "2026-11-20T08:00:20"}
