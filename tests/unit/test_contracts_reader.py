"""Reading a contract: what is wrong is said in one line that names the file and the field."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from contracts.model import Severity
from contracts.reader import FEEDS, ContractError, load_contracts, read_contract

SCHEMA = "schema[psb_register]"


def prop(name: str, rest: str = "") -> str:
    return f"{SCHEMA}.properties[{name}]{rest}"


def set_at(path: str, value):
    """A change: the value at a dotted path; ``[name]`` picks from a list by name or property, or by number."""

    def change(document: dict) -> None:
        *parents, last = path.split("/")
        place = document
        for part in parents:
            if isinstance(place, list):
                place = next(e for i, e in enumerate(place) if part in (e.get("name"), e.get("property"), str(i)))
            else:
                place = place[part]
        if value is None:
            del place[last]
        elif isinstance(place, list):
            place.append(value)
        else:
            place[last] = value

    return change


def custom(name: str, value):
    """A change: a custom property of the contract."""

    def change(document: dict) -> None:
        rest = [entry for entry in document["customProperties"] if entry["property"] != name]
        document["customProperties"] = rest + ([] if value is None else [{"property": name, "value": value}])

    return change


CONNECTOR = {"kind": "sql", "table": "GA_HJRK", "key": "RYBH", "updated": "GXSJ"}
MENTION = "schema/psb_register/customProperties/mentions/value/0"
RULE = "schema/psb_register/properties/sex/quality/0"
BROKEN = {
    "another kind of file": (set_at("kind", "DataProduct"), "kind"),
    "an older standard": (set_at("apiVersion", "v2.2.2"), "apiVersion"),
    "another name than the file's": (set_at("id", "psb_other"), "id"),
    "no title": (set_at("name", None), "name"),
    "an unknown department": (set_at("domain", "police"), "domain"),
    "a version of words": (set_at("version", "first"), "version"),
    "an unknown word": (set_at("departement", "x"), "departement"),
    "an unknown custom property": (custom("watermark", "GXSJ"), "customProperties[watermark]"),
    "no connection": (custom("connection", None), "customProperties.connection"),
    "an unknown connector": (custom("connector", {"kind": "ftp"}), "customProperties.connector.kind"),
    "an unknown option": (custom("connector", CONNECTOR | {"tabel": "x"}), "customProperties.connector.tabel"),
    "an option of another kind": (custom("connector", CONNECTOR | {"page_rows": "many"}), "customProperties.connector.page_rows"),
    "true for a number": (custom("connector", CONNECTOR | {"page_rows": True}), "customProperties.connector.page_rows"),
    "no rows a page": (custom("connector", CONNECTOR | {"page_rows": 0}), "customProperties.connector.page_rows"),
    "a paging key that is no column": (custom("connector", CONNECTOR | {"key": "ID"}), "customProperties.connector.key"),
    "an unknown mode": (custom("mode", "full"), "customProperties.mode"),
    "a table that is a snapshot": (custom("mode", "snapshot"), "customProperties.mode"),
    "no order": (custom("order", None), "customProperties.order"),
    "an order that is no field": (custom("order", "GXSJ"), "customProperties.order"),
    "an order that is a text": (custom("order", "name"), "customProperties.order"),
    "sheets of a database": (custom("partition", "sheet"), "customProperties.partition"),
    "a field that is forbidden": (custom("forbidden", ["LXDH"]), "customProperties.forbidden"),
    "forbidden columns kept when unreadable": (custom("forbidden", ["ZJXY"]), "customProperties.keepUnreadable"),
    "a field that is ignored": (custom("ignored", ["LXDH"]), "customProperties.ignored"),
    "derived from what is allowed": (custom("derive", {"ZXBS": ["LXDH"]}), "customProperties.derive.ZXBS"),
    "derived into nothing": (custom("derive", {"X": ["Y"]}), "customProperties.derive.X"),
    "an unknown policy": (custom("changePolicy", {"added": "ignore"}), "customProperties.changePolicy.added"),
    "more than everything lost": (custom("gate", {"lost": 1.2}), "customProperties.gate.lost"),
    "a mix of no field": (custom("gate", {"mix_fields": ["XB"]}), "customProperties.gate.mix_fields"),
    "no schedule": (set_at("slaProperties/frequency/schedule", None), "slaProperties[frequency].schedule"),
    "a minute of 60": (set_at("slaProperties/frequency/schedule", "60 1 * * *"), "slaProperties[frequency].schedule"),
    "four fields of cron": (set_at("slaProperties/frequency/schedule", "0 1 * *"), "slaProperties[frequency].schedule"),
    "a cron of words": (set_at("slaProperties/frequency/schedule", "0 1 * * MON"), "slaProperties[frequency].schedule"),
    "late in days": (set_at("slaProperties/latency/unit", "d"), "slaProperties[latency].unit"),
    "late at once": (set_at("slaProperties/latency/value", 0), "slaProperties[latency].value"),
    "another table name": (set_at("schema/psb_register/name", "register"), "schema[register].name"),
    "a list as the main table": (set_at("schema/psb_register/customProperties/x", {"property": "each", "value": "people"}), f"{SCHEMA}.customProperties.each"),
    "a name with capitals": (set_at("schema/psb_register/properties/phone/name", "Phone"), prop("Phone", ".name")),
    "the warehouse's own column": (set_at("schema/psb_register/properties/phone/name", "state"), prop("state", ".name")),
    "a column twice": (set_at("schema/psb_register/properties/phone/name", "sex"), prop("sex", ".name")),
    "a companion's column": (set_at("schema/psb_register/properties/phone/name", "name_note"), prop("name_note", ".name")),
    "an unknown type": (set_at("schema/psb_register/properties/phone/customProperties/semanticType/value", "tel"), prop("phone", ".customProperties.semanticType")),
    "a logical type that does not fit": (set_at("schema/psb_register/properties/phone/logicalType", "date"), prop("phone", ".logicalType")),
    "a code without crosswalk": (set_at("schema/psb_register/properties/phone/customProperties/semanticType/value", "code"), prop("phone", ".customProperties.crosswalk")),
    "a crosswalk that is not there": (set_at("schema/psb_register/properties/sex/customProperties/crosswalk/value", "sex/nowhere"), prop("sex", ".customProperties.crosswalk")),
    "an unknown level": (set_at("schema/psb_register/properties/phone/classification", "secret"), prop("phone", ".classification")),
    "one header for two columns": (set_at("schema/psb_register/properties/phone/synonyms", [{"synonym": "XM"}]), prop("phone", ".synonyms")),
    "no key": (set_at("schema/psb_register/properties/person_no/primaryKey", None), f"{SCHEMA}.properties"),
    "a key from nowhere": (set_at("schema/psb_register/properties/person_no/primaryKeyPosition", 2), f"{SCHEMA}.properties"),
    "two keys": (set_at("schema/psb_register/customProperties/x", {"property": "key", "value": [["RYBH"]]}), f"{SCHEMA}.customProperties.key"),
    "a key that may be blank": (set_at("schema/psb_register/properties/person_no/customProperties/x", {"property": "blankInKey", "value": True}), f"{SCHEMA}.properties"),
    "an unknown role": (set_at(f"{MENTION}/role", "owner"), f"{SCHEMA}.customProperties.mentions[0].role"),
    "a suffix without #": (set_at(f"{MENTION}/suffix", "mother"), f"{SCHEMA}.customProperties.mentions[0].suffix"),
    "a mention column nobody reads": (set_at(f"{MENTION}/columns/nick_name", "name"), f"{SCHEMA}.customProperties.mentions[0].columns.nick_name"),
    "a mention of no field": (set_at(f"{MENTION}/columns/name", "XM"), f"{SCHEMA}.customProperties.mentions[0].columns.name"),
    "a name that is a date": (set_at(f"{MENTION}/columns/name", "birth_date"), f"{SCHEMA}.customProperties.mentions[0].columns.name"),
    "nobody named": (set_at(f"{MENTION}/columns", {"sex": "sex"}), f"{SCHEMA}.customProperties.mentions[0].columns"),
    "constant and column": (set_at(f"{MENTION}/constants", {"sex": "1"}), f"{SCHEMA}.customProperties.mentions[0].constants.sex"),
    "a group of no kind": (set_at(f"{MENTION}/group/kind", "club"), f"{SCHEMA}.customProperties.mentions[0].group.kind"),
    "a group of no field": (set_at(f"{MENTION}/group/key", ["HH"]), f"{SCHEMA}.customProperties.mentions[0].group.key"),
    "a parent of the main table": (set_at(f"{MENTION}/group/key", ["parent_key"]), f"{SCHEMA}.customProperties.mentions[0].group.key"),
    "a dwelling of no field": (set_at(f"{MENTION}/dwelling/address", "HJDZ"), f"{SCHEMA}.customProperties.mentions[0].dwelling.address"),
    "an address that is a name": (set_at(f"{MENTION}/dwelling/address", "name"), f"{SCHEMA}.customProperties.mentions[0].dwelling.address"),
    "a code looked up nowhere": (set_at(f"{MENTION}/dwelling/code_table", None), f"{SCHEMA}.customProperties.mentions[0].dwelling.code_table"),
    "ended when no field says": (set_at(f"{MENTION}/ended_when", {"ZXBS": ["1"]}), f"{SCHEMA}.customProperties.mentions[0].ended_when.ZXBS"),
    "ended when a number says": (set_at(f"{MENTION}/ended_when", {"cancelled": [1]}), f"{SCHEMA}.customProperties.mentions[0].ended_when.cancelled"),
    "a death date that is a text": (set_at(f"{MENTION}/death_date", "name"), f"{SCHEMA}.customProperties.mentions[0].death_date"),
    "a reference by what was cleaned": (set_at(f"{MENTION}/refers", {"feed": "health_record", "key": "name"}), f"{SCHEMA}.customProperties.mentions[0].refers.key"),
    "a seventh dimension": (set_at(f"{RULE}/customProperties/dimension/value", "唯一性"), prop("sex", ".quality[agrees_with_id].customProperties.dimension")),
    "an unknown severity": (set_at(f"{RULE}/severity", "error"), prop("sex", ".quality[agrees_with_id].severity")),
    "no expectation": (set_at(f"{RULE}/implementation/type", "check it"), prop("sex", ".quality[agrees_with_id].implementation.type")),
    "a rule over no column": (set_at(f"{RULE}/implementation/kwargs/id_column", "GMSFHM"), prop("sex", ".quality[agrees_with_id].implementation.kwargs.id_column")),
    "a rule called like an implied one": (set_at(f"{RULE}/name", "required"), prop("sex", ".quality[required].name")),
    "a condition that is code": (set_at(f"{RULE}/customProperties/x", {"property": "where", "value": "sex > 1"}), prop("sex", ".quality[agrees_with_id].customProperties.where")),
}  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict:
    return yaml.safe_load((FEEDS / "psb_register.yaml").read_text(encoding="utf-8"))


def written(folder: Path, document: dict, name: str = "psb_register") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


@pytest.mark.parametrize("what", BROKEN)
def test_an_error_names_file_and_field(what, document, tmp_path):
    change, field = BROKEN[what]
    changed = copy.deepcopy(document)
    change(changed)
    with pytest.raises(ContractError) as caught:
        read_contract(written(tmp_path, changed))
    assert str(caught.value).startswith(f"psb_register.yaml: {field}: ")
    assert "\n" not in str(caught.value)
    assert (caught.value.file, caught.value.field) == ("psb_register.yaml", field)


def test_the_unbroken_document_is_read(document, tmp_path):
    assert read_contract(written(tmp_path, document)) == load_contracts()["psb_register"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"- a\n- b\n", "file"),
        (b"", "file"),
        (b"id: [1\n", "line 2"),
        ("id: 户籍".encode("gb18030"), "file"),
        (b"id: a\nid: b\n", "line 1"),
    ],
)
def test_a_file_that_is_no_contract(content, field, tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ContractError, match=rf"^x\.yaml: {field}: "):
        read_contract(path)


def test_what_odcs_does_not_allow_is_refused_when_strict(document, tmp_path):
    changed = copy.deepcopy(document)
    changed["schema"][0]["properties"][0]["classification"] = "L2"
    changed["status"] = 7
    path = written(tmp_path, changed)
    assert read_contract(path).feed == "psb_register"
    with pytest.raises(ContractError, match=r"^psb_register\.yaml: status: what ODCS allows"):
        read_contract(path, strict=True)


class TestTogether:
    def seventeenth(self, document: dict) -> dict:
        new = copy.deepcopy(document)
        new["id"] = new["schema"][0]["name"] = "veterans"
        return new

    def test_a_seventeenth_feed_is_one_file(self, document, tmp_path):
        written(tmp_path, self.seventeenth(document), "veterans")
        contracts = load_contracts(tmp_path)
        assert set(contracts) - set(load_contracts()) == {"veterans"}
        assert contracts["veterans"].table.rules[0].id == "veterans.sex.agrees_with_id"
        assert contracts["veterans"].table.rules[0].severity is Severity.INFO

    def test_a_feed_is_described_once(self, document, tmp_path):
        written(tmp_path, document)
        with pytest.raises(ContractError, match=r"^psb_register\.yaml: id: "):
            load_contracts(tmp_path)

    def test_references_lead_somewhere(self, document, tmp_path):
        new = self.seventeenth(document)
        new["schema"][0]["customProperties"][0]["value"][0]["refers"] = {"feed": "nowhere", "key": "person_no"}
        written(tmp_path, new, "veterans")
        with pytest.raises(ContractError, match=r"^veterans\.yaml: schema\[veterans\].*refers\.feed: "):
            load_contracts(tmp_path)

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(ContractError, match="an existing folder"):
            load_contracts(tmp_path / "none")


def test_a_list_inside_a_row_needs_its_column(tmp_path):
    visit = yaml.safe_load((FEEDS / "grid_visit.yaml").read_text(encoding="utf-8"))
    child = visit["schema"][1]
    child["customProperties"] = [entry for entry in child["customProperties"] if entry["property"] != "each"]
    with pytest.raises(
        ContractError, match=r"^grid_visit\.yaml: schema\[grid_visit_resident\]\.customProperties\.each: "
    ):
        read_contract(written(tmp_path, visit, "grid_visit"))


@pytest.mark.parametrize(
    ("feed", "option", "value"),
    [
        ("health_record", "page_param", None),
        ("health_elderly_exam", "next_cursor", None),
        ("market_entity", "token_path", None),
        ("market_entity", "style", "offset"),
        ("health_record", "envelope", {"ok": 0}),
        ("civil_death", "encoding", "gb18031"),
        ("civil_death", "encoding", None),
        ("civil_death", "file", "死亡火化_(\\.csv"),
        ("civil_death", "file", "死亡火化\\.csv"),
        ("edu_enrolment", "header_has", ["学籍编号"]),
        ("grid_visit", "sequence", "number"),
    ],
)
def test_an_option_the_connector_could_not_work_by(feed, option, value, tmp_path):
    contract = yaml.safe_load((FEEDS / f"{feed}.yaml").read_text(encoding="utf-8"))
    options = next(e["value"] for e in contract["customProperties"] if e["property"] == "connector")
    options.pop(option)
    if value is not None:
        options[option] = value
    with pytest.raises(ContractError, match=rf"^{feed}\.yaml: customProperties\.connector\.{option}"):
        read_contract(written(tmp_path, contract, feed))
