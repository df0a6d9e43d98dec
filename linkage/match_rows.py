"""The rows of a list as mentions (提及): every cell standardised as any department's would be, nothing guessed.

A row becomes a mention of the pseudo feed ``list``, so that linkage compares it as it compares any record. A row that says
neither who somebody is nor whose number it carries keeps its place and gets a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.columns import plain
from connectors.drop_xlsx import cell_text
from linkage.match_columns import bare_title
from linkage.match_file import ListFile, ListSheet
from places.directory import Directory
from places.resolve import resolve_texts
from standards.result import Standardised
from standards.semantic_types import standardise

FEED = "list"
_TYPES = {
    "name": ("name", None), "former_name": ("name", None), "birth_date": ("date", None), "sex": ("code", "sex/gb_or_text"), "phone": ("phone", None),
    "phone_second": ("phone", None), "address": ("address", None), "register_address": ("address", None),
    "pupil_no": ("pupil_no", None), "disability_no": ("disability_no", None), "compound": ("text", None), "building": ("text", None),
    "unit": ("text", None), "room": ("text", None),
}  # fmt: skip
_PLACE = {"compound_id": pa.string(), "building_id": pa.string(), "unit": pa.string(), "room": pa.string(), "dwelling_id": pa.string()}
_CUT_SHARE = 0.02
_NO_PERSON = (
    r"^[\s*]*(?:合\s*计|小\s*计|总\s*计|共\s*计|累\s*计|.{1,10}(?:合\s*计|小\s*计|总\s*计|共\s*计|累\s*计)[\s\d:：.]*$|填\s*表|填\s*报|制\s*表|审\s*核|备\s*注|说\s*明|注\s*[:：]|单位负责人|以下空白|以上"
    r"|第\s*\d+\s*页|共\s*\d+\s*[人户页名条])"
)
_NO_NAME = r"(?i)^\s*(?:true|false|同上|同前|见上|上同)\s*$"  # read as names they would be Latin or Chinese ones
# What linkage can use of a number that is none: 15 to 19 digits, or the ends of a masked one.
_USABLE = r"^[0-9]{15,18}[0-9X]?$|^[0-9]{6}[*]+[0-9]{3}[0-9X]$"


@dataclass(frozen=True)
class ListRows:
    """``mentions``: the columns of ``hub.mention`` that linkage reads, ``record_key`` = place of the row in the list, nine digits.

    ``notes``: a row a cell that was not read (``row`` int64, ``title``, ``reason`` code); ``unreadable``: reason code a row, null
    where the row can be matched. Rows count from 0 over all sheets.
    """

    mentions: pa.Table
    notes: pa.Table
    unreadable: pa.Array


def rows_of(file: ListFile, today: date, directory: Directory | None) -> ListRows:
    """Standardise every row. ``today`` judges dates; without a ``directory`` (nothing ingested yet) addresses say nothing."""
    parts, offset = [], 0
    for sheet in file.sheets:
        parts.append(_sheet(sheet, offset, today))
        offset += len(sheet.cells)
    mentions = pa.concat_tables([p.mentions for p in parts])
    notes = pa.concat_tables([p.notes for p in parts])
    return ListRows(_placed(mentions, directory), notes, pa.concat_arrays([p.unreadable for p in parts]))


def _sheet(sheet: ListSheet, offset: int, today: date) -> ListRows:
    size = len(sheet.cells)
    texts = {role: _texts(sheet, at) for role, at in sheet.roles.items()}
    read = {role: standardise(kind, texts[role], today=today, crosswalk=crosswalk) for role, (kind, crosswalk) in _TYPES.items() if role in texts}
    if "id_number" in texts:
        read["id_number"] = _id_numbers(sheet, texts["id_number"], today)
    for role in {"name", "former_name"} & set(read):
        read[role] = _without(read[role], pc.match_substring_regex(texts[role], _NO_NAME))
    if "birth_date" in read and bare_title(sheet.header[sheet.roles["birth_date"]]).endswith("年月"):
        read["birth_date"] = _months(read["birth_date"])
    notes = [
        pa.table({"row": pa.array(range(offset, offset + size), pa.int64()), "title": pa.repeat(sheet.header[sheet.roles[role]], size), "reason": told.reason})
        for role, told in read.items()
    ]  # fmt: skip
    noted = pa.concat_tables(notes) if notes else pa.table({"row": pa.array([], pa.int64()), "title": pa.array([], pa.string()), "reason": pa.array([], pa.string())})
    columns = _columns(read, size, offset)
    return ListRows(pa.table(columns), noted.filter(pc.is_valid(noted["reason"])), _unreadable(sheet, columns, read))


def _columns(read: dict[str, Standardised], size: int, offset: int) -> dict[str, pa.Array]:
    def values(role: str, kind: pa.DataType | None = None) -> pa.Array:
        return read[role].values if role in read else pa.nulls(size, kind or pa.string())

    def companion(role: str, suffix: str) -> pa.Array:
        return read[role].companions[suffix] if role in read else pa.nulls(size, pa.string())

    key = pa.array([f"{n:09d}" for n in range(offset, offset + size)], pa.string())
    composed = _address(read, size)
    living = pc.coalesce(values("address"), composed)
    return {
        "feed": pa.repeat(FEED, size), "record_key": key, "table_name": pa.repeat(FEED, size), "base_key": key, "role": pa.repeat("holder", size),
        "name": values("name"), "name_note": companion("name", "note"), "former_name": pc.coalesce(values("former_name"), companion("name", "former")),
        "sex": _known_sex(values("sex")), "birth_date": values("birth_date", pa.date32()), "birth_precision": companion("birth_date", "precision"),
        "id_number": values("id_number"), "id_text": companion("id_number", "text"),
        "id_embedded": pc.coalesce(companion("disability_no", "id"), companion("pupil_no", "id")),
        "phone": values("phone"), "phone_second": pc.coalesce(values("phone_second"), companion("phone", "second")),
        "address_text": pc.coalesce(living, values("register_address")),
        "dwelling_kind": pc.if_else(pc.is_valid(living), "residence", pc.if_else(pc.is_valid(values("register_address")), "register", pa.scalar(None, pa.string()))),
        "rooms": composed,
    }  # fmt: skip


def _texts(sheet: ListSheet, at: int) -> pa.Array:
    cells = [row[at] if at < len(row) else None for row in sheet.filled]
    return pa.array([None if error else cell_text(cell) for cell, error in zip(cells, sheet.errors, strict=True)], pa.string())


def _id_numbers(sheet: ListSheet, text: pa.Array, today: date) -> Standardised:
    """A column that was numbers in a spreadsheet has lost the last three digits, whatever a check digit says by chance: some cells
    are numbers still, or far more than the one in a thousand there should be end in 000."""
    at = sheet.roles["id_number"]
    counted = any(at < len(row) and isinstance(row[at], int | float) for row in sheet.filled)
    said = len(text) - text.null_count
    zeros = pc.sum(pc.match_substring_regex(text, r"^[^0-9]*\d{15}000\D*$")).as_py() or 0
    return standardise("resident_id", text, today=today, options={"spreadsheet": counted or zeros > _CUT_SHARE * said})


def _without(told: Standardised, rows: pa.Array) -> Standardised:
    """These rows' values are none: TRUE, 同上."""
    rows = pc.fill_null(rows, False)
    nothing = pa.scalar(None, pa.string())
    return replace(told, values=pc.if_else(rows, nothing, told.values), reason=pc.if_else(rows, "name.form", told.reason),
                   companions={suffix: pc.if_else(rows, nothing, array) for suffix, array in told.companions.items()})


