"""What changed in the warehouse since the last assembly: the records touched, and how they read now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from contracts.model import Contract
from profiles.facts import (
    EMPTY_TABLE,
    FACT,
    LINKS,
    MENTIONS,
    MOVED_EMPTY,
    ROWS,
    Mentions,
    all_of,
    empty_places,
    read_rows,
    told,
)
from profiles.known import CATALOG
from warehouse.snapshot import Horizon, Snapshot, changed
from warehouse.touched import tables_present, touched, touched_since

# A link's record key with and without the suffix that names a further person of the row (#mother, #1).
_LINKED = f"""SELECT record_key FROM hub.person_link l WHERE {changed("l")}
UNION SELECT regexp_replace(record_key, '#[^#]*$', '') FROM hub.person_link l WHERE {changed("l")}"""
OPEN_LINKS = "SELECT count(*) AS n FROM hub.person_link WHERE recorded_to IS NULL"
MENTIONED = "SELECT count(*) AS n FROM hub.mention"


@dataclass(frozen=True)
class Changes:
    """Records touched and how they read now; a touched record that is in none of the tables is gone.

    ``keys``: the touched records' keys. ``facts``: as table ``fact``. ``rows``: as the tables of profiles.facts.ROWS.
    """

    keys: pa.Table
    facts: pa.Table
    rows: Mapping[str, pa.Table]
    empty_places: pa.Table


def touched_keys(
    con: duckdb.DuckDBPyConnection, moment: Snapshot, contracts: Mapping[str, Contract], horizon: Horizon
) -> list[str] | None:
    """Keys of the records whose rows, links or places were written since ``horizon``; None if that can't be told.

    ``con`` knows the last assembly's ``fact``.
    """
    since = moment.since(horizon)
    if since is None:
        return None
    present = tables_present(moment)
    parts = [_LINKED, *touched(contracts, present, also={table for table, _ in ROWS.values()}), *([MOVED_EMPTY] if EMPTY_TABLE in present else [])]
    keys, places = touched_since(moment, parts, since)
    con.register("place", places)
    found = con.execute("SELECT DISTINCT base_key FROM fact JOIN place USING (address)").fetchall()
    con.unregister("place")
    return sorted(keys.union(key for (key,) in found))


def read_changes(con: duckdb.DuckDBPyConnection, moment: Snapshot, keys: Sequence[str]) -> Changes:
    """The records of those keys as they read now; put together in a cursor of ``con``."""
    mentions = moment.read(f"{MENTIONS} WHERE base_key = ANY(:keys)", {"keys": list(keys)})
    links = moment.read(
        f"{LINKS} AND record_key = ANY(:keys)", {"keys": sorted(set(mentions["record_key"].to_pylist()))}
    )
    with con.cursor() as cursor:
        cursor.register("mention", mentions)
        cursor.register("link", links)
        facts = cursor.sql(FACT).to_arrow_table()
    return Changes(
        pa.table({"record_key": pa.array(keys, pa.string())}),
        facts,
        read_rows(moment, keys),
        empty_places(moment, keys),
    )


def known_mentions(con: duckdb.DuckDBPyConnection, moment: Snapshot, changes: Changes) -> Mentions:
    """All mentions as they read now, from the last assembly's ``fact`` (as committed, whatever ``con`` does meanwhile) and
    the changes; None while some are not linked."""
    number, cursor = moment.begin({"mentions": MENTIONED})["mentions"], con.cursor()

    def read(columns: Sequence[str]) -> pa.Table | None:
        cursor.register("touched", changes.keys)
        cursor.register("changed", changes.facts)
        cursor.execute(
            f"""CREATE OR REPLACE TEMP VIEW now AS FROM {CATALOG}.fact WHERE base_key NOT IN (SELECT record_key FROM touched)
                UNION ALL FROM changed"""
        )
        return all_of(told(cursor, "now", columns), number.result()["n"][0].as_py())

    return read


def counts(moment: Snapshot) -> Callable[[], dict[str, int]]:
    """Begin to count open rows by what they are read into: where they differ from what is known, rows were deleted. To be asked for
    before the moment is over."""
    present = tables_present(moment)
    asked = {name: f"SELECT count(*) AS n FROM record.{table} WHERE recorded_to IS NULL"
             for name, (table, _) in ROWS.items() if table in present}  # fmt: skip
    asked["fact"] = OPEN_LINKS
    union = " UNION ALL ".join(f"SELECT '{name}' AS name, n FROM ({sql}) AS counted" for name, sql in asked.items())
    counted = moment.begin({"counts": union})["counts"]
    return lambda: {row["name"]: row["n"] for row in counted.result().to_pylist()}
