"""Child tables follow their parents: a believed parent's list is what its children are, no more, no less."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from contracts.model import Table
from warehouse.load_rows import LoadContext, parts
from warehouse.record_tables import kept_columns, qualified

# decision: of the child. 'gone': the parent came without it; 'ended': the parent itself vanished.
_DECIDE = """
CREATE TEMP TABLE load_child ON COMMIT DROP AS
WITH wanted AS (
    SELECT DISTINCT ON (s.record_key) s.record_key, s._row, s.content_hash, d.state, d.valid_to, d.partition_name
    FROM {staged} AS s JOIN load_decision AS d ON d.row_no = s._row AND d.record_key = s.parent_key
    WHERE d.decision <> 'superseded' ORDER BY s.record_key, s._row DESC
), known AS (
    SELECT o.record_key, o.content_hash, o.state FROM {record} AS o
    WHERE o.recorded_to IS NULL
      AND EXISTS (SELECT 1 FROM load_decision AS d WHERE d.record_key = o.parent_key AND d.decision <> 'superseded')
)
SELECT coalesce(wanted.record_key, known.record_key) AS record_key, wanted._row AS row_no, wanted.state,
       wanted.valid_to, wanted.partition_name,
       CASE WHEN wanted.record_key IS NULL THEN 'gone'
            WHEN known.record_key IS NULL THEN 'inserted'
            WHEN wanted.content_hash = known.content_hash AND wanted.state = known.state THEN 'unchanged'
            ELSE 'changed' END AS decision
FROM wanted FULL JOIN known ON known.record_key = wanted.record_key
"""

_CLOSE = """
UPDATE {record} AS o SET recorded_to = :recorded_at
FROM load_child AS d WHERE d.decision IN ('gone', 'changed') AND o.record_key = d.record_key AND o.recorded_to IS NULL
"""

_OPEN = """
INSERT INTO {record} (record_key, parent_key, source_order, source_time, partition_name, state, content_hash,
                      batch_id, row_no, valid_to, confirmed_at, recorded_from{columns})
SELECT s.record_key, s.parent_key, s.source_order, s.source_time, d.partition_name, d.state, s.content_hash,
       :batch_id, s._row, d.valid_to, :said_at, :recorded_at{values}
FROM {staged} AS s JOIN load_child AS d ON d.row_no = s._row AND d.record_key = s.record_key
WHERE d.decision IN ('inserted', 'changed')
"""

_CONFIRM = """
UPDATE {record} AS o
SET source_order = s.source_order, source_time = s.source_time, confirmed_at = :said_at
FROM {staged} AS s JOIN load_child AS d ON d.row_no = s._row AND d.record_key = s.record_key
WHERE d.decision = 'unchanged' AND o.record_key = s.record_key AND o.recorded_to IS NULL
  AND (s.source_order, CAST(:said_at AS timestamptz)) > (o.source_order, o.confirmed_at)
"""

_END = """
WITH ended AS (
    UPDATE {record} AS o SET recorded_to = :recorded_at
    FROM {parent} AS p
    WHERE o.recorded_to IS NULL AND o.state = 'present' AND p.record_key = o.parent_key
      AND p.recorded_to IS NULL AND p.state = 'vanished' AND p.recorded_from = :recorded_at
    RETURNING o.*, p.valid_to AS parent_valid_to
)
INSERT INTO {record} ({kept}, state, valid_to, recorded_from)
SELECT {kept}, 'vanished', parent_valid_to, :recorded_at FROM ended
"""

_TOUCH = """
INSERT INTO load_touched SELECT CAST(:table AS text), record_key FROM load_child
"""


def load_children(
    connection: Connection, context: LoadContext, table: Table, staged: str, present: Sequence[str], vanished: int
) -> None:
    """Make the open rows of a child table what the believed parents of this batch list.

    Stands after :func:`warehouse.load_rows.load_main`. ``vanished``: how many parents ended.
    """
    names = parts(table, staged, present) | {"parent": qualified(context.contract.table)}
    names["kept"] = kept_columns(connection, table)

    def run(statement: str, **more: object) -> None:
        connection.execute(text(statement.format(**names)), context.bound() | more)

    run(_DECIDE)
    for statement in (_CLOSE, _OPEN, _CONFIRM):
        run(statement)
    if vanished:
        run(_END)
    run(_TOUCH, table=table.name)
    connection.execute(text("DROP TABLE load_child"))
