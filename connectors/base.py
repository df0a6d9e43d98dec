"""What every connector offers: ``plan`` says what there is to fetch, ``pages`` fetches one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from connectors.connection import Connection
from contracts.model import Contract

ROW_COLUMNS = ("_location", "_partition", "_error", "_raw", "_extra")  # before the source's own columns


@dataclass(frozen=True)
class Read:
    """One thing to fetch: it becomes one batch."""

    feed: str
    delivery: str  # file name or window; never a person's value
    period: str | None = None  # yyyymm of a file
    after: Mapping[str, Any] = field(default_factory=dict)  # the feed's watermark: where to start
    source: Mapping[str, Any] = field(default_factory=dict)  # the connector's own notes (file name, digest promised)
    fetched_at: datetime | None = None  # set by the landing; watermarks never pass it
    resume: Mapping[str, Any] | None = None  # set by the landing: go on after the page that said this


@dataclass(frozen=True)
class Page:
    """A bounded part of a read.

    ``rows`` has the string columns ``ROW_COLUMNS`` and then ``contract.source_columns``, a row as it
    came (null = absent). An unreadable row has ``_error`` (a reason code) and ``_raw`` and nothing else.
    """

    name: str  # e.g. page-00012.json
    raw: bytes  # as received, less forbidden columns
    rows: pa.Table
    watermark: Mapping[str, Any]  # what the feed's state may become once this page is loaded
    digest: str  # SM3 of the bytes as received, before any cut; of the whole file where the read is a file
    resume: Mapping[str, Any] | None = None  # how a broken read goes on after this page; None: from its start
    columns: tuple[str, ...] = ()  # the source's own names seen in this page
    drift: tuple[Mapping[str, Any], ...] = ()  # columns added, renamed, missing, as far as the page can tell
    partitions: tuple[str, ...] = ()  # sheets seen
    judged: bool = False  # missing columns are already judged (a file's header, a table's columns)


class Connector(Protocol):
    """A protocol's way to read. Stateless: everything comes with the call."""

    def plan(self, contract: Contract, connection: Connection, watermark: Mapping[str, Any]) -> Iterable[Read]:
        """What there is to fetch since ``watermark``, in the order in which it must be loaded."""
        ...

    def pages(self, contract: Contract, connection: Connection, read: Read) -> Iterator[Page]:
        """The pages of a read, in bounded memory. Raises ConnectorError only."""
        ...


def sm3(*parts: bytes) -> str:
    """SM3 (GB/T 32905-2016) of the parts one after the other, as 64 hexadecimal digits."""
    digest = hashlib.new("sm3")
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
