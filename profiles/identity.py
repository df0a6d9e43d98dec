"""Stable household ids: a household keeps its id while what holds it together stays.

Register and assistance households are held by their own number. A residence household is held by its
dwelling and at least one member: a flat whose people all changed is another household.
"""

from __future__ import annotations

import duckdb

PREFIX = {"residence": "R", "register": "H", "assistance": "A"}


def give_ids(con: duckdb.DuckDBPyConnection) -> None:
    """Make tables ``household(household_id, kind, natural_key, is_new)`` and ``member`` (membership with ids) from
    ``membership`` and the previous open ``old_household`` and ``old_member``. New ids follow the highest one ever
    given (``highest``: kind, number), in the order of the natural key."""
    prefixes = " ".join(f"WHEN '{kind}' THEN '{letter}'" for kind, letter in PREFIX.items())
    con.execute(
        f"""
        CREATE OR REPLACE TABLE household AS
        WITH now AS (
            SELECT kind, group_key AS natural_key, list(DISTINCT person_id) AS people FROM membership GROUP BY 1, 2
        ), before AS (
            SELECT h.household_id, h.kind, h.natural_key, list(DISTINCT m.person_id) AS people
            FROM old_household h JOIN old_member m USING (household_id) GROUP BY 1, 2, 3
        ), kept AS (
            SELECT n.kind, n.natural_key, min(b.household_id) AS household_id
            FROM now n JOIN before b USING (kind, natural_key)
            WHERE n.kind <> 'residence' OR list_has_any(n.people, b.people)
            GROUP BY 1, 2
        ), fresh AS (
            SELECT kind, natural_key, row_number() OVER (PARTITION BY kind ORDER BY natural_key) AS place
            FROM now ANTI JOIN kept USING (kind, natural_key)
        )
        SELECT household_id, kind, natural_key, false AS is_new FROM kept
        UNION ALL
        SELECT CASE f.kind {prefixes} END || lpad(CAST(coalesce(h.number, 0) + f.place AS VARCHAR), 9, '0'), f.kind, f.natural_key, true
        FROM fresh f LEFT JOIN highest h USING (kind)
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TABLE member AS
        SELECT h.household_id, m.kind, m.person_id, max(m.relation) AS relation, min(m.basis) AS basis,
               max(m.confidence) AS confidence, min(m.valid_from) AS valid_from
        FROM membership m JOIN household h ON h.kind = m.kind AND h.natural_key = m.group_key
        GROUP BY 1, 2, 3
        """
    )
