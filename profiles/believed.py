"""What the warehouse believes before an assembly, as ``old_*`` tables in DuckDB: keys and digests, no documents."""

from __future__ import annotations

from datetime import date

import duckdb
from sqlalchemy import Engine

from profiles.history import SEEN, SUBJECT
from profiles.tickets import BELIEVED
from warehouse.bulk import read_arrow

READS = {
    "old_household": "SELECT household_id, kind, natural_key FROM hub.household WHERE recorded_to IS NULL",
    "old_member": "SELECT household_id, kind, person_id, relation, basis, confidence, valid_from FROM hub.household_member WHERE recorded_to IS NULL",
    "old_person_profile": "SELECT person_id, content_hash FROM hub.person_profile WHERE recorded_to IS NULL",
    "old_profile": "SELECT household_id, content_hash, version FROM hub.profile WHERE recorded_to IS NULL",
    "old_ticket": BELIEVED,
}
EVENTS = """SELECT household_id, kind, happened_on, person_id, other_household_id, review FROM hub.household_event
            WHERE recorded_to IS NULL AND happened_on > CAST(:day AS date) - 365"""
HIGHEST = "SELECT kind, max(substr(household_id, 2)::bigint) AS number FROM hub.household GROUP BY kind"
VERSIONS = "SELECT household_id, version FROM hub.profile WHERE recorded_to IS NULL AND household_id = ANY(:ids)"


def read(con: duckdb.DuckDBPyConnection, engine: Engine, day: date) -> None:
    """Everything: ``old_household, old_member, old_person_profile, old_profile, old_ticket, highest, last_version``, and the
    events of the year until ``day``: ``old_event``, of them those assembly saw itself: ``old_happening``."""
    con.register("events", read_arrow(engine, EVENTS, {"day": day}))
    con.execute(f"CREATE OR REPLACE TEMP VIEW old_event AS SELECT *, {SUBJECT} AS subject FROM events")
    listed = ", ".join(f"'{kind}'" for kind in SEEN)
    con.execute(f"CREATE OR REPLACE TEMP VIEW old_happening AS SELECT * FROM events WHERE kind IN ({listed})")
    for name, sql in READS.items():
        con.register(name, read_arrow(engine, sql))
    con.register("read", read_arrow(engine, HIGHEST))
    con.execute("CREATE OR REPLACE TABLE highest AS SELECT * FROM read")
    con.unregister("read")
    con.execute("CREATE OR REPLACE TEMP VIEW last_version AS SELECT household_id, version FROM old_profile")


def read_versions(con: duckdb.DuckDBPyConnection, engine: Engine) -> None:
    """``last_version`` of the profiles that are no longer what they were (``was_profile``)."""
    ids = [household for (household,) in con.execute("SELECT household_id FROM was_profile").fetchall()]
    con.register("last_version", read_arrow(engine, VERSIONS, {"ids": ids or [""]}))
