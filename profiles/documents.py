"""Builds what changed: persons with every value's source, household profiles as JSON, bucket by bucket.

A digest is compared first (of everything a row or document is made from), so that what did not change is neither built
nor written, and a bucket at a time, so that memory does not grow with the county.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from profiles.households import stages

SHAPE = "6"  # part of every digest: raise it when documents get another shape, and all are written anew


@dataclass(frozen=True)
class Written:
    """A table whose rows are written out in buckets."""

    table: str  # in hub, and of the same name in DuckDB with its content_hash
    key: str
    statement: str  # the stage of writing.sql that builds a bucket
    bucket: int  # rows at a time: each bucket looks all values through, and stands in memory twice (30 to 60 MB)


PERSONS = Written("person_profile", "person_id", "person_row", 60_000)
PROFILES = Written("profile", "household_id", "profile_row", 30_000)


def changed_rows(con: duckdb.DuckDBPyConnection, written: Written, old: str, new: str) -> Iterator[pa.Table]:
    """The rows of ``written`` whose content differs between the tables ``old`` (believed) and ``new`` (what is so now), built
    a bucket at a time."""
    key = written.key
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE changed AS
            SELECT n.{key} AS id, (row_number() OVER (ORDER BY n.{key}) - 1) // {written.bucket} AS place
            FROM {new} n LEFT JOIN {old} o USING ({key}) WHERE o.content_hash IS DISTINCT FROM n.content_hash"""
    )
    (buckets,) = con.execute("SELECT coalesce(max(place) + 1, 0) FROM changed").fetchall()[0]
    statement = dict(stages("writing"))[written.statement]
    for place in range(buckets):
        con.execute("CREATE OR REPLACE TEMP TABLE bucket AS SELECT id FROM changed WHERE place = ?", [place])
        yield con.sql(statement).to_arrow_table()
