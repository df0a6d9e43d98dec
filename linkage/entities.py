"""Entities (实体): what is known so far of each person, one row, as Splink compares them.

An entity is one mention or several already known to be one person. Names, birth dates, telephones,
dwellings and kin are lists of all that its mentions say; a level asks whether two lists meet.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from linkage.model import Column
from linkage.patch import is_empty, lasting, update

# Kin are entities named in the same group. Only those are counted that stand on more than this one record:
# somebody with a valid ID, or linked in several records. So weak evidence never chains.
_ON_MORE_THAN_ONE = "GROUP BY e HAVING count(t.i) > 0 OR count(*) > 1"  # of the mentions l of entities, with what they are trusted in (t)
_ANCHORED_SQL = f"CREATE OR REPLACE TEMP TABLE anchored AS SELECT e FROM labelled l LEFT JOIN trusted t USING (i) {_ON_MORE_THAN_ONE}"

# list_distinct over a list is quicker than DISTINCT inside the aggregate.
_KIN_SQL = """
CREATE OR REPLACE TEMP TABLE kin AS
WITH member AS (SELECT g.grp, l.e, l.e IN (FROM anchored) AS anchored, arg_min(hash(f.name), i) FILTER (f.name IS NOT NULL) AS name
                FROM grp_member g JOIN labelled l USING (i) JOIN form f USING (i) GROUP BY g.grp, l.e),
met AS (SELECT a.e, list(b.e) FILTER (b.anchored) AS kin, list(b.name) FILTER (b.name IS NOT NULL) AS kin_names
        FROM member a JOIN member b ON a.grp = b.grp AND a.e <> b.e GROUP BY a.e)
SELECT e, list_sort(list_distinct(kin)) AS kin, list_sort(list_distinct(kin_names)) AS kin_names FROM met
"""

# Who lives in the same dwelling by any record (an archive, a permit, the register): whoever is visited together with one of
# them probably is one of them. A dwelling with very many people is a hall or a wrong resolution.
_MATES_SQL = (
    """CREATE OR REPLACE TEMP TABLE lives AS
       SELECT DISTINCT l.e, f.room FROM labelled l JOIN form f USING (i)
       WHERE f.room IS NOT NULL AND l.e IN (FROM anchored) AND f.room NOT IN (FROM crowded)""",
    """CREATE OR REPLACE TEMP TABLE mates AS
       SELECT a.e, list_sort(list_distinct(list(b.e))) AS mates FROM lives a JOIN lives b ON a.room = b.room AND a.e <> b.e GROUP BY a.e""",
)

# Somebody of the same birth date in the family or home, or another record of one feed that names the same parent: what tells the two
# apart must be more than a similar name, or that one has none yet.
_TWIN_SQL = """
CREATE OR REPLACE TEMP TABLE twin AS
WITH born AS (SELECT DISTINCT l.e, f.birth FROM labelled l JOIN form f USING (i) WHERE f.birth IS NOT NULL),
within AS (SELECT DISTINCT l.e, hash('family', g.grp) AS family FROM grp_member g JOIN labelled l USING (i)
           UNION ALL SELECT e, hash('home', room) FROM lives
           UNION ALL SELECT e, hash('parent', feed, parent) FROM (SELECT DISTINCT l.e, f.feed FROM labelled l JOIN form f USING (i) WHERE f.of_parents)
                     JOIN (SELECT e, unnest(kin) AS parent FROM kin) USING (e))
SELECT DISTINCT unnest(list(e)) AS e FROM within JOIN born USING (e) GROUP BY family, birth HAVING count(*) > 1
"""

# A form often has the number of the family instead of the person's own.
_KIN_PHONE_SQL = """
CREATE OR REPLACE TEMP TABLE kin_phone AS
WITH carried AS (SELECT l.e, f.phone1 AS phone FROM labelled l JOIN form f USING (i) WHERE f.phone1 IS NOT NULL
                 UNION SELECT l.e, f.phone2 FROM labelled l JOIN form f USING (i) WHERE f.phone2 IS NOT NULL),
