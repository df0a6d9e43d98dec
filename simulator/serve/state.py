"""Where a served county keeps things, and what its servers must remember between starts.

``ServeState`` holds ports and secrets, so that ``connections.env`` stays true when the servers start
again; ``CountyFolder`` names every path below the county's folder. Locks make starts and publications exclusive.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path


class ServeError(RuntimeError):
    """The county can't be served; the text says what to do."""


@dataclass(frozen=True)
class CountyFolder:
    """The paths below one county's folder. ``make_dirs`` creates those that are served."""

    root: Path

    @property
    def county_db(self) -> Path:
        """Truth and offer tables, written by ``county/`` only."""
        return self.root / "county.db"

    @property
    def serve(self) -> Path:
        """The servers' own things: state, locks, log, offers ready to be sent."""
        return self.root / "serve"

    @property
    def state(self) -> Path:
        """Ports and secrets (mode 600)."""
        return self.serve / "state.json"

    @property
    def pid(self) -> Path:
        """Process id of the running servers."""
        return self.serve / "serve.pid"

    @property
    def log(self) -> Path:
        """What a background server wrote."""
        return self.serve / "serve.log"

    @property
    def offers_db(self) -> Path:
        """The visible REST rows and events in serving order."""
        return self.serve / "offers.db"

    @property
    def pending(self) -> Path:
        """Deliveries that a fault holds back, with their due times."""
        return self.serve / "pending.json"

    @property
    def exchange_db(self) -> Path:
        """Public security's exchange database, if it is SQLite."""
        return self.root / "exchange" / "psb_exchange.db"

    @property
    def sftp_root(self) -> Path:
        """What the SFTP server shows as ``/``."""
        return self.root / "sftp"

    @property
    def civil_drop(self) -> Path:
        """Civil affairs' drop folder, ``/civil`` by SFTP."""
        return self.sftp_root / "civil"

    @property
    def edu_drop(self) -> Path:
        """Education's drop folder."""
        return self.root / "edu_drop"

    @property
    def org_directory(self) -> Path:
        """The county office's folder of CSV files."""
        return self.root / "org_directory"

    @property
    def connections(self) -> Path:
        """``AIRFLOW_CONN_*`` lines (mode 600)."""
        return self.root / "connections.env"

    def make_dirs(self) -> None:
        """Create every served folder."""
        for path in (self.serve, self.exchange_db.parent, self.civil_drop, self.edu_drop, self.org_directory):
            path.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class Secrets:
    """The county's logins; random, made once."""

    health_key: str = field(default_factory=lambda: "county-platform-" + secrets.token_hex(4))
    health_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    market_client: str = field(default_factory=lambda: "county-platform-" + secrets.token_hex(4))
    market_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    grid_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    sftp_login: str = "county_platform"
    sftp_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    exchange_login: str = field(default_factory=lambda: "exchange_reader_" + secrets.token_hex(4))
    exchange_password: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@dataclass(frozen=True)
class ServeState:
    """One county's serving options and secrets. Ports are 0 until first bound."""

    secrets: Secrets = field(default_factory=Secrets)
    host: str = "127.0.0.1"
    public_host: str = "127.0.0.1"  # what connections.env says; a service's name under compose
    http_port: int = 0
    sftp_port: int = 0
    sftp_host_key: str = ""  # private, OpenSSH form
    sftp_public_key: str = ""
    faults: bool = False
    fault_seed: int = 0
    fault_delay: float = 10.0  # seconds until a held-back delivery is put right
    token_seconds: int = 1800
    exchange_url: str = ""  # SQLAlchemy URL of an owner's account; "" = the SQLite file


def load_state(folder: CountyFolder) -> ServeState | None:
    """The kept state, or None when this county was never served."""
    if not folder.state.exists():
        return None
    values = json.loads(folder.state.read_text())
    return ServeState(**{**values, "secrets": Secrets(**values["secrets"])})


def save_state(folder: CountyFolder, state: ServeState) -> None:
    """Keep ``state``, readable by its owner alone."""
    write_private(folder.state, json.dumps(asdict(state), indent=1))


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` atomically with ``text``, mode 600 from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(path)


def with_options(state: ServeState, **options: object) -> ServeState:
    """``state`` with those options that are not None."""
    return replace(state, **{name: value for name, value in options.items() if value is not None})


@contextmanager
def exclusive(folder: CountyFolder, name: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold the county's lock ``name``; yields False when it is taken and ``wait`` is False.

    The lock is the kernel's, so a killed holder leaves none behind (a pid file alone would).
    """
    folder.serve.mkdir(parents=True, exist_ok=True)
    with (folder.serve / f"{name}.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def is_serving(folder: CountyFolder) -> bool:
    """Whether a server process of this county lives."""
    if not folder.serve.exists():
        return False
    with exclusive(folder, "server", wait=False) as free:
        return not free
