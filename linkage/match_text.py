"""A list as text: its encoding and its separator found, then read by lines as any department's CSV is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors import csv_lines

SUFFIXES = (".csv", ".txt", ".tsv")  # Excel saves its "Unicode text" as .txt: UTF-16 with tabs
SEPARATORS = (",", "\t", ";")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
# Another separator and the comma change places before reading and, within cells, after it. Neither of these bytes is part of a
# character in UTF-8 or GB 18030.
_SWAPPED = {sign: (bytes.maketrans(f"{sign},".encode(), f",{sign}".encode()), str.maketrans(f"{sign},", f",{sign}")) for sign in SEPARATORS}


class TextList:
    """The text as if its separator were a comma. ``head``: the cells of its first lines."""

    def __init__(self, data: bytes, encoding: str, separator: str, first: int) -> None:
        self._data, self._separator, self._encoding = data, separator, encoding
        newline = b"\n" if b"\n" in data else b"\r"
        self._lines = data.split(newline, first)[:first]
        plain = (self._swapped(line.rstrip(b"\r")).decode(encoding, "replace") for line in self._lines)
        self.head = [self._back(csv_lines.parse_line(line) or []) for line in plain]

    def rows(self, header: int, width: int) -> Iterator[tuple[list[Any], int, str | None]]:
        """Cells, line and error of every row below the line ``header`` (from 0); of a broken one its text is the first cell."""
        start = sum(len(line) + 1 for line in self._lines[: header + 1])
        for block in csv_lines.blocks(self._swapped(self._data[start:]), self._encoding, width, header + 2):
            for line, error, raw, *cells in zip(block.line, block.error, block.raw, *(c.to_pylist() for c in block.cells), strict=True):
                if raw is None:
                    yield self._back(cells), line, error
                else:
                    text = self._swapped(raw).decode(self._encoding, "backslashreplace")
                    yield [text.replace("\0", "␀")] + [None] * (width - 1), line, error

    def _swapped(self, data: bytes) -> bytes:
        return data if self._separator == "," else data.translate(_SWAPPED[self._separator][0])

    def _back(self, cells: Sequence[Any]) -> list[Any]:
        table = _SWAPPED[self._separator][1]
        return list(cells) if self._separator == "," else [cell.translate(table) if cell else cell for cell in cells]


def readings(data: bytes, first: int) -> Iterator[TextList]:
    """The text by each separator that stands in its first lines, by commas always."""
    data, encoding = _decodable(data)
    for separator in SEPARATORS:
        text = TextList(data, encoding, separator, first)
        if separator == "," or any(len(cells) > 1 for cells in text.head):
            yield text


def _decodable(data: bytes) -> tuple[bytes, str]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            text = data[len(mark) :]
            return (text.decode(encoding, "replace").encode(), "utf-8") if encoding.startswith("utf-16") else (text, encoding)
    try:
        data.decode("utf-8")
        return data, "utf-8"
    except UnicodeDecodeError:
        return data, "gb18030"
