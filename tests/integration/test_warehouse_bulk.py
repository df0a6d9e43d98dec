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
from warehouse.tables import link_run, person, person_event, ticket


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


def _persons(first: int, many: int) -> pa.Table:
    ids = pa.array([f"P{number:09}" for number in range(first, first + many)])
    return pa.table({"person_id": ids, "recorded_from": pa.repeat(pa.scalar(datetime.now(UTC), pa.timestamp("us", "UTC")), many)})


def _events(persons: pa.Table) -> pa.Table:
    minted = pa.repeat("minted", persons.num_rows)
    return persons.append_column("kind", minted).append_column("cause", minted)


def test_a_transaction_writes_all_or_nothing(engine):
    def write(transaction: bulk.Writing) -> None:
        transaction.append(person, _persons(1, 3))
        transaction.stage({"gone": pa.table({"person_id": ["P000000002", "P000000007"]})})
        assert transaction.execute("UPDATE hub.person p SET replaced_by = :by FROM gone g WHERE g.person_id = p.person_id", {"by": "O'Brien %s :x"}) == 1
        assert transaction.ask("SELECT count(*), max(replaced_by) FROM hub.person") == [(3, "O'Brien %s :x")]

    for _ in range(2):  # staged tables are gone with their transaction
        with pytest.raises(RuntimeError), bulk.writing(engine) as transaction:
            write(transaction)
            raise RuntimeError("the caller fails")
        assert bulk.read_arrow(engine, "SELECT FROM hub.person").num_rows == 0
    with bulk.writing(engine) as transaction:
        write(transaction)
    assert bulk.read_arrow(engine, "SELECT person_id FROM hub.person WHERE replaced_by IS NOT NULL")["person_id"].to_pylist() == ["P000000002"]
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM hub.person"))


def test_json_text_goes_straight_into_jsonb(engine):
    rows = pa.table({"model_version": ["straight"] * 3, "figures": ['{"名": "it\\u0027s"}', None, "[1, null]"],
                     "recorded_from": pa.repeat(pa.scalar(datetime.now(UTC), pa.timestamp("us", "UTC")), 3)})  # fmt: skip
    found = "SELECT figures FROM hub.link_run WHERE model_version = 'straight'"
    with bulk.writing(engine) as transaction:
        transaction.append(link_run, rows.take([0, 2]))
        assert transaction.ask(f"{found} ORDER BY run_id") == [('{"名": "it\'s"}',), ("[1, null]",)]
        transaction.execute("DELETE FROM hub.link_run WHERE model_version = :version", {"version": "straight"})
    for refused in (rows, rows.take([0]).set_column(1, "figures", pa.array(["{130731199001010012"]))):
        with pytest.raises(QueryError) as caught, bulk.writing(engine) as transaction:
            transaction.append(link_run, refused)
        assert "130731199001010012" not in str(caught.value)
    assert bulk.read_arrow(engine, found).num_rows == 0


def test_the_first_rows_of_a_table_leave_its_indexes_as_they_were(engine):
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'hub' AND tablename IN ('person', 'person_event') ORDER BY indexdef"
    before = bulk.read_arrow(engine, indexes)["indexdef"].to_pylist()
    assert len(before) == 2
    rows = _persons(1, 20_000)
    with pytest.raises(RuntimeError), bulk.writing(engine) as transaction:
        transaction.append(person_event, _events(rows))
        raise RuntimeError("the caller fails")
    assert bulk.read_arrow(engine, indexes)["indexdef"].to_pylist() == before
    with engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM hub.person_event"))  # somebody reads: nobody waits for him, the indexes stay
        with pytest.raises(RuntimeError), bulk.writing(engine) as transaction:
            transaction.append(person_event, _events(rows))
            assert len(transaction.ask(indexes)) == len(before)
            raise RuntimeError("the caller fails")
    for first in (1, 20_001):  # into an empty table, then into one that is not
        rows = _persons(first, 20_000)
        with bulk.writing(engine) as transaction:
            transaction.append(person, rows)
            transaction.append(person_event, _events(rows))
        assert bulk.read_arrow(engine, indexes)["indexdef"].to_pylist() == before
    with engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        assert connection.execute(text("SELECT count(*) FROM hub.person_event WHERE person_id IN ('P000000007', 'P000020007')")).scalar() == 2
    with pytest.raises(QueryError, match="refused") as refused, bulk.writing(engine) as transaction:
        transaction.append(person, _persons(7, 1))
    assert "P000000007" not in str(refused.value)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE hub.person, hub.person_event"))


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
