"""What else is true of each person: name, number, phone, schooling, school, disability; assistance cards and shops."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.county import ids, names
from simulator.county.chance import Chance
from simulator.county.families import NAMES, YEAR

SCHOOLS = {  # level -> names, largest first
    1: [
        "涿鹿县实验小学",
        "轩辕小学",
        "合符小学",
        "涿鹿镇中心小学",
        "南关小学",
        "北关小学",
        "西关小学",
        "东关小学",
        "滨河小学",
    ],
    2: ["涿鹿县第二中学", "涿鹿县第三中学", "轩辕中学", "涿鹿县实验中学"],
    3: ["涿鹿中学", "涿鹿县第一中学", "涿鹿县职教中心"],
}


def ages(birth, on: np.datetime64) -> np.ndarray:
    """Completed age in years (float) on a day."""
    return (on - np.asarray(birth).astype("datetime64[D]")).astype(int) / YEAR


def name_people(chance: Chance, people: pd.DataFrame) -> None:
    """Surnames down the father's line, given names by decade and sex, former names, ethnicity."""
    index = np.arange(len(people))
    source = people["surname_from"].to_numpy()
    surname = names.surnames(chance, "surname", index)
    for _ in range(4):  # great-grandfather to child
        surname = np.where(source >= 0, surname[source], surname)
    codes = np.array(list(names.ETHNIC_WEIGHTS))
    ethnic = codes[chance.choose("ethnicity", index, list(names.ETHNIC_WEIGHTS.values()))]
    for _ in range(4):
        ethnic = np.where(source >= 0, ethnic[source], ethnic)
    year = people["birth"].to_numpy().astype("datetime64[Y]").astype(int) + 1970
    parent = np.where(people["father"] >= 0, people["father"], np.where(people["mother"] >= 0, people["mother"], index))
    sex = people["sex"].to_numpy()
    given = names.given_names(chance, index, sex, year, parent)
    whole = (surname + given).astype(object)
    for row in np.flatnonzero(np.isin(ethnic, ["04", "05", "17"])).tolist():
        whole[row] = names.minority_name(chance, row, ethnic[row]) or whole[row]
    former = (surname + names.given_names(chance, index, sex, year, parent, "former")).astype(object)
    changed = chance.happens("former.has", index, 0.03) & (year < 2015) & (former != whole)
    people["name"], people["surname"], people["ethnicity"] = whole, surname, ethnic
    people["former_name"] = np.where(changed, former, "")


def number_people(chance: Chance, people: pd.DataFrame, today: np.datetime64) -> dict:
    """Resident IDs (newborns get theirs when registered), phones old and new. Returns the counts of numbers given."""
    index = np.arange(len(people))
    birth = people["birth"].to_numpy().astype("datetime64[D]")
    year = birth.astype("datetime64[Y]").astype(int) + 1970
    child = (year >= 1993) & (people["mother"] >= 0).to_numpy()
    origin = people["origin"].to_numpy()
    origin = np.where(child, np.where(origin > 0, origin, 0), origin)
    area = ids.areas(chance, np.where(people["twin"] >= 0, people["twin"], index), year, origin)
    taken: dict = {}
    people["id_number"] = ids.resident_ids(chance, index, area, birth, people["sex"].to_numpy(), taken)
    people["first_id"] = people["id_number"]  # numbers made from an ID keep it when it is corrected
    people["area"] = area
    age = ages(birth, today)
    waiting = (age < 0.16) & chance.happens("id.waiting", index, 0.7)
    people["has_id"] = ~waiting
    has_phone = np.select([age < 12, age < 17, age < 65, age < 80], [0, 0.35, 0.985, 0.85], 0.55)
    phone = ids.phones(chance, "phone", index)
    people["phone"] = np.where(chance.happens("phone.has", index, has_phone), phone, "")
    people["old_phone"] = np.where(
        chance.happens("phone.old", index, 0.6) & (age > 20), ids.phones(chance, "phone.before", index), ""
    )
    return taken


