"""A list found in the warehouse (名单比对): each row beside the persons it can be, weighed as linkage weighs any two records.

The rows become mentions of a pseudo feed and entities beside the existing persons, whose mentions are joined by the ids they
have. Comparison levels, weights, rules and vetoes are those of the last linkage; nothing is trained and nothing is written.
A row never changes what is known of a person: it has no vote on whose a number is, and nobody gets a family through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from linkage import anchors, candidates, entities, judge, scoring
from linkage.comparable import update_forms, update_mentions
from linkage.match_people import People
from linkage.match_rows import FEED
from linkage.model import Model

MATCHED, UNCERTAIN, NOBODY, UNREADABLE = "matched", "uncertain", "nobody", "unreadable"
NEAR = 0.1  # a person less probable than one in ten is not worth a look beside the row
CANDIDATES = 3


@dataclass(frozen=True)
class Scale:
    """What pairs are weighed with: ``weights`` of the last training (None: the model file's), and, where a trained model froze
    them, ``frequencies`` (name, tf_name) with ``unseen`` for names it never saw."""

    weights: Mapping[str, Any] | None = None
    frequencies: pa.Table | None = None
    unseen: float = 0.0


@dataclass(frozen=True)
class Found:
    """``outcome``: record_key, outcome, person_id, probability. ``near``: record_key, place (from 1), person_id, probability, weight,
    rule, verdict (link, review, rival or null), a level per comparison, same_number (the row's valid number is this person's), misfit (it
    is, but name, birth date or sex contradict it), other_number (both have valid numbers, and they differ), month (null, ``same``, ``lunar``
    or ``other``: the month of birth, where the row says no more)."""

    outcome: pa.Table
    near: pa.Table


def find(con: duckdb.DuckDBPyConnection, rows: pa.Table, people: People, model: Model, scale: Scale) -> Found:
    """Match ``rows`` (mentions of the feed ``list``) against ``people``; at most one person a row, several rows may be one person."""
    for macro in model.macros:
        con.execute(macro)
    _mentions(con, rows, people, model)
    _entities(con, model)
    _candidates(con, model)
    _score(con, people, model, scale)
    judge.judge_alone(con, model)
    levels = ", ".join(f"s.{c.name} AS {c.name}" for c in model.comparisons)
    con.execute(_PAIR.format(levels=levels))
    con.execute(_CHOSEN, {"margin": model.setting("margin")})
    con.execute(_NEAR, {"near": NEAR, "most": CANDIDATES + 1})
    return Found(con.sql(_OUTCOME).to_arrow_table(), con.sql("FROM near_pair ORDER BY record_key, place").to_arrow_table())


def _mentions(con: duckdb.DuckDBPyConnection, rows: pa.Table, people: People, model: Model) -> None:
    """``form``, and ``belongs`` (i, e, person_id): the entity of every mention, a person or a row (then person_id is null).

    The valid numbers of rows stand apart in ``row_says`` (record_key, number): whose a number is, only the warehouse's records say.
    """
    known = people.mentions
    plain = known.drop_columns(["person_id"])
    missing = [name for name in plain.column_names if name not in rows.column_names]
    for name in missing:
        rows = rows.append_column(name, pa.nulls(rows.num_rows, plain.schema.field(name).type))
    listed = rows.select(plain.column_names).cast(plain.schema)
    con.register("listed", listed)
    con.execute("CREATE OR REPLACE TEMP TABLE row_says AS SELECT record_key, coalesce(id_number, id_embedded) AS number FROM listed "
                "WHERE coalesce(id_number, id_embedded) IS NOT NULL")
    con.execute("CREATE OR REPLACE TEMP TABLE row_month AS SELECT record_key, year(birth_date) * 12 + month(birth_date) AS month FROM listed "
                "WHERE birth_precision = 'month' AND birth_date IS NOT NULL")
    con.unregister("listed")
    for name in ("id_number", "id_embedded"):
        listed = listed.set_column(listed.column_names.index(name), name, pa.nulls(listed.num_rows, pa.string()))
    update_mentions(con, pa.concat_tables([plain, listed]))
    update_forms(con, model)
    anchors.anchor(con, people.aliases)
    con.register("known_person", known.select(["feed", "record_key", "person_id"]))
    con.execute("CREATE OR REPLACE TEMP TABLE belongs AS SELECT f.i, min(f.i) OVER (PARTITION BY coalesce(p.person_id, f.feed || f.record_key)) AS e, "
                "p.person_id FROM form f LEFT JOIN known_person p USING (feed, record_key)")
    con.unregister("known_person")


def _entities(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """``entity`` of persons and rows; ``list_row`` (e, i, record_key); ``row_number`` (e, number, canonical, doubtful, fits): the valid
    number a row carries, and whether birth date and sex beside it allow it."""
    con.execute(_ROW_NUMBER)
    entities.build_entities(con, "SELECT i, e FROM belongs", model.setting("largest_group"))
    con.execute(_ROW_KNOWS)


def _candidates(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """``candidate``: a row and a person each. The blocks are linkage's; everybody but the rows counts as settled there, so that
    no two persons meet."""
    con.execute("ALTER TABLE entity RENAME TO entity_whole")
    con.execute("CREATE OR REPLACE TEMP TABLE entity_probe AS SELECT * EXCLUDE (namesakes) REPLACE ("
                "CASE WHEN unique_id IN (SELECT e FROM list_row) THEN NULL ELSE coalesce(id, '-') END AS id), 0::UBIGINT AS digest FROM entity_whole")
    candidates.block(con, "probe", model.setting("largest_block"))
    con.execute("DROP TABLE entity")
    con.execute("ALTER TABLE entity_whole RENAME TO entity")
    con.execute("DELETE FROM candidate WHERE (join_key_l IN (SELECT e FROM list_row)) = (join_key_r IN (SELECT e FROM list_row))")
    con.execute(_SAME_NUMBER)


def _score(con: duckdb.DuckDBPyConnection, people: People, model: Model, scale: Scale) -> None:
    """``scored``. A row is at most one of the county's people, whatever part of them stands here; names are as common as there."""
    con.register("borne", people.names)
    con.execute("UPDATE entity SET namesakes = greatest(namesakes, b.people) FROM borne b WHERE b.name = entity.name")
    con.execute("CREATE OR REPLACE TEMP TABLE frequency_name AS SELECT name, (coalesce(b.people, 0) + 1) / ($total + $town) AS tf_name "
                "FROM (SELECT DISTINCT name FROM entity WHERE name IS NOT NULL) LEFT JOIN borne b USING (name)",
                {"total": people.total, "town": model.setting("town")})
    con.unregister("borne")
    if scale.frequencies is not None:
        con.register("frozen", scale.frequencies)
        con.execute("CREATE OR REPLACE TEMP TABLE frequency_name AS SELECT f.name, coalesce(z.tf_name, $unseen) AS tf_name "
                    "FROM frequency_name f LEFT JOIN frozen z USING (name)", {"unseen": scale.unseen})
        con.unregister("frozen")
    scoring.score_counted(con, model, scale.weights, min(0.1, 1 / max(people.total, 2)))


# A number that contradicts what stands beside it says nothing of the row (the rule of anchors.py for a row by itself).
_ROW_NUMBER = f"""
CREATE OR REPLACE TEMP TABLE list_row AS SELECT i AS e, i, record_key FROM form WHERE feed = '{FEED}';
CREATE OR REPLACE TEMP TABLE row_number AS
SELECT r.e, s.number, coalesce(a.canonical, s.number) AS canonical, birth_other OR sex_other AS doubtful,
       NOT (birth_other AND (sex_other OR f.name IS NULL)) AS fits
FROM row_says s JOIN list_row r USING (record_key) LEFT JOIN id_alias a ON a.id_number = s.number
JOIN (SELECT i, name, birth_no, sex FROM form) f ON f.i = r.i,
LATERAL (SELECT coalesce(NOT birth_possible(f.birth_no, s.number[7:14]::INT), false) AS birth_other,
                coalesce(f.sex <> CASE WHEN s.number[17:17]::INT % 2 = 1 THEN '1' ELSE '2' END, false) AS sex_other)
"""
# What its own number says of a row, as an entity's own number does; but no row is settled: it is here to be found.
_ROW_KNOWS = """
UPDATE entity SET births = list_distinct(list_append(births, n.number[7:14]::INT)), birth = n.number[7:14]::INT, year = n.number[7:10]::SMALLINT,
       sex = CASE WHEN n.number[17:17]::INT % 2 = 1 THEN '1' ELSE '2' END, typed_or_id = n.number, id15 = n.number[1:15],
       masks = [n.number[1:6] || n.number[15:18]], mask = n.number[1:6] || n.number[15:18]
FROM row_number n WHERE n.e = entity.unique_id AND n.fits
"""
_SAME_NUMBER = """
INSERT INTO candidate
SELECT DISTINCT '0', least(n.e, b.e), greatest(n.e, b.e) FROM row_number n JOIN trusted t USING (canonical) JOIN belongs b ON b.i = t.i
WHERE NOT EXISTS (FROM candidate c WHERE c.join_key_l = least(n.e, b.e) AND c.join_key_r = greatest(n.e, b.e))
"""
_PAIR = """
CREATE OR REPLACE TEMP TABLE list_pair AS
WITH person AS (SELECT DISTINCT e, person_id FROM belongs WHERE person_id IS NOT NULL),
numbered AS (SELECT DISTINCT b.e, t.canonical FROM trusted t JOIN belongs b USING (i)),
sided AS (
    SELECT r.record_key, r.e AS row_e, p.e AS person_e, p.person_id, c.join_key_l AS l, c.join_key_r AS r
    FROM candidate c JOIN list_row r ON r.e IN (c.join_key_l, c.join_key_r) JOIN person p ON p.e = CASE WHEN r.e = c.join_key_l THEN c.join_key_r ELSE c.join_key_l END)
SELECT * EXCLUDE (shared, believed, doubtful, another),
       believed AND coalesce(name, 'different') NOT IN ('different', 'surname')
           AND NOT (doubtful AND name NOT IN ('unknown', 'exact', 'alternate', 'pinyin')) AS same_number,
       -- birth date and sex of a list are worked out from the number, so only the name speaks for itself, and a family shares the surname
       shared AND NOT same_number AS misfit, another AND NOT shared AS other_number
FROM (SELECT d.record_key, d.person_id, coalesce(j.probability, s.probability, 0) AS probability, coalesce(s.weight, -99) AS weight, j.verdict, j.rule, {levels},
             CASE WHEN m.month IS NULL OR len(k.births) = 0 THEN NULL
                  WHEN list_contains(list_transform(k.births, lambda b: b // 10000 * 12 + b // 100 % 100), m.month) THEN 'same'
                  -- a birthday by the old calendar is written up to two months early
                  WHEN len(list_filter(k.births, lambda b: b < 19850000 AND b // 10000 * 12 + b // 100 % 100 - m.month BETWEEN 1 AND 2)) > 0 THEN 'lunar'
                  ELSE 'other' END AS month,
             coalesce(bool_or(n.canonical = q.canonical), false) AS shared, coalesce(bool_or(n.fits AND n.canonical = q.canonical), false) AS believed,
             coalesce(bool_or(n.doubtful), false) AS doubtful, coalesce(bool_or(n.fits AND n.canonical <> q.canonical), false) AS another
      FROM sided d LEFT JOIN scored s ON s.l = d.l AND s.r = d.r LEFT JOIN judged j ON j.l = d.l AND j.r = d.r
      LEFT JOIN row_month m USING (record_key) JOIN entity k ON k.unique_id = d.person_e
      LEFT JOIN row_number n ON n.e = d.row_e LEFT JOIN numbered q ON q.e = d.person_e
      GROUP BY ALL)
"""
# The person whose number the row carries; else the one it links to, if no other does or he leads by the model's margin.
_CHOSEN = """
CREATE OR REPLACE TEMP TABLE chosen AS
WITH by_number AS (SELECT record_key, min(person_id) AS person_id FROM list_pair WHERE same_number GROUP BY 1 HAVING count(*) = 1),
linked AS (SELECT *, max(weight) OVER (PARTITION BY record_key) AS best FROM list_pair
           WHERE verdict = 'link' AND NOT other_number AND NOT misfit AND month IS DISTINCT FROM 'other' AND record_key NOT IN (SELECT record_key FROM list_pair WHERE same_number)),
ahead AS (SELECT record_key, arg_max(person_id, (weight, person_id)) AS person_id FROM linked GROUP BY 1
            HAVING count(*) FILTER (weight > best - $margin) = 1)
SELECT * FROM by_number UNION ALL SELECT * FROM ahead
"""
_NEAR = """
CREATE OR REPLACE TEMP TABLE near_pair AS
SELECT p.* REPLACE (CASE WHEN same_number THEN 1.0 ELSE round(probability, 4) END AS probability),
       (c.person_id IS NOT NULL) AS chosen,
       row_number() OVER (PARTITION BY p.record_key ORDER BY c.person_id IS NOT NULL DESC, same_number DESC, probability DESC, misfit DESC, weight DESC, p.person_id) AS place
FROM list_pair p LEFT JOIN chosen c ON c.record_key = p.record_key AND c.person_id = p.person_id
WHERE c.person_id IS NOT NULL OR same_number OR misfit OR probability >= $near
QUALIFY place <= $most
"""
_OUTCOME = """
SELECT r.record_key, CASE WHEN c.person_id IS NOT NULL THEN 'matched' WHEN count(n.record_key) > 0 THEN 'uncertain' ELSE 'nobody' END AS outcome,
       c.person_id, max(n.probability) FILTER (n.chosen) AS probability
FROM list_row r LEFT JOIN chosen c USING (record_key) LEFT JOIN near_pair n USING (record_key)
GROUP BY r.record_key, c.person_id ORDER BY r.record_key
"""
