"""Drop folders (文件交换): deliveries as files, complete once their companion ``<file>.ok`` stands beside them.

A file is read whole into memory, checked against its companion (rows and SM3 of its bytes) and cut before a
byte is written. One that disagrees is refused whole and reported, and read again only to be refused again
until the department replaces it or its companion; it does not stand in the way of other files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from connectors import drop_csv
from connectors.base import Page, Read, sm3
from connectors.connection import Connection
from connectors.errors import DeliveryRefused, PermanentError
from connectors.filesystem import Folder, opened
from connectors.retry import Patience
from contracts.model import Contract

COMPANION = ".ok"


@dataclass(frozen=True)
class DropConnector:
    """Options: see docs/contracts.md, connector ``drop``."""

    patience: Patience = Patience()
    # The folder a plan has open, by connection id: its reads use it too, one login a feed instead of one a file.
    _open: dict[str, Folder] = field(default_factory=dict, repr=False, compare=False)

    def plan(self, contract: Contract, connection: Connection, watermark: Mapping[str, Any]) -> Iterable[Read]:
        """A read for each complete file whose content is new, by period and name. A watermark is
        ``{"files": {name: SM3}}``; new content under an old name is a new delivery."""
        pattern = re.compile(str(contract.options["file"]))
        known = dict(watermark.get("files") or {})
        reads = []
        with opened(connection, contract.feed, self.patience) as folder:
            names = folder.names()
            for name in names:
                match = pattern.fullmatch(name)
                if match is None:
                    continue
                period = match.groupdict().get("period") or _period(contract, name)
                if contract.options.get("companion") == "ok":
                    if name + COMPANION not in names:
                        continue
                    source = _promise(folder.read(name + COMPANION))
                else:
                    source = {"sm3": sm3(folder.read(name)), "rows": None}
                if known.get(name) is None or known[name] != source["sm3"]:
                    reads.append(Read(contract.feed, name, period, after={"files": known}, source=source))
            self._open[connection.conn_id] = folder
            try:
                yield from sorted(reads, key=lambda read: (read.period or "", read.delivery))
            finally:
                self._open.pop(connection.conn_id, None)

    def pages(self, contract: Contract, connection: Connection, read: Read) -> Iterator[Page]:
        """The file's pages. DeliveryRefused where digest, count or header disagree with companion or contract:
        for a digest before the first page, for a count of a CSV behind the last."""
        name, promised = read.delivery, read.source.get("rows")
        with self._folder(contract, connection) as folder:
            data = folder.read(name)
            digest = sm3(data)
            if contract.options.get("companion") == "ok":
                data, digest, promised = self._agreed(contract, folder, read, data, digest)
        mark = {"files": {name: digest}}
        refusal: DeliveryRefused | None = None
        try:
            for page in self._parsed(contract, data, name, digest, promised):
                yield replace(page, watermark=mark)
        except DeliveryRefused as error:
            refusal = _refusal(contract, name, str(error), error.reason, data, digest)
        if refusal is not None:
            raise refusal

    @contextmanager
    def _folder(self, contract: Contract, connection: Connection) -> Iterator[Folder]:
        shared = self._open.get(connection.conn_id)
        if shared is not None:
            yield shared
            return
        with opened(connection, contract.feed, self.patience) as folder:
            yield folder

    def _agreed(
        self, contract: Contract, folder: Folder, read: Read, data: bytes, digest: str
    ) -> tuple[bytes, str, int]:
        """Bytes, digest and promised rows, once they agree. The companion is read again first: the department
        may have replaced file and companion since the plan."""
        name = read.delivery
        promise = _promise(folder.read(name + COMPANION))
        if promise["sm3"] != digest and promise != read.source:
            data = folder.read(name)
            digest = sm3(data)
        if promise["rows"] is None:
            said = "its companion is not one line of JSON with rows and sm3"
            raise _refusal(contract, name, f"{contract.feed}, {name}: {said}", "companion", data, digest)
        if promise["sm3"] != digest:
            said = f"SM3 {digest[:12]}… where its companion says {promise['sm3'][:12]}…"
            raise _refusal(contract, name, f"{contract.feed}, {name}: {said}", "digest", data, digest)
        return data, digest, promise["rows"]

    def _parsed(self, contract: Contract, data: bytes, name: str, digest: str, promised: int | None) -> Iterator[Page]:
        kind = contract.options.get("format")
        if kind == "xlsx":
            from connectors import drop_xlsx

            yield from drop_xlsx.pages(contract, data, name, digest, promised)
        elif kind == "csv":
            counted = drop_csv.Counted()
            yield from drop_csv.pages(contract, data, name, digest, counted)
            if promised is not None and promised not in (counted.rows, counted.lines):
                raise DeliveryRefused(
                    f"{contract.feed}, {name}: {counted.rows} rows where its companion says {promised}", reason="rows"
                )
        else:
            raise PermanentError(f"{contract.feed}: option format: csv or xlsx is expected")


def _promise(companion: bytes) -> dict[str, Any]:
    """What a companion says; ``rows`` None where it can't be read (refused when the file's turn comes)."""
    try:
        said = json.loads(companion.decode("utf-8-sig"))
        rows, digest = said["rows"], str(said["sm3"]).strip().lower()
        if isinstance(rows, int) and not isinstance(rows, bool) and re.fullmatch("[0-9a-f]{64}", digest):
            return {"sm3": digest, "rows": rows}
    except (ValueError, KeyError, TypeError):
        pass
    return {"sm3": sm3(companion), "rows": None}


def _period(contract: Contract, name: str) -> str | None:
    match = re.search(contract.period_from, name) if contract.period_from else None
    return match.groupdict().get("period") if match else None


def _refusal(contract: Contract, name: str, message: str, reason: str, data: bytes, digest: str) -> DeliveryRefused:
    """A refusal with what may be kept of the file."""
    if contract.options.get("format") == "csv":
        kept = drop_csv.without_forbidden(contract, data, name)
    else:
        kept = None if contract.forbidden else data
    return DeliveryRefused(message, reason=reason, delivery=name, digest=digest, length=len(data), kept=kept)
