"""Public security's exchange database (公安前置库): GA_HJRK, GA_JZZ and GA_BZDZ as SQL, in SQLite or PostgreSQL.

The SQLite file is written anew and replaced atomically, so a reader never sees half a publication; in PostgreSQL one
transaction replaces the rows, and readers have an account that may only select.
"""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from simulator.serve.state import Secrets, ServeError

# table → (offer view, [(column, type on the interface sheet)]); the first column is the record's key
TABLES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "GA_HJRK": (
        "visible_offer_psb_register",
        [
            ("RYBH", "varchar(20)"), ("GMSFHM", "varchar(18)"), ("XM", "varchar(50)"), ("CYM", "varchar(50)"),
            ("XB", "char(1)"), ("MZ", "char(2)"), ("CSRQ", "char(8)"), ("PCSDM", "char(12)"), ("HH", "varchar(9)"),
            ("HB", "char(1)"), ("YHZGX", "char(2)"), ("WHCD", "char(2)"), ("HYZK", "char(2)"), ("HJDZ", "varchar(200)"),
            ("BZDZBM", "varchar(24)"), ("LXDH", "varchar(40)"), ("QRRQ", "char(8)"), ("ZXBS", "char(1)"),
            ("ZXYY", "char(1)"), ("ZXRQ", "char(8)"), ("GXSJ", "timestamp(0)"),
        ],
    ),
    "GA_JZZ": (
        "visible_offer_psb_permit",
        [
            ("JZZBH", "varchar(20)"), ("GMSFHM", "varchar(18)"), ("XM", "varchar(50)"), ("XB", "char(1)"),
            ("CSRQ", "char(8)"), ("HJDQH", "char(6)"), ("JZDZ", "varchar(200)"), ("JZSY", "varchar(50)"),
            ("FWGX", "char(1)"), ("SLRQ", "char(8)"), ("QZYXQ", "char(8)"), ("LXDH", "varchar(40)"), ("ZT", "char(1)"),
            ("GXSJ", "timestamp(0)"),
        ],
    ),
    "GA_BZDZ": (
        "visible_offer_psb_address",
        [
            ("DZBM", "varchar(24)"), ("SQDM", "char(12)"), ("XQMC", "varchar(100)"), ("LDH", "varchar(20)"),
            ("DYH", "varchar(20)"), ("SH", "varchar(20)"), ("ZT", "char(1)"), ("GXSJ", "timestamp(0)"),
        ],
    ),
}  # fmt: skip


