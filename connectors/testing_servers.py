"""Small departments for tests of connectors: real servers over real sockets, that break on demand.

One HTTP server speaks the four interfaces (numbered pages, cursor, Link header, event stream) with their
ways of proving who asks; an SFTP server holds a folder. ``faults`` is a queue: each data request takes one.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.moments import instant

_EVER = datetime.min.replace(tzinfo=UTC)
KEY, SECRET = "county-key", "s3cret-of-the-county"
HTTP_FAULTS = ("drop", "reset", "truncate", "html", "429", "503")


class HttpDepartment:
    """Rows behind HTTP. ``rows`` are JSON objects with ``id`` and ``updated``; events also ``seq``."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._moments: dict[str, datetime] = {}
        self.faults: deque[str] = deque()
        self.requests: list[str] = []  # paths with parameters, data requests only
        self.largest = 500  # larger pages are cut silently
        self.token, self.uses, self.token_life = "", 0, 10**9  # a token is good for so many requests
        self.basic_only = False  # whether the token is only given to HTTP Basic
        self.before: Callable[[], None] = lambda: None  # called ahead of each data request
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def offer(self, rows: Sequence[dict[str, Any]], *, replace: bool) -> None:
        """New rows, each with the next ``seq``; ``replace``: one that was there under its id goes."""
        new = {row["id"] for row in rows} if replace else set()
        kept = [old for old in self.rows if old.get("id") not in new]
        first = max((old["seq"] for old in self.rows), default=0) + 1
        self.rows = kept + [{**row, "seq": n, "type": "person"} for n, row in enumerate(rows, first)]

    def moment(self, row: dict[str, Any]) -> datetime:
        text = row["updated"]
        if text not in self._moments:
            self._moments[text] = instant(text) or _EVER
        return self._moments[text]

    # -- the four interfaces -----------------------------------------------------------

    def pages(self, q: dict[str, str]) -> tuple[Any, dict[str, str]]:
        after = instant(q.get("updatedAfter")) or _EVER
        found = sorted((r for r in self.rows if self.moment(r) > after), key=self.moment)
        size, number = min(int(q["pageSize"]), self.largest), int(q["pageNo"])
        part = found[size * (number - 1) : size * number]
        return {"code": 0, "msg": "ok", "data": {"total": len(found), "pageNo": number, "rows": part}}, {}

    def cursor(self, q: dict[str, str]) -> tuple[Any, dict[str, str]]:
        start, size = int(q.get("cursor") or 0), min(int(q["limit"]), self.largest)
        part = self.rows[start : start + size]
        data = {"rows": part, "nextCursor": str(start + len(part)), "hasMore": start + len(part) < len(self.rows)}
        return {"code": 0, "msg": "ok", "data": data}, {}

    def link(self, q: dict[str, str]) -> tuple[Any, dict[str, str]]:
        begun = instant(q.get("since")) or _EVER
        found = sorted((r for r in self.rows if self.moment(r) >= begun), key=self.moment)
        size, start = min(int(q["limit"]), self.largest), int(q.get("offset", 0))
        part, since = found[start : start + size], f"since={q['since'].replace('+', '%2B')}&" if "since" in q else ""
        if start + size >= len(found):
            return part, {}
        target = f"/api/link?{since}limit={size}&offset={start + size}"
        # Every other link is absolute and names a host of its own, as a gateway's inner address would.
        host = "http://10.255.255.1:9" if (start // size) % 2 else ""
        return part, {"Link": f'<{host}{target}>; rel="next"'}

    def events(self, q: dict[str, str]) -> bytes:
        found = [r for r in self.rows if r["seq"] > int(q["after"])][: min(int(q["limit"]), 1000)]
        return b"".join(
            (r["line"] if "line" in r else json.dumps(r, ensure_ascii=False).encode()) + b"\n" for r in found
        )


def _handler(department: HttpDepartment) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
            known = form.get("client_secret") == [SECRET]
            if department.basic_only:
                basic = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
                known = self.headers.get("Authorization") == f"Basic {basic}"
            if not known or form.get("grant_type") != ["client_credentials"]:
                self._answer(401, b'{"error": "invalid_client"}')
                return
            department.token, department.uses = f"token-{time.monotonic_ns()}", 0
            self._answer(200, json.dumps({"access_token": department.token, "expires_in": 1800}).encode())

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
            department.requests.append(self.path)
            refusal = self._refusal(parts.path, parts.query)
            if refusal is not None:
                self._answer(*refusal)
                return
            fault = department.faults.popleft() if department.faults else None
            if fault == "reset":
                self.close_connection = True
                return
            if fault in ("429", "503"):
                self._answer(int(fault), b"", {"Retry-After": "2"} if fault == "429" else {})
                return
            if fault in ("temporary", "expired"):
                code = 5000 if fault == "temporary" else 1002
                self._answer(200, json.dumps({"code": code, "msg": "later", "data": None}).encode())
                return
            department.before()
            kind, extra = parts.path.rsplit("/", 1)[-1], {}
            if kind == "events":
                body = department.events(query)
            else:
                document, extra = getattr(department, kind)(query)
                body = json.dumps(document, ensure_ascii=False).encode()
            if fault == "html":
                body = b"<html>gateway error</html>"
            if fault == "truncate":
                body = body[: len(body) // 2]
            self._answer(200, body, extra, drop=fault == "drop")

        def _refusal(self, path: str, query: str) -> tuple[int, bytes] | None:
            if path.startswith("/api/pages") or path.startswith("/api/cursor"):
                head = {n: self.headers.get(n, "") for n in ("X-App-Key", "X-Timestamp", "X-Nonce", "X-Signature")}
                text = "\n".join(("GET", path, query, head["X-Timestamp"], head["X-Nonce"]))
                wanted = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
                if head["X-App-Key"] != KEY or not hmac.compare_digest(wanted, head["X-Signature"]):
                    return 200, b'{"code": 1001, "msg": "bad signature"}'
                return None
            if path.startswith("/api/events"):
                return None if self.headers.get("Authorization") == f"Bearer {SECRET}" else (401, b"")
            department.uses += 1
            fresh = department.token and self.headers.get("Authorization") == f"Bearer {department.token}"
            return None if fresh and department.uses <= department.token_life else (401, b"")

        def _answer(
            self, status: int, body: bytes, headers: dict[str, str] | None = None, *, drop: bool = False
        ) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if drop else body)
            self.close_connection = self.close_connection or drop

    return Handler


class SftpDepartment:
    """A folder behind SFTP. ``faults``: each opening of a file takes one; ``drop`` ends the connection."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.faults, self.opened = folder, deque(), 0
        self.port = 0
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        if not ready.wait(20):
            raise TimeoutError("the SFTP server did not start")

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self, ready: threading.Event) -> None:
        import asyncssh

        department = self

        class Files(asyncssh.SFTPServer):
            def __init__(self, channel: Any) -> None:
                super().__init__(channel, chroot=str(department.folder).encode())

            def open(self, *args: Any) -> Any:
                department.opened += 1
                if department.faults and department.faults.popleft() == "drop":
                    self.channel.get_connection().abort()
                    raise asyncssh.SFTPConnectionLost("dropped")
                return super().open(*args)

        class Server(asyncssh.SSHServer):
            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == (KEY, SECRET)

        async def start() -> None:
            self.key = asyncssh.generate_private_key("ssh-ed25519")
            self.server = await asyncssh.create_server(
                Server, "127.0.0.1", 0, server_host_keys=[self.key], sftp_factory=Files, allow_scp=False
            )
            self.port = self.server.sockets[0].getsockname()[1]
            ready.set()

        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(start())
        self._loop.run_forever()
