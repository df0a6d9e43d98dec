"""A YAML value that knows where it stands, so that every complaint names file and field.

Contracts, cross rules and agreements are all read through :class:`Node`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

_MISSING = object()


class ContractError(ValueError):
    """A file of this room says something that cannot be; one line: file, field, what is expected."""

    def __init__(self, file: str, field: str, expected: str) -> None:
        super().__init__(f"{file}: {field}: {expected}")
        self.file, self.field, self.expected = file, field, expected


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """The safe loader (libyaml's where it is built in), refusing a key given twice."""


def _mapping(loader: yaml.Loader, node: yaml.MappingNode) -> dict:
    pairs = loader.construct_pairs(node, deep=True)
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise yaml.constructor.ConstructorError(None, None, f"key {twice} given once", node.start_mark)
    return result


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


class Node:
    """A value, its file and its dotted path; reads what is there and says what was expected."""

    __slots__ = ("file", "path", "value")

    def __init__(self, value: Any, file: str, path: str = "") -> None:
        self.value, self.file, self.path = value, file, path

    @classmethod
    def read(cls, path: Path) -> Node:
        """The mapping in a YAML file; ContractError if there is none."""
        try:
            value = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
        except UnicodeDecodeError:
            raise ContractError(path.name, "file", "UTF-8 text is expected") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f"line {mark.line + 1}" if mark else "file"
            problem = getattr(error, "problem", None) or "not readable"
            raise ContractError(path.name, line, f"YAML is expected ({problem})") from None
        if not isinstance(value, dict):
            raise ContractError(path.name, "file", "a mapping is expected")
        return cls(value, path.name)

    def fail(self, expected: str, key: str | None = None) -> NoReturn:
        """Raise the error for this value, or for the one under ``key``."""
        raise ContractError(self.file, self._join(key) if key else self.path or "file", expected)

    def _join(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def at(self, key: str, value: Any) -> Node:
        """``value`` as the node that stands under ``key``."""
        return Node(value, self.file, self._join(key))

    def has(self, key: str) -> bool:
        """Whether the mapping has this key with a value."""
        return self.value.get(key) is not None

    def get(self, key: str, kind: type | tuple[type, ...] = str, default: Any = _MISSING) -> Any:
        """The value under ``key`` of the given kind; the default if absent; else ContractError."""
        value = self.value.get(key)
        if value is None:
            if default is _MISSING:
                self.fail(f"a {_word(kind)} is expected, nothing is there", key)
            return default
        kinds = kind if isinstance(kind, tuple) else (kind,)
        # bool is an int to Python; a contract that says `true` for a number is wrong all the same.
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            self.fail(f"a {_word(kind)} is expected", key)
        return value

    def child(self, key: str, kind: type = dict, default: Any = _MISSING) -> Node:
        """The value under ``key`` as a node."""
        return self.at(key, self.get(key, kind, default))

    def each(self, key: str, default: Any = _MISSING, kind: type = dict) -> Iterator[Node]:
        """The elements of the list under ``key``, named by their own ``name`` or ``property`` if they have one."""
        for index, value in enumerate(self.get(key, list, default)):
            label = value.get("name") or value.get("property") if isinstance(value, dict) else None
            node = Node(value, self.file, f"{self._join(key)}[{label or index}]")
            if not isinstance(value, kind):
                node.fail(f"a {_word(kind)} is expected")
            yield node

    def texts(self, key: str, default: Any = _MISSING) -> tuple[str, ...]:
        """The list of texts under ``key``."""
        values = self.get(key, list, default)
        for value in values:
            if not isinstance(value, str):
                self.fail("a list of texts is expected", key)
        return tuple(values)

    def one_of(self, key: str, allowed: Iterable[str], default: Any = _MISSING) -> Any:
        """The text under ``key``, which must be one of these."""
        value = self.get(key, str, default)
        allowed = list(allowed)
        if value is not default and value not in allowed:
            self.fail(f"one of {', '.join(allowed)} is expected", key)
        return value

    def matching(self, key: str, pattern: str, what: str) -> str:
        """The text under ``key``, which must match the pattern whole."""
        value = self.get(key)
        if not re.fullmatch(pattern, value):
            self.fail(f"{what} is expected", key)
        return value

    def only(self, allowed: Iterable[str]) -> None:
        """ContractError for a key that is not one of these."""
        allowed = list(allowed)
        for key in self.value:
            if key not in allowed:
                self.fail(f"no such property; known are {', '.join(allowed)}", str(key))

    def custom(self, allowed: Iterable[str]) -> Node:
        """ODCS ``customProperties`` (a list of property and value) as one mapping."""
        allowed = list(allowed)
        found: dict[str, Any] = {}
        for entry in self.each("customProperties", []):
            name = entry.get("property")
            if name in found:
                entry.fail("a property given once is expected")
            if name not in allowed:
                entry.fail(f"no such property; known are {', '.join(allowed)}")
            found[name] = entry.value.get("value")
        return Node(found, self.file, self._join("customProperties"))


def _word(kind: type | tuple[type, ...]) -> str:
    words = {str: "text", dict: "mapping", list: "list", bool: "true or false", int: "whole number", float: "number"}
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(words[k] for k in kinds if not (k is int and float in kinds))