def publish_sqlite(county_db: Path, target: Path) -> dict[str, int]:
    """Write the exchange database file anew; ``GXSJ`` is ISO text. Returns rows per table."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".part")
    draft.unlink(missing_ok=True)
    con = sqlite3.connect(draft, isolation_level=None)
    counts = {}
    try:
        con.execute("PRAGMA journal_mode = OFF")
        con.execute("PRAGMA synchronous = OFF")
        con.execute("ATTACH DATABASE ? AS county", (str(county_db),))
        con.execute("BEGIN")
        for table, (view, columns) in TABLES.items():
            key = columns[0][0]
            types = ", ".join(f"{name} {'TEXT' if kind.startswith('timestamp') else kind}" for name, kind in columns)
            names = ", ".join(name for name, _ in columns)
            con.execute(f"CREATE TABLE {table} ({types})")  # no primary key: a dirty row may lack its own
            con.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM county.{view} ORDER BY {key}")
            con.execute(f"CREATE INDEX {table}_GXSJ ON {table} (GXSJ, {key})")
            counts[table] = con.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        con.execute("COMMIT")
        con.execute("DETACH DATABASE county")
    finally:
        con.close()
    draft.chmod(0o444)  # the account is read-only
    draft.replace(target)
    return counts


def publish_postgresql(county_db: Path, url: str, secrets: Secrets) -> dict[str, int]:
    """Create or refill the three tables at ``url`` (an owner's account) and the read-only account.

    Names are created unquoted, as the sheet writes them: PostgreSQL folds them to lower case, and a query that
    doesn't quote them works on every front-end database. ServeError when the database refuses.
    """
    engine = _owner_engine(url)
    source = sqlite3.connect(f"file:{county_db}?mode=ro", uri=True)
    counts = {}
    try:
        with engine.begin() as con:
            con.execute(text("SELECT pg_advisory_xact_lock(730731)"))  # two publications at once would collide
            for table, (view, columns) in TABLES.items():
                names = [name for name, _ in columns]
                con.execute(text(f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(' '.join(c) for c in columns)})"))
                for name, width in _too_long(source, view, columns):
                    con.execute(text(f"ALTER TABLE {table} ALTER COLUMN {name} TYPE varchar({width})"))
                con.execute(text(f"CREATE INDEX IF NOT EXISTS {table}_GXSJ ON {table} (GXSJ)"))
                con.execute(text(f"DELETE FROM {table}"))
                rows = source.execute(f"SELECT {', '.join(names)} FROM {view}")
                stream = _CopyStream(_copy_lines(rows))
                cursor = con.connection.cursor()
                cursor.copy_expert(f"COPY {table} ({', '.join(names)}) FROM STDIN", stream)
                counts[table] = cursor.rowcount
            _reader_account(con, engine.url.database or "", secrets)
    finally:
        source.close()
        engine.dispose()
    return counts


def _owner_engine(url: str) -> Engine:
    """An engine at ``url``; its database is created when the server has none of that name."""
    owner = make_url(url)
    if owner.get_backend_name() not in ("postgresql", "postgres"):
        raise ServeError("--exchange-url: expected a PostgreSQL URL")
    # without a driver in the URL, SQLAlchemy would take one that is not installed
    owner = owner.set(drivername="postgresql+psycopg2")
    name = _plain(owner.database or "")
    server = create_engine(owner.set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as con:
            if not con.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}).first():
                con.execute(text(f'CREATE DATABASE "{name}"'))
    except OperationalError:
        raise ServeError("--exchange-url: the PostgreSQL server does not answer or refuses the login") from None
    finally:
        server.dispose()
    return create_engine(owner)


def _too_long(source: sqlite3.Connection, view: str, columns: list[tuple[str, str]]) -> list[tuple[str, int]]:
    """Columns whose values pass the sheet's width: a front-end database is as wide as what its owner has put in,
    and no dirty value may stop a publication."""
    sized = [(name, re.fullmatch(r"(?:varchar|char)\((\d+)\)", kind)) for name, kind in columns]
    longest = source.execute("SELECT " + ", ".join(f"max(length({name}))" for name, _ in columns) + f" FROM {view}")
    found = zip(sized, longest.fetchone(), strict=True)
    return [(name, width) for (name, kind), width in found if kind and (width or 0) > int(kind[1])]


def _copy_lines(rows: Iterator[tuple]) -> Iterator[str]:
    escapes = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": None})
    for row in rows:
        yield "\t".join("\\N" if cell is None else str(cell).translate(escapes) for cell in row) + "\n"


class _CopyStream(io.TextIOBase):
    """A file object over lines, for COPY: the rows never stand in memory at once."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._rest = ""

    def read(self, size: int | None = -1) -> str:
        parts, length = [self._rest], len(self._rest)
        for line in self._lines:
            parts.append(line)
            length += len(line)
            if size is not None and 0 < size <= length:
                break
        joined = "".join(parts)
        cut = len(joined) if size is None or size < 0 else size
        self._rest = joined[cut:]
        return joined[:cut]


def _reader_account(con: Connection, database: str, secrets: Secrets) -> None:
    role, password = _plain(secrets.exchange_login), _plain(secrets.exchange_password, "-")
    found = con.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first()
    # a statement that takes no bind parameters; the password is url-safe base64 of our own making
    con.execute(text(f"{'ALTER' if found else 'CREATE'} ROLE {role} LOGIN PASSWORD '{password}'"))
    con.execute(text(f'GRANT CONNECT ON DATABASE "{_plain(database)}" TO {role}'))
    con.execute(text(f"GRANT USAGE ON SCHEMA public TO {role}"))
    con.execute(text(f"GRANT SELECT ON {', '.join(TABLES)} TO {role}"))
    con.execute(text(f"ALTER ROLE {role} SET default_transaction_read_only = on"))


def _plain(name: str, more: str = "") -> str:
    if not re.fullmatch(rf"[A-Za-z0-9_{re.escape(more)}]+", name):
        raise ServeError("exchange database: its name may hold letters, digits and _ only")
    return name
