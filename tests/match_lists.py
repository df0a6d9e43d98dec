"""Lists for tests: workbooks as departments make them, and a department's list out of a simulated county's truth, mistakes included."""

from __future__ import annotations

import csv
import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl

HEADER = ("序号", "姓名", "性别", "公民身份号码", "出生日期", "现住址", "金额")


def workbook(path: Path, rows: Sequence[Sequence[Any]], merged: Sequence[str] = (), sheet: str = "名单") -> Path:
    """A workbook of one sheet."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(list(row))
    for area in merged:
        page.merge_cells(area)
    book.save(path)
    return path


def cells(path: Path, sheet: int = 0) -> list[tuple]:
    """What stands in a sheet of a result."""
    return list(openpyxl.load_workbook(path).worksheets[sheet].iter_rows(values_only=True))


def write_county_list(truth: Path, path: Path, rows: int, seed: int) -> list[str | None]:
    """Write a list of ``rows`` people of the county, one in ten of them a stranger; who each row is (None: a stranger).

    Four in ten without a number, one in seven with a wrong digit, masked or cut; names with another character or blanks; dates
    with day and month swapped, in other forms or left out; one in five without an address.
    """
    rng = random.Random(seed)
    people = [p for p in _read(truth / "attributes.csv") if p["name"]]
    named = {p["true_person_id"] for p in _read(truth / "crosswalk.csv")}
    people = [p for p in people if p["true_person_id"] in named]
    who: list[str | None] = []
    with path.open("w", encoding="gb18030", errors="replace", newline="") as file:
        out = csv.writer(file)
        out.writerow(["某某局补贴对象名单"] + [""] * (len(HEADER) - 1))
        out.writerow(HEADER)
        for number, person in enumerate(rng.choices(people, k=rows), 1):
            stranger = rng.random() < 0.1
            who.append(None if stranger else person["true_person_id"])
            out.writerow([number, *_row(rng, person, people, stranger), rng.randint(100, 900)])
    return who


def match_county_list(site, folder: Path, rows: int, seed: int) -> tuple[Counter, float]:
    """Match such a list of a site's county: (outcome, right) → rows, and the seconds the matching took."""
    from linkage.match_store import match_list

    truth, path, out, hub = site.county.folder / "truth", folder / "list.csv", folder / "result.xlsx", site.hub()
    who = write_county_list(truth, path, rows, seed)
    started = time.monotonic()
    match_list(hub.engine, path, out, purpose="test", by="test", today=hub.settings.today)
    seconds = time.monotonic() - started
    links = site.rows("SELECT feed, record_key, person_id FROM hub.person_link WHERE recorded_to IS NULL")
    return judged(truth, links, who, out), seconds


def _row(rng: random.Random, person: Mapping[str, str], people: Sequence[Mapping[str, str]], stranger: bool) -> list[str]:
    name, number, birth = person["name"], person["id_number"], person["birth_date"]
    if stranger:
        name = rng.choice(people)["name"][0] + rng.choice(people)["name"][1:]
        number, birth = "", f"{rng.randint(1940, 2015)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    kind = rng.random()
    if kind < 0.4 or not number:
        number = ""
    elif kind < 0.45:
        at = rng.randrange(17)
        number = number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :]
    elif kind < 0.5:
        number = number[:6] + "********" + number[-4:]
    elif kind < 0.55:
        number = number[:15] + "000"
    kind = rng.random()
    if kind < 0.03 and len(name) == 3:
        name = name[0] + rng.choice(people)["name"][-1] + name[2]
    elif kind < 0.06:
        name = " ".join(name)
    kind = rng.random()
    if kind < 0.1:
        birth = ""
    elif kind < 0.13 and int(birth[8:]) <= 12:
        birth = f"{birth[:5]}{birth[8:]}-{birth[5:7]}"
    elif kind < 0.3:
        birth = birth.replace("-", ".")
    address = f"{person['compound']}{person['building']}号楼{person['unit']}单元{person['room']}" if person["compound"] and rng.random() < 0.8 else ""
    return [name, {"1": "男", "2": "女"}[person["sex"]], number, birth, address]


def judged(truth: Path, links: Sequence[tuple[str, str, str]], who: Sequence[str | None], result: Path) -> Counter:
    """How often a result is right: (outcome, verdict) → rows. ``links``: feed, record_key, person_id of the warehouse."""
    true = {(row["feed"], row["source_key"]): row["true_person_id"] for row in _read(truth / "crosswalk.csv")}
    held: dict[str, Counter] = defaultdict(Counter)
    for feed, key, person in links:
        held[person][true.get((feed, key))] += 1
    owner = {person: counted.most_common(1)[0][0] for person, counted in held.items()}
    title, *rows = cells(result)
    outcome, person, candidates = (title.index(t) for t in ("匹配结果", "人员编号", "候选"))
    found: Counter = Counter()
    for row, meant in zip(rows, who, strict=True):
        named = [line.split()[0] for line in (row[candidates] or "").splitlines()]
        if row[outcome] == "已匹配":
            found["已匹配", owner[row[person]] == meant] += 1
        elif row[outcome] == "待核":
            found["待核", meant in [owner[p] for p in named]] += 1
        else:
            found[row[outcome], meant is None] += 1
    return found


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
