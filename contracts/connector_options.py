"""Checks what a contract tells its connector: the words of docs/contracts.md and no others."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Any

from contracts.node import Node
from contracts.vocabulary import CONNECTOR_OPTIONS, OPTION_NEEDS, OPTION_WORDS

_ENVELOPE = {"code": (str, True), "ok": ((int, str), True), "transient": (list, False), "auth": (list, False)}


def read_connector(node: Node) -> tuple[str, Mapping[str, Any]]:
    """The connector's name and its options. Raises ContractError."""
    kind = node.one_of("kind", CONNECTOR_OPTIONS)
    known = CONNECTOR_OPTIONS[kind]
    node.only(("kind", *known))
    options: dict[str, Any] = {}
    for name, (type_, needed) in known.items():
        if (kind, name) in OPTION_WORDS:
            options[name] = node.one_of(name, OPTION_WORDS[kind, name])
        elif needed or name in node.value:
            options[name] = node.get(name, type_)
        if type_ is int and name in options and options[name] <= 0:
            node.fail("a number above 0 is expected", name)
        if type_ is list and name in options:
            options[name] = node.texts(name)
    for (of, name, word), needs in OPTION_NEEDS.items():
        if of == kind and options.get(name) == word:
            for need in needs:
                if need not in options:
                    node.fail(f"an option is expected with {name} {word}", need)
    if "envelope" in options:
        _check_envelope(node.child("envelope"))
    if "file" in options:
        _check_pattern(node, "file", options["file"])
    for pattern in options.get("footer", ()):
        _check_pattern(node, "footer", pattern)
    if "encoding" in options:
        try:
            codecs.lookup(options["encoding"])
        except LookupError:
            node.fail("the name of an encoding is expected", "encoding")
    return kind, options


def _check_envelope(node: Node) -> None:
    node.only(_ENVELOPE)
    for name, (kind, needed) in _ENVELOPE.items():
        if needed or node.has(name):
            node.get(name, kind)


def _check_pattern(node: Node, key: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error:
        node.fail("a regular expression is expected", key)
