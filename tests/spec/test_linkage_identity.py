"""Person ids over time: kept, merged, split, minted."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from linkage.identity import identify


@pytest.fixture
def con():
    with duckdb.connect() as connection:
        yield connection


def given(con, before: dict[str, str], now: list[list[str]], highest: int = 0, with_id: str = "") -> tuple[dict[str, str], list[tuple]]:
    """``before``: record → person; ``now``: clusters of records. Returns record → person, and the events."""
    records = sorted(r for cluster in now for r in cluster)
    number = {r: i for i, r in enumerate(records)}
    label = {r: min(number[x] for x in cluster) for cluster in now for r in cluster}
    con.register("form", pa.table({"i": pa.array(range(len(records)), pa.int32()), "feed": ["f"] * len(records), "record_key": records}))
    con.register("labelled", pa.table({"i": pa.array(range(len(records)), pa.int32()), "e": pa.array([label[r] for r in records], pa.int32())}))
    con.register("trusted", pa.table({"i": pa.array([number[r] for r in with_id], pa.int32())}))
    con.register("previous", pa.table({"i": pa.array([number.get(r, -1 - k) for k, r in enumerate(before)], pa.int32()),
                                       "person_id": pa.array(list(before.values()), pa.string()),
                                       "former": pa.nulls(len(before), pa.list_(pa.string()))}))
    identify(con, highest)
    found = dict(con.execute("SELECT record_key, person_id FROM form JOIN labelled USING (i) JOIN person_of USING (e)").fetchall())
    return found, con.execute("SELECT person_id, kind, other_id FROM event ORDER BY ALL").fetchall()


def test_new_people_get_numbers_in_the_order_of_their_first_record(con) -> None:
    found, events = given(con, {}, [["c"], ["a", "b"]])
    assert found == {"a": "P000000001", "b": "P000000001", "c": "P000000002"}
    assert [e[1] for e in events] == ["minted", "minted"]


def test_nothing_changes_when_nothing_changed(con) -> None:
    before = {"a": "P000000007", "b": "P000000007", "c": "P000000003"}
    assert given(con, before, [["a", "b"], ["c"]]) == (before, [])


def test_a_merged_person_keeps_the_number_most_records_had(con) -> None:
    found, events = given(con, {"a": "P000000001", "b": "P000000002", "c": "P000000002"}, [["a", "b", "c"]])
    assert set(found.values()) == {"P000000002"}
    assert events == [("P000000001", "merged_into", "P000000002")]


def test_of_two_with_as_many_records_the_older_number_stays(con) -> None:
    found, _ = given(con, {"a": "P000000005", "b": "P000000002"}, [["a", "b"]])
    assert set(found.values()) == {"P000000002"}


def test_a_split_leaves_the_number_with_the_larger_part(con) -> None:
    found, events = given(con, dict.fromkeys("abc", "P000000004"), [["a"], ["b", "c"]])
    assert found == {"a": "P000000005", "b": "P000000004", "c": "P000000004"}
    assert events == [("P000000005", "split_from", "P000000004")]


def test_of_two_equal_halves_the_one_with_a_valid_id_keeps_the_number(con) -> None:
    found, _ = given(con, dict.fromkeys("ab", "P000000004"), [["a"], ["b"]], with_id="b")
    assert found == {"a": "P000000005", "b": "P000000004"}


def test_a_number_given_once_is_never_given_to_another(con) -> None:
    found, _ = given(con, {}, [["a"]], highest=41)
    assert found["a"] == "P000000042"


def test_records_that_change_sides_do_not_take_the_number_along(con) -> None:
    before = {"a": "P000000001", "b": "P000000001", "c": "P000000001", "d": "P000000002", "e": "P000000002"}
    found, events = given(con, before, [["a", "b"], ["c", "d", "e"]])
    assert found == {"a": "P000000001", "b": "P000000001", "c": "P000000002", "d": "P000000002", "e": "P000000002"}
    assert events == []
