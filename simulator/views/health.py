"""The health bureau's three services: resident archives, examinations of the old, vaccination of children."""

from __future__ import annotations

import numpy as np

from simulator.county.ids import padded
from simulator.county.lives import ages
from simulator.county.store import Offer
from simulator.views import spoil
from simulator.views.noise import Scene
from simulator.views.psb import known_dead
from simulator.views.spoil_names import written_names
from simulator.views.times import dashed, iso, office_hours, spread

RECORD, EXAM, CHILD = "health_record", "health_elderly_exam", "health_child_vaccination"
STYLES = {
    "full": 22,
    "dash": 26,
    "storey": 14,
    "hash": 7,
    "door": 6,
    "block": 5,
    "chinese": 4,
    "wide": 3,
    "padded": 4,
    "side": 2,
    "old_town": 5,
    "official": 4,
}
_SECOND = 20_000_000  # key of a person's second archive
_OUTSIDE = (
    "张家口市宣化区",
    "张家口市桥东区明德北路",
    "怀来县沙城镇",
    "蔚县蔚州镇",
    "保定市涞水县",
    "北京市延庆区",
    "涿鹿县矾山镇",
    "涿鹿县保岱镇",
    "涿鹿县东小庄镇",
)
_EDUCATION = {"": "10", "20": "2", "30": "3", "40": "4", "60": "6", "70": "7", "80": "8", "90": "9"}
_TEAMS = ("城区一队", "城区二队", "轩辕社区卫生服务站", "滨河社区卫生服务站", "涿鹿镇卫生院三队")


