"""Stable person ids (人员编号): a cluster keeps the id most of its records had; merges and splits are events.

Ids are ``P`` and nine digits, allocated after the highest known id in the order of the clusters' smallest
(feed, record_key), so the same data in any order gives the same ids, without a sequence in the database.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

_CLAIM_SQL = """
CREATE OR REPLACE TEMP TABLE claim AS
SELECT l.e, p.person_id, count(*) AS records, count(*) FILTER ({former} IS NULL) AS own, min(l.i) AS first, bool_or(t.i IS NOT NULL) AS has_id
FROM labelled l JOIN form f USING (i) JOIN previous p ON p.feed = f.feed AND p.record_key = f.record_key LEFT JOIN trusted t USING (i)
GROUP BY l.e, p.person_id
"""

# Clusters and ids that know only each other need no thought; of a day's change nearly all.
_PLAIN_SQL = """
SELECT any_value(person_id) AS person_id, e FROM claim
WHERE person_id IN (SELECT person_id FROM claim GROUP BY person_id HAVING count(*) = 1)
GROUP BY e HAVING count(*) = 1
"""


@dataclass(frozen=True)
class Identified:
    """Counts of what happened to ids."""

    kept: int
    minted: int
    merged: int
    split: int


def identify(con: duckdb.DuckDBPyConnection, highest: int = 0) -> Identified:
    """Make ``person_of`` (e, person_id) and ``event`` (person_id, kind, other_id, cause) from ``labelled``, ``trusted`` and ``previous``
    (feed, record_key, person_id: every link known before; where there is a column ``former``, the list of ids the record had that
    went into another). ``highest``: number of the last id ever given."""
    remembered = "former" in con.table("previous").columns
    con.execute(_CLAIM_SQL.format(former="p.former" if remembered else "NULL"))
    con.execute(f"CREATE OR REPLACE TEMP TABLE person_of AS SELECT e, person_id FROM ({_PLAIN_SQL})")
    _settle_disputes(con)
    if remembered:
        _give_back(con)
    con.execute(
        """INSERT INTO person_of
           SELECT e, 'P' || lpad((greatest($highest, (SELECT coalesce(max(person_id[2:]::BIGINT), 0) FROM previous)) + row_number() OVER (ORDER BY first))::VARCHAR, 9, '0')
           FROM (SELECT e, min((f.feed, f.record_key)) AS first FROM labelled JOIN form f USING (i) WHERE e NOT IN (SELECT e FROM person_of) GROUP BY e)""",
        {"highest": highest},
    )
    con.execute(_EVENT_SQL)
    counts = dict(con.execute("SELECT kind, count(*) FROM event GROUP BY kind").fetchall())
    (total,) = con.execute("SELECT count(*) FROM person_of").fetchall()[0]
    minted = counts.get("minted", 0) + counts.get("split_from", 0)
    return Identified(total - minted, minted, counts.get("merged_into", 0), counts.get("split_from", 0))


def _settle_disputes(con: duckdb.DuckDBPyConnection) -> None:
    """Clusters that merge or split ids: the claim of most records first, those before the ones that came with another id that went
    into this; ties to the oldest id, then to who has a valid ID, then to the first record."""
    disputed = con.execute(
        """SELECT e, person_id FROM claim WHERE e NOT IN (SELECT e FROM person_of)
           ORDER BY own DESC, records DESC, person_id, has_id DESC, first"""
    ).fetchall()
    _give(con, disputed)


def _give_back(con: duckdb.DuckDBPyConnection) -> None:
    """What parts again gets the id it had before it was merged, if nobody holds that: a merge undone leaves no trace. Of several
    such ids the one whose records came back whole, then of most records, then the oldest."""
    returning = con.execute(
        """WITH had AS (SELECT feed, record_key, unnest(former) AS person_id FROM previous),
           whole AS (SELECT person_id, count(*) AS records FROM had GROUP BY person_id)
           SELECT l.e, h.person_id FROM labelled l JOIN form f USING (i) JOIN had h ON h.feed = f.feed AND h.record_key = f.record_key
           JOIN whole w ON w.person_id = h.person_id
           WHERE l.e NOT IN (SELECT e FROM person_of) AND h.person_id NOT IN (SELECT person_id FROM person_of)
           GROUP BY l.e, h.person_id ORDER BY count(*) / any_value(w.records) DESC, count(*) DESC, h.person_id, min((f.feed, f.record_key))"""
    ).fetchall()
    _give(con, returning)


def _give(con: duckdb.DuckDBPyConnection, claims: list[tuple[int, str]]) -> None:
    """To each entity its first claim that nobody before took."""
    given: dict[int, str] = {}
    taken: set[str] = set()
    for entity, person_id in claims:
        if entity not in given and person_id not in taken:
            given[entity] = person_id
            taken.add(person_id)
    if given:
        con.register("given_in", pa.table({"e": pa.array(list(given), pa.int64()), "person_id": pa.array(list(given.values()), pa.string())}))
        con.execute("INSERT INTO person_of SELECT * FROM given_in")
        con.unregister("given_in")


# An id nobody holds any more went where most of its records went; a new id whose records had another came out of it.
_EVENT_SQL = """
CREATE OR REPLACE TEMP TABLE event AS
WITH known AS (SELECT DISTINCT person_id FROM previous),
gone AS (
    SELECT c.person_id, arg_max(p.person_id, (c.records, p.person_id)) AS other_id
    FROM claim c JOIN person_of p USING (e)
    WHERE c.person_id NOT IN (SELECT person_id FROM person_of) GROUP BY c.person_id),
fresh AS (SELECT p.e, p.person_id FROM person_of p WHERE p.person_id NOT IN (FROM known)),
origin AS (SELECT e, arg_max(person_id, (records, person_id)) AS person_id FROM claim GROUP BY e)
SELECT person_id, 'merged_into' AS kind, other_id, 'the records of both were linked' AS cause FROM gone
UNION ALL
SELECT f.person_id, 'split_from', o.person_id, 'records were linked elsewhere or no longer' FROM fresh f JOIN origin o USING (e)
UNION ALL
SELECT f.person_id, 'minted', NULL, 'first record' FROM fresh f WHERE f.e NOT IN (SELECT e FROM origin)
ORDER BY 1, 2
"""
