"""An engine on a department's database: any SQLAlchemy dialect, read-only, and its errors in our words."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import StaticPool

from connectors.connection import Connection
from connectors.errors import AuthenticationRefused, ConnectionInvalid, ConnectorError, PermanentError, TransientError

T = TypeVar("T")
_DRIVERS = {
    "postgres": "postgresql+psycopg2",
    "postgresql": "postgresql+psycopg2",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
# What a driver says where trying again changes nothing, by who has to act. The class of its exception does not tell:
# MySQL's "SELECT command denied", PostgreSQL's missing line of pg_hba.conf and SQLite's every error are "operational".
_REFUSED = re.compile(
    r"password authentication failed|(access|command|permission) (to .{1,100} )?denied|no password supplied"
    r"|role .{0,100} (does not exist|is not permitted to log in)|no pg_hba\.conf entry|account is locked|must change password"
    r"|ORA-01017|ORA-01031|ORA-2800[01]|28P01",
    re.I,
)
_ABSENT = re.compile(
    r"no such (table|column|function|module|collation)|does not exist|doesn't exist|not a database|unknown (column|database|character set)"
    r"|ORA-00942|ORA-00904",
    re.I,
)
_WRONG = re.compile(
    r"syntax error|readonly database|(does not|doesn't) support ssl|ssl .{0,40}required|certificate verify failed|invalid port|disk image is malformed",
    re.I,
)


def database_url(connection: Connection) -> sa.URL:
    """The SQLAlchemy URL of a connection: its URI verbatim (a bare ``postgres://`` or ``mysql://`` gets its
    driver), else made of its parts; ``extra.sqlalchemy_scheme`` names another driver, ``extra.query`` adds
    parameters. Raises ConnectionInvalid."""
    scheme = str(connection.extra.get("sqlalchemy_scheme") or "")
    made: sa.URL | None = None
    try:
        if connection.uri and "://" in connection.uri:
            kind, _, rest = connection.uri.partition("://")
            plain = _DRIVERS.get(kind.lower(), kind)
            text = re.sub(r"([?&])__extra__=[^&]*&?", r"\1", f"{scheme or plain}://{rest}").rstrip("?&")
            made = sa.make_url(text)
        else:
            kind = scheme or _DRIVERS.get(connection.conn_type.lower(), connection.conn_type)
            made = sa.URL.create(
                kind,
                username=connection.login,
                password=connection.password,
                host=connection.host,
                port=connection.port,
                database=connection.schema or str(connection.extra.get("path") or "") or None,
                query={**_parameters(connection), **dict(connection.extra.get("query") or {})},
            )
            if made.get_backend_name() == "sqlite":  # a file's path stands in host or in schema
                path = connection.schema or connection.extra.get("path") or connection.host
                if connection.host and connection.schema:
                    path = f"{connection.host}/{connection.schema}"
                made = sa.URL.create("sqlite", database=str(path or ""))
        made.get_dialect()
    except (exc.ArgumentError, exc.NoSuchModuleError, ValueError, ImportError):
        made = None
    if made is None:
        raise ConnectionInvalid(
            f"connection {connection.conn_id}: a database URL such as postgresql://login:password@host/name is expected"
        )
    return made


@contextmanager
def opened(connection: Connection, feed: str) -> Iterator[sa.Engine]:
    """A read-only engine with one connection, closed at the end."""
    url = database_url(connection)
    backend = url.get_backend_name()
    arguments: dict[str, Any] = dict(connection.extra.get("connect_args") or {})
    if backend == "sqlite":
        engine = sa.create_engine("sqlite://", creator=lambda: _sqlite(url.database or ""), poolclass=StaticPool)
        sa.event.listen(engine, "handle_error", _decode_leniently)
    else:
        if url.drivername in ("postgresql+psycopg2", "postgresql+psycopg", "mysql+pymysql"):
            arguments.setdefault("connect_timeout", 15)
        if url.drivername == "mysql+pymysql":
            arguments.setdefault("read_timeout", 120)
        engine = sa.create_engine(
            url, connect_args=arguments, pool_size=1, max_overflow=0, pool_pre_ping=True, hide_parameters=True
        )
    if backend == "postgresql":
        engine = engine.execution_options(postgresql_readonly=True)
    elif backend == "mysql":
        sa.event.listen(engine, "connect", _mysql_read_only)
    try:
        yield engine
    finally:
        engine.dispose()


def translated(where: str, ask: Callable[[], T]) -> T:
    """``ask``'s result, a database error as one of ours. The driver's text, which quotes values, stays out."""
    try:
        return ask()
    except ConnectorError:
        raise
    except exc.DBAPIError as error:
        failure = _failure(where, error)
    except (exc.SQLAlchemyError, UnicodeDecodeError) as error:
        failure = PermanentError(f"{where}: the database can't be read ({type(error).__name__})")
    raise failure


def _parameters(connection: Connection) -> dict[str, str]:
    """Driver parameters that Airflow moves from a URI's query to ``extra``."""
    known = ("sslmode", "sslrootcert", "sslcert", "sslkey", "charset", "application_name", "service_name", "options")
    return {name: str(connection.extra[name]) for name in known if connection.extra.get(name)}


def _failure(where: str, error: exc.DBAPIError) -> ConnectorError:
    said, kind = str(error.orig), type(error.orig).__name__
    if _REFUSED.search(said):
        return AuthenticationRefused(f"{where}: the database refuses our login")
    if _ABSENT.search(said):
        return PermanentError(f"{where}: the database has no such table, column or file ({kind})")
    if _WRONG.search(said):
        return PermanentError(f"{where}: the database can't be asked this way, see the connection's settings ({kind})")
    passing = isinstance(error, exc.OperationalError | exc.InterfaceError) or error.connection_invalidated
    if passing:
        return TransientError(f"{where}: the database can't be reached or dropped the connection ({kind})")
    return PermanentError(f"{where}: the database refuses the statement ({kind})")


def _sqlite(path: str) -> sqlite3.Connection:
    # mode=ro: a wrong path must not make an empty database, and the account is read-only anyway.
    return sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=30, check_same_thread=False)


def _decode_leniently(context: sa.ExceptionContext) -> None:
    """SQLite text that is no UTF-8 costs its bytes only: after the first such cell, and the error it makes,
    text is decoded with escapes (slower, so not from the start)."""
    if "Could not decode to UTF-8" in str(context.original_exception) and context.connection is not None:
        link = context.connection.connection.driver_connection
        link.text_factory = lambda data: data.decode("utf-8", "backslashreplace")


def _mysql_read_only(link: Any, _record: Any) -> None:
    with link.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
