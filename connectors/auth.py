"""How a request proves who asks: signed (HMAC), bearer token, OAuth2 client credentials."""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from connectors.connection import Connection
from connectors.errors import ConnectionInvalid, PermanentError


class Auth(Protocol):
    """Headers for one attempt of one request; ``renew`` after a 401 says whether trying again can help."""

    def headers(self, method: str, path: str, query: str) -> dict[str, str]: ...

    def renew(self) -> bool: ...


@dataclass(frozen=True)
class Signed:
    """``X-Signature`` = hex HMAC-SHA256(secret, METHOD\\nPATH\\nQUERY\\nTIMESTAMP\\nNONCE), the query byte
    for byte as it is sent. Signed anew for each attempt: a timestamp is good for five minutes."""

    key: str
    secret: str = field(repr=False)
    clock: Callable[[], float] = time.time

    def headers(self, method: str, path: str, query: str) -> dict[str, str]:
        stamp, nonce = str(int(self.clock() * 1000)), uuid.uuid4().hex
        text = "\n".join((method, path, query, stamp, nonce))
        signature = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return {"X-App-Key": self.key, "X-Timestamp": stamp, "X-Nonce": nonce, "X-Signature": signature}

    def renew(self) -> bool:
        return False


@dataclass(frozen=True)
class Bearer:
    """A fixed token."""

    token: str = field(repr=False)

    def headers(self, method: str, path: str, query: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def renew(self) -> bool:
        return False


@dataclass
class ClientCredentials:
    """OAuth2 client credentials: a token is got when first needed, before it expires, and after a 401."""

    fetch: Callable[[dict[str, str]], dict] = field(repr=False)  # posts the form, returns the JSON answer
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    clock: Callable[[], float] = time.monotonic
    _token: str | None = field(default=None, repr=False)
    _until: float = 0.0

    def headers(self, method: str, path: str, query: str) -> dict[str, str]:
        if self._token is None or self.clock() >= self._until:
            self._get()
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        self._token = None
        return True

    def _get(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        answer = self.fetch(form)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise PermanentError("token: the answer has no access_token")
        self._token = token
        try:
            life = float(answer.get("expires_in") or 1800)
        except (TypeError, ValueError):
            life = 1800.0
        self._until = self.clock() + max(life - 30, life / 2)


def credential(connection: Connection, *names: str) -> tuple[str, ...]:
    """Parts of a connection that must be there. ConnectionInvalid names the missing one."""
    found = []
    for name in names:
        value = getattr(connection, name)
        if not value:
            raise ConnectionInvalid(f"connection {connection.conn_id}: {name} is missing")
        found.append(value)
    return tuple(found)
