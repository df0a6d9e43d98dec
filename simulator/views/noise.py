"""How wrong each department is: the written rates of ``noise.yaml`` and the scene every view looks at."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from simulator.county.chance import Chance
from simulator.county.truth import County

_MOST = 0.9  # no rate is scaled beyond this


@cache
def written_rates() -> Mapping[str, Mapping[str, Any]]:
    """``noise.yaml`` as it stands: feed -> kind -> error -> rate at noise 1."""
    return yaml.safe_load((Path(__file__).parent / "noise.yaml").read_text(encoding="utf-8"))


class Scene:
    """A county as a view sees it: its people as plain arrays, chance, and rates scaled by the county's noise.

    ``coverage`` is what a department never had a reason to know and is not scaled; everything else is.
    """

    def __init__(self, county: County) -> None:
        self.county = county
        self.chance: Chance = county.chance
        self.places = county.places
        self.today = county.today
        self.columns = {name: county.people[name].to_numpy() for name in county.people.columns}

    def __getattr__(self, name: str) -> np.ndarray:
        try:
            return self.__dict__["columns"][name]
        except KeyError:
            raise AttributeError(name) from None

    @cached_property
    def addresses(self):
        from simulator.views.addresses import Addresses

        return Addresses(self.places, self.chance)

    @cached_property
    def organisation(self):
        from simulator.county.organisation import organise

        return organise(self.chance, self.places, self.county.counters.get("persons", 76_000))

    def rate(self, feed: str, kind: str, error: str) -> float:
        """The scaled rate of one error; 0 where none is written."""
        return self.errors(feed, kind).get(error, 0.0)

    def errors(self, feed: str, kind: str) -> dict[str, float]:
        """All scaled rates of a kind, e.g. ("health_record", "name"); none beyond what ``most`` says of it."""
        written = written_rates().get(feed, {})
        most = written.get("most", {})
        return {e: min(most.get(f"{kind}.{e}", _MOST), r * self.county.noise) for e, r in written.get(kind, {}).items()}

    def coverage(self, feed: str, name: str) -> float:
        """A share that is no error: who is in a feed at all."""
        return written_rates()[feed]["coverage"][name]

    def happens(self, feed: str, kind: str, error: str, keys: np.ndarray) -> np.ndarray:
        """Whether one error strikes, one a key."""
        rate = self.rate(feed, kind, error)
        return self.chance.happens(f"{feed}.{kind}.{error}", keys, rate) if rate else np.zeros(len(keys), dtype=bool)

    def address(self, feed: str, keys: np.ndarray, dwelling: np.ndarray, styles: Mapping[str, float]) -> np.ndarray:
        """Address texts of dwellings as ``feed`` writes them; a clean county writes the full form only."""
        forms = styles if self.county.noise else {"full": 1.0}
        return self.addresses.write(f"{feed}.address", keys, dwelling, forms, self.errors(feed, "address"))

    def known_dwelling(self, feed: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(dwelling, whether the department still has the one before): a move reaches it late (``address.stale``
        is the share of the moves of the last three years it has not heard of). -2 = a place outside the town."""
        moved = self.columns["moved_in"][rows].astype("datetime64[D]")
        late = self.happens(feed, "address", "stale", rows) & (moved > self.today - 1100)
        stale = late & (self.columns["previous"][rows] != -1)
        return np.where(stale, self.columns["previous"][rows], self.columns["dwelling"][rows]), stale

    def family_phone(self, rows: np.ndarray) -> np.ndarray:
        """A number by which a person is reached: his own, else his mother's, father's, spouse's or child's household's."""
        phone = self.columns["phone"]
        out = phone[rows].copy()
        for relative in ("mother", "father", "spouse"):
            who = self.columns[relative][rows]
            out = np.where((out == "") & (who >= 0), phone[who], out)
        head = self.county.families["head"].to_numpy()[self.columns["family"][rows]]
        return np.where((out == "") & (self.columns["family"][rows] >= 0) & (head >= 0), phone[head], out)
