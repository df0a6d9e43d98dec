"""Lists matched against the warehouse: who asked, when and what for; never a value of the list."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Table, Text

from warehouse.tables.base import metadata, stamp

match_run = Table(
    "match_run",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=True),
    Column("asked_by", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("file_digest", Text, nullable=False),  # SM3 of the list's bytes
    Column("rows", BigInteger, nullable=False),
    Column("matched", BigInteger, nullable=False),
    Column("uncertain", BigInteger, nullable=False),
    Column("nobody", BigInteger, nullable=False),
    Column("unreadable", BigInteger, nullable=False),
    Column("model_version", Text, nullable=False),
    stamp("asked_at", nullable=False),
    CheckConstraint("rows = matched + uncertain + nobody + unreadable", name="match_run_no_row_lost"),
)
