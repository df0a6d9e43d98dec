"""What validation found, beside the rows: issues with their history, the quarantine, results per rule."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, insert, text

from contracts.model import Table
from warehouse.load_rows import LoadContext
from warehouse.tables import rule_result

# The open issues of a record are those of the version last believed: what it no longer has is closed,
# what it still has stays open since it was first seen.
_CLOSE_ISSUES = """
UPDATE hub.value_issue AS i SET recorded_to = :recorded_at
FROM load_touched AS t
WHERE i.recorded_to IS NULL AND i.feed = :feed AND i.table_name = t.table_name AND i.record_key = t.record_key
  AND NOT EXISTS (
    SELECT 1 FROM load_issue AS n
    WHERE n.table_name = i.table_name AND n.record_key = i.record_key AND n.column_name = i.column_name
      AND n.reason = i.reason AND n.rule_id = i.rule_id AND n.raw IS NOT DISTINCT FROM i.raw)
"""

_OPEN_ISSUES = """
INSERT INTO hub.value_issue (feed, table_name, record_key, column_name, reason, rule_id, dimension, severity,
                             raw, batch_id, row_no, recorded_from)
SELECT :feed, n.table_name, n.record_key, n.column_name, n.reason, n.rule_id, n.dimension, n.severity,
       n.raw, :batch_id, n.row_no, :recorded_at
FROM load_issue AS n
WHERE NOT EXISTS (
    SELECT 1 FROM hub.value_issue AS i
    WHERE i.recorded_to IS NULL AND i.feed = :feed AND i.table_name = n.table_name AND i.record_key = n.record_key
      AND i.column_name = n.column_name AND i.reason = n.reason AND i.rule_id = n.rule_id
      AND n.raw IS NOT DISTINCT FROM i.raw)
"""

# Issues of rows that were believed; an older row that lost to a newer one has none that matter.
_ISSUES = """
CREATE TEMP TABLE load_issue ON COMMIT DROP AS
SELECT DISTINCT ON (s.table_name, s.record_key, s.column_name, s.reason, s.rule_id, s.raw)
       s.table_name, s.record_key, s.column_name, s.reason, s.rule_id, s.dimension, s.severity, s.raw, s._row AS row_no
FROM {staged} AS s JOIN load_decision AS d ON d.row_no = s._row AND d.decision <> 'superseded'
JOIN load_touched AS t ON t.table_name = s.table_name AND t.record_key = s.record_key
ORDER BY 1, 2, 3, 4, 5, s.raw, s._row DESC
"""

_QUARANTINE = """
INSERT INTO hub.quarantine (batch_id, row_no, part, feed, table_name, location, record_key, reasons, raw, recorded_from)
SELECT :batch_id, _row, part, :feed, table_name, _location, record_key, reasons, raw, :recorded_at FROM {staged}
"""


def load_issues(connection: Connection, context: LoadContext, staged: str) -> int:
    """Open the staged issues of believed rows that are new, close those that are gone; how many stand in the batch."""
    connection.execute(text(_ISSUES.format(staged=staged)))
    connection.execute(text("ANALYZE load_issue"))
    connection.execute(text(_CLOSE_ISSUES), context.bound())
    connection.execute(text(_OPEN_ISSUES), context.bound())
    standing = connection.execute(text("SELECT count(*) FROM load_issue")).scalar_one()
    connection.execute(text("DROP TABLE load_issue"))
    return standing


def quarantine_rows(table: Table, quarantined: pa.Table) -> pa.Table:
    """A verdict's quarantined rows as they are staged: with ``table_name`` and ``part``.

    ``part`` is 0 for a row and n for the n-th element of its list (its key ends in ``#<n-1>``), so that
    a row and its elements can be set aside side by side.
    """
    part: pa.ChunkedArray | pa.Array = pa.repeat(pa.scalar(0, pa.int32()), quarantined.num_rows)
    if table.each:
        found = pc.extract_regex(quarantined["record_key"], r"#(?P<index>\d+)$")
        part = pc.add(pc.struct_field(found, "index").cast(pa.int32()), pa.scalar(1, pa.int32()))
    names = pa.repeat(table.name, quarantined.num_rows)
    return quarantined.append_column("part", part).append_column("table_name", names)


def load_quarantine(connection: Connection, context: LoadContext, staged: str) -> None:
    """Keep the staged quarantined rows under the batch."""
    connection.execute(text(_QUARANTINE.format(staged=staged)), context.bound())


def load_results(connection: Connection, context: LoadContext, results: Iterable[pa.Table]) -> None:
    """Keep what each rule counted."""
    names = ("rule_id", "column_name", "dimension", "severity", "evaluated", "unexpected")
    rows = [
        {"batch_id": context.batch_id, "feed": context.contract.feed} | {name: row[name] for name in names}
        for table in results
        for row in table.to_pylist()  # a row a rule, not a row a record
    ]
    if rows:
        connection.execute(insert(rule_result), rows)
