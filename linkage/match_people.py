"""Whom a list can be about at all: the persons of the warehouse who share anything with one of its rows.

A list of 2,000 rows never concerns all of a county, so comparing starts from the few who share a number, a telephone, a
dwelling, a birth date or a name with it, and the families of those who share a telephone (a form often has the family's).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine

from linkage.reading import MENTION_COLUMNS, earlier_numbers
from standards.variants import fold
from warehouse.bulk import read_arrow

_NAMESAKES = 100  # a name that more people bear says nothing by itself; their other values bring them in
_KNOWN = "SELECT {columns}, l.person_id FROM hub.mention m JOIN hub.person_link l USING (feed, record_key) WHERE l.recorded_to IS NULL"


@dataclass(frozen=True)
class People:
    """``mentions``: of everybody near the list, with ``person_id``; ``names``: name (folded), people (who bear it, county-wide);
    ``total``: persons in the county; ``aliases``: feed, record_key, id_number: numbers a register row carried earlier (None: no register)."""

    mentions: pa.Table
    names: pa.Table
    total: int
    aliases: pa.Table | None


def people_near(engine: Engine, con: duckdb.DuckDBPyConnection, wanted: pa.Table, largest_group: int) -> People:
    """Read whoever shares a value with the mentions ``wanted``. ``con`` keeps nothing of it."""
    columns = ", ".join(f"m.{name.strip()}" for name in MENTION_COLUMNS.split(","))
    con.register("known", read_arrow(engine, _KNOWN.format(columns=columns)))
    con.register("wanted", wanted)
    names = con.sql("SELECT DISTINCT name FROM (SELECT name FROM known UNION SELECT former_name FROM known UNION SELECT name FROM wanted "
                    "UNION SELECT former_name FROM wanted) WHERE name IS NOT NULL ORDER BY name").to_arrow_table()  # fmt: skip
    con.register("folded", names.append_column("folded", folded(names["name"])))
    for target, source, who in (("key_of_person", "known", "person_id"), ("key_of_row", "wanted", "record_key")):
        con.execute(f"CREATE OR REPLACE TEMP TABLE {target} AS {_KEYS.format(source=source, who=who)}")
    con.execute(_NEAR, {"namesakes": _NAMESAKES, "largest": largest_group})
    mentions = con.sql("FROM known WHERE person_id IN (FROM near_person)").to_arrow_table()
    borne = con.sql("SELECT f.folded AS name, count(DISTINCT k.person_id) AS people FROM known k JOIN folded f ON f.name = k.name "
                    "WHERE f.folded IN (SELECT folded FROM folded JOIN wanted USING (name)) GROUP BY 1").to_arrow_table()  # fmt: skip
    (total,) = con.execute("SELECT count(DISTINCT person_id) FROM known").fetchall()[0]
    for view in ("known", "wanted", "folded"):
        con.unregister(view)
    for table in ("key_of_person", "key_of_row", "near_person"):
        con.execute(f"DROP TABLE {table}")
    return People(mentions, borne, total, earlier_numbers(engine))


def folded(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Names as linkage compares them: variants folded, no blanks nor interpuncts."""
    flat = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    return pc.replace_substring_regex(fold(flat.cast(pa.string())), "[ ·]", "")


