"""A batch's rows into one record table, set-based: what is new, changed, the same, older; what vanished.

Every statement runs in the load's own transaction. "Newer" is the pair (``source_order``,
``confirmed_at``): the source's own order first, then the fetch that last said so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from contracts.model import Contract, Mode, Table
from warehouse.bulk import quoted
from warehouse.record_tables import canonical_types, kept_columns, qualified

DECISION = "pg_temp.load_decision"  # record_key, row_no, decision, state, valid_to of every accepted row
TOUCHED = "pg_temp.load_touched"  # table_name, record_key of every record whose issues are judged anew

# One row a key survives a batch; an open row that is newer keeps its place.
_DECIDE = """
CREATE TEMP TABLE load_decision ON COMMIT DROP AS
WITH ranked AS (
    SELECT record_key, _row, source_order, content_hash, {partition} AS partition_name,
           row_number() OVER (PARTITION BY record_key ORDER BY source_order DESC NULLS LAST, _row DESC) AS place
    FROM {staged}
), stated AS (
    SELECT ranked.*, {state} AS state, {valid_to} AS valid_to FROM ranked {snapshots}
)
SELECT s.record_key, s._row AS row_no, s.state, s.valid_to, s.partition_name,
       CASE WHEN s.place > 1 THEN 'superseded'
            WHEN o.record_key IS NULL THEN 'inserted'
            WHEN (s.source_order, CAST(:said_at AS timestamptz)) < (o.source_order, o.confirmed_at) THEN 'superseded'
            WHEN s.content_hash = o.content_hash AND s.state = o.state
                 AND s.partition_name IS NOT DISTINCT FROM o.partition_name THEN 'unchanged'
            ELSE 'changed' END AS decision
FROM stated AS s
LEFT JOIN {record} AS o ON o.record_key = s.record_key AND o.recorded_to IS NULL AND s.place = 1
"""

# Whether a newer snapshot of the row's partition was loaded already, and the day the next one stands for.
_SNAPSHOTS = """
LEFT JOIN (
    SELECT p.partition_name, p.source_order, min(coalesce(
               to_date(n.period || '01', 'YYYYMMDD'), CAST(n.fetched_at AT TIME ZONE 'Asia/Shanghai' AS date))) AS next_day
    FROM (SELECT DISTINCT coalesce(partition_name, '') AS partition_name, {position} AS source_order FROM ranked) AS p
    JOIN hub.snapshot AS n ON n.feed = :feed AND n.partition_name = p.partition_name
         AND (n.source_order, n.fetched_at) > (p.source_order, CAST(:said_at AS timestamptz))
    GROUP BY 1, 2
) AS later ON later.partition_name = coalesce(ranked.partition_name, '') AND later.source_order = {position}
"""

_CLOSE = """
UPDATE {record} AS o SET recorded_to = :recorded_at
FROM load_decision AS d WHERE d.decision = 'changed' AND o.record_key = d.record_key AND o.recorded_to IS NULL
"""

_OPEN = """
INSERT INTO {record} (record_key, source_order, source_time, partition_name, state, content_hash,
                      batch_id, row_no, valid_to, confirmed_at, recorded_from{columns})
SELECT s.record_key, s.source_order, s.source_time, d.partition_name, d.state, s.content_hash,
       :batch_id, s._row, d.valid_to, :said_at, :recorded_at{values}
FROM {staged} AS s JOIN load_decision AS d ON d.row_no = s._row AND d.record_key = s.record_key
WHERE d.decision IN ('inserted', 'changed')
"""

_CONFIRM = """
UPDATE {record} AS o
SET source_order = s.source_order, source_time = s.source_time, confirmed_at = :said_at
FROM {staged} AS s JOIN load_decision AS d ON d.row_no = s._row AND d.record_key = s.record_key
WHERE d.decision = 'unchanged' AND o.record_key = s.record_key AND o.recorded_to IS NULL
  AND (s.source_order, CAST(:said_at AS timestamptz)) > (o.source_order, o.confirmed_at)
