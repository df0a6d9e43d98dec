"""What tests of several rooms share: two small feeds and the batches they would land."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from contracts.model import Contract, Field, Freshness, Mode, Table

TODAY = date(2026, 11, 20)
FETCHED = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # noon in Shanghai


@dataclass(frozen=True)
class SmallBatch:
    """A landed batch that never was on a disk."""

    table: pa.Table
    manifest: Mapping
    batch_id: str = "small-20261120T040000000000"
    feed: str = "small"

    def records(self) -> pa.Table:
        return self.table


class SmallFeeds:
    """A register like the police's and visits with residents inside; ``landed`` makes their batches."""

    people = Table(
        "small_register",
        (
            Field("person_no", "RYBH", "key", "人员编号"),
            Field("id_number", "GMSFHM", "resident_id", "公民身份号码", required=True),
            Field("name", "XM", "name", "姓名", required=True),
            Field("sex", "XB", "code", "性别", crosswalk="sex/gb"),
            Field("birth_date", "CSRQ", "date", "出生日期"),
            Field("updated_at", "GXSJ", "timestamp", "更新时间"),
        ),
        key=(("RYBH",),),
    )
    register = Contract(
        "small_register", "户籍", "Register", "public_security", "1.0.0", "small", "sql", Mode.INCREMENTAL,
        "0 2 * * *", (people,), {}, Freshness("daily", 12), order_field="updated_at",
    )  # fmt: skip
    visits = Contract(
        "small_visit", "走访", "Visits", "grid", "1.0.0", "small", "stream", Mode.INCREMENTAL, "5 * * * *",
        (
            Table("small_visit", (
                Field("seq", "seq", "integer", "序号"),
                Field("event_id", "eventId", "key", "事件编号"),
                Field("seen_at", "occurredAt", "timestamp", "走访时间"),
            ), key=(("eventId",),)),
            Table("small_visit_resident", (
                Field("name", "name", "name", "姓名"),
                Field("id_number", "idNo", "resident_id", "公民身份号码"),
                Field("sex", "sex", "code", "性别", crosswalk="sex/gb"),
            ), key=(), each="residents"),
        ),
        {}, Freshness("hourly", 6), order_field="seq", time_field="seen_at",
    )  # fmt: skip

    @staticmethod
    def with_rules(contract: Contract, *rules, **changes) -> Contract:
        """The contract with further rules of its main table, and changed fields of the contract."""
        first, *rest = contract.tables
        return replace(contract, tables=(replace(first, rules=tuple(rules)), *rest), **changes)

    @staticmethod
    def person(number: object, **cells: str | None) -> dict:
        """A faultless row of the register; ``cells`` replace its source columns."""
        return {
            "RYBH": f"P{number}", "GMSFHM": "11010519491231002X", "XM": "王芳", "XB": "2", "CSRQ": "19491231",
            "GXSJ": "2026-11-19T08:00:00", **cells,
        }  # fmt: skip

    @staticmethod
    def landed(contract: Contract, rows: Sequence[Mapping], *, period: str | None = None, **manifest) -> SmallBatch:
        """Rows of source column → text (lists and objects become JSON) and of ``_error``, ``_raw``, ``_partition``."""
        local = ("_location", "_partition", "_error", "_raw", "_extra")
        columns: dict[str, pa.Array] = {"_row": pa.array(range(1, len(rows) + 1), pa.int64())}
        for name in (*local, *contract.source_columns):
            cells = [row.get(name) for row in rows]
            texts = [cell if cell is None or isinstance(cell, str) else json.dumps(cell, ensure_ascii=False) for cell in cells]
            columns[name] = pa.array(texts, pa.string())
        return SmallBatch(pa.table(columns), {"fetched_at": FETCHED.isoformat(), "period": period, **manifest})


@pytest.fixture
def small() -> SmallFeeds:
    return SmallFeeds()


# -- a warehouse on a real PostgreSQL ------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory):
    """An embedded server for the session, its database ``template_hub`` with schema ``hub`` in place."""
    from warehouse import engine, schema
    from warehouse.embedded import EmbeddedServer

    server = EmbeddedServer(tmp_path_factory.mktemp("home"))
    server.start()
    try:
        template = engine.engine_for(server.ensure_database("template_hub"))
        schema.upgrade(template, {})
        template.dispose()
        yield server
    finally:
        server.destroy()


@pytest.fixture(scope="session")
def new_database(postgres_server) -> Callable[[], str]:
    """Makes databases with an empty hub, in a twentieth of a second each; returns the URL."""
    from sqlalchemy import text

    from warehouse.engine import engine_for

    numbers = itertools.count(1)
    keeper = engine_for(postgres_server.url("postgres")).execution_options(isolation_level="AUTOCOMMIT")

    def make() -> str:
        name = f"test_{next(numbers)}"
        with keeper.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template_hub"))
        return postgres_server.url(name)

    yield make
    keeper.dispose()


@pytest.fixture(scope="module")
def postgres_url(new_database) -> str:
    """A fresh database with an empty hub for the tests of one module."""
    return new_database()


