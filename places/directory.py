"""The county office's directory (名录) as Arrow tables, and a digest that says when it changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Engine

from warehouse.bulk import read_arrow

# What resolving an address needs of each directory table.
COLUMNS = {
    "org_communities": ("community_code", "name", "town", "starts_on", "ends_on"),
    "org_compounds": ("compound_id", "community_code", "name", "kind", "starts_on", "ends_on"),
    "org_compound_aliases": ("alias", "compound_id"),
    "org_buildings": ("building_id", "compound_id", "number", "units", "floors", "rooms_per_floor"),
}


@dataclass(frozen=True)
class Directory:
    """The rows that say where a dwelling can be; ``digest`` changes when any of them does."""

    communities: pa.Table
    compounds: pa.Table
    aliases: pa.Table
    buildings: pa.Table

    @property
    def digest(self) -> str:
        """SM3 of the directory's rows, whatever order they came in."""
        state = hashlib.new("sm3")
        for table in (self.communities, self.compounds, self.aliases, self.buildings):
            ordered = table.sort_by([(name, "ascending") for name in table.column_names])
            for column in ordered.itercolumns():
                state.update("\x1f".join(map(str, column.to_pylist())).encode())
        return state.hexdigest()


def read_directory(engine: Engine, read: Callable[[str], pa.Table] | None = None) -> Directory:
    """The open, present rows of the directory's record tables (``read``: how a query is read, default over a
    connection each)."""
    read = read or (lambda sql: read_arrow(engine, sql))
    tables = [
        read(f"SELECT {', '.join(columns)} FROM record.{table} WHERE recorded_to IS NULL AND state = 'present'")
        for table, columns in COLUMNS.items()
    ]
    return Directory(*tables)
