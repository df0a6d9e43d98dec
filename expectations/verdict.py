"""What a judgement is (判定): accepted and quarantined rows, issues of single cells, figures per rule."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

QUARANTINED = pa.schema(
    [
        ("_row", pa.int64()),
        ("_location", pa.string()),
        ("record_key", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("raw", pa.string()),  # JSON of the row as it came, or its unreadable text
    ]
)

ISSUES = pa.schema(
    [
        ("table_name", pa.string()),
        ("record_key", pa.string()),
        ("column_name", pa.string()),  # canonical column; "*" for a rule about the row
        ("reason", pa.string()),  # a code of standards.reasons, or the id of a contract's own rule
        ("rule_id", pa.string()),
        ("dimension", pa.string()),
        ("severity", pa.string()),
        ("raw", pa.string()),
        ("_row", pa.int64()),
    ]
)

RESULTS = pa.schema(
    [
        ("rule_id", pa.string()),
        ("column_name", pa.string()),
        ("dimension", pa.string()),
        ("severity", pa.string()),
        ("evaluated", pa.int64()),  # cells or rows the rule looked at; 0: not judged (no history yet)
        ("unexpected", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Verdict:
    """What became of a batch's rows in one record table.

    ``accepted`` has ``record_key, parent_key`` (child tables), ``source_order, source_time,
    content_hash, _row, _partition`` and the canonical columns with their companions; the other
    tables have the schemas above. For a main table ``accepted.num_rows + quarantined.num_rows`` is
    the number of landed rows. ``failed_batch_rules``: ids of broken rules about the batch as a whole
    (a row count, a share), which a gate turns into a finding.
    """

    accepted: pa.Table
    quarantined: pa.Table
    issues: pa.Table
    results: pa.Table
    failed_batch_rules: tuple[str, ...] = ()