near AS (SELECT e, unnest(kin) AS other FROM kin WHERE kin IS NOT NULL UNION SELECT e, unnest(mates) FROM mates)
SELECT e, list_sort(list_distinct(list(phone))) AS kin_phones FROM (
    SELECT n.e, c.phone FROM near n JOIN carried c ON c.e = n.other
    UNION ALL SELECT l.e, f.phone_home FROM labelled l JOIN form f USING (i) WHERE f.phone_home IS NOT NULL) GROUP BY e
"""

# Of several spellings the one most rows carry stands for the entity; the register counts three times.
_NAME_SQL = """
CREATE OR REPLACE TEMP TABLE entity_name AS
WITH told AS (SELECT l.e, f.name, sum(CASE WHEN f.feed = 'psb_register' THEN 3 ELSE 1 END) AS n, min(l.i) AS first
              FROM mine l JOIN form f USING (i) WHERE f.name IS NOT NULL GROUP BY l.e, f.name),
     former AS (SELECT l.e, f.former AS name FROM mine l JOIN form f USING (i) WHERE f.former IS NOT NULL),
     main AS (SELECT e, arg_max(name, (NOT contains(name, '*'), n, -first)) AS name FROM told GROUP BY e),
     every AS (SELECT e, list(DISTINCT name ORDER BY name) AS names FROM (SELECT e, name FROM told UNION ALL FROM former) GROUP BY e),
     -- what a name is made of does not depend on who carries it
     spoken AS (SELECT DISTINCT name, py, c1, c2, c3, c4, p1, p2, p3, p4, len, blurred FROM mine JOIN form USING (i) WHERE name IS NOT NULL)
SELECT main.e, every.names, spoken.* FROM main JOIN every USING (e) JOIN spoken USING (name)
"""

# What its neighbours make of an entity ``g``; all else are its own records.
_BESIDE = """w.e IS NOT NULL AS twin, coalesce(k.kin, []) AS kin, coalesce(k.kin_names, []) AS kin_names,
       coalesce(a.mates, []) AS mates, coalesce(h.kin_phones, []) AS kin_phones"""
_BESIDE_JOINED = """LEFT JOIN kin k ON k.e = g.e LEFT JOIN mates a ON a.e = g.e LEFT JOIN kin_phone h ON h.e = g.e LEFT JOIN twin w ON w.e = g.e"""

_JUST_SQL = "CREATE OR REPLACE TEMP MACRO just(value) AS CASE WHEN value IS NULL THEN [] ELSE [value] END"
_ENTITY_SQL = """
CREATE OR REPLACE /* lasting */ entity_now AS
WITH size AS (SELECT e, count(*) AS n FROM mine GROUP BY e),
told AS (
    SELECT l.e, l.i, s.n, f.feed = 'psb_register' AS register, f.ended, f.name, f.birth_no, f.year, f.sex, f.id_digits, f.id15, f.phone1, f.phone2,
           f.room, f.building, f.compound, f.inst, f.inst_card, f.card, f.place_in_home, f.death_date, t.number,
           CASE WHEN t.number IS NULL THEN f.mask END AS mask, t.number IS NULL AND f.id_digits IS NOT NULL AS mistyped /* further of told */
    FROM mine l JOIN size s USING (e) JOIN form f USING (i) LEFT JOIN trusted t USING (i)),
gathered AS (
    SELECT e, count(*) AS mentions, min(number) AS id, count(*) FILTER (register AND NOT ended) > 0 AS registered,
           list_sort(list_distinct(list_append(list(birth_no), min(number)[7:14]::INT))) AS births,
           arg_max(birth_no, (register, -i)) AS told_birth,
           max(year) AS told_year, mode(sex ORDER BY sex) AS told_sex,
           min(id_digits) FILTER (mistyped) AS typed, min(id15) FILTER (number IS NULL) AS cut,
           -- FILTER is what makes lists of the rare cheap
           coalesce(list_sort(list_distinct(list(mask) FILTER (mask IS NOT NULL))), []) AS told_masks,
           list_sort(list_distinct(list_concat(list(phone1), list(phone2)))) AS phones,
           list_sort(list_distinct(list(room))) AS rooms,
           list_sort(list_distinct(list(building))) AS buildings, list_sort(list_distinct(list(compound))) AS compounds,
           list_sort(list_concat(list(inst), list(inst_card) FILTER (inst_card IS NOT NULL))) AS insts,
           coalesce(list_sort(list_distinct(list(card) FILTER (card IS NOT NULL))), []) AS cards,
           coalesce(list_sort(list_distinct(list(place_in_home) FILTER (place_in_home IS NOT NULL))), []) AS places_in_home, min(death_date) AS death,
           count(name) = 0 AS nameless /* further of gathered */
    FROM told WHERE n > 1 GROUP BY e
    UNION ALL  -- most have one record: nothing to gather
    SELECT e, 1, number, register AND NOT ended, list_sort(list_distinct([birth_no, number[7:14]::INT])), birth_no, year, sex,
           CASE WHEN mistyped THEN id_digits END, CASE WHEN number IS NULL THEN id15 END, just(mask), list_sort(list_distinct([phone1, phone2])),
           just(room), just(building), just(compound), list_sort(list_distinct([inst, inst_card])), just(card), just(place_in_home), death_date, name IS NULL /* further of just */
    FROM told WHERE n = 1),
