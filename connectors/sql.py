"""A department's database table over SQLAlchemy (数据库接口): keyset pages by (update time, key).

Each page is one short statement, ``where (updated, key) > last … order by updated, key limit n``, so a
read holds no transaction on the department's server and goes on after any page. It starts
``overlap_minutes`` behind the watermark, for rows that come late with an older update time. Rows without
update time or key have no place in that order: they are read once more at the end of every read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from connectors import json_text
from connectors.base import Page, Read, sm3
from connectors.columns import Layout, lay_out, plain
from connectors.connection import Connection
from connectors.errors import PermanentError
from connectors.moments import SHANGHAI, instant, local
from connectors.retry import Patience
from connectors.rows import any_true, extra_texts, page_rows, string_array
from connectors.sql_engine import opened, translated
from contracts.model import Contract


@dataclass(frozen=True)
class SqlConnector:
    """Options: ``table``, ``key``, ``updated``, ``overlap_minutes`` (60), ``page_rows`` (5000)."""

    patience: Patience = Patience()

    def plan(self, contract: Contract, connection: Connection, watermark: Mapping[str, Any]) -> Iterable[Read]:
        """One read: what changed since the watermark ``{"after": "<local time>"}``."""
        after = watermark.get("after")
        yield Read(contract.feed, f"since {after}" if after else "from the beginning", after=dict(watermark))

    def pages(self, contract: Contract, connection: Connection, read: Read) -> Iterator[Page]:
        """Pages of ``page_rows`` rows. Raises TransientError when the server stays away, PermanentError
        when the table or a column is not there, AuthenticationRefused, DeliveryRefused (change policy)."""
        with opened(connection, contract.feed) as engine:
            source = self._asked(contract, "the table's columns", lambda: _Source.found(engine, contract))
            state = _State.of(contract, read)
            number = 0 if read.resume is None else int(read.resume["page"])
            while state is not None:
                number += 1
                name = f"page-{number:05d}"
                rows, following = self._asked(contract, name, lambda s=state: source.fetch(engine, s))
                if rows or following is None:
                    yield source.page(rows, name, state, following, number)
                state = following

    def _asked(self, contract: Contract, what: str, ask: Any) -> Any:
        return self.patience.run(lambda: translated(f"{contract.feed}, {what}", ask))


@dataclass(frozen=True)
class _State:
    """Where a read stands: ``start`` (local text or None), the last row's place, the greatest update time
    within the moment of the fetch, and whether the rows without a place are next."""

    start: str | None
    limit: str  # the moment of the fetch: the watermark never passes it
    high: str | None
    last: tuple[str, str] | None = None
    twins: int = 0  # rows already read that stand exactly at ``last``
    unplaced: bool = False
    widen: int = 1  # pages at once, where more rows than a page stand at one place

    @classmethod
    def of(cls, contract: Contract, read: Read) -> _State:
        after = read.after.get("after")
        moment = instant(after)
        overlap = timedelta(minutes=float(contract.options.get("overlap_minutes", 60)))
        state = cls(
            start=local(moment - overlap) if moment else None,
            limit=local(read.fetched_at or datetime.now(UTC)),
            high=after,
        )
        if read.resume is None:
            return state
        last = read.resume["last"]
        return replace(
            state,
            high=read.resume["high"],
            last=tuple(last) if last else None,
            twins=read.resume["twins"],
            unplaced=read.resume["unplaced"],
        )


@dataclass(frozen=True)
class _Source:
    """The table as the server has it, and the statements over it."""

    contract: Contract
    table: Any
    names: tuple[str, ...]  # selected columns, as the server writes them
    layout: Layout
    updated: int  # index in ``names``
    key: int
    typed: bool  # the update time is a timestamp of the server's, not text ...
    zoned: bool  # ... with a zone

    @classmethod
    def found(cls, engine: sa.Engine, contract: Contract) -> _Source:
        options = contract.options
        with engine.connect() as link:
            inspector = sa.inspect(link)
            schema, _, wanted = str(options["table"]).rpartition(".")
            schema = schema or None
            tables = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
            name = next((t for t in tables if t == wanted), None) or next(
                (t for t in tables if t.casefold() == wanted.casefold()), None
            )
            if name is None:
                raise PermanentError(f"{contract.feed}: table {wanted} is not in the database")
            columns = inspector.get_columns(name, schema)
        seen = [column["name"] for column in columns]
        layout = lay_out(contract, seen, f"table {wanted}")
        cut = {i for _, i in layout.forbidden} - {i for group in _derived(contract, seen) for i in group}
        kept = [i for i in range(len(seen)) if i not in cut]
        place = {plain(seen[i]): kept.index(i) for i in kept}
        for option in ("updated", "key"):
            if plain(options[option]) not in place:
                raise PermanentError(f"{contract.feed}: table {wanted}: column {options[option]} is not there")
        updated = place[plain(options["updated"])]
        kind = columns[kept[updated]]["type"]
        typed = engine.dialect.name != "sqlite" and isinstance(kind, sa.DateTime | sa.Date)
        moved = {i: n for n, i in enumerate(kept)}
        layout = replace(
            layout,
            positions={column: moved[i] for column, i in layout.positions.items()},
            extra=tuple((n, moved[i]) for n, i in layout.extra),
        )
        table = sa.table(sa.quoted_name(name, True), schema=schema)
        zoned = typed and bool(getattr(kind, "timezone", False))
        names = tuple(seen[i] for i in kept)
        return cls(contract, table, names, layout, updated, place[plain(options["key"])], typed, zoned)

    def fetch(self, engine: sa.Engine, state: _State) -> tuple[list[Sequence[Any]], _State | None]:
        """The next rows and where the read stands then (None: at its end)."""
        size = int(self.contract.options.get("page_rows", 5000)) * state.widen
        columns = [sa.column(sa.quoted_name(name, True)) for name in self.names]
        moment, key = self._moment(columns), columns[self.key]
        statement = sa.select(*columns).select_from(self.table)
        if state.unplaced:
            with engine.connect() as link:
                rows = link.execute(statement.where(self._unplaced(columns))).fetchall()
            return rows, None
        statement = statement.where(sa.not_(self._unplaced(columns)))
        if state.last is not None:
            at, behind = self._bound(state.last[0]), state.last[1]
            statement = statement.where(sa.or_(moment > at, sa.and_(moment == at, key >= behind)))
        elif state.start is not None:
            statement = statement.where(moment >= self._bound(state.start))
        with engine.connect() as link:
            rows = link.execute(statement.order_by(moment, key).limit(size)).fetchall()
        full = len(rows) == size
        places = [(_moment_text(row[self.updated]), _plain_key(row[self.key])) for row in rows]
        # Rows at the last page's place come again, so that one with the same time and key is not lost.
        again = 0
        while again < min(state.twins, len(rows)) and places[again] == state.last:
            again += 1
        rows, fresh = rows[again:], places[again:]
        if full and not fresh:
            return [], replace(state, widen=state.widen * 2)
        last = fresh[-1] if fresh else state.last
        twins = sum(1 for place in places if place == last)
        high = max(
            (t for t in (state.high, *(_iso(p[0]) for p in fresh)) if t and t <= state.limit), default=state.high
        )
        return rows, replace(state, last=last, twins=twins, high=high, unplaced=not full, widen=1)

    def page(self, rows: list, name: str, state: _State, following: _State | None, number: int) -> Page:
        """The rows as a page. ``raw`` is an Arrow file of them: a database sends no bytes of its own."""
        cells = [string_array(column, _text) for column in zip(*rows, strict=True)] if rows else []
        cells = cells or [pa.array([], pa.string())] * len(self.names)
        columns = {column: cells[i] for column, i in self.layout.positions.items()}
        for (column, _), spots in zip(self.contract.derive.items(), _derived(self.contract, self.names), strict=True):
            columns[column] = (
                any_true([cells[i].to_pylist() for i in spots]) if spots else pa.nulls(len(rows), pa.string())
            )
        extra = extra_texts({name: cells[i] for name, i in self.layout.extra})
        hidden = {i for group in _derived(self.contract, self.names) for i in group}
        raw = pa.table({n: cells[i] for i, n in enumerate(self.names) if i not in hidden})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, raw.schema) as out:
            out.write_table(raw)
        data = sink.getvalue().to_pybytes()
        done = following or state
        return Page(
            name=f"{name}.arrow",
            raw=data,
            rows=page_rows(
                self.contract, columns, location=[f"{name} row {n}" for n in range(1, len(rows) + 1)], extra=extra
            ),
            watermark={"after": done.high} if done.high else {},
            digest=sm3(data),
            resume=following
            and {
                "page": number,
                "last": following.last,
                "twins": following.twins,
                "high": following.high,
                "unplaced": following.unplaced,
            },
            columns=self.names,
            drift=self.layout.drift,
            judged=True,
        )

    def _moment(self, columns: Sequence[Any]) -> ColumnElement:
        column = columns[self.updated]
        # ISO text comes with a T or a blank between date and time, both in one column: made one, or
        # "2026-11-01 09:00" would stand before "2026-11-01T08:00".
        return column if self.typed else sa.func.replace(column, " ", "T")

    def _unplaced(self, columns: Sequence[Any]) -> ColumnElement:
        column, key = columns[self.updated], columns[self.key]
        return sa.or_(column.is_(None), key.is_(None), *([] if self.typed else [column == ""]))

    def _bound(self, text: str) -> Any:
        if not self.typed:
            return text
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=SHANGHAI) if self.zoned and moment.tzinfo is None else moment


def _derived(contract: Contract, names: Sequence[str]) -> list[list[int]]:
    place = {plain(name): i for i, name in enumerate(names)}
    return [[place[plain(s)] for s in sources if plain(s) in place] for sources in contract.derive.values()]


def _moment_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()  # with its zone, where the server's type has one: it is bound again
    return value.isoformat() if isinstance(value, date) else str(value).replace(" ", "T")


def _plain_key(key: Any) -> Any:
    """A key as JSON can hold it, so that an interrupted read can say where it stands."""
    return int(key) if isinstance(key, Decimal) and key == int(key) else key if isinstance(key, int | str) else str(key)


def _iso(text: str) -> str | None:
    moment = instant(text)
    return local(moment) if moment else None


def _text(value: Any) -> str | None:
    """A database value as text: timestamps ISO 8601 (a zone is turned into local time), numbers exact."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, datetime):
        return (value.astimezone(SHANGHAI).replace(tzinfo=None) if value.tzinfo else value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    return json_text.text(value) if isinstance(value, bool | int | float | dict | list) else str(value)
