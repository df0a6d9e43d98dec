"""First passes: records that say themselves who they are about (same valid ID, a reference to another record).

A valid ID is not believed blindly: a guardian's number stands in a child's row, two people carry one
number (domain.md 3.2). So every use of a number is weighed against the name, birth date and sex of the row
before it joins the others of that number; what does not fit loses the number and is linked by other means.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from linkage.patch import is_empty, lasting, update

# Numbers that one register row carried, under the one it carries now. A number that is somebody's own today is no alias: of a row of
# the register, or of whoever has another name and was born on its date (it was written into the register by mistake, and put right).
_ALIAS_SQL = """
CREATE OR REPLACE TEMP TABLE alias_now AS
WITH carried AS (SELECT a.id_number, f.* EXCLUDE (id), f.id AS canonical FROM alias_in a JOIN form f ON f.feed = a.feed AND f.record_key = a.record_key
                 WHERE f.id IS NOT NULL AND a.id_number <> f.id)
SELECT id_number, min(canonical) AS canonical FROM carried
WHERE id_number NOT IN (SELECT id FROM form WHERE id IS NOT NULL AND feed = 'psb_register') AND id_number NOT IN (
    SELECT c.id_number FROM carried c JOIN form o ON o.id = c.id_number
    WHERE o.birth_no = o.id[7:14]::INT AND o.name IS NOT NULL AND c.name <> o.name AND c.py <> o.py AND c.former IS DISTINCT FROM o.name
          AND NOT name_near(c.len, o.len, c.c1, c.c2, c.c3, o.c1, o.c2, o.c3))
GROUP BY id_number HAVING count(DISTINCT canonical) = 1
"""

# Numbers whose use changed, and who is judged again for it: whoever uses one of them. A row that uses two numbers is judged
# by both, so the world that judging looks at holds the other users of those, too.
_USED_SQL = (
    """CREATE OR REPLACE TEMP TABLE alias_moved AS
       SELECT * FROM ((FROM alias_now EXCEPT FROM id_alias) UNION ALL (FROM id_alias EXCEPT FROM alias_now))""",
    """CREATE OR REPLACE TEMP TABLE moved_use AS
       SELECT i FROM changed_form UNION SELECT i FROM id_used WHERE number IN (SELECT id_number FROM alias_moved)""",
    "CREATE OR REPLACE TEMP TABLE used_before AS FROM id_used WHERE i IN (FROM moved_use)",
    "DELETE FROM id_alias",
    "INSERT INTO id_alias FROM alias_now",
    "DELETE FROM id_used WHERE i IN (FROM moved_use)",
    """INSERT INTO id_used
       WITH u AS (
           SELECT i, id AS number, 'same_valid_id' AS rule FROM form WHERE id IS NOT NULL AND i IN (FROM moved_use)
           UNION ALL
           SELECT i, id_embedded, 'id_inside_other_number' FROM form
           WHERE id_embedded IS NOT NULL AND id_embedded IS DISTINCT FROM id AND i IN (FROM moved_use))
       SELECT u.i, u.number, coalesce(a.canonical, u.number), u.rule FROM u LEFT JOIN id_alias a ON a.id_number = u.number""",
    # also of whose family or visit somebody is another one: a relative may be who is named beside a number
    """CREATE OR REPLACE TEMP TABLE touched_number AS
       SELECT canonical FROM used_before UNION SELECT canonical FROM id_used WHERE i IN (
           FROM moved_use UNION ALL SELECT i FROM grp_member WHERE grp IN (FROM touched_group) UNION ALL SELECT i FROM group_before)""",
    """CREATE OR REPLACE TEMP TABLE judged_again AS
       SELECT i FROM id_used WHERE canonical IN (FROM touched_number) UNION SELECT i FROM moved_use""",
    "CREATE OR REPLACE TEMP TABLE world_number AS SELECT DISTINCT canonical FROM id_used WHERE i IN (FROM judged_again)",
)

# Each use of a number by a row: its own, or the one inside a pupil or disability number.
_USES_SQL = """
CREATE OR REPLACE TEMP TABLE id_use AS
SELECT u.i, u.number, u.canonical, u.rule, f.role,
       f.feed = 'psb_register' AS register, f.feed = 'psb_register' AND NOT f.ended AS living, f.inst, f.name, f.former, f.py, f.c1, f.c2, f.c3, f.p1, f.len, f.birth_no AS birth, f.sex,
       u.number[7:14]::INT AS id_birth, CASE WHEN u.number[17:17]::INT % 2 = 1 THEN '1' ELSE '2' END AS id_sex
