"""Grids (网格) over the location tree: on a day, which grid, workers and liaison unit a place has.

A grid is dated and is not a level of the tree (it may hold several compounds, and a large compound
may be split): full-time worker 专职 by unit → grid, liaison worker 包联 by compound → liaison unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa
from sqlalchemy import Engine

from warehouse.compute import analyst
from warehouse.moment import moment

TABLES = {
    "org_communities": "community_code, name, town",
    "org_compounds": "compound_id, community_code, name",
    "org_buildings": "building_id, compound_id, number, units",
    "org_grids": "grid_id, community_code, name, starts_on, ends_on",
    "org_grid_buildings": "grid_id, building_id, unit, starts_on, ends_on",
    "org_grid_workers": "worker_id, name, kind, grid_id, compound_id, unit_id, starts_on, ends_on",
    "org_liaison_units": "unit_id, name, department",
    "org_liaison_compounds": "unit_id, compound_id, starts_on, ends_on",
    "org_liaison_roles": "role_id, compound_id, building_id, unit, role, name, starts_on, ends_on",
}
# Table -> query of the rows that stand.
QUERIES = {
    table: f"SELECT {columns} FROM record.{table} WHERE recorded_to IS NULL AND state = 'present'"
    for table, columns in TABLES.items()
}


@dataclass(frozen=True)
class GridMap:
    """``compounds``: compound_id, compound, community_code, community, liaison_unit, liaison_worker.
    ``units``: building_id, building, compound_id, unit, grid_id, grid, full_time_worker, building_lead,
    unit_lead; unit ``0`` stands for a whole building (a house without units, or an unknown unit)."""

    compounds: pa.Table
    units: pa.Table


def grid_map(engine: Engine, day: date) -> GridMap:
    """Who is responsible where on ``day``. A unit in no grid has null there; one in two grids (a
    directory error that a cross rule reports) takes the smaller grid id, so that a place stands once."""
    with moment(engine) as now:
        return laid({name: table.result() for name, table in now.tables(QUERIES).items()}, day)


def laid(directory: Mapping[str, pa.Table], day: date, con: duckdb.DuckDBPyConnection | None = None) -> GridMap:
    """:func:`grid_map` of the results of :data:`QUERIES`. ``con``: to work in, default one of its own."""
    con = con or analyst()
    for name, table in directory.items():
        con.register(name, table)
    con.execute("SET VARIABLE day = ?", [day])
    current = (
        "(starts_on IS NULL OR starts_on <= getvariable('day')) AND (ends_on IS NULL OR ends_on > getvariable('day'))"
    )
    compounds = con.sql(
        f"""
        WITH liaison AS (
            SELECT compound_id, min(unit_id) AS unit_id FROM org_liaison_compounds WHERE {current} GROUP BY 1
        ), worker AS (
            SELECT compound_id, min_by(name, worker_id) AS name FROM org_grid_workers
            WHERE kind = 'liaison' AND {current} GROUP BY 1
        )
        SELECT c.compound_id, c.name AS compound, c.community_code, m.name AS community,
               u.name AS liaison_unit, w.name AS liaison_worker
        FROM org_compounds c
        LEFT JOIN org_communities m USING (community_code)
        LEFT JOIN liaison l USING (compound_id)
        LEFT JOIN org_liaison_units u ON u.unit_id = l.unit_id
        LEFT JOIN worker w USING (compound_id)
        ORDER BY c.compound_id
        """
    ).to_arrow_table()
    units = con.sql(
        f"""
        WITH place AS (
            SELECT building_id, number AS building, compound_id, CAST(unnest(range(0, greatest(coalesce(units, 0), 1) + 1)) AS VARCHAR) AS unit
            FROM org_buildings
        ), laid AS (
            SELECT building_id, coalesce(unit, '') AS unit, min(grid_id) AS grid_id
            FROM org_grid_buildings WHERE {current} GROUP BY 1, 2
        ), worker AS (
            SELECT grid_id, min_by(name, worker_id) AS name FROM org_grid_workers
            WHERE kind = 'full_time' AND {current} GROUP BY 1
        ), lead AS (
            SELECT role, building_id, coalesce(unit, '') AS unit, min_by(name, role_id) AS name
            FROM org_liaison_roles WHERE {current} GROUP BY 1, 2, 3
        )
        SELECT p.building_id, p.building, p.compound_id, p.unit, g.grid_id, g.name AS grid,
               w.name AS full_time_worker, b.name AS building_lead, u.name AS unit_lead
        FROM place p
        LEFT JOIN laid one ON one.building_id = p.building_id AND one.unit = p.unit
        LEFT JOIN laid whole ON whole.building_id = p.building_id AND whole.unit = ''
        LEFT JOIN (SELECT building_id, min(grid_id) AS grid_id FROM laid GROUP BY 1 HAVING count(DISTINCT grid_id) = 1) sole
               ON sole.building_id = p.building_id AND p.unit = '0'
        LEFT JOIN org_grids g ON g.grid_id = coalesce(one.grid_id, whole.grid_id, sole.grid_id)
        LEFT JOIN worker w ON w.grid_id = g.grid_id
        LEFT JOIN lead b ON b.role = 'building_lead' AND b.building_id = p.building_id
        LEFT JOIN lead u ON u.role = 'unit_lead' AND u.building_id = p.building_id AND u.unit = p.unit
        ORDER BY p.building_id, p.unit
        """
    ).to_arrow_table()
    return GridMap(compounds, units)