def school_people(chance: Chance, people: pd.DataFrame, today: np.datetime64) -> None:
    """Schooling (GB/T 4658), and school level, school, grade 1-12 and class of pupils (level 0: none)."""
    index = np.arange(len(people))
    birth = people["birth"].to_numpy().astype("datetime64[D]")
    year = today.astype("datetime64[Y]").astype(int) + 1970
    september = np.datetime64(f"{year if today >= np.datetime64(f'{year}-09-01') else year - 1}-09-01")
    grade = np.floor(ages(birth, september)).astype(int) - 5
    enrolled = (people["dwelling"] >= 0).to_numpy() & (grade >= 1) & (grade <= 12)
    enrolled &= chance.happens("school.enrolled", index, np.select([grade <= 9, grade <= 12], [0.985, 0.8], 0))
    level = np.where(enrolled, np.select([grade <= 6, grade <= 9], [1, 2], 3), 0)
    size = len(people)
    school = np.zeros(size, dtype=int)
    for step, titles in SCHOOLS.items():
        open_ = max(1, min(len(titles), round(len(titles) * min(1, size / 40_000)) or 1))
        rows = np.flatnonzero(level == step)
        near = np.where(
            chance.happens("school.near", rows, 0.6),
            people["home"].to_numpy()[rows] * 7919 % open_,
            chance.choose("school.which", rows, [1 / (i + 1.5) for i in range(open_)]),
        )
        school[rows] = near
    people["level"], people["school"], people["grade"] = level, school, np.where(enrolled, grade, 0)
    per_class = np.bincount((school * 13 + grade.clip(0, 12))[enrolled], minlength=200)
    classes = np.maximum(1, per_class // 45)[school * 13 + grade.clip(0, 12)]
    people["class_no"] = 1 + chance.integers("school.class", index, 0, 1000) % classes
    age = ages(birth, today)
    old = chance.choose("schooling.old", index, [1, 3, 6, 8, 32, 38, 12])
    young = chance.choose("schooling.young", index, [14, 24, 8, 16, 32, 5, 1])
    ladder = np.array(["20", "30", "40", "60", "70", "80", "90"])
    adult = np.where(age > 45, ladder[old], ladder[young])
    people["schooling"] = np.select([age < 6.5, age < 13, age < 16, age < 18.5], ["", "80", "70", "60"], adult)


def settle_marriages(chance: Chance, people: pd.DataFrame, today: np.datetime64) -> None:
    """Date of the present marriage of each couple, of the divorce of those divorced lately (NaT = none)."""
    index, spouse = np.arange(len(people)), people["spouse"].to_numpy()
    lead = np.where(spouse >= 0, np.minimum(index, spouse), index)
    birth = people["birth"].to_numpy().astype("datetime64[D]")
    younger = np.maximum(birth, np.where(spouse >= 0, birth[spouse], birth))
    wed = younger + np.round((22.1 + 7 * chance.uniform("wed.age", lead) ** 1.3) * YEAR).astype("timedelta64[D]")
    eldest = pd.Series(birth).groupby(people["mother"].to_numpy()).min()
    first = pd.Series(lead).map(eldest).to_numpy().astype("datetime64[D]")
    wed = np.where(~np.isnat(first) & (first - 300 < wed) & (first - 300 > younger + 7300), first - 300, wed)
    days = chance.integers("wed.ago", lead, 3, 2500).astype("timedelta64[D]")
    wed = np.where(wed > today - 3, today - days, wed)
    ok = (spouse >= 0) & (wed > younger)
    people["married_on"] = np.where(ok, wed, np.datetime64("NaT", "D"))
    divorced = (people["marital"] == 40).to_numpy() & chance.happens("divorce.lately", index, 0.12)
    when = today - chance.integers("divorce.ago", index, 10, 1000).astype("timedelta64[D]")
    people["divorced_on"] = np.where(divorced, when, np.datetime64("NaT", "D"))
    people["former_spouse"] = _former_spouses(people)


def _former_spouses(people: pd.DataFrame) -> np.ndarray:
    """Who the lately divorced were married to: a man and a woman of about one age, as far as they last (-1)."""
    sex, year = people["sex"].to_numpy(), people["birth"].to_numpy().astype("datetime64[Y]").astype(int)
    apart = (people["marital"] == 40).to_numpy() & people["death_date"].isna().to_numpy()
    men = np.flatnonzero((sex == 1) & people["divorced_on"].notna().to_numpy())
    women: dict[int, list[int]] = {}
    for w in np.flatnonzero(apart & (sex == 2)).tolist():
        women.setdefault(int(year[w]), []).append(w)
    out = np.full(len(people), -1)
    divorced_on = people["divorced_on"].to_numpy().copy()
    divorced_on[sex == 2] = np.datetime64("NaT", "D")
    for man in men.tolist():
        for gap in (0, 1, -1, 2, 3, -2, 4, 5):
            if women.get(int(year[man]) + gap):
                wife = women[int(year[man]) + gap].pop(0)
                out[man], out[wife], divorced_on[wife] = wife, man, divorced_on[man]
                break
    people["divorced_on"] = divorced_on
    return out


def disable_people(chance: Chance, people: pd.DataFrame, today: np.datetime64) -> None:
    """Disability class 1-7 and grade 1-4 of holders of a certificate (0: none), more often the old."""
    index, age = np.arange(len(people)), ages(people["birth"], today)
    rate = np.select([age < 18, age < 50, age < 65], [0.008, 0.02, 0.045], 0.07)
    has = (
        chance.happens("disabled", index, rate)
        & people["death_date"].isna().to_numpy()
        & (people["home"] >= 0).to_numpy()
    )
    people["disability"] = np.where(has, 1 + chance.choose("disabled.class", index, [12, 13, 2, 52, 9, 9, 3]), 0)
    people["disability_grade"] = np.where(has, 1 + chance.choose("disabled.grade", index, [14, 29, 31, 26]), 0)


def assist_families(chance: Chance, people: pd.DataFrame, families: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assistance cards and their members (共同生活的家庭成员, which is neither book nor flat): (cards, card members)."""
    kind, keys = families["kind"].to_numpy(), families.index.to_numpy()
    poor = np.full(len(NAMES), 0.012)
    for name, rate in {"old_single": 0.075, "lone_parent": 0.09, "grandparents": 0.16, "old_couple": 0.03}.items():
        poor[NAMES.index(name)] = rate
    disabled = np.zeros(len(families), dtype=bool)
    disabled[people["home"][(people["disability"] > 0) & (people["disability_grade"] <= 2) & (people["home"] >= 0)]] = (
        True
    )
    rate = np.where(disabled, np.maximum(poor[kind], 0.15), poor[kind])
    at = np.flatnonzero(chance.happens("card", keys, rate) & ~families["away"].to_numpy())
    kinds = np.where(kind[at] == 0, 2, chance.choose("card.kind", at, [62, 24, 0, 14]))
    kinds = np.where((kind[at] == 0) & chance.happens("card.tekun", at, 0.6), 0, kinds)
    cards = pd.DataFrame(
        {
            "family": at,
            "kind": kinds,
            "head": families["head"].to_numpy()[at],
            "since": chance.integers("card.since", at, 0, 140),
            "open": True,
        }
    )
    position = pd.Series(np.arange(len(at)), index=at)
    inside = people[people["home"].isin(at)]
    # A grown child who lives in is often left out; a grown child who lives away sometimes counts.
    left_out = (inside["seat"] >= 2) & (inside["marital"] != 10) | (
        (inside["seat"] >= 2) & chance.happens("card.leaves", inside.index, 0.1)
    )
    inside = inside[~left_out.to_numpy() | (inside.index.isin(cards["head"]))]
    members = pd.DataFrame({"card": position.reindex(inside["home"]).to_numpy(), "person": inside.index.to_numpy()})
    mother_family = people["family"].to_numpy()[people["mother"].to_numpy()]
    away = people[(people["family"] < 0) & (people["mother"] >= 0) & np.isin(mother_family, at)]
    away = away[chance.happens("card.away", away.index, 0.2)]
    extra = pd.DataFrame(
        {"card": position.reindex(mother_family[away.index]).to_numpy(), "person": away.index.to_numpy()}
    )
    return cards, pd.concat([members, extra]).astype(int).sort_values(["card", "person"], ignore_index=True)


def open_shops(chance: Chance, people: pd.DataFrame, today: np.datetime64) -> pd.DataFrame:
    """Market entities: operator, kind (91 92 93), opened, status; one in twenty residents runs one, some run two."""
    age = ages(people["birth"], today)
    adult = np.flatnonzero((people["home"] >= 0).to_numpy() & (age > 22) & (age < 66))
    runs = adult[chance.happens("shop.runs", adult, 0.082)]
    runs = np.sort(np.concatenate([runs, runs[chance.happens("shop.second", runs, 0.07)]]))
    keys = np.arange(len(runs))
    kind = np.array([92, 91, 93])[chance.choose("shop.kind", keys, [82, 16, 2])]
    opened = today - chance.integers("shop.opened", keys, 10, 6500).astype("timedelta64[D]")
    status = np.array(["存续", "歇业", "注销", "吊销"])[chance.choose("shop.status", keys, [84, 2, 11, 3])]
    return pd.DataFrame({"operator": runs, "kind": kind, "opened": opened, "status": status})
