"""Stable person ids (人员编号): a cluster keeps the id most of its records had; merges and splits are events.

Ids are ``P`` and nine digits, allocated after the highest known id in the order of the clusters' smallest
(feed, record_key), so the same data in any order gives the same ids, without a sequence in the database.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

# Of each record the link that stands, else the last one that stood, and the ids it had that went into another.
_PREVIOUS_SQL = """
CREATE OR REPLACE TEMP TABLE previous AS
SELECT coalesce(l.i, p.i) AS i, coalesce(l.person_id, p.person_id) AS person_id, p.former
FROM link l FULL JOIN (SELECT (md5_number_lower(feed || chr(31) || record_key) >> 1)::BIGINT AS i, person_id, {former} AS former FROM past_in) p ON p.i = l.i
WHERE coalesce(l.person_id, p.person_id) IS NOT NULL
"""
# Whose id may change: entities that others are in than before, and whoever had an id that one of theirs had; between other entities
# and their ids nothing changed. Everybody, where no run is remembered.
_REACHED_SQL = (
    """CREATE OR REPLACE TEMP TABLE claimed AS
       WITH stirred AS (SELECT new AS e FROM relabelled_{last} UNION SELECT old FROM relabelled_{last}),
       record AS (SELECT i FROM after_{last} WHERE e IN (FROM stirred) UNION SELECT i FROM relabelled_{last}),
       had AS (FROM previous WHERE i IN (FROM record))
       SELECT person_id FROM had UNION SELECT unnest(former) FROM had""",
    """CREATE OR REPLACE TEMP TABLE labelled AS
       WITH reached AS (SELECT new AS e FROM relabelled_{last} UNION
                        SELECT e FROM after_{last} WHERE i IN (SELECT i FROM previous WHERE person_id IN (FROM claimed)))
       SELECT i, e FROM after_{last} WHERE e IN (FROM reached)""",
)
_CLAIM_SQL = """
CREATE OR REPLACE TEMP TABLE claim AS
SELECT l.e, p.person_id, count(*) AS records, count(*) FILTER (p.former IS NULL) AS own, min(l.i) AS first, bool_or(t.i IS NOT NULL) AS has_id
FROM labelled l JOIN previous p USING (i) LEFT JOIN trusted t USING (i) GROUP BY l.e, p.person_id
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

    minted: int
    merged: int
    split: int


def know_previous(con: duckdb.DuckDBPyConnection, past: pa.Table) -> None:
    """``previous`` (i, person_id, former) from ``link``, the links that stand, and ``past`` (feed, record_key, person_id, and where known
    ``former``, the ids the record had that went into another) for records without one."""
    con.register("past_in", past)
    con.execute(_PREVIOUS_SQL.format(former="former" if "former" in past.column_names else "NULL::VARCHAR[]"))
    con.unregister("past_in")


def reach(con: duckdb.DuckDBPyConnection, last: int, everybody: bool) -> None:
    """``labelled`` (i, e): the mentions of the entities of ``after_<last>`` whose id may be another than in the run before."""
    every = (f"CREATE OR REPLACE TEMP TABLE labelled AS SELECT i, e FROM after_{last}",)
    for sql in every if everybody else _REACHED_SQL:
        con.execute(sql.format(last=last))


def identify(con: duckdb.DuckDBPyConnection, highest: int = 0) -> Identified:
    """Make ``person_of`` (e, person_id) and ``event`` (person_id, kind, other_id, cause) from ``labelled``, ``trusted`` and ``previous``.
    ``highest``: number of the last id ever given."""
    con.execute(_CLAIM_SQL)
    con.execute(f"CREATE OR REPLACE TEMP TABLE person_of AS SELECT e, person_id FROM ({_PLAIN_SQL})")
    _settle_disputes(con)
    _give_back(con)
    con.execute(
        """INSERT INTO person_of
           SELECT e, 'P' || lpad((greatest($highest, coalesce((SELECT max(person_id) FROM previous)[2:]::BIGINT, 0)) + row_number() OVER (ORDER BY first))::VARCHAR, 9, '0')
           FROM (SELECT e, min((f.feed, f.record_key)) AS first FROM labelled JOIN form f USING (i) WHERE e NOT IN (SELECT e FROM person_of) GROUP BY e)""",
        {"highest": highest},
    )
    con.execute(_EVENT_SQL)
    counts = dict(con.execute("SELECT kind, count(*) FROM event GROUP BY kind").fetchall())
    minted = counts.get("minted", 0) + counts.get("split_from", 0)
    return Identified(minted, counts.get("merged_into", 0), counts.get("split_from", 0))


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
        """WITH had AS (SELECT i, unnest(former) AS person_id FROM previous WHERE former IS NOT NULL),
           whole AS (SELECT person_id, count(*) AS records FROM had GROUP BY person_id)
           SELECT l.e, h.person_id FROM labelled l JOIN form f USING (i) JOIN had h USING (i) JOIN whole w ON w.person_id = h.person_id
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
WITH gone AS (
    SELECT c.person_id, arg_max(p.person_id, (c.records, p.person_id)) AS other_id
    FROM claim c JOIN person_of p USING (e)
    WHERE c.person_id NOT IN (SELECT person_id FROM person_of) GROUP BY c.person_id),
fresh AS (SELECT p.e, p.person_id FROM person_of p WHERE p.person_id NOT IN (SELECT person_id FROM previous)),
origin AS (SELECT e, arg_max(person_id, (records, person_id)) AS person_id FROM claim GROUP BY e)
SELECT person_id, 'merged_into' AS kind, other_id, 'the records of both were linked' AS cause FROM gone
UNION ALL
SELECT f.person_id, 'split_from', o.person_id, 'records were linked elsewhere or no longer' FROM fresh f JOIN origin o USING (e)
UNION ALL
SELECT f.person_id, 'minted', NULL, 'first record' FROM fresh f WHERE f.e NOT IN (SELECT e FROM origin)
ORDER BY 1, 2
"""
