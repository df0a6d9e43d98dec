"""Other data than a county's records: a model folder says what is compared besides, and by which further keys."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from linkage.engine import LinkSettings
from linkage.model import FOLDER, ModelError, load_model
from tests.linkage_world import MENTIONS, linked

LATIN = Path(__file__).resolve().parents[2] / "benchmarks" / "models" / "latin"
COLUMNS = ("given", "middle", "surname", "born", "social", "house", "street", "place", "postcode")


def people(*told: dict[str, str]) -> list[str]:
    """The person id of each, linked by the Latin model."""
    record = {"feed": "file", "table_name": "file", "role": "self", "dead": False, "ended": False}
    rows = [record | {"record_key": str(n), "base_key": str(n), "name": f"{p['given']}_{p['surname']}"} for n, p in enumerate(told)]
    table = pa.Table.from_pylist(rows, MENTIONS)
    for column in COLUMNS:
        table = table.append_column(column, pa.array([p.get(column) for p in told], pa.string()))
    links = linked(table, LinkSettings(model=load_model(LATIN))).links.to_pylist()
    ids = {link["record_key"]: link["person_id"] for link in links}
    return [ids[str(n)] for n in range(len(told))]


ANNA = {"given": "anna", "surname": "hoffman", "born": "19580601", "social": "3217654", "house": "12", "street": "willow lane", "postcode": "2600"}


def test_a_mistyped_name_beside_the_same_number_and_birth_date_is_one_person() -> None:
    one, other = people(ANNA, ANNA | {"surname": "hofman", "house": "21"})
    assert one == other


def test_given_name_and_surname_in_each_others_field_are_one_person() -> None:
    one, other = people(ANNA, ANNA | {"given": "hoffman", "surname": "anna", "social": "3217645"})
    assert one == other


def test_a_family_in_one_house_is_several_people() -> None:
    one, other = people(ANNA, {**ANNA, "given": "peter", "born": "19560211", "social": "4417651"})
    assert one != other


def test_a_relatives_number_does_not_make_two_people_one() -> None:
    one, other = people(ANNA | {"middle": "k"}, {**ANNA, "given": "peter", "middle": "j", "born": "19560211"})
    assert one != other


def folder(tmp_path: Path, columns: str) -> Path:
    for name in ("settings.yaml", "comparisons.yaml", "rules.yaml"):
        (tmp_path / name).write_text((FOLDER / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "columns.yaml").write_text(columns, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("columns", "told"), [
    ("columns: [{name: given, sql: t.name}]", "columns.yaml: given: 'reason' is expected"),
    ("columns: [{name: 'given; DROP TABLE form', sql: t.name, reason: none}]", "a name of two or more small letters is expected"),
    ("columns: [{name: w, sql: t.name, reason: none}]", "a name of two or more small letters is expected"),  # a table's in a statement
    ("keys: [{name: \"it's\", sql: name, reason: none}]", "a name of two or more small letters is expected"),
])  # fmt: skip
def test_a_column_without_reason_or_with_an_impossible_name_is_refused(tmp_path: Path, columns: str, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        load_model(folder(tmp_path, columns))


def test_another_folder_has_another_version(tmp_path: Path) -> None:
    assert load_model(folder(tmp_path, "columns: []")).version != load_model().version
