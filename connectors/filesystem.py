"""A drop folder (交换目录) over fsspec: a local path, SFTP or S3-compatible storage.

``extra.path`` is a path or URL (``/data/drop``, ``file://…``, ``sftp://login:password@host:port/path``,
``s3://bucket/prefix``); an SFTP connection has the folder in ``extra.path`` or in its URI. S3 takes key and
secret from ``extra.key``/``extra.secret`` or login and password, and ``extra.endpoint_url``.
Files are read into memory only: what must not be kept is cut before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import fsspec

from connectors.connection import Connection
from connectors.errors import AuthenticationRefused, ConnectionInvalid, ConnectorError, PermanentError, TransientError
from connectors.retry import Patience

T = TypeVar("T")
LARGEST = 1 << 30  # bytes of one file; a county's feeds are a thousandth of it
_DENIED = (
    "AuthenticationException",
    "BadAuthenticationType",
    "BadHostKeyException",
    "NoCredentialsError",
    "PasswordRequiredException",
)
_DENIED_CODES = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "Forbidden")


@dataclass(frozen=True)
class Place:
    """Where a folder is: fsspec protocol, path, options of the file system."""

    protocol: str
    path: str
    options: dict[str, Any]


@dataclass
class Folder:
    """An open folder. A connection that broke is made anew for the next attempt."""

    place: Place
    feed: str
    patience: Patience
    files: Any = None  # fsspec file system; None: not connected

    def names(self) -> list[str]:
        """The names of the files in it, sorted."""

        def listing() -> list[str]:
            found = self.files.ls(self.place.path, detail=True)
            return sorted(f["name"].rstrip("/").rpartition("/")[2] for f in found if f["type"] != "directory")

        return self._asked("the drop folder", listing)

    def read(self, name: str) -> bytes:
        """A file's bytes. PermanentError where it is larger than ``LARGEST``."""
        path = f"{self.place.path.rstrip('/')}/{name}"

        def whole() -> bytes:
            size = int(self.files.info(path)["size"] or 0)
            if size > LARGEST:
                raise PermanentError(f"{self.feed}, {name}: {size} bytes where at most {LARGEST} are expected")
            data = self.files.cat_file(path)
            if len(data) != size:
                raise TransientError(f"{self.feed}, {name}: {len(data)} of {size} bytes came")
            return data

        return self._asked(name, whole)

    def close(self) -> None:
        """End the connection, if there is one to end."""
        files, self.files = self.files, None
        if self.place.protocol == "sftp" and files is not None:
            files.client.close()

    def _asked(self, what: str, ask: Callable[[], T]) -> T:
        def attempt() -> T:
            try:
                return _translated(f"{self.feed}, {what}", lambda: self._connected(ask))
            except TransientError:
                self.close()
                raise

        return self.patience.run(attempt)

    def _connected(self, ask: Callable[[], T]) -> T:
        if self.files is None:
            self.files = _file_system(self.place)
        return ask()


@contextmanager
def opened(connection: Connection, feed: str, patience: Patience) -> Iterator[Folder]:
    """The connection's folder, connected when first used and closed at the end. Raises ConnectorError."""
    folder = Folder(place_of(connection), feed, patience)
    try:
        yield folder
    finally:
        folder.close()


