"""JSON read so that every value is the text that came: no digit of a number is lost.

orjson reads most answers; one with a decimal, an exponent or a number too long for 64 bits is read
again with numbers kept as text (1.10 stays 1.10, a 20-digit number keeps its last digit).
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

# After a colon, comma or bracket: a number with a point or exponent, or with 19 digits and more. A hit
# inside a string only costs time.
_INEXACT = re.compile(rb"[:,\[]\s*-?(?:\d+(?:\.|[eE])|\d{19})")


class Number(str):
    """A JSON number, as it was written."""


def decode(body: bytes) -> Any:
    """The value of a JSON text. ValueError where it is none (cut off, or not JSON)."""
    if not _INEXACT.search(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # a lone surrogate or NaN, which json reads; or no JSON at all, which json says too
    text = body.decode("utf-8-sig", "backslashreplace")
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)


def text(value: Any) -> str | None:
    """A cell as text: null stays null, booleans true/false, numbers as sent, lists and objects as JSON."""
    if value is None or type(value) is str:
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str | int | float):
        return str(value)
    return encode(value)


def encode(value: Any) -> str:
    """A value of :func:`decode` as compact JSON, numbers as they were sent."""
    if isinstance(value, Number):
        return str(value)
    try:
        # Anything with a Number inside raises, and is written step by step.
        return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_SUBCLASS).decode()
    except TypeError:
        pass
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode(str(k))}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(encode(item) for item in value) + "]"
    return json.dumps(value, separators=(",", ":"))  # a lone surrogate, as the escape it came as
