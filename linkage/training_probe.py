"""What a trained model can't do (训练探查), asked of the county's own records right after a full run.

Two questions, both answered by the run's own blocking, scoring and judging:

- *unlinkables*: which records without a usable ID would not link even to an exact copy of themselves; nothing can find them.
- *blocking loss*: records with a valid ID are taken out of their persons, their numbers hidden, and looked for again. What no
  key brings back is lost to blocking; what comes back and is judged wrongly is lost to the model. Since the answer is known, the
  same pairs show whether probabilities mean what they say.

What is learnt so comes from records that have an ID, which are better kept than those without: a lower bound of the errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from linkage import candidates, entities, judge, scoring
from linkage.model import Model

HIDDEN = 4000  # records taken out at most: a share of one in a thousand is seen four times


@dataclass(frozen=True)
class Probe:
    """``unlinkables``: feed, records (without a usable ID), unlinkable. ``found``: feed, hidden, unblocked, linked, wrong, review.
    ``rules``: rule, pairs, right. ``pairs``: probability, true, decided by weight alone (neither rule nor veto)."""

    unlinkables: list[dict[str, Any]]
    found: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    pairs: pa.Table

    def as_figures(self) -> dict[str, Any]:
        """Plain JSON values: counts by feed and over all, and the shares."""
        open_records, unlinkable = (sum(row[k] for row in self.unlinkables) for k in ("records", "unlinkable"))
        hidden = sum(row["hidden"] for row in self.found)
        total = {k: sum(row[k] for row in self.found) for k in ("unblocked", "linked", "wrong", "review")}
        return {
            "unlinkables": {"records": open_records, "unlinkable": unlinkable, "share": _share(unlinkable, open_records), "by_feed": self.unlinkables},
            "blocking": {"hidden": hidden, **total, "loss": _share(total["unblocked"], hidden), "found": _share(total["linked"], hidden),
                         "by_feed": self.found},
            "rules": self.rules,
        }


def probe(con: duckdb.DuckDBPyConnection, model: Model, weights: Mapping[str, Any] | None, prior: float) -> Probe:
    """Ask both questions over the tables of a run that has ended (``form``, ``trusted``, ``reference``, ``labelled``, ``grp_member``).

    Changes them: nothing else may read them afterwards.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE found_label AS FROM labelled")
    unlinkables = _unlinkables(con, model, weights, prior)
    found, rules, pairs = _hidden(con, model, weights, prior)
    return Probe(unlinkables, found, rules, pairs)


def _unlinkables(con, model: Model, weights, prior: float) -> list[dict[str, Any]]:
    con.execute("""CREATE OR REPLACE TEMP TABLE unsaid AS
        SELECT i, feed FROM form ANTI JOIN trusted USING (i) ANTI JOIN (SELECT l AS i FROM reference) USING (i)""")
    entities.build_entities(con, _APART_SQL.format(alone="unsaid"), model.setting("largest_group"))
    con.execute("""CREATE OR REPLACE TEMP TABLE candidate AS
        SELECT '0' AS match_key, unique_id AS join_key_l, unique_id AS join_key_r FROM entity WHERE unique_id IN (SELECT i FROM unsaid)""")
    scoring.score(con, model, weights, prior)
    judge.judge_alone(con, model)
    return con.sql("""SELECT feed, count(*)::INT AS records, count(*) FILTER (j.l IS NULL)::INT AS unlinkable
        FROM unsaid u LEFT JOIN judged j ON j.l = u.i AND j.r = u.i AND j.verdict = 'link' GROUP BY feed ORDER BY feed""").to_arrow_table().to_pylist()


