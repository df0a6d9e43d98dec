"""Which scored pairs link: named rules first, then the probability against the written thresholds; vetoes before both.

A pair whose best candidate hardly leads another candidate, who is certainly somebody else, is a guess: it goes to review.
"""

from __future__ import annotations

import duckdb

from linkage.model import Model


def judge(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Make ``judged`` (l, r, weight, probability, rule, evidence, vetoed, verdict: link | review | dropped) from ``scored``."""
    rules = " ".join(f"WHEN {rule.when} THEN {_quoted(rule.name)}" for rule in model.rules)
    sure = " ".join(f"WHEN {_quoted(rule.name)} THEN {rule.probability}" for rule in model.rules)
    vetoes = " ".join(f"WHEN {veto.when} THEN {_quoted(veto.name)}" for veto in model.vetoes)
    suggested = ", ".join(_quoted(veto.name) for veto in model.vetoes if veto.suggest) or "NULL"
    evidence = " || ' ' || ".join(f"'{c.name}:' || {c.name}" for c in model.comparisons)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE ruled AS
        SELECT s.l, s.r, s.weight, s.probability, {evidence} AS evidence,
               CASE {vetoes} END AS veto, rule_of AS rule
        FROM (SELECT s.*, CASE {rules} END AS rule_of FROM (SELECT s.*, el.nameless AS nameless_l, er.nameless AS nameless_r, el.twin OR er.twin AS twin, least(el.year, er.year) AS born, 101 IN (el.birth % 10000, er.birth % 10000) AS new_year,
                     list_has_any(el.places_in_home, er.places_in_home) AS same_place_in_home, greatest(el.namesakes, er.namesakes) AS namesakes
              FROM scored s JOIN entity el ON el.unique_id = s.l JOIN entity er ON er.unique_id = s.r) s) s"""
    )
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE judged AS
        SELECT l, r, weight, greatest(probability, CASE rule {sure} ELSE 0 END) AS probability,
               CASE WHEN veto IS NOT NULL THEN veto ELSE coalesce(rule, 'weight') END AS rule, evidence, veto IS NOT NULL AS vetoed,
               CASE WHEN veto IS NOT NULL AND probability < CASE WHEN veto IN ({suggested}) THEN $lower ELSE $upper END THEN 'dropped'
                    WHEN veto IS NOT NULL THEN 'review'
                    WHEN rule IS NOT NULL OR probability >= $upper THEN 'link'
                    WHEN probability >= $lower THEN 'review' ELSE 'dropped' END AS verdict
        FROM ruled""",
        {"upper": model.setting("upper"), "lower": model.setting("lower")},
    )


def judge_alone(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """As :func:`judge`, over pairs that stand for themselves: what is dropped is gone from ``judged``, and a guess is a ``rival``."""
    judge(con, model)
    con.execute("DELETE FROM judged WHERE verdict = 'dropped'")
    con.execute(_RIVAL_SQL.format(pairs="judged", entity="entity"), {"margin": model.setting("margin")})
    con.execute(_MARK_SQL.format(table="judged"))


def keep_judged(con: duckdb.DuckDBPyConnection, round_no: int, model: Model) -> None:
    """Put the pairs of ``judged`` in the place of what ``judged_<round>`` held of the entities in ``again``; a guess between two
    candidates is a ``rival`` there. ``edge_now`` has its links that have an end in ``reweighed`` (i), whose links may have changed."""
    names = {"table": f"judged_{round_no}", "entity": f"entity_{round_no}", "pairs": "pair_near"}
    con.execute("CREATE TABLE IF NOT EXISTS {table} AS FROM judged LIMIT 0".format(**names))
    for sql in (*_KEEP_SQL, _RIVAL_SQL, _MARK_SQL, _LINKS_SQL):
        con.execute(sql.format(**names), {"margin": model.setting("margin")} if "$margin" in sql else None)


# A guess depends on all pairs of both its ends: looked at again are the pairs of everybody who has a pair with one of `again`.
_KEEP_SQL = (
    """CREATE OR REPLACE TEMP TABLE reweighed AS
       WITH p AS (SELECT l, r FROM {table} UNION ALL SELECT l, r FROM judged WHERE verdict <> 'dropped')
       SELECT l AS i FROM p WHERE r IN (FROM again) UNION SELECT r FROM p WHERE l IN (FROM again) UNION FROM again""",
    "DELETE FROM {table} WHERE l IN (FROM again) OR r IN (FROM again)",
    "INSERT INTO {table} FROM judged WHERE verdict <> 'dropped'",
    "UPDATE {table} SET verdict = 'link' WHERE verdict = 'rival' AND (l IN (FROM reweighed) OR r IN (FROM reweighed))",
    """CREATE OR REPLACE TEMP TABLE pair_near AS
       WITH e AS (SELECT l AS i FROM {table} WHERE r IN (FROM reweighed) UNION SELECT r FROM {table} WHERE l IN (FROM reweighed) UNION FROM reweighed)
       FROM {table} WHERE l IN (FROM e) OR r IN (FROM e)""",
)
# From each side: the strongest partner with an ID or register row of its own, and the next one who is somebody else.
_RIVAL_SQL = """
CREATE OR REPLACE TEMP TABLE rival AS
WITH side AS (
    SELECT j.l AS one, j.r AS other, j.weight, e.id IS NOT NULL AS settled, e.registered
    FROM {pairs} j JOIN {entity} e ON e.unique_id = j.r WHERE NOT vetoed
    UNION ALL
    SELECT j.r, j.l, j.weight, e.id IS NOT NULL, e.registered FROM {pairs} j JOIN {entity} e ON e.unique_id = j.l WHERE NOT vetoed),
ranked AS (
    SELECT one, other, weight,
           max(weight) OVER w AS best, arg_max(other, (weight, -other)) OVER w AS best_other
    FROM side WHERE settled OR registered WINDOW w AS (PARTITION BY one)),
second AS (SELECT one, max(weight) AS runner_up FROM ranked WHERE other <> best_other GROUP BY one)
SELECT r.one, r.other FROM ranked r JOIN second s USING (one)
WHERE r.other <> r.best_other OR r.best - s.runner_up < $margin
"""
_MARK_SQL = """
UPDATE {table} SET verdict = 'rival' FROM (SELECT least(one, other) AS low, greatest(one, other) AS high FROM rival GROUP BY ALL) x
WHERE verdict = 'link' AND least(l, r) = x.low AND greatest(l, r) = x.high
"""
_LINKS_SQL = """
CREATE OR REPLACE TEMP TABLE edge_now AS
SELECT l, r, weight, probability, rule, evidence FROM {table} WHERE verdict = 'link' AND (l IN (FROM reweighed) OR r IN (FROM reweighed))
"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
