"""The gazetteer (地名录): every name a place of the county goes by, and what it stands for.

Names come from the directory alone. An everyday word that looks like a place (符合 for 合符) counts
only if the directory lists it as an alias.
"""

from __future__ import annotations

import re

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from places.directory import Directory
from warehouse.compute import analyst

# Endings people leave out: 轩辕 for 轩辕小区. Only before a building part, see resolve.py.
ENDINGS = ("住宅小区", "小区", "社区", "新区", "家园", "花园", "家属院", "家属楼", "院")
PHASES = dict(zip("一二三四五六七八九", "123456789", strict=True))


def fold_name(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Names in the form they are compared in: phase numerals Arabic, no brackets or blanks, upper case."""
    folded = pc.utf8_upper(pc.replace_substring_regex(names, r"[\s()（）\[\]【】·,，、。]+", ""))
    for chinese, arabic in PHASES.items():
        folded = pc.replace_substring(folded, f"{chinese}期", f"{arabic}期")
    return pc.replace_substring_regex(folded, r"第([0-9])期", r"\1期")


def names_of(directory: Directory, con: duckdb.DuckDBPyConnection | None = None) -> pa.Table:
    """``name, kind (compound|community), full (bool), target, community_code``: one row a name and meaning.

    ``full`` names can stand anywhere; the others are shortened and need a building part after them.
    Open rows come before ended ones: a name two compounds have had is the present one's.
    """
    con = con or analyst()
    for label in ("communities", "compounds", "aliases"):
        table = getattr(directory, label)
        key = "alias" if label == "aliases" else "name"
        con.register(label, table.append_column("folded", fold_name(table[key])))
    endings = "|".join(map(re.escape, ENDINGS))
    return con.sql(
        f"""
        WITH compound_name AS (
            SELECT folded AS name, compound_id AS target, community_code, ends_on IS NULL AS open FROM compounds
            UNION
            SELECT a.folded, a.compound_id, c.community_code, c.ends_on IS NULL
            FROM aliases a JOIN compounds c USING (compound_id)
        ), phaseless AS (   -- 滨河小区 for 滨河小区一期: the building's number tells the phase
            SELECT regexp_replace(name, '[0-9]期', '') AS name, target, community_code, open FROM compound_name
        ), shortened AS (
            SELECT regexp_replace(name, '({endings})$', '') AS name, target, community_code, open
            FROM (SELECT * FROM compound_name UNION SELECT * FROM phaseless)
        ), town_name AS (
            SELECT folded AS name, community_code FROM communities
            UNION SELECT folded || '社区', community_code FROM communities WHERE folded NOT LIKE '%社区'
        ), every AS (
            SELECT name, 'compound' AS kind, true AS "full", target, community_code, open FROM compound_name
            UNION ALL
            SELECT name, 'compound', true, target, community_code, open FROM phaseless
            WHERE name NOT IN (SELECT name FROM compound_name)
            UNION ALL
            SELECT name, 'compound', false, target, community_code, open FROM shortened
            WHERE length(name) >= 2 AND name NOT IN (SELECT name FROM compound_name)
            UNION ALL
            SELECT name, 'community', true, community_code, community_code, true FROM town_name
            WHERE name LIKE '%社区' AND name NOT IN (SELECT name FROM compound_name)
        )
        SELECT DISTINCT name, kind, "full", target, community_code FROM every
        WHERE name <> ''
        QUALIFY open OR NOT bool_or(open) OVER (PARTITION BY name, kind, "full")
        ORDER BY length(name) DESC, name, target
        """
    ).to_arrow_table()
