"""Writes ``connections.env``: the seven Airflow connections by which the county's departments are reached."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from sqlalchemy.engine import make_url

from simulator.serve.state import CountyFolder, ServeState, write_private


def connections(folder: CountyFolder, state: ServeState) -> dict[str, dict]:
    """Connection id → the JSON form that Airflow reads from ``AIRFLOW_CONN_<ID>``."""
    keys = state.secrets
    web = {"conn_type": "http", "host": state.public_host, "port": state.http_port, "schema": "http"}
    return {
        "psb_exchange": _exchange(folder, state),
        "edu_drop": {"conn_type": "fs", "extra": {"path": str(folder.edu_drop)}},
        "health_api": {**web, "login": keys.health_key, "password": keys.health_secret},
        "civil_drop": {
            "conn_type": "sftp",
            "host": state.public_host,
            "port": state.sftp_port,
            "login": keys.sftp_login,
            "password": keys.sftp_password,
            "extra": {"path": "/civil", "host_key": state.sftp_public_key},
        },
        "market_api": {**web, "login": keys.market_client, "password": keys.market_secret},
        "grid_api": {**web, "password": keys.grid_token},
        "org_directory": {"conn_type": "fs", "extra": {"path": str(folder.org_directory)}},
    }


def _exchange(folder: CountyFolder, state: ServeState) -> dict:
    if not state.exchange_url:
        return {"conn_type": "sqlite", "host": str(folder.exchange_db)}
    url = make_url(state.exchange_url)
    found = {
        "conn_type": "postgres",
        "host": url.host or "",
        "schema": url.database,
        "login": state.secrets.exchange_login,
        "password": state.secrets.exchange_password,
    }
    if url.port:
        found["port"] = url.port
    if url.query:  # e.g. host=<folder of a unix socket>
        found["extra"] = {name: value for name, value in url.query.items() if isinstance(value, str)}
    return found


def write_connections(folder: CountyFolder, state: ServeState) -> Path:
    """Write ``connections.env`` (mode 600): ``NAME='json'`` lines that a shell and compose can read."""
    lines = []
    for name, connection in connections(folder, state).items():
        # a quote inside the JSON would end the quoting of the line
        value = json.dumps(connection, ensure_ascii=False).replace("'", "\\u0027")
        lines.append(f"AIRFLOW_CONN_{name.upper()}='{value}'\n")
    write_private(folder.connections, "".join(lines))
    return folder.connections


def read_connections(path: Path) -> dict[str, str]:
    """The variables of a ``connections.env``, as a process's environment wants them."""
    pairs = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines() if line)
    return {name: shlex.split(value)[0] for name, _, value in pairs}
