"""An address to a dwelling (地址归户): the county's own names first, then the parts, then the building's plan.

A name of the directory is found in the text, what follows it is taken apart
(:func:`standards.address.parse`), and building, unit and room are held against the directory. What
does not fit is not guessed: the text resolves as far as it fits, with a reason.
"""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from places.directory import Directory
from places.gazetteer import fold_name, names_of
from standards import address
from warehouse.compute import analyst

SQL = Path(__file__).parent / "sql" / "resolve.sql"
# What may follow a shortened name (轩辕3#2-501): otherwise it is a part of another word.
BUILDING_PART = r"[0-9零〇一二两三四五六七八九十A-Z甲乙丙丁东西南北第]"


def resolve_texts(texts: pa.Array | pa.ChunkedArray, directory: Directory) -> pa.Table:
    """One row a distinct text: ``address_text, level, community_code, compound_id, building_id, unit, room,
    dwelling_id, confidence, reason``; the order of rows is not that of ``texts``.

    ``level`` is room, unit, building, compound, community or none; ``confidence`` lies between 0 and 1; ``reason``
    (a code of standards.reasons) says why it is not a room. A detached house has neither unit nor room.
    """
    distinct = pc.unique(texts)
    names = names_of(directory)
    con = analyst()
    con.register("gazetteer", names)
    con.register("part", _parts(distinct, names))
    for label in ("compounds", "buildings"):
        con.register(label, getattr(directory, label))
    folded = fold_name(directory.communities["name"])
    plain = pc.replace_substring_regex(folded, "(社区|居委会)$", "")
    con.register("community_name", directory.communities.append_column("folded", plain))
    for statement in SQL.read_text(encoding="utf-8").split("-- stage: ")[1:]:
        con.execute(statement.split("\n", 1)[1])
    con.register("text", pa.table({"id": pa.array(range(len(distinct)), pa.int64()), "address_text": distinct}))
    return con.sql(
        """SELECT address_text, level, community_code, compound_id, building_id, unit, room, dwelling_id,
                  CAST(confidence AS DOUBLE) AS confidence, reason
           FROM text JOIN resolved USING (id)"""
    ).to_arrow_table()


def _parts(texts: pa.Array, names: pa.Table) -> pa.Table:
    """``id, name`` (the directory's name found, null if none), ``loose`` (a shortened one), the parts, ``part_form``."""
    whole = address.parse(texts)
    folded = fold_name(texts)
    compounds = names.filter(pc.equal(names["kind"], "compound"))
    full = compounds.filter(compounds["full"])["name"].to_pylist()
    short = compounds.filter(pc.invert(compounds["full"]))["name"].to_pylist()
    found = _find(folded, full, "")
    rough = _find(folded, short, BUILDING_PART)
    name = pc.coalesce(pc.struct_field(found, "name"), pc.struct_field(rough, "name"))
    tail = pc.coalesce(pc.struct_field(found, "tail"), pc.struct_field(rough, "tail"))
    parts = address.parse(pc.coalesce(tail, ""))
    shown = {column: pc.if_else(pc.is_valid(name), parts[column], whole[column]) for column in parts.column_names}
    return pa.table(
        {
            **shown,
            "id": pa.array(range(len(texts)), pa.int64()),
            "name": name,
            "loose": pc.is_null(pc.struct_field(found, "name")),
            "community": whole["community"],
            "part_form": whole["form"],
        }
    )


def _find(folded: pa.Array, names: list[str], follows: str) -> pa.Array:
    """Struct ``name, tail``: the leftmost name (of several there the longest), and what stands after it."""
    if not names:
        return pc.extract_regex(folded, r"(?P<name>\z.)(?P<tail>)")
    longest_first = "|".join(re.escape(name) for name in sorted(set(names), key=lambda n: (-len(n), n)))
    ahead = f"{follows}.*|" if follows else ".*"
    return pc.extract_regex(folded, f"^.*?(?P<name>{longest_first})(?P<tail>{ahead})$")
