"""Public security's exchange tables: GA_HJRK (register), GA_JZZ (residence permits), GA_BZDZ (standard addresses)."""

from __future__ import annotations

import numpy as np

from simulator.county.dwelling_use import COLLECTIVE
from simulator.county.ids import padded
from simulator.county.kinship import relations
from simulator.county.lives import ages
from simulator.county.store import Offer
from simulator.views import spoil
from simulator.views.noise import Scene
from simulator.views.spoil_names import written_names
from simulator.views.times import compact, office_hours, spread, text

FEED = "psb_register"
STYLES = {"official": 45, "full": 40, "block": 6, "chinese": 3, "padded": 3, "old_town": 3}
_OLD_ROW = 10_000_000  # key of a person's second, older row


def address_code(scene: Scene, dwelling: np.ndarray) -> np.ndarray:
    """The 24-digit standard address code of dwellings (None for -1)."""
    a = scene.addresses
    codes = scene.places.compounds["community_code"].to_numpy()[a.compound[dwelling]]
    serial = padded((dwelling.astype(np.int64) * 7 + 1_000_003), 12)
    return np.where(dwelling >= 0, np.char.add(codes.astype(str), serial).astype(object), None)


def person_numbers(rows: np.ndarray) -> np.ndarray:
    """RYBH of people (or of ``_OLD_ROW`` + people)."""
    return np.char.add("13073105", padded(((rows.astype(np.int64) * 700_001 + 33_331) % 99_999_989), 8)).astype(object)


def known_dead(scene: Scene, feed: str, rows: np.ndarray) -> np.ndarray:
    """Whether a department knows of a death by now: some days after it, or not at all (``state.dead_listed``)."""
    death = scene.death_date[rows].astype("datetime64[D]")
    lag = scene.chance.integers(f"{feed}.death.lag", rows, 1, 25).astype("timedelta64[D]")
    missed = scene.happens(feed, "state", "dead_listed", rows)
    return ~np.isnat(death) & (death + lag <= scene.today) & ~missed


def register(scene: Scene, rows: np.ndarray, changed: np.ndarray | None = None) -> Offer:
    """Register rows of people ``rows`` (those with a register household); ``changed``: update moments, else spread."""
    county, chance = scene.county, scene.chance
    book = scene.register[rows]
    head = county.registers["head"].to_numpy()[book]
    station_code, number = county.registers["station"].to_numpy(), county.registers["number"].to_numpy()
    collective = county.registers["collective"].to_numpy()[book]
    dwelling = county.registers["dwelling"].to_numpy()[book]
    relation = np.where(collective >= 0, "99", relations(county.people, rows, np.where(head >= 0, head, rows)))
    plain = scene.happens(FEED, "code", "plain_relation", rows)
    relation = np.where(
        plain & np.isin(relation, ["21", "22", "23"]),
        "20",
        np.where(plain & np.isin(relation, ["31", "32", "33"]), "30", relation),
    )
    relation = np.where(scene.happens(FEED, "code", "relation", rows) & (relation != "02"), "97", relation)
    relation = np.where(scene.happens(FEED, "code", "two_heads", rows), "02", relation)
    sex = (
        np.where(scene.happens(FEED, "code", "sex", rows), 3 - scene.sex[rows], scene.sex[rows])
        .astype(str)
        .astype(object)
    )
    age = ages(scene.birth[rows], scene.today)
    dead = known_dead(scene, FEED, rows)
    marital = scene.marital[rows].astype(str).astype(object)
    marital = np.where(age < 20, "10", marital)
    old_state = scene.happens(FEED, "code", "marital_stale", rows)
    marital = np.where(old_state & (age < 34), "10", np.where(old_state & (marital == "30"), "20", marital))
    spouse = scene.spouse[rows]
    number_id = spoil.resident_ids(scene, FEED, rows, rows, other=np.where(spouse >= 0, spouse, scene.mother[rows]))
    texts = scene.address(FEED, book, dwelling, STYLES)
    hall = np.array([f"河北省张家口市涿鹿县涿鹿镇{name}集体户" for name in COLLECTIVE], dtype=object)
    texts = np.where(collective >= 0, hall[collective], texts)
    has_code = chance.happens(f"{FEED}.coded", book, scene.coverage(FEED, "address_code"))
    phone = np.where(
        chance.happens(f"{FEED}.has_phone", rows, scene.coverage(FEED, "phone")),
        spoil.phones(scene, FEED, rows, rows),
        None,
    )
    schooling = scene.schooling[rows]
    former = np.where(chance.happens(f"{FEED}.former", rows, 0.75), scene.former_name[rows], "")
    marital = np.where(scene.happens(FEED, "code", "unmapped", rows), "50", marital)
    schooling = np.where(scene.happens(FEED, "code", "unmapped", rows + 1), "52", schooling)
    if changed is None:
        since = np.where(dead, scene.death_date[rows], scene.registered_on[rows]).astype("datetime64[D]")
        changed = office_hours(scene, FEED, rows, spread(scene, FEED, rows, since, 2500))
    future = scene.happens(FEED, "time", "future", rows)
    written = np.where(future, county.moment + np.timedelta64(26, "h"), changed)
    available = _available(scene, FEED, rows, changed)
    columns = {
        "RYBH": person_numbers(rows),
        "GMSFHM": np.where(number_id == "", None, number_id),
        "XM": written_names(scene, FEED, rows, rows),
        "CYM": np.where(former == "", None, former),
        "XB": sex,
        "MZ": np.where(scene.happens(FEED, "code", "ethnicity", rows), "97", scene.ethnicity[rows]),
        "CSRQ": spoil.impossible(scene, FEED, rows, compact(spoil.births(scene, FEED, rows, rows))),
        "PCSDM": station_code[book],
        "HH": number[book],
        "HB": np.where(collective >= 0, "2", "1"),
        "YHZGX": relation,
        "WHCD": np.where(schooling == "", None, schooling),
        "HYZK": marital,
        "HJDZ": texts,
        "BZDZBM": np.where(has_code, address_code(scene, dwelling), None),
        "LXDH": np.where(phone == "", None, phone),
        "QRRQ": compact(scene.registered_on[rows]),
        "ZXBS": np.where(dead, "1", "0"),
        "ZXYY": np.where(dead, "1", None),
        "ZXRQ": np.where(
            dead, compact(np.minimum(scene.death_date[rows].astype("datetime64[D]") + 6, scene.today)), None
        ),
        "GXSJ": text(written, " "),
    }
    every = np.arange(len(rows))
    return Offer(FEED, "offer_psb_register", columns["RYBH"], columns, columns["GXSJ"], available, [("", every, rows)])


