"""Resolve addresses in the warehouse: new texts, and all of them again when the directory changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
from sqlalchemy import Engine, text

from places.directory import read_directory
from places.resolve import Resolver
from warehouse.bulk import bound, lock, writing
from warehouse.mention import compose
from warehouse.snapshot import Snapshot, snapshot
from warehouse.tables import address
from warehouse.touched import tables_present

# SQL of the place a visit (record.grid_visit) went to, as one text.
VISITED = f"coalesce({compose('compound', 'building', 'unit', 'room')}, address)"
FOUND_EMPTY = "recorded_to IS NULL AND living_status IN ('empty', 'separated')"  # visits (record.grid_visit) that met nobody who lives there
# Places at which nobody is named, so that the mention view does not know them: dwellings found empty or only registered
# (人户分离), and where a business is. Record table -> query of their texts.
NOBODY_NAMED = {
    "grid_visit": f"SELECT {VISITED} AS address_text FROM record.grid_visit WHERE {FOUND_EMPTY}",
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


def nobody_named(now: Snapshot) -> dict[str, str]:
    """Of :data:`NOBODY_NAMED` what this warehouse has tables for: a site may lack a feed."""
    present = tables_present(now)
    return {table: query for table, query in NOBODY_NAMED.items() if table in present}


def resolve_addresses(engine: Engine) -> PlaceFigures:
    """Fill ``hub.address`` for every address text of the mention view and of :data:`NOBODY_NAMED`, in one transaction. Waits while
    another run of the same warehouse does."""
    with engine.begin() as guard:  # two runs at once would both add a text
        lock(guard, "places")
        with snapshot(engine) as now:
            nobody = nobody_named(now)
            directory = read_directory(engine, now.read)
            digest = directory.digest
            new = now.begin({"texts": _new(nobody.values())})["texts"]
            stale = now.begin({"texts": bound(engine, _STALE, {"digest": digest})})["texts"]
            resolver = Resolver(directory)  # while the texts are read
            todo, again = [new.result(), stale.result()], stale.result().num_rows > 0
        resolved = _resolve(engine, resolver, pa.concat_tables(todo)["address_text"], digest, again)
        return PlaceFigures(resolved, *_standing(engine, nobody.get("market_entity")))


def _new(nobody: Iterable[str]) -> str:
    """A query of the texts no place of which is known: of the mention view, and of places at which nobody is named."""
    known = "EXISTS (SELECT FROM hub.address a WHERE a.address_text = n.address_text)"
    return " UNION ALL ".join([
        "SELECT address_text FROM hub.mention WHERE address_text IS NOT NULL AND address_level IS NULL",
        *(f"SELECT address_text FROM ({query}) n WHERE address_text IS NOT NULL AND NOT {known}" for query in nobody),
    ])  # fmt: skip


def _resolve(engine: Engine, resolver: Resolver, texts: pa.ChunkedArray, digest: str, again: bool) -> int:
    """Resolve texts that are new or (``again``) were resolved with another directory, and write what was found; how many they are."""
    if not len(texts):
        return 0
    found, now = resolver.resolve(texts), pa.scalar(datetime.now(UTC), pa.timestamp("us", "UTC"))
    found = found.append_column("directory_digest", pa.repeat(digest, found.num_rows))
    with writing(engine) as transaction:
        if again:
            transaction.execute(_FORGET, {"digest": digest})
        transaction.append(address, found.append_column("resolved_at", pa.repeat(now, found.num_rows)))
        if found.num_rows >= _MANY_TEXTS:
            transaction.execute("ANALYZE hub.address")
    return found.num_rows


def _standing(engine: Engine, premises: str | None) -> tuple[int, int]:
    """Known texts of dwellings, and how many of them name a room. A shopfront rarely has a room's number."""
    where = f"WHERE address_text NOT IN (SELECT address_text FROM ({premises}) p WHERE address_text IS NOT NULL)" if premises else ""
    with engine.connect() as connection:
        return tuple(connection.execute(text(f"SELECT count(*), count(*) FILTER (WHERE level = 'room') FROM hub.address {where}")).one())


_STALE = "SELECT address_text FROM hub.address WHERE directory_digest <> :digest"
_FORGET = "DELETE FROM hub.address WHERE directory_digest <> :digest"
