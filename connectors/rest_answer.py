"""An answer of a REST interface: its envelope judged, its rows made a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors import json_text
from connectors.base import sm3
from connectors.errors import AuthenticationRefused, PermanentError, TransientError
from connectors.http import Answer, dotted
from connectors.rows import from_objects, without
from contracts.model import Contract


@dataclass(frozen=True)
class Rows:
    """The rows of an answer and what stands around them."""

    items: list[Any]
    document: Any
    body: bytes
    answer: Answer


def read_rows(contract: Contract, what: str, answer: Answer) -> Rows:
    """The list of rows of an answer. ValueError where it is no JSON or has no such list (cut off, or an
    error page); TransientError, AuthenticationRefused or PermanentError by the envelope's code."""
    document = json_text.decode(answer.body)
    envelope = contract.options.get("envelope")
    if envelope:
        code = str(dotted(document, envelope["code"]))
        if code != str(envelope["ok"]):
            where = f"{contract.feed}, {what}: code {code[:12]}"
            if code in {str(c) for c in envelope.get("transient", ())}:
                raise TransientError(f"{where}, a temporary error (or this machine's clock is off)")
            if code in {str(c) for c in envelope.get("auth", ())}:
                raise AuthenticationRefused(f"{where}, our signature is refused")
            raise PermanentError(f"{where} where {envelope['ok']} is expected")
    items = dotted(document, str(contract.options.get("rows", "")))
    if not isinstance(items, list):
        raise ValueError("rows")
    return Rows(items, document, answer.body, answer)


def page_parts(contract: Contract, name: str, rows: Rows) -> dict[str, Any]:
    """What a page is made of, watermark and resume aside. Its raw is the body as received, or, where columns
    are forbidden, the rows alone, less those columns."""
    locations = [f"{name} row {n}" for n in range(1, len(rows.items) + 1)]
    table, layout, seen = from_objects(contract, rows.items, locations, name)
    raw = json_text.encode(without(rows.items, layout)).encode() if contract.forbidden else rows.body
    return {
        "name": f"{name}.json",
        "raw": raw,
        "rows": table,
        "digest": sm3(rows.body),
        "columns": seen,
        "drift": layout.drift,
    }


def update_times(contract: Contract, rows: Rows) -> list[str | None]:
    """The rows' update times as sent; None where a row has none."""
    column = contract.options["updated"]
    times = [item.get(column) if isinstance(item, dict) else None for item in rows.items]
    return [time if isinstance(time, str) and time else None for time in times]
