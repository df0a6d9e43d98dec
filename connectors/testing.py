"""The conformance suite (一致性测试): what every connector must do, whatever its protocol.

A test module derives a class from :class:`Conformance` and gives it a fixture ``source``; see
``tests/integration/test_connectors_conformance.py``. A new connector is done when its class passes.
"""

from __future__ import annotations

import traceback
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Connector, Page, Read
from connectors.connection import Connection
from connectors.errors import AuthenticationRefused, ConnectorError, TransientError
from connectors.landed import LandedBatch
from connectors.landing import Landing
from connectors.moments import local
from connectors.registry import connector_for
from connectors.retry import Patience
from contracts.model import Contract, Field, Freshness, Mode, Table

COLUMNS = ("id", "name", "phone", "note", "updated")
START = datetime(2026, 11, 1, 8, tzinfo=UTC)
FETCHED = datetime(2026, 11, 20, 4, tzinfo=UTC)


def contract_of(connector: str, options: Mapping[str, Any], mode: Mode = Mode.INCREMENTAL, **changes: Any) -> Contract:
    """A feed ``people`` with the columns of :data:`COLUMNS`, key ``id``."""
    fields = tuple(Field(name, name, "text", name, required=name == "id") for name in COLUMNS)
    table = Table("people", fields, key=(("id",),))
    made = Contract(
        feed="people", title="人员", title_en="People", department="grid", version="1.0.0", connection="people_source",
        connector=connector, mode=mode, schedule="0 1 * * *", tables=(table,), options=dict(options),
        freshness=Freshness("daily", 12),
    )  # fmt: skip
    return replace(made, **changes)


