"""The comparable form (可比形式) of every mention: what two mentions are compared by, worked out once in DuckDB.

A mention of ``hub.mention`` comes as the sources wrote it, standardised. Here it gets what linking
needs: folded characters and pinyin syllables one column each (DuckDB counts bytes, so distances over
Chinese text are wrong), the birth date and sex inside its ID, the visible parts of an unusable ID,
telephones that are not shared by half a building, and numbers for the groups it is named in.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from linkage.model import Model
from linkage.patch import is_empty, lasting, update

# 王某之子, 李四之母: the name before 之 is a relative's, the person's own is not known yet.
_RELATIVE = "之(子|女|儿|子女|母|父|妻|夫|孙|长子|次子|长女|次女|双子|大子|小子)$"

# Relations of GB/T 4761 that only a man or only a woman has: a guardian 父亲 says his sex where the sheet has no column.
_MALE = "11 20 21 22 23 24 25 26 27 28 29 41 43 46 51 53 55 57 61 63 71 73 76 78"
_FEMALE = "12 30 31 32 33 34 35 36 37 38 39 42 44 45 52 54 56 58 62 64 72 74 75 77"


def update_mentions(con: duckdb.DuckDBPyConnection, mentions: pa.Table, of: pa.Table | None = None) -> int:
    """Bring ``mention`` to what came; ``changed_mention`` (i) says which rows are new, different or gone. Returns their number.

    ``mentions`` has the columns of ``hub.mention`` (docs/architecture.md), and is all there is; or all there is ``of`` records (base_key),
    and of those whose name one of them borrows. ``i`` is a mention's number: 63 bits of the MD5 of its
    feed and key, so it is the same in every run, whatever else comes.
    """
    con.register("mention_in", _with_optional_columns(mentions))
    con.execute(_ARRIVED_SQL.format(lasting=lasting(con, "mention")))
    con.unregister("mention_in")
    rows, numbers = con.execute("SELECT count(*), count(DISTINCT i) FROM arrived").fetchall()[0]
    if rows != numbers:
        raise ValueError("two mentions have one number: a (feed, record_key) came twice")
    shared = "phone, phone_second, phone_home, id_text"
    if of is None:
        return update(con, "mention", "arrived", before=shared)
    con.register("of_in", of)
    changed = update(con, "mention", "arrived", within="SELECT i FROM mention WHERE base_key IN (FROM of_in)", before=shared)
    con.unregister("of_in")
    return changed


def update_forms(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Bring ``form`` (a row a mention) and ``grp_member`` to what ``mention`` says now.

    Worked out again are the rows of ``changed_mention`` and of those that share a telephone or an ID's text with one, for how many
    use these counts. ``changed_form`` (i) names the rows that came out different, of them ``gone`` those that are no more, ``regrouped``
    (i) whose group did.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE affected AS SELECT i FROM mention" if is_empty(con, "form") else _AFFECTED_SQL)
    _register_names(con)
    con.execute(_SHARED_TEXT_SQL)
    for sql in (_PHONE_SQL, _HOME_PHONE_SQL):
        con.execute(sql, {"limit": model.setting("phone_people")})
    for sex, relations in (("male", _MALE), ("female", _FEMALE)):
        con.execute(f"CREATE OR REPLACE TEMP TABLE {sex} AS SELECT unnest(string_split($relations, ' ')) AS relation", {"relations": relations})
    further = "".join(f", ({column.sql})::VARCHAR AS {column.name}" for column in model.columns)
    con.execute(_FORM_SQL.replace("/* further columns */", further).replace("/* lasting */", lasting(con, "form")), {"relative": _RELATIVE, "placeholder": _PLACEHOLDER})
    con.execute("CREATE TABLE IF NOT EXISTS grp_member (grp BIGINT, i BIGINT)")
    update(con, "form", "form_new", within="SELECT i FROM affected UNION FROM changed_mention", before="grp, room")
    con.execute("CREATE OR REPLACE TEMP TABLE gone AS SELECT i FROM changed_form WHERE i NOT IN (SELECT i FROM form)")
    for sql in _GROUP_SQL:
        con.execute(sql, {"largest": model.setting("largest_group")} if "$largest" in sql else None)


# A character a system could not write stands as a star, a question mark or a private-use code (domain.md 3.1 item 4).
_BLUR = r"[*?？＊□\x{E000}-\x{F8FF}]"


def _with_optional_columns(mentions: pa.Table) -> pa.Table:
    """Columns that an older view lacks, as nulls: the linkage runs on what there is."""
    for name, kind in (("death_date", pa.date32()), ("dead", pa.bool_()), ("ended", pa.bool_()), ("name_note", pa.string()), ("former_name", pa.string()),
                       ("phone_home", pa.string()), ("address", pa.int64())):
        if name not in mentions.column_names:
            mentions = mentions.append_column(name, pa.nulls(mentions.num_rows, kind))
    return mentions


def _register_names(con: duckdb.DuckDBPyConnection) -> None:
    """``spelling``: each distinct name once, with its folded characters and pinyin."""
    from standards.pinyin import syllables
    from standards.variants import fold

    distinct = con.sql(
        """SELECT DISTINCT n FROM (
               SELECT regexp_replace(name, $relative, '') AS n FROM mention WHERE i IN (FROM affected)
               UNION ALL SELECT former_name FROM mention WHERE i IN (FROM affected)) WHERE n IS NOT NULL AND n <> '' ORDER BY n""",
        params={"relative": _RELATIVE},
    ).to_arrow_table()
    names = distinct.column("n").combine_chunks()
    names = names.cast(pa.string())
    folded = pc.replace_substring_regex(fold(names), "[ ·]", "")
    con.register("spelling_in", pa.table({"n": names, "folded": folded, "py": syllables(folded)}))
    con.execute(
        """CREATE OR REPLACE TEMP TABLE spelling AS
           SELECT n, f AS folded, len(f)::UTINYINT AS len, CASE WHEN NOT blurred THEN py END AS py,
                  nullif(f[1], '*') AS c1, nullif(f[2], '*') AS c2, nullif(f[3], '*') AS c3, nullif(f[4], '*') AS c4,
                  CASE WHEN NOT blurred THEN s[1] END AS p1, CASE WHEN NOT blurred THEN s[2] END AS p2,
                  CASE WHEN NOT blurred THEN s[3] END AS p3, CASE WHEN NOT blurred THEN s[4] END AS p4, blurred
           FROM (SELECT n, f, py, string_split(py, ' ') AS s, contains(f, '*') AS blurred FROM (
                     SELECT n, regexp_replace(folded, $blur, '*', 'g') AS f, py FROM spelling_in))""",
        {"blur": _BLUR},
    )
    con.unregister("spelling_in")


# An examination has no name: it borrows those of the archive it points at, so that its ID can be judged like any other.
_ARRIVED_SQL = """
CREATE OR REPLACE {lasting} arrived AS
WITH named AS (SELECT feed, record_key, name, name_note, former_name, sex, birth_date, birth_precision FROM mention_in
               WHERE record_key IN (SELECT ref_key FROM mention_in WHERE name IS NULL AND ref_key IS NOT NULL))
