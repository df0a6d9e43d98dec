"""Pairwise precision, recall and F1 of a crosswalk against the truth, overall and by stratum.

Two crosswalks say of each record (feed, source_key) who it is. A pair of records is right if both say it is one person.
Pairs are counted from the sizes of the groups, so a million records need no million pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa


@dataclass(frozen=True)
class PairScore:
    """``true_pairs``: in the truth; ``found_pairs``: in the result; ``right_pairs``: in both."""

    true_pairs: int
    found_pairs: int
    right_pairs: int

    @property
    def precision(self) -> float:
        return self.right_pairs / self.found_pairs if self.found_pairs else 1.0

    @property
    def recall(self) -> float:
        return self.right_pairs / self.true_pairs if self.true_pairs else 1.0

    @property
    def f1(self) -> float:
        total = self.true_pairs + self.found_pairs
        return 2 * self.right_pairs / total if total else 1.0


_JOINED = """
CREATE OR REPLACE TEMP TABLE both_say AS
SELECT t.feed, t.source_key, t.person_id AS truth,
       -- a record the result lacks is nobody's, so it counts as missed
       coalesce(f.person_id, 'missing ' || t.feed || ' ' || t.source_key) AS found
FROM truth_in t LEFT JOIN found_in f USING (feed, source_key)
"""


def _register(con: duckdb.DuckDBPyConnection, truth: pa.Table, found: pa.Table) -> None:
    con.register("truth_in", truth)
    con.register("found_in", found)
    con.execute(_JOINED)


def pair_score(truth: pa.Table, found: pa.Table) -> PairScore:
    """Over all records of ``truth`` (feed, source_key, person_id); ``found`` has the same columns. Records that
    ``truth`` does not know are left out; records that ``found`` lacks count as linked to nobody."""
    with duckdb.connect() as con:
        _register(con, truth, found)
        return _count(con, "both_say")


def pair_scores_by_stratum(truth: pa.Table, found: pa.Table, strata: pa.Table) -> dict[str, PairScore]:
    """Per stratum the pairs of which at least one record is in it. ``strata``: feed, source_key, stratum; a record may be in several."""
    with duckdb.connect() as con:
        _register(con, truth, found)
        con.register("strata_in", strata)
        scores = {}
        for (name,) in con.execute("SELECT DISTINCT stratum FROM strata_in ORDER BY 1").fetchall():
            con.execute("""CREATE OR REPLACE TEMP TABLE marked AS SELECT b.*, s.stratum IS NOT NULL AS inside FROM both_say b
                           LEFT JOIN (SELECT DISTINCT * FROM strata_in WHERE stratum = $name) s USING (feed, source_key)""", {"name": name})
            con.execute("CREATE OR REPLACE TEMP TABLE outside AS SELECT * FROM marked WHERE NOT inside")
            every, without = _count(con, "marked"), _count(con, "outside")
            scores[name] = PairScore(every.true_pairs - without.true_pairs, every.found_pairs - without.found_pairs,
                                     every.right_pairs - without.right_pairs)
        return scores


def pair_scores_by_feeds(truth: pa.Table, found: pa.Table) -> dict[tuple[str, str], PairScore]:
    """Per pair of feeds (a ≤ b): pairs of one record of a and one of b."""
    with duckdb.connect() as con:
        _register(con, truth, found)
        rows = con.execute(
            """WITH t AS (SELECT truth AS g, feed, count(*) AS n FROM both_say GROUP BY ALL),
                    f AS (SELECT found AS g, feed, count(*) AS n FROM both_say GROUP BY ALL),
                    r AS (SELECT truth || ' ' || found AS g, feed, count(*) AS n FROM both_say GROUP BY ALL),
                    u AS (SELECT 't' AS k, * FROM t UNION ALL SELECT 'f', * FROM f UNION ALL SELECT 'r', * FROM r),
                    p AS (SELECT a.k, a.feed AS a, b.feed AS b,
                                 sum(CASE WHEN a.feed = b.feed THEN a.n * (a.n - 1) // 2 ELSE a.n * b.n END)::BIGINT AS n
                          FROM u a JOIN u b ON a.k = b.k AND a.g = b.g AND a.feed <= b.feed GROUP BY ALL)
               SELECT a, b, coalesce(sum(n) FILTER (k = 't'), 0)::BIGINT, coalesce(sum(n) FILTER (k = 'f'), 0)::BIGINT,
                      coalesce(sum(n) FILTER (k = 'r'), 0)::BIGINT FROM p GROUP BY a, b ORDER BY a, b"""
        ).fetchall()
        return {(a, b): PairScore(*counts) for a, b, *counts in rows}


def _count(con: duckdb.DuckDBPyConnection, table: str) -> PairScore:
    def pairs(keys: str) -> int:
        return con.execute(f"SELECT coalesce(sum(n * (n - 1) // 2), 0)::BIGINT FROM (SELECT count(*) AS n FROM {table} GROUP BY {keys})").fetchall()[0][0]

    return PairScore(pairs("truth"), pairs("found"), pairs("truth, found"))
