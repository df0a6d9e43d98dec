"""Chance that is looked up, not rolled: every draw is a hash of (seed, purpose, key).

A draw does not depend on the order of draws before it, so one person's row comes out the same whether
the whole county is made or a single day is lived, and two runs of one seed agree byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 over an array of uint64 (wraps on purpose)."""
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


@dataclass(frozen=True)
class Chance:
    """Draws of one county; ``purpose`` names the question asked, ``keys`` who it is asked about."""

    seed: int

    def _bits(self, purpose: str, keys) -> np.ndarray:
        digest = hashlib.blake2b(f"{self.seed}|{purpose}".encode(), digest_size=8).digest()
        salt = np.uint64(int.from_bytes(digest, "little"))
        x = np.atleast_1d(np.asarray(keys)).astype(np.int64).view(np.uint64)
        with np.errstate(over="ignore"):
            return _mix(_mix(x * _GOLDEN + salt) ^ salt)

    def uniform(self, purpose: str, keys) -> np.ndarray:
        """Float64 in [0, 1), one a key."""
        return (self._bits(purpose, keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def integers(self, purpose: str, keys, low, high) -> np.ndarray:
        """Int64 in [low, high), one a key; low and high may be arrays."""
        low, high = np.asarray(low), np.asarray(high)
        return (low + np.floor(self.uniform(purpose, keys) * (high - low))).astype(np.int64)

    def choose(self, purpose: str, keys, weights: Sequence[float]) -> np.ndarray:
        """Index into ``weights``, one a key, in proportion to them."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        index = np.searchsorted(edges, self.uniform(purpose, keys) * edges[-1], side="right")
        return np.minimum(index, len(edges) - 1)

    def happens(self, purpose: str, keys, rate) -> np.ndarray:
        """True with probability ``rate``, one a key."""
        return self.uniform(purpose, keys) < rate

    def order(self, purpose: str, keys) -> np.ndarray:
        """Positions that shuffle ``keys``."""
        return np.argsort(self._bits(purpose, keys), kind="stable")