, whole AS (
SELECT m.* REPLACE (coalesce(m.name, r.name) AS name, coalesce(m.name_note, r.name_note) AS name_note,
                    coalesce(m.former_name, r.former_name) AS former_name, coalesce(m.sex, r.sex) AS sex,
                    coalesce(m.birth_date, r.birth_date) AS birth_date, coalesce(m.birth_precision, r.birth_precision) AS birth_precision)
FROM mention_in m LEFT JOIN named r ON m.name IS NULL AND r.feed = m.ref_feed AND r.record_key = m.ref_key)
SELECT (md5_number_lower(feed || chr(31) || record_key) >> 1)::BIGINT AS i, hash(w) AS digest, w.* FROM whole w
"""

_DIGITS = "translate(upper(id_text), 'OIL', '011')"
_AFFECTED_SQL = f"""
CREATE OR REPLACE TEMP TABLE affected AS
WITH moved AS (FROM mention_before UNION ALL SELECT phone, phone_second, phone_home, id_text FROM mention WHERE i IN (FROM changed_mention)),
phones AS (SELECT phone FROM moved WHERE phone IS NOT NULL UNION SELECT phone_second FROM moved WHERE phone_second IS NOT NULL),
homes AS (SELECT phone_home FROM moved WHERE phone_home IS NOT NULL),
texts AS (SELECT DISTINCT {_DIGITS} AS digits FROM moved WHERE id_text IS NOT NULL)
SELECT i FROM mention WHERE i IN (FROM changed_mention)
UNION SELECT i FROM mention WHERE phone IN (FROM phones)
UNION SELECT i FROM mention WHERE phone_second IN (FROM phones)
UNION SELECT i FROM mention WHERE phone_home IN (FROM homes)
UNION SELECT i FROM mention WHERE id_text IS NOT NULL AND {_DIGITS} IN (FROM texts)
"""

# A number is a key of a person while few people carry it: a whole family may (domain.md 3.5), a grid
# worker's own number or 13800000000 does not say who somebody is.
_PHONE_SQL = """
CREATE OR REPLACE TEMP TABLE phone_known AS
WITH asked AS (SELECT phone FROM mention WHERE i IN (FROM affected) UNION SELECT phone_second FROM mention WHERE i IN (FROM affected))
SELECT phone FROM (
    SELECT phone AS phone, coalesce(name, record_key) AS who FROM mention WHERE phone IS NOT NULL
    UNION ALL SELECT phone_second, coalesce(name, record_key) FROM mention WHERE phone_second IS NOT NULL)
