"""What tests of several rooms share: two small feeds and the batches they would land."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

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
