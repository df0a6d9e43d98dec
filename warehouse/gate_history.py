"""What a batch is judged against at its gates: the open rows of its feed, as they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text

from contracts.model import Contract, Mode
from expectations.gates import GateHistory
from warehouse.bulk import quoted
from warehouse.load import moment
from warehouse.record_tables import qualified

if TYPE_CHECKING:
    from connectors.landed import LandedBatch

_NEWER = """
SELECT 1 FROM hub.snapshot
WHERE feed = :feed AND (coalesce(period, ''), fetched_at) > (coalesce(:period, ''), CAST(:fetched_at AS timestamptz))
LIMIT 1
"""


def gate_history(engine: Engine, contract: Contract, landed: LandedBatch) -> GateHistory:
    """Open rows a partition and the value mix of the gate's fields, for expectations.gates.judge_gates.

    A snapshot older than one that is loaded loses nothing, since it closes nothing: it gets no row
    counts. Neither does a release from quarantine, which is a part of its parent's.
    """
    manifest, table = landed.manifest, contract.table
    open_rows = f"FROM {qualified(table)} WHERE recorded_to IS NULL AND state = 'present'"
    replay = bool(manifest.get("replay_of"))
    with engine.connect() as connection:
        rows: dict[str | None, int] = {}
        if contract.mode is Mode.SNAPSHOT and not replay and not _is_older(connection, contract, landed):
            counted = connection.execute(text(f"SELECT partition_name, count(*) {open_rows} GROUP BY 1")).tuples()
            rows = dict(counted.all())
        mix = {}
        for name in () if replay else contract.gate.mix_fields:
            column = f"CAST({quoted(name)} AS text)"
            mix[name] = dict(
                connection.execute(text(f"SELECT {column}, count(*) {open_rows} GROUP BY 1")).tuples().all()
            )
    delivered = frozenset(manifest.get("partitions") or ()) if contract.partition else None
    return GateHistory(rows=rows, mix=mix, delivered=delivered)


def _is_older(connection: Connection, contract: Contract, landed: LandedBatch) -> bool:
    asked = {
        "feed": contract.feed,
        "period": landed.manifest.get("period"),
        "fetched_at": moment(landed.manifest["fetched_at"]),
    }
    return connection.execute(text(_NEWER), asked).first() is not None
