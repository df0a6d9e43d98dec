"""Entities (实体): what is known so far of each person, one row, as Splink compares them.

An entity is one mention or several already known to be one person. Names, birth dates, telephones,
dwellings and kin are lists of all that its mentions say; a level asks whether two lists meet.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

# Kin are entities named in the same group. Only those are counted that stand on more than this one record:
# somebody with a valid ID, or linked in several records. So weak evidence never chains.
_ANCHORED_SQL = """
CREATE OR REPLACE TEMP TABLE anchored AS
SELECT e FROM labelled l LEFT JOIN trusted t USING (i) GROUP BY e HAVING count(t.i) > 0 OR count(*) > 1
"""

_KIN_SQL = """
CREATE OR REPLACE TEMP TABLE kin AS
WITH member AS (SELECT g.grp, l.e, any_value(f.name) AS name FROM grp_member g JOIN labelled l USING (i) JOIN form f USING (i) GROUP BY ALL)
SELECT a.e, list(DISTINCT b.e ORDER BY b.e) FILTER (b.e IN (FROM anchored)) AS kin,
       list(DISTINCT hash(b.name)) FILTER (b.name IS NOT NULL) AS kin_names
FROM member a JOIN member b ON a.grp = b.grp AND a.e <> b.e
GROUP BY a.e
"""

# Who lives in the same dwelling by any record (an archive, a permit, the register): whoever is visited together with one of
# them probably is one of them. A dwelling with very many people is a hall or a wrong resolution.
_MATES_SQL = """
CREATE OR REPLACE TEMP TABLE mates AS
WITH lives AS (SELECT DISTINCT l.e, f.room FROM labelled l JOIN form f USING (i)
               WHERE f.room IS NOT NULL AND l.e IN (FROM anchored)),
small AS (FROM lives WHERE room IN (SELECT room FROM lives GROUP BY room HAVING count(*) BETWEEN 2 AND $largest))
SELECT a.e, list(DISTINCT b.e ORDER BY b.e) AS mates FROM small a JOIN small b ON a.room = b.room AND a.e <> b.e GROUP BY a.e
"""

# Somebody of the same birth date in the family or home: what tells the two apart must be more than a similar name.
_TWIN_SQL = """
CREATE OR REPLACE TEMP TABLE twin AS
WITH born AS (SELECT DISTINCT l.e, f.birth FROM labelled l JOIN form f USING (i) WHERE f.birth IS NOT NULL),
family AS (SELECT DISTINCT a.e, b.e AS other FROM grp_member g JOIN labelled a USING (i) JOIN grp_member h ON h.grp = g.grp JOIN labelled b ON b.i = h.i
           WHERE a.e <> b.e
           UNION SELECT e, unnest(mates) FROM mates)
SELECT DISTINCT f.e FROM family f JOIN born a ON a.e = f.e JOIN born b ON b.e = f.other AND b.birth = a.birth
"""

# A form often has the number of the family instead of the person's own.
_KIN_PHONE_SQL = """
CREATE OR REPLACE TEMP TABLE kin_phone AS
WITH carried AS (SELECT l.e, f.phone1 AS phone FROM labelled l JOIN form f USING (i) WHERE f.phone1 IS NOT NULL
                 UNION SELECT l.e, f.phone2 FROM labelled l JOIN form f USING (i) WHERE f.phone2 IS NOT NULL),
near AS (SELECT e, unnest(kin) AS other FROM kin WHERE kin IS NOT NULL UNION SELECT e, unnest(mates) FROM mates)
SELECT n.e, list(DISTINCT c.phone) AS kin_phones FROM near n JOIN carried c ON c.e = n.other GROUP BY n.e
"""

# Of several spellings the one most rows carry stands for the entity; the register counts three times.
_NAME_SQL = """
CREATE OR REPLACE TEMP TABLE entity_name AS
WITH told AS (SELECT l.e, f.name, sum(CASE WHEN f.feed = 'psb_register' THEN 3 ELSE 1 END) AS n, min(l.i) AS first
              FROM labelled l JOIN form f USING (i) WHERE f.name IS NOT NULL GROUP BY l.e, f.name),
     former AS (SELECT l.e, f.former AS name FROM labelled l JOIN form f USING (i) WHERE f.former IS NOT NULL),
     main AS (SELECT e, arg_max(name, (NOT contains(name, '*'), n, -first)) AS name FROM told GROUP BY e),
     every AS (SELECT e, list(DISTINCT name ORDER BY name) AS names FROM (SELECT e, name FROM told UNION ALL FROM former) GROUP BY e),
     spoken AS (SELECT DISTINCT ON (name) name, py, c1, c2, c3, c4, p1, p2, p3, p4, len, blurred FROM form WHERE name IS NOT NULL ORDER BY name, i)
