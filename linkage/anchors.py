"""First passes: records that say themselves who they are about (same valid ID, a reference to another record).

A valid ID is not believed blindly: a guardian's number stands in a child's row, two people carry one
number (domain.md 3.2). So every use of a number is weighed against the name, birth date and sex of the row
before it joins the others of that number; what does not fit loses the number and is linked by other means.
"""

from __future__ import annotations

import duckdb

# Each use of a number by a row: its own, or the one inside a pupil or disability number.
_USES_SQL = """
CREATE OR REPLACE TEMP TABLE id_use AS
WITH alias AS (SELECT id_number, canonical FROM id_alias),
used AS (
    SELECT i, id AS number, 'same_valid_id' AS rule FROM form WHERE id IS NOT NULL
    UNION ALL
    SELECT i, id_embedded, 'id_inside_other_number' FROM form WHERE id_embedded IS NOT NULL AND id_embedded IS DISTINCT FROM id)
SELECT u.i, u.number, coalesce(a.canonical, u.number) AS canonical, u.rule, f.role,
       f.feed = 'psb_register' AS register, f.name, f.former, f.py, f.c1, f.c2, f.c3, f.p1, f.len, f.birth_no AS birth, f.sex,
       u.number[7:14]::INT AS id_birth, CASE WHEN u.number[17:17]::INT % 2 = 1 THEN '1' ELSE '2' END AS id_sex
FROM used u JOIN form f USING (i) LEFT JOIN alias a ON a.id_number = u.number
"""

# Whose number is it? The name most rows carry under it; a row whose own birth date and sex agree with the
# number counts more, the register most.
_OWNER_SQL = """
CREATE OR REPLACE TEMP TABLE id_owner AS
WITH vote AS (
    SELECT canonical, name, sum(CASE WHEN register THEN 3 ELSE 1 END
           + CASE WHEN birth = id_birth THEN 2 ELSE 0 END
           - CASE WHEN birth <> id_birth THEN 1 ELSE 0 END
           - CASE WHEN sex IS NOT NULL AND sex <> id_sex THEN 1 ELSE 0 END) AS votes, min(i) AS first
    FROM id_use WHERE name IS NOT NULL GROUP BY canonical, name),
best AS (SELECT canonical, arg_max(name, (votes, -first)) AS name FROM vote GROUP BY canonical),
spoken AS (SELECT DISTINCT ON (name) name, py, c1, c2, c3, p1, len FROM id_use WHERE name IS NOT NULL ORDER BY name, i)
SELECT b.canonical, s.* FROM best b JOIN spoken s USING (name)
"""

# Sheets that name grown-ups by themselves: the number is the person's own unless something speaks against it.
_GROWN = "('guardian', 'mother', 'operator', 'head', 'spouse', 'deceased', 'applicant')"

_JUDGED_SQL = f"""
CREATE OR REPLACE TEMP TABLE id_judged AS
SELECT u.i, u.number, u.canonical, u.rule,
       CASE
           -- both what was typed beside it and the sex: the number of a wife or mother, even where nobody else uses it
           WHEN birth_other AND sex_other THEN 'foreign'
           WHEN u.name IS NULL THEN CASE WHEN birth_other THEN 'foreign' ELSE 'fits' END
           WHEN o.name IS NULL OR u.name = o.name OR u.former = o.name OR u.py = o.py OR u.name IN (
               SELECT w.former FROM id_use w WHERE w.canonical = u.canonical AND w.name = o.name AND w.former IS NOT NULL) THEN 'fits'
           WHEN sex_other THEN 'foreign'
           WHEN birth_other THEN 'foreign'
           WHEN name_near(u.len, o.len, u.c1, u.c2, u.c3, o.c1, o.c2, o.c3) THEN 'fits'
           WHEN u.birth IS NOT NULL AND birth_close THEN 'fits'
           WHEN u.birth IS NOT NULL AND (u.c1 = o.c1 OR u.p1 = o.p1) THEN 'fits'
           WHEN u.birth IS NULL AND u.role IN {_GROWN} AND (u.c1 = o.c1 OR u.p1 = o.p1) THEN 'fits'
           WHEN u.len = 2 AND o.len = 2 AND (u.c1 = o.c1 OR u.c2 = o.c2) AND u.sex = u.id_sex THEN 'fits'
           ELSE 'foreign'
       END AS verdict
FROM (SELECT *, birth = id_birth OR birth_near(birth, id_birth) AS birth_close,
             coalesce(NOT birth_possible(birth, id_birth), false) AS birth_other,
             coalesce(sex <> id_sex, false) AS sex_other
      FROM id_use) u
LEFT JOIN id_owner o USING (canonical)
"""

# One number a row: its own before the embedded one (a 学籍号 lags behind a correction).
_TRUSTED_SQL = """
CREATE OR REPLACE TEMP TABLE trusted AS
SELECT i, arg_min(number, (rule = 'id_inside_other_number')::INT) AS number,
       arg_min(canonical, (rule = 'id_inside_other_number')::INT) AS canonical,
       min_by(rule, (rule = 'id_inside_other_number')::INT) AS rule
FROM id_judged WHERE verdict = 'fits' GROUP BY i
"""

# An examination names its archive; the archive's number is the system's own key, the ID was typed. Where they contradict
# each other the archive is believed and the ID is somebody else's.
_REFERENCE_SQL = """
CREATE OR REPLACE TEMP TABLE reference AS
SELECT f.i AS l, r.i AS r FROM form f JOIN form r ON r.feed = f.ref_feed AND r.record_key = f.ref_key WHERE f.ref_key IS NOT NULL
"""
_CONTRADICTED_SQL = """
DELETE FROM trusted WHERE i IN (
    SELECT e.l FROM reference e JOIN trusted tl ON tl.i = e.l JOIN trusted tr ON tr.i = e.r WHERE tl.canonical <> tr.canonical)
"""

# The same name, birth date, sex and dwelling without any number: repeated visits to one home.
_REPEATED_SQL = """
CREATE OR REPLACE TEMP TABLE repeated AS
SELECT i, min(i) OVER (PARTITION BY name, birth, sex, room) AS first
FROM form f WHERE name IS NOT NULL AND birth IS NOT NULL AND sex IS NOT NULL AND room IS NOT NULL
  AND NOT EXISTS (FROM trusted t WHERE t.i = f.i)
"""


def anchor(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Make ``trusted`` (i, number, canonical, rule), ``reference`` (l, r), ``repeated`` (i, first) and
    ``foreign_id`` (rows whose number is somebody else's). Needs ``form`` and ``id_alias(id_number, canonical)``."""
    for sql in (_USES_SQL, _OWNER_SQL, _JUDGED_SQL, _TRUSTED_SQL, _REFERENCE_SQL, _CONTRADICTED_SQL, _REPEATED_SQL):
        con.execute(sql)
    con.execute(
        """CREATE OR REPLACE TEMP TABLE foreign_id AS
           SELECT i, any_value(canonical) AS canonical FROM id_judged j
           WHERE verdict = 'foreign' AND rule = 'same_valid_id' GROUP BY i"""
    )
    (foreign,) = con.execute("SELECT count(*) FROM foreign_id").fetchall()[0]
    return {"mentions_with_id": con.execute("SELECT count(*) FROM trusted").fetchall()[0][0], "foreign_ids": foreign}
