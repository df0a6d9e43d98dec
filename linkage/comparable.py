"""The comparable form (可比形式) of every mention: what two mentions are compared by, worked out once in DuckDB.

A mention of ``hub.mention`` comes as the sources wrote it, standardised. Here it gets what linking
needs: folded characters and pinyin syllables one column each (DuckDB counts bytes, so distances over
Chinese text are wrong), the birth date and sex inside its ID, the visible parts of an unusable ID,
telephones that are not shared by half a building, and numbers for the groups it is named in.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from linkage.model import Model

FORM_COLUMNS = (
    "i, feed, record_key, role, name, former, kin_name, py, c1, c2, c3, c4, p1, p2, p3, p4, len, sex, birth, year, "
    "id, id_embedded, id_digits, mask, id15, phone1, phone2, room, unit_key, building, compound, dwelling_kind, "
    "inst, grp, ref_feed, ref_key, dead, ended, source_order"
)

# 王某之子, 李四之母: the name before 之 is a relative's, the person's own is not known yet.
_RELATIVE = "之(子|女|儿|子女|母|父|妻|夫|孙|长子|次子|长女|次女|双子|大子|小子)$"

# Relations of GB/T 4761 that only a man or only a woman has: a guardian 父亲 says his sex where the sheet has no column.
_MALE = "11 20 21 22 23 24 25 26 27 28 29 41 43 46 51 53 55 57 61 63 71 73 76 78"
_FEMALE = "12 30 31 32 33 34 35 36 37 38 39 42 44 45 52 54 56 58 62 64 72 74 75 77"


def register_forms(con: duckdb.DuckDBPyConnection, mentions: pa.Table, model: Model) -> int:
    """Make the table ``form`` (a row a mention, ``i`` = its rank by feed and record key) and ``grp_member``.

    ``mentions`` has the columns of ``hub.mention`` (docs/architecture.md). Returns the number of mentions.
    """
    con.register("mention_in", _with_optional_columns(mentions))
    con.execute("CREATE OR REPLACE TEMP TABLE mention AS SELECT *, (row_number() OVER (ORDER BY feed, record_key) - 1)::INTEGER AS i FROM mention_in")
    con.unregister("mention_in")
    _register_names(con)
    con.execute(_PHONE_SQL, {"limit": model.setting("phone_people")})
    for sex, relations in (("male", _MALE), ("female", _FEMALE)):
        con.execute(f"CREATE OR REPLACE TEMP TABLE {sex} AS SELECT unnest(string_split($relations, ' ')) AS relation", {"relations": relations})
    con.execute(_FORM_SQL, {"relative": _RELATIVE})
    con.execute(_GROUP_SQL, {"largest": model.setting("largest_group")})
    con.execute("DROP TABLE mention")
    return con.sql("SELECT count(*) FROM form").fetchall()[0][0]


def _with_optional_columns(mentions: pa.Table) -> pa.Table:
    """Columns that an older view lacks, as nulls: the linkage runs on what there is."""
    for name, kind in (("dead", pa.bool_()), ("ended", pa.bool_()), ("name_note", pa.string()), ("former_name", pa.string())):
        if name not in mentions.column_names:
            mentions = mentions.append_column(name, pa.nulls(mentions.num_rows, kind))
    return mentions


def _register_names(con: duckdb.DuckDBPyConnection) -> None:
    """``spelling``: each distinct name once, with its folded characters and pinyin."""
    from standards.pinyin import syllables
    from standards.variants import fold

    distinct = con.sql(
        """SELECT DISTINCT n FROM (
               SELECT regexp_replace(name, $relative, '') AS n FROM mention
               UNION ALL SELECT former_name FROM mention) WHERE n IS NOT NULL AND n <> '' ORDER BY n""",
        params={"relative": _RELATIVE},
    ).to_arrow_table()
    names = distinct.column("n").combine_chunks()
    names = names.cast(pa.string())
    folded = fold(names)
    con.register("spelling_in", pa.table({"n": names, "folded": folded, "py": syllables(folded)}))
    con.execute(
        """CREATE OR REPLACE TEMP TABLE spelling AS
           SELECT n, f AS folded, len(f)::UTINYINT AS len, py,
                  f[1] AS c1, f[2] AS c2, f[3] AS c3, f[4] AS c4,
                  s[1] AS p1, s[2] AS p2, s[3] AS p3, s[4] AS p4
           FROM (SELECT n, replace(folded, ' ', '') AS f, py, string_split(py, ' ') AS s FROM spelling_in)"""
    )
    con.unregister("spelling_in")


# A number is a key of a person while few people carry it: a whole family may (domain.md 3.5), a grid
# worker's own number or 13800000000 does not say who somebody is.
_PHONE_SQL = """
CREATE OR REPLACE TEMP TABLE phone_known AS
SELECT phone FROM (
    SELECT phone AS phone, coalesce(name, record_key) AS who FROM mention WHERE phone IS NOT NULL
    UNION ALL SELECT phone_second, coalesce(name, record_key) FROM mention WHERE phone_second IS NOT NULL)
