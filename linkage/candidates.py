"""Candidate pairs (候选对): blocking by many keys at once, each an equality that true pairs share.

Two entities that both have a valid ID are never candidates (two IDs, two people), nor two rows the register
keeps apart, nor people named side by side in one record. Keys shared by too many entities are left
out; a pair usually shares several, so little is lost (the figures say how much a block was).
"""

from __future__ import annotations

import duckdb

_KEYS_SQL = """
CREATE OR REPLACE TEMP TABLE block_key AS
WITH e AS (SELECT *, id IS NOT NULL AS settled FROM entity),
n AS (SELECT unique_id, settled, unnest(names) AS name FROM e),
b AS (SELECT unique_id, settled, unnest(births) AS birth FROM e),
p AS (SELECT unique_id, settled, unnest(phones) AS phone FROM e),
r AS (SELECT unique_id, settled, unnest(rooms) AS room FROM e),
d AS (SELECT unique_id, settled, unnest(buildings) AS building FROM e),
k AS (SELECT unique_id, settled, unnest(kin) AS kin FROM e),
c AS (SELECT unique_id, settled, unnest(cards) AS card FROM e),
f AS (SELECT unique_id, settled, unnest(kin_phones) AS phone FROM e),
m AS (SELECT unique_id, settled, unnest(masks) AS mask FROM e),
keyed AS (
    SELECT unique_id, settled, hash('surname birth', e.c1, b.birth) AS key FROM b JOIN e USING (unique_id, settled) WHERE e.c1 IS NOT NULL
    UNION ALL SELECT unique_id, settled, hash('sound birth', e.p1, b.birth) FROM b JOIN e USING (unique_id, settled) WHERE e.p1 IS NOT NULL
    UNION ALL SELECT unique_id, settled, hash('name phone', name, phone) FROM n JOIN p USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('name room', name, room) FROM n JOIN r USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('name building', name, building) FROM n JOIN d USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('name kin', name, kin) FROM n JOIN k USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('name year', n.name, e.year) FROM n JOIN e USING (unique_id, settled) WHERE year IS NOT NULL
    UNION ALL SELECT unique_id, settled, hash('name day', name, birth % 10000) FROM n JOIN b USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('birth phone', birth, phone) FROM b JOIN p USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('birth room', birth, room) FROM b JOIN r USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('birth kin', birth, kin) FROM b JOIN k USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('sound phone', e.p1, p.phone) FROM p JOIN e USING (unique_id, settled) WHERE e.p1 IS NOT NULL
    UNION ALL SELECT unique_id, settled, hash('sound kin', e.p1, k.kin) FROM k JOIN e USING (unique_id, settled) WHERE e.p1 IS NOT NULL
    UNION ALL SELECT unique_id, settled, hash('sound mask', e.p1, m.mask) FROM m JOIN e USING (unique_id, settled) WHERE e.p1 IS NOT NULL
    UNION ALL SELECT unique_id, settled, hash('mask room', m.mask, r.room) FROM m JOIN r USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('mask phone', m.mask, p.phone) FROM m JOIN p USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('mask birth', m.mask, b.birth) FROM m JOIN b USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('sound room', e.p1, r.room) FROM r JOIN e USING (unique_id, settled) WHERE e.p1 IS NOT NULL
    UNION ALL SELECT unique_id, settled, hash('name phone', n.name, f.phone) FROM n JOIN f USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('sound id15', p1, id15) FROM e WHERE id15 IS NOT NULL AND p1 IS NOT NULL
    -- one error leaves the head, the tail, or both ends of a number as they were
    UNION ALL SELECT unique_id, settled, hash('id head', typed_or_id[1:14]) FROM e WHERE typed_or_id IS NOT NULL
    UNION ALL SELECT unique_id, settled, hash('id tail', typed_or_id[9:]) FROM e WHERE typed_or_id IS NOT NULL
    UNION ALL SELECT unique_id, settled, hash('id ends', typed_or_id[1:8], typed_or_id[15:]) FROM e WHERE typed_or_id IS NOT NULL
    UNION ALL SELECT unique_id, settled, hash('name card', n.name, c.card) FROM n JOIN c USING (unique_id, settled)
    UNION ALL SELECT unique_id, settled, hash('name death', n.name) FROM n JOIN e USING (unique_id, settled) WHERE e.death IS NOT NULL
    UNION ALL SELECT unique_id, settled, hash('name', name) FROM n)
SELECT DISTINCT key, unique_id, settled FROM keyed
"""

# Only keys with somebody unsettled and somebody else; the largest are left out.
_PAIRS_SQL = """
CREATE OR REPLACE TEMP TABLE pair AS
WITH used AS (SELECT key FROM block_key GROUP BY key
              HAVING count(*) BETWEEN 2 AND $largest AND bool_or(NOT settled))
SELECT '0' AS match_key, least(a.unique_id, b.unique_id) AS join_key_l, greatest(a.unique_id, b.unique_id) AS join_key_r
FROM block_key a JOIN block_key b ON a.key = b.key AND a.unique_id <> b.unique_id
WHERE NOT a.settled AND (b.settled OR a.unique_id < b.unique_id) AND a.key IN (FROM used)
GROUP BY ALL
"""

_POSSIBLE_SQL = """
CREATE OR REPLACE TEMP TABLE candidate AS
SELECT p.* FROM pair p JOIN entity l ON l.unique_id = p.join_key_l JOIN entity r ON r.unique_id = p.join_key_r
WHERE NOT (l.registered AND r.registered) AND NOT list_has_any(l.insts, r.insts)
"""


def block(con: duckdb.DuckDBPyConnection, largest: int) -> int:
    """Make ``candidate`` (match_key, join_key_l, join_key_r) over ``entity``; returns the number of pairs."""
    con.execute(_KEYS_SQL)
    con.execute(_PAIRS_SQL, {"largest": largest})
    con.execute(_POSSIBLE_SQL)
    con.execute("DROP TABLE block_key")
    con.execute("DROP TABLE pair")
    return con.execute("SELECT count(*) FROM candidate").fetchall()[0][0]