WHERE phone IN (FROM asked) GROUP BY phone HAVING count(DISTINCT who) <= $limit
"""

# A household's telephone is one of few forms; a grid worker leaves his own where nobody gave any.
_HOME_PHONE_SQL = """
CREATE OR REPLACE TEMP TABLE phone_home_known AS
SELECT phone_home FROM mention WHERE phone_home IN (SELECT phone_home FROM mention WHERE i IN (FROM affected))
GROUP BY phone_home HAVING count(DISTINCT coalesce(group_key, record_key)) <= $limit
"""

# What several people have in the ID column is a placeholder, whatever it looks like.
_PLACEHOLDER = "^(0+|1+|2+|3+|4+|5+|6+|7+|8+|9+|123456.*|.{6}19000101.*)$"
_SHARED_TEXT_SQL = f"""
CREATE OR REPLACE TEMP TABLE id_text_shared AS
SELECT {_DIGITS} AS digits FROM mention WHERE id_text IS NOT NULL GROUP BY 1 HAVING count(DISTINCT name) > 2
"""

_FORM_SQL = """
CREATE OR REPLACE /* lasting */ form_new AS
WITH told AS (
    SELECT m.*,
           regexp_matches(coalesce(name, ''), $relative) OR regexp_matches(coalesce(name_note, ''), $relative) AS of_relative,
           regexp_replace(name, $relative, '') AS bare,
           -- O for 0 and l for 1 are typing errors of their own (domain.md 3.2)
           regexp_replace(translate(upper(coalesce(id_text, '')), 'OIL', '011'), '[^0-9X*]', '', 'g') AS digits
    FROM mention m WHERE i IN (FROM affected)),
