"""The mention view ``hub.mention``: a row a person named in an open record, made from the contracts.

Linkage, places and profiles read persons from here and nowhere else, so a further feed reaches
them by its contract alone. docs/architecture.md lists the columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, text

from contracts.model import Contract, Dwelling, Mention, Table
from warehouse.bulk import quoted
from warehouse.record_tables import qualified

VIEW = "hub.mention"
# Conditions that cut the view for two reads side by side: the register is as much as all others, as its rows look their codes up.
HALVES = ("feed = 'psb_register'", "feed <> 'psb_register'")

PERSON_COLUMNS: Mapping[str, str] = {
    "name": "text",
    "name_note": "text",
    "former_name": "text",
    "sex": "text",
    "birth_date": "date",
    "birth_precision": "text",
    "ethnicity": "text",
    "relation": "text",
    "marital_status": "text",
    "schooling": "text",
    "id_number": "text",
    "id_text": "text",
    "id_embedded": "text",
    "phone": "text",
    "phone_second": "text",
    "phone_home": "text",
}
# Who is meant: without one of these a further person of a row (a guardian, a mother) is not there.
_NAMING = (
    "name",
    "id_number",
    "id_text",
    "id_embedded",
    "name_note",
)  # a name that lost a character stands in the note

_PLACE = "a.level AS address_level, a.community_code, a.compound_id, a.building_id, a.unit, a.room, a.dwelling_id"


def create_view(connection: Connection, contracts: Mapping[str, Contract]) -> None:
    """Make the view anew where its text changed, in the caller's transaction."""
    definition = view_sql(contracts)
    digest = hashlib.sha256(definition.encode()).hexdigest()
    known = text("SELECT obj_description(to_regclass(:view), 'pg_class')")
    if connection.execute(known, {"view": VIEW}).scalar() == digest:
        return
    connection.exec_driver_sql(f"DROP VIEW IF EXISTS {VIEW}")
    connection.exec_driver_sql(f"CREATE VIEW {VIEW} AS {definition}".replace("%", "%%"))
    connection.exec_driver_sql(f"COMMENT ON VIEW {VIEW} IS '{digest}'")


def view_sql(contracts: Mapping[str, Contract]) -> str:
    """The view's query: every mention of every contract, and the place its address resolved to."""
    tables = {table.name for contract in contracts.values() for table in contract.tables}
    parts = [
        _mention(contract, table, mention, tables)
        for contract in contracts.values()
        for table in contract.tables
        for mention in table.mentions
    ]
    if not parts:  # contracts without persons: the same columns, no row
        nulls = ", ".join(f"NULL::{kind} AS {name}" for name, kind in _all_columns().items())
        parts = [f"SELECT {nulls} WHERE false"]
    united = "\nUNION ALL\n".join(parts)
    return (
        f"SELECT m.*, {_PLACE}\nFROM (\n{united}\n) AS m\nLEFT JOIN hub.address AS a ON a.address_text = m.address_text"
    )


def _all_columns() -> dict[str, str]:
    return {
        **dict.fromkeys(("feed", "record_key", "table_name", "base_key", "role"), "text"),
        **PERSON_COLUMNS,
        **dict.fromkeys(("group_kind", "group_key", "ref_feed", "ref_key", "dwelling_kind", "address_text"), "text"),
        "death_date": "date",
        **dict.fromkeys(("dead", "ended"), "boolean"),
        "source_time": "timestamptz",
        "source_order": "bigint",
        "batch_id": "text",
        "row_no": "bigint",
    }


def _mention(contract: Contract, table: Table, mention: Mention, tables: set[str]) -> str:
    dead = _dead(mention)
    columns = {
        "feed": _literal(contract.feed),
        "record_key": f"r.record_key || {_literal(mention.suffix)}" if mention.suffix else "r.record_key",
        "table_name": _literal(table.name),
        "base_key": "r.record_key",
        "role": _literal(mention.role),
        **{name: _value(mention, name) for name in PERSON_COLUMNS},
        "group_kind": _literal(mention.group_kind),
        "group_key": " || '|' || ".join(f"{_column(name)}::text" for name in mention.group_key) or "NULL",
        "ref_feed": _literal(mention.ref_feed),
        "ref_key": _column(mention.ref_key) if mention.ref_key else "NULL",
        "dwelling_kind": _literal(mention.dwelling.kind if mention.dwelling else None),
        "address_text": _address(mention.dwelling, tables),
        "death_date": f"CASE WHEN {dead} THEN {_column(mention.death_date)} END" if mention.death_date else "NULL",
        "dead": dead,
        "ended": " OR ".join(_ended(table, mention)),
        "source_time": "r.source_time",
        "source_order": "r.source_order",
        "batch_id": "r.batch_id",
        "row_no": "r.row_no",
    }
    selected = ", ".join(f"({columns[name]})::{kind} AS {name}" for name, kind in _all_columns().items())
    return f"SELECT {selected}\nFROM {qualified(table)} AS r{''.join(_joins(contract, table, mention, tables))}\nWHERE {' AND '.join(_conditions(mention))}"


