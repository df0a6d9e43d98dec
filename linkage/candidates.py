"""Candidate pairs (候选对): blocking by many keys at once, each an equality that true pairs share.

Two entities that both have a valid ID are never candidates (two IDs, two people), nor two rows the register
keeps apart, nor people named side by side in one record, nor what the model calls impossible. Keys shared by too many entities are left
out; a pair usually shares several, so little is lost (the figures say how much a block was).
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from linkage.model import Key, LinkRule
from linkage.patch import is_empty

# Each key of an entity once: the lists hold each value once. Made as lists of a row, as joins of what is unnested cost twice as much.
_KEYS_SQL = """
CREATE OR REPLACE {kind} AS
WITH e AS (
    SELECT * REPLACE (list_distinct(masks) AS masks), list_distinct(list_transform(births, lambda b: b % 10000)) AS days,
           list_filter(kin_phones, lambda p: NOT list_contains(phones, p)) AS other_phones
    FROM {entity} WHERE unique_id IN (FROM changed_{entity})),
keyed AS (SELECT unique_id, id IS NOT NULL AS settled, flatten([
    CASE WHEN c1 IS NOT NULL THEN list_transform(births, lambda b: hash('surname birth', c1, b)) END,
    CASE WHEN p1 IS NOT NULL THEN list_transform(births, lambda b: hash('sound birth', p1, b)) END,
    CASE WHEN p1 IS NOT NULL THEN list_transform(phones, lambda p: hash('sound phone', p1, p)) END,
    CASE WHEN p1 IS NOT NULL THEN list_transform(kin, lambda k: hash('sound kin', p1, k)) END,
    CASE WHEN p1 IS NOT NULL THEN list_transform(masks, lambda m: hash('sound mask', p1, m)) END,
    CASE WHEN p1 IS NOT NULL THEN list_transform(rooms, lambda r: hash('sound room', p1, r)) END,
    CASE WHEN p1 IS NOT NULL AND id15 IS NOT NULL THEN [hash('sound id15', p1, id15)] END,
    -- one error leaves the head or the tail of a number as it was, or all but a part of the birth date; both ends alone are many people's
    CASE WHEN typed_or_id IS NOT NULL THEN [
        hash('id head', typed_or_id[1:14]), hash('id tail', typed_or_id[9:]),
        hash('id but year', typed_or_id[1:8], typed_or_id[12:]), hash('id but day', typed_or_id[1:10], typed_or_id[15:])] END,
    list_transform(names, lambda n: hash('name', n)),
    CASE WHEN death IS NOT NULL THEN list_transform(names, lambda n: hash('name death', n)) END,
    CASE WHEN year IS NOT NULL THEN list_transform(names, lambda n: hash('name year', n, year)) END,
    {crossed} {further}
]) AS keys FROM e)
SELECT unnest(keys) AS key, unique_id, settled FROM keyed
"""
# Every value of one list with every value of another.
_CROSSED = (
    ("name day", "names", "days"), ("name phone", "names", "phones"), ("name phone", "names", "other_phones"), ("name room", "names", "rooms"),
    ("name building", "names", "buildings"), ("name kin", "names", "kin"), ("name card", "names", "cards"), ("birth phone", "births", "phones"),
    ("birth room", "births", "rooms"), ("birth kin", "births", "kin"), ("mask room", "masks", "rooms"), ("mask phone", "masks", "phones"),
    ("mask birth", "masks", "births"),
)  # fmt: skip

# Who must be compared again: whose row changed, and everybody under a key that became too large to use, or small enough again. The keys
# are many: read are those of who changed, who else has one of these, and at last all under a key of who is compared again (`around`).
_AGAIN_SQL = (
    "CREATE OR REPLACE TEMP TABLE key_before AS FROM {keys} WHERE unique_id IN (FROM changed_{entity})",
    """CREATE OR REPLACE TEMP TABLE key_held AS
       FROM {keys} WHERE key IN (SELECT key FROM key_before UNION SELECT key FROM key_now) AND unique_id NOT IN (FROM changed_{entity})""",
    "DELETE FROM {keys} WHERE unique_id IN (FROM changed_{entity})",
    "INSERT INTO {keys} FROM key_now",
    """CREATE OR REPLACE TEMP TABLE again AS
       WITH counted AS (
           SELECT key, 1 AS before, 1 AS now FROM key_held UNION ALL SELECT key, 1, 0 FROM key_before UNION ALL SELECT key, 0, 1 FROM key_now),
       flipped AS (SELECT key FROM counted GROUP BY key HAVING (sum(now) > $largest) <> (sum(before) > $largest))
       FROM changed_{entity} UNION SELECT unique_id FROM key_held WHERE key IN (FROM flipped)
       UNION SELECT unique_id FROM {entity} WHERE name IN (FROM renamed)""",
    "CREATE OR REPLACE TEMP TABLE around AS FROM {keys} WHERE key IN (SELECT key FROM {keys} WHERE unique_id IN (FROM again))",
)

# A name nobody else in the county has is evidence of its own (rules.yaml): when that begins or ends, its bearers are looked at again.
_NAMESAKE_SQL = (
    "CREATE TABLE IF NOT EXISTS namesake_{r} (name VARCHAR, n BIGINT)",
    "CREATE OR REPLACE TEMP TABLE namesake AS SELECT name, count(*) AS n FROM entity_{r} WHERE id IS NOT NULL AND name IS NOT NULL GROUP BY name",
    """CREATE OR REPLACE TEMP TABLE recounted AS
       SELECT name, coalesce(a.n, 0) AS now, coalesce(b.n, 0) AS before FROM namesake a FULL JOIN namesake_{r} b USING (name)
       WHERE coalesce(a.n, 0) <> coalesce(b.n, 0)""",
    "CREATE OR REPLACE TEMP TABLE renamed AS SELECT name FROM recounted WHERE least(now, before) <= 1",
    "DELETE FROM namesake_{r} WHERE name IN (SELECT name FROM recounted)",
    "INSERT INTO namesake_{r} SELECT name, now FROM recounted WHERE now > 0",
)

# Only keys with somebody unsettled and somebody else; the largest are left out. Each pair once: an unsettled entity of `again` finds
# its partners, and a settled one the unsettled partners that are not looking themselves.
_PAIRS_SQL = """
CREATE OR REPLACE TEMP TABLE pair AS
WITH used AS (SELECT key FROM around GROUP BY key HAVING count(*) BETWEEN 2 AND $largest AND bool_or(NOT settled)),
known AS (SELECT *, unique_id IN (FROM again) AS looking FROM around WHERE key IN (FROM used)),
found AS (
    SELECT a.unique_id AS a, b.unique_id AS b FROM known a JOIN known b ON a.key = b.key AND (b.settled OR a.unique_id < b.unique_id OR NOT b.looking)
    WHERE a.looking AND NOT a.settled AND a.unique_id <> b.unique_id
    UNION ALL
    SELECT a.unique_id, b.unique_id FROM known a JOIN known b ON a.key = b.key WHERE a.looking AND a.settled AND NOT b.settled AND NOT b.looking)