# The keys of linkage/candidates.py, as far as they can be told before forms and families are made; kind 1: a name alone, 2: a telephone.
_KEYS = """
WITH told AS (
    SELECT {who} AS who, m.*, f.folded, g.folded AS folded_former,
           coalesce(id_number, id_embedded, regexp_replace(translate(upper(coalesce(id_text, '')), 'OIL', '011'), '[^0-9X*]', '', 'g')) AS digits,
           strftime(birth_date, '%Y%m%d') AS day
    FROM {source} m LEFT JOIN folded f ON f.name = m.name LEFT JOIN folded g ON g.name = m.former_name),
named AS (SELECT *, folded AS called FROM told WHERE folded IS NOT NULL
          UNION ALL SELECT *, folded_former FROM told WHERE folded_former IS NOT NULL)
SELECT DISTINCT who, kind, key FROM (
    SELECT who, 0 AS kind, hash('id', id_number) AS key FROM told WHERE id_number IS NOT NULL
    UNION ALL SELECT who, 0, hash('id', id_embedded) FROM told WHERE id_embedded IS NOT NULL
    UNION ALL SELECT who, 0, hash('head', digits[1:14]) FROM told WHERE regexp_matches(digits, '^[0-9]{{15,17}}[0-9X]?$')
    UNION ALL SELECT who, 0, hash('tail', digits[9:]) FROM told WHERE regexp_matches(digits, '^[0-9]{{16,17}}[0-9X]?$')
    UNION ALL SELECT who, 0, hash('ends', digits[1:8], digits[15:]) FROM told WHERE regexp_matches(digits, '^[0-9]{{16,17}}[0-9X]?$')
    UNION ALL SELECT who, 0, hash('mask', digits[1:6], right(digits, 4)) FROM told WHERE regexp_matches(digits, '^[0-9]{{6}}[0-9*]{{6,9}}[0-9]{{2,3}}[0-9X]$')
    UNION ALL SELECT who, 2, hash('phone', phone) FROM told WHERE phone IS NOT NULL
    UNION ALL SELECT who, 2, hash('phone', phone_second) FROM told WHERE phone_second IS NOT NULL
    UNION ALL SELECT who, 0, hash('room', dwelling_id) FROM told WHERE dwelling_id IS NOT NULL AND dwelling_kind IS DISTINCT FROM 'premises'
    UNION ALL SELECT who, 0, hash('birth', day) FROM told WHERE day IS NOT NULL
    UNION ALL SELECT who, 0, hash('birth', digits[7:14]) FROM told WHERE regexp_matches(digits, '^[0-9]{{16,17}}[0-9X]?$')
    UNION ALL SELECT who, 0, hash('name year', called, coalesce(day, digits[7:14])[1:4]) FROM named WHERE len(coalesce(day, digits[7:14])) = 8
    UNION ALL SELECT who, 0, hash('name day', called, coalesce(day, digits[7:14])[5:8]) FROM named WHERE len(coalesce(day, digits[7:14])) = 8
    UNION ALL SELECT who, 0, hash('name building', called, building_id) FROM named WHERE building_id IS NOT NULL
    UNION ALL SELECT who, 1, hash('name', called) FROM named)
"""
_NEAR = """
CREATE OR REPLACE TEMP TABLE near_person AS
WITH shared AS (SELECT p.who, p.kind, p.key FROM key_of_person p WHERE p.key IN (SELECT key FROM key_of_row)),
rare AS (SELECT key FROM shared WHERE kind = 1 GROUP BY key HAVING count(*) <= $namesakes),
hit AS (SELECT DISTINCT who FROM shared WHERE kind <> 1 OR key IN (FROM rare)),
by_phone AS (SELECT DISTINCT who FROM shared WHERE kind = 2),
grouped AS (SELECT DISTINCT group_kind, group_key, CASE WHEN group_kind NOT IN ('assistance', 'register') THEN feed END AS feed, person_id
            FROM known WHERE group_key IS NOT NULL),
family AS (SELECT group_kind, group_key, feed FROM grouped GROUP BY ALL
           HAVING count(*) <= $largest AND bool_or(person_id IN (FROM by_phone))),
home AS (SELECT dwelling_id FROM known WHERE dwelling_id IS NOT NULL GROUP BY 1
         HAVING count(DISTINCT person_id) <= $largest AND bool_or(person_id IN (FROM by_phone)))
SELECT who AS person_id FROM hit
UNION SELECT g.person_id FROM grouped g JOIN family f ON f.group_kind = g.group_kind AND f.group_key = g.group_key AND f.feed IS NOT DISTINCT FROM g.feed
UNION SELECT person_id FROM known WHERE dwelling_id IN (FROM home)
"""
