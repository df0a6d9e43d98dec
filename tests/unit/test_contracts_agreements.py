"""Agreements deny by default: what is not named does not leave, and some things nobody can name."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path

import pytest
import yaml

from contracts.agreements import AGREEMENTS, MASKS, NEVER, ContractError, load_agreements, read_agreement
from contracts.cross_rules import RULES, load_rules

ALL = load_agreements()

# recipient -> the extracts it gets at least.
EXTRACTS = {
    "public_security": {"unregistered_residents", "vacated_dwellings", "separated_residence", "corrections"},
    "education": {"children_not_enrolled", "corrections"},
    "health": {"elderly_60_plus", "newborns", "moved", "dead", "corrections"},
    "civil_affairs": {"dead", "moved", "turning_80", "disabled_moved", "new_shop_in_assisted_family", "corrections"},
    "market_regulation": {"closed_yet_active", "corrections"},
    "communities": {"household_profiles", "household_members", "tasks_due"},
    "grids": {"household_profiles", "household_members", "tasks_due"},
    "supervisors": {"population_by_grid", "quality_by_department"},
}
GRANTS = [(a.recipient, d.name, f) for a in ALL.values() for d in a.datasets for f in d.fields]


def test_each_recipient_gets_its_extracts_and_no_other():
    assert {agreement.recipient: {d.name for d in agreement.datasets} for agreement in ALL.values()} == EXTRACTS


@pytest.mark.parametrize("recipient", ALL)
def test_what_is_not_named_is_denied(recipient):
    agreement = ALL[recipient]
    assert agreement.dataset("everything") is None
    assert agreement.mask_of("everything", "name") is None
    for dataset in agreement.datasets:
        for field in ("religion", "bank_account", "in_care", "no_such_field"):
            assert agreement.mask_of(dataset.name, field) is None


def test_every_mask_is_one_that_publish_knows():
    assert {field.mask for *_, field in GRANTS} <= set(MASKS)


def test_a_full_id_number_goes_to_the_police_alone():
    clear = {recipient for recipient, _, field in GRANTS if field.name == "id_number" and field.mask == "none"}
    assert clear == {"public_security"}
    own = {recipient for recipient, _, field in GRANTS if field.clear_for == "own"}
    assert own == {"education", "health", "civil_affairs"}


def test_disability_class_leaves_civil_affairs_for_nobody():
    assert {recipient for recipient, _, field in GRANTS if field.name.startswith("disability")} == {"civil_affairs"}
    assert ALL["grids"].mask_of("household_members", "needs_home_service") == "flag"


def test_a_grid_sees_flags_and_masks():
    members = ALL["grids"].dataset("household_members")
    assert members.mask_of("id_number") == "id_masked"
    assert members.mask_of("name") == "none"
    assert {members.mask_of(field) for field in ("in_school", "exam_due", "vaccination_due")} == {"flag"}
    assert members.mask_of("schooling") is members.mask_of("marital_status") is members.mask_of("ethnicity") is None


def test_supervisors_get_no_person_and_no_small_cell():
    for dataset in ALL["supervisors"].datasets:
        assert (dataset.scope, dataset.suppress_below) == ("statistics", 5)
        assert not {f.name for f in dataset.fields} & {"person_id", "name", "household_id", "record_key"}


def test_the_fields_that_never_leave_are_in_no_agreement():
    assert not {field.name for *_, field in GRANTS} & NEVER


def test_a_template_becomes_an_agreement_with_one_unit():
    template = ALL["communities"]
    made = template.made_for("130731100008")
    assert template.template and not made.template
    assert (made.recipient, made.unit, made.datasets) == ("community-130731100008", "130731100008", template.datasets)
    assert {dataset.scope for dataset in made.datasets} == {"unit"}
    with pytest.raises(ValueError, match="not a template"):
        made.made_for("130731100009")
    with pytest.raises(ValueError, match="not a template"):
        ALL["health"].made_for("130731100009")


def test_nothing_is_handed_out_before_or_after():
    agreement = ALL["health"]
    assert agreement.valid_on(agreement.valid_from) and agreement.valid_on(agreement.valid_to)
    assert not agreement.valid_on(date(2025, 12, 31)) and not agreement.valid_on(date(2029, 1, 1))


@pytest.mark.parametrize("recipient", ALL)
def test_every_agreement_says_why_and_by_which_law(recipient):
    agreement = ALL[recipient]
    assert agreement.purpose and agreement.conditions
    assert any("条例" in basis or "法" in basis for basis in agreement.legal_basis)


def field(name: str, mask: str, **more) -> dict:
    return {"name": name, "mask": mask, "title": "某项", **more}


def without(key):
    return lambda d: d.pop(key)


def having(key, value):
    return lambda d: d.update({key: value})


def granting(entry):
    return lambda d: d["datasets"][0]["fields"].append(entry)


def dataset(key, value):
    return lambda d: d["datasets"][0].update({key: value})


FIELDS = "datasets[children_not_enrolled].fields"
BROKEN = {
    "another recipient than the file's": (having("recipient", "health"), "recipient"),
    "an unknown kind": (having("kind", "company"), "kind"),
    "no purpose": (without("purpose"), "purpose"),
    "no law": (having("legalBasis", []), "legalBasis"),
    "no conditions": (without("conditions"), "conditions"),
    "an unknown class": (having("shareClass", "内部"), "shareClass"),
    "no end": (without("validTo"), "validTo"),
    "an end before the start": (having("validTo", date(2020, 1, 1)), "validTo"),
    "a day as text": (having("validFrom", "soon"), "validFrom"),
    "an unknown word": (having("expires", 1), "expires"),
    "a mask nobody knows": (granting(field("phone", "blurred")), f"{FIELDS}[phone].mask"),
    "no mask": (granting({"name": "phone", "title": "电话"}), f"{FIELDS}[phone].mask"),
    "a field twice": (granting(field("name", "none")), "datasets[children_not_enrolled].fields"),
    "a bank account": (granting(field("bank_account", "none")), f"{FIELDS}[bank_account].name"),
    "a diagnosis, masked": (granting(field("diagnosis", "flag")), f"{FIELDS}[diagnosis].name"),
    "somebody else's disability class": (granting(field("disability_class", "none")), f"{FIELDS}[disability_class].mask"),
    "a mother's number in clear": (granting(field("mother_id", "none")), f"{FIELDS}[mother_id].mask"),
    "a pupil's number in clear": (granting(field("pupil_no", "none")), f"{FIELDS}[pupil_no].mask"),
    "clear for everybody": (granting(field("mother_id", "id_masked", clear_for="all")), f"{FIELDS}[mother_id].clear_for"),
    "nothing to lift": (granting(field("phone", "none", clear_for="own")), f"{FIELDS}[phone].clear_for"),
    "an unknown scope": (dataset("scope", "county"), "datasets[children_not_enrolled].scope"),
    "a unit for a department": (dataset("scope", "unit"), "datasets[children_not_enrolled].scope"),
    "statistics for a department": (dataset("scope", "statistics"), "datasets[children_not_enrolled].scope"),
    "small cells of persons": (dataset("suppressBelow", 5), "datasets[children_not_enrolled].suppressBelow"),
    "no field": (dataset("fields", []), "datasets[children_not_enrolled].fields"),
    "a dataset twice": (lambda d: d["datasets"].append(d["datasets"][0]), "datasets"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_an_error_names_file_and_field(what, tmp_path):
    change, place = BROKEN[what]
    document = copy.deepcopy(yaml.safe_load((AGREEMENTS / "education.yaml").read_text(encoding="utf-8")))
    change(document)
    path = tmp_path / "education.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        read_agreement(path)
    assert (caught.value.file, caught.value.field) == ("education.yaml", place)
    assert "\n" not in str(caught.value)


BROKEN_RULES = {
    "an id of another file": ({"id": "deaths.x"}, "id"),
    "an unknown dimension": ({"dimension": "唯一性"}, "dimension"),
    "a row to quarantine": ({"severity": "critical"}, "severity"),
    "nobody asked": ({"department": "police"}, "department"),
    "an unknown subject": ({"subject": "dog"}, "subject"),
    "no input": ({"inputs": []}, "inputs"),
    "an input that is not there": ({"inputs": ["mention", "tax_record"]}, "inputs"),
    "an input that is not read": ({"inputs": ["mention", "person"]}, "sql"),
    "a query that changes": ({"sql": "DELETE FROM mention"}, "sql"),
    "two queries": ({"sql": "SELECT 1 FROM mention; SELECT 2"}, "sql"),
}


@pytest.mark.parametrize("what", BROKEN_RULES)
def test_an_error_of_a_cross_rule_names_file_and_field(what, tmp_path: Path):
    change, place = BROKEN_RULES[what]
    document = yaml.safe_load((RULES / "ages.yaml").read_text(encoding="utf-8"))
    rule = next(entry for entry in document["rules"] if entry["id"] == "ages.married_minor")
    rule.update(change)
    path = tmp_path / "ages.yaml"
    path.write_text(yaml.safe_dump({"rules": [rule]}, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        load_rules(tmp_path, tables={})
    assert (caught.value.file, caught.value.field) == ("ages.yaml", f"rules[{rule['id']}].{place}")
