"""A department's database table over SQLAlchemy (数据库接口): keyset pages by (update time, key).

Each page is one short statement, ``where (updated, key) > last … order by updated, key limit n``, so a
read holds no transaction on the department's server and goes on after any page. It starts
``overlap_minutes`` behind the watermark, for rows that come late with an older update time. Rows without
update time or key have no place in that order: they are read once more at the end of every read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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

_PAGES = 4  # pages a statement: a table without an index on the update time is sorted for each


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
            while not state.unplaced:
                rows, more = self._asked(contract, f"page {state.page + 1}", lambda s=state: source.fetch(engine, s))
                if more and not rows:
                    state = replace(state, widen=state.widen * 2)
                for at in range(0, len(rows), source.size):
                    part = rows[at : at + source.size]
                    following = source.behind(state, part)
                    yield source.page(part, following, state.page, resume=following)
                    state = following
                state = replace(state, unplaced=not more)
            parts = [source.without_place(engine)]

            def part() -> list[Sequence[Any]]:
                try:
                    return next(parts[0], [])
                except Exception:
                    parts[0] = source.without_place(engine)  # rows come twice rather than not at all
                    raise

            while rows := self._asked(contract, f"page {state.page + 1}", part):
                yield source.page(rows, state, state.page, resume=None)
                state = replace(state, page=state.page + 1)

    def _asked(self, contract: Contract, what: str, ask: Any) -> Any:
        return self.patience.run(lambda: translated(f"{contract.feed}, {what}", ask))


@dataclass(frozen=True)
class _State:
    """Where a read stands; it survives a kill as JSON."""

    start: str | None  # local time from which it reads; None: from the beginning
    limit: str  # the moment of the fetch: the watermark never passes it
    high: str | None  # the greatest update time up to ``limit``
    page: int = 0  # pages yielded
    last: tuple[str, Any] | None = None  # update time and key of the last row
    twins: int = 0  # rows already read that stand exactly at ``last``
    unplaced: bool = False  # only rows without a place in the order are left
    widen: int = 1  # statements' worth at once, where more rows than one stand at one place

    @classmethod
    def of(cls, contract: Contract, read: Read) -> _State:
        if read.resume is not None:
            state = cls(**read.resume)
            return replace(state, last=tuple(state.last) if state.last else None)
        after = read.after.get("after")
        moment = instant(after)
        overlap = timedelta(minutes=float(contract.options.get("overlap_minutes", 60)))
        return cls(
            start=local(moment - overlap) if moment else None,
            limit=local(read.fetched_at or datetime.now(UTC)),
            high=after,
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
        table = sa.table(name, schema=schema)
        zoned = typed and bool(getattr(kind, "timezone", False))
        names = tuple(seen[i] for i in kept)
        return cls(contract, table, names, layout, updated, place[plain(options["key"])], typed, zoned)

    @property
    def size(self) -> int:
        """Rows a page."""
        return int(self.contract.options.get("page_rows", 5000))

    def fetch(self, engine: sa.Engine, state: _State) -> tuple[list[Sequence[Any]], bool]:
        """The next rows, some pages' worth, and whether there may be more."""
        size = self.size * _PAGES * state.widen
        columns = self._columns()
        moment, key = self._moment(columns), columns[self.key]
        statement = sa.select(*columns).select_from(self.table).where(sa.not_(self._unplaced(columns)))
        if state.last is not None:
            at, last = self._bound(state.last[0]), state.last[1]
            statement = statement.where(sa.or_(moment > at, sa.and_(moment == at, key >= last)))
        elif state.start is not None:
            statement = statement.where(moment >= self._bound(state.start))
        with engine.connect() as link:
            rows = link.execute(statement.order_by(moment, key).limit(size)).fetchall()
        # Rows at the last page's place come again, so that one with the same time and key is not lost.
        again = 0
        while again < min(state.twins, len(rows)) and self._place(rows[again]) == state.last:
            again += 1
        return rows[again:], len(rows) == size

    def behind(self, state: _State, rows: Sequence[Any]) -> _State:
        """Where the read stands behind these rows."""
        last = self._place(rows[-1])
        twins = next((n for n, row in enumerate(reversed(rows)) if self._place(row) != last), len(rows))
        if twins == len(rows) and last == state.last:
            twins += state.twins
        # The rows are in order, so the first from behind that is not of the future is the greatest.
        times = (_iso(_moment_text(row[self.updated])) for row in reversed(rows))
        high = next((time for time in times if time is not None and time <= state.limit), None)
        high = max(filter(None, (high, state.high)), default=None)
        return replace(state, page=state.page + 1, last=last, twins=twins, high=high, widen=1)

    def without_place(self, engine: sa.Engine) -> Iterator[list[Sequence[Any]]]:
        """The rows without update time or key, a page at a time."""
        columns = self._columns()
        statement = sa.select(*columns).select_from(self.table).where(self._unplaced(columns))
        with engine.connect().execution_options(stream_results=True, max_row_buffer=self.size) as link:
            result = link.execute(statement)
            while rows := result.fetchmany(self.size):
                yield rows

    def page(self, rows: Sequence[Any], state: _State, number: int, resume: _State | None) -> Page:
        """Rows as a page. It has no raw: a database sends no bytes of its own, and its digest is that of the
        cells as an Arrow file."""
        name = f"page-{number + 1:05d}"
        cells = [string_array(column, _text) for column in zip(*rows, strict=True)]
        columns = {column: cells[i] for column, i in self.layout.positions.items()}
        for column, spots in zip(self.contract.derive, _derived(self.contract, self.names), strict=True):
            found = [cells[i].to_pylist() for i in spots]
            columns[column] = any_true(found) if found else pa.nulls(len(rows), pa.string())
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, pa.schema([(name, pa.string()) for name in self.names])) as out:
            out.write_batch(pa.record_batch(cells, names=list(self.names)))
        return Page(
            name=name,
            raw=b"",
            rows=page_rows(
                self.contract,
                columns,
                location=[f"{name} row {n}" for n in range(1, len(rows) + 1)],
                extra=extra_texts({column: cells[i] for column, i in self.layout.extra}),
            ),
            watermark={"after": state.high} if state.high else {},
            digest=sm3(sink.getvalue()),
            resume=None if resume is None else asdict(resume),
            columns=self.names,
            drift=self.layout.drift,
            judged=True,
        )

    def _columns(self) -> list[Any]:
        return [sa.column(name) for name in self.names]  # quoted by the dialect where it must be

    def _place(self, row: Sequence[Any]) -> tuple[str, Any]:
        return _moment_text(row[self.updated]), _plain_key(row[self.key])

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
