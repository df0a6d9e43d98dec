"""A run over what the run before left equals a run that works everything out: links, evidence, conflicts, ids and events."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from linkage.comparable import update_mentions
from linkage.engine import LinkSettings, link_mentions, relink
from linkage.model import load_model
from linkage.results import LINKS, remember_links
from linkage.training import artefact_of
from linkage.training_figures import missing_rates
from tests.linkage_world import MENTIONS, county
from warehouse.compute import analyst

KEYS = ("feed", "record_key")
DECISIONS = pa.schema([(c, pa.string()) for c in ("feed_l", "record_key_l", "feed_r", "record_key_r", "verdict")])
ALIASES = pa.schema([(c, pa.string()) for c in ("feed", "record_key", "id_number")])


def tight():
    """The model with limits so low that a few records bring keys, dwellings, groups and telephones over them and back."""
    model = load_model()
    return replace(model, settings={**model.settings, "largest_block": 9, "largest_group": 4, "phone_people": 2})


def live(chance: random.Random, rows: list[dict], spare: list[dict], day: int) -> list[dict]:
    """A day: records go, come, and say something else."""
    rows = [row for row in rows if chance.random() > 0.03]
    rows += [dict(row) for row in chance.sample(spare, min(len(spare), 12)) if row["record_key"] not in {r["record_key"] for r in rows}]
    for row in chance.sample(rows, max(1, len(rows) // 12)):
        other = chance.choice(rows)
        field = chance.choice(("name", "phone", "id_number", "id_text", "birth_date", "sex", "dwelling_id", "group_key", "ended", "former_name"))
        row[field] = (not row[field]) if field == "ended" else chance.choice((other[field], None))
    if chance.random() < 0.5:  # a record with nothing of its own, beside the one it points at
        held = chance.choice(rows)
        rows.append(dict.fromkeys(MENTIONS.names) | {
            "feed": "health_elderly_exam", "record_key": f"E{day}", "table_name": "exam", "base_key": f"E{day}", "role": "holder",
            "id_number": held["id_number"], "ref_feed": held["feed"], "ref_key": held["record_key"], "dead": False, "ended": False})  # fmt: skip
    pointing, held = chance.sample([row for row in rows if row["id_number"]], 2)  # one with a name and number of its own, which the other may contradict
    pointing |= {"ref_feed": held["feed"], "ref_key": held["record_key"]}
    return rows


def decide(chance: random.Random, rows: list[dict], held: list[dict]) -> list[dict]:
    """Some decisions are undone, some are taken."""
    held = [decision for decision in held if chance.random() > 0.4]
    for _ in range(2):
        left, right = chance.sample(rows, 2)
        held.append({"feed_l": left["feed"], "record_key_l": left["record_key"], "feed_r": right["feed"], "record_key_r": right["record_key"],
                     "verdict": chance.choice(("same", "different"))})
    return held


def renumber(chance: random.Random, rows: list[dict], aliases: list[dict]) -> list[dict]:
    """A register row gets another number; the one before stays as its alias."""
    register = [row for row in rows if row["feed"] == "psb_register" and row["id_number"]]
    row, other = chance.sample(register, 2)
    old, row["id_number"] = row["id_number"], other["id_number"][:17] + chance.choice("0123456789")
    return [*aliases, {"feed": "psb_register", "record_key": row["record_key"], "id_number": old}]


def live_and_compare(seed: int, families: int, days: int, model) -> int:
    chance = random.Random(seed)
    rows = county(families, seed).to_pylist()
    spare = county(families, seed + 1000).to_pylist()
    decisions: list[dict] = []
    aliases: list[dict] = []
    first = link_mentions(pa.Table.from_pylist(rows, MENTIONS), LINKS.empty_table(), DECISIONS.empty_table(), LinkSettings(model=model))
    artefact = artefact_of(model, first, missing_rates(pa.Table.from_pylist(rows, MENTIONS)), first.links["evidence"], datetime(2026, 1, 1, tzinfo=UTC))
    known, changes = first.links, 0
    with analyst(2) as con:
        remember_links(con, LINKS.empty_table())
        for day in range(days + 1):
            settings = LinkSettings(model=model, artefact=artefact, highest=10_000 * day)
            given = (pa.Table.from_pylist(rows, MENTIONS), known, pa.Table.from_pylist(decisions, DECISIONS))
            known_aliases = pa.Table.from_pylist(aliases, ALIASES)
            update_mentions(con, given[0])
            step = relink(con, *given[1:], settings, known_aliases, whole=True)
            full = link_mentions(*given, settings, known_aliases)
            for part in ("links", "conflicts", "events"):
                assert getattr(step, part).equals(getattr(full, part)), (seed, day, part)
            if day:
                assert patched(known, step) == full.links.to_pylist(), (seed, day)
                changes += step.opened.num_rows + step.closed.num_rows
            known = step.links
            rows = live(chance, rows, spare, day)
            decisions, aliases = decide(chance, rows, decisions), renumber(chance, rows, aliases)
    return changes


def patched(links: pa.Table, step) -> list[dict]:
    """The links before, less what was closed, with what was opened: what the warehouse then holds."""
    held = {(row["feed"], row["record_key"]): row for row in links.to_pylist()}
    for row in step.closed.to_pylist():
        assert held.pop((row["feed"], row["record_key"])) == row
    for row in step.opened.to_pylist():
        assert (row["feed"], row["record_key"]) not in held
        held[row["feed"], row["record_key"]] = row
    return sorted(held.values(), key=lambda row: (row["feed"], row["record_key"]))


@pytest.mark.parametrize("seed", [3, 4])
def test_a_changed_day_equals_everything_worked_out_anew(seed: int) -> None:
    assert live_and_compare(seed, 60, 2, tight()) > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20, 26))
def test_many_days_equal_everything_worked_out_anew(seed: int) -> None:
    assert live_and_compare(seed, 150, 6, tight() if seed % 2 else load_model()) > 0


def test_an_empty_county_and_its_first_record() -> None:
    settings = LinkSettings()
    nothing = link_mentions(MENTIONS.empty_table(), LINKS.empty_table(), DECISIONS.empty_table(), settings)
    assert nothing.links.num_rows == 0
    one = pa.Table.from_pylist([dict.fromkeys(MENTIONS.names) | {
        "feed": "health_record", "record_key": "H1", "table_name": "health_record", "base_key": "H1", "role": "holder", "name": "王伟",
        "birth_date": date(1980, 5, 12)}], MENTIONS)  # fmt: skip
    with analyst() as con:
        remember_links(con, LINKS.empty_table())
        steps = []
        for mentions in (MENTIONS.empty_table(), one, MENTIONS.empty_table()):
            update_mentions(con, mentions)
            steps.append(relink(con, LINKS.empty_table(), DECISIONS.empty_table(), settings, whole=True))
        _, came, gone = steps
        assert came.links["person_id"].to_pylist() == ["P000000001"]
        assert (gone.links.num_rows, gone.closed.num_rows) == (0, 1)


def test_a_number_is_believed_again_when_the_record_that_contradicted_it_is_gone() -> None:
    blank = dict.fromkeys(MENTIONS.names) | {"birth_precision": "day", "sex": "1", "role": "holder", "dead": False, "ended": False}
    card = blank | {"feed": "civil_disability", "record_key": "D1", "table_name": "civil_disability", "base_key": "D1", "name": "王建国",
                    "birth_date": date(1960, 3, 4), "id_number": "130731196003040134"}  # fmt: skip
    person = blank | {"feed": "civil_assistance_person", "record_key": "A1", "table_name": "civil_assistance_person", "base_key": "A1", "name": "李小明",
                      "birth_date": date(1975, 8, 9), "id_number": "130731197508090173", "ref_feed": "civil_disability", "ref_key": "D1"}  # fmt: skip
    rules = []
    with analyst() as con:
        remember_links(con, LINKS.empty_table())
        for rows in ([card, person], [person], [card, person]):
            update_mentions(con, pa.Table.from_pylist(rows, MENTIONS))
            links = relink(con, LINKS.empty_table(), DECISIONS.empty_table(), LinkSettings(), whole=True).links.to_pylist()
            rules.append(next(row["rule"] for row in links if row["record_key"] == "A1"))
    assert rules == [rules[0], "same_valid_id", rules[0]] and rules[0] != "same_valid_id"
