"""Arrow in and out of PostgreSQL, and errors that keep persons' values to themselves (批量读写)."""

from __future__ import annotations

import traceback
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from warehouse import bulk
from warehouse.engine import engine_for
from warehouse.errors import QueryError
from warehouse.tables import link_run, ticket


@pytest.fixture(scope="module")
def engine(postgres_url):
    made = engine_for(postgres_url)
    yield made
    made.dispose()


EVERY_TYPE = pa.table(
    {
        "text": ["张三", None, ""],
        "number": pa.array([1, None, -(2**62)], pa.int64()),
        "share": pa.array([0.5, None, 1e300]),
        "flag": [True, None, False],
        "day": [date(1949, 12, 31), None, date(9999, 12, 31)],
        "moment": pa.array([datetime(2026, 11, 20, tzinfo=UTC), None, datetime(1901, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        "list": pa.array([["a", "b"], None, []], pa.list_(pa.string())),
    }
)


def test_what_is_staged_comes_back_the_same(engine):
    name = bulk.stage(engine, "every type", EVERY_TYPE)
    assert bulk.read_arrow(engine, f"SELECT * FROM {name}").to_pydict() == EVERY_TYPE.to_pydict()


def test_stages_are_unlogged_and_start_over(engine):
    for _ in range(2):
        bulk.stage(engine, "again", EVERY_TYPE)
    found = bulk.read_arrow(engine, "SELECT relpersistence::text AS kept FROM pg_class WHERE relname = 'again'")
    assert found["kept"].to_pylist() == ["u"]
    bulk.sweep(engine, "aga")
    assert bulk.read_arrow(engine, "SELECT 1 AS n FROM pg_class WHERE relname = 'again'").num_rows == 0


def test_null_columns_dictionaries_and_nul_characters_can_be_staged(engine):
    table = pa.table({"nothing": pa.nulls(2), "code": pa.array(["1", "1"]).dictionary_encode(), "text": ["a\x00b", "c"]})
    name = bulk.stage(engine, "odd", table)
    assert bulk.read_arrow(engine, f"SELECT * FROM {name}").to_pydict() == {
        "nothing": [None, None], "code": ["1", "1"], "text": ["a␀b", "c"],
    }  # fmt: skip


@pytest.mark.parametrize("value", ["O'Brien", "a%b", ":x", "\\", '"; DROP TABLE x; --', "张三"])
def test_parameters_are_quoted_whatever_they_hold(engine, value):
    found = bulk.read_arrow(engine, "SELECT CAST(:value AS text) AS back, '%' AS percent", {"value": value})
    assert found.to_pydict() == {"back": [value], "percent": ["%"]}


def test_sums_counts_and_json_come_as_plain_types(engine):
    found = bulk.read_arrow(engine, "SELECT sum(n::bigint) AS sum, count(*) AS n, jsonb_build_object('a', 1) AS doc FROM generate_series(1, 4) AS n")
    assert found.schema.types == [pa.float64(), pa.int64(), pa.string()]
    assert found.to_pydict() == {"sum": [10.0], "n": [4], "doc": ['{"a": 1}']}


def test_a_type_nobody_uses_is_said(engine):
    with pytest.raises(ValueError, match="no PostgreSQL type for Arrow's"):
        bulk.stage(engine, "odd", pa.table({"x": pa.array([b"bytes"])}))


def test_append_moves_rows_within_the_callers_transaction(engine):
    rows = pa.table({"model_version": ["1"], "figures": ['{"pairs": 3}'], "recorded_from": pa.array([datetime.now(UTC)], pa.timestamp("us", "UTC"))})
    with pytest.raises(RuntimeError), engine.begin() as connection:
        assert bulk.append(connection, link_run, rows) == 1
        raise RuntimeError("the caller fails")
    assert bulk.read_arrow(engine, "SELECT 1 FROM hub.link_run").num_rows == 0
    with engine.begin() as connection:
        bulk.append(connection, link_run, rows)
        assert bulk.append(connection, ticket, pa.table({"department": pa.array([], pa.string())})) == 0
    assert bulk.read_arrow(engine, "SELECT figures ->> 'pairs' AS pairs FROM hub.link_run")["pairs"].to_pylist() == ["3"]


SECRET = "130731199001010012"


@pytest.mark.parametrize("statement", [
    "INSERT INTO secret VALUES (:value), (:value)",  # DETAIL: Key (id)=(…) already exists
    "INSERT INTO secret (day) VALUES (CAST(:value AS date))",  # the message itself repeats the value
    "INSERT INTO secret (small) VALUES (:value)",
    "INSERT INTO secret (id, small) VALUES (:value, '1'), ('x', '13')",
    "SELECT * FROM nowhere WHERE id = :value",
])  # fmt: skip
def test_errors_carry_no_value(engine, statement):
    with engine.connect() as connection:
        connection.execute(text("CREATE TEMP TABLE secret (id text PRIMARY KEY, day date, small varchar(1))"))
        with pytest.raises(DBAPIError) as caught:
            connection.execute(text(statement), {"value": SECRET})
    said = [str(caught.value), repr(caught.value), str(caught.value.orig), repr(caught.value.orig)]
    assert not any(SECRET in each for each in said)
    assert "SQLSTATE" in said[0]


@pytest.mark.parametrize(("statement", "said"), [
    ("SELECT CAST(:value AS date)", "a value was refused"),
    ("SELECT * FROM nowhere WHERE id = :value", 'relation "nowhere" does not exist'),
    ("SELECT 1 / 0 WHERE :value <> ''", "a value was refused"),
])  # fmt: skip
def test_errors_of_arrow_reads_do_not_repeat_the_statement(engine, statement, said):
    with pytest.raises(QueryError, match=said) as caught:
        bulk.read_arrow(engine, statement, {"value": SECRET})
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_is_gone_is_said_without_its_password():
    with pytest.raises(QueryError, match="no answer") as caught:
        bulk.read_arrow(engine_for(f"postgresql://u:{SECRET}@127.0.0.1:1/x"), "SELECT 1")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_any_way_to_write_the_url_will_do(postgres_url, scheme):
    made = engine_for(postgres_url.replace("postgresql", scheme, 1))
    with made.connect() as connection:
        assert connection.execute(text("SHOW timezone")).scalar() == "UTC"
    assert bulk.read_arrow(made, "SELECT 1 AS one")["one"].to_pylist() == [1]
    made.dispose()
