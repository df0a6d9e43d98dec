"""Survivorship (优先规则): of everything the sources say of a person, the value that stands, and whose it is."""

from __future__ import annotations

import duckdb

from profiles import rules

# What every attribute is judged by, worked out once, and only the values that count: a feed is one bit, a row's age and name one
# number. ``weakness``: 0 the source speaks of the person itself and still does, 1 it names him beside somebody else, 2 and 3 the same, ended.
SPOKEN = """
CREATE OR REPLACE TEMP TABLE spoken AS
SELECT f.person_id, f.feed, f.record_key, f.batch_id, f.source_time, {columns}, 1 << b.place AS feed_bit,
       CASE WHEN own THEN 0 ELSE 1 END + CASE WHEN ended THEN 2 ELSE 0 END AS weakness,
       row_number() OVER (ORDER BY coalesce(f.source_time, TIMESTAMPTZ '1900-01-01') DESC, b.place, f.record_key) AS seniority
FROM fact f JOIN (SELECT feed, row_number() OVER (ORDER BY feed) - 1 AS place FROM (SELECT DISTINCT feed FROM fact)) b USING (feed)
"""
# An attribute: the row that stands by (weakness, step of the feed, newest, feed, record), then who agrees with it.
# Only where a person has two values is there anything to compare.
ATTRIBUTE = """
SELECT * FROM (
    WITH said AS NOT MATERIALIZED (
        SELECT s.person_id, s.{name} AS value, s.feed_bit, s.weakness,
               ((s.weakness * 100 + coalesce(r.step, {last})) << 32) + s.seniority AS precedence
        FROM spoken s LEFT JOIN rule_step r ON r.attribute = '{name}' AND r.feed = s.feed
        WHERE s.{name} IS NOT NULL
    ), best AS (
        SELECT person_id, arg_min(value, precedence) AS value, min(precedence) & 4294967295 AS seniority,
               bit_count(bit_or(feed_bit)) AS feeds, min(value) <> max(value) AS disputed
        FROM said GROUP BY person_id
    ), dispute AS (
        SELECT b.person_id, bit_count(bit_or(s.feed_bit) FILTER (s.value = b.value)) AS agreeing,
               coalesce(bit_count(bit_or(s.feed_bit) FILTER (s.value <> b.value AND s.weakness = 0)), 0) AS differing
        FROM best b JOIN said s USING (person_id) WHERE b.disputed GROUP BY b.person_id
    )
    SELECT b.person_id, '{name}' AS attribute, CAST(b.value AS VARCHAR) AS value, b.seniority, CAST(b.feeds AS BIGINT) AS sources,
           CAST(coalesce(d.agreeing, b.feeds) AS BIGINT) AS agreeing, CAST(coalesce(d.differing, 0) AS BIGINT) AS differing
    FROM best b LEFT JOIN dispute d USING (person_id)
)
"""
VALUE = """
CREATE OR REPLACE TEMP TABLE value AS
SELECT v.person_id, v.attribute, v.value, s.feed, s.record_key, s.batch_id, s.source_time,
       round(v.agreeing / (v.agreeing + v.differing + 0.25), 2) AS confidence, v.sources, v.differing
FROM ({attributes}) v JOIN spoken s USING (seniority)
"""


def surviving_values(con: duckdb.DuckDBPyConnection) -> None:
    """Make table ``value(person_id, attribute, value, feed, record_key, batch_id, source_time, confidence,
    sources, differing)`` from table ``fact`` (mentions with ``person_id``).

    First valid value in the order of ``survivorship.yaml``; inside a step the newest, then the smallest
    record. ``confidence`` is the share of the sources that give the same value; ``differing`` counts
    the departments' feeds that give another.
    """
    con.register("rule_step", rules.steps())
    for statement in statements().values():
        con.execute(statement)
    con.execute("DROP TABLE spoken")


def statements() -> dict[str, str]:
    """The stages ``spoken`` and ``value``; they read ``fact`` and ``rule_step`` (:func:`profiles.rules.steps`)."""
    columns = ", ".join(_counting(name, rule) for name, rule in rules.survivorship().items())
    attributes = " UNION ALL ".join(ATTRIBUTE.format(name=name, last=rules.LAST) for name in rules.survivorship())
    return {"spoken": SPOKEN.format(columns=columns), "value": VALUE.format(attributes=attributes)}


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
