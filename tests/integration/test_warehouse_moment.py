"""Many readings of one moment: what is committed between them is not seen, and errors tell no values."""

from __future__ import annotations

import pyarrow as pa
import pytest
from sqlalchemy import text

from warehouse.engine import engine_for
from warehouse.errors import QueryError
from warehouse.moment import moment


@pytest.fixture(scope="module")
def engine(new_database):
    made = engine_for(new_database())
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE people AS SELECT generate_series(1, 5000) AS n"))
    yield made
    made.dispose()


def test_every_reading_sees_the_warehouse_as_it_was_at_the_first(engine) -> None:
    count = {name: "SELECT count(*) AS n FROM people" for name in "abc"}
    with moment(engine) as now:
        before = now.tables({"first": count["a"]})["first"].result()
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM people WHERE n > 4990"))
        with now.batches("SELECT n FROM people") as rows:
            streamed = sum(batch.num_rows for batch in rows)
        after = [table.result() for table in now.tables(count).values()]
    assert [t["n"].to_pylist() for t in (before, *after)] == [[5000]] * 4 and streamed == 5000
    with moment(engine) as now:
        assert now.tables(count)["a"].result()["n"].to_pylist() == [4990]


def test_numeric_and_json_come_as_they_do_from_a_single_reading(engine) -> None:
    with moment(engine) as now:
        table = now.tables({"t": "SELECT sum(n::bigint) AS total, jsonb_build_object('a', 1) AS j FROM people"})["t"].result()
    assert table.schema.field("total").type == pa.float64() and table["j"].to_pylist() == ['{"a": 1}']


def test_what_can_not_be_read_says_so_without_values_and_holds_up_nobody(engine) -> None:
    with moment(engine) as now:
        futures = now.tables({"bad": "SELECT 'secret'::date FROM people", "worse": "SELECT nothing FROM people"})
        with pytest.raises(QueryError) as refused:
            futures["bad"].result()
    assert "secret" not in str(refused.value)


def test_nothing_can_be_written_over_it(engine) -> None:
    with pytest.raises(QueryError), moment(engine) as now:
        now.tables({"write": "DELETE FROM people RETURNING n"})["write"].result()