def _months(told: Standardised) -> Standardised:
    """Under 出生年月 the first of a month is how a spreadsheet writes a month; any other day is one."""
    first = pc.fill_null(pc.and_(pc.equal(pc.day(told.values), 1), pc.equal(told.companions["precision"], "day")), False)
    return replace(told, companions={"precision": pc.if_else(first, "month", told.companions["precision"])})


def _known_sex(codes: pa.Array) -> pa.Array:
    """0 and 9 are unknown (GB/T 2261.1)."""
    return pc.if_else(pc.is_in(codes, pa.array(["1", "2"])), codes, pa.scalar(None, pa.string()))


def _address(read: dict[str, Standardised], size: int) -> pa.Array:
    """小区, 楼号, 单元, 室 in columns of their own as one text; null without a compound."""
    if "compound" not in read:
        return pa.nulls(size, pa.string())
    text = read["compound"].values
    for role, sign, marked in (("building", "号楼", "[楼栋幢座号院]$"), ("unit", "单元", "(单元|门)$"), ("room", "", "$")):
        if role not in read:
            continue
        part = pc.replace_substring_regex(read[role].values, r"\.0+$", "")
        part = pc.if_else(pc.match_substring_regex(part, marked), part, pc.binary_join_element_wise(part, sign, ""))
        text = pc.binary_join_element_wise(text, pc.fill_null(part, ""), "")
    return text


