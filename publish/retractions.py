"""Ids that no longer stand (编号变更): what a delta says of a person or household whose id was merged, split or withdrawn.

The rows themselves say 删除 or 变更; the manifest's ``moved`` says which id a recipient's own records go by from now on. It
names no id that the recipient is not handed: where a person now belongs to somebody it may not see, the old id is withdrawn.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa
from sqlalchemy import Engine

from contracts.agreements import Dataset
from publish.datasets import Query
from publish.deltas import ADDED, CHANGED, REMOVED
from publish.recipients import Handed
from warehouse.bulk import read_arrow

KINDS = {"person_id": "person", "household_id": "household"}  # columns that hold an id of ours
MERGED, SPLIT, WITHDRAWN = "merged", "split", "withdrawn"
_ANSWER = pa.schema(
    [
        ("kind", pa.string()),
        ("id", pa.string()),
        ("stands", pa.string()),
        ("at", pa.timestamp("us", "UTC")),
        ("change", pa.string()),
    ]
)
TOUCHED = "CREATE TABLE id_touched (recipient VARCHAR, kind VARCHAR, id VARCHAR, change VARCHAR, keyed BOOLEAN)"

# Persons of :ids whose id no longer stands, and the one that does (null: their records are gone).
_PERSONS_GONE = """
WITH RECURSIVE step AS (
    SELECT person_id AS id, person_id AS stands, replaced_by, 0 AS depth FROM hub.person WHERE person_id = ANY(:ids)
    UNION ALL
    SELECT s.id, p.person_id, p.replaced_by, s.depth + 1 FROM step s JOIN hub.person p ON p.person_id = s.replaced_by WHERE s.depth < 100
)
SELECT id, CASE WHEN EXISTS (SELECT FROM hub.person_link l WHERE l.person_id = s.stands AND l.recorded_to IS NULL) THEN stands END AS stands
FROM step s
WHERE replaced_by IS NULL
  AND (depth > 0 OR NOT EXISTS (SELECT FROM hub.person_link l WHERE l.person_id = s.stands AND l.recorded_to IS NULL))
