"""Child tables (子表): a JSON list inside a row becomes rows, an element each, without a loop in Python."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.model import Contract, Table
from expectations.identity import record_keys

LIST_UNREADABLE = "json.invalid"  # text that is no JSON
LIST_EXPECTED = "json.not_a_list"
ELEMENT_UNREADABLE = "json.not_an_object"
ELEMENT = "$"  # ``Field.source`` of a list of plain texts: the element itself

_EXPLODE = """
SELECT parent."_row", parent."_location", parent."_partition", parent.place AS "_parent", parent.key AS "_parent_key",
       parent.key || '#' || (element.i - 1)::VARCHAR AS "_key", element.value::VARCHAR AS "_element",
       CASE WHEN $needs_object AND coalesce(json_type(element.value), 'NULL') <> 'OBJECT' THEN $unreadable END AS "_error"
       {columns}
FROM parent, LATERAL (SELECT unnest(parent.list) AS value, generate_subscripts(parent.list, 1) AS i) AS element
ORDER BY parent.place, element.i
"""


def explode(records: pa.Table, table: Table, contract: Contract) -> pa.Table:
    """A row per element of ``table.each``: ``_row, _location, _partition`` of the parent, ``_parent`` (the
    parent's place in ``records``), ``_parent_key``, ``_key`` = ``<parent key>#<index from 0>``,
    ``_element`` (its JSON text), ``_error``, then the child fields' source columns as texts.

    An element that is no object has ``_error`` unless a field reads the element itself (source
    ``$``). Parents that are unreadable, have no key or whose list can't be read give no rows: what
    is wrong stands with the parent (:func:`not_a_list`).
    """
    keys = record_keys(records, contract.table)
    if "_error" in records.column_names:
        keys = pc.if_else(pc.is_null(records["_error"]).combine_chunks(), keys, pa.scalar(None, pa.string()))
    parent = pa.table(
        {
            "_row": records["_row"],
            "_location": _text(records, "_location"),
            "_partition": _text(records, "_partition"),
            "place": pa.array(np.arange(records.num_rows)),
            "key": keys,
            "text": _text(records, table.each or ""),
        }
    )
    sources = list(dict.fromkeys(field.source for field in table.fields))
    names = {f"path_{i}": f'$."{source}"' if source != ELEMENT else "$" for i, source in enumerate(sources)}
    columns = "".join(f', element.value->>${name} AS "column_{name}"' for name in names)
    parameters = {**names, "needs_object": ELEMENT not in sources, "unreadable": ELEMENT_UNREADABLE}
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("landed", parent)
        # CASE, because the terms of a WHERE are tried in any order and reading a text that is no JSON fails.
        connection.execute(
            """CREATE TEMP VIEW parent AS
               SELECT * EXCLUDE (text), CASE WHEN json_valid(text) THEN
                          CASE WHEN json_type(text) = 'ARRAY' THEN json_extract(text, '$[*]') END END AS list
               FROM landed WHERE key IS NOT NULL"""
        )
        made = connection.sql(_EXPLODE.format(columns=columns), params=parameters).to_arrow_table()
    return made.rename_columns(
        [*made.column_names[: made.num_columns - len(sources)], *sources]
    )


def not_a_list(text: pa.Array) -> pa.Array:
    """Why a cell that should hold a JSON list can't be exploded (string); null where it can or is empty."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("cell", pa.table({"text": text}))
        made = connection.sql(
            """SELECT CASE WHEN text IS NULL OR trim(text) IN ('', 'null') THEN NULL
                           WHEN NOT json_valid(text) THEN $invalid
                           WHEN json_type(text) <> 'ARRAY' THEN $expected END AS reason FROM cell""",
            params={"invalid": LIST_UNREADABLE, "expected": LIST_EXPECTED},
        ).to_arrow_table()
    reason = made["reason"].cast(pa.string()).combine_chunks()
    return reason if isinstance(reason, pa.Array) else reason.chunk(0)


def _text(records: pa.Table, name: str) -> pa.ChunkedArray | pa.Array:
    if name not in records.column_names:
        return pa.nulls(records.num_rows, pa.string())
    return records[name].cast(pa.string())