def people(count: int, first: int = 1, at: datetime = START) -> list[dict[str, Any]]:
    """Rows with distinct ids; three share an update time, as a department's batch job would write them."""
    return [
        {
            "id": f"K{n:07d}",
            "name": f'欧阳，"{n}" 𬀩',
            "phone": None if n % 7 == 0 else f"0{n:010d}",
            "note": "",
            "updated": local(at + timedelta(seconds=(n - first) // 3)),
        }
        for n in range(first, first + count)
    ]


@dataclass
class Source:
    """A department under a test's control."""

    contract: Contract
    connection: Connection
    offer: Callable[[Sequence[dict[str, Any]]], None]  # new and changed rows
    stranger: Connection | None = None  # the same source with a wrong credential
    faults: tuple[str, ...] = ()  # what ``fail`` understands
    fail: Callable[..., None] = lambda *_: None  # the next requests meet these faults
    requests: Callable[[], int] = lambda: 0  # data requests so far
    secrets: tuple[str, ...] = ()
    again: int | None = 0  # rows of the first read that a second may bring again; None: all (snapshots)
    page_rows: int | None = None  # most rows a page may hold; None: a file, one page or more
    resumable: bool = True
    blank_is_null: bool = False  # the format can't tell an empty cell from none
    waits: list[float] = field(default_factory=list)

    @property
    def connector(self) -> Connector:
        return connector_for(self.contract, Patience(attempts=5, first=0.01, longest=30, sleep=self.waits.append))

    def read(self, landing: Landing, watermark: Mapping[str, Any], at: datetime = FETCHED) -> list[LandedBatch]:
        """Plan and land everything there is."""
        connector = self.connector
        plan = connector.plan(self.contract, self.connection, watermark)
        landed = [landing.land(self.contract, self.connection, connector, read, fetched_at=at) for read in plan]
        return [batch for batch in landed if batch is not None]


def landed_rows(batches: Sequence[LandedBatch]) -> dict[str, dict[str, str | None]]:
    """The readable rows of batches by id, the last one standing."""
    rows: dict[str, dict[str, str | None]] = {}
    for batch in batches:
        for row in batch.records().select(["_error", *COLUMNS]).to_pylist():
            if row.pop("_error") is None:
                rows[row["id"]] = row
    return rows


class _Stopped(BaseException):
    """A process that ends between two pages."""


@dataclass(frozen=True)
class _Stopping:
    """A connector that stops after some pages."""

    inner: Connector
    after: int

    def plan(self, *args: Any) -> Any:
        return self.inner.plan(*args)

    def pages(self, contract: Contract, connection: Connection, read: Read) -> Iterator[Page]:
        for number, page in enumerate(self.inner.pages(contract, connection, read), 1):
            yield page
            if number == self.after:
                raise _Stopped


class Conformance:
    """Derive, and give a fixture ``source``."""

    @pytest.fixture
    def landing(self, tmp_path: Path) -> Landing:
        return Landing(tmp_path / "landing")

    def test_first_read_brings_every_row_as_it_stands(self, source: Source, landing: Landing) -> None:
        rows = people(1234)
        source.offer(rows)
        batches = source.read(landing, {})
        assert landed_rows(batches) == {row["id"]: _seen(row, source) for row in rows}
        for batch in batches:
            records = batch.records()
            assert records["_row"].to_pylist() == list(range(1, batch.rows + 1))
            assert records["_error"].null_count == batch.rows and records["_location"].null_count == 0
            assert len(batch.manifest["digest"]) == 64

    def test_second_read_brings_only_news(self, source: Source, landing: Landing) -> None:
        rows = people(600)
        source.offer(rows)
        mark = source.read(landing, {})[-1].manifest["watermark"]
        again = source.read(landing, mark, FETCHED + timedelta(minutes=1))
        assert sum(batch.rows for batch in again) <= (source.again or 0)
        assert source.again or not again, "a read that brings nothing lands nothing"
        news = people(5, first=9001, at=START + timedelta(days=1))
        changed = [{**rows[10], "note": "changed", "updated": local(START + timedelta(days=1))}]
        source.offer([*news, *changed])
        third = source.read(landing, mark, FETCHED + timedelta(minutes=2))
        found = landed_rows(third)
        assert {r["id"]: _seen(r, source) for r in [*news, *changed]}.items() <= found.items()
        if source.again is not None:
            assert sum(batch.rows for batch in third) <= 6 + source.again

    def test_a_killed_read_leaves_nothing_and_then_everything(self, source: Source, landing: Landing) -> None:
        rows = people(1500)
        source.offer(rows)
        connector = source.connector
        for read in connector.plan(source.contract, source.connection, {}):
            for _ in range(2):
                with pytest.raises(_Stopped):
                    landing.land(source.contract, source.connection, _Stopping(connector, 1), read, fetched_at=FETCHED)
                assert landing.complete() == []
        before = source.requests()
        (batch,) = source.read(landing, {}, FETCHED + timedelta(hours=1))
        assert landed_rows([batch]) == {row["id"]: _seen(row, source) for row in rows}
        assert landing.complete() == [batch]
        if source.resumable:
            assert batch.fetched_at == FETCHED, "the batch keeps the moment of its first attempt"
            rest = source.requests() - before
            source.read(Landing(landing.root / "anew"), {})
            assert not rest or rest < source.requests() - before - rest, "pages already fetched are not fetched again"

    def test_what_is_transient_is_tried_again(self, source: Source, landing: Landing) -> None:
        rows = people(1100)
        source.offer(rows)
        for number, fault in enumerate(source.faults):
            source.waits.clear()
            source.fail(fault)
            batches = source.read(Landing(landing.root / fault), {}, FETCHED + timedelta(hours=number))
            assert landed_rows(batches) == {row["id"]: _seen(row, source) for row in rows}, fault
            assert source.waits, f"{fault}: it was not met"
            assert fault != "429" or source.waits == [2.0], "Retry-After is what the source asked for"

    def test_patience_ends(self, source: Source, landing: Landing) -> None:
        if not source.faults:
            pytest.skip("this transport has no faults")
        source.offer(people(50))
        source.fail(*[source.faults[0]] * 50)
        with pytest.raises(TransientError) as caught:
            source.read(landing, {})
        _tells_nothing(caught.value, source)
        assert landing.complete() == [] and len(source.waits) == 4

    def test_a_refused_credential_is_permanent(self, source: Source, landing: Landing) -> None:
        if source.stranger is None:
            pytest.skip("this transport asks for no credential")
        source.offer(people(3))
        wrong = replace(source, connection=source.stranger)
        with pytest.raises(AuthenticationRefused) as caught:
            wrong.read(landing, {})
        _tells_nothing(caught.value, source)
        assert source.waits == [] and landing.complete() == []

    def test_memory_does_not_grow_with_the_read(self, source: Source) -> None:
        if source.page_rows is None:
            pytest.skip("a file is read whole")
        peaks = []
        for count in (2_000, 12_000):
            source.offer(people(count, first=count * 10))
            tracemalloc.start()
            for read in source.connector.plan(source.contract, source.connection, {}):
                for page in source.connector.pages(source.contract, source.connection, read):
                    assert page.rows.num_rows <= source.page_rows
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < 2 * peaks[0] + 2_000_000


def _seen(row: Mapping[str, Any], source: Source) -> dict[str, Any]:
    blank = [name for name in COLUMNS if row[name] in (None, "")] if source.blank_is_null else []
    csv = source.contract.options.get("format") == "csv"
    return {n: None if n in blank else "" if csv and row[n] is None else row[n] for n in COLUMNS}


def _tells_nothing(error: ConnectorError, source: Source) -> None:
    """One line that names the feed, and no secret anywhere in the traceback."""
    assert "\n" not in str(error) and str(error).startswith(source.contract.feed)
    told = "".join(traceback.format_exception(error)) + repr(error)
    for secret in (*source.secrets, "欧阳"):
        assert secret not in told