"""

# A row that was delivered but not accepted has not vanished: its key, or all parts of it, stand in the quarantine.
_VANISH = """
WITH absent AS MATERIALIZED (
    SELECT o.record_key FROM {record} AS o
    WHERE o.recorded_to IS NULL AND o.state = 'present' AND coalesce(o.partition_name, '') = ANY(:partitions)
      AND NOT EXISTS (SELECT 1 FROM load_decision AS d WHERE d.record_key = o.record_key)
      AND NOT EXISTS (SELECT 1 FROM {quarantined} AS q WHERE q.record_key = o.record_key)
), gone AS (
    UPDATE {record} AS o SET recorded_to = :recorded_at
    FROM absent WHERE o.record_key = absent.record_key AND o.recorded_to IS NULL
      AND NOT EXISTS (
          SELECT 1 FROM {quarantined} AS q
          WHERE q.record_key IS NULL AND q.raw IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM unnest(string_to_array(o.record_key, '|')) AS part
                            WHERE strpos(q.raw, part) = 0))
    RETURNING o.*
)
INSERT INTO {record} ({kept}, state, valid_to, recorded_from)
SELECT {kept}, 'vanished', CAST(:day AS date), :recorded_at FROM gone
"""

_TOUCH = """
CREATE TEMP TABLE load_touched ON COMMIT DROP AS
SELECT CAST(:table AS text) AS table_name, record_key FROM load_decision WHERE decision <> 'superseded'
"""


@dataclass(frozen=True)
class LoadContext:
    """What every statement of one load binds."""

    contract: Contract
    batch_id: str
    said_at: datetime  # the fetch; of a release from quarantine, its parent's: it is no news
    recorded_at: datetime  # from when this is believed
    snapshot_order: int | None = None  # of a full snapshot, the order all its rows share

    def bound(self) -> dict[str, object]:
        """Values for the statements' parameters."""
        return {
            "feed": self.contract.feed,
            "batch_id": self.batch_id,
            "said_at": self.said_at,
            "snapshot_order": self.snapshot_order,
            "recorded_at": self.recorded_at,
        }


@dataclass(frozen=True)
class RowCounts:
    """What became of a main table's accepted rows, and how many open records vanished."""

    inserted: int
    changed: int
    unchanged: int
    superseded: int
    vanished: int


def load_main(
    connection: Connection,
    context: LoadContext,
    staged: str,
    present: Sequence[str],
    quarantined: str,
    closing: Sequence[str],
    day: date,
) -> RowCounts:
    """Move the staged accepted rows of the main table into its record table.

    ``present``: canonical columns the stage has. ``closing``: partitions ("" = whole file) whose
    latest snapshot this batch is; ``day``: from when what is absent there counts as ended.
    Leaves the temporary tables DECISION and TOUCHED for the steps after it.
    """
    table = context.contract.table
    names = parts(table, staged, present) | {"quarantined": quarantined, **_stating(context)}
    names["kept"] = kept_columns(connection, table)

    def run(statement: str, **more: object) -> int:
        return connection.execute(text(statement.format(**names)), context.bound() | more).rowcount

    run(_DECIDE)
    connection.execute(text("ANALYZE load_decision"))
    counted = dict(connection.execute(text("SELECT decision, count(*) FROM load_decision GROUP BY 1")).tuples().all())
    if counted.get("changed"):
        run(_CLOSE)
    if counted.get("inserted") or counted.get("changed"):
        run(_OPEN)
    if counted.get("unchanged"):
        run(_CONFIRM)
    vanished = run(_VANISH, partitions=list(closing), day=day) if closing else 0
    run(_TOUCH, table=table.name)
    kinds = ("inserted", "changed", "unchanged", "superseded")
    return RowCounts(**{kind: counted.get(kind, 0) for kind in kinds}, vanished=vanished)


def parts(table: Table, staged: str, present: Sequence[str]) -> Mapping[str, str]:
    """The names a statement is filled with: the tables, and the canonical columns both sides have."""
    columns = [quoted(name) for name in canonical_types(table) if name in set(present)]
    return {
        "record": qualified(table),
        "staged": staged,
        "columns": "".join(f", {column}" for column in columns),
        "values": "".join(f", s.{column}" for column in columns),
    }


def _stating(context: LoadContext) -> dict[str, str]:
    """How a row's state and end are worked out: only in a snapshot can a newer delivery have left it out."""
    if context.contract.mode is not Mode.SNAPSHOT:
        state = {"state": "'present'", "valid_to": "CAST(NULL AS date)", "snapshots": ""}
    else:
        state = {
            "state": "CASE WHEN later.next_day IS NULL THEN 'present' ELSE 'vanished' END",
            "valid_to": "later.next_day",
            "snapshots": _SNAPSHOTS.format(
                position="ranked.source_order" if context.snapshot_order is None else "CAST(:snapshot_order AS bigint)"
            ),
        }
    return state | {"partition": "_partition" if context.contract.partition else "CAST(NULL AS text)"}
