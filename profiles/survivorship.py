"""Survivorship (优先规则): of everything the sources say of a person, the value that stands, and whose it is."""

from __future__ import annotations

import duckdb

from profiles import rules


def surviving_values(con: duckdb.DuckDBPyConnection) -> None:
    """Make table ``value(person_id, attribute, value, feed, record_key, batch_id, source_time, confidence,
    sources, differing)`` from table ``fact`` (mentions with ``person_id``).

    First valid value in the order of ``survivorship.yaml``; inside a step the newest, then the smallest
    record. ``confidence`` is the share of the sources that give the same value; ``differing`` counts
    the departments' feeds that give another.
    """
    con.register("rule_step", rules.steps())
    attributes = rules.survivorship()
    con.execute(
        "CREATE OR REPLACE TABLE value AS " + " UNION ALL ".join(_attribute(n, r) for n, r in attributes.items())
    )
    con.unregister("rule_step")


def _attribute(name: str, rule: dict) -> str:
    column = f"CAST({name} AS VARCHAR)"
    conditions = [f"{name} IS NOT NULL"]
    if rule.get("only"):
        conditions.append(f"feed IN (SELECT feed FROM rule_step WHERE attribute = '{name}')")
    if "shared_at_most" in rule:
        limit = int(rule["shared_at_most"])
        conditions.append(
            f"{name} NOT IN (SELECT {name} FROM fact WHERE {name} IS NOT NULL GROUP BY 1 HAVING count(DISTINCT person_id) > {limit})"
        )
    # One row a (person, feed, value) first: what a feed says twice counts once.
    return f"""
    (WITH said AS (
        SELECT person_id, f.feed, {column} AS value,
               min(CASE WHEN own THEN 0 ELSE 1 END + CASE WHEN ended THEN 2 ELSE 0 END) AS weakness,
               max_by(struct_pack(record_key, batch_id, source_time),
                      (NOT ended, own, coalesce(source_time, TIMESTAMPTZ '1900-01-01'), record_key)) AS source
        FROM fact f WHERE {" AND ".join(conditions)} GROUP BY person_id, f.feed, {column}
    ), ranked AS (
        SELECT s.*, coalesce(r.step, {rules.LAST}) AS step FROM said s
        LEFT JOIN rule_step r ON r.attribute = '{name}' AND r.feed = s.feed
    ), best AS (
        SELECT person_id, count(DISTINCT feed) AS sources,
               arg_min(struct_pack(value, feed, source),
                       (weakness, step, -epoch_us(coalesce(source.source_time, TIMESTAMPTZ '1900-01-01')), feed, source.record_key)) AS top
        FROM ranked GROUP BY person_id
    ), agreed AS (
        SELECT b.person_id, count(DISTINCT r.feed) FILTER (WHERE r.value = b.top.value) AS agreeing,
               count(DISTINCT r.feed) FILTER (WHERE r.value <> b.top.value AND r.weakness = 0) AS differing
        FROM best b JOIN ranked r USING (person_id) GROUP BY b.person_id
    )
    SELECT person_id, '{name}' AS attribute, top.value AS value, top.feed AS feed, top.source.record_key AS record_key,
           top.source.batch_id AS batch_id, top.source.source_time AS source_time,
           round(agreeing / (agreeing + differing + 0.25), 2) AS confidence, sources, differing
    FROM best JOIN agreed USING (person_id))"""
