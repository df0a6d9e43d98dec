"""Every connector over its real transport passes the one conformance suite."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
import xlsxwriter

from connectors.base import sm3
from connectors.connection import Connection, parse
from connectors.testing import COLUMNS, Conformance, Source, contract_of
from connectors.testing_servers import HTTP_FAULTS, KEY, SECRET, HttpDepartment, SftpDepartment
from contracts.model import Mode

ENVELOPE = {"code": "code", "ok": 0, "transient": [1002, 5000], "auth": [1001]}
PAGED = {
    "path": "/pages", "style": "page", "auth": "signed", "rows": "data.rows", "key": "id", "updated": "updated",
    "since_param": "updatedAfter", "since_inclusive": False, "page_param": "pageNo", "size_param": "pageSize",
    "page_size": 500, "total": "data.total", "envelope": ENVELOPE,
}  # fmt: skip
CURSOR = {
    "path": "/cursor", "style": "cursor", "auth": "signed", "rows": "data.rows", "key": "id", "updated": "updated",
    "cursor_param": "cursor", "size_param": "limit", "page_size": 400, "next_cursor": "data.nextCursor",
    "has_more": "data.hasMore", "envelope": ENVELOPE,
}  # fmt: skip
LINK = {
    "path": "/link", "style": "link", "auth": "oauth2", "token_path": "/oauth/token", "rows": "", "key": "id",
    "updated": "updated", "since_param": "since", "since_inclusive": True, "size_param": "limit", "page_size": 200,
}  # fmt: skip
STREAM = {
    "path": "/events", "auth": "bearer", "after_param": "after", "size_param": "limit", "page_size": 1000,
    "sequence": "seq", "type_field": "type", "type": "person",
}  # fmt: skip
SQL = {"table": "PEOPLE", "key": "id", "updated": "updated", "overlap_minutes": 1, "page_rows": 300}
CSV = {"file": r"people_(?P<period>\d{6})\.csv", "format": "csv", "encoding": "gb18030", "companion": "ok"}
XLSX = {
    "file": r"people_(?P<period>\d{6})\.xlsx", "format": "xlsx", "companion": "ok", "header_has": ["id", "name"],
    "footer": [r"合\s*计", "填表人"],
}  # fmt: skip


# -- HTTP ----------------------------------------------------------------------------------


@pytest.fixture
def department():
    made = HttpDepartment()
    yield made
    made.close()


def http_source(department: HttpDepartment, connector: str, options: dict, **changes) -> Source:
    parts = {"conn_type": "http", "host": f"127.0.0.1:{department.port}/api", "login": KEY}

    settings = {
        "contract": contract_of(connector, options, ignored=("seq", "type")),
        "connection": Connection.of("people_source", password=SECRET, **parts),
        "stranger": Connection.of("people_source", password="wrong", **parts),
        "offer": lambda rows: department.offer(rows, replace=changes.get("replace", False)),
        "faults": HTTP_FAULTS,
        "fail": lambda *faults: department.faults.extend(faults),
        "requests": lambda: len(department.requests),
        "secrets": (SECRET, KEY),
    }
    return Source(**{**settings, **{k: v for k, v in changes.items() if k != "replace"}})


class TestRestByPageNumber(Conformance):
    @pytest.fixture
    def source(self, department):
        faults = (*HTTP_FAULTS, "temporary", "expired")
        return http_source(department, "rest", PAGED, faults=faults, again=3, page_rows=500, replace=True)


class TestRestByPageNumberWithSmallerPagesThanAsked(Conformance):
    @pytest.fixture
    def source(self, department):
        department.largest = 120
        return http_source(department, "rest", PAGED, again=3, page_rows=120, faults=("drop",), replace=True)


class TestRestByCursor(Conformance):
    @pytest.fixture
    def source(self, department):
        return http_source(department, "rest", CURSOR, faults=(*HTTP_FAULTS, "temporary"), page_rows=400)


class TestRestByLink(Conformance):
    @pytest.fixture
    def source(self, department):
        department.token_life = 3  # a token is refused after three requests, in mid-read
        return http_source(department, "rest", {**LINK, "token_path": "/token"}, again=3, page_rows=200, replace=True)


class TestRestByLinkWithABasicToken(Conformance):
    @pytest.fixture
    def source(self, department):
        department.basic_only = True
        return http_source(
            department, "rest", {**LINK, "token_path": "/token"}, again=3, page_rows=200, replace=True, faults=("503",)
        )


class TestStream(Conformance):
    @pytest.fixture
    def source(self, department):
        return http_source(department, "stream", STREAM, faults=HTTP_FAULTS[:2] + HTTP_FAULTS[4:], page_rows=1000)


# -- databases -----------------------------------------------------------------------------


class TestSqlite(Conformance):
    @pytest.fixture(params=["T", " "])
    def source(self, tmp_path, request):
        path = tmp_path / "exchange.db"
        with sqlite3.connect(path) as link:
            link.execute("CREATE TABLE people (id TEXT, name TEXT, phone TEXT, note TEXT, updated TEXT)")
        link.close()

        def offer(rows) -> None:
            with sqlite3.connect(path) as link:
                for row in rows:
                    link.execute("DELETE FROM people WHERE id = ?", (row["id"],))
                    link.execute("INSERT INTO people VALUES (?, ?, ?, ?, ?)", tuple(row[c] for c in COLUMNS))
            link.close()

        return Source(
            contract_of("sql", SQL), parse("people_source", f"sqlite:///{path}"), offer, again=190, page_rows=300
        )


class TestPostgres(Conformance):
    @pytest.fixture
    def source(self, new_database):
        url = sa.make_url(new_database())
        engine = sa.create_engine(url.set(drivername="postgresql+psycopg2"), poolclass=sa.NullPool)
        table = sa.Table(
            "people", sa.MetaData(), *(sa.Column(c, sa.Text) for c in COLUMNS[:-1]), sa.Column("updated", sa.DateTime)
        )
        table.create(engine)

        def offer(rows) -> None:
            with engine.begin() as link:
                link.execute(table.delete().where(table.c.id.in_([row["id"] for row in rows])))
                link.execute(table.insert(), [{**r, "updated": datetime.fromisoformat(r["updated"])} for r in rows])

        text = url.set(drivername="postgres").render_as_string(hide_password=False)
        return Source(contract_of("sql", SQL), parse("people_source", text), offer, again=190, page_rows=300)


# -- drop folders --------------------------------------------------------------------------


class Folder:
    """A department that writes a snapshot a month, each with its companion."""

    def __init__(self, path: Path, kind: str, write=None) -> None:
        self.path, self.kind, self.rows, self.month = path, kind, {}, 0
        self.write = write or (lambda name, data: (path / name).write_bytes(data))

    def offer(self, rows) -> None:
        self.rows |= {row["id"]: row for row in rows}
        self.month += 1
        name = f"people_2026{self.month:02d}.{self.kind}"
        data = self.csv() if self.kind == "csv" else self.xlsx()
        self.write(name, data)
        self.write(name + ".ok", json.dumps({"rows": len(self.rows), "sm3": sm3(data)}).encode())

    def csv(self) -> bytes:
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerows([COLUMNS, *([row[c] for c in COLUMNS] for row in self.rows.values())])
        return out.getvalue().encode("gb18030")

    def xlsx(self) -> bytes:
        out = io.BytesIO()
        with xlsxwriter.Workbook(out) as book:
            rows = list(self.rows.values())
            for number in range(2):
                sheet = book.add_worksheet(f"学校{number + 1}")
                sheet.merge_range(0, 0, 0, 4, "2026年人员信息表")
                sheet.merge_range(1, 0, 1, 2, "基本信息")
                order = COLUMNS if number else COLUMNS[::-1]
                sheet.write_row(2, 0, order)
                part = rows[number::2]
                for at, row in enumerate(part, 3):
                    for spot, name in enumerate(order):
                        if row[name] not in (None, ""):
                            sheet.write_string(at, spot, row[name])
                sheet.write_row(len(part) + 4, 0, ["合 计", len(part)])
        return out.getvalue()


def folder_source(folder: Folder, connection: Connection, **changes) -> Source:
    options = CSV if folder.kind == "csv" else XLSX
    contract = contract_of("drop", options, Mode.SNAPSHOT, **({} if folder.kind == "csv" else {"partition": "sheet"}))
    settings = {"again": None, "resumable": False, "blank_is_null": folder.kind == "xlsx"}
    return Source(contract, connection, folder.offer, **{**settings, **changes})


class TestLocalCsv(Conformance):
    @pytest.fixture
    def source(self, tmp_path):
        place = tmp_path / "drop"
        place.mkdir()
        return folder_source(
            Folder(place, "csv"), Connection.of("people_source", conn_type="fs", extra={"path": str(place)})
        )


class TestLocalWorkbook(Conformance):
    @pytest.fixture
    def source(self, tmp_path):
        place = tmp_path / "drop"
        place.mkdir()
        return folder_source(Folder(place, "xlsx"), parse("people_source", f"file://{place}"))


class TestSftpCsv(Conformance):
    @pytest.fixture(params=["connection", "url"])
    def source(self, tmp_path, request):
        place = tmp_path / "sftp"
        (place / "交换").mkdir(parents=True)
        server = SftpDepartment(place)
        if request.param == "url":
            made, wrong = (
                Connection.of(
                    "people_source",
                    conn_type="generic",
                    extra={"path": f"sftp://{KEY}:{word}@127.0.0.1:{server.port}/交换"},
                )
                for word in (SECRET, "wrong")
            )
        else:
            made, wrong = (
                Connection.of(
                    "people_source", conn_type="sftp", host="127.0.0.1", port=server.port, login=KEY, password=word,
                    extra=json.dumps({"path": "/交换"}),
                )
                for word in (SECRET, "wrong")
            )  # fmt: skip
        yield folder_source(
            Folder(place / "交换", "csv"), made, stranger=wrong, faults=("drop",), secrets=(SECRET, KEY),
            fail=lambda *faults: server.faults.extend(faults), requests=lambda: server.opened,
        )  # fmt: skip
        server.close()


@pytest.fixture(scope="module")
def object_store():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


class TestS3Csv(Conformance):
    @pytest.fixture
    def source(self, object_store, request):
        import s3fs

        endpoint = {"key": KEY, "secret": SECRET, "endpoint_url": object_store}
        files = s3fs.S3FileSystem(**endpoint, skip_instance_cache=True)
        bucket = f"drop-{abs(hash(request.node.name)) % 10**8}"
        files.mkdir(bucket)
        folder = Folder(Path("unused"), "csv", write=lambda name, data: files.pipe_file(f"{bucket}/civil/{name}", data))
        extra = {"path": f"s3://{bucket}/civil", "endpoint_url": object_store, "region_name": "us-east-1"}
        return folder_source(
            folder, Connection.of("people_source", conn_type="aws", login=KEY, password=SECRET, extra=extra)
        )
