"""Make a county: the truth, every department's view of it, and the files that say what is true."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.county import store, truth_files
from simulator.county.people import make_truth
from simulator.county.store import Offer
from simulator.county.truth import County, save
from simulator.views import assistance, civil, education, grid, health, market, org, psb
from simulator.views import visit_cells as cells
from simulator.views.noise import Scene


@dataclass(frozen=True)
class CountyFigures:
    """What a county holds: living residents, residence households, offered records by feed, its moment."""

    persons: int
    households: int
    offered: dict[str, int]
    moment: str


def make_county(folder: Path, persons: int, seed: int, noise: float = 1.0, start: date | None = None) -> CountyFigures:
    """Write ``folder/county.db`` and ``folder/truth/*.csv`` for about ``persons`` residents; replaces what stood there.

    ``start`` is the county's first day (default: 30 days before the real today). ValueError for fewer than 50 persons
    or a negative noise.
    """
    if persons < 50:
        raise ValueError(f"persons: at least 50 are needed for eight communities, got {persons}")
    if noise < 0:
        raise ValueError(f"noise: 0 (clean) or more, got {noise}")
    day = np.datetime64(start or date.today() - timedelta(days=30), "D")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "county.db").unlink(missing_ok=True)
    county = make_truth(persons, seed, noise, day)
    db = store.connect(folder)
    try:
        store.create(db)
        db.execute("BEGIN")
        offered = _offer_everything(db, county)
        save(county, db)
        db.execute("COMMIT")
        truth_files.write(db, county, folder / "truth")
    finally:
        db.close()
    return figures(county, offered)


def figures(county: County, offered: dict[str, int]) -> CountyFigures:
    """Counts of a county and of what was offered."""
    home = county.people["home"].to_numpy()
    return CountyFigures(int((home >= 0).sum()), len(np.unique(home[home >= 0])), offered, str(county.moment))


def _offer_everything(db: sqlite3.Connection, county: County) -> dict[str, int]:
    scene = Scene(county)
    offered: dict[str, int] = {}

    def put(offer: Offer) -> None:
        offered[offer.feed] = offered.get(offer.feed, 0) + store.put_offer(db, offer)

    put(psb.register(scene, np.flatnonzero(scene.register >= 0)))
    put(psb.moved_rows(scene))
    put(psb.permits(scene, psb.permit_holders(scene)))
    put(psb.standard_addresses(scene, np.arange(len(county.places.dwellings))))
    archived = health.archived(scene)
    put(health.records(scene, archived))
    put(health.records(scene, health.second_archives(scene, archived), second=True))
    put(health.exams(scene, health.examined(scene)))
    put(health.children(scene, health.vaccinated(scene)))
    put(market.entities(scene, np.arange(len(county.shops))))
    for file in files_of_month(scene, last_month(county.today), months=12):
        offered[file.feed] = offered.get(file.feed, 0) + store.put_file(db, file)
    events = first_events(scene)
    rows, truth = grid.in_order(scene, events, 1)
    county.counters["seq"] = rows[-1][0] + 1 if rows else 1
    offered["grid_event"] = store.put_events(db, rows, truth)
    offered["org"] = store.put_org(db, org.directory(scene))
    return offered


def last_month(today: np.datetime64) -> str:
    """yyyymm of the month before ``today``'s."""
    return str(today.astype("datetime64[M]") - 1).replace("-", "")


def files_of_month(scene: Scene, period: str, months: int = 1) -> list[store.File]:
    """The drop folders' files of a month; ``months`` > 1: the increments of so many months before it, too."""
    month = np.datetime64(f"{period[:4]}-{period[4:]}", "M")

    def when(m: np.datetime64, salt: int) -> str:
        day = int(scene.chance.integers("file.day", [int(m.astype(int)) * 100 + salt], 0, 5)[0])
        return f"{np.datetime64(m + 1, 'D') + day}T09:{10 + salt:02d}:00"

    def soonest(m: np.datetime64, salt: int) -> str:
        # What the county starts with is there from the start, though its month may have turned only yesterday.
        return min(when(m, salt), str(scene.county.moment)) if months > 1 else when(m, salt)

    book = education.workbook(scene, period, soonest(month, 0))
    out = [book] if book else []
    out += assistance.families_and_persons(scene, period, soonest(month, 1))
    out += [view(scene, period, soonest(month, 2 + n)) for n, view in enumerate(civil.SNAPSHOTS)]
    for back in range(months - 1, -1, -1):
        m = month - back
        out += [view(scene, str(m).replace("-", ""), soonest(m, 5 + n)) for n, view in enumerate(civil.INCREMENTS)]
    return out


def first_events(scene: Scene) -> list[grid.Event]:
    """The visits of the last fourteen months and the requests of the last year."""
    county, chance = scene.county, scene.chance
    families = county.families
    lived = np.unique(scene.home[scene.home >= 0])
    seen = lived[chance.happens("visit.seen", lived, scene.coverage(cells.VISIT, "families"))]
    again = seen[chance.happens("visit.again", seen, scene.coverage(cells.VISIT, "again"))]
    visited = np.concatenate([again, seen])
    numbers = np.arange(len(visited)) + 1
    moved = families["moved_in"].to_numpy()[visited].astype("datetime64[D]")
    room = np.clip((scene.today - moved).astype(int), 1, 420)
    back = np.floor(chance.uniform("visit.back", numbers) * room).astype(int)
    occurred = county.moment - (back * 86400 + chance.integers("visit.time", numbers, 3600, 30000)).astype(
        "timedelta64[s]"
    )
    events = grid.visits(scene, visited, numbers, occurred)
    used = np.unique(scene.dwelling[scene.dwelling >= 0])
    empty = np.setdiff1d(np.arange(len(county.places.dwellings)), used)
    empty = empty[chance.happens("visit.empty", empty, scene.coverage(cells.VISIT, "empty"))]
    more = np.arange(len(empty)) + len(numbers) + 1
    when = county.moment - chance.integers("visit.time", more, 3600, 400 * 86400).astype("timedelta64[s]")
    events += grid.empty_visits(scene, empty, more, when, np.isin(empty, county.registers["dwelling"]))
    county.counters["visit"] = len(numbers) + len(more) + 1
    who = grid.adults(scene)
    who = who[chance.happens("request.has", who, scene.coverage(grid.REQUEST, "adults"))]
    asked = np.arange(len(who)) + 1
    accepted = county.moment - chance.integers("request.at", asked, 3600, 360 * 86400).astype("timedelta64[s]")
    takes = chance.integers("request.takes", asked, 3600, 20 * 86400).astype("timedelta64[s]")
    county.requests = pd.DataFrame(
        {
            "number": asked,
            "person": who,
            "accepted": accepted.astype("int64"),
            "closes": (accepted + takes).astype("int64"),
        }
    )
    county.counters["request"] = len(who) + 1
    return events + grid.requests(scene, asked, who, accepted, accepted + takes)