whole AS (
SELECT t.i, t.feed, t.record_key, t.role,
       CASE WHEN NOT of_relative THEN s.folded END AS name,
       f.folded AS former,
       CASE WHEN of_relative THEN s.folded END AS kin_name,
       CASE WHEN NOT of_relative THEN s.py END AS py,
       CASE WHEN NOT of_relative THEN s.c1 END AS c1, CASE WHEN NOT of_relative THEN s.c2 END AS c2,
       CASE WHEN NOT of_relative THEN s.c3 END AS c3, CASE WHEN NOT of_relative THEN s.c4 END AS c4,
       CASE WHEN NOT of_relative THEN s.p1 END AS p1, CASE WHEN NOT of_relative THEN s.p2 END AS p2,
       CASE WHEN NOT of_relative THEN s.p3 END AS p3, CASE WHEN NOT of_relative THEN s.p4 END AS p4,
       CASE WHEN NOT of_relative THEN s.len END AS len, coalesce(s.blurred AND NOT of_relative, false) AS blurred,
       CASE WHEN t.sex IN ('1', '2') THEN t.sex
            WHEN t.relation IN (FROM male) THEN '1' WHEN t.relation IN (FROM female) THEN '2' END AS sex,
       CASE WHEN coalesce(t.birth_precision, 'day') = 'day' THEN t.birth_date END AS birth,
       CASE WHEN coalesce(t.birth_precision, 'day') = 'day'
            THEN year(t.birth_date)::INT * 10000 + month(t.birth_date)::INT * 100 + day(t.birth_date)::INT END AS birth_no,
       year(t.birth_date)::SMALLINT AS year,
       t.id_number AS id, t.id_embedded,
       CASE WHEN len(digits) BETWEEN 16 AND 19 AND NOT contains(digits, '*') AND NOT suffix(digits, '000')
                 AND digits NOT IN (FROM id_text_shared) AND NOT regexp_matches(digits, $placeholder) THEN digits END AS id_digits,
       CASE WHEN regexp_matches(digits, '^[0-9]{6}[*]+[0-9]{3}[0-9X]$') THEN digits[1:6] || right(digits, 4) END AS mask,
       -- Excel keeps 15 significant digits and fills with zeros
       CASE WHEN regexp_matches(digits, '^[0-9]{15}(000)?$') THEN digits[1:15] END AS id15,
       CASE WHEN t.phone IN (SELECT phone FROM phone_known) THEN hash(t.phone) END AS phone1,
       CASE WHEN t.phone_second IN (SELECT phone FROM phone_known) THEN hash(t.phone_second) END AS phone2,
       CASE WHEN t.phone_home IN (FROM phone_home_known) THEN hash(t.phone_home) END AS phone_home,
       -- places as numbers: lists of them are compared for every pair
       CASE WHEN t.dwelling_kind IS DISTINCT FROM 'premises' AND t.dwelling_id IS NOT NULL THEN hash(t.dwelling_id) END AS room,
       CASE WHEN t.building_id IS NOT NULL THEN hash(t.building_id) END AS building,
       CASE WHEN t.compound_id IS NOT NULL THEN hash(t.compound_id) END AS compound,
       -- who is named together in one record is never one person
       (hash(CASE WHEN t.group_kind IN ('visit', 'event') THEN t.group_kind || t.group_key
                  ELSE t.table_name || chr(31) || t.base_key END) >> 1)::BIGINT AS inst,
       -- nor are two rows of one file under one assistance card
       CASE WHEN t.group_kind = 'assistance' AND t.group_key IS NOT NULL THEN
           -(hash('card', t.table_name, t.group_key) >> 1)::BIGINT END AS inst_card,
       CASE WHEN t.group_key IS NOT NULL THEN
           -- a card is named in two files; elsewhere two feeds may number their groups alike
           (hash(t.group_kind, CASE WHEN t.group_kind NOT IN ('assistance', 'register') THEN t.feed END, t.group_key) >> 1)::BIGINT END AS grp,
       -- what somebody is in the household: head, spouse, child, grandchild, parent; a guardian's relation is to the pupil
       CASE WHEN t.role <> 'guardian' AND t.relation[1:1] IN ('0', '1', '2', '3', '4', '5') THEN replace(t.relation[1:1], '3', '2') END AS place_in_home,
       CASE WHEN t.group_kind = 'assistance' THEN t.group_key END AS card, t.death_date,
       -- a child by itself with its parents or guardians (school, clinic): twins stand in two such records
       coalesce(t.group_kind = 'family' AND t.role IN ('child', 'holder'), false) AS of_parents,
       t.ref_feed, t.ref_key, coalesce(t.dead, false) AS dead, coalesce(t.ended, false) AS ended /* further columns */
FROM told t
LEFT JOIN spelling s ON s.n = t.bare
LEFT JOIN spelling f ON f.n = t.former_name)
SELECT hash(w) AS digest, w.* FROM whole w
"""

# Kin come from groups of a family's size; a collective household of 300 says nothing about who is who.
_GROUP_SQL = (
    """CREATE OR REPLACE TEMP TABLE touched_group AS
       SELECT grp FROM form_before WHERE grp IS NOT NULL UNION SELECT grp FROM form WHERE grp IS NOT NULL AND i IN (FROM changed_form)""",
    "CREATE OR REPLACE TEMP TABLE group_before AS FROM grp_member WHERE grp IN (FROM touched_group)",
    """CREATE OR REPLACE TEMP TABLE group_now AS
       SELECT grp, i FROM (SELECT grp, i, count(*) OVER (PARTITION BY grp) AS n FROM form WHERE grp IN (FROM touched_group))
       WHERE n BETWEEN 2 AND $largest""",
    "DELETE FROM grp_member WHERE grp IN (FROM touched_group)",
    "INSERT INTO grp_member FROM group_now",
    """CREATE OR REPLACE TEMP TABLE regrouped AS
       SELECT DISTINCT i FROM ((FROM group_now EXCEPT FROM group_before) UNION ALL (FROM group_before EXCEPT FROM group_now))""",
)
