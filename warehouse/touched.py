"""Which records were written since an earlier moment (动过的记录): those whose own row, parent or address code was.

Who keeps what it read of the mention view asks only for these again (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import pyarrow as pa

from contracts.model import Contract, Table
from warehouse.bulk import quoted
from warehouse.record_tables import qualified
from warehouse.snapshot import Snapshot, changed

_PRESENT = "SELECT tablename FROM pg_tables WHERE schemaname = 'record'"
# Of address texts whose place was written; who keeps the same hash of a mention's text finds whose they are.
_PLACES = f"SELECT hashtextextended(address_text, 0) AS address FROM hub.address a WHERE {changed('a')}"


def tables_present(moment: Snapshot) -> set[str]:
    """The record tables this warehouse has."""
    return set(moment.read(_PRESENT)["tablename"].to_pylist())


def touched(contracts: Mapping[str, Contract], present: Collection[str], also: Collection[str] = ()) -> list[str]:
    """Queries of ``record_key`` with the parameter ``since`` (:meth:`warehouse.snapshot.Snapshot.since`): the touched records of
    every table that names persons, and of the tables ``also``."""
    return [sql for contract in contracts.values() for table in contract.tables
            if table.name in present and (table.mentions or table.name in also) for sql in _touched(contract, table, present)]  # fmt: skip


def touched_since(moment: Snapshot, queries: Sequence[str], since: str) -> tuple[set[str], pa.Table]:
    """The record keys that ``queries`` (:func:`touched`) find, and ``address``: hashes (``hashtextextended(text, 0)``) of the address
    texts whose place was written since. Each query looks through a whole table: half of them are asked beside the others."""
    halves = {half: "\nUNION\n".join(part) for half, part in (("one", queries[::2]), ("other", queries[1::2])) if part}
    read = moment.read_all({**halves, "places": _PLACES}, {"since": since})
    return {key for half in halves for key in read[half]["record_key"].to_pylist()}, read["places"]


def _touched(contract: Contract, table: Table, present: Collection[str]) -> Iterator[str]:
    record, parent = qualified(table), qualified(contract.table)
    yield f"SELECT record_key FROM {record} AS r WHERE {changed('r')}"
    of_parent = f"JOIN {parent} AS p ON p.record_key = r.parent_key"
    if table.each:
        yield f"SELECT r.record_key FROM {record} AS r {of_parent} WHERE {changed('p')}"
    for column, codes in sorted(_codes(table, present)):
        yield (
            f"SELECT r.record_key FROM {record} AS r {of_parent if column.startswith('p.') else ''} "
            f"JOIN {qualified(codes)} AS k ON k.record_key = {column} WHERE {changed('k')} AND r.recorded_to IS NULL"
        )


def _codes(table: Table, present: Collection[str]) -> set[tuple[str, str]]:
    """(column that holds an address code, the table of the codes) of a record table's mentions."""
    found = set()
    for mention in table.mentions:
        place = mention.dwelling
        if place and place.code and place.code_table in present:
            name = place.code.removeprefix("parent.")
            found.add((f"{'p' if name != place.code else 'r'}.{quoted(name)}", place.code_table))
    return found