FROM id_used u JOIN form f USING (i) WHERE u.canonical IN (FROM world_number)
"""

# Whose number is it? Whom the register has under it, where birth date and sex agree with the number: what is written there is not outvoted
# by sheets (domain.md 7). Else the name most rows carry; a row whose own birth date and sex agree counts more.
_OWNER_SQL = """
CREATE OR REPLACE TEMP TABLE id_owner AS
WITH vote AS (
    SELECT canonical, name, sum(CASE WHEN living AND birth = id_birth AND sex IS NOT DISTINCT FROM id_sex THEN 1000 WHEN register THEN 3 ELSE 1 END
           + CASE WHEN birth = id_birth THEN 2 ELSE 0 END
           - CASE WHEN birth <> id_birth THEN 1 ELSE 0 END
           - CASE WHEN sex IS NOT NULL AND sex <> id_sex THEN 1 ELSE 0 END) AS votes, min(i) AS first
    FROM id_use WHERE name IS NOT NULL GROUP BY canonical, name),
best AS (SELECT canonical, arg_max(name, (votes, -first)) AS name FROM vote GROUP BY canonical),
spoken AS (SELECT DISTINCT ON (name) name, py, c1, c2, c3, p1, len FROM id_use WHERE name IS NOT NULL ORDER BY name, i)
SELECT b.canonical, s.* FROM best b JOIN spoken s USING (name)
"""

# Who is named beside a number under another name than its owner's, while somebody of just that name stands beside the owner in a register
# book, a family or a visit: a father who died, or a sister, under the number of whoever came to the office.
_RELATIVE_SQL = """
CREATE OR REPLACE TEMP TABLE id_relative AS
WITH other AS (SELECT u.i, u.canonical, u.name, u.inst, o.name AS owner FROM id_use u JOIN id_owner o USING (canonical)
               WHERE u.name <> o.name AND u.i IN (FROM judged_again)),
own AS (SELECT DISTINCT u.canonical, u.i, u.inst FROM id_use u JOIN other o ON o.canonical = u.canonical AND o.owner = u.name),
beside AS (SELECT DISTINCT own.canonical, g.i FROM own JOIN grp_member f ON f.i = own.i JOIN grp_member g ON g.grp = f.grp)
SELECT o.i, o.canonical FROM other o JOIN beside b USING (canonical) JOIN form f ON f.i = b.i WHERE f.name = o.name AND f.i <> o.i
UNION SELECT o.i, o.canonical FROM other o JOIN own USING (canonical, inst)
"""

# Sheets that name grown-ups by themselves: the number is the person's own unless something speaks against it. Not the dead: whoever
# reported the death may have left his own number, and nobody is to be dead by mistake.
_GROWN = "('guardian', 'mother', 'operator', 'head', 'spouse', 'applicant')"

# 'foreign': what is typed beside the number says it is another's; 'doubtful': only the name does.
_JUDGED_SQL = f"""
CREATE OR REPLACE TEMP TABLE id_judged_now AS
SELECT u.i, u.number, u.canonical, u.rule,
       CASE
           -- both what was typed beside it and the sex: the number of a wife or mother, even where nobody else uses it
           WHEN birth_other AND sex_other THEN 'foreign'
           WHEN u.name IS NULL THEN CASE WHEN birth_other THEN 'foreign' ELSE 'fits' END
           WHEN o.name IS NULL OR u.name = o.name OR u.former = o.name OR u.py = o.py OR u.name IN (
               SELECT w.former FROM id_use w WHERE w.canonical = u.canonical AND w.name = o.name AND w.former IS NOT NULL) THEN 'fits'
           WHEN sex_other THEN CASE WHEN name_near(u.len, o.len, u.c1, u.c2, u.c3, o.c1, o.c2, o.c3) AND birth = id_birth AND NOT relative THEN 'fits' ELSE 'foreign' END
           WHEN birth_other THEN 'foreign'
           WHEN relative THEN 'doubtful'
           WHEN name_near(u.len, o.len, u.c1, u.c2, u.c3, o.c1, o.c2, o.c3) THEN 'fits'
           -- a date that agrees was often taken from the number itself, so that it says nothing for a name that has nothing of the owner's
           WHEN birth_close AND (u.c2 = o.c2 OR u.c3 = o.c3) THEN 'fits'
           WHEN u.birth IS NOT NULL AND (u.c1 = o.c1 OR u.p1 = o.p1) THEN 'fits'
           WHEN u.birth IS NULL AND u.role IN {_GROWN} AND (u.c1 = o.c1 OR u.p1 = o.p1) THEN 'fits'
           WHEN u.len = 2 AND o.len = 2 AND u.c1 = o.c1 AND u.sex = u.id_sex AND u.role <> 'deceased' THEN 'fits'
           ELSE 'doubtful'
       END AS verdict
