"""Survivorship (优先规则): of everything the sources say of a person, the value that stands, and whose it is."""

from __future__ import annotations

import duckdb

from profiles import rules

# A feed's place in bit masks, and the step that each attribute's order puts it on.
FEED_STEP = """
CREATE OR REPLACE TEMP TABLE feed_step AS
SELECT f.feed, row_number() OVER (ORDER BY f.feed) - 1 AS place, {steps}
FROM (SELECT DISTINCT feed FROM fact) f LEFT JOIN rule_step r USING (feed) GROUP BY f.feed
"""
_STEP = "coalesce(min(r.step) FILTER (r.attribute = '{a}'), {last}) AS {a}_step"

# What every attribute is judged by, worked out once, and only the values that count: a feed is one bit, a row's age and name one
# number. ``weakness``: 0 the source speaks of the person itself and still does, 1 it names him beside somebody else, 2 and 3 the same, ended.
SPOKEN = """
CREATE OR REPLACE TEMP TABLE spoken AS
SELECT f.person_id, f.feed, f.record_key, f.batch_id, f.source_time, {counting}, 1 << b.place AS feed_bit,
       CASE WHEN own THEN 0 ELSE 1 END + CASE WHEN ended THEN 2 ELSE 0 END AS weakness,
       row_number() OVER (ORDER BY coalesce(f.source_time, TIMESTAMPTZ '1900-01-01') DESC, b.place, f.record_key) AS seniority
FROM fact f JOIN feed_step b USING (feed)
"""

# All attributes of a person at once, as numbers: the row that stands by (weakness, step of the feed, newest, feed, record), the
# feeds that say anything, and whether all say the same.
BEST = """
CREATE OR REPLACE TEMP TABLE best AS
SELECT person_id, {best} FROM spoken JOIN feed_step USING (feed) GROUP BY person_id
"""
_BEST = """min(((weakness * 100 + {a}_step) << 32) + seniority) FILTER ({a} IS NOT NULL) & 4294967295 AS {a}_at,
       bit_or(feed_bit) FILTER ({a} IS NOT NULL) AS {a}_feeds, min({a}) <> max({a}) AS {a}_disputed"""

# Only where a person has two values is there anything to compare: who agrees with the one that stands.
CONTESTED = """
CREATE OR REPLACE TEMP TABLE contested AS
WITH said AS (SELECT * FROM spoken JOIN best USING (person_id) WHERE {any_disputed}),
standing AS (SELECT person_id, {standing} FROM said GROUP BY person_id)
SELECT person_id, {votes} FROM said s JOIN standing w USING (person_id) GROUP BY person_id
"""
_STANDING = "any_value({a}) FILTER (seniority = {a}_at) AS {a}"
_VOTES = """bit_count(bit_or(s.feed_bit) FILTER (s.{a} = w.{a})) AS {a}_agreeing,
       coalesce(bit_count(bit_or(s.feed_bit) FILTER (s.{a} <> w.{a} AND s.weakness = 0)), 0) AS {a}_differing"""

CHOSEN = """
CREATE OR REPLACE TEMP TABLE chosen AS
WITH counted AS (SELECT person_id, {counted} FROM best b LEFT JOIN contested c USING (person_id))
SELECT *, {known} AS values_known, {disputed} AS values_disputed, {differing} AS differing, round(({sure}) / (100 * nullif({known}, 0)), 3) AS confidence FROM counted
"""
_COUNTED = """b.{a}_at, CASE WHEN b.{a}_disputed THEN CAST(c.{a}_differing AS BIGINT) ELSE 0 END AS {a}_differing,
       CASE WHEN b.{a}_disputed THEN round(c.{a}_agreeing / (c.{a}_agreeing + c.{a}_differing + 0.25), 2)
            ELSE round(bit_count(b.{a}_feeds) / (bit_count(b.{a}_feeds) + 0.25), 2) END AS {a}_confidence"""