whole AS (
SELECT g.e AS unique_id, g.mentions, g.id, g.registered, g.nameless, g.insts, g.cards, g.death, g.places_in_home,
       n.name, n.names, n.py, n.c1, n.c2, n.c3, n.c4, n.p1, n.p2, n.p3, n.p4, n.len, coalesce(n.blurred, false) AS blurred,
       coalesce(g.id[7:14]::INT, g.told_birth) AS birth, g.births, coalesce(g.id[7:10]::SMALLINT, (g.told_birth // 10000)::SMALLINT, g.told_year) AS year,
       CASE WHEN g.id IS NOT NULL THEN CASE WHEN g.id[17:17]::INT % 2 = 1 THEN '1' ELSE '2' END ELSE g.told_sex END AS sex,
       g.typed, coalesce(g.id, g.typed) AS typed_or_id, coalesce(g.cut, g.id[1:15]) AS id15, g.cut,
       CASE WHEN g.id IS NOT NULL THEN list_append(g.told_masks, g.id[1:6] || g.id[15:18]) ELSE g.told_masks END AS masks,
       coalesce(g.told_masks[1], g.id[1:6] || g.id[15:18]) AS mask,
       g.phones, g.rooms, g.buildings, g.compounds, """ + _BESIDE + """ /* further of whole */
FROM gathered g LEFT JOIN entity_name n ON n.e = g.e """ + _BESIDE_JOINED + """)
SELECT hash(w) AS digest, w.* FROM whole w
"""


# What an entity's own records say is as it was in the round before, unless that joined others to it.
_AS_THEY_WERE_SQL = """
INSERT INTO entity_now
WITH whole AS (
SELECT g.* EXCLUDE (e) REPLACE (""" + _BESIDE + """)
FROM (SELECT * EXCLUDE (digest), unique_id AS e FROM entity_{last} WHERE e IN (FROM rebuilt) AND e NOT IN (FROM grown)) g """ + _BESIDE_JOINED + """)
SELECT hash(w) AS digest, w.* FROM whole w
"""
# Whose own records are gathered: everybody's in the first round, then those of entities that the round before joined.
_GROWN_SQL = (
    """CREATE OR REPLACE TEMP TABLE grown AS
       SELECT DISTINCT n.e FROM after_{last} n JOIN after_{before} o USING (i) WHERE n.e <> o.e AND n.e IN (FROM rebuilt)""",
    "CREATE OR REPLACE TEMP TABLE grown_label AS FROM labelled WHERE e IN (FROM grown)",
    "CREATE OR REPLACE TEMP VIEW mine AS FROM grown_label",
)

# Few dwellings have so many records at all.
_CROWDED_SQL = f"""
CREATE OR REPLACE TEMP TABLE crowded AS
WITH many AS (SELECT room FROM form WHERE room IS NOT NULL GROUP BY room HAVING count(*) > $largest),
there AS (SELECT DISTINCT l.e, f.room FROM label_now l JOIN form f USING (i) WHERE f.room IN (FROM many)),
known AS (SELECT e FROM label_now l LEFT JOIN trusted t USING (i) WHERE e IN (SELECT e FROM there) {_ON_MORE_THAN_ONE})
SELECT room FROM there WHERE e IN (FROM known) GROUP BY room HAVING count(*) > $largest
"""
_ROW_SQL = (_JUST_SQL, _ANCHORED_SQL, _KIN_SQL, *_MATES_SQL, _TWIN_SQL, _KIN_PHONE_SQL, _NAME_SQL)

# What an entity's row is made from: its own mentions, and those of entities it shares a group or a dwelling with. So the rows to
# make again are those of entities that changed and their neighbours; to make them, the neighbours' neighbours must be seen. Children of one
# parent are neighbours, too.
_REACHED_SQL = (
    """CREATE OR REPLACE TEMP TABLE moved AS
       SELECT i FROM changed_form UNION SELECT i FROM changed_trusted UNION SELECT i FROM regrouped {relabelled}""",
    "CREATE OR REPLACE TEMP TABLE touched AS SELECT e FROM label_now WHERE i IN (FROM moved) {old}",
    "CREATE TABLE IF NOT EXISTS crowded_{r} (room UBIGINT)",
    _CROWDED_SQL,
    "CREATE OR REPLACE TEMP TABLE always_crowded AS FROM crowded INTERSECT FROM crowded_{r}",
    "DELETE FROM crowded_{r}",
    "INSERT INTO crowded_{r} FROM crowded",
    # whose twin somebody may be: the children of each parent, by records of theirs alone
    """CREATE OR REPLACE TEMP TABLE parents AS
       SELECT grp, i FROM grp_member WHERE grp IN (SELECT grp FROM grp_member WHERE i IN (SELECT i FROM form WHERE of_parents)) AND i NOT IN (SELECT i FROM form WHERE of_parents)""",
    """CREATE OR REPLACE TEMP TABLE child_of AS
       SELECT DISTINCT c.e, p.e AS parent FROM label_now c JOIN form f ON f.i = c.i JOIN grp_member g ON g.i = c.i JOIN parents b ON b.grp = g.grp
       JOIN label_now p ON p.i = b.i WHERE f.of_parents""",
    """CREATE OR REPLACE TEMP TABLE rebuilt AS
       WITH t AS (SELECT i FROM label_now WHERE e IN (FROM touched) UNION FROM moved),
       g AS (SELECT grp FROM grp_member WHERE i IN (FROM t) UNION SELECT grp FROM group_before WHERE i IN (FROM t)),
       h AS (SELECT room FROM form WHERE i IN (FROM t) UNION SELECT room FROM form_before)
       SELECT e FROM label_now WHERE i IN (FROM t)
       UNION SELECT e FROM child_of WHERE parent IN (SELECT e FROM label_now WHERE i IN (
           SELECT i FROM parents WHERE grp IN (FROM g) UNION SELECT i FROM group_before WHERE grp IN (FROM g)))
       UNION SELECT e FROM label_now JOIN grp_member USING (i) WHERE grp IN (FROM g)
       UNION SELECT e FROM label_now JOIN group_before USING (i) WHERE grp IN (FROM g)
       UNION SELECT e FROM label_now JOIN form USING (i) WHERE room IN (FROM h) AND room NOT IN (FROM always_crowded)""",
    """CREATE OR REPLACE TEMP TABLE world AS
       WITH t AS (SELECT i FROM label_now WHERE e IN (FROM rebuilt)),
       g AS (SELECT grp FROM grp_member WHERE i IN (FROM t)),
       h AS (SELECT room FROM form WHERE i IN (FROM t) AND room IS NOT NULL)
       FROM rebuilt
       UNION SELECT e FROM child_of WHERE parent IN (SELECT parent FROM child_of WHERE e IN (FROM rebuilt))
       UNION SELECT e FROM label_now JOIN grp_member USING (i) WHERE grp IN (FROM g)
       UNION SELECT e FROM label_now JOIN form USING (i) WHERE room IN (FROM h) AND room NOT IN (FROM crowded)""",
    "CREATE OR REPLACE TEMP TABLE labelled AS FROM label_now WHERE e IN (FROM world)",
    "CREATE OR REPLACE TEMP VIEW mine AS FROM labelled WHERE e IN (FROM rebuilt)",
)


def build_entities(con: duckdb.DuckDBPyConnection, labels: str, largest: int) -> int:
    """Make ``entity`` of everybody in ``labels`` (a query of i, e; every mention of an entity in it), beside what a run remembers: as
    the round named ``probe``, which :func:`linkage.candidates.block` may go on with. Returns how many entities there are."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE labelled AS {labels}")
    con.execute("CREATE OR REPLACE TEMP VIEW label_now AS FROM labelled")
    con.execute(_CROWDED_SQL, {"largest": largest})
    con.execute("CREATE OR REPLACE TEMP VIEW mine AS FROM labelled")
    for sql in (*_ROW_SQL, _with(()), *_PROBE_SQL):
        con.execute(sql)
    return con.execute("SELECT count(*) FROM entity").fetchall()[0][0]


_PROBE_SQL = (
    "CREATE OR REPLACE TEMP TABLE entity_probe AS FROM entity_now",
    "CREATE OR REPLACE TEMP TABLE changed_entity_probe AS SELECT unique_id FROM entity_now",
    "CREATE OR REPLACE TEMP TABLE entity AS SELECT * EXCLUDE (digest), count(id) OVER (PARTITION BY name) AS namesakes FROM entity_now",
    "DROP TABLE IF EXISTS block_key_probe",
    "DROP TABLE IF EXISTS namesake_probe",
)


def _with(columns: Sequence[Column], kind: str = "TEMP TABLE") -> str:
    """The statement of an entity's row, with further columns, as a table of that kind."""
    parts = {"told": "".join(f", f.{c.name}" for c in columns),
             "gathered": "".join(f", mode({c.name} ORDER BY {c.name}) AS {c.name}, list_sort(list_distinct(list({c.name}))) AS {c.name}s" for c in columns),
             "just": "".join(f", {c.name}, just({c.name})" for c in columns),
             "whole": "".join(f", g.{c.name}, g.{c.name}s" for c in columns)}
    sql = _ENTITY_SQL.replace("/* lasting */", kind)
    for part, more in parts.items():
        sql = sql.replace(f"/* further of {part} */", more)
    return sql


def update_entities(con: duckdb.DuckDBPyConnection, round_no: int, largest: int, columns: Sequence[Column] = ()) -> int:
    """Bring ``entity_<round>`` to what ``after_<round-1>`` and the mentions say; ``changed_entity_<round>`` (unique_id) names the rows
    that came out different. ``columns``: what the model wants compared besides. Returns how many entities there are."""
    table, last = f"entity_{round_no}", round_no - 1
    con.execute(f"CREATE OR REPLACE TEMP VIEW label_now AS SELECT i, e FROM after_{last}")
    if is_empty(con, table):
        _reach_all(con, round_no, largest)
    else:
        _reach(con, round_no, largest)
    grown, as_they_were = (_GROWN_SQL, (_AS_THEY_WERE_SQL,)) if last else ((), ())
    for sql in grown:
        con.execute(sql.format(last=last, before=last - 1))
    for sql in (*_ROW_SQL, _with(columns, lasting(con, table))):
        con.execute(sql)
    for sql in as_they_were:
        con.execute(sql.format(last=last))
    update(con, table, "entity_now", "unique_id", within="FROM rebuilt UNION FROM touched")
    return con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]


def _reach_all(con: duckdb.DuckDBPyConnection, round_no: int, largest: int) -> None:
    con.execute(_CROWDED_SQL, {"largest": largest})
    con.execute(f"CREATE OR REPLACE TABLE crowded_{round_no} AS FROM crowded")
    con.execute("CREATE OR REPLACE TEMP TABLE labelled AS FROM label_now")
    con.execute("CREATE OR REPLACE TEMP TABLE rebuilt AS SELECT DISTINCT e FROM labelled")
    con.execute("CREATE OR REPLACE TEMP VIEW mine AS FROM labelled")


def _reach(con: duckdb.DuckDBPyConnection, round_no: int, largest: int) -> None:
    last = round_no - 1
    reached = {"r": round_no, "relabelled": f"UNION SELECT i FROM relabelled_{last}", "old": f"UNION SELECT old FROM relabelled_{last} WHERE old IS NOT NULL"}
    for sql in _REACHED_SQL:
        con.execute(sql.format(**reached), {"largest": largest} if "$largest" in sql else None)
