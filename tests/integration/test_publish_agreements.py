"""Every dataset and field of every agreement exists: on an empty warehouse, whose tables are the contracts'."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest

from contracts.agreements import load_agreements
from contracts.reader import load_contracts
from profiles.rules import survivorship
from publish import datasets
from publish.source import HERE, opened
from standards.codes import code_list
from warehouse.engine import engine_for
from warehouse.schema import upgrade

AGREEMENTS = load_agreements()
GRANTS = [(agreement, dataset) for agreement in AGREEMENTS.values() for dataset in agreement.datasets]


@pytest.fixture(scope="module")
def con(new_database):
    contracts = load_contracts()
    engine = engine_for(new_database())
    upgrade(engine, contracts)
    with opened(engine, contracts, date(2026, 11, 20)) as made:
        yield made
    engine.dispose()


@pytest.mark.parametrize(("agreement", "dataset"), GRANTS, ids=lambda x: getattr(x, "recipient", None) or x.name)
def test_every_granted_field_is_a_column_of_its_query(con, agreement, dataset) -> None:
    query = datasets.materialise(con, dataset.name)
    datasets.check(agreement, dataset, query)
    assert {field.name for field in dataset.fields} <= query.columns.keys()


def test_every_query_is_named_by_some_agreement() -> None:
    assert {path.stem for path in datasets.FOLDER.glob("*.sql")} == set(datasets.names(AGREEMENTS.values()))


def test_supervisors_are_granted_no_column_about_a_person(con) -> None:
    for dataset in AGREEMENTS["supervisors"].datasets:
        query = datasets.materialise(con, dataset.name)
        assert (
            not {"person_id", "household_id", "name", "id_number", "record_key", "own_subject"} & query.columns.keys()
        )


def test_every_tag_service_and_ticket_has_its_words() -> None:
    document = (HERE.parent / "profiles" / "sql" / "document.sql").read_text(encoding="utf-8")
    flags = document.split("-- stage: person_flag")[1].split("-- stage: home_request")[0]
    said = set(re.findall(r"(?:UNION ALL SELECT \w+\.person_id|SELECT \w+\.person_id), '(\w+)'", flags)) | {
        "lives_alone_old",
        "only_old",
    }
    assert said <= code_list("profile_tag").keys() | code_list("service_due").keys()
    ticket = (HERE.parent / "profiles" / "sql" / "ticket.sql").read_text(encoding="utf-8")
    kinds = set(re.findall(r"'(\w+)' AS kind|'life', '(\w+)'", ticket))
    assert {kind for pair in kinds for kind in pair if kind} == code_list("ticket_kind").keys()
    assert "life" in code_list("attribute")
    assert survivorship().keys() <= code_list("attribute").keys()


def test_an_answer_is_due_on_the_tenth_working_day(con) -> None:
    due = dict(con.execute("SELECT asked_on, due_on FROM reply_day").fetchall())
    assert due[date(2026, 11, 20)] == date(2026, 12, 4)  # a plain fortnight
    assert due[date(2026, 9, 18)] == date(
        2026, 10, 9
    )  # 20 September is worked; 25 September and 1 to 7 October are not
    assert due[date(2026, 2, 13)] == date(2026, 3, 5)  # Spring Festival between two worked Saturdays


def _names(shape) -> set[str]:
    if isinstance(shape, dict):
        return shape.keys() | {name for part in shape.values() for name in _names(part)}
    return {name for part in shape for name in _names(part)} if isinstance(shape, list) else set()


def test_what_is_read_of_a_profile_document_is_written_there() -> None:
    written = (HERE.parent / "profiles" / "sql" / "writing.sql").read_text(encoding="utf-8")
    said = set(re.findall(r"(\w+) := |\"(\w+)\":", written))
    fields = {name for pair in said for name in pair} | {
        "request",
        "category",
        "accepted",
    }  # of open requests: document.sql
    assert _names(json.loads((HERE / "document.json").read_text(encoding="utf-8"))) - fields == set()