PROVENANCE = """
CREATE OR REPLACE TEMP TABLE provenance AS
WITH taken AS (
    SELECT person_id, s.feed, s.record_key, s.batch_id, s.source_time, {taken} FROM spoken s JOIN chosen c USING (person_id) WHERE {any_taken}
)
SELECT person_id, feed, record_key, batch_id, source_time, {attributes}, concat_ws(',', {told}) AS told FROM taken
"""
_TAKEN = "CASE WHEN s.seniority = c.{a}_at THEN CAST(s.{a} AS VARCHAR) END AS {a}, c.{a}_confidence, c.{a}_differing"
_TOLD = """CASE WHEN {a} IS NOT NULL THEN '"{a}":[' || to_json({a}) || ',' || {a}_confidence || ',' || {a}_differing || ']' END"""

DISPUTE = """
CREATE OR REPLACE TEMP TABLE dispute AS
SELECT person_id, unnest(list_filter([{disputes}], lambda d: d.differing > 0), recursive := true) FROM chosen WHERE differing > 0
"""


def surviving_values(con: duckdb.DuckDBPyConnection) -> None:
    """From table ``fact`` (mentions with ``person_id``) make, all of them temporary:

    ``provenance(person_id, feed, record_key, batch_id, source_time, <attribute> …, told)``: a row a record that values stand from, with those
    values as text, null what stands from another; ``told``: the same as the inside of a JSON object, attribute → [value, confidence, differing],
    in the order of the attributes' names;
    ``chosen(person_id, <attribute>_confidence, <attribute>_differing …, values_known, values_disputed, differing, confidence)``, a row a person;
    ``dispute(person_id, attribute, differing)`` where departments differ.

    First valid value in the order of ``survivorship.yaml``; inside a step the newest, then the smallest
    record. ``confidence`` is the share of the sources that give the same value; ``differing`` counts
    the departments' feeds that give another.
    """
    con.register("rule_step", rules.steps())
    for statement in statements().values():
        con.execute(statement)
    for passing in ("feed_step", "spoken", "best", "contested"):
        con.execute(f"DROP TABLE {passing}")


def statements() -> dict[str, str]:
    """The stages in order; they read ``fact`` and ``rule_step`` (:func:`profiles.rules.steps`)."""
    counting = ", ".join(_counting(name, rule) for name, rule in rules.survivorship().items())
    return {
        "feed_step": FEED_STEP.format(steps=_each(_STEP)),
        "spoken": SPOKEN.format(counting=counting),
        "best": BEST.format(best=_each(_BEST)),
        "contested": CONTESTED.format(any_disputed=_each("{a}_disputed", " OR "), standing=_each(_STANDING), votes=_each(_VOTES)),
        "chosen": CHOSEN.format(
            counted=_each(_COUNTED), known=_each("CAST({a}_at IS NOT NULL AS BIGINT)", " + "), disputed=_each("CAST({a}_differing > 0 AS BIGINT)", " + "),
            differing=_each("{a}_differing", " + "), sure=_each("coalesce(CAST(round({a}_confidence * 100) AS BIGINT), 0)", " + "),
        ),
        "provenance": PROVENANCE.format(
            taken=_each(_TAKEN), any_taken=_each("s.seniority = c.{a}_at", " OR "), attributes=_each("{a}"), told=_each(_TOLD)
        ),
        "dispute": DISPUTE.format(disputes=_each("struct_pack(attribute := '{a}', differing := {a}_differing)")),
    }  # fmt: skip


def _each(template: str, between: str = ", ") -> str:
    return between.join(template.format(a=name, last=rules.LAST) for name in sorted(rules.survivorship()))


def _counting(name: str, rule: dict) -> str:
    """The column of an attribute, null where its value does not count."""
    conditions = []
    if rule.get("only"):
        conditions.append(f"f.feed IN (SELECT feed FROM rule_step WHERE attribute = '{name}')")
    if "shared_at_most" in rule:
        limit = int(rule["shared_at_most"])
        conditions.append(
            f"f.{name} NOT IN (SELECT {name} FROM fact WHERE {name} IS NOT NULL GROUP BY 1 HAVING count(DISTINCT person_id) > {limit})"
        )
    return f"CASE WHEN {' AND '.join(conditions)} THEN f.{name} END AS {name}" if conditions else f"f.{name}"
