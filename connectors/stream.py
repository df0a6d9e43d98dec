"""NDJSON event streams (事件流): a line an event, in ascending sequence, asked for from where we stand.

One stream may carry events of several feeds; each feed lands its own by their type. A line that is no
JSON object is an unreadable row (``row.json``); its sequence and type are looked for in its text, so that
it neither comes again for ever nor lands in the wrong feed. A body that ends within a line was cut by the
connection and is asked for again; it counts as broken only when the same bytes come twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from connectors import json_text
from connectors.base import Page, Read, sm3
from connectors.connection import Connection
from connectors.http import Answer, Client
from connectors.retry import Patience
from connectors.rows import from_objects, keep, row_schema, without
from contracts.model import Contract


@dataclass(frozen=True)
class StreamConnector:
    """Options: see docs/contracts.md, connector ``stream``."""

    patience: Patience = Patience()

    def plan(self, contract: Contract, connection: Connection, watermark: Mapping[str, Any]) -> Iterable[Read]:
        """One read: the events after the watermark ``{"seq": n}``."""
        seq = watermark.get("seq")
        yield Read(contract.feed, "from the beginning" if seq is None else f"after {seq}", after=dict(watermark))

    def pages(self, contract: Contract, connection: Connection, read: Read) -> Iterator[Page]:
        """Pages until an empty body. A page may hold no row of this feed; its sequence counts all the same."""
        options = contract.options
        at = dict(read.resume or {"seq": read.after.get("seq"), "page": 0})
        with Client(contract, connection, self.patience) as client:
            while True:
                name = f"page-{at['page'] + 1:05d}"
                after = at["seq"] or 0
                parameters = {options["after_param"]: after, options["size_param"]: options["page_size"]}
                body = client.get(options["path"], parameters, name, _Whole().body)
                lines = [line for line in body.split(b"\n") if line.strip()]
                if not lines:
                    return
                events = _events(contract, lines)
                seq = max((e.seq for e in events if e.seq is not None), default=None)
                stuck = seq is None or seq <= after  # a page without a sequence leads nowhere
                while not stuck and events[-1].seq is None:
                    events.pop()  # asked from the sequence before it, it comes again with the next page
                at = {"seq": after if stuck else seq, "page": at["page"] + 1}
                yield _page(contract, name, body, events, at, last=stuck)
                if stuck:
                    return


@dataclass(frozen=True)
class _Event:
    line: int
    text: bytes
    value: dict | None  # None: unreadable
    seq: int | None
    kind: str | None


@dataclass
class _Whole:
    """Tells a cut body from a whole one, over the attempts of one request."""

    before: set[bytes] = field(default_factory=set)

    def body(self, answer: Answer) -> bytes:
        body = answer.body
        tail = body.rpartition(b"\n")[2]
        if tail.strip() and body not in self.before:
            try:
                json_text.decode(tail)
            except ValueError:
                self.before.add(body)
                raise
        return body


def _events(contract: Contract, lines: list[bytes]) -> list[_Event]:
    sequence, kind = contract.options["sequence"], contract.options["type_field"]
    seq_text = re.compile(rb'"%s"\s*:\s*"?(\d+)' % re.escape(sequence.encode()))
    kind_text = re.compile(rb'"%s"\s*:\s*"([^"]+)"' % re.escape(kind.encode()))
    events = []
    for number, line in enumerate(lines, 1):
        value: Any = None
        try:
            value = json_text.decode(line)
        except ValueError:
            value = None
        if isinstance(value, dict):
            said = str(value.get(sequence, ""))
            events.append(_Event(number, line, value, int(said) if said.isdigit() else None, value.get(kind)))
            continue
        seq, named = seq_text.search(line), kind_text.search(line)
        events.append(
            _Event(
                number, line, None, int(seq[1]) if seq else None, named[1].decode("utf-8", "replace") if named else None
            )
        )
    return events


def _page(contract: Contract, name: str, body: bytes, events: list[_Event], at: dict, *, last: bool) -> Page:
    wanted = contract.options["type"]
    # An event whose type can't be told may be ours; one of another type is that feed's, readable or not.
    ours = [e for e in events if e.kind == wanted or (e.value is None and e.kind is None)]
    readable = [e for e in ours if e.value is not None]
    rows, layout, seen = from_objects(
        contract, [e.value for e in readable], [f"{name} line {e.line}" for e in readable], name
    )
    broken = [e for e in ours if e.value is None]
    if broken:
        columns = {
            "_location": [f"{name} line {e.line}" for e in broken],
            "_error": ["row.json"] * len(broken),
            "_raw": [keep(contract, e.text) for e in broken],
        }
        schema = row_schema(contract)
        nothing = pa.nulls(len(broken), pa.string())
        table = pa.table(
            [pa.array(columns[n], pa.string()) if n in columns else nothing for n in schema.names], schema=schema
        )
        order = sorted(range(len(ours)), key=[e.line for e in (*readable, *broken)].__getitem__)
        rows = pa.concat_tables([rows, table]).take(pa.array(order, pa.int64()))
    raw = body
    if contract.forbidden:
        raw = b"\n".join(json_text.encode(item).encode() for item in without([e.value for e in readable], layout))
    elif len(ours) < len(events):
        raw = b"\n".join(e.text for e in ours)
    return Page(
        name=f"{name}.ndjson",
        raw=raw,
        rows=rows,
        watermark={"seq": at["seq"]},
        digest=sm3(body),
        resume=None if last else dict(at),
        # Keys of a page without our rows say nothing about the schema.
        columns=tuple(key for key in seen if key != contract.options["type_field"]),
        drift=tuple(d for d in layout.drift if d["column"] != contract.options["type_field"]),
    )
