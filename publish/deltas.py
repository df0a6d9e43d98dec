"""What of a dataset a party is handed: rows in its scope, granted fields only, masked, against what it holds.

Set-based: one statement serves all communities or all grids. A row is new, changed or removed by the digest of what
the recipient would see, so a change nobody was granted is no change. Digest and text are made only of rows that are not
the same, bit by bit, as when they were handed out.
"""

from __future__ import annotations

import hashlib

import duckdb

from contracts.agreements import Dataset, GrantedField
from publish.datasets import UNIT_COLUMN, Query
from publish.masks import masked, words
from publish.recipients import Party

ADDED, CHANGED, REMOVED = "新增", "变更", "删除"
TABLES = """
CREATE TABLE row_change (recipient VARCHAR, dataset VARCHAR, row_key VARCHAR, content_hash VARCHAR, row_hash BIGINT, change VARCHAR);
CREATE TABLE row_again (recipient VARCHAR, dataset VARCHAR, row_key VARCHAR, row_hash BIGINT);
"""


def compare(con: duckdb.DuckDBPyConnection, party: Party, dataset: Dataset, query: Query) -> str:
    """Make a table ``recipient, change, row_key, content_hash, row_hash`` and the granted fields, sorted, of what changed since
    table ``held``; its name. Rows of recipients that are no party are left alone.

    A row whose ``row_hash`` is the one held was handed out under the same grant and masks and is not looked at. One that
    differs only in what the recipient may not see is no change; ``row_again`` gets its new hash.
    """
    name = f"change_{party.agreement.recipient}_{dataset.name}"
    fields = [granted.name for granted in dataset.fields]
    listed = ", ".join(f"{column} VARCHAR" for column in fields)
    con.execute(
        f"""CREATE OR REPLACE TABLE {name} (recipient VARCHAR, change VARCHAR, row_key VARCHAR, content_hash VARCHAR,
                                            row_hash BIGINT, {listed})"""
    )
    layers = _layers(dataset, query)
    me, recipients = party.agreement.recipient, list(party.recipients)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE offered AS {_offered(party, dataset, query)}",
        {"me": me, "recipients": recipients, "grant": _grant(layers)},
    )
    (suspects,) = con.execute(
        """
        CREATE OR REPLACE TEMP TABLE suspect AS
        WITH mine AS (
            SELECT recipient, row_key, content_hash, row_hash FROM held
            WHERE dataset = $dataset AND recipient IN (SELECT unnest($recipients))
        )
        SELECT recipient, row_key, m.content_hash AS had, o.row_key IS NULL AS removed, o.row_hash AS row_hash, o.place
        FROM offered o FULL JOIN mine m USING (recipient, row_key)
        WHERE o.row_hash IS NULL OR m.row_hash IS DISTINCT FROM o.row_hash
        """,
        {"dataset": dataset.name, "recipients": recipients},
    ).fetchall()[0]
    if suspects:
        _look(con, name, dataset, query, layers, me)
    con.execute("DROP TABLE offered")
    con.execute("DROP TABLE suspect")
    return name


def _look(
    con: duckdb.DuckDBPyConnection, name: str, dataset: Dataset, query: Query, layers: tuple[str, str, str], me: str
) -> None:
    """Make text and digest of the rows of ``suspect``; those that changed go to ``name``, the others to ``row_again``."""
    text, masks, content = layers
    shown = ", ".join(
        f"CASE WHEN removed THEN {_kept(granted, query)} ELSE {granted.name} END AS {granted.name}"
        for granted in dataset.fields
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE looked AS
        WITH said AS (
            SELECT c.recipient, c.row_key, c.had, c.removed, c.row_hash, {text}
            FROM suspect c LEFT JOIN {query.table} d ON d.rowid = c.place
        ), masked AS (
            SELECT recipient, row_key, had, removed, row_hash, {masks} FROM said WHERE $me IS NOT NULL
        )
        SELECT recipient, CASE WHEN removed THEN '{REMOVED}' WHEN had IS NULL THEN '{ADDED}' ELSE '{CHANGED}' END AS change,
               row_key, CASE WHEN NOT removed THEN {content} END AS content_hash, row_hash, {shown}, had
        FROM masked
        """,
        {"me": me},
    )
    con.execute(
        f"""INSERT INTO {name} SELECT * EXCLUDE (had) FROM looked
            WHERE had IS DISTINCT FROM content_hash ORDER BY recipient, change, row_key"""
    )
    con.execute(
        """INSERT INTO row_again SELECT recipient, $dataset, row_key, row_hash FROM looked
           WHERE had = content_hash AND row_hash IS NOT NULL""",
        {"dataset": dataset.name},
    )
    con.execute("DROP TABLE looked")


def _layers(dataset: Dataset, query: Query) -> tuple[str, str, str]:
    """What is made of a row, in three steps so that no expression is written out twice: text, masked text, digest."""
    own = ["d.own_subject"] if any(granted.clear_for == "own" for granted in dataset.fields) else []
    text = [
        f"{words('d.' + granted.name, query.columns[granted.name])} AS {granted.name}" for granted in dataset.fields
    ]
    masks = [f"{_seen(granted)} AS {granted.name}" for granted in dataset.fields]
    # chr(30) stands for "nothing", so that a value that moves a column over is a change
    content = ", chr(31), ".join(f"coalesce({granted.name}, chr(30))" for granted in dataset.fields)
    return ", ".join([*text, *own]), ", ".join(masks), f"md5(concat({content}))"


def _grant(layers: tuple[str, str, str]) -> int:
    """63 bits over what is made of a row: another field, mask or rule of masking makes every hash another."""
    return int.from_bytes(hashlib.sha256("\n".join(layers).encode()).digest()[:8]) >> 1


def _offered(party: Party, dataset: Dataset, query: Query) -> str:
    """Recipient, key, hash and place (row id) of every row in scope."""
    me, kind = "$me", party.agreement.kind
    recipient, where = me, [f"{me} IS NOT NULL", "$recipients IS NOT NULL"]
    if dataset.scope == "own":
        where.append(f"owner = {me}")
    elif dataset.scope == "unit":
        column = UNIT_COLUMN[kind]
        recipient = f"'{kind}-' || {column}"
        where.append(f"{recipient} IN (SELECT unnest($recipients))")
    return f"""SELECT {recipient} AS recipient, row_key, xor(row_hash, CAST($grant AS BIGINT)) AS row_hash, rowid AS place
               FROM {query.table} WHERE {" AND ".join(where)}"""


def _seen(granted: GrantedField) -> str:
    shown = masked(granted.mask, granted.name)
    if granted.clear_for == "own":
        return f"CASE WHEN list_contains(own_subject, $me) THEN {granted.name} ELSE {shown} END"
    return shown


def _kept(granted: GrantedField, query: Query) -> str:
    """A removed row holds its key and nothing else; a masked key column stays out."""
    if granted.name in query.key and granted.mask == "none":
        return f"(row_key ->> {query.key.index(granted.name)})"
    return "NULL"
