"""Names as they are written down: the errors of domain.md section 3.3 under their names in ``noise.yaml``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.county.names import LOOKALIKE, VARIANT, homophones
from simulator.views.noise import Scene

_DOTS = "•‧・･．.∙⋅、 "
_NOTES = ("(户主)", "（户主）", "(租户)", "（本人）", "(低保)", "（已迁）", " 女", "（小）")
_EXTRA = "小文玉永建志子海晓"
_PUA = "\ue81e\ue826\ue78d\ue5e5"
_RARE = set("㛃䶮𬀩𫍯喆堃甯昇鍾犇淼焱翀祎婳頔燊赟昉旻")


def _one(name: str, draw: float, table: dict[str, str], given_only: bool = True) -> str:
    """Replace one character by another one of ``table``; prefers the given name, as clerks know the surname."""
    places = [i for i, c in enumerate(name) if c in table and (i or not given_only)]
    if not places:
        return name
    at = places[int(draw * 1009) % len(places)]
    other = table[name[at]]
    return name[:at] + other[int(draw * 10007) % len(other)] + name[at + 1 :]


def _spaced(name: str, draw: float) -> str:
    if "·" in name:
        return name
    return name[0] + (" ", "\u3000", "\xa0", "  ", "\u200b")[int(draw * 5)] + name[1:]


def _dots(name: str, draw: float) -> str:
    dot = _DOTS[int(draw * len(_DOTS))]
    return name.replace("·", "" if draw > 0.93 else dot)


def _drop(name: str, draw: float) -> str:
    return name[0] + name[2 if draw < 0.5 else 1 :][: len(name) - 2] if len(name) == 3 else name


def _extra(name: str, draw: float) -> str:
    letter = _EXTRA[int(draw * len(_EXTRA))]
    return name[0] + letter + name[1] if len(name) == 2 else name


def _star(name: str, draw: float) -> str:
    rare = [i for i, c in enumerate(name) if c in _RARE]
    return name[: rare[0]] + "*" + name[rare[0] + 1 :] if rare else name


def _pua(name: str, draw: float) -> str:
    rare = [i for i, c in enumerate(name) if c in _RARE]
    return name[: rare[0]] + _PUA[int(draw * len(_PUA))] + name[rare[0] + 1 :] if rare else name


def _question(name: str, draw: float) -> str:
    return _star(name, draw).replace("*", "?")


def _latin(name: str, draw: float) -> str:
    """WANG YAN: how a name that could not be typed is helped out with."""
    from pypinyin import lazy_pinyin

    return " ".join(lazy_pinyin(name)).upper() if any(c in _RARE for c in name) else name


_ERRORS: dict[str, Callable[[str, float], str]] = {
    "homophone": lambda n, d: _one(n, d, homophones()),
    "surname": lambda n, d: _one(n[0], d, {**LOOKALIKE, **homophones()}, given_only=False) + n[1:],
    "lookalike": lambda n, d: _one(n, d, LOOKALIKE, given_only=d < 0.7),
    "variant": lambda n, d: _one(n, d, VARIANT, given_only=False),
    "drop": _drop,
    "extra": _extra,
    "order": lambda n, d: n[0] + n[2] + n[1] if len(n) == 3 else n,
    "dots": lambda n, d: _dots(n, d) if "·" in n else n,
    "star": _star,
    "question": _question,
    "pua": _pua,
    "latin": _latin,
    "space": _spaced,
    "note": lambda n, d: n + _NOTES[int(d * len(_NOTES))],
}


def written_names(scene: Scene, feed: str, keys: np.ndarray, rows: np.ndarray, kind: str = "name") -> np.ndarray:
    """The names of people ``rows`` as ``feed`` writes them, struck by the errors of its table in the order above.

    ``former``: the former name stands there; ``former_note``: it stands in brackets behind the present one.
    """
    out = scene.name[rows].astype(object)
    rates = scene.errors(feed, kind)
    before = scene.former_name[rows]
    if rates.get("former"):
        out = np.where(
            (before != "") & scene.chance.happens(f"{feed}.{kind}.former", keys, rates["former"]), before, out
        )
    for error, change in _ERRORS.items():
        rate = rates.get(error, 0.0)
        if not rate:
            continue
        hit = np.flatnonzero(scene.chance.happens(f"{feed}.{kind}.{error}", keys, rate))
        draws = scene.chance.uniform(f"{feed}.{kind}.{error}.how", keys[hit])
        for at, draw in zip(hit.tolist(), draws.tolist(), strict=True):
            if len(out[at]) >= 2:
                out[at] = change(out[at], draw)
    if rates.get("former_note"):
        noted = (before != "") & scene.chance.happens(f"{feed}.{kind}.former_note", keys, rates["former_note"])
        out = np.where(noted & (out != before), out + "（" + before + "）", out)
    return out