def _unreadable(sheet: ListSheet, columns: dict[str, pa.Array], read: dict[str, Standardised]) -> pa.Array:
    """Why nobody can be looked for by a row: it is no person's, says neither name nor number, or nothing of them can be read."""
    number = pc.replace_substring_regex(pc.utf8_upper(columns["id_text"]), "[^0-9X*]", "")
    usable = pc.fill_null(pc.match_substring_regex(number, _USABLE), False)
    if "id_number" in read:
        usable = pc.and_(usable, pc.fill_null(pc.not_equal(read["id_number"].reason, "id.placeholder"), True))
    # a name of which only a part came (王*, 王芳之子) says nobody by itself
    beside = [pc.is_valid(columns[c]) for c in ("birth_date", "phone", "phone_second", "address_text")]
    partly = pc.and_(pc.fill_null(pc.match_substring_regex(columns["name_note"], r"\p{Han}"), False), _any(beside))
    someone = _any([*(pc.is_valid(columns[c]) for c in ("name", "id_number", "id_embedded")), usable, partly])
    tried = _any([pc.is_valid(told.reason) for role, told in read.items() if role in ("name", "id_number", "pupil_no", "disability_no")])
    first = pa.array([next((str(c) for c in row if c not in (None, "")), "") for row in sheet.cells], pa.string())
    bare = pc.and_(pc.match_substring_regex(first, _NO_PERSON), pc.is_null(columns["id_number"]))
    nobody = pc.if_else(tried, "list.nothing_read", "list.nobody_named")
    reason = pc.if_else(bare, "list.no_person", pc.if_else(someone, pa.scalar(None, pa.string()), nobody))
    repeated = pa.array([_is_header(sheet, row) for row in sheet.filled], pa.bool_())
    return pc.coalesce(pa.array(sheet.errors, pa.string()), pc.if_else(repeated, "list.header", reason))


def _any(conditions: list[pa.Array]) -> pa.Array:
    met = conditions[0]
    for condition in conditions[1:]:
        met = pc.or_(met, condition)
    return met


def _is_header(sheet: ListSheet, row: Sequence[Any]) -> bool:
    """The header, or a row of its group titles, again on the next page."""
    cells = [(plain(row[at] or ""), plain(sheet.header[at])) for at in sheet.roles.values() if at < len(row)]
    told = [(cell, title) for cell, title in cells if cell]
    return bool(told) and all(len(cell) > 1 and (title.startswith(cell) or title.endswith(cell)) for cell, title in told)


def _placed(mentions: pa.Table, directory: Directory | None) -> pa.Table:
    """Resolve addresses; a place written in parts is tried where the text beside it does not lead to a room."""
    size = mentions.num_rows
    if directory is None or not size:
        places = {name: pa.nulls(size, kind) for name, kind in _PLACE.items()}
    else:
        texts = pa.concat_arrays([mentions["address_text"].combine_chunks(), mentions["rooms"].combine_chunks()])
        found = resolve_texts(texts.drop_null(), directory) if texts.null_count < len(texts) else None
        places = _best(mentions, found) if found is not None else {name: pa.nulls(size, kind) for name, kind in _PLACE.items()}
    mentions = mentions.drop_columns(["rooms", "address_text"])
    for name in _PLACE:
        mentions = mentions.append_column(name, places[name])
    return mentions


def _best(mentions: pa.Table, found: pa.Table) -> dict[str, pa.Array]:
    keys = found["address_text"].combine_chunks()
    whole, parts = (pc.index_in(mentions[c].combine_chunks(), value_set=keys) for c in ("address_text", "rooms"))
    rooms = pc.is_valid(found["dwelling_id"].combine_chunks())
    better = pc.and_(pc.fill_null(rooms.take(parts), False), pc.invert(pc.fill_null(rooms.take(whole), False)))
    at = pc.if_else(better, parts, whole)
    return {name: found[name].combine_chunks().cast(kind).take(at) for name, kind in _PLACE.items()}
