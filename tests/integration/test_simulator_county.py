"""A county of some hundred people: the same bytes by the same seed, a complete truth, dirt at its written rates."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import pytest

from simulator.county.advance import advance
from simulator.county.make import make_county
from simulator.county.reading import CountyReading
from simulator.views.noise import written_rates

START = date(2026, 10, 23)
FEEDS = {
    "psb_register", "psb_permit", "edu_enrolment", "health_record", "health_elderly_exam", "health_child_vaccination", "civil_assistance_family",
    "civil_assistance_person", "civil_disability", "civil_old_age_allowance", "civil_marriage", "civil_death", "market_entity", "grid_visit", "grid_request",
}  # fmt: skip


@pytest.fixture(scope="module")
def noisy(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("noisy")
    make_county(folder, 1500, 7, 1.0, START)
    return folder


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    make_county(folder, 400, 7, 0.0, START)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_one_seed_gives_one_county_byte_for_byte_also_after_a_day(tmp_path: Path):
    for name in ("a", "b"):
        make_county(tmp_path / name, 300, 5, 1.0, START)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    for name in ("a", "b"):
        advance(tmp_path / name, 9)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    make_county(tmp_path / "c", 300, 6, 1.0, START)
    assert digests(tmp_path / "c")["truth/persons.csv"] != digests(tmp_path / "a")["truth/persons.csv"]


def test_every_person_record_offered_has_its_true_person_and_no_other_has(noisy: Path):
    told = {(r["feed"], r["source_key"]) for r in CountyReading(noisy).truth("crosswalk")}
    assert told == CountyReading(noisy).keys()
    assert {feed for feed, _ in told} == FEEDS
    people = {r["true_person_id"] for r in CountyReading(noisy).truth("persons")}
    assert {r["true_person_id"] for r in CountyReading(noisy).truth("crosswalk")} <= people


def test_true_numbers_are_valid_unique_and_say_birth_and_sex(noisy: Path):
    people = [r for r in CountyReading(noisy).truth("persons") if r["id_number"]]
    assert len({r["id_number"] for r in people}) == len(people)
    for r in people:
        n = r["id_number"]
        total = sum(
            int(c) * w for c, w in zip(n[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=True)
        )
        assert n[17] == "10X98765432"[total % 11]
        assert n[6:14] == r["birth_date"].replace("-", "")
        assert int(n[16]) % 2 == (r["sex"] == "1")


def test_ages_and_household_sizes_are_those_of_the_census(tmp_path: Path):
    make_county(tmp_path, 6000, 2, 1.0, START)
    born = [int(r["birth_date"][:4]) for r in CountyReading(tmp_path).truth("persons") if r["resident"] == "1"]
    assert len(born) == pytest.approx(6000, rel=0.05)
    assert sum(b < 1966 for b in born) / len(born) == pytest.approx(0.2506, abs=0.02)
    assert sum(b > 2011 for b in born) / len(born) == pytest.approx(0.152, abs=0.02)
    sizes = Counter(r["household_id"] for r in CountyReading(tmp_path).truth("households") if r["kind"] == "residence")
    assert sum(sizes.values()) / len(sizes) == pytest.approx(2.17, abs=0.08)


def test_a_third_is_registered_elsewhere_than_it_lives(noisy: Path):
    own = CountyReading(noisy).rows("SELECT I_dwelling, I_register FROM truth_people WHERE I_home >= 0")
    homes = [d for (d,) in CountyReading(noisy).rows("SELECT I_dwelling FROM truth_registers ORDER BY rowid")]
    apart = sum(1 for dwelling, register in own if register < 0 or homes[register] != dwelling) / len(own)
    assert 0.28 < apart < 0.42


def test_a_clean_county_tells_nothing_but_the_truth(clean: Path):
    people = {r["true_person_id"]: r for r in CountyReading(clean).truth("persons")}
    who = {(r["feed"], r["source_key"]): people[r["true_person_id"]] for r in CountyReading(clean).truth("crosswalk")}
    for key, name, number, birth in CountyReading(clean).rows(
        "SELECT RYBH, XM, GMSFHM, CSRQ FROM visible_offer_psb_register"
    ):
        true = who["psb_register", key]
        assert (name, number or "", birth) == (true["name"], true["id_number"], true["birth_date"].replace("-", ""))
    for d in CountyReading(clean).docs("offer_health_record"):
        true = who["health_record", d["archiveNo"]]
        assert (d["name"], d["idNo"] or "", d["birthday"]) == (true["name"], true["id_number"], true["birth_date"])
        assert d["address"].startswith("涿鹿县涿鹿镇")
    pupils = CountyReading(clean).lines("edu_enrolment")
    assert pupils and all(
        d["姓名"] == who["edu_enrolment", d["学籍号"]]["name"] and d["学籍号"][0] == "G" for d in pupils
    )
    for (doc,) in CountyReading(clean).rows("SELECT doc FROM offer_event WHERE type = 'household_visit'"):
        d = json.loads(doc)
        for i, r in enumerate(d["residents"]):
            true = who["grid_visit", f"{d['eventId']}#{i}"]
            assert (r["name"], r["idNo"] or "", r["birthday"]) == (true["name"], true["id_number"], true["birth_date"])
    assert len({d["archiveNo"] for d in CountyReading(clean).docs("offer_health_record")}) == len(
        {
            who["health_record", d["archiveNo"]]["true_person_id"]
            for d in CountyReading(clean).docs("offer_health_record")
        }
    )


def test_written_rates_are_met_and_scaled_by_noise(noisy: Path, tmp_path: Path):
    make_county(tmp_path, 1500, 7, 2.0, START)

    def missing(folder: Path) -> float:
        people = CountyReading(folder).docs("offer_health_record")
        return sum(d["idNo"] is None for d in people) / len(people)

    rate = written_rates()["health_record"]["id"]["missing"]
    assert missing(noisy) == pytest.approx(rate, abs=0.018)
    assert missing(tmp_path) == pytest.approx(2 * rate, abs=0.025)
    residents = [
        r
        for (doc,) in CountyReading(noisy).rows("SELECT doc FROM offer_event WHERE type = 'household_visit'")
        for r in json.loads(doc)["residents"]
    ]
    empty, masked = sum(r["idNo"] is None for r in residents), sum("********" in (r["idNo"] or "") for r in residents)
    assert 0.4 < empty / len(residents) < 0.6
    assert 0.18 < masked / len(residents) < 0.3
    registered = {k: n for k, n in CountyReading(noisy).rows("SELECT RYBH, XM FROM visible_offer_psb_register")}
    who = {
        r["source_key"]: r["true_person_id"]
        for r in CountyReading(noisy).truth("crosswalk")
        if r["feed"] == "psb_register"
    }
    names = {r["true_person_id"]: r["name"] for r in CountyReading(noisy).truth("persons")}
    wrong = sum(names[who[k]] != n for k, n in registered.items()) / len(registered)
    assert 0.01 < wrong < 0.05


def test_children_of_few_weeks_have_no_number_and_a_mothers_name(noisy: Path):
    new = [d for d in CountyReading(noisy).docs("offer_child_vaccination") if d["childName"].endswith(("之子", "之女"))]
    assert new and all(d["motherName"] for d in new)
    assert sum(d["childIdNo"] is None for d in CountyReading(noisy).docs("offer_child_vaccination")) > len(new) / 2


def test_addresses_come_in_many_forms(noisy: Path):
    texts = [d["address"] for d in CountyReading(noisy).docs("offer_health_record") if d["address"]]
    for form in (
        r"\d+-\d+-\d+$",
        r"#\d+-",
        r"[一二三四五六七八九十]+号楼",
        r"\d+栋\d+门",
        r"\d+楼.单元\d+",
        "城关镇",
        r"－",
    ):
        assert sum(bool(re.search(form, t)) for t in texts) >= 3, form


def test_the_directory_is_whole(noisy: Path):
    files: dict[str, list[dict]] = defaultdict(list)
    for name, doc in CountyReading(noisy).rows("SELECT file, doc FROM offer_org ORDER BY file, position"):
        files[name].append(json.loads(doc))
    assert len(files) == 14
    assert len(files["communities.csv"]) == 8
    compounds = {r["compound_id"]: r for r in files["compounds.csv"]}
    buildings = {r["building_id"]: r for r in files["buildings.csv"]}
    assert all(r["compound_id"] in compounds for r in files["buildings.csv"])
    covered: Counter[tuple[str, str]] = Counter()
    for r in files["grid_buildings.csv"]:
        if not r["valid_to"]:
            units = [r["unit"]] if r["unit"] else [str(u + 1) for u in range(int(buildings[r["building_id"]]["units"]))]
            covered.update((r["building_id"], u) for u in units)
    assert set(covered.values()) == {1}, "a unit lies in exactly one grid"
    assert {b for b, _ in covered} == set(buildings)
    workers = Counter(r["grid_id"] for r in files["grid_workers.csv"] if r["kind"] == "full_time" and not r["valid_to"])
    assert set(workers.values()) == {1} and set(workers) == {r["grid_id"] for r in files["grids.csv"]}
    places = {(compounds[b["compound_id"]]["name"], b["number"]) for b in buildings.values()}
    assert {(r["compound"], r["building"]) for r in CountyReading(noisy).truth("attributes") if r["compound"]} <= places


@pytest.mark.parametrize(("arguments", "message"), [((10, 1, 1.0), "persons"), ((300, 1, -1.0), "noise")])
def test_impossible_counties_are_refused(tmp_path: Path, arguments, message):
    with pytest.raises(ValueError, match=message):
        make_county(tmp_path, *arguments, START)