def with_outside(scene: Scene, feed: str, rows: np.ndarray, dwelling: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Address texts in which -2 (a place outside the town) has words."""
    words = np.array(_OUTSIDE, dtype=object)[scene.chance.integers(f"{feed}.outside", rows, 0, len(_OUTSIDE))]
    return np.where(dwelling == -2, words, texts)


def archived(scene: Scene) -> np.ndarray:
    """People with a resident archive: those who live here, the old and the young rather than the middle, some dead."""
    age = ages(scene.birth, scene.today)
    share = np.select([age < 0.4, age < 7, age < 18, age < 60], [0.45, 0.86, 0.68, 0.60], 0.93)
    here = (scene.home >= 0) | ~np.isnat(scene.death_date)
    return np.flatnonzero(
        here & scene.chance.happens("archive.has", np.arange(len(age)), share * scene.coverage(RECORD, "share"))
    )


def archive_numbers(scene: Scene, keys: np.ndarray) -> np.ndarray:
    """Archive numbers (17 digits) of people, or of ``_SECOND`` + people; the village part is health's own list."""
    person = keys % _SECOND
    village = (
        1 + person // 99_000 + 10 * (keys >= _SECOND) + 20 * (scene.chance.integers("archive.village", keys, 0, 4))
    )
    serial = (person.astype(np.int64) * 7_919 + 4_711) % 99_989
    whole = np.char.add("130731100", padded(village, 3))
    return np.char.add(whole, padded(serial, 5)).astype(object)


def records(scene: Scene, rows: np.ndarray, changed: np.ndarray | None = None, second: bool = False) -> Offer:
    """Resident archives of people ``rows``; ``second``: their other archive, opened elsewhere and never closed."""
    chance, feed = scene.chance, RECORD
    keys = rows + (_SECOND if second else 0)
    dwelling, stale = scene.known_dwelling(feed, rows)
    if second:
        dwelling = np.where(scene.previous[rows] != -1, scene.previous[rows], dwelling)
    dead = known_dead(scene, feed, rows)
    dwelling = np.where(dwelling == -1, _late_home(scene, rows), dwelling)
    relative = np.where(scene.mother[rows] >= 0, scene.mother[rows], scene.spouse[rows])
    number = spoil.resident_ids(scene, feed, keys, rows, other=relative)
    births = spoil.births(scene, feed, keys, rows)
    phone = spoil.phones(scene, feed, keys, rows)
    marital = np.select(
        [scene.marital[rows] == 10, scene.marital[rows] < 30, scene.marital[rows] == 30], ["1", "2", "3"], "4"
    ).astype(object)
    marital = np.where(scene.happens(feed, "code", "marital", keys), "5", marital)
    marital = np.where(scene.happens(feed, "code", "marital_stale", keys) & (marital == "3"), "2", marital)
    education = np.array([_EDUCATION[c] for c in scene.schooling[rows]], dtype=object)
    education = np.where(scene.happens(feed, "code", "education", keys), "10", education)
    education = np.where(scene.happens(feed, "code", "unmapped", keys), "11", education)
    moved = scene.chance.happens(f"{feed}.closed", keys, 0.5) if second else np.zeros(len(rows), dtype=bool)
    if changed is None:
        since = np.where(
            stale,
            scene.today - 2200,
            np.maximum(scene.moved_in[rows].astype("datetime64[D]"), scene.birth[rows].astype("datetime64[D]") + 20),
        )
        day = spread(scene, feed, keys, since.astype("datetime64[D]"), 2000)
        day = np.where(stale, np.minimum(day, scene.moved_in[rows].astype("datetime64[D]")), day)
        changed = office_hours(scene, feed, keys, day)
    age = ages(scene.birth[rows], scene.today)
    text = with_outside(scene, feed, rows, dwelling, scene.address(feed, keys, dwelling, STYLES))
    columns = {
        "archiveNo": archive_numbers(scene, keys),
        "name": written_names(scene, feed, keys, rows),
        "idType": np.where(number == "", None, "111"),
        "idNo": np.where(number == "", None, number),
        "sex": np.where(scene.happens(feed, "code", "sex", keys), 3 - scene.sex[rows], scene.sex[rows])
        .astype(str)
        .astype(object),
        "birthday": spoil.impossible(scene, feed, keys, dashed(births)),
        "phone": np.where(phone == "", None, phone),
        "address": np.where(scene.happens(feed, "address", "missing", keys), None, text),
        "residentType": np.where(scene.register[rows] >= 0, "1", "2").astype(object),
        "maritalStatus": np.where(age < 15, "1", marital),
        "education": education,
        "familyDoctorTeam": np.array(_TEAMS, dtype=object)[np.maximum(scene.family[rows], 0) % len(_TEAMS)],
        "hypertensionCare": chance.happens("care.hypertension", rows, np.where(age > 45, 0.31, 0.01)),
        "diabetesCare": chance.happens("care.diabetes", rows, np.where(age > 45, 0.13, 0.004)),
        "status": np.where(dead, "2", np.where(moved, "3", "1")).astype(object),
        "updatedAt": iso(changed),
    }
    when = columns["updatedAt"]
    available = np.array([w[:19] for w in when], dtype=object)
    return Offer(
        feed, "offer_health_record", columns["archiveNo"], columns, when, available, [("", np.arange(len(rows)), rows)]
    )


def second_archives(scene: Scene, rows: np.ndarray) -> np.ndarray:
    """Those of ``rows`` who have two archives: opened again after a move, or at another station."""
    moved = scene.previous[rows] != -1
    rate = np.where(moved, scene.rate(RECORD, "state", "second_mover"), scene.rate(RECORD, "state", "second"))
    return rows[scene.chance.happens("archive.second", rows, rate)]


def _late_home(scene: Scene, rows: np.ndarray) -> np.ndarray:
    """The dwelling of the family of people who have none themselves (the dead)."""
    family = scene.family[rows]
    return np.where(family >= 0, scene.county.families["dwelling"].to_numpy()[family], -1)


def examined(scene: Scene) -> np.ndarray:
    """People of 65 and more with an archive and an examination in the last two years."""
    rows = archived(scene)
    old = (ages(scene.birth[rows], scene.today) >= 65) & (scene.home[rows] >= 0)
    return rows[old & scene.chance.happens("exam.has", rows, scene.coverage(EXAM, "share"))]


def exams(scene: Scene, rows: np.ndarray, day: np.ndarray | None = None) -> Offer:
    """The last yearly examination of people ``rows``; says who by the archive's number and the ID."""
    feed = EXAM
    if day is None:
        day = spread(scene, feed, rows, np.full(len(rows), scene.today - 700), 700)
    year = day.astype("datetime64[Y]").astype(int) + 1970
    number = spoil.resident_ids(scene, feed, rows, rows, other=scene.spouse[rows])
    age = ages(scene.birth[rows], scene.today)
    care = np.select(
        [age < 75, age < 85],
        [scene.chance.choose("exam.care", rows, [93, 4, 2, 1]), scene.chance.choose("exam.care", rows, [82, 11, 5, 2])],
        scene.chance.choose("exam.care", rows, [60, 22, 12, 6]),
    )
    archive = archive_numbers(scene, rows)
    lost = scene.happens(feed, "code", "archive_missing", rows)
    serial = padded(((rows.astype(np.int64) * 3_571 + year * 13) % 9_999_991), 7)
    key = np.char.add(np.char.add("TJ", year.astype(str)), serial).astype(object)
    when = iso(np.minimum(office_hours(scene, feed, rows, day) + np.timedelta64(1, "h"), scene.county.moment))
    columns = {
        "examNo": key, "archiveNo": np.where(lost, None, archive), "idNo": np.where(number == "", None, number), "examDate": dashed(day),
        "selfCareGrade": (care + 1).astype(str).astype(object), "nextDueDate": dashed(day.astype("datetime64[D]") + 365), "updatedAt": when,
    }  # fmt: skip
    # Who has neither number on the form is nobody's record; the archive's number is put back for them.
    columns["archiveNo"] = np.where(lost & (columns["idNo"] == None), archive, columns["archiveNo"])  # noqa: E711
    return Offer(
        feed,
        "offer_elderly_exam",
        key,
        columns,
        when,
        np.array([w[:19] for w in when], dtype=object),
        [("", np.arange(len(rows)), rows)],
    )


def vaccinated(scene: Scene) -> np.ndarray:
    """Children under seven who live here."""
    rows = np.flatnonzero(
        (scene.home >= 0) & (ages(scene.birth, scene.today) < 7) & (ages(scene.birth, scene.today) > 0.01)
    )
    return rows[scene.chance.happens("child.has", rows, scene.coverage(CHILD, "share"))]


def children(scene: Scene, rows: np.ndarray, changed: np.ndarray | None = None) -> Offer:
    """Vaccination cards of children ``rows``, with the mother; a newborn is 王某之子 until the card is renewed."""
    feed, chance = CHILD, scene.chance
    age = ages(scene.birth[rows], scene.today)
    mother = scene.mother[rows]
    has_mother = mother >= 0
    safe = np.where(has_mother, mother, rows)
    name = written_names(scene, feed, rows, rows)
    unnamed = chance.happens(
        f"{feed}.unnamed",
        rows,
        np.select(
            [~scene.has_id[rows], age < 0.35],
            [scene.rate(feed, "name", "unnamed_newborn"), scene.rate(feed, "name", "unnamed_new")],
            scene.rate(feed, "name", "unnamed"),
        ),
    )
    word = np.where(scene.sex[rows] == 1, "之子", "之女")
    of = np.where(
        chance.happens(f"{feed}.of_mother", rows, 0.7),
        scene.name[safe],
        np.char.add(scene.surname[rows].astype(str), "某").astype(object),
    )
    name = np.where(unnamed & has_mother, of + word, name)
    number = spoil.resident_ids(scene, feed, rows, rows, other=mother)
    number = np.where(
        chance.happens(f"{feed}.young_id", rows, np.where(age < 1.5, scene.rate(feed, "id", "missing_young"), 0)),
        "",
        number,
    )
    dwelling, _ = scene.known_dwelling(feed, rows)
    mother_name = np.where(has_mother, written_names(scene, feed, rows, safe, "mother_name"), None)
    mother_id = np.where(has_mother, spoil.resident_ids(scene, feed, rows, safe, "mother_id"), None)
    mother_id = np.where(mother_id == "", None, mother_id)
    phone = spoil.phones(scene, feed, rows, safe)
    if changed is None:
        changed = office_hours(
            scene, feed, rows, spread(scene, feed, rows, scene.birth[rows].astype("datetime64[D]") + 2, 900)
        )
    when = iso(changed)
    key = np.char.add("1307310", padded(((rows.astype(np.int64) * 9_973 + 7) % 9_999_991), 8)).astype(object)
    text = with_outside(
        scene, feed, rows, dwelling, scene.address(feed, np.maximum(scene.family[rows], 0), dwelling, STYLES)
    )
    columns = {
        "childNo": key, "childName": name, "childIdNo": np.where(number == "", None, number), "birthday": dashed(spoil.births(scene, feed, rows, rows)),
        "sex": np.where(scene.happens(feed, "code", "sex", rows), 3 - scene.sex[rows], scene.sex[rows]).astype(str).astype(object),
        "motherName": mother_name, "motherIdNo": mother_id, "phone": np.where(phone == "", None, phone), "address": text,
        "upToDate": chance.happens("child.up_to_date", rows, 0.93), "nextDueDate": dashed(scene.today + chance.integers("child.due", rows, -20, 300)),
        "updatedAt": when,
    }  # fmt: skip
    truth = [("", np.arange(len(rows)), rows), ("#mother", np.flatnonzero(has_mother), mother[has_mother])]
    return Offer(
        feed, "offer_child_vaccination", key, columns, when, np.array([w[:19] for w in when], dtype=object), truth
    )