FROM (SELECT *, birth = id_birth OR birth_near(birth, id_birth) AS birth_close, (i, canonical) IN (FROM id_relative) AS relative,
             coalesce(NOT birth_possible(birth, id_birth), false) AS birth_other,
             coalesce(sex <> id_sex, false) AS sex_other
      FROM id_use) u
LEFT JOIN id_owner o USING (canonical) WHERE u.i IN (FROM judged_again)
"""

# An examination names its archive; the archive's number is the system's own key, the ID was typed. Where they contradict
# each other the archive is believed and the ID is somebody else's.
_REFERENCE_SQL = (
    """CREATE OR REPLACE TEMP TABLE reference_now AS
       SELECT f.i AS l, r.i AS r FROM form f JOIN form r ON r.feed = f.ref_feed AND r.record_key = f.ref_key WHERE f.ref_key IS NOT NULL""",
    # also whose reference is gone, or leads elsewhere: nothing else about him need have changed
    """CREATE OR REPLACE TEMP TABLE answered AS
       FROM judged_again UNION SELECT l FROM reference_now WHERE r IN (FROM judged_again)
       UNION SELECT l FROM ((FROM reference_now EXCEPT FROM reference) UNION ALL (FROM reference EXCEPT FROM reference_now)) WHERE l IN (SELECT i FROM form)""",
    "DELETE FROM reference",
    "INSERT INTO reference FROM reference_now",
)
# One number a row: its own before the embedded one (a 学籍号 lags behind a correction).
_BELIEVED_SQL = """
CREATE OR REPLACE TEMP TABLE believed AS
SELECT i, arg_min(number, (rule = 'id_inside_other_number')::INT) AS number,
       arg_min(canonical, (rule = 'id_inside_other_number')::INT) AS canonical,
       min_by(rule, (rule = 'id_inside_other_number')::INT) AS rule
FROM id_judged WHERE verdict = 'fits' AND i IN (FROM answered UNION ALL SELECT r FROM reference WHERE l IN (FROM answered)) GROUP BY i
"""
_TRUSTED_SQL = """
CREATE OR REPLACE {lasting} trusted_now AS
SELECT hash(b) AS digest, b.* FROM believed b WHERE i IN (FROM answered) AND i NOT IN (
    SELECT e.l FROM reference e JOIN believed tl ON tl.i = e.l JOIN believed tr ON tr.i = e.r WHERE tl.canonical <> tr.canonical)
"""

# Whose number a row has that it may not own: for a person to look at, where nothing else says who the row is about.
_FOREIGN_SQL = """
CREATE OR REPLACE TEMP TABLE foreign_use AS
SELECT j.i AS l, coalesce(min(t.i) FILTER (f.feed = 'psb_register'), min(t.i)) AS r
FROM id_judged j JOIN trusted t USING (canonical) JOIN form f ON f.i = t.i WHERE j.verdict = 'doubtful' AND j.rule = 'same_valid_id' GROUP BY j.i
"""

# Whose edges by what records say themselves are looked at again: whose record or number changed, or a decision about him; and who
# shares a number or a dwelling with one, as one of those who say the same stands for all.
_REWEIGHED_SQL = """
CREATE OR REPLACE TEMP TABLE reweighed AS
WITH moved AS (FROM changed_form UNION FROM changed_trusted UNION FROM redecided),
number AS (SELECT canonical FROM trusted WHERE i IN (FROM moved) UNION SELECT canonical FROM trusted_before),
home AS (SELECT room FROM form WHERE i IN (FROM moved) UNION SELECT room FROM form_before)
SELECT i FROM id_judged WHERE verdict <> 'fits' AND canonical IN (FROM touched_number) UNION FROM moved UNION SELECT i FROM trusted WHERE canonical IN (FROM number) UNION SELECT i FROM form WHERE room IN (FROM home)
"""
_DECIDED, _REFERENCE, _SAME_ID, _FOREIGN_ID, _REPEATED = 1000.0, 300.0, 200.0, 150.0, 100.0
# Joined by decision, reference, valid ID, one name beside one number of somebody else (a wife under her husband's) and repeated visit, in this
# order of strength.
_EDGES_SQL = f"""
CREATE OR REPLACE TEMP TABLE edge_now AS
WITH number AS (SELECT canonical FROM trusted WHERE i IN (FROM reweighed)), home AS (SELECT room FROM form WHERE i IN (FROM reweighed)),
-- the same name, birth date, sex and dwelling without any number: repeated visits to one home
repeated AS (
    SELECT i, min(i) OVER (PARTITION BY name, birth, sex, room) AS first FROM form f
    WHERE room IN (FROM home) AND name IS NOT NULL AND birth IS NOT NULL AND sex IS NOT NULL AND NOT EXISTS (FROM trusted t WHERE t.i = f.i))
