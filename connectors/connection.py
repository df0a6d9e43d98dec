"""Where a source is and how to log in: one plain value, from ``AIRFLOW_CONN_*`` in URI or JSON form.

The resolver is injected, so that DAGs can hand in Airflow's own connections (secrets backends) through
:meth:`Connection.of`. A connection never shows its secrets: its ``repr`` is its id and type.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from connectors.errors import ConnectionInvalid

Resolver = Callable[[str], "Connection"]


@dataclass(frozen=True)
class Connection:
    """A connection as Airflow knows it; ``uri`` is the URI form verbatim where it came as one."""

    conn_id: str
    conn_type: str
    host: str | None = field(default=None, repr=False)
    port: int | None = field(default=None, repr=False)
    login: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    schema: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    uri: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, conn_id: str, **parts: Any) -> Connection:
        """From the parts of Airflow's connection: ``extra`` as a mapping, JSON text or None, ``port`` as
        a number or text. Raises ConnectionInvalid."""
        if parts.get("uri") and not parts.get("conn_type"):
            return _from_uri(conn_id, parts["uri"])
        kind = str(parts.get("conn_type") or "").strip()
        port = parts.get("port")
        if port is not None and not str(port).strip().isdigit():
            raise ConnectionInvalid(f"connection {conn_id}: port: a number is expected")
        return cls(
            conn_id=conn_id,
            conn_type=kind,
            host=_blank(parts.get("host")),
            port=int(str(port).strip()) if port is not None else None,
            login=_blank(parts.get("login")),
            password=_blank(parts.get("password")),
            schema=_blank(parts.get("schema")),
            extra=_extra(conn_id, parts.get("extra")),
            uri=parts.get("uri"),
        )


def from_environment(environ: Mapping[str, str] | None = None) -> Resolver:
    """A resolver over ``AIRFLOW_CONN_<ID>`` (default: the process's environment, read at each call)."""

    def resolve(conn_id: str) -> Connection:
        name = f"AIRFLOW_CONN_{conn_id.upper()}"
        text = (os.environ if environ is None else environ).get(name, "").strip()
        if not text:
            raise ConnectionInvalid(f"connection {conn_id}: set {name} (JSON or URI form)")
        return parse(conn_id, text)

    return resolve


def parse(conn_id: str, text: str) -> Connection:
    """A connection from its JSON or URI form. Raises ConnectionInvalid, never quoting the text."""
    if not text.lstrip().startswith("{"):
        return _from_uri(conn_id, text)
    parts: Any = None
    try:
        parts = json.loads(text)
    except ValueError:
        parts = None
    if not isinstance(parts, dict):
        raise ConnectionInvalid(f"connection {conn_id}: its JSON form can't be read")
    if "user" in parts and "login" not in parts:
        parts["login"] = parts["user"]
    return Connection.of(conn_id, **parts)


def base_url(connection: Connection) -> str:
    """Scheme, host, port and path prefix of an HTTP connection, without a trailing slash.

    The host may carry its own scheme, port and path; else the scheme is the connection's ``schema``
    (Airflow's habit), else its type, else http.
    """
    host = (connection.host or "").strip()
    scheme, mark, rest = host.partition("://")
    prefix = ""
    if not mark:
        rest, named = host, (connection.schema or "").strip().lower()
        if named in ("http", "https"):
            scheme = named
        else:
            scheme = "https" if connection.conn_type.lower() == "https" else "http"
            prefix = named and "/" + (connection.schema or "").strip().strip("/")
    place, _, path = rest.partition("/")
    place = place.rpartition("@")[2]  # credentials belong in login and password
    if not place:
        raise ConnectionInvalid(f"connection {connection.conn_id}: host: a host name or URL is expected")
    if connection.port and not place.rpartition("]")[2].count(":"):
        place = f"{place}:{connection.port}"
    return f"{scheme.lower()}://{place}{'/' + path.strip('/') if path.strip('/') else ''}{prefix}"


def _from_uri(conn_id: str, uri: str) -> Connection:
    kind, mark, rest = uri.strip().partition("://")
    if not mark or not kind:
        raise ConnectionInvalid(f"connection {conn_id}: JSON, or a URI such as type://login:password@host, is expected")
    try:
        # The scheme is split off first: urlsplit knows none with an underscore.
        parts = urlsplit("//" + rest)
        port = parts.port
    except ValueError:
        parts = None
    if parts is None:
        raise ConnectionInvalid(
            f"connection {conn_id}: the URI's host or port can't be read (encode special characters)"
        )
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    extra: Any = query.pop("__extra__", None)
    name, _, password = parts.netloc.rpartition("@")[0].partition(":")
    host = parts.netloc.rpartition("@")[2]
    if port is not None:
        host = host.rpartition(":")[0]
    return Connection(
        conn_id=conn_id,
        conn_type=kind.replace("-", "_").lower(),
        host=_blank(unquote(host)),
        port=port,
        login=_blank(unquote(name)),
        password=_blank(unquote(password)),
        schema=_blank(unquote(parts.path[1:])),
        extra={**_extra(conn_id, extra), **query},
        uri=uri.strip(),
    )


def _extra(conn_id: str, extra: Any) -> dict[str, Any]:
    if not extra:
        return {}
    if isinstance(extra, str):
        try:
            extra = json.loads(extra)
        except ValueError:
            extra = None
    if not isinstance(extra, Mapping):
        raise ConnectionInvalid(f"connection {conn_id}: extra: a JSON object is expected")
    return dict(extra)


def _blank(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)