def _available(scene: Scene, feed: str, keys: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """When rows can be seen: at once, or up to an hour late where the error ``time.late`` strikes."""
    late = scene.happens(feed, "time", "late", keys)
    delay = np.where(late, scene.chance.integers(f"{feed}.delay", keys, 1800, 3600), 0).astype("timedelta64[s]")
    return text(changed + delay)


def moved_rows(scene: Scene) -> Offer:
    """Second rows of people whose register moved: the old one cancelled (2 moved out), or forgotten and still open."""
    rows = np.flatnonzero((scene.register >= 0) & np.isnat(scene.death_date))
    rows = rows[scene.happens(FEED, "state", "second_row", rows)]
    keys = rows + _OLD_ROW
    offer = register(scene, rows)
    others = scene.county.registers
    book = scene.chance.integers(f"{FEED}.second.book", rows, 0, len(others))
    book = np.where(others["dwelling"].to_numpy()[book] >= 0, book, scene.register[rows])
    station_code, number = others["station"].to_numpy(), others["number"].to_numpy()
    dwelling = others["dwelling"].to_numpy()[book]
    open_ = scene.chance.happens(f"{FEED}.second.open", rows, 0.25)
    on = scene.registered_on[rows].astype("datetime64[D]")
    changed = office_hours(scene, FEED, keys, on)
    columns = dict(offer.columns)
    columns |= {
        "RYBH": person_numbers(keys), "XM": written_names(scene, FEED, keys, rows), "PCSDM": station_code[book], "HH": number[book],
        "GMSFHM": spoil.resident_ids(scene, FEED, keys, rows), "YHZGX": np.full(len(rows), "99", dtype=object),
        "HJDZ": scene.address(FEED, book, dwelling, STYLES), "BZDZBM": np.full(len(rows), None),
        "ZXBS": np.where(open_, "0", "1"), "ZXYY": np.where(open_, None, "2"), "ZXRQ": np.where(open_, None, compact(on)), "GXSJ": text(changed, " "),
        "QRRQ": compact(scene.birth[rows]), "LXDH": np.full(len(rows), None),
    }  # fmt: skip
    return Offer(
        FEED, offer.table, columns["RYBH"], columns, columns["GXSJ"], text(changed), [("", np.arange(len(rows)), rows)]
    )


def permit_holders(scene: Scene) -> np.ndarray:
    """People who live here, are registered outside and hold a residence permit (居住证暂行条例 §2)."""
    who = np.flatnonzero((scene.dwelling >= 0) & (scene.register < 0) & (ages(scene.birth, scene.today) > 15))
    family = scene.home[who]
    return who[scene.chance.happens("permit.holds", family, scene.coverage("psb_permit", "holders"))]


def permits(scene: Scene, rows: np.ndarray, changed: np.ndarray | None = None) -> Offer:
    """Residence permits of people ``rows``; a lapsed one is not a move-out."""
    feed, chance = "psb_permit", scene.chance
    moved = scene.moved_in[rows].astype("datetime64[D]")
    issued = np.minimum(
        np.maximum(moved + chance.integers("permit.after", rows, 3, 240), scene.today - 3000), scene.today
    )
    renewed = scene.happens(feed, "state", "lapsed", rows)
    until = np.where(
        renewed, issued + 365, np.maximum(issued + 365, scene.today + chance.integers("permit.until", rows, 5, 360))
    )
    state = np.where(until < scene.today, "2", "1")
    stale = scene.happens(feed, "address", "stale", rows) & (scene.previous[rows] >= 0)
    dwelling = np.where(stale, scene.previous[rows], scene.dwelling[rows])
    tenure = scene.county.families["tenure"].to_numpy()[scene.home[rows]].astype(str).astype(object)
    reason = np.array(["务工", "经商", "就学", "投靠亲属", "购房"], dtype=object)[
        chance.choose("permit.why", rows, [42, 18, 8, 20, 12])
    ]
    if changed is None:
        changed = office_hours(scene, feed, rows, issued)
    phone = spoil.phones(scene, feed, rows, rows)
    number = spoil.resident_ids(scene, feed, rows, rows, other=scene.spouse[rows])
    key = np.char.add("130731", padded(((rows.astype(np.int64) * 7_001 + 91) % 99_999_989), 10)).astype(object)
    columns = {
        "JZZBH": key, "GMSFHM": np.where(number == "", None, number), "XM": written_names(scene, feed, rows, rows),
        "XB": np.where(scene.happens(feed, "code", "sex", rows), 3 - scene.sex[rows], scene.sex[rows]).astype(str).astype(object),
        "CSRQ": compact(spoil.births(scene, feed, rows, rows)), "HJDQH": scene.area[rows],
        "JZDZ": scene.address(feed, rows, dwelling, STYLES | {"storey": 15, "door": 4, "dash": 10}),
        "JZSY": reason, "FWGX": tenure, "SLRQ": compact(issued), "QZYXQ": compact(until), "LXDH": np.where(phone == "", None, phone), "ZT": state,
        "GXSJ": text(changed, " "),
    }  # fmt: skip
    return Offer(
        feed,
        "offer_psb_permit",
        key,
        columns,
        columns["GXSJ"],
        _available(scene, feed, rows, changed),
        [("", np.arange(len(rows)), rows)],
    )


def standard_addresses(scene: Scene, dwellings: np.ndarray, changed: np.ndarray | None = None) -> Offer:
    """The standard addresses of dwellings."""
    feed, a = "psb_address", scene.addresses
    keys = dwellings.astype(np.int64)
    parts = [a.parts(d) for d in dwellings.tolist()]
    if changed is None:
        changed = office_hours(
            scene,
            feed,
            keys,
            np.full(len(keys), scene.county.start) - scene.chance.integers("address.ago", keys, 30, 2000),
        )
    old = scene.happens(feed, "address", "old_name", a.compound[dwellings])
    names = scene.places.compounds["old_name"].to_numpy()[a.compound[dwellings]]
    code = address_code(scene, dwellings)
    columns = {
        "DZBM": code,
        "SQDM": scene.places.compounds["community_code"].to_numpy()[a.compound[dwellings]],
        "XQMC": np.where(old & (names != ""), names, np.array([p[0] for p in parts], dtype=object)),
        "LDH": np.array([p[1] for p in parts], dtype=object),
        "DYH": np.array([p[2] or None for p in parts], dtype=object),
        "SH": np.array([p[3] or None for p in parts], dtype=object),
        "ZT": np.full(len(keys), "1", dtype=object),
        "GXSJ": text(changed, " "),
    }
    return Offer(feed, "offer_psb_address", code, columns, columns["GXSJ"], text(changed))