def place_of(connection: Connection) -> Place:
    """Protocol, path and options. ConnectionInvalid where no folder is named."""
    path = str(connection.extra.get("path") or "").strip()
    kind = connection.conn_type.lower()
    if path.startswith("sftp://"):
        failed = False
        try:
            parts = urlsplit(path)
            there = replace(
                connection,
                host=parts.hostname,
                port=parts.port or connection.port,
                login=unquote(parts.username) if parts.username else connection.login,
                password=unquote(parts.password) if parts.password else connection.password,
            )
            return Place("sftp", unquote(parts.path) or ".", _sftp_options(there))
        except ValueError:
            failed = True
        if failed:
            raise ConnectionInvalid(
                f"connection {connection.conn_id}: extra.path: sftp://login:password@host:port/path is expected"
            )
    if path.startswith("s3://"):
        return Place("s3", path.removeprefix("s3://").split("?")[0].rstrip("/"), _s3_options(connection))
    if path.startswith("file://"):
        return Place("file", unquote(urlsplit(path).path), {})
    if kind in ("sftp", "ssh"):
        folder = path or ("/" + connection.schema if connection.schema else ".")
        return Place("sftp", folder, _sftp_options(connection))
    if kind == "s3" and connection.host and not path:
        return Place(
            "s3", "/".join(filter(None, (connection.host, connection.schema))).rstrip("/"), _s3_options(connection)
        )
    if not path and kind in ("file", "fs", "local") and (connection.schema or connection.host):
        path = (
            "/" + (connection.schema or "") if not connection.host else f"{connection.host}/{connection.schema or ''}"
        )
    if not path or "://" in path:
        raise ConnectionInvalid(
            f"connection {connection.conn_id}: extra.path: a path, sftp:// or s3:// URL is expected"
        )
    return Place("file", path, {})


def _sftp_options(connection: Connection) -> dict[str, Any]:
    if not connection.host:
        raise ConnectionInvalid(f"connection {connection.conn_id}: host is missing")
    extra = connection.extra
    options = {
        "host": connection.host,
        "port": connection.port or 22,
        "username": connection.login,
        "password": connection.password,
        "key_filename": extra.get("key_file"),
        "private_key": extra.get("private_key"),
        "passphrase": extra.get("private_key_passphrase"),
        "host_key": extra.get("host_key"),
    }
    return {name: value for name, value in options.items() if value is not None}


def _s3_options(connection: Connection) -> dict[str, Any]:
    extra = connection.extra
    region = extra.get("region_name") or extra.get("region")
    options = {
        "key": extra.get("key") or extra.get("aws_access_key_id") or connection.login,
        "secret": extra.get("secret") or extra.get("aws_secret_access_key") or connection.password,
        "endpoint_url": extra.get("endpoint_url") or extra.get("host"),
        "client_kwargs": {"region_name": region} if region else None,
        # One attempt: our own patience decides about the next.
        "config_kwargs": {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 0}},
    }
    return {name: value for name, value in options.items() if value is not None}


def _file_system(place: Place) -> Any:
    fresh = {"skip_instance_cache": True, "use_listings_cache": False}
    if place.protocol == "sftp":
        from connectors.sftp import Sftp

        return Sftp(**place.options, **fresh)
    return fsspec.filesystem(place.protocol, **place.options, **fresh)


def _translated(where: str, ask: Callable[[], T]) -> T:
    failure: ConnectorError
    try:
        return ask()
    except ConnectorError:
        raise
    except FileNotFoundError:
        failure = PermanentError(f"{where}: it is not there")
    except PermissionError:
        failure = AuthenticationRefused(f"{where}: access is refused")
    except Exception as error:
        # fsspec's back ends raise their own trees (paramiko, botocore, aiohttp): told apart by name, so that
        # no back end has to be imported for a site that doesn't use it.
        kinds = {kind.__name__ for kind in type(error).__mro__}
        code = (
            str(getattr(error, "response", {}).get("Error", {}).get("Code", "")) if hasattr(error, "response") else ""
        )
        if kinds & set(_DENIED) or code in _DENIED_CODES:
            failure = AuthenticationRefused(f"{where}: our login is refused ({type(error).__name__})")
        elif kinds & {"OSError", "EOFError", "SSHException", "BotoCoreError", "ClientError", "ClientConnectionError"}:
            failure = TransientError(f"{where}: the connection failed ({type(error).__name__})")
        else:
            failure = PermanentError(f"{where}: it can't be read ({type(error).__name__})")
    raise failure
