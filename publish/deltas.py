"""What of a dataset a party is handed: rows in its scope, granted fields only, masked, against what it holds.

Set-based: one statement serves all communities or all grids. A row is new, changed or removed by the digest of what
the recipient would see, so a change nobody was granted is no change. Digests are worked out for every row, the text
of a row only where something changed.
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
    me = party.agreement.recipient
    seen = {granted.name: _seen(granted, query, "$me") for granted in dataset.fields}
    bound = {"dataset": dataset.name, "recipients": list(party.recipients)}
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE offered AS {_offered(party, dataset, query, seen)}",
        {"me": me, "recipients": bound["recipients"]},
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE changed AS
        WITH mine AS (
            SELECT recipient, row_key, content_hash FROM held
            WHERE dataset = $dataset AND recipient IN (SELECT unnest($recipients))
        )
        SELECT recipient, row_key, m.row_key IS NULL AS added, o.row_key IS NULL AS removed, o.content_hash, o.place
        FROM offered o FULL JOIN mine m USING (recipient, row_key)
        WHERE m.content_hash IS DISTINCT FROM o.content_hash
        """,
        bound,
    )
    shown = ", ".join(
        f"CASE WHEN c.removed THEN {_kept(granted, query)} ELSE {seen[granted.name]} END AS {granted.name}"
        for granted in dataset.fields
    )
    con.execute(
        f"""
        CREATE OR REPLACE TABLE {name} AS
        SELECT c.recipient, CASE WHEN c.removed THEN '{REMOVED}' WHEN c.added THEN '{ADDED}' ELSE '{CHANGED}' END AS change,
               c.row_key AS row_key, c.content_hash, {shown}
        FROM changed c LEFT JOIN {query.table} ON {query.table}.rowid = c.place
        WHERE $me IS NOT NULL
        ORDER BY c.recipient, change, c.row_key
        """,
        {"me": me},
    )
    con.execute("DROP TABLE offered")
    con.execute("DROP TABLE changed")
    return name


def _offered(party: Party, dataset: Dataset, query: Query, seen: dict[str, str]) -> str:
    """Recipient, key, digest and place (row id) of every row in scope."""
    me, kind = "$me", party.agreement.kind
    recipient, where = me, [f"{me} IS NOT NULL", "$recipients IS NOT NULL"]
    if dataset.scope == "own":
        where.append(f"owner = {me}")
    elif dataset.scope == "unit":
        column = UNIT_COLUMN[kind]
        recipient = f"'{kind}-' || {column}"
        where.append(f"{recipient} IN (SELECT unnest($recipients))")
    # chr(30) stands for "nothing", so that a value that moves a column over is a change
    content = ", chr(31), ".join(f"coalesce({text}, chr(30))" for text in seen.values())
    key = ", ".join(words(name, query.columns[name]) for name in query.key)
    return f"""
        SELECT {recipient} AS recipient, CAST(to_json([{key}]) AS VARCHAR) AS row_key, md5(concat({content})) AS content_hash,
               rowid AS place
        FROM {query.table} WHERE {" AND ".join(where)}"""


def _seen(granted: GrantedField, query: Query, me: str) -> str:
    text = words(granted.name, query.columns[granted.name])
    shown = masked(granted.mask, text)
    if granted.clear_for == "own":
        return f"CASE WHEN list_contains(own_subject, {me}) THEN {text} ELSE {shown} END"
    return shown


def _kept(granted: GrantedField, query: Query) -> str:
    """A removed row holds its key and nothing else; a masked key column stays out."""
    if granted.name in query.key and granted.mask == "none":
        return f"(c.row_key ->> {query.key.index(granted.name)})"
    return "NULL"
