"""Live days: change the truth, then let every department write down what it has heard of."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.county import ids, names, store, truth_files
from simulator.county.day import Day, set_values
from simulator.county.events import live
from simulator.county.lives import ages, school_people
from simulator.county.make import CountyFigures, figures, files_of_month, last_month
from simulator.county.truth import County, load, save
from simulator.views import grid, health, market, org, psb
from simulator.views.noise import Scene


def advance(folder: Path, days: int = 1) -> CountyFigures:
    """Live ``days`` days in the county of ``folder`` and rewrite its truth. ValueError for less than one day."""
    if days < 1:
        raise ValueError(f"days: 1 or more, got {days}")
    db = store.connect(folder)
    offered: dict[str, int] = {}
    try:
        county = load(db)
        db.execute("BEGIN")
        for _ in range(days):
            _live_one(db, county, offered)
        save(county, db)
        store.prune(db)
        db.execute("COMMIT")
        truth_files.write(db, county, folder / "truth")
    finally:
        db.close()
    return figures(county, offered)


def _live_one(db: sqlite3.Connection, county: County, offered: dict[str, int]) -> None:
    before = county.today
    county.moment = county.moment + np.timedelta64(1, "D")
    day = Day(county)
    live(day)
    turned = before.astype("datetime64[M]") != county.today.astype("datetime64[M]")
    if turned and str(county.today)[5:7] == "09":
        _new_school_year(county)
    _trade(day)
    renamed = _rename(day)
    scene = Scene(county)

    def put(offer: store.Offer) -> None:
        if len(offer.key):
            offered[offer.feed] = offered.get(offer.feed, 0) + store.put_offer(db, offer)

    known = _known(db)
    _police(scene, day, known, renamed, put)
    _health(scene, day, known, put)
    shops = np.unique(day.touched.get("shop", [])).astype(np.int64)
    put(market.entities(scene, shops, _moments(scene, "market", shops)))
    if turned:
        for file in files_of_month(scene, last_month(county.today)):
            offered[file.feed] = offered.get(file.feed, 0) + store.put_file(db, file)
    events = _events(scene, day)
    rows, truth = grid.in_order(scene, events, county.counters["seq"])
    county.counters["seq"] += len(rows)
    offered["grid_event"] = offered.get("grid_event", 0) + store.put_events(db, rows, truth)
    offered["org"] = store.put_org(db, org.directory(scene))


def _known(db: sqlite3.Connection) -> dict[str, np.ndarray]:
    """Feed -> who has a record there already (whether visible yet or not)."""
    feeds = ("psb_register", "psb_permit", health.RECORD, health.EXAM, health.CHILD)
    return {
        f: np.array(
            [
                r[0]
                for r in db.execute(
                    "SELECT DISTINCT person FROM truth_record WHERE feed = ? AND source_key NOT LIKE '%#%'", [f]
                )
            ],
            dtype=np.int64,
        )
        for f in feeds
    }


def _moments(scene: Scene, purpose: str, keys: np.ndarray) -> np.ndarray:
    """Moments in today's office hours."""
    seconds = scene.chance.integers(f"{purpose}.at.{scene.today}", keys, 8 * 3600, 17 * 3600 + 1800)
    return scene.today.astype("datetime64[s]") + seconds.astype("timedelta64[s]")


def _some(scene: Scene, purpose: str, rows: np.ndarray, rate: float) -> np.ndarray:
    """A daily share of rows, at least one where there are any."""
    if not len(rows):
        return rows
    u = scene.chance.uniform(f"{purpose}.{scene.today}", rows)
    count = max(1, int((u < rate).sum()))
    return rows[np.argsort(u, kind="stable")[:count]]


def _told(scene: Scene, feed: str) -> np.ndarray:
    """The dead of whom a department hears today."""
    rows = np.flatnonzero(~np.isnat(scene.death_date) & (scene.death_date > scene.today - 40))
    yesterday = scene.death_date[rows].astype("datetime64[D]") + scene.chance.integers(f"{feed}.death.lag", rows, 1, 25)
    return rows[psb.known_dead(scene, feed, rows) & (yesterday == scene.today)]