SELECT main.e, every.names, spoken.* FROM main JOIN every USING (e) JOIN spoken USING (name)
"""

_ENTITY_SQL = """
CREATE OR REPLACE TEMP TABLE entity AS
WITH told AS (
    SELECT l.e, f.*, t.number AS number, t.number IS NULL AND f.id_digits IS NOT NULL AS mistyped
    FROM labelled l JOIN form f USING (i) LEFT JOIN trusted t USING (i)),
gathered AS (
    SELECT e, count(*) AS mentions, min(number) AS id,
           count(*) FILTER (feed = 'psb_register' AND NOT ended) > 0 AS registered,
           list_distinct(list_append(list(birth_no), any_value(number)[7:14]::INT)) AS births,
           arg_max(birth_no, (feed = 'psb_register', -i)) AS told_birth,
           max(year) AS told_year, mode(sex ORDER BY sex) AS told_sex,
           min(id_digits) FILTER (mistyped) AS typed, min(id15) FILTER (number IS NULL) AS cut,
           -- list_distinct drops nulls and is twice as quick as DISTINCT inside the aggregate
           list_sort(list_distinct(list(CASE WHEN number IS NULL THEN mask END))) AS told_masks,
           list_distinct(list_concat(list(phone1), list(phone2))) AS phones,
           list_distinct(list(room)) AS rooms,
           list_distinct(list(building)) AS buildings, list_distinct(list(compound)) AS compounds, list_concat(list(inst), list(inst_card)) AS insts,
           list_distinct(list(card)) AS cards, list_distinct(list(place_in_home)) AS places_in_home, min(death_date) AS death,
           count(name) = 0 AS nameless
    FROM told GROUP BY e)
SELECT g.e AS unique_id, g.mentions, g.id, g.registered, g.nameless, g.insts, g.cards, g.death, g.places_in_home, count(g.id) OVER (PARTITION BY n.name) AS namesakes, w.e IS NOT NULL AS twin,
       n.name, n.names, n.py, n.c1, n.c2, n.c3, n.c4, n.p1, n.p2, n.p3, n.p4, n.len, coalesce(n.blurred, false) AS blurred,
       coalesce(g.id[7:14]::INT, g.told_birth) AS birth, g.births, coalesce(g.id[7:10]::SMALLINT, (g.told_birth // 10000)::SMALLINT, g.told_year) AS year,
       CASE WHEN g.id IS NOT NULL THEN CASE WHEN g.id[17:17]::INT % 2 = 1 THEN '1' ELSE '2' END ELSE g.told_sex END AS sex,
       g.typed, coalesce(g.id, g.typed) AS typed_or_id, coalesce(g.cut, g.id[1:15]) AS id15, g.cut,
       coalesce(CASE WHEN g.id IS NOT NULL THEN list_append(coalesce(g.told_masks, []), g.id[1:6] || g.id[15:18]) END,
                g.told_masks, []) AS masks,
       coalesce(g.told_masks[1], g.id[1:6] || g.id[15:18]) AS mask,
       g.phones, g.rooms, g.buildings, g.compounds,
       coalesce(k.kin, []) AS kin, coalesce(k.kin_names, []) AS kin_names, coalesce(a.mates, []) AS mates, coalesce(h.kin_phones, []) AS kin_phones
FROM gathered g LEFT JOIN entity_name n ON n.e = g.e LEFT JOIN kin k ON k.e = g.e LEFT JOIN mates a ON a.e = g.e LEFT JOIN kin_phone h ON h.e = g.e LEFT JOIN twin w ON w.e = g.e
ORDER BY g.e
"""


def build_entities(con: duckdb.DuckDBPyConnection, label: np.ndarray, largest: int) -> int:
    """Make ``labelled`` (i, e) and ``entity`` from ``label[i]`` (the smallest mention of i's entity). Returns their number."""
    label_mentions(con, label)
    con.execute(_ANCHORED_SQL)
    con.execute(_KIN_SQL)
    con.execute(_MATES_SQL, {"largest": largest})
    for sql in (_TWIN_SQL, _KIN_PHONE_SQL, _NAME_SQL, _ENTITY_SQL):
        con.execute(sql)
    return con.execute("SELECT count(*) FROM entity").fetchall()[0][0]


def label_mentions(con: duckdb.DuckDBPyConnection, label: np.ndarray) -> None:
    """Make ``labelled`` (i, e) from ``label[i]``."""
    con.register("label_in", pa.table({"i": pa.array(np.arange(len(label), dtype=np.int32)), "e": pa.array(label.astype(np.int32))}))
    con.execute("CREATE OR REPLACE TEMP TABLE labelled AS SELECT * FROM label_in")
    con.unregister("label_in")
