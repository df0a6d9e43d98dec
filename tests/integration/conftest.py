"""What integration tests share: a hand-made county.db that follows the seam of ``simulator/README.md``, and reads that land."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from connectors.connection import Connection
from connectors.landed import LandedBatch
from connectors.landing import Landing
from connectors.registry import connector_for
from connectors.retry import Patience
from connectors.testing import FETCHED
from contracts.model import Contract
from simulator.serve.exchange import TABLES
from tests.review_world import copy_of, settled_once

MOMENT = "2026-11-10T18:00:00"


class OfferCounty:
    """A county.db with a few hundred rows a feed; ``rows`` of each are those that can be seen."""

    def __init__(self, root: Path, rows: int = 1200) -> None:
        self.root, self.rows = root, rows
        root.mkdir(parents=True, exist_ok=True)
        self.con = sqlite3.connect(root / "county.db", isolation_level=None)
        self.con.execute("CREATE TABLE clock (moment TEXT)")
        self.con.execute("INSERT INTO clock VALUES (?)", (MOMENT,))
        self.con.execute("BEGIN")
        self._sql_rows()
        self._rest_rows()
        self._files()
        self.con.execute("COMMIT")

    def _sql_rows(self) -> None:
        for table, (view, columns) in TABLES.items():
            offer, names = view.removeprefix("visible_"), [name for name, _ in columns]
            self.con.execute(f"CREATE TABLE {offer} (version INTEGER PRIMARY KEY, available_at TEXT, {', '.join(names)})")
            self.con.execute(
                f"CREATE VIEW {view} AS SELECT {', '.join(names)} FROM {offer} WHERE version IN (SELECT max(version) "
                f"FROM {offer} WHERE available_at <= (SELECT moment FROM clock) GROUP BY {names[0]})"
            )
            self.con.executemany(
                f"INSERT INTO {offer} (available_at, {names[0]}, GXSJ) VALUES (?, ?, ?)",
                [(f"2026-11-0{1 + i % 9}T10:00:00", f"{table}-{i}", f"2026-11-0{1 + i % 9} 09:30:00") for i in range(self.rows)]
                + [("2026-11-11T02:00:00", f"{table}-0", "2026-11-11 02:00:00")],  # not yet to be seen
            )

    def _rest_rows(self) -> None:
        for offer in ("health_record", "elderly_exam", "child_vaccination", "market_entity"):
            self.con.execute(
                f"CREATE TABLE offer_{offer} (version INTEGER PRIMARY KEY, key TEXT, updated_at TEXT, available_at TEXT, doc TEXT)"
            )
            for i in range(self.rows):
                self.offer(offer, f"k{i:05}", f"2026-11-0{1 + i % 9}T10:{i % 60:02}:00+08:00")
            self.offer(offer, "k00000", "2026-11-11T02:00:00+08:00")  # not yet to be seen
        self.con.execute("CREATE TABLE offer_event (seq INTEGER PRIMARY KEY, type TEXT, available_at TEXT, doc TEXT)")
        self.con.executemany(
            "INSERT INTO offer_event VALUES (?, 'household_visit', ?, ?)",
            [
                (seq, "2026-11-09T10:00:00" if seq <= self.rows else "2026-11-11T02:00:00", f'{{"seq": {seq}, "eventId": "e{seq}"}}')
                for seq in range(1, self.rows + 2)
            ],
        )

    def offer(self, feed: str, key: str, updated_at: str) -> None:
        """One more version of a REST row."""
        doc = json.dumps({"id": key, "name": "张三", "phone": "13900000000", "updatedAt": updated_at}, ensure_ascii=False)
        self.con.execute(
            f"INSERT INTO offer_{feed} (key, updated_at, available_at, doc) VALUES (?, ?, ?, ?)",
            (key, updated_at, updated_at[:19], doc),
        )

    def _files(self) -> None:
        self.con.execute(
            "CREATE TABLE offer_file (name TEXT PRIMARY KEY, kind TEXT, feed TEXT, period TEXT, available_at TEXT, spec TEXT)"
        )
        self.con.execute("CREATE TABLE offer_row (file TEXT, sheet TEXT, position INTEGER, doc TEXT)")
        self.con.execute("CREATE TABLE offer_org (file TEXT, position INTEGER, doc TEXT)")
        for period in ("202609", "202610"):
            for stem, feed in (("死亡火化", "civil_death"), ("婚姻登记", "civil_marriage")):
                self.csv(f"{stem}_{period}.csv", feed, period)
            self.workbook(f"学籍信息_{period}.xlsx", period)
        doc = {"community_code": "130731100008", "name": "轩辕", "town": "涿鹿镇", "valid_from": "2000-01-01", "valid_to": None}
        self.con.execute("INSERT INTO offer_org VALUES ('communities.csv', 0, ?)", (json.dumps(doc),))

    def csv(self, name: str, feed: str, period: str, available_at: str = "2026-11-02T00:00:00") -> None:
        """A CSV with quoting, characters outside GBK, and a cell that holds a byte GB18030 can't read."""
        spec = {"headers": ["登记号", "姓名", "备注"], "encoding": "gb18030", "newline": "\r\n", "quote": ["登记号"]}
        self.con.execute("INSERT INTO offer_file VALUES (?, 'csv', ?, ?, ?, ?)", (name, feed, period, available_at, json.dumps(spec)))
        names = ["䶮𬀩", '李,"四"', "王\udcff五", None]
        self.con.executemany(
            "INSERT INTO offer_row VALUES (?, '', ?, ?)",
            [(name, i, json.dumps({"登记号": f"D{i}", "姓名": names[i % 4]})) for i in range(40)],
        )

    def workbook(self, name: str, period: str) -> None:
        """Two schools, the second with its own order of columns."""
        headers = {"轩辕小学": ["序号", "学籍号", "姓名", "出生日期", "身份证号"], "实验小学": ["学籍号", "学生姓名", "证件号码", "出生年月日", "序号"]}
        layout = {"hidden": ["学籍号"], "blank_after": [3], "footers": [{"0": "合计", "2": "10人"}, {"0": "填表人：王某"}]}
        sheets = [
            {"name": school, "title": f"{school}学籍信息表", "groups": [["学生信息", 0, 2], ["监护人信息", 3, 4]], "headers": names, **layout}
            for school, names in headers.items()
        ]
        spec = json.dumps({"sheets": sheets})
        self.con.execute("INSERT INTO offer_file VALUES (?, 'xlsx', 'edu_enrolment', ?, '2026-11-02T00:00:00', ?)", (name, period, spec))
        for school, names in headers.items():
            for i in range(10):
                cells = [i + 1, f"G{i}", "王五", {"date": "2011-01-31"}, 130731201101310000 if i % 2 else "'13073120110131001X"]
                order = [0, 1, 2, 3, 4] if school == "轩辕小学" else [1, 2, 4, 3, 0]
                doc = {header: cells[k] for header, k in zip(names, order, strict=True)}
                self.con.execute("INSERT INTO offer_row VALUES (?, ?, ?, ?)", (name, school, i, json.dumps(doc)))

    def tomorrow(self) -> None:
        """Move the clock a day on: what waited can be seen."""
        self.con.execute("UPDATE clock SET moment = '2026-11-11T18:00:00'")


