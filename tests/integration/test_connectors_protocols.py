"""What each protocol promises beyond the conformance suite: other hosts, broken lines, forbidden keys."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from connectors import json_text
from connectors.connection import Connection
from connectors.errors import DeliveryRefused, PermanentError, TransientError
from connectors.http import Client
from connectors.landing import Landing
from connectors.registry import connector_for
from connectors.retry import Patience
from connectors.rows import from_objects
from connectors.testing import FETCHED, contract_of
from connectors.testing_servers import KEY, SECRET, HttpDepartment

# -- REST ----------------------------------------------------------------------------------


@pytest.fixture
def department():
    made = HttpDepartment()
    yield made
    made.close()


def http(department, path="/api", password=SECRET):
    return Connection.of(
        "people_source",
        conn_type="http",
        host=f"http://127.0.0.1:{department.port}{path}",
        login=KEY,
        password=password,
    )


CURSOR = {
    "path": "/cursor", "style": "cursor", "auth": "signed", "rows": "data.rows", "key": "id", "updated": "updated",
    "cursor_param": "cursor", "size_param": "limit", "page_size": 2, "next_cursor": "data.nextCursor", "has_more": "data.hasMore",
    "envelope": {"code": "code", "ok": 0, "transient": [1002, 5000], "auth": [1001]},
}  # fmt: skip


def test_forbidden_keys_are_cut_before_anything_is_written(department, tmp_path, land, rows_of):
    department.rows = [
        {"id": "A", "name": "王", "c1": False, "c2": True, "bank": "6228SECRET"},
        {"id": "B", "name": "李", "c1": False, "c2": None, "bank": "6228SECRET"},
        {"id": "C", "name": "赵", "c1": None, "bank": "6228SECRET"},
        "6228SECRET",
    ]
    made = contract_of(
        "rest", CURSOR, forbidden=("c1", "c2", "bank"), derive={"phone": ("c1", "c2")}, keep_unreadable=False
    )
    batches = land(made, http(department), tmp_path / "l")
    assert rows_of(batches, "id", "phone", "_error") == [
        ("A", "true", None),
        ("B", "false", None),
        ("C", None, None),
        (None, None, "row.json"),
    ]
    for file in (tmp_path / "l").rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            if file.suffix == ".zst":
                data = pa.input_stream(str(file), compression="zstd").read()
            assert b"SECRET" not in data, file.name
    assert "SECRET" not in str(rows_of(batches, "_raw", "_extra"))


def test_values_are_the_text_that_came():
    text = (
        '{"code":0,"data":{"rows":[{"id":130731201101010011234,"name":1.10,"phone":true,"note":{"a":[1,2.50,"x"]},'
        '"updated":[{"n":1}],"more":1e5},{"id":"\\ud800","name":"a\\u0000b"}],"nextCursor":null,"hasMore":false}}'
    )
    assert (
        json_text.encode(json_text.decode(b'{"a":[1,2.50,{"b":20110101010101010101}]}'))
        == '{"a":[1,2.50,{"b":20110101010101010101}]}'
    )
    document = json_text.decode(text.encode())
    rows, *_ = from_objects(contract_of("rest", CURSOR), document["data"]["rows"], ["1", "2"], "page")
    first, second = rows.to_pylist()
    assert [first[c] for c in ("id", "name", "phone", "note", "updated", "_extra")] == [
        "130731201101010011234", "1.10", "true", '{"a":[1,2.50,"x"]}', '[{"n":1}]', '{"more":1e5}',
    ]  # fmt: skip
    assert second["_error"] == "row.nul" and "\0" not in second["_raw"] and second["id"] is None


def test_a_next_link_to_another_host_is_followed_at_home_under_the_base_path(department, land):
    made = contract_of("rest", {**CURSOR, "auth": "bearer"})
    with Client(made, http(department, "/gw/market"), land.patience) as client:
        for link in (
            "http://evil.example/gw/market/api/x?since=a%2Bb&o=2",
            "/gw/market/api/x?since=a%2Bb&o=2",
            "x?o=2&since=a%2Bb",
        ):
            assert client.follow(link, "/api/entities?limit=1") == ("/api/x", {"since": "a+b", "o": "2"})


def test_a_cursor_that_does_not_move_is_an_error_and_one_that_expired_starts_over(department, tmp_path, land):
    department.cursor = lambda q: ({"code": 0, "data": {"rows": [], "nextCursor": "7", "hasMore": True}}, {})
    with pytest.raises(PermanentError, match="same cursor"):
        land(contract_of("rest", CURSOR), http(department), tmp_path / "l")


def test_a_resume_that_the_source_refuses_starts_over(department, tmp_path, land, rows_of):
    department.offer([{"id": str(n), "updated": None} for n in range(6)], replace=False)
    whole = department.cursor
    department.cursor = lambda q: ({"code": 5000}, {}) if q.get("cursor") == "4" else whole(q)
    made = contract_of("rest", CURSOR)
    with pytest.raises(TransientError):
        land(made, http(department), tmp_path / "l")
    assert len(list((tmp_path / "l" / "people").glob("*.partial"))) == 1
    department.cursor = lambda q: (
        ({"code": 2001}, {}) if q.get("cursor") == "4" and len(department.requests) < 9 else whole(q)
    )
    (batch,) = land(made, http(department), tmp_path / "l", at=FETCHED + timedelta(hours=1))
    assert rows_of([batch], "id") == list("012345") and batch.fetched_at == FETCHED + timedelta(hours=1)
    assert not list((tmp_path / "l" / "people").glob("*.partial"))


def test_a_long_retry_after_goes_up_to_whoever_schedules(department, tmp_path, land):
    made = contract_of("rest", CURSOR)
    department.faults.append("429")
    with pytest.raises(TransientError) as caught:
        connector = connector_for(made, Patience(longest=1, sleep=land.waits.append))
        (read,) = connector.plan(made, http(department), {})
        Landing(tmp_path).land(made, http(department), connector, read, fetched_at=FETCHED)
    assert caught.value.retry_after == 2 and len(department.requests) == 1


def test_the_watermark_never_passes_the_fetch(department, tmp_path, land, rows_of):
    link = {
        **CURSOR,
        "path": "/link",
        "style": "link",
        "rows": "",
        "since_param": "since",
        "since_inclusive": True,
        "auth": "oauth2",
        "token_path": "/t",
    }
    link.pop("envelope")
    times = {"A": "2026-11-20T11:00:00+08:00", "B": "2026-11-20T12:00:01+08:00", "C": None}
    department.rows = [{"id": k, "updated": t or "2020-01-01"} for k, t in times.items()]
    (batch,) = land(
        contract_of("rest", link), http(department), tmp_path / "l", at=datetime(2026, 11, 20, 4, tzinfo=UTC)
    )
    assert sorted(rows_of([batch], "id")) == ["A", "B", "C"]
    assert batch.manifest["watermark"] == {"after": "2026-11-20T11:00:00+08:00"}


def test_a_key_missing_everywhere_in_a_large_read_refuses_it_but_not_a_small_one(department, tmp_path, land):
    made = contract_of("rest", {**CURSOR, "page_size": 100})
    name = replace(made.table.fields[1], required=True)
    made = replace(made, tables=(replace(made.table, fields=(made.table.fields[0], name, *made.table.fields[2:])),))
    department.rows = [{"id": "A", "updated": "x", "phone": "1", "note": "2"}]
    (batch,) = land(made, http(department), tmp_path / "l")
    assert {"column": "name", "kind": "missing", "policy": "null"} in batch.manifest["drift"]
    department.rows = [{"id": f"A{n}", "updated": "x", "phone": "1", "note": "2"} for n in range(60)]
    with pytest.raises(DeliveryRefused, match="column name is missing"):
        land(made, http(department), tmp_path / "m")


# -- stream --------------------------------------------------------------------------------

STREAM = {
    "path": "/events", "auth": "bearer", "after_param": "after", "size_param": "limit", "page_size": 4,
    "sequence": "seq", "type_field": "type",
}  # fmt: skip


def test_two_feeds_share_a_stream_and_a_broken_line_is_kept_by_whom_it_belongs_to(department, tmp_path, land, rows_of):
    def event(seq, kind):
        return {"seq": seq, "type": kind, "id": f"E{seq}", "updated": "t"}

    department.rows = [
        event(1, "visit"), event(2, "request"), {"seq": 3, "line": b'{"seq": 3, "type": "visit", "id": "E3", oops'},
        {"seq": 4, "line": b"\xff\xfe nothing"}, event(5, "request"), event(6, "request"),
    ]  # fmt: skip
    found = {}
    for kind in ("visit", "request"):
        made = replace(contract_of("stream", {**STREAM, "type": kind}, ignored=("seq", "type")), feed=kind)
        batches = land(made, http(department), tmp_path / "l")
        found[kind] = rows_of(batches, "id", "_error")
        assert batches[0].manifest["watermark"] == {"seq": 6}
        assert land(made, http(department), tmp_path / "l", {"seq": 6}) == []
        assert {d["column"] for d in batches[0].manifest["drift"]} <= {"name", "phone", "note"}
    assert found == {
        "visit": [("E1", None), (None, "row.json"), (None, "row.json")],
        "request": [("E2", None), (None, "row.json"), ("E5", None), ("E6", None)],
    }


def test_a_stream_without_events_of_ours_still_moves_on(department, tmp_path, land):
    department.rows = [{"seq": 9, "type": "visit", "id": "E9"}]
    (batch,) = land(contract_of("stream", {**STREAM, "type": "request"}), http(department), tmp_path / "l")
    assert batch.rows == 0 and batch.manifest["watermark"] == {"seq": 9}


def test_a_line_without_its_end_is_asked_for_again_and_kept_only_if_it_stays_so(department, tmp_path, land, rows_of):
    land.waits.clear()
    whole = b'{"seq": 1, "type": "v", "id": "E1"}\n'
    answers = [whole + b'{"seq": 2, "type": "v", "id"', whole + b'{"seq": 2, "type": "v", "id": "E2"}', b""]
    department.events = lambda q: answers.pop(0)
    made = contract_of("stream", {**STREAM, "type": "v"}, ignored=("seq", "type"))
    assert rows_of(land(made, http(department), tmp_path / "l"), "id", "_error") == [("E1", None), ("E2", None)]
    assert len(land.waits) == 1
    department.events = lambda q: whole + b'{"seq": 2, "type": "v", "id"' if q["after"] == "0" else b""
    assert rows_of(land(made, http(department), tmp_path / "m"), "id", "_error") == [("E1", None), (None, "row.json")]


def test_lists_inside_events_stay_json_text(department, tmp_path, land, rows_of):
    department.rows = [{"seq": 1, "type": "v", "id": "E1", "name": [{"idNo": None, "sex": "1"}], "note": ["要轮椅"]}]
    (batch,) = land(contract_of("stream", {**STREAM, "type": "v"}), http(department), tmp_path / "l")
    (name, note), *_ = rows_of([batch], "name", "note")
    assert json.loads(name) == [{"idNo": None, "sex": "1"}] and note == '["要轮椅"]'