def _joins(contract: Contract, table: Table, mention: Mention, tables: set[str]) -> Iterator[str]:
    if table.each:
        yield (f"\nJOIN {qualified(contract.table)} AS p ON p.record_key = r.parent_key AND p.recorded_to IS NULL")
    dwelling = mention.dwelling
    if dwelling and _has_code(dwelling, tables):
        yield (
            f"\nLEFT JOIN {qualified(dwelling.code_table)} AS k ON k.record_key = {_column(dwelling.code)} "
            "AND k.recorded_to IS NULL AND k.status IS DISTINCT FROM '0'"
        )


def _conditions(mention: Mention) -> Iterator[str]:
    yield "r.recorded_to IS NULL"
    if mention.suffix:
        named = [_column(mention.columns[name]) for name in _NAMING if name in mention.columns]
        if named:
            yield f"coalesce({', '.join(named)}) IS NOT NULL"


def _value(mention: Mention, name: str) -> str:
    if name in mention.columns:
        return _column(mention.columns[name])
    return _literal(mention.constants.get(name))


def _dead(mention: Mention) -> str:
    if mention.dead_when:
        return " OR ".join(_any_of(mention.dead_when))
    return f"{_column(mention.death_date)} IS NOT NULL" if mention.death_date else "false"


def _ended(table: Table, mention: Mention) -> Iterator[str]:
    yield "r.state = 'vanished'"
    if table.each:
        yield "p.state = 'vanished'"
    yield from _any_of(mention.ended_when)


def _any_of(conditions: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """``column -> values`` as conditions that are never null; ``*`` is anything but null."""
    for name, values in conditions.items():
        if "*" in values:
            yield f"{_column(name)} IS NOT NULL"
        else:
            listed = ", ".join(_literal(value) for value in values)
            yield f"coalesce({_column(name)}::text IN ({listed}), false)"


def _address(dwelling: Dwelling | None, tables: set[str]) -> str:
    """The best text of the place: by its standard code, by its parts, as written."""
    if dwelling is None:
        return "NULL"
    choices = []
    if _has_code(dwelling, tables):
        choices.append(compose("k.compound", "k.building", "k.unit", "k.room"))
    if dwelling.compound:
        choices.append(
            compose(
                *(
                    _column(part) if part else None
                    for part in (dwelling.compound, dwelling.building, dwelling.unit, dwelling.room)
                )
            )
        )
    if dwelling.address:
        choices.append(_column(dwelling.address))
    return f"coalesce({', '.join(choices)})" if len(choices) > 1 else (choices or ["NULL"])[0]


def compose(compound: str, building: str | None, unit: str | None, room: str | None) -> str:
    """SQL of an address in parts as one text, ``<compound><building>号楼<unit>单元<room>``.

    Parts that are null are left out; a building that already says what it is (3号楼, 甲座) and a
    unit that does (东单元, 2门) stay as they are. Null without a compound.
    """
    text = compound
    if building:
        text += f" || coalesce({building} || CASE WHEN {building} ~ '[楼栋幢座号院]$' THEN '' ELSE '号楼' END, '')"
    if unit:
        text += f" || coalesce({unit} || CASE WHEN {unit} ~ '(单元|门)$' THEN '' ELSE '单元' END, '')"
    if room:
        text += f" || coalesce({room}, '')"
    return text


def _has_code(dwelling: Dwelling, tables: set[str]) -> bool:
    return bool(dwelling.code and dwelling.code_table in tables)


def _column(name: str) -> str:
    """A column of the row, or of its parent's (``parent.<column>``)."""
    return f"p.{quoted(name.removeprefix('parent.'))}" if name.startswith("parent.") else f"r.{quoted(name)}"


def _literal(value: str | None) -> str:
    """A contract's constant inside the view's definition, where nothing can be bound."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
