"""Resolve addresses in the warehouse: new texts, and all of them again when the directory changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow.compute as pc
from sqlalchemy import Engine, text

from places.directory import read_directory
from places.resolve import resolve_texts
from warehouse.bulk import read_arrow, stage, unstage
from warehouse.mention import compose

FOUND = ("address_text", "level", "community_code", "compound_id", "building_id", "unit", "room", "dwelling_id", "confidence", "reason")
# SQL of the place a visit (record.grid_visit) went to, as one text.
VISITED = f"coalesce({compose('compound', 'building', 'unit', 'room')}, address)"
# Places at which nobody is named, so that the mention view does not know them: dwellings found empty or only registered
# (人户分离), and where a business is. Record table -> query of their texts.
NOBODY_NAMED = {
    "grid_visit": f"SELECT {VISITED} AS address_text FROM record.grid_visit WHERE recorded_to IS NULL AND living_status IN ('empty', 'separated')",
    "market_entity": "SELECT premises AS address_text FROM record.market_entity WHERE recorded_to IS NULL AND status IN ('active', 'suspended')",
}
_MANY_TEXTS = 1_000  # from here on the planner is told at once


@dataclass(frozen=True)
class PlaceFigures:
    """How many address texts were resolved in this call, and how those of dwellings stand (premises of businesses aside)."""

    resolved: int
    known: int
    exact_room: int

    def counts(self) -> dict[str, int | float]:
        """Counts for logs and summaries; ``exact_room_rate`` is a share of the distinct texts."""
        rate = round(self.exact_room / self.known, 4) if self.known else 0.0
        return {"addresses_resolved": self.resolved, "addresses": self.known, "exact_room_rate": rate}


def resolve_addresses(engine: Engine) -> PlaceFigures:
    """Fill ``hub.address`` for every address text of the mention view and of :data:`NOBODY_NAMED`, in one transaction."""
    directory = read_directory(engine)
    digest = directory.digest
    nobody = _nobody_named(engine)
    # A text stays resolved while the directory stands as it was then: one that is new (the view knows no place of it), one
    # at which nobody is named, or one of another directory.
    unknown = [
        "SELECT address_text FROM hub.mention WHERE address_text IS NOT NULL AND address_level IS NULL",
        *(
            f"""SELECT address_text FROM ({query}) n WHERE address_text IS NOT NULL
                AND NOT EXISTS (SELECT FROM hub.address a WHERE a.address_text = n.address_text)"""
            for query in nobody.values()
        ),
        "SELECT address_text FROM hub.address WHERE directory_digest <> :digest",
    ]
    todo = read_arrow(engine, " UNION ".join(unknown), {"digest": digest})
    if todo.num_rows:
        found = resolve_texts(todo["address_text"].combine_chunks(), directory)
        stage(engine, "address", found.select(FOUND))
        listed = ", ".join(FOUND)
        updates = ", ".join(f"{c} = excluded.{c}" for c in (*FOUND[1:], "directory_digest", "resolved_at"))
        with engine.begin() as connection:
            connection.execute(
                text(  # in the order of the key, whose index then grows at its end alone
                    f"INSERT INTO hub.address ({listed}, directory_digest, resolved_at) "
                    f"SELECT {listed}, :digest, :now FROM staging.address ORDER BY address_text "
                    f"ON CONFLICT (address_text) DO UPDATE SET {updates}"
                ),
                {"digest": digest, "now": datetime.now(UTC)},
            )
            unstage(connection, "address")
        if todo.num_rows >= _MANY_TEXTS:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("ANALYZE hub.address"))
    return PlaceFigures(todo.num_rows, *_standing(engine, nobody.get("market_entity")))


def _nobody_named(engine: Engine) -> dict[str, str]:
    """The queries of :data:`NOBODY_NAMED` whose record table there is: a site may lack a feed."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'record'"))
        present = set(found.scalars())
    return {table: query for table, query in NOBODY_NAMED.items() if table in present}


def _standing(engine: Engine, premises: str | None) -> tuple[int, int]:
    """Known texts of dwellings, and how many of them name a room. A shopfront rarely has a room's number."""
    where = f"WHERE address_text NOT IN (SELECT address_text FROM ({premises}) p WHERE address_text IS NOT NULL)" if premises else ""
    levels = read_arrow(engine, f"SELECT level, count(*) AS n FROM hub.address {where} GROUP BY level")
    rooms = pc.sum(pc.if_else(pc.equal(levels["level"], "room"), levels["n"], 0)).as_py() or 0
    return pc.sum(levels["n"]).as_py() or 0, rooms
