"""REST by cursor: the source says where its next page starts, and remembers nothing.

The watermark is the last cursor the source gave. Where the last page gives none, the cursor that led to
it stays: that page is read again next time, and its rows are unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import Page, Read
from connectors.errors import PermanentError
from connectors.http import Client, dotted
from connectors.rest_answer import page_parts, read_rows
from contracts.model import Contract


def pages(contract: Contract, client: Client, read: Read) -> Iterator[Page]:
    """Pages until the source has no more. PermanentError if it leads in a circle."""
    options = contract.options
    at = dict(read.resume or {"cursor": read.after.get("cursor"), "page": 0})
    while True:
        cursor, number = at["cursor"], at["page"] + 1
        name = f"page-{number:05d}"
        parameters = {options["size_param"]: options["page_size"]}
        if cursor:
            parameters[options["cursor_param"]] = cursor
        rows = client.get(options["path"], parameters, name, lambda a, n=name: read_rows(contract, n, a))
        following = _optional(rows.document, options["next_cursor"])
        following = None if following in (None, "") else str(following)
        more = bool(_optional(rows.document, options["has_more"])) and following is not None
        if more and following == cursor:
            raise PermanentError(
                f"{contract.feed}, {name}: the source says there is more, but gives the same cursor again"
            )
        kept = following or cursor
        yield Page(
            **page_parts(contract, name, rows),
            watermark={"cursor": kept} if kept else {},
            resume={"cursor": following, "page": number} if more else None,
        )
        if not more:
            return
        at = {"cursor": following, "page": number}


def _optional(document: object, path: str) -> object:
    try:
        return dotted(document, path)
    except ValueError:
        return None
