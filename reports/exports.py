"""Exports (导出): who is who, who lives with whom, and each person's surviving values, as CSV.

UTF-8, header, sorted, so that two runs over the same warehouse write the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv
from sqlalchemy import Engine

from warehouse.bulk import read_arrow

EXPORTS = {
    "crosswalk": """
        SELECT feed, record_key AS source_key, person_id
        FROM hub.person_link WHERE recorded_to IS NULL
        ORDER BY feed COLLATE "C", record_key COLLATE "C"
    """,
    "households": """
        SELECT household_id, kind, person_id
        FROM hub.household_member WHERE recorded_to IS NULL
        ORDER BY household_id COLLATE "C", person_id COLLATE "C"
    """,
    "attributes": """
        SELECT p.person_id, p.name, p.sex, p.birth_date, p.id_number, c.name AS compound, b.number AS building,
               nullif(split_part(right(p.dwelling_id, -length(b.building_id) - 1), '-', 1), '0') AS unit,
               nullif(split_part(right(p.dwelling_id, -length(b.building_id) - 1), '-', 2), '0') AS room
        FROM hub.person_profile p
        LEFT JOIN (SELECT DISTINCT dwelling_id, building_id FROM hub.address WHERE dwelling_id IS NOT NULL) d
               USING (dwelling_id)
        LEFT JOIN record.org_buildings b ON b.building_id = d.building_id AND b.recorded_to IS NULL AND b.state = 'present'
        LEFT JOIN record.org_compounds c ON c.compound_id = b.compound_id AND c.recorded_to IS NULL AND c.state = 'present'
        WHERE p.recorded_to IS NULL
        ORDER BY p.person_id COLLATE "C"
    """,
}


def export(engine: Engine, what: str, file: Path) -> int:
    """Write the export ``what`` (crosswalk, households, attributes) to ``file``; rows written."""
    table = read_arrow(engine, EXPORTS[what])
    file.parent.mkdir(parents=True, exist_ok=True)
    options = pyarrow.csv.WriteOptions(quoting_style="needed")
    pyarrow.csv.write_csv(table, file, options)
    return table.num_rows
