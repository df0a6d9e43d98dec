"""The county's web services over real HTTP: signatures, pages, cursors, tokens, the event stream, and their faults."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
import requests

from simulator.serve.connections import read_connections
from simulator.serve.faults import MovingRows, request_faults
from simulator.serve.publish import publish
from simulator.serve.server import start, stop
from simulator.serve.state import CountyFolder, ServeState, save_state

PASSING = (429, 502, 503)


class Reader:
    """A patient client of the three services: repeats what failed in passing, at most five times."""

    def __init__(self, folder: CountyFolder) -> None:
        self.found = {k: json.loads(v) for k, v in read_connections(folder.connections).items()}
        web = self.found["AIRFLOW_CONN_HEALTH_API"]
        self.base = f"http://{web['host']}:{web['port']}"
        self.http = requests.Session()
        self.http.trust_env = False
        self.failures: list[str] = []
        self.token = ""

    def get(self, path: str, headers: Callable[[], dict]) -> requests.Response:
        for _ in range(5):
            try:
                reply = self.http.get(self.base + path, headers=headers(), timeout=10)
            except requests.RequestException as error:
                self.failures.append(type(error).__name__)
                continue
            passing = reply.status_code in PASSING or (path.startswith("/v1") and reply.json()["code"] == 5000)
            if not passing:
                return reply
            self.failures.append(str(reply.status_code))
            time.sleep(0.02)
        raise AssertionError(f"five failures in a row: {self.failures[-5:]}")

    def signed(self, path: str, query: str, **wrong: str) -> dict[str, str]:
        login = self.found["AIRFLOW_CONN_HEALTH_API"]
        stamp = wrong.get("stamp", str(int(time.time() * 1000)))
        nonce = wrong.get("nonce", secrets.token_hex(8))
        text = f"GET\n{path}\n{query}\n{stamp}\n{nonce}"
        sign = hmac.new(login["password"].encode(), text.encode(), hashlib.sha256).hexdigest()
        return {"X-App-Key": login["login"], "X-Timestamp": stamp, "X-Nonce": nonce, "X-Signature": wrong.get("sign", sign)}

    def health(self, path: str, **parameters: object) -> dict:
        query = urlencode(sorted(parameters.items()))
        return self.get(f"{path}?{query}", lambda: self.signed(path, query)).json()

    def pages(self, path: str) -> dict[str, dict]:
        """Every row by id, read again until a whole pass brings nothing new."""
        rows: dict[str, dict] = {}
        news = True
        while news:
            news, page, total = False, 1, 1
            while (page - 1) * 100 < total:
                data = self.health(path, pageNo=page, pageSize=100)["data"]
                total, page = data["total"], page + 1
                for row in data["rows"]:
                    if row["updatedAt"] > rows.get(row["id"], {}).get("updatedAt", ""):
                        rows[row["id"]], news = row, True
        return rows

    def exams(self) -> list[dict]:
        rows, cursor, more = [], {}, True
        while more:
            data = self.health("/v1/elderly-exams", limit=100, **cursor)["data"]
            rows, more, cursor = rows + data["rows"], data["hasMore"], {"cursor": data["nextCursor"]}
        return rows

    def log_in(self) -> None:
        login = self.found["AIRFLOW_CONN_MARKET_API"]
        form = {"grant_type": "client_credentials", "client_id": login["login"], "client_secret": login["password"]}
        for _ in range(5):
            try:
                reply = self.http.post(self.base + "/oauth/token", data=form, timeout=10)
            except requests.RequestException as error:
                self.failures.append(type(error).__name__)
                continue
            if reply.ok:
                self.token = reply.json()["access_token"]
                return
        raise AssertionError("no token")

    def entities(self, **parameters: object) -> list[dict]:
        if not self.token:
            self.log_in()
        path, rows = f"/api/entities?{urlencode({'limit': 50, **parameters})}", []
        while path:
            reply = self.get(path, lambda: {"Authorization": f"Bearer {self.token}"})
            if reply.status_code == 401:
                self.failures.append("401")
                self.log_in()
                continue
            rows += reply.json()
            path = reply.links.get("next", {}).get("url", "").removeprefix(self.base)
        return rows

    def events(self) -> list[dict]:
        token, after, rows = self.found["AIRFLOW_CONN_GRID_API"]["password"], 0, []
        while True:
            reply = self.get(f"/events?after={after}&limit=100", lambda: {"Authorization": f"Bearer {token}"})
            lines = [json.loads(line) for line in reply.text.splitlines()]
            if not lines:
                return rows
            rows, after = rows + lines, lines[-1]["seq"]


@pytest.fixture
def served(offer_county):
    """``served(rows, faults=…)`` → (county, folder, reader) with running servers."""
    running = []

    def serve(rows: int = 1200, **options):
        county = offer_county(rows)
        folder = CountyFolder(county.root)
        save_state(folder, ServeState(**options))
        running.append(folder)
        start(folder)
        return county, folder, Reader(folder)

    yield serve
    for folder in running:
        stop(folder)


def test_each_service_serves_exactly_what_can_be_seen(served) -> None:
    county, folder, reader = served()
    keys = {f"k{i:05}" for i in range(county.rows)}
    for path in ("/v1/health-records", "/v1/child-vaccinations"):
        rows = reader.pages(path)
        assert rows.keys() == keys
        assert rows["k00000"]["updatedAt"].startswith("2026-11-01")  # tomorrow's version is not shown
    assert sorted(row["id"] for row in reader.exams()) == sorted(keys)
    entities = reader.entities()
    assert [(r["updatedAt"], r["id"]) for r in entities] == sorted((r["updatedAt"], r["id"]) for r in entities)
    assert len(entities) == county.rows and {row["id"] for row in entities} == keys
    assert [event["seq"] for event in reader.events()] == list(range(1, county.rows + 1))
    assert reader.failures == []

    last_cursor = reader.health("/v1/elderly-exams", limit=500, cursor=_end(reader))["data"]["nextCursor"]
    county.tomorrow()
    publish(folder, ServeState())  # what `advance` does beside running servers
    data = reader.health("/v1/health-records", updatedAfter="2026-11-09T23:00:00+08:00")["data"]
    assert [row["id"] for row in data["rows"]] == ["k00000"] and data["total"] == 1
    assert [row["id"] for row in reader.health("/v1/elderly-exams", cursor=last_cursor)["data"]["rows"]] == ["k00000"]
    assert len(reader.events()) == county.rows + 1
    assert len(reader.pages("/v1/health-records")) == county.rows  # k00000 stands once, at its new place


def _end(reader: Reader) -> str:
    cursor, more = {}, True
    while more:
        data = reader.health("/v1/elderly-exams", limit=500, **cursor)["data"]
        more, cursor = data["hasMore"], {"cursor": data["nextCursor"]}
    return cursor["cursor"]


def test_the_health_gateway_answers_as_its_sheet_says(served) -> None:
    _, _, reader = served()
    path = "/v1/health-records"
    get = lambda query, **wrong: reader.http.get(f"{reader.base}{path}?{query}", headers=reader.signed(path, query, **wrong)).json()  # noqa: E731
    late = str(int(time.time() * 1000) - 6 * 60 * 1000)
    assert get("pageNo=1", sign="0" * 64)["code"] == 1001
    assert get("pageNo=1", stamp=late)["code"] == 1002
    assert get("pageNo=1", nonce="once")["code"] == 0
    assert get("pageNo=1", nonce="once")["code"] == 1001
    assert get("pageNo=0")["code"] == 2001
    assert get("updatedAfter=yesterday")["code"] == 2001
    assert len(get("pageSize=9999")["data"]["rows"]) == 500  # cut silently
    # byte for byte: the same moment written otherwise is another signature, both are right when signed as sent
    for moment in ("2026-11-09T10%3A00%3A00%2B08%3A00", "2026-11-09T10:00:00%2B08:00"):
        assert get(f"updatedAfter={moment}")["code"] == 0
    signed_other = reader.signed(path, "updatedAfter=2026-11-09T10:00:00%2B08:00")
    sent = f"{reader.base}{path}?updatedAfter=2026-11-09T10%3A00%3A00%2B08%3A00"
    assert reader.http.get(sent, headers=signed_other).json()["code"] == 1001
    # strictly later: the rows of that very second are not sent again
    at = "2026-11-09T10:08:00+08:00"
    rows = reader.health(path, updatedAfter=at, pageSize=500)["data"]["rows"]
    assert rows and all(row["updatedAt"] > at for row in rows)


def test_the_market_api_checks_tokens_and_joins_pages(served) -> None:
    _, _, reader = served(token_seconds=1)
    assert requests.get(reader.base + "/api/entities").status_code == 401
    wrong = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
    assert requests.post(reader.base + "/oauth/token", data=wrong).status_code == 401
    reader.log_in()
    bearer = {"Authorization": f"Bearer {reader.token}"}
    assert requests.get(reader.base + "/api/entities?limit=201", headers=bearer).status_code == 400
    time.sleep(1.1)
    assert requests.get(reader.base + "/api/entities", headers=bearer).status_code == 401  # it has expired
    at = "2026-11-09T10:08:00+08:00"
    rows = reader.entities(since=at)
    assert at in {row["updatedAt"] for row in rows} and all(row["updatedAt"] >= at for row in rows)


def test_with_faults_a_patient_reader_ends_with_the_same_rows(served) -> None:
    _, _, calm = served()
    _, _, reader = served(faults=True, fault_seed=3)
    for path in ("/v1/health-records", "/v1/child-vaccinations"):
        assert reader.pages(path) == calm.pages(path)
    assert reader.exams() == calm.exams()
    assert reader.entities() == calm.entities()
    repeated = reader.events()
    assert {row["seq"]: row for row in repeated} == {row["seq"]: row for row in calm.events()}
    assert len(repeated) > 1200  # lines came again
    assert calm.failures == []
    assert {"429", "502", "503", "200", "401"} <= set(reader.failures)  # 200 is the gateway's code 5000
    assert {"ChunkedEncodingError", "ConnectionError"} & set(reader.failures)


def test_rows_that_move_hide_others_from_a_single_pass(served) -> None:
    _, _, reader = served(faults=True, fault_seed=3)
    seen, page, total = set(), 1, 1
    while (page - 1) * 100 < total:
        data = reader.health("/v1/health-records", pageNo=page, pageSize=100)["data"]
        total, page = data["total"], page + 1
        seen |= {row["id"] for row in data["rows"]}
    assert total == 1200 and len(seen) < 1200


def test_a_seed_decides_every_fault() -> None:
    def first(seed: int, endpoint: str) -> list[str | None]:
        plan = request_faults(seed, endpoint)
        return [next(plan) for _ in range(300)]

    assert first(1, "/events") == first(1, "/events")
    assert first(1, "/events") != first(2, "/events")
    assert first(1, "/v1/x")[0] is not None  # even a county of one page meets a fault
    for seed in range(20):
        run = 0
        for fault in first(seed, "/v1/health-records"):
            run = run + 1 if fault else 0
            assert run <= 2
    times = [f"2026-11-01T10:{i // 60:02}:{i % 60:02}+08:00".encode() for i in range(600)]
    plan = MovingRows.plan(times, 5, "health_record")
    assert plan.early == MovingRows.plan(times, 5, "health_record").early and plan.early
    assert sorted(plan.ordered("")) == list(range(1, 601)) != plan.ordered("")
    assert plan.page("", 6, 100)[0] == 600  # once a last page is asked for, everything stands as without faults
    assert plan.early == {} and plan.ordered("") == list(range(1, 601))


def test_a_reader_who_goes_on_by_time_sees_every_row_in_its_last_state() -> None:
    times = [f"2026-11-01T10:{i // 60:02}:{i % 60:02}+08:00".encode() for i in range(900)]
    for seed in range(30):
        plan = MovingRows.plan(times, seed, "health_record")
        held, after = {}, ""
        while True:
            _, positions = plan.page(after, 1, 70)
            if not positions:
                break
            held |= {p: plan.early.get(p, times[p - 1]) for p in positions}
            after = max(held[p] for p in positions).decode()
        assert held == {p: times[p - 1] for p in range(1, 901)}