@pytest.fixture
def offer_county(tmp_path: Path) -> Callable[..., OfferCounty]:
    """Makes such a county: ``offer_county(rows=1200)``."""
    made = []

    def make(rows: int = 1200) -> OfferCounty:
        made.append(OfferCounty(tmp_path / f"county-{len(made)}", rows))
        return made[-1]

    yield make
    for county in made:
        county.con.close()


class Lander:
    """``land(contract, connection, folder, mark, at)``: what a read lands, as an ingest would; ``waits`` are the pauses asked for."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.patience = Patience(attempts=4, first=0.01, sleep=self.waits.append)

    def __call__(self, contract: Contract, connection: Connection, folder: Path, mark=None, at: datetime = FETCHED) -> list[LandedBatch]:
        connector, landing = connector_for(contract, self.patience), Landing(folder)
        made = [landing.land(contract, connection, connector, r, fetched_at=at) for r in connector.plan(contract, connection, mark or {})]
        return [batch for batch in made if batch]


@pytest.fixture
def land() -> Lander:
    return Lander()


@pytest.fixture
def rows_of() -> Callable[..., list]:
    """The rows of batches: of one column its values, of several tuples."""

    def rows(batches, *columns) -> list:
        found = [row for batch in batches for row in batch.records().to_pylist()]
        return [row[columns[0]] if len(columns) == 1 else tuple(row[c] for c in columns) for row in found]

    return rows


@pytest.fixture
def house(new_database, tmp_path: Path):
    """A small hub filled for publication (tests.publish_world), and an empty folder of extracts."""
    from tests.publish_world import settled

    made = settled(new_database(), tmp_path / "extracts")
    yield made
    made.engine.dispose()


@pytest.fixture(scope="session")
def review_settled(new_database) -> str:
    return settled_once(new_database())


@pytest.fixture
def reviewed(review_settled, postgres_server) -> Iterator[Engine]:
    """A small county that was linked once, with pairs to review: a copy of its own for each test."""
    with copy_of(review_settled, postgres_server) as made:
        yield made
