"""Market regulation's entity API (市场监管): OAuth2 client credentials and pages joined by ``Link`` headers."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.serve.moments import parse_moment
from simulator.serve.offers import Offers

MOST = 200
FAULT_USES = 7  # with faults on, a token is revoked after so many pages


@dataclass
class Tokens:
    """Hands out and checks bearer tokens. ``uses`` None: a token lives for ``seconds``, however often used."""

    client_id: str
    client_secret: str
    seconds: int = 1800
    uses: int | None = None
    clock: Callable[[], float] = time.monotonic
    _live: dict[str, tuple[float, int]] = field(default_factory=dict, init=False)

    def grant(self, client_id: str, client_secret: str) -> str | None:
        """A new token, or None for wrong credentials."""
        right = hmac.compare_digest(client_id.encode(), self.client_id.encode())
        if not (hmac.compare_digest(client_secret.encode(), self.client_secret.encode()) and right):
            return None
        now = self.clock()
        self._live = {token: life for token, life in self._live.items() if life[0] > now}
        token = secrets.token_urlsafe(24)
        self._live[token] = (now + self.seconds, 0)
        return token

    def accepts(self, token: str) -> bool:
        """Whether ``token`` lives; counts a use."""
        until, used = self._live.get(token, (0.0, 0))
        if until <= self.clock() or (self.uses is not None and used >= self.uses):
            self._live.pop(token, None)
            return False
        self._live[token] = (until, used + 1)
        return True


@dataclass
class MarketApi:
    """``POST /oauth/token`` and ``GET /api/entities``."""

    offers: Offers
    tokens: Tokens

    def routes(self) -> list[Route]:
        """The two endpoints of the sheet."""
        return [
            Route("/oauth/token", self._token, methods=["POST"]),
            Route("/api/entities", self._entities),
        ]

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, basic = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":  # RFC 6749 section 2.3.1: credentials are form-encoded first
            try:
                pair = base64.b64decode(basic).decode()
            except ValueError:
                pair = ""
            client, _, secret = (unquote(part) for part in pair.partition(":"))
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        token = self.tokens.grant(client, secret)
        if token is None:
            return JSONResponse({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
        body = {"access_token": token, "token_type": "Bearer", "expires_in": self.tokens.seconds}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    async def _entities(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.tokens.accepts(token):
            return JSONResponse({"error": "invalid_token"}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        self.offers.refresh()
        query = request.query_params
        limit_text = query.get("limit", "100")
        if not limit_text.isascii() or not limit_text.isdigit() or not 1 <= int(limit_text) <= MOST:
            return JSONResponse({"error": "invalid_request", "detail": f"limit: expected 1 to {MOST}"}, 400)
        limit = int(limit_text)
        try:
            since = parse_moment(query["since"], up=True) if query.get("since") else ""
            start = self.offers.first_at("market_entity", since)
            if query.get("mark"):  # (time, key) of the last row sent: rows that change meanwhile shift nothing
                moment, _, key = base64.urlsafe_b64decode(query["mark"]).decode().partition("|")
                start = max(start, self.offers.after_key("market_entity", moment, key))
        except ValueError:
            return JSONResponse({"error": "invalid_request", "detail": "since, mark: not understood"}, 400)
        rows = self.offers.keyed("market_entity", start, limit + 1)
        headers = {}
        if len(rows) > limit:
            rows = rows[:limit]
            mark = base64.urlsafe_b64encode(f"{rows[-1][0]}|{rows[-1][1]}".encode()).decode()
            following = {name: query[name] for name in ("since",) if query.get(name)} | {"limit": limit, "mark": mark}
            url = f"{request.url.scheme}://{request.url.netloc}{quote(request.url.path)}?{urlencode(following)}"
            headers["Link"] = f'<{url}>; rel="next"'
        body = b"[" + b",".join(doc for _, _, doc in rows) + b"]"
        return Response(body, media_type="application/json", headers=headers)
