"""What a purge takes out of the warehouse (清除): a batch as if it had never come, and what was derived from it and is history.

个人信息保护法 §47 wants deletion, not hiding. So a purged batch is no part of any rebuild; of records that only it had, also the
closed links, conflicts, decisions, tickets and findings go, since their keys can be ID numbers; so do, of the persons it spoke of, the
versions of profiles believed since it came, and addresses nobody has any more. What the batch said of itself (counts, digest, who, why)
stays. Every step can be repeated after a kill.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select, text, update

from contracts.model import Contract
from warehouse import alerts
from warehouse.bulk import STAGING, lock
from warehouse.errors import BatchStateError
from warehouse.record_tables import qualified
from warehouse.signature import legible
from warehouse.tables import batch

# Tables that name a record by its feed and key; open rows of them are the next run's to close.
_NAMED: Sequence[tuple[str, str, str]] = (
    ("hub.person_link", "feed", "record_key"), ("hub.link_conflict", "feed_l", "record_key_l"), ("hub.link_conflict", "feed_r", "record_key_r"),
    ("hub.link_decision", "feed_l", "record_key_l"), ("hub.link_decision", "feed_r", "record_key_r"), ("hub.review_pair", "feed_l", "record_key_l"),
    ("hub.review_pair", "feed_r", "record_key_r"), ("hub.ticket", "feed", "record_key"), ("hub.value_issue", "feed", "record_key"),
)  # fmt: skip
_FINDINGS = """
DELETE FROM hub.cross_finding x WHERE x.subject_kind = 'record' AND split_part(x.subject, ':', 1) = :feed
  AND EXISTS (SELECT FROM erasure_key k WHERE k.record_key IN (substr(x.subject, strpos(x.subject, ':') + 1),
                                                               regexp_replace(substr(x.subject, strpos(x.subject, ':') + 1), '#[^#]*$', '')))
"""
# Which records the batch spoke of, and whom: noted until the purge is through, since its rows go before that.
_SPOKEN = """
CREATE TABLE IF NOT EXISTS {target} AS
SELECT r.record_key, l.person_id, min(r.recorded_from) AS since
FROM ({records}) r LEFT JOIN hub.person_link l ON l.feed = :feed AND r.record_key IN (l.record_key, regexp_replace(l.record_key, '#[^#]*$', ''))
GROUP BY r.record_key, l.person_id
"""
_GONE = """
CREATE TEMP TABLE erasure_key ON COMMIT DROP AS
SELECT DISTINCT record_key FROM {target} WHERE record_key NOT IN ({left})
  AND record_key NOT IN (SELECT record_key FROM hub.quarantine WHERE feed = :feed AND record_key IS NOT NULL)