"""
# Ids that were merged into persons of :ids, and when.
_PERSONS_MERGED = (
    "SELECT person_id AS id, replaced_by AS stands, recorded_to AS at FROM hub.person WHERE replaced_by = ANY(:ids)"
)
# Persons of :ids that came out of another, and when.
_PERSONS_SPLIT = """SELECT other_id AS id, person_id AS stands, recorded_from AS at FROM hub.person_event
                    WHERE kind = 'split_from' AND other_id IS NOT NULL AND person_id = ANY(:ids)"""
# Households of :ids that no longer stand, and those in which their last members live now (merged persons followed a step).
_HOUSEHOLDS_GONE = """
WITH gone AS (
    SELECT DISTINCT household_id AS id FROM hub.household WHERE household_id = ANY(:ids)
    EXCEPT SELECT household_id FROM hub.household WHERE recorded_to IS NULL
), stay AS (
    SELECT household_id AS id, person_id, recorded_to, max(recorded_to) OVER (PARTITION BY household_id) AS ended
    FROM hub.household_member WHERE household_id IN (SELECT id FROM gone)
), last AS (
    SELECT id, person_id FROM stay WHERE recorded_to = ended
)
SELECT DISTINCT g.id, n.household_id AS stands
FROM gone g LEFT JOIN last l USING (id) LEFT JOIN hub.person p ON p.person_id = l.person_id
LEFT JOIN hub.household_member n ON n.person_id = coalesce(p.replaced_by, l.person_id) AND n.kind = 'residence' AND n.recorded_to IS NULL
"""
# What may be told: of ids in removed rows that went; of persons that took over an id, or came out of one, since the
# recipient's last extract. A row that goes by the id itself tells of a merge by its removal.
_WANTED = f"""
CREATE OR REPLACE TEMP TABLE wanted AS
SELECT DISTINCT t.recipient, t.kind, g.id, CASE WHEN g.stands IS NULL THEN '{WITHDRAWN}' ELSE '{MERGED}' END AS change, g.stands
FROM id_touched t JOIN gone g USING (kind, id) WHERE t.change = '{REMOVED}'
UNION ALL
SELECT DISTINCT t.recipient, t.kind, b.id, b.change, b.stands
FROM id_touched t JOIN became b ON b.kind = t.kind AND b.stands = t.id JOIN last_at l ON l.recipient = t.recipient AND b.at > l.at
WHERE CASE b.change WHEN '{MERGED}' THEN t.change = '{CHANGED}' AND NOT t.keyed ELSE t.change <> '{REMOVED}' END
"""
# Ids of these that a recipient is handed now, or was until this extract.
_SEEN = f"""
CREATE OR REPLACE TEMP TABLE seen AS
WITH asked AS (SELECT recipient, unnest([id, stands]) AS id FROM wanted), one AS (SELECT DISTINCT * FROM asked WHERE id IS NOT NULL)
SELECT recipient, id FROM one SEMI JOIN (SELECT recipient, id FROM id_touched WHERE change IN ('{ADDED}', '{CHANGED}')) USING (recipient, id)
UNION
SELECT o.recipient, o.id FROM one o JOIN held h ON h.recipient = o.recipient AND contains(h.row_key, '"' || o.id || '"')
"""
_TOLD = f"""
SELECT w.recipient, w.id, w.kind, min(w.change) AS change, list(DISTINCT s.id ORDER BY s.id) FILTER (WHERE s.id IS NOT NULL) AS stands
FROM wanted w LEFT JOIN seen s ON s.recipient = w.recipient AND s.id = w.stands
WHERE w.change <> '{SPLIT}' OR EXISTS (SELECT 1 FROM seen k WHERE k.recipient = w.recipient AND k.id = w.id)
GROUP BY 1, 2, 3 ORDER BY 1, 3, 2
"""


def note_touched(
    con: duckdb.DuckDBPyConnection, table: str, dataset: Dataset, query: Query, last: Mapping[str, Handed]
) -> None:
    """Add to ``id_touched`` the ids in the changed rows of ``table`` (publish.deltas.compare) that their recipients see in
    clear; ``keyed``: the row goes by it. At a first extract nobody knows an id yet."""
    for granted in dataset.fields:
        if granted.name in KINDS and granted.mask == "none":
            con.execute(
                f"""INSERT INTO id_touched SELECT recipient, '{KINDS[granted.name]}', {granted.name}, change, $keyed FROM {table}
                    WHERE {granted.name} IS NOT NULL AND recipient IN (SELECT unnest($known))""",
                {"known": list(last), "keyed": granted.name in query.key},
            )


def moved(con: duckdb.DuckDBPyConnection, engine: Engine, last: Mapping[str, Handed]) -> dict[str, list[dict]]:
    """Recipient → the ``moved`` entries of its manifest: ``{id, kind, change, stands}``, from ``id_touched`` and ``held``.

    ``change``: merged (into the one of ``stands``; of a household: its people live there now), split (``stands`` came out of
    it; it may go on), withdrawn (its records are gone, or stand where the recipient may not see).
    """
    gone = [
        _asked(con, engine, _PERSONS_GONE, "person", f"change = '{REMOVED}'"),
        _asked(con, engine, _HOUSEHOLDS_GONE, "household", f"change = '{REMOVED}'"),
    ]
    became = [
        _asked(con, engine, _PERSONS_MERGED, "person", f"change = '{CHANGED}' AND NOT keyed", MERGED),
        _asked(con, engine, _PERSONS_SPLIT, "person", f"change <> '{REMOVED}'", SPLIT),
    ]
    if not any(table.num_rows for table in (*gone, *became)):
        return {}
    at = pa.table(
        {"recipient": list(last), "at": pa.array([one.at for one in last.values()], pa.timestamp("us", "UTC"))}
    )
    for name, rows in (("gone", pa.concat_tables(gone)), ("became", pa.concat_tables(became)), ("last_at", at)):
        con.register(name, rows)
    for statement in (_WANTED, _SEEN):
        con.execute(statement)
    told: dict[str, list[dict]] = {}
    for recipient, one, kind, change, stands in con.execute(_TOLD).fetchall():
        entry = {"id": one, "kind": kind, "change": change if stands else WITHDRAWN, "stands": stands or []}
        told.setdefault(recipient, []).append(entry)
    return told


def _asked(
    con: duckdb.DuckDBPyConnection, engine: Engine, query: str, kind: str, where: str, change: str | None = None
) -> pa.Table:
    """``kind, id, stands, at, change`` that the warehouse answers about the touched ids of that kind."""
    ids = con.execute(
        f"SELECT coalesce(list(DISTINCT id), []) FROM id_touched WHERE kind = ? AND {where}", [kind]
    ).fetchall()[0][0]
    if not ids:
        return _ANSWER.empty_table()
    found = read_arrow(engine, query, {"ids": ids})
    nothing = pa.nulls(found.num_rows, pa.timestamp("us", "UTC"))
    return pa.table(
        {
            "kind": pa.repeat(pa.scalar(kind), found.num_rows),
            "id": found["id"],
            "stands": found["stands"],
            "at": found["at"] if "at" in found.column_names else nothing,
            "change": pa.repeat(pa.scalar(change, pa.string()), found.num_rows),
        },
        schema=_ANSWER,
    )