SELECT l, r, weight::DOUBLE AS weight, 1.0::DOUBLE AS probability, rule, NULL::VARCHAR AS evidence FROM (
    SELECT l, r, {_DECIDED} AS weight, 'decided_same' AS rule FROM decided WHERE verdict = 'same'
    UNION ALL SELECT l, r, {_REFERENCE}, 'reference' FROM reference
    UNION ALL SELECT * FROM (
        -- all hang on whom the register has, so that one who is decided to be somebody else takes nobody along
        SELECT coalesce(min(i) FILTER (living) OVER same, min(i) OVER same) AS l, i AS r, {_SAME_ID} - (rule <> 'same_valid_id')::INT, rule
        FROM (SELECT t.*, f.feed = 'psb_register' AND NOT f.ended AS living FROM trusted t JOIN form f USING (i) WHERE canonical IN (FROM number))
        WINDOW same AS (PARTITION BY canonical)) WHERE l <> r
    UNION ALL SELECT * FROM (
        SELECT min(i) OVER (PARTITION BY canonical, name) AS l, i AS r, {_FOREIGN_ID}, 'same_foreign_id'
        FROM id_judged JOIN form USING (i) WHERE verdict <> 'fits' AND rule = 'same_valid_id' AND name IS NOT NULL
             AND canonical IN (SELECT canonical FROM id_judged WHERE verdict <> 'fits' AND i IN (FROM reweighed))) WHERE l <> r
    UNION ALL SELECT first, i, {_REPEATED}, 'name_birth_dwelling' FROM repeated WHERE first <> i)
WHERE l IN (FROM reweighed) OR r IN (FROM reweighed)
"""


def anchor(con: duckdb.DuckDBPyConnection, aliases: pa.Table | None) -> dict[str, int]:
    """Bring ``trusted`` (i, number, canonical, rule) and ``reference`` (l, r) to what ``form`` says now.
    ``aliases``: feed, record_key, id_number a record carried earlier. ``changed_trusted`` (i): what came out different;
    ``foreign_use`` (l, r): who carries the number of the other, nothing but his name against it.
    """
    con.execute("CREATE TABLE IF NOT EXISTS id_alias (id_number VARCHAR, canonical VARCHAR)")
    con.execute("CREATE TABLE IF NOT EXISTS id_used (i BIGINT, number VARCHAR, canonical VARCHAR, rule VARCHAR)")
    con.execute("CREATE TABLE IF NOT EXISTS reference (l BIGINT, r BIGINT)")
    con.execute("CREATE TABLE IF NOT EXISTS id_judged (i BIGINT, number VARCHAR, canonical VARCHAR, rule VARCHAR, verdict VARCHAR)")
    con.register("alias_in", aliases if aliases is not None else _NO_ALIAS)
    con.execute(_ALIAS_SQL)
    con.unregister("alias_in")
    for sql in (*_USED_SQL, _USES_SQL, _OWNER_SQL, _RELATIVE_SQL, _JUDGED_SQL):
        con.execute(sql)
    con.execute("DELETE FROM id_judged WHERE i IN (FROM judged_again)")
    con.execute("INSERT INTO id_judged FROM id_judged_now")
    for sql in (*_REFERENCE_SQL, _BELIEVED_SQL, _TRUSTED_SQL.format(lasting=lasting(con, "trusted"))):
        con.execute(sql)
    update(con, "trusted", "trusted_now", within="FROM answered", before="canonical")
    con.execute(_FOREIGN_SQL)
    (foreign,) = con.execute("SELECT count(DISTINCT i) FROM id_judged WHERE verdict <> 'fits' AND rule = 'same_valid_id'").fetchall()[0]
    return {"mentions_with_id": con.execute("SELECT count(*) FROM trusted").fetchall()[0][0], "foreign_ids": foreign}


def join(con: duckdb.DuckDBPyConnection) -> None:
    """``edge_now`` (l, r, weight, probability, rule, evidence) by what records say themselves, and by the decisions: every edge that has
    an end in ``reweighed`` (i), whose edges may have changed."""
    con.execute("CREATE OR REPLACE TEMP TABLE reweighed AS SELECT i FROM form" if is_empty(con, "after_0") else _REWEIGHED_SQL)
    con.execute(_EDGES_SQL)


_NO_ALIAS = pa.table({name: pa.array([], pa.string()) for name in ("feed", "record_key", "id_number")})
