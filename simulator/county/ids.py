"""Numbers of people and firms, valid by their standards: GB 11643 resident IDs, GB 32100 USCC, phones.

The area of a resident ID is that of its first assignment: 132530 was 涿鹿县 until 1993, and who came
from elsewhere keeps the other county's. Nothing else may be read from it.
"""

from __future__ import annotations

import numpy as np

from simulator.county.chance import Chance

_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_CHECK = np.array(list("10X98765432"))
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
NEIGHBOURS = [
    "130702",
    "130703",
    "130705",
    "130706",
    "130708",
    "130709",
    "130722",
    "130723",
    "130724",
    "130725",
    "130726",
    "130727",
    "130728",
    "130730",
    "130732",
    "130721",
    "130729",
    "130733",
]
ELSEWHERE = [
    "130102",
    "130429",
    "130638",
    "130927",
    "140225",
    "140221",
    "152629",
    "110229",
    "120111",
    "130821",
    "410725",
    "371522",
    "230123",
    "211282",
    "341125",
    "511324",
    "420984",
    "610124",
]
_PREFIXES = [
    "133",
    "135",
    "136",
    "137",
    "138",
    "139",
    "150",
    "151",
    "152",
    "155",
    "156",
    "157",
    "158",
    "159",
    "166",
    "173",
    "176",
    "177",
    "178",
    "180",
    "181",
    "182",
    "183",
    "185",
    "186",
    "187",
    "188",
    "189",
    "191",
    "195",
    "198",
    "199",
]


def areas(chance: Chance, keys: np.ndarray, birth_year: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Six-digit area of first assignment. ``origin``: 0 native, 1 from the prefecture, 2 from elsewhere."""
    old = (birth_year < 1993) & chance.happens("area.old", keys, np.where(birth_year < 1984, 0.62, 0.35))
    native = np.where(old, "132530", "130731")
    near = np.array(NEIGHBOURS)[chance.integers("area.near", keys, 0, len(NEIGHBOURS))]
    far = np.array(ELSEWHERE)[chance.integers("area.far", keys, 0, len(ELSEWHERE))]
    return np.choose(origin, [native, near, far])


def check_digits(body: np.ndarray) -> np.ndarray:
    """Check characters (GB 11643) of an array of 17-digit strings."""
    digits = np.frombuffer("".join(body).encode("ascii"), dtype=np.uint8).reshape(-1, 17) - 48
    return _CHECK[(digits.astype(np.int64) @ _WEIGHTS) % 11]


def resident_ids(
    chance: Chance, keys: np.ndarray, area: np.ndarray, birth: np.ndarray, sex: np.ndarray, taken: dict
) -> np.ndarray:
    """18-character IDs, unique: area + birth (datetime64[D]) + sequence (odd male) + check.

    ``taken`` counts the numbers already given per (area, birth, sex) and is updated, so that a later call
    goes on where this one stopped. People born together get neighbouring numbers.
    """
    stem = np.char.add(area.astype("U6"), undashed(birth.astype("datetime64[D]")))
    group = np.char.add(stem, np.where(sex == 1, "m", "f"))
    sequence = np.empty(len(keys), dtype=np.int64)
    start = chance.integers(
        "id.start",
        np.frombuffer("".join(stem).encode(), dtype=np.uint8).reshape(-1, 14).astype(np.int64) @ (31 ** np.arange(14)),
        0,
        45,
    )
    for i, (name, base) in enumerate(zip(group.tolist(), start.tolist(), strict=True)):
        count = taken.get(name, 0)
        taken[name] = count + 1
        sequence[i] = 2 * ((base + count) % 499)
    sequence += np.where(sex == 1, 1, 2)
    body = np.char.add(stem, padded(sequence, 3))
    return np.char.add(body, check_digits(body)).astype(object)


def padded(numbers: np.ndarray, width: int) -> np.ndarray:
    """Numbers as text with leading zeros (numpy's own ``zfill`` fails on an empty array)."""
    return np.array([f"{n:0{width}d}" for n in np.asarray(numbers).tolist()], dtype="U")


def undashed(dates: np.ndarray) -> np.ndarray:
    """Dates (datetime64 of any unit) as digits alone: yyyymmdd, yyyymm; "NaT" stays."""
    return np.array([t.replace("-", "") for t in np.datetime_as_string(dates).tolist()], dtype="U")


def fifteen(number: str) -> str:
    """The 15-digit form of an ID of a person born in the 1900s."""
    return number[:6] + number[8:17]


def with_check(body: str) -> str:
    """A 17-digit body with its check character."""
    return body + str(check_digits(np.array([body]))[0])


def phones(chance: Chance, purpose: str, keys: np.ndarray) -> np.ndarray:
    """Mobile numbers of 11 digits."""
    prefix = np.array(_PREFIXES, dtype=object)[chance.integers(f"{purpose}.prefix", keys, 0, len(_PREFIXES))]
    return prefix + padded(chance.integers(f"{purpose}.number", keys, 0, 100_000_000), 8).astype(object)


def uscc(kind: str, serial: int) -> str:
    """A unified social credit code: ``kind`` 91, 92 or 93, area 130731, organisation code from ``serial``."""
    organisation = _base31(serial, 8)
    total = sum(_USCC36.index(c) * w for c, w in zip(organisation, _ORG_WEIGHTS, strict=True))
    organisation += {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11))
    body = f"{kind}130731{organisation}"
    rest = sum(_USCC.index(c) * w for c, w in zip(body, _USCC_WEIGHTS, strict=True)) % 31
    return body + _USCC[(31 - rest) % 31]


_USCC36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # GB 11714 counts letters from 10, all of them


def _base31(number: int, width: int) -> str:
    letters = []
    for _ in range(width):
        number, rest = divmod(number, 31)
        letters.append(_USCC[rest])
    return "".join(reversed(letters))
