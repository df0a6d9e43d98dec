"""What a training freezes, what it can't do, and that it is the same twice. Every person here is invented."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from linkage.engine import LinkSettings
from linkage.model import load_model
from linkage.training import TrainingError, train, written_weights
from linkage.training_probe import probe
from simulator.county.ids import with_check
from tests.linkage_world import MENTIONS, county, linked

UNDECIDED = pa.table({c: pa.array([], pa.string()) for c in ("feed_l", "record_key_l", "feed_r", "record_key_r", "verdict")})
MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
SMALL = replace(load_model(), settings={**load_model().settings, "training_entities": 100})
LI, ZHAO = "130731195603120024", "130731194802290013"


def trained(mentions: pa.Table, model=SMALL, at: datetime = MOMENT):
    return train(mentions, UNDECIDED, None, trained_at=at, model=model)


def told(feed: str, key: str, name: str | None, **more) -> dict:
    row = dict.fromkeys(MENTIONS.names) | {"feed": feed, "record_key": key, "table_name": feed, "base_key": key, "role": "holder", "name": name,
                                           "dead": False, "ended": False}  # fmt: skip
    return row | {"birth_precision": "day" if more.get("birth_date") else None} | more


def probed(rows: list[dict]):
    """What a probe says of these records, with the model file's weights."""
    heard = {}

    def watch(moment, con, figures) -> None:
        if moment == "linked":
            heard["probe"] = probe(con, load_model(), written_weights(load_model()), 0.001)

    linked(pa.Table.from_pylist(rows, MENTIONS), LinkSettings(watch=watch))
    return heard["probe"].as_figures()


@pytest.fixture(scope="module")
def mentions() -> pa.Table:
    return county(90, seed=3)


@pytest.fixture(scope="module")
def artefact(mentions):
    return trained(mentions)


def test_the_same_records_in_another_order_at_another_time_give_the_same_version(mentions, artefact):
    order = list(range(mentions.num_rows))
    random.Random(5).shuffle(order)
    again = trained(mentions.take(order), at=datetime(2027, 5, 1, tzinfo=UTC))
    assert again.version == artefact.version and again.figures == artefact.figures and again.trained_at != artefact.trained_at


def test_the_weights_are_the_countys_own_and_agreement_speaks_for_a_pair(artefact):
    file = written_weights(load_model())
    assert artefact.weights.keys() == file.keys() and artefact.weights["name"]["exact"] != file["name"]["exact"]
    for name in ("name", "birth", "sex"):
        bits = {level: w["m"] / w["u"] for level, w in artefact.weights[name].items()}
        first, *_, last = bits
        assert bits[first] == max(bits.values()) > 1 > bits[last] == min(bits.values())
    assert {"name", "birth"} == artefact.figures["sessions"].keys()
    assert all(0 < session["iterations"] <= 12 for session in artefact.figures["sessions"].values())


def test_names_are_counted_among_people_with_an_id(mentions, artefact):
    rows = artefact.frequency_table("name").to_pylist()
    town = load_model().setting("town")
    of_all = round(1 / artefact.unseen["name"])
    people = sum(round(row["tf_name"] * of_all) - 1 for row in rows)
    numbers = {number for number in mentions["id_number"].to_pylist() + mentions["id_embedded"].to_pylist() if number}
    assert 0.98 * len(numbers) <= people <= of_all - town <= len(numbers)  # but for a few whose every name is missing
    assert all(row["tf_name"] >= 2 * artefact.unseen["name"] * 0.999 for row in rows)


def test_a_place_too_small_to_learn_from_keeps_the_files_weights_and_says_so(mentions):
    few = trained(mentions, load_model())
    assert few.weights == written_weights(load_model()) and few.figures["kept_from_file"] == "all"
    assert few.thresholds == {"upper": 0.985, "lower": 0.6} and few.trained_on["mentions"] == mentions.num_rows


def test_nothing_to_compare_is_nothing_to_train_on():
    with pytest.raises(TrainingError, match="two records"):
        trained(pa.Table.from_pylist([told("health_record", "H1", "王芳")], MENTIONS))


def test_the_figures_say_how_many_pairs_stood_at_each_level_and_what_each_feed_leaves_out(mentions, artefact):
    levels = artefact.figures["rounds"][0]["levels"]
    sums = {sum(counts.values()) for counts in levels.values()}
    assert len(sums) == 1 and 0 < sums.pop() <= artefact.trained_on["pairs"]
    visits = artefact.figures["missing"]["grid_visit"]
    assert visits["birth"] == 1 and visits["number"] == 1 and visits["dwelling"] == 0
    assert visits["records"] == mentions["feed"].to_pylist().count("grid_visit")


