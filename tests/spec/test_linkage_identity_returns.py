"""Person ids that come back: what was merged and parts again has the number it had before."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from linkage.identity import identify


def returned(before: dict[str, tuple[str, list[str]]], now: list[str]) -> dict[str, str]:
    """``before``: record → (person, the numbers it had that went into another); ``now``: clusters as strings of records. record → person."""
    records = sorted("".join(now))
    label = {r: records.index(min(cluster)) for cluster in now for r in cluster}
    number = pa.array(range(len(records)), pa.int32())
    with duckdb.connect() as con:
        con.register("form", pa.table({"i": number, "feed": ["f"] * len(records), "record_key": records}))
        con.register("labelled", pa.table({"i": number, "e": pa.array([label[r] for r in records], pa.int32())}))
        con.register("trusted", pa.table({"i": pa.array([], pa.int32())}))
        con.register("previous", pa.table({
            "i": pa.array([records.index(r) if r in records else -1 - k for k, r in enumerate(before)], pa.int32()), "person_id": pa.array([p for p, _ in before.values()]),
            "former": pa.array([former or None for _, former in before.values()], pa.list_(pa.string()))}))
        identify(con, highest=90)
        return dict(con.execute("SELECT record_key, person_id FROM form JOIN labelled USING (i) JOIN person_of USING (e)").fetchall())


P1, P2, P3 = "P000000001", "P000000002", "P000000003"


def test_a_merged_person_who_parts_again_gets_the_old_number_back() -> None:
    assert returned({"a": (P1, []), "b": (P1, [P2])}, ["a", "b"]) == {"a": P1, "b": P2}


def test_the_number_stays_with_those_who_had_it_before_the_others_came() -> None:
    assert returned({"a": (P1, [P2]), "b": (P1, [P2]), "c": (P1, [])}, ["ab", "c"]) == {"a": P2, "b": P2, "c": P1}


def test_of_two_merges_undone_at_once_each_gets_its_own() -> None:
    before = {"a": (P1, []), "b": (P1, [P2]), "c": (P1, [P2, P3])}
    assert returned(before, ["a", "b", "c"]) == {"a": P1, "b": P2, "c": P3}
    assert returned(before, ["a", "bc"]) == {"a": P1, "b": P2, "c": P2}


def test_a_number_somebody_holds_is_not_given_twice() -> None:
    assert returned({"a": (P1, []), "b": (P1, [P2]), "c": (P1, [P2])}, ["a", "b", "c"]) == {"a": P1, "b": P2, "c": "P000000091"}


def test_what_stays_together_stays_as_it_is() -> None:
    assert returned({"a": (P1, []), "b": (P1, [P2])}, ["ab"]) == {"a": P1, "b": P1}
