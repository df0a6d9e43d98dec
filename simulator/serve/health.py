"""The health department's signed API (卫健): page-numbered and cursor feeds behind one gateway."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.serve.faults import MovingRows
from simulator.serve.moments import parse_moment
from simulator.serve.offers import Offers

WINDOW_MS = 5 * 60 * 1000
MOST = 500  # a larger pageSize or limit is cut silently, as the sheet says
MESSAGES = {1001: "bad signature", 1002: "expired timestamp", 2001: "bad parameter", 5000: "temporary error, try again"}


class Refused(Exception):
    """A request that the gateway answers with ``code`` other than 0."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def answer(code: int, detail: str = "") -> Response:
    """HTTP 200 with an error ``code``, as the gateway answers."""
    message = MESSAGES[code] + (f": {detail}" if detail else "")
    return _json(orjson.dumps({"code": code, "msg": message, "data": None}))


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def signature(secret: str, method: str, path: str, query: str, timestamp: str, nonce: str) -> str:
    """The sheet's signature; ``query`` as sent, its parameters sorted by name."""
    text = "\n".join((method, path, query, timestamp, nonce))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def sorted_query(raw: str) -> str:
    """The raw query string with its parameters in order of name, every byte kept."""
    return "&".join(sorted(raw.split("&"), key=lambda pair: pair.partition("=")[0])) if raw else ""


@dataclass
class Gate:
    """Checks signature, timestamp and nonce of every request."""

    app_key: str
    secret: str
    now_ms: Callable[[], int] = lambda: int(time.time() * 1000)
    _nonces: OrderedDict[str, int] = field(default_factory=OrderedDict, init=False)

    def check(self, request: Request) -> None:
        """Raises Refused 1001 (key, signature, nonce) or 1002 (timestamp)."""
        headers = request.headers
        stamp, nonce = headers.get("x-timestamp", ""), headers.get("x-nonce", "")
        path = request.scope["raw_path"].decode("ascii").partition("?")[0]
        query = sorted_query(request.scope["query_string"].decode("latin-1"))
        wanted = signature(self.secret, request.method, path, query, stamp, nonce)
        if headers.get("x-app-key") != self.app_key or not hmac.compare_digest(
            wanted.encode(), headers.get("x-signature", "").encode("utf-8", "replace")
        ):
            raise Refused(1001)
        now = self.now_ms()
        if not stamp.isdigit() or abs(now - int(stamp)) > WINDOW_MS:
            raise Refused(1002)
        while self._nonces and next(iter(self._nonces.values())) < now - 2 * WINDOW_MS:
            self._nonces.popitem(last=False)
        if not nonce or nonce in self._nonces:
            raise Refused(1001, "nonce missing or used before")
        self._nonces[nonce] = now


@dataclass
class HealthApi:
    """Routes of ``/v1``. ``fault_seed`` None: no row moves while it is read."""

    offers: Offers
    gate: Gate
    fault_seed: int | None = None
    _moving: dict[str, tuple[int, MovingRows]] = field(default_factory=dict, init=False)

    def routes(self) -> list[Route]:
        """The three endpoints of the sheet."""
        return [
            Route("/v1/health-records", self._guarded(lambda r: self._pages(r, "health_record"))),
            Route("/v1/child-vaccinations", self._guarded(lambda r: self._pages(r, "child_vaccination"))),
            Route("/v1/elderly-exams", self._guarded(self._exams)),
        ]

    def _guarded(self, serve: Callable[[Request], bytes]) -> Callable:
        async def endpoint(request: Request) -> Response:
            try:
                self.gate.check(request)
                self.offers.refresh()
                return _json(b'{"code":0,"msg":"ok","data":' + serve(request) + b"}")
            except Refused as refused:
                return answer(refused.code, refused.detail)

        return endpoint

    def _pages(self, request: Request, feed: str) -> bytes:
        page = _whole(request, "pageNo", 1)
        size = min(_whole(request, "pageSize", 100), MOST)
        after = request.query_params.get("updatedAfter", "")
        try:
            after = parse_moment(after) if after else ""
        except ValueError:
            raise Refused(2001, "updatedAfter: expected ISO 8601") from None
        if self.fault_seed is None:
            first = self.offers.first_after(feed, after)
            total = self.offers.count(feed) - first
            start = first + (page - 1) * size
            docs = self.offers.range(feed, start, size)
        else:
            total, docs = self._moving_page(feed, after, page, size)
        head = f'{{"total":{total},"pageNo":{page},"pageSize":{size},"rows":['
        return head.encode() + b",".join(docs) + b"]}"

    def _moving_page(self, feed: str, after: str, page: int, size: int) -> tuple[int, list[bytes]]:
        generation = self.offers.refresh()
        if self._moving.get(feed, (None,))[0] != generation:
            assert self.fault_seed is not None
            self._moving[feed] = (generation, MovingRows.plan(self.offers.times(feed), self.fault_seed, feed))
        rows = self._moving[feed][1]
        total, chosen = rows.page(after, page, size)
        docs = self.offers.at(feed, chosen)
        return total, [_as_shown(docs[position], rows.early.get(position)) for position in chosen]

    def _exams(self, request: Request) -> bytes:
        limit = min(_whole(request, "limit", 100), MOST)
        cursor = request.query_params.get("cursor", "")
        moment, version = _decode(cursor) if cursor else ("", 0)
        rows = self.offers.log("elderly_exam", moment, version, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        following = _encode(rows[-1][0], rows[-1][1]) if rows else cursor
        tail = f'],"nextCursor":{orjson.dumps(following or None).decode()},"hasMore":{str(more).lower()}}}'
        return b'{"rows":[' + b",".join(doc for _, _, doc in rows) + tail.encode()


def _as_shown(doc: bytes, early: bytes | None) -> bytes:
    """The row as it stands before it moves: an older ``updatedAt`` and no phone yet."""
    if early is None:
        return doc
    row = orjson.loads(doc)
    row["updatedAt"] = early.decode()
    row["phone"] = None
    return orjson.dumps(row)


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) < 10**9:
        raise Refused(2001, f"{name}: expected a whole number above 0")
    return int(text)


def _encode(moment: str, version: int) -> str:
    return base64.urlsafe_b64encode(f"{moment}|{version}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[str, int]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        moment, _, version = text.partition("|")
        return moment, int(version)
    except ValueError:
        raise Refused(2001, "cursor: not one of ours") from None
