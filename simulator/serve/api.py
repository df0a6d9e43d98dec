"""The three web services of the county in one ASGI application, with the faults of their gateways before them.

Health (卫健) answers under ``/v1``, market regulation (市场监管) under ``/oauth`` and ``/api``, the grid workers' stream (网格员)
under ``/events``. ``/healthz`` tells the starter that the servers answer; it is never faulty.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simulator.serve.faults import RequestFaults
from simulator.serve.grid import GridApi
from simulator.serve.health import Gate, HealthApi, answer
from simulator.serve.market import FAULT_USES, MarketApi, Tokens
from simulator.serve.offers import Offers
from simulator.serve.state import CountyFolder, ServeState

SLOW_SECONDS = 0.8


def make_app(folder: CountyFolder, state: ServeState) -> ASGIApp:
    """The application that serves ``folder``'s offers with the logins of ``state``."""
    offers = Offers(folder.offers_db)
    keys = state.secrets
    fault_seed = state.fault_seed if state.faults else None
    tokens = Tokens(
        keys.market_client, keys.market_secret, state.token_seconds, uses=FAULT_USES if state.faults else None
    )

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok")

    routes = [
        Route("/healthz", healthz),
        *HealthApi(offers, Gate(keys.health_key, keys.health_secret), fault_seed).routes(),
        *MarketApi(offers, tokens).routes(),
        *GridApi(offers, keys.grid_token, fault_seed).routes(),
    ]
    app: ASGIApp = Starlette(routes=routes)
    return FaultyGateway(app, RequestFaults(state.fault_seed)) if state.faults else app


@dataclass
class FaultyGateway:
    """Lets a request through to ``app``, or does to it what the plan of faults says."""

    app: ASGIApp
    plan: RequestFaults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/healthz":
            await self.app(scope, receive, send)
            return
        fault = self.plan.next(scope["path"])
        if fault == "429":
            response: Response = PlainTextResponse("too many requests", 429, {"Retry-After": "1"})
        elif fault in ("502", "503"):
            response = Response(f"<html><h1>{fault}</h1></html>", int(fault), media_type="text/html")
        elif fault == "5000":
            response = answer(5000)
        elif fault == "drop":
            await self.app(scope, receive, _Broken(send))
            return
        else:
            if fault == "slow":
                await asyncio.sleep(SLOW_SECONDS)
            await self.app(scope, receive, send)
            return
        await response(scope, receive, send)


@dataclass
class _Broken:
    """Sends the first half of a body and never the rest: the server then closes the connection."""

    send: Send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            # an empty body can only break off if it was announced as longer
            headers[b"content-length"] = str(max(int(headers.get(b"content-length", b"0")), 1)).encode()
            await self.send({**message, "headers": list(headers.items())})
        elif message["type"] == "http.response.body":
            body = message.get("body", b"")
            await self.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
