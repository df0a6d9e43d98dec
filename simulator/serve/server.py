"""Runs the county's servers in one process: the web services and SFTP on one event loop, and starts and stops it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn

from simulator.serve.api import make_app
from simulator.serve.connections import write_connections
from simulator.serve.delivery import pending
from simulator.serve.publish import county_moment, publish, put_right
from simulator.serve.sftp import BrokenReads, new_host_key, serve_sftp
from simulator.serve.state import (
    CountyFolder,
    ServeError,
    ServeState,
    exclusive,
    is_serving,
    load_state,
    save_state,
)

START_SECONDS = 60
STOP_SECONDS = 10


class _Uvicorn(uvicorn.Server):
    """Leaves the signals to us: one handler stops all servers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(folder: CountyFolder, state: ServeState) -> None:
    """Publish and serve until SIGTERM or SIGINT. ServeError when this county is being served already."""
    county_moment(folder)
    with exclusive(folder, "server", wait=False) as free:
        if not free:
            raise ServeError(f"{folder.root}: is being served already")
        folder.pid.write_text(str(os.getpid()))
        try:
            state, web, sftp = _bind(state)
            if not state.sftp_host_key:
                private, public = new_host_key()
                state = replace(state, sftp_host_key=private, sftp_public_key=public)
            save_state(folder, state)
            publish(folder, state)
            with uvloop_runner() as runner:
                runner.run(_serve(folder, state, web, sftp))
        finally:
            folder.pid.unlink(missing_ok=True)


def uvloop_runner() -> asyncio.Runner:
    """An event loop on libuv, which takes about half the processor time of the standard one."""
    import uvloop

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def _bind(state: ServeState) -> tuple[ServeState, socket.socket, socket.socket]:
    """Take the ports of the last start, or free ones; the sockets are handed to the servers."""
    web, sftp = (_socket(state.host, port) for port in (state.http_port, state.sftp_port))
    return replace(state, http_port=web.getsockname()[1], sftp_port=sftp.getsockname()[1]), web, sftp


def _socket(host: str, port: int) -> socket.socket:
    for wanted in dict.fromkeys((port, 0)):  # a port that another program took meanwhile is replaced
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, wanted))
            return bound
        except OSError:
            bound.close()
    raise ServeError(f"{host}: no port can be bound there")


async def _serve(folder: CountyFolder, state: ServeState, web: socket.socket, sftp: socket.socket) -> None:
    config = uvicorn.Config(
        make_app(folder, state), log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=2
    )
    server = _Uvicorn(config)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, setattr, server, "should_exit", True)
    keys = state.secrets
    acceptor = await serve_sftp(
        folder.sftp_root,
        sftp,
        host_key=state.sftp_host_key,
        login=keys.sftp_login,
        password=keys.sftp_password,
        breaks=BrokenReads(state.fault_seed if state.faults else None),
    )
    write_connections(folder, state)
    settling = asyncio.create_task(_settle(folder))
    try:
        await server.serve(sockets=[web])
    finally:
        settling.cancel()
        acceptor.close()
        with contextlib.suppress(asyncio.CancelledError):
            await settling


async def _settle(folder: CountyFolder) -> None:
    while True:
        await asyncio.sleep(0.5)
        if pending(folder):
            await asyncio.to_thread(put_right, folder, everything=False)


def start(folder: CountyFolder) -> Path:
    """Start the servers as a background process and wait until all answer; returns ``connections.env``.

    They serve as the kept state says. ServeError, with the log's last line, when they don't come up.
    """
    folder.serve.mkdir(parents=True, exist_ok=True)
    with folder.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "serve", "--dir", str(folder.root), "--resume"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            cwd=Path(__file__).resolve().parents[2],
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            lines = folder.log.read_text(errors="replace").strip().splitlines()
            raise ServeError(f"the servers did not start: {lines[-1] if lines else 'no message'}")
        if folder.pid.exists() and answers(folder):
            return folder.connections
        time.sleep(0.1)
    process.terminate()
    raise ServeError(f"the servers did not answer within {START_SECONDS} s; see {folder.log}")


def answers(folder: CountyFolder) -> bool:
    """Whether the web services and SFTP of this county answer now."""
    state = load_state(folder)
    if state is None or not state.http_port or not is_serving(folder):
        return False
    host = "127.0.0.1" if state.host == "0.0.0.0" else state.host
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy can't reach this machine's loopback
    try:
        with opener.open(f"http://{host}:{state.http_port}/healthz", timeout=2) as reply:
            web = reply.status == 200
        with socket.create_connection((host, state.sftp_port), timeout=2) as line:
            return web and line.recv(4) == b"SSH-"
    except OSError:
        return False


def stop(folder: CountyFolder) -> bool:
    """Stop the county's servers; False when none ran."""
    if not is_serving(folder):
        return False
    pid = int(folder.pid.read_text())
    for name, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, name)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not is_serving(folder):
                return True
            time.sleep(0.05)
    raise ServeError(f"{folder.root}: the servers do not stop (process {pid})")