GROUP BY phone HAVING count(DISTINCT who) <= $limit
"""

_FORM_SQL = """
CREATE OR REPLACE TEMP TABLE form AS
WITH told AS (
    SELECT m.*,
           regexp_matches(coalesce(name, ''), $relative) OR regexp_matches(coalesce(name_note, ''), $relative) AS of_relative,
           regexp_replace(name, $relative, '') AS bare,
           upper(regexp_replace(coalesce(id_text, ''), '[^0-9Xx*]', '', 'g')) AS digits
    FROM mention m)
SELECT t.i, t.feed, t.record_key, t.role,
       CASE WHEN NOT of_relative THEN s.folded END AS name,
       f.folded AS former,
       CASE WHEN of_relative THEN s.folded END AS kin_name,
       CASE WHEN NOT of_relative THEN s.py END AS py,
       CASE WHEN NOT of_relative THEN s.c1 END AS c1, CASE WHEN NOT of_relative THEN s.c2 END AS c2,
       CASE WHEN NOT of_relative THEN s.c3 END AS c3, CASE WHEN NOT of_relative THEN s.c4 END AS c4,
       CASE WHEN NOT of_relative THEN s.p1 END AS p1, CASE WHEN NOT of_relative THEN s.p2 END AS p2,
       CASE WHEN NOT of_relative THEN s.p3 END AS p3, CASE WHEN NOT of_relative THEN s.p4 END AS p4,
       CASE WHEN NOT of_relative THEN s.len END AS len,
       CASE WHEN t.sex IN ('1', '2') THEN t.sex
            WHEN t.relation IN (FROM male) THEN '1' WHEN t.relation IN (FROM female) THEN '2' END AS sex,
       CASE WHEN coalesce(t.birth_precision, 'day') = 'day' THEN t.birth_date END AS birth,
       year(t.birth_date)::SMALLINT AS year,
       t.id_number AS id, t.id_embedded,
       CASE WHEN len(digits) BETWEEN 16 AND 19 AND NOT contains(digits, '*') AND NOT suffix(digits, '000') THEN digits END AS id_digits,
       CASE WHEN regexp_matches(digits, '^[0-9]{6}[*]+[0-9]{3}[0-9X]$') THEN digits[1:6] || right(digits, 4) END AS mask,
       -- Excel keeps 15 significant digits and fills with zeros
       CASE WHEN regexp_matches(digits, '^[0-9]{15}(000)?$') THEN digits[1:15] END AS id15,
       CASE WHEN t.phone IN (SELECT phone FROM phone_known) THEN t.phone END AS phone1,
       CASE WHEN t.phone_second IN (SELECT phone FROM phone_known) THEN t.phone_second END AS phone2,
       t.dwelling_id AS room,
       CASE WHEN t.building_id IS NOT NULL AND t.unit IS NOT NULL THEN t.building_id || '-' || t.unit END AS unit_key,
       t.building_id AS building, t.compound_id AS compound, t.dwelling_kind,
       -- who is named together in one record is never one person
       (dense_rank() OVER (ORDER BY CASE WHEN t.group_kind IN ('visit', 'event') THEN t.group_kind || t.group_key
                                         ELSE t.table_name || chr(31) || t.base_key END))::INTEGER AS inst,
       CASE WHEN t.group_key IS NOT NULL THEN
           -- a card is named in two files; elsewhere two feeds may number their groups alike
           (dense_rank() OVER (ORDER BY t.group_kind, CASE WHEN t.group_kind NOT IN ('assistance', 'register') THEN t.feed END,
                                        t.group_key))::INTEGER END AS grp,
       t.ref_feed, t.ref_key, coalesce(t.dead, false) AS dead, coalesce(t.ended, false) AS ended, t.source_order
FROM told t
LEFT JOIN spelling s ON s.n = t.bare
LEFT JOIN spelling f ON f.n = t.former_name
ORDER BY t.i
"""

# Kin come from groups of a family's size; a collective household of 300 says nothing about who is who.
_GROUP_SQL = """
CREATE OR REPLACE TEMP TABLE grp_member AS
SELECT grp, i FROM form WHERE grp IS NOT NULL
  AND grp IN (SELECT grp FROM form WHERE grp IS NOT NULL GROUP BY grp HAVING count(*) BETWEEN 2 AND $largest)
"""
