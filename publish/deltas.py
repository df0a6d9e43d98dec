"""What of a dataset a party is handed: rows in its scope, granted fields only, masked, against what it holds.

Set-based: one statement serves all communities or all grids. A row is new, changed or removed by the digest of what
the recipient would see, so a change nobody was granted is no change.
"""

from __future__ import annotations

import duckdb

from contracts.agreements import Dataset, GrantedField
from publish.datasets import UNIT_COLUMN, Query
from publish.masks import masked, words
from publish.recipients import Party

ADDED, CHANGED, REMOVED = "新增", "变更", "删除"


def compare(con: duckdb.DuckDBPyConnection, party: Party, dataset: Dataset, query: Query) -> str:
    """Make a table ``recipient, change, row_key, content_hash`` and the granted fields, sorted, of what changed since
    table ``held``; its name. Rows of recipients that are no party are left alone."""
    name = f"change_{party.agreement.recipient}_{dataset.name}"
    fields = [granted.name for granted in dataset.fields]
    bound = {"me": party.agreement.recipient, "recipients": list(party.recipients)}
    con.execute(f"CREATE OR REPLACE TEMP TABLE offered AS {_offered(party, dataset, query)}", bound)
    con.execute(
        f"""
        CREATE OR REPLACE TABLE {name} AS
        WITH mine AS (
            SELECT recipient, row_key, content_hash FROM held
            WHERE dataset = $dataset AND recipient IN (SELECT unnest($recipients))
        )
        SELECT o.recipient, CASE WHEN m.row_key IS NULL THEN '{ADDED}' ELSE '{CHANGED}' END AS change, o.row_key, o.content_hash,
               {", ".join(f"o.{field}" for field in fields)}
        FROM offered o LEFT JOIN mine m USING (recipient, row_key)
        WHERE m.content_hash IS DISTINCT FROM o.content_hash
        UNION ALL
        SELECT m.recipient, '{REMOVED}', m.row_key, NULL, {", ".join(_kept(granted, query) for granted in dataset.fields)}
        FROM mine m ANTI JOIN offered o USING (recipient, row_key)
        ORDER BY recipient, change, row_key
        """,
        {"dataset": dataset.name, "recipients": bound["recipients"]},
    )
    con.execute("DROP TABLE offered")
    return name


def _offered(party: Party, dataset: Dataset, query: Query) -> str:
    me, kind = "$me", party.agreement.kind
    recipient, where = me, [f"{me} IS NOT NULL", "$recipients IS NOT NULL"]
    if dataset.scope == "own":
        where.append(f"owner = {me}")
    elif dataset.scope == "unit":
        column = UNIT_COLUMN[kind]
        recipient = f"'{kind}-' || {column}"
        where.append(f"{recipient} IN (SELECT unnest($recipients))")
    fields = ", ".join(f"{_seen(granted, query, me)} AS {granted.name}" for granted in dataset.fields)
    # chr(30) stands for "nothing", so that a value that moves a column over is a change
    content = ", chr(31), ".join(f"coalesce({granted.name}, chr(30))" for granted in dataset.fields)
    return f"""
        WITH seen AS (
            SELECT {recipient} AS recipient, CAST(to_json([{", ".join(words(key, query.columns[key]) for key in query.key)}]) AS VARCHAR) AS row_key,
                   {fields}
            FROM {query.table} WHERE {" AND ".join(where)}
        )
        SELECT *, md5(concat({content})) AS content_hash FROM seen"""


def _seen(granted: GrantedField, query: Query, me: str) -> str:
    text = words(granted.name, query.columns[granted.name])
    shown = masked(granted.mask, text)
    if granted.clear_for == "own":
        return f"CASE WHEN list_contains(own_subject, {me}) THEN {text} ELSE {shown} END"
    return shown


def _kept(granted: GrantedField, query: Query) -> str:
    """A removed row holds its key and nothing else; a masked key column stays out."""
    if granted.name in query.key and granted.mask == "none":
        return f"m.row_key ->> {query.key.index(granted.name)} AS {granted.name}"
    return f"CAST(NULL AS VARCHAR) AS {granted.name}"
