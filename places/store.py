"""Resolve addresses in the warehouse: new texts, and all of them again when the directory changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine, text

from places.directory import read_directory
from places.resolve import resolve_texts
from warehouse.bulk import read_arrow, stage

COLUMNS = (
    "address_text", "level", "community_code", "compound_id", "building_id", "unit", "room", "dwelling_id",
    "confidence", "reason", "directory_digest", "resolved_at",
)  # fmt: skip


@dataclass(frozen=True)
class PlaceFigures:
    """How many address texts were resolved in this call, and how all known ones stand."""

    resolved: int
    known: int
    exact_room: int

    def counts(self) -> dict[str, int | float]:
        """Counts for logs and summaries; ``exact_room_rate`` is a share of the distinct texts."""
        rate = round(self.exact_room / self.known, 4) if self.known else 0.0
        return {"addresses_resolved": self.resolved, "addresses": self.known, "exact_room_rate": rate}


def resolve_addresses(engine: Engine) -> PlaceFigures:
    """Fill ``hub.address`` for every address text of the mention view, in one transaction."""
    directory = read_directory(engine)
    digest = directory.digest
    # A text stays resolved while the directory stands as it was when it was resolved.
    todo = read_arrow(
        engine,
        """SELECT DISTINCT m.address_text FROM hub.mention m
           WHERE m.address_text IS NOT NULL AND NOT EXISTS (SELECT 1 FROM hub.address a
                             WHERE a.address_text = m.address_text AND a.directory_digest = :digest)""",
        {"digest": digest},
    )
    if todo.num_rows:
        found = resolve_texts(todo["address_text"].combine_chunks(), directory)
        found = found.append_column("directory_digest", pa.array([digest] * found.num_rows, pa.string()))
        stamp = pa.scalar(datetime.now(UTC), pa.timestamp("us", tz="UTC"))
        found = found.append_column("resolved_at", pa.repeat(stamp, found.num_rows))
        stage(engine, "address", found.select(COLUMNS))
        listed = ", ".join(COLUMNS)
        updates = ", ".join(f"{c} = excluded.{c}" for c in COLUMNS[1:])
        with engine.begin() as connection:
            connection.execute(
                text(
                    f"INSERT INTO hub.address ({listed}) SELECT {listed} FROM staging.address "
                    f"ON CONFLICT (address_text) DO UPDATE SET {updates}"
                )
            )
            connection.execute(text("DROP TABLE staging.address"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE hub.address"))
    levels = read_arrow(engine, "SELECT level, count(*) AS n FROM hub.address GROUP BY level")
    rooms = pc.sum(pc.if_else(pc.equal(levels["level"], "room"), levels["n"], 0)).as_py() or 0
    return PlaceFigures(todo.num_rows, pc.sum(levels["n"]).as_py() or 0, rooms)