def _police(scene: Scene, day: Day, known: dict[str, np.ndarray], renamed: np.ndarray, put) -> None:
    county = scene.county
    registered = np.flatnonzero((scene.register >= 0) & np.isnat(scene.death_date))
    new = np.setdiff1d(registered, known["psb_register"])
    new = new[scene.birth[new].astype("datetime64[D]") + 3 <= scene.today]
    touched = [day.touched.get(k, []) for k in ("register", "correction", "first_id", "wedding", "divorce")]
    rows = np.concatenate(
        [np.asarray(t, dtype=np.int64) for t in touched]
        + [
            _some(scene, "psb.new", new, 0.25),
            _told(scene, "psb_register"),
            _some(scene, "psb.routine", registered, 0.0004),
        ]
    )
    rows = np.unique(rows)
    rows = rows[scene.register[rows] >= 0]
    moments = _moments(scene, "psb", rows)
    late = scene.happens("psb_register", "time", "late", rows)
    # The late ones were changed before the county's evening and are seen only after it.
    moments = np.where(late, scene.today.astype("datetime64[s]") + np.timedelta64(17 * 3600 + 2700, "s"), moments)
    put(psb.register(scene, rows, moments))
    holders = psb.permit_holders(scene)
    fresh = np.setdiff1d(holders, known["psb_permit"])
    moved = np.intersect1d(
        np.asarray(day.touched.get("move", []), dtype=np.int64), np.intersect1d(holders, known["psb_permit"])
    )
    permits = np.unique(
        np.concatenate(
            [
                _some(scene, "permit.new", fresh, 0.2),
                moved,
                _some(scene, "permit.routine", np.intersect1d(holders, known["psb_permit"]), 0.0006),
            ]
        )
    )
    put(psb.permits(scene, permits, _moments(scene, "permit", permits)))
    dwellings = np.arange(len(county.places.dwellings))
    changed = np.union1d(
        dwellings[np.isin(scene.addresses.compound, renamed)], _some(scene, "address.routine", dwellings, 0.0001)
    )
    put(psb.standard_addresses(scene, changed, _moments(scene, "address", changed)))


def _health(scene: Scene, day: Day, known: dict[str, np.ndarray], put) -> None:
    archived = health.archived(scene)
    old = np.intersect1d(archived, known[health.RECORD])
    touched = np.intersect1d(
        np.concatenate([np.asarray(day.touched.get(k, []), dtype=np.int64) for k in ("move", "phone", "wedding")]), old
    )
    hears = touched[scene.chance.happens(f"health.hears.{scene.today}", touched, 0.4)]
    told = np.intersect1d(_told(scene, health.RECORD), known[health.RECORD])
    fresh = _some(scene, "health.new", np.setdiff1d(archived, known[health.RECORD]), 0.15)
    rows = np.unique(np.concatenate([hears, told, fresh, _some(scene, "health.routine", old, 0.001)]))
    put(health.records(scene, rows, _moments(scene, "health", rows)))
    due = health.examined(scene)
    rows = _some(scene, "exam", due, 1 / 380)
    put(health.exams(scene, rows, np.full(len(rows), scene.today)))
    here = health.vaccinated(scene)
    newborn = np.setdiff1d(here, known[health.CHILD])
    named = np.intersect1d(np.asarray(day.touched.get("first_id", []), dtype=np.int64), known[health.CHILD])
    rows = np.unique(
        np.concatenate(
            [
                _some(scene, "child.new", newborn, 0.4),
                named,
                _some(scene, "child.routine", np.intersect1d(here, known[health.CHILD]), 0.004),
            ]
        )
    )
    put(health.children(scene, rows, _moments(scene, "child", rows)))


def _events(scene: Scene, day: Day) -> list[grid.Event]:
    """Today's visits (first to the families that moved or came) and requests, and the closing of older ones."""
    county, chance = scene.county, scene.chance
    lived = np.unique(scene.home[scene.home >= 0])
    changed = np.asarray(
        [*day.touched.get("move", []), *day.touched.get("arrival", []), *day.touched.get("birth", [])], dtype=np.int64
    )
    fresh = np.unique(scene.home[changed])
    fresh = fresh[(fresh >= 0) & chance.happens(f"visit.fresh.{scene.today}", fresh, 0.3)]
    count = max(2, round(len(lived) / 600))
    families = np.union1d(fresh, lived[chance.order(f"visit.{scene.today}", lived)][:count])
    numbers = np.arange(len(families)) + county.counters["visit"]
    county.counters["visit"] += len(families)
    back = np.where(chance.happens("visit.days_old", numbers, 0.06), chance.integers("visit.old", numbers, 1, 5), 0)
    moved = county.families["moved_in"].to_numpy()[families].astype("datetime64[D]")
    days = np.maximum(scene.today - back, np.minimum(moved, scene.today))
    seconds = chance.integers("visit.second", numbers, 8 * 3600, 17 * 3600)
    events = grid.visits(scene, families, numbers, days.astype("datetime64[s]") + seconds.astype("timedelta64[s]"))
    for event in events:  # what was typed offline days ago arrives today
        if event.available < scene.today:
            event.available = event.available + (scene.today - event.available.astype("datetime64[D]"))
    return events + _requests(scene)