class SmallHub:
    """A warehouse of some contracts, loaded from rows in a test: canonical columns and ``key``; optional
    ``order``, ``sheet``, ``hash``, ``parent`` (row number, for a child), ``issue`` (column, reason, raw)."""

    def __init__(self, engine, *contracts: Contract) -> None:
        from warehouse import schema

        self.engine, self.contracts = engine, {each.feed: each for each in contracts}
        schema.upgrade(engine, self.contracts)

    def landed(self, contract: Contract, count: int, *, day: float = 1, **manifest) -> SmallBatch:
        """A batch fetched on that day of November 2026; ids are as landing makes them."""
        at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=day)
        said = {"fetched_at": at.isoformat(), "rows": count, "watermark": {}, "partitions": [], "replay_of": None, **manifest}
        return SmallBatch(pa.table({}), said, f"{contract.feed}-{at:%Y%m%dT%H%M%S%f}", contract.feed)

    def load(self, contract: Contract, rows=(), *, children=(), quarantined=(), **manifest):
        """Load one batch; returns its counts. ``children``: rows of the second table; ``quarantined``: dicts."""
        from warehouse.load import load_batch

        landed = self.landed(contract, len(rows) + len(quarantined), **manifest)
        return load_batch(self.engine, contract, landed, self.verdicts(contract, landed, rows, children, quarantined))

    def verdicts(self, contract: Contract, landed: SmallBatch, rows, children=(), quarantined=()) -> dict:
        """What validation would have said of these rows."""
        from expectations.verdict import QUARANTINED, Verdict

        aside = [{"_row": len(rows) + i, "reasons": ["row.unreadable"], **q} for i, q in enumerate(quarantined, 1)]
        made = {}
        for table, given in zip(contract.tables, (rows, children), strict=False):
            held = aside if table is contract.table else []
            made[table.name] = Verdict(
                self._accepted(table, given, landed), pa.Table.from_pylist(held, QUARANTINED), *self._judged(table, given)
            )
        return made

    def _accepted(self, table: Table, rows, landed: SmallBatch) -> pa.Table:
        from standards.semantic_types import TYPES

        period, columns = landed.manifest.get("period"), {name: kind for name, kind in _OWN_TYPES.items()}
        for field in table.fields:
            columns[field.name] = TYPES[field.type].arrow_type
            columns |= {f"{field.name}_{suffix}": kind for suffix, kind in TYPES[field.type].companions.items()}
        made = []
        for number, row in enumerate(rows, 1):
            order = row.get("order", int(period) if period else number)
            content = sorted((k, str(v)) for k, v in row.items() if k not in ("order", "sheet", "issue", "parent"))
            made.append({**{k: v for k, v in row.items() if k in columns}, **{
                "record_key": row["key"], "parent_key": row["key"].rpartition("#")[0] or None, "source_order": order,
                "source_time": row.get("time", FETCHED), "content_hash": row.get("hash", str(content)),
                "_row": row.get("parent", number), "_partition": row.get("sheet"),
            }})  # fmt: skip
        return pa.Table.from_pylist(made, pa.schema(list(columns.items())))

    @staticmethod
    def _judged(table: Table, rows) -> tuple[pa.Table, pa.Table]:
        from expectations.verdict import ISSUES, RESULTS

        found = [
            {"table_name": table.name, "record_key": row["key"], "column_name": row["issue"][0], "reason": row["issue"][1],
             "rule_id": f"{table.name}.{row['issue'][0]}.standardised", "dimension": "规范性", "severity": "warning",
             "raw": row["issue"][2], "_row": row.get("parent", number)}
            for number, row in enumerate(rows, 1) if "issue" in row
        ]  # fmt: skip
        result = {"rule_id": f"{table.name}.key", "dimension": "规范性", "severity": "critical", "evaluated": len(rows), "unexpected": 0}
        return pa.Table.from_pylist(found, ISSUES), pa.Table.from_pylist([result], RESULTS)

    def rows(self, sql: str, **parameters) -> list[dict]:
        """The rows of a query."""
        from sqlalchemy import text

        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(sql), parameters).mappings()]

    def open(self, table: str, *columns: str) -> dict:
        """The open rows of a record table: key → the columns asked for (one: its value; several: a tuple)."""
        rows = self.rows(f'SELECT record_key, {", ".join(columns)} FROM record."{table}" WHERE recorded_to IS NULL')
        return {row["record_key"]: row[columns[0]] if len(columns) == 1 else tuple(row[c] for c in columns) for row in rows}


_OWN_TYPES = {
    "record_key": pa.string(), "parent_key": pa.string(), "source_order": pa.int64(), "content_hash": pa.string(),
    "source_time": pa.timestamp("us", "UTC"), "_row": pa.int64(), "_partition": pa.string(),
}  # fmt: skip


@pytest.fixture
def small_hub(new_database) -> Callable[..., SmallHub]:
    """Makes an empty warehouse of the contracts it is given: ``small_hub(small.register)``."""
    from warehouse.engine import engine_for

    engines = []

    def make(*contracts: Contract) -> SmallHub:
        engines.append(engine_for(new_database()))
        return SmallHub(engines[-1], *contracts)

    yield make
    for engine in engines:
        engine.dispose()