def _hidden(con, model: Model, weights, prior: float) -> tuple[list[dict], list[dict], pa.Table]:
    con.execute(_HIDE_SQL, {"seed": str(model.setting("seed")), "most": HIDDEN})
    con.execute("UPDATE form SET id = NULL, id_embedded = NULL WHERE i IN (SELECT i FROM hidden)")
    con.execute("DELETE FROM trusted WHERE i IN (SELECT i FROM hidden)")
    entities.build_entities(con, _APART_SQL.format(alone="hidden"), model.setting("largest_group"))
    con.execute("""CREATE OR REPLACE TEMP TABLE owner AS
        SELECT e, any_value(canonical) AS canonical FROM labelled JOIN trusted USING (i) GROUP BY e""")
    # Whose every other record was hidden or refused has nobody to be found in.
    con.execute("DELETE FROM hidden WHERE canonical NOT IN (SELECT canonical FROM owner)")
    candidates.block(con, "probe", model.setting("largest_block"))
    con.execute("DELETE FROM candidate WHERE join_key_l NOT IN (SELECT i FROM hidden) AND join_key_r NOT IN (SELECT i FROM hidden)")
    scoring.score(con, model, weights, prior)
    judge.judge_alone(con, model)
    for table, left, right, kept in (("candidate", "join_key_l", "join_key_r", ""), ("ruled", "l", "r", ", probability, rule, veto"),
                                     ("judged", "l", "r", ", rule, verdict")):
        con.execute(_KNOWN_SQL.format(table=table, left=left, right=right, kept=kept))
    found = con.sql(_FOUND_SQL).to_arrow_table().to_pylist()
    rules = con.sql(_RULES_SQL).to_arrow_table().to_pylist()
    pairs = con.sql("SELECT probability, own AS true, rule IS NULL AND veto IS NULL AS weighed FROM known_ruled ORDER BY ALL").to_arrow_table()
    return found, rules, pairs


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 5) if whole else None


# The mentions of `alone` each by itself; the rest of an entity is named by its smallest mention that stays.
_APART_SQL = """
SELECT i, CASE WHEN alone THEN i ELSE min(i) FILTER (NOT alone) OVER (PARTITION BY e) END AS e
FROM (SELECT i, e, i IN (SELECT i FROM {alone}) AS alone FROM found_label)
"""

# One record a person who has others; not of the register (it always has a number), nor one that names another record.
# By a digest of the record's own key and the seed, so that the same data give the same sample.
_HIDE_SQL = """
CREATE OR REPLACE TEMP TABLE hidden AS
WITH eligible AS (
    SELECT t.i, t.canonical, f.feed, md5(f.feed || chr(31) || f.record_key || chr(31) || $seed) AS lot,
           count(*) OVER (PARTITION BY t.canonical) AS records
    FROM trusted t JOIN form f USING (i)),
one AS (
    SELECT canonical, arg_min(i, lot) AS i, arg_min(feed, lot) AS feed, min(lot) AS lot
    FROM eligible WHERE records > 1 AND feed <> 'psb_register' AND i NOT IN (SELECT l FROM reference) GROUP BY canonical)
SELECT i, feed, canonical FROM one ORDER BY lot LIMIT $most
"""

# Pairs of a hidden record with an entity whose number is known: whether it is the record's own.
_KNOWN_SQL = """
CREATE OR REPLACE TEMP TABLE known_{table} AS
SELECT h.i, h.feed, o.canonical = h.canonical AS own{kept} FROM (
    SELECT *, {left} AS one, {right} AS other FROM {table} UNION ALL SELECT *, {right}, {left} FROM {table}) p
JOIN hidden h ON h.i = p.one JOIN owner o ON o.e = p.other
"""
_FOUND_SQL = """
SELECT h.feed, count(*)::INT AS hidden,
       count(*) FILTER (h.i NOT IN (SELECT i FROM known_candidate WHERE own))::INT AS unblocked,
       count(*) FILTER (h.i IN (SELECT i FROM known_judged WHERE own AND verdict = 'link'))::INT AS linked,
       count(*) FILTER (h.i IN (SELECT i FROM known_judged WHERE NOT own AND verdict = 'link'))::INT AS wrong,
       count(*) FILTER (h.i IN (SELECT i FROM known_judged WHERE verdict IN ('review', 'rival'))
                        AND h.i NOT IN (SELECT i FROM known_judged WHERE verdict = 'link'))::INT AS review
FROM hidden h GROUP BY h.feed ORDER BY h.feed
"""
_RULES_SQL = """
SELECT rule, count(*)::INT AS pairs, count(*) FILTER (own)::INT AS "right" FROM known_judged WHERE verdict = 'link' GROUP BY rule ORDER BY rule
"""
