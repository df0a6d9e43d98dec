"""The one place a connection to the warehouse is made: SQLAlchemy's engine, and ADBC's from the same URL."""

from __future__ import annotations

import re
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url

_ADBC_ROOTS: WeakKeyDictionary = WeakKeyDictionary()  # engine -> the ADBC connection others are cloned from

# SQLSTATE classes whose message or DETAIL repeats a row's values
TELLS_VALUES = ("22", "23")


def engine_for(url: str) -> Engine:
    """An engine for a PostgreSQL URL (``postgres://``, ``postgresql://`` or with a driver name).

    Its sessions run in UTC, and its errors carry no row's values: neither bound parameters nor
    PostgreSQL's DETAIL line, which repeats the offending row.
    """
    engine = create_engine(
        make_url(re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg2://", url)),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=4,
        connect_args={"application_name": "gridhub", "options": "-c timezone=UTC", "connect_timeout": 15},
    )
    event.listen(engine, "handle_error", _without_values)
    return engine


def adbc_connection(engine: Engine):
    """An ADBC connection (``adbc_driver_postgresql.dbapi``) to the engine's database.

    It is a connection of its own: what it commits is not part of the engine's transaction.
    """
    root = _ADBC_ROOTS.get(engine)
    if root is None:
        from adbc_driver_postgresql import dbapi

        address = engine.url.set(drivername="postgresql").update_query_dict({"application_name": "gridhub"})
        root = dbapi.connect(address.render_as_string(hide_password=False))
        # Kept for the type catalogue it read, which costs four times a connection. It holds no socket of
        # its own, so a forked process (Airflow's) shares none.
        root.adbc_connection.close()
        _ADBC_ROOTS[engine] = root
    return root.adbc_clone()


def _without_values(context: ExceptionContext) -> None:
    original = context.original_exception
    diagnosis = getattr(original, "diag", None)
    if diagnosis is None or not diagnosis.sqlstate:
        return
    said = diagnosis.message_primary
    if diagnosis.sqlstate.startswith(TELLS_VALUES):
        what = diagnosis.constraint_name or diagnosis.column_name or type(original).__name__
        table = ".".join(filter(None, (diagnosis.schema_name, diagnosis.table_name)))
        said = f"a row was refused: {what}" + (f" of {table}" if table else "")
    text = f"{said} (SQLSTATE {diagnosis.sqlstate})"
    original.args = (text,)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (f"({type(original).__module__}.{type(original).__name__}) {text}",)
