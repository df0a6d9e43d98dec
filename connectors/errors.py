"""Why a source could not be read, and whether trying again can help.

```
ConnectorError
├── TransientError           try again later (``retry_after`` seconds if the source said so)
└── PermanentError           a person has to act; trying again changes nothing
    ├── ConnectionInvalid    the connection is missing or can't be understood
    ├── AuthenticationRefused
    ├── DeliveryRefused      what arrived contradicts itself or the contract; it is kept, not landed
    └── LandingError         the landing folder itself: no such batch, purged, damaged
```

A message is one line that names feed, page or file and what was expected. It carries no value of a
row, no key, no address with parameters and no credential: texts of the libraries below (which quote
SQL with its values, or URLs) are never passed on. For the same reason an error is raised outside the
``except`` block that met the cause, so that no traceback shows it.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Any failure to read a source or to land what it sent."""


class TransientError(ConnectorError):
    """The source may answer later: dropped connection, time-out, 429, 5xx, a temporary code."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds the source asked for


class PermanentError(ConnectorError):
    """Trying again changes nothing."""


class ConnectionInvalid(PermanentError):
    """The connection id is not configured or its parts can't be understood."""


class AuthenticationRefused(PermanentError):
    """The source does not accept our credential."""


class DeliveryRefused(PermanentError):
    """A delivery that contradicts its control data or the contract's change policy.

    ``kept``: the bytes to keep for the person who looks into it, less forbidden columns (None where
    they can't be told apart); ``digest``: SM3 of the bytes as received; ``length``: their number;
    ``reason``: a code for counts (``digest``, ``rows``, ``columns``, ``unreadable``, ``too_large``).
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "columns",
        delivery: str | None = None,
        period: str | None = None,
        digest: str | None = None,
        length: int | None = None,
        kept: bytes | None = None,
    ) -> None:
        super().__init__(message)
        self.reason, self.delivery, self.period = reason, delivery, period
        self.digest, self.length, self.kept = digest, length, kept


class LandingError(PermanentError):
    """No such batch, a purged batch, or a damaged one."""
