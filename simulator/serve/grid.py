"""The grid workers' event stream (网格员): NDJSON by sequence number behind a bearer token."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.serve.faults import seeded
from simulator.serve.offers import Offers

MOST = 1000
REPEATED = 3  # lines said again at the start of a later page, with faults on


@dataclass
class GridApi:
    """``GET /events``. ``fault_seed`` None: no line is repeated."""

    offers: Offers
    token: str
    fault_seed: int | None = None

    def routes(self) -> list[Route]:
        """The one endpoint of the sheet."""
        return [Route("/events", self._events)]

    async def _events(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), self.token.encode()):
            return JSONResponse({"error": "invalid_token"}, 401, {"WWW-Authenticate": "Bearer"})
        after, limit = request.query_params.get("after", "0") or "0", request.query_params.get("limit", "1000")
        if not (after.isascii() and after.isdigit() and limit.isascii() and limit.isdigit() and int(limit) > 0):
            return JSONResponse({"error": "invalid_request", "detail": "after, limit: expected whole numbers"}, 400)
        self.offers.refresh()
        start = min(int(after), 2**62)
        rows = self.offers.events(start, min(int(limit), MOST))
        if self.fault_seed is not None and rows:
            rows = self._with_repeats(start, rows)
        body = b"".join(line + b"\n" for _, line in rows)
        return Response(body, media_type="application/x-ndjson")

    def _with_repeats(self, start: int, rows: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Lines said again before what is new: the page's last line keeps its highest ``seq``."""
        middle = len(rows) // 2 if start == 0 else 0
        earlier = [row for row in self.offers.events(max(start - 50, 0), 50) if row[0] <= start] or rows[:middle]
        picked = seeded(self.fault_seed or 0, "repeat", str(start)).sample(earlier, min(REPEATED, len(earlier)))
        return rows[:middle] + sorted(picked) + rows[middle:]
