"""Small cells (小数抑制): a count from 1 to below the limit is not shown, nor one that could be worked out from the sums it is in.
Zero is about nobody and is shown: a grid without such people has no row at all, and the report shows its zeros too.

A column ``line_…`` names a sum whose total the recipient can see: the cells of one line with the same text add up to it.
A line with anything hidden hides at least two cells, and cells that together reach the limit: else subtraction would
give back what was hidden. (统计法 §28; the rule is the usual primary and complementary suppression.)
"""

from __future__ import annotations

import duckdb

MOST_ROUNDS = 100  # each round hides at least one cell more; a table that needs more is hidden whole


def suppress(con: duckdb.DuckDBPyConnection, table: str, counts: tuple[str, ...], below: int) -> int:
    """Set the counts of ``table`` that must not be seen to null; returns how many. Lines bind the first count."""
    lines = [row[0] for row in con.execute(f"DESCRIBE {table}").fetchall() if row[0].startswith("line_")]
    before = sum(_filled(con, table, count) for count in counts)
    for count in counts[1:]:
        con.execute(f"UPDATE {table} SET {count} = NULL WHERE {count} > 0 AND {count} < $below", {"below": below})
    first = counts[0]
    con.execute(f"ALTER TABLE {table} ADD COLUMN hidden BOOLEAN")
    con.execute(f"UPDATE {table} SET hidden = {first} > 0 AND {first} < $below", {"below": below})
    for _ in range(MOST_ROUNDS):
        if not any(_complement(con, table, first, line, below) for line in lines):
            break
    else:
        con.execute(f"UPDATE {table} SET hidden = true")
    con.execute(f"UPDATE {table} SET {first} = NULL WHERE hidden")
    con.execute(f"ALTER TABLE {table} DROP COLUMN hidden")
    return before - sum(_filled(con, table, count) for count in counts)


def _filled(con: duckdb.DuckDBPyConnection, table: str, count: str) -> int:
    return con.execute(f"SELECT count({count}) FROM {table}").fetchall()[0][0]


def _complement(con: duckdb.DuckDBPyConnection, table: str, count: str, line: str, below: int) -> int:
    """Hide the smallest shown cell of each line that gives its hidden ones away (hiding a zero would not); how many were hidden."""
    return con.execute(
        f"""
        WITH weak AS (
            SELECT {line} FROM {table} WHERE {line} IS NOT NULL GROUP BY 1
            HAVING count(*) FILTER (WHERE hidden) > 0
               AND (count(*) FILTER (WHERE hidden) = 1 OR sum({count}) FILTER (WHERE hidden) < $below)
        ), next AS (
            SELECT arg_min(rowid, ({count}, rowid)) AS cell FROM {table}
            WHERE NOT hidden AND {count} > 0 AND {line} IN (SELECT {line} FROM weak) GROUP BY {line}
        )
        UPDATE {table} SET hidden = true WHERE rowid IN (SELECT cell FROM next)
        """,
        {"below": below},
    ).fetchall()[0][0]
