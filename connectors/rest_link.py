"""REST by Link header (RFC 8288): the source gives the address of its next page.

The watermark is the greatest update time seen, never past the moment of the fetch. ``since`` means "at
or after": the rows of that moment come again next time, and are unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator

import requests

from connectors.base import Page, Read
from connectors.errors import PermanentError
from connectors.http import Client
from connectors.rest_answer import page_parts, read_rows, update_times
from connectors.watermark import Greatest
from contracts.model import Contract


def pages(contract: Contract, client: Client, read: Read) -> Iterator[Page]:
    """Pages until there is no ``next`` link. PermanentError if the links lead in a circle."""
    options = contract.options
    greatest = Greatest.of(contract, read)
    parameters = {options["size_param"]: options["page_size"]}
    if read.after.get("after"):
        parameters[options["since_param"]] = read.after["after"]
    at = dict(read.resume or {"path": options["path"], "parameters": parameters, "page": 0})
    while True:
        number = at["page"] + 1
        name = f"page-{number:05d}"
        rows = client.get(at["path"], at["parameters"], name, lambda a, n=name: read_rows(contract, n, a))
        greatest = greatest.over(update_times(contract, rows))
        link = requests.utils.parse_header_links(rows.answer.headers.get("Link", ""))
        target = next((part["url"] for part in link if "next" in part.get("rel", "").split()), None)
        following = None
        if target:
            path, query = client.follow(target, rows.answer.path)
            following = {"path": path, "parameters": query, "page": number, "greatest": greatest.text}
            if (path, query) == (at["path"], {k: str(v) for k, v in at["parameters"].items()}):
                raise PermanentError(f"{contract.feed}, {name}: the next link leads to the same page")
        yield Page(**page_parts(contract, name, rows), watermark=greatest.watermark(), resume=following)
        if following is None:
            return
        at = following