"""
_VERSIONS = (
    "DELETE FROM hub.person_profile v USING {target} c WHERE v.person_id = c.person_id AND v.recorded_to > c.since",
    """DELETE FROM hub.profile v USING {target} c
       WHERE v.recorded_to > c.since AND strpos(v.document, '"' || c.person_id || '"') > 0""",
)
_ADDRESSES = "DELETE FROM hub.address a WHERE NOT EXISTS (SELECT FROM ({left}) m WHERE m.address_text = a.address_text)"
_MENTIONED = "SELECT address_text FROM hub.mention"


def family(engine: Engine, batch_id: str) -> list[str]:
    """The batch and every release or replay of its rows (they hold them too), oldest first. BatchStateError if it is not known."""
    asked = text(
        """WITH RECURSIVE held AS (
               SELECT batch_id, fetched_at FROM hub.batch WHERE batch_id = :batch_id
               UNION SELECT b.batch_id, b.fetched_at FROM hub.batch b JOIN held h ON b.replay_of = h.batch_id)
           SELECT batch_id FROM held ORDER BY fetched_at, batch_id"""
    )
    with engine.connect() as connection:
        found = list(connection.execute(asked, {"batch_id": batch_id}).scalars())
    if not found:
        raise BatchStateError(f"batch {batch_id}: not known; see: gridhub batches")
    return found


def was_loaded(engine: Engine, batch_ids: Sequence[str]) -> bool:
    """Whether the warehouse ever took a row of one of these batches."""
    with engine.connect() as connection:
        return connection.execute(select(batch.c.batch_id).where(batch.c.batch_id.in_(batch_ids), batch.c.loaded_at.is_not(None)).limit(1)).first() is not None


def mark_purged(engine: Engine, contract: Contract | None, batch_ids: Sequence[str], reason: str, by: str, at: datetime | None = None) -> None:
    """Write down that these batches of a feed are purged, and whom they spoke of, before a byte goes: from here on no rebuild asks
    for them. Marked before, the first reason stands; without ``contract`` nobody is noted. BatchStateError without a reason and a name.
    """
    if not legible(reason) or not legible(by):
        raise BatchStateError(f"batch {batch_ids[0]}: a purge needs a reason and a name")
    with engine.begin() as connection:
        rows = connection.execute(select(batch.c.batch_id, batch.c.feed, batch.c.state).where(batch.c.batch_id.in_(batch_ids)).with_for_update()).all()
        if contract is not None:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {STAGING}"))
            records = " UNION ALL ".join(f"SELECT record_key, recorded_from FROM {qualified(t)} WHERE batch_id = ANY(:ids)" for t in contract.tables)
            records += " UNION ALL SELECT record_key, recorded_from FROM hub.quarantine WHERE batch_id = ANY(:ids) AND record_key IS NOT NULL"
            spoken = _SPOKEN.format(target=_noted(batch_ids[0]), records=records)
            connection.execute(text(spoken), {"feed": contract.feed, "ids": list(batch_ids)})
        fresh = [row for row in rows if row.state != "purged"]
        said = {"state": "purged", "decided_by": by, "decision_reason": reason, "decided_at": at or datetime.now(UTC)}
        connection.execute(update(batch).where(batch.c.batch_id.in_([row.batch_id for row in fresh])).values(said))
        for row in fresh:
            alerts.clear(connection, "held_batch", row.feed, row.batch_id)


def adopt(engine: Engine, tombstones: Iterable[Mapping[str, Any]]) -> int:
    """Mark as purged what landing says was, with its own reason: batches that a purge of landing alone took. How many there were."""
    with engine.connect() as connection:
        loaded = set(connection.execute(select(batch.c.batch_id).where(batch.c.state == "loaded")).scalars())
    found = [said for said in tombstones if said["batch_id"] in loaded]
    for said in found:
        mark_purged(engine, None, [said["batch_id"]], said["reason"], said["purged_by"], datetime.fromisoformat(said["purged_at"]))
    return len(found)


def forget_records(engine: Engine, contract: Contract, batch_id: str) -> int:
    """Delete what still names a record that only the batch had. Rows deleted. To be called after the links were made anew."""
    with engine.begin() as connection:
        lock(connection, "linkage")
        if connection.execute(text("SELECT to_regclass(:name)"), {"name": _noted(batch_id)}).scalar() is None:
            return 0
        bound = {"feed": contract.feed}
        left = " UNION ".join(f"SELECT record_key FROM {qualified(table)}" for table in contract.tables)
        connection.execute(text(_GONE.format(target=_noted(batch_id), left=left)), bound)
        connection.execute(text("CREATE INDEX ON erasure_key (record_key)"))
        connection.execute(text("ANALYZE erasure_key"))
        return sum(connection.execute(text(sql), bound).rowcount for sql in (*(_naming(*named) for named in _NAMED), _FINDINGS))


def forget_versions(engine: Engine, batch_id: str, places: Iterable[str] = ()) -> int:
    """Delete the versions of profiles, believed since the batch came, of whom it spoke, and addresses nobody has. Rows deleted.

    ``places``: queries of the ``address_text`` of places at which nobody is named, which stay too. To be called last, after an assembly: it closes the versions that rest on what is gone.
    """
    with engine.begin() as connection:
        noted = connection.execute(text("SELECT to_regclass(:name)"), {"name": _noted(batch_id)}).scalar()
        gone = sum(connection.execute(text(sql.format(target=_noted(batch_id)))).rowcount for sql in _VERSIONS) if noted else 0
        gone += connection.execute(text(_ADDRESSES.format(left=" UNION ALL ".join([_MENTIONED, *places])))).rowcount
        connection.execute(text(f"DROP TABLE IF EXISTS {_noted(batch_id)}"))
        return gone


def _noted(batch_id: str) -> str:
    return f'{STAGING}."erasure.{hashlib.sha256(batch_id.encode()).hexdigest()[:12]}"'


def _naming(table: str, feed: str, key: str) -> str:
    """A mention's key is its record's, or the record's with a suffix (#mother, #0)."""
    return (f"DELETE FROM {table} x WHERE x.{feed} = :feed AND EXISTS (SELECT FROM erasure_key k "
            f"WHERE k.record_key IN (x.{key}, regexp_replace(x.{key}, '#[^#]*$', '')))")  # fmt: skip