def _requests(scene: Scene) -> list[grid.Event]:
    county, chance = scene.county, scene.chance
    frame = county.requests
    yesterday = (county.moment - np.timedelta64(1, "D")).astype("int64")
    closes = frame["closes"].to_numpy()
    done = frame[(closes > yesterday) & (closes <= county.moment.astype("int64"))]
    events = grid.requests(scene, *_request_columns(done), only_closed=True)
    who = grid.adults(scene)
    count = max(1, round(len(who) * 0.05 / 360))
    who = who[chance.order(f"request.{scene.today}", who)][:count]
    numbers = np.arange(len(who)) + county.counters["request"]
    county.counters["request"] += len(who)
    accepted = _moments(scene, "request", who).astype("int64")
    new = pd.DataFrame(
        {
            "number": numbers,
            "person": who,
            "accepted": accepted,
            "closes": accepted + chance.integers("request.takes", numbers, 3600, 20 * 86400),
        }
    )
    county.requests = pd.concat([frame, new], ignore_index=True)
    return events + grid.requests(scene, *_request_columns(new))


def _request_columns(frame: pd.DataFrame) -> tuple[np.ndarray, ...]:
    times = [frame[c].to_numpy().astype("datetime64[s]") for c in ("accepted", "closes")]
    return frame["number"].to_numpy(), frame["person"].to_numpy(), *times


def _trade(day: Day) -> None:
    """A shop opens, another one closes or changes its entry."""
    county, chance = day.county, day.county.chance
    people, shops = county.people, county.shops
    age = ages(people["birth"], county.today)
    adults = np.flatnonzero((people["home"] >= 0).to_numpy() & (age > 22) & (age < 60))
    expected = max(0.5, len(shops) * 0.08 / 365)
    for n in range(int(expected) + int(chance.uniform(f"shop.opens.{day.name}", [0])[0] < expected % 1)):
        operator = int(adults[chance.integers(f"shop.who.{day.name}", [n], 0, len(adults))[0]])
        row = pd.DataFrame(
            {"operator": [operator], "kind": [92], "opened": np.array([county.today]), "status": ["存续"]}
        )
        county.shops = pd.concat([county.shops, row], ignore_index=True)
        day.touch("shop", len(county.shops) - 1)
    at = np.arange(len(shops))
    if len(at):
        routine = at[chance.order(f"shop.routine.{day.name}", at)][: max(1, len(at) // 1500)]
        day.touch("shop", routine)
        if chance.uniform(f"shop.closes.{day.name}", [0])[0] < 0.5:
            set_values(county.shops, "status", routine[:1], "注销")


def _rename(day: Day) -> np.ndarray:
    """Now and then a compound gets another name, or a grid another worker; returns renamed compounds."""
    county, chance = day.county, day.county.chance
    if chance.uniform(f"worker.leaves.{day.name}", [0])[0] < 0.06:
        grids = len(Scene(county).organisation.grids)
        grid_no = int(chance.integers(f"worker.grid.{day.name}", [0], 0, grids)[0])
        key = np.array([10_000 + len(county.counters["workers"])])
        name = names.surnames(chance, "worker.surname", key) + names.given_names(
            chance, key, np.array([2]), np.array([1990]), key, "worker.given"
        )
        change = {"grid": grid_no, "worker_id": f"W{int(key[0])}", "name": str(name[0]), "phone": str(ids.phones(chance, "worker.phone", key)[0]),
                  "since": day.name, "until": str(county.today - 1)}  # fmt: skip
        county.counters["workers"] = [c for c in county.counters["workers"] if c["grid"] != grid_no] + [change]
    compounds = county.places.compounds
    plain = np.flatnonzero(
        (compounds["kind"] == "compound").to_numpy()
        & (compounds["phase"] == 0).to_numpy()
        & (compounds["old_name"] == "").to_numpy()
    )
    if not len(plain) or chance.uniform(f"rename.{day.name}", [0])[0] >= 0.02:
        return np.array([], dtype=np.int64)
    at = plain[chance.order(f"rename.which.{day.name}", plain)][:1]
    name = compounds["name"].to_numpy()[at][0]
    new = name[:2] + "名苑"
    if (compounds["name"] == new).any():
        return np.array([], dtype=np.int64)
    set_values(compounds, "old_name", at, name)
    set_values(compounds, "name", at, new)
    return at


def _new_school_year(county: County) -> None:
    """On 1 September everybody goes up a grade; the six-year-olds come to school."""
    before = {c: county.people[c].to_numpy().copy() for c in ("schooling",)}
    school_people(county.chance, county.people, county.today)
    age = ages(county.people["birth"], county.today)
    set_values(county.people, "schooling", np.flatnonzero(age > 19), before["schooling"][age > 19])