SELECT DISTINCT '0' AS match_key, least(a, b) AS join_key_l, greatest(a, b) AS join_key_r FROM found
"""

# The same where everybody is looking.
_ALL_PAIRS_SQL = """
CREATE OR REPLACE TEMP TABLE pair AS
WITH used AS (SELECT key FROM {keys} WHERE key IN (SELECT key FROM {keys} WHERE NOT settled) GROUP BY key HAVING count(*) BETWEEN 2 AND $largest),
open AS (SELECT key, unique_id FROM {keys} WHERE NOT settled AND key IN (FROM used)),
found AS (
    SELECT a.unique_id AS a, b.unique_id AS b FROM {keys} b JOIN open a USING (key) WHERE b.settled
    UNION ALL SELECT a.unique_id, b.unique_id FROM open a JOIN open b ON a.key = b.key AND a.unique_id < b.unique_id)
SELECT DISTINCT '0' AS match_key, least(a, b) AS join_key_l, greatest(a, b) AS join_key_r FROM found
"""

_POSSIBLE_SQL = """
CREATE OR REPLACE TEMP TABLE candidate AS
SELECT p.* FROM pair p JOIN {entity} l ON l.unique_id = p.join_key_l JOIN {entity} r ON r.unique_id = p.join_key_r
WHERE NOT (l.registered AND r.registered) AND NOT list_has_any(l.insts, r.insts){impossible}
"""

_COMPARED_SQL = """
CREATE OR REPLACE TEMP TABLE entity AS
SELECT e.* EXCLUDE (digest), coalesce(n.n, 0) AS namesakes FROM {entity} e LEFT JOIN namesake n USING (name)
WHERE e.unique_id IN (SELECT join_key_l FROM candidate UNION ALL SELECT join_key_r FROM candidate)
"""


def block(con: duckdb.DuckDBPyConnection, round_no: int | str, largest: int, further: Sequence[Key] = (),
          impossible: Sequence[LinkRule] = ()) -> int:
    """Make ``candidate`` (match_key, join_key_l, join_key_r), the pairs of ``entity_<round>`` to be scored again: those of the
    entities in ``again`` (unique_id), and ``entity``, the rows they need. ``further``: keys of the model; ``impossible``: what pairs
    of its are not worth a score. Returns the number of pairs."""
    entity, keys = f"entity_{round_no}", f"block_key_{round_no}"
    names = {"entity": entity, "keys": keys, "r": round_no}
    names["crossed"] = ", ".join(f"flatten(list_transform({one}, lambda a: list_transform({other}, lambda b: hash('{name}', a, b))))" for name, one, other in _CROSSED)
    names["further"] = "".join(f", CASE WHEN ({key.sql}) IS NOT NULL THEN [hash('{key.name}', ({key.sql}))] END" for key in further)
    names["impossible"] = "".join(f" AND NOT coalesce(({rule.when}), false)" for rule in impossible)
    first = is_empty(con, keys)
    names["kind"] = f"TABLE {keys}" if first else "TEMP TABLE key_now"
    pairs = ("CREATE OR REPLACE TEMP TABLE again AS FROM changed_{entity}", _ALL_PAIRS_SQL) if first else (*_AGAIN_SQL, _PAIRS_SQL)
    for sql in (*_NAMESAKE_SQL, _KEYS_SQL, *pairs, _POSSIBLE_SQL, _COMPARED_SQL):
        con.execute(sql.format(**names), {"largest": largest} if "$largest" in sql else None)
    con.execute("DROP TABLE pair")
    con.execute("DROP TABLE IF EXISTS key_now")
    return con.execute("SELECT count(*) FROM candidate").fetchall()[0][0]
