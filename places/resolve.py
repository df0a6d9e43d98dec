"""An address to a dwelling (地址归户): the county's own names first, then the parts, then the building's plan.

A name of the directory is found in the text, what follows it is taken apart
(:func:`standards.address.parse`), and building, unit and room are held against the directory. What
does not fit is not guessed: the text resolves as far as it fits, with a reason.

Half a million texts name a few thousand places and a few ten thousand building parts: each is read once.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from places.directory import Directory
from places.gazetteer import fold_name, names_of
from standards import address
from warehouse.compute import analyst

SQL = Path(__file__).parent / "sql" / "resolve.sql"
# What may follow a shortened name (轩辕3#2-501): otherwise it is a part of another word.
BUILDING_PART = r"[0-9零〇一二两三四五六七八九十A-Z甲乙丙丁东西南北第]"
# What building parts are written with: a text that ends in these is a place, and its plan from the first digit among them.
_WRITTEN = r"[0-9#\-号楼单元室栋幢门层户座甲乙丙丁东西南北中左右]"
# Only what has one of these can name a community (社区, 居委会), or become what does.
_TOWN = r"[社居]|[^\x20-\x7E\x{3007}\x{4E00}-\x{9FFF}]"
_SHOWN = ("building", "unit", "room", "floor", "side", "form")  # of a text's parts


# Texts cut in two; after a place into whose plan a name may reach, the whole text is the place.
_CUT = """
CREATE OR REPLACE TABLE cut AS
WITH ended AS (SELECT address_text, regexp_extract(address_text, $plan) AS plan FROM (SELECT DISTINCT address_text FROM text_in))
SELECT row_number() OVER () AS id, address_text, left(address_text, length(address_text) - length(plan)) AS place, plan FROM ended
"""
_TEXT = """
CREATE OR REPLACE TABLE text AS
SELECT id, address_text, CASE WHEN r.place IS NULL THEN c.place ELSE address_text END AS place, CASE WHEN r.place IS NULL THEN plan ELSE '' END AS plan
FROM cut c LEFT JOIN reached r USING (place)
"""


def resolve_texts(texts: pa.Array | pa.ChunkedArray, directory: Directory) -> pa.Table:
    """:meth:`Resolver.resolve` with a directory that is used once."""
    return Resolver(directory).resolve(texts)


class Resolver:
    """Resolves texts against a directory; what hangs on the directory alone is prepared when it is made."""

    def __init__(self, directory: Directory) -> None:
        self._con = analyst()
        self._names = names_of(directory, self._con)
        self._con.register("gazetteer", self._names)
        for label in ("compounds", "buildings"):
            self._con.register(label, getattr(directory, label))
        folded = fold_name(directory.communities["name"])
        plain = pc.replace_substring_regex(folded, "(社区|居委会)$", "")
        self._con.register("community_name", directory.communities.append_column("folded", plain))

    def resolve(self, texts: pa.Array | pa.ChunkedArray) -> pa.Table:
        """One row a distinct text, in the order of their bytes: ``address_text, level, community_code, compound_id, building_id, unit,
        room, dwelling_id, confidence, reason``.

        ``level`` is room, unit, building, compound, community or none; ``confidence`` lies between 0 and 1; ``reason``
        (a code of standards.reasons) says why it is not a room. A detached house has neither unit nor room.
        """
        con = self._con
        con.register("text_in", pa.table({"address_text": texts}))
        _take_apart(con, self._names)
        for statement in SQL.read_text(encoding="utf-8").split("-- stage: ")[1:]:
            con.execute(statement.split("\n", 1)[1])
        return con.sql(
            """SELECT address_text, level, community_code, compound_id, building_id, unit, room, dwelling_id,
                      CAST(confidence AS DOUBLE) AS confidence, reason
               FROM text JOIN resolved USING (id) ORDER BY address_text"""
        ).to_arrow_table()


def _take_apart(con: duckdb.DuckDBPyConnection, names: pa.Table) -> None:
    """Make ``text`` (id, address_text) and ``part``, a row a text: ``id, name`` (the directory's name found, null if none), ``loose`` (a
    shortened one), ``community``, the parts of what follows the name, and ``part_form``, the form of a text without a name."""
    compounds = names.filter(pc.equal(names["kind"], "compound"))
    full = compounds.filter(compounds["full"])["name"].to_pylist()
    short = compounds.filter(pc.invert(compounds["full"]))["name"].to_pylist()
    con.execute(_CUT, {"plan": f"[0-9]{_WRITTEN}*$"})
    places = con.sql("SELECT DISTINCT place FROM cut").to_arrow_table()
    reached = pc.match_substring_regex(fold_name(places["place"]), _before_plans([*full, *short]))
    con.register("reached", places.filter(reached))
    con.execute(_TEXT)
    con.execute("DROP TABLE cut")
    con.register("place", _places(con.sql("SELECT DISTINCT place, plan <> '' AS goes_on FROM text").to_arrow_table(), full, short))
    con.execute(
        """CREATE OR REPLACE TABLE named AS
           SELECT id, name, loose, rest || plan AS tail, CASE WHEN town THEN place || translate(plan, '123456789', '000000000') END AS whole
           FROM text JOIN place p USING (place) WHERE p.goes_on = (plan <> '') AND name IS NOT NULL"""
    )
    for label, question, columns in (
        ("tail_part", "SELECT DISTINCT tail AS text FROM named", _SHOWN),
        # Which community is named before a building part, and how long that is, does not hang on its digits.
        ("town_part", "SELECT DISTINCT whole AS text FROM named WHERE whole IS NOT NULL", ("community",)),
        ("whole_part", "SELECT address_text AS text FROM text ANTI JOIN named USING (id)", (*_SHOWN, "community")),
    ):
        asked = con.sql(question).to_arrow_table()["text"].combine_chunks()
        con.register(label, address.parse(asked).select(columns).append_column("text", asked))
    shown = ", ".join(_SHOWN)
    con.execute(
        f"""CREATE OR REPLACE TABLE part AS
            SELECT n.id, n.name, n.loose, {shown}, w.community, NULL::VARCHAR AS part_form
            FROM named n JOIN tail_part t ON t.text = n.tail LEFT JOIN town_part w ON w.text = n.whole
            UNION ALL
            SELECT a.id, NULL, true, {shown}, community, form FROM (FROM text ANTI JOIN named USING (id)) a
            JOIN whole_part w ON w.text IS NOT DISTINCT FROM a.address_text;
            DROP TABLE named; ALTER TABLE text DROP COLUMN place; ALTER TABLE text DROP COLUMN plan"""
    )


def _places(places: pa.Table, full: list[str], short: list[str]) -> pa.Table:
    """To ``place`` and ``goes_on`` (a building part follows it) the ``name`` found, whether it is ``loose``, the ``rest`` of the place
    after it, and whether the place may name a community (``town``)."""
    # Any digit stands for the building part; it is taken off the rest again.
    seen = pc.binary_join_element_wise(fold_name(places["place"]), pc.if_else(places["goes_on"], "0", ""), "").combine_chunks()
    found, rough = _find(seen, full, ""), _find(seen, short, BUILDING_PART)
    name, rest = (pc.coalesce(pc.struct_field(found, field), pc.struct_field(rough, field)) for field in ("name", "tail"))
    return pa.table(
        {
            "place": places["place"],
            "goes_on": places["goes_on"],
            "name": name,
            "loose": pc.is_null(pc.struct_field(found, "name")),
            "rest": pc.if_else(places["goes_on"].combine_chunks(), pc.utf8_slice_codeunits(rest, 0, -1), rest),
            "town": pc.match_substring_regex(places["place"], _TOWN),
        }
    )


def _before_plans(names: list[str]) -> str:
    """The regex of places after which a name may go on into the plan, as 轩辕路12号 does: what such names are before that. A name written
    like a plan as a whole (5号院's 5号) may begin anywhere in one: every place is before it."""
    written = re.compile(f"(?:^|(?=[0-9])){_WRITTEN}+$")
    ends = {name[: into.start()] for name in names if (into := written.search(name))}
    return f"(?:{'|'.join(map(re.escape, sorted(ends)))})$" if ends else r"\z."


def _find(folded: pa.Array, names: list[str], follows: str) -> pa.Array:
    """Struct ``name, tail``: the leftmost name (of several there the longest), and what stands after it."""
    if not names:
        return pc.extract_regex(folded, r"(?P<name>\z.)(?P<tail>)")
    longest_first = "|".join(re.escape(name) for name in sorted(set(names), key=lambda n: (-len(n), n)))
    ahead = f"{follows}.*|" if follows else ".*"
    return pc.extract_regex(folded, f"^.*?(?P<name>{longest_first})(?P<tail>{ahead})$")