def test_a_name_and_nothing_else_could_not_even_link_to_itself():
    said = probed([
        told("psb_register", "R1", "李秀兰", birth_date=date(1956, 3, 12), sex="2", id_number=LI),
        told("grid_request", "Q1", "李秀兰"),
        told("health_record", "H1", "李秀兰", birth_date=date(1956, 3, 12), sex="2", phone="13931300001"),
    ])["unlinkables"]  # fmt: skip
    assert said["by_feed"] == [{"feed": "grid_request", "records": 1, "unlinkable": 1}, {"feed": "health_record", "records": 1, "unlinkable": 0}]
    assert said["share"] == 0.5


def test_a_hidden_id_is_found_again_by_what_else_is_said_and_lost_where_no_key_is_left():
    said = probed([
        told("psb_register", "R1", "李秀兰", birth_date=date(1956, 3, 12), sex="2", id_number=LI, phone="13931300001"),
        told("health_record", "H1", "李秀兰", birth_date=date(1956, 3, 12), sex="2", id_number=LI, phone="13931300001"),
        told("psb_register", "R2", "赵玉山", birth_date=date(1948, 2, 29), sex="1", id_number=ZHAO),
        told("market_entity", "U2", None, id_number=ZHAO),
    ])["blocking"]  # fmt: skip
    assert said["by_feed"] == [
        {"feed": "health_record", "hidden": 1, "unblocked": 0, "linked": 1, "wrong": 0, "review": 0},
        {"feed": "market_entity", "hidden": 1, "unblocked": 1, "linked": 0, "wrong": 0, "review": 0},
    ]
    assert said["loss"] == 0.5 and said["found"] == 0.5


def test_a_hidden_record_that_goes_to_somebody_else_is_counted_as_wrong():
    twin = {"birth_date": date(1956, 3, 12), "sex": "2"}
    said = probed([  # two women of one name, birth date and telephone: the record's own person has another number beside
        told("psb_register", "R1", "李秀兰", id_number=LI, phone="13931300001", **twin),
        told("psb_register", "R2", "李秀莲", id_number="130731195603120040", phone="13931300009", **twin),
        told("health_record", "H2", "李秀兰", id_number="130731195603120040", phone="13931300001", **twin),
    ])  # fmt: skip
    assert said["blocking"]["by_feed"] == [{"feed": "health_record", "hidden": 1, "unblocked": 0, "linked": 0, "wrong": 1, "review": 0}]
    assert [(rule["pairs"], rule["right"]) for rule in said["rules"]] == [(1, 0)]


def registered(number: int) -> list[dict]:
    """So many people of the register, each with a valid ID."""
    births = [date(1950, 1, 1) + timedelta(days=37 * k) for k in range(number)]
    names = [f"{'王李张刘陈'[k % 5]}{'伟芳娜敏静'[k // 5 % 5]}{'英丽强磊军'[k // 25 % 5]}" for k in range(number)]
    return [told("psb_register", f"R{k}", name, birth_date=born, sex="1", id_number=with_check(f"130731{born:%Y%m%d}{2 * (k % 500) + 1:03d}"))
            for k, (name, born) in enumerate(zip(names, births, strict=True))]  # fmt: skip


@pytest.mark.parametrize(
    ("further", "pairs"),
    [
        pytest.param([], 0, id="everybody has an ID"),
        pytest.param([told("grid_request", "Q1", "欧阳独一", phone="13931300001")], 0, id="one has none, and is like nobody"),
        pytest.param([told("grid_visit", "V1", "王某", phone="13931300001")], 1, id="one is like somebody, by no rule of training"),
    ],
)
def test_a_first_run_with_nothing_to_train_on_keeps_the_files_weights(further: list[dict], pairs: int):
    people = registered(120)
    people[0] |= {"phone": "13931300001"}
    said = linked(pa.Table.from_pylist([*people, *further], MENTIONS), LinkSettings(model=SMALL))
    assert said.figures["round_1"]["pairs"] == pairs
    assert said.learnt.weights is None and "training" not in said.figures
    assert said.figures["persons"] == len(people) + len(further)
    assert said.learnt.frequencies.num_rows > 0
