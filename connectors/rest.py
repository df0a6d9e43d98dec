"""REST interfaces (接口服务): the style of paging and of proving who asks comes from the contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors import rest_cursor, rest_link, rest_page
from connectors.base import Page, Read
from connectors.connection import Connection
from connectors.errors import PermanentError
from connectors.http import Client
from connectors.retry import Patience
from contracts.model import Contract

_STYLES = {"page": rest_page.pages, "cursor": rest_cursor.pages, "link": rest_link.pages}


@dataclass(frozen=True)
class RestConnector:
    """Options: see docs/contracts.md, connector ``rest``."""

    patience: Patience = Patience()

    def plan(self, contract: Contract, connection: Connection, watermark: Mapping[str, Any]) -> Iterable[Read]:
        """One read: what changed since the watermark."""
        after = watermark.get("after")
        window = (
            f"since {after}" if after else "since the last cursor" if watermark.get("cursor") else "from the beginning"
        )
        yield Read(contract.feed, window, after=dict(watermark))

    def pages(self, contract: Contract, connection: Connection, read: Read) -> Iterator[Page]:
        """The pages of a read; see the style's module for what it guarantees."""
        style = _STYLES.get(contract.options.get("style"))
        if style is None:
            raise PermanentError(f"{contract.feed}: option style: page, cursor or link is expected")
        with Client(contract, connection, self.patience) as client:
            yield from style(contract, client, read)
