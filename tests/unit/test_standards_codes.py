"""Code lists, crosswalks and reasons: complete, without contradiction, and documented."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from standards import codes, variants
from standards.reasons import REASONS, explain

ROOM = Path(codes.__file__).parent
LISTS = sorted(path.stem for path in (ROOM / "codes").glob("*.csv"))


@pytest.mark.parametrize("name", LISTS)
def test_a_code_list_gives_each_code_a_chinese_and_an_english_label(name):
    entries = codes.code_list(name)
    assert entries
    for code, entry in entries.items():
        assert code == code.strip() and entry.zh and entry.en, code


@pytest.mark.parametrize("name", codes.crosswalk_names())
def test_a_crosswalk_leads_only_to_codes_of_its_list(name):
    chosen = codes.crosswalk(name)
    assert chosen.source and chosen.version and chosen.reason
    known = codes.code_list(chosen.code_list)
    assert {code for code in chosen.mapping.values() if code} <= known.keys()


def test_the_readme_lists_every_crosswalk_and_no_other():
    text = (ROOM / "crosswalks" / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z_]+/[a-z0-9_]+)` \|", text, flags=re.M))
    assert listed == set(codes.crosswalk_names())
    assert set(re.findall(r"`([a-z_]+/[a-z0-9_]+)`", text)) <= set(codes.crosswalk_names())


def test_all_56_ethnic_groups_are_read_with_and_without_their_last_character():
    by_name = codes.crosswalk("ethnicity/name").mapping
    groups = {code: entry.zh for code, entry in codes.code_list("ethnicity").items() if code <= "56"}
    assert len(groups) == 56
    for code, name in groups.items():
        assert by_name[name] == code and by_name[name.removesuffix("族")] == code


def test_every_gb_code_is_read_as_itself():
    for field in ("marital", "schooling", "sex", "ethnicity"):
        mapping = codes.crosswalk(f"{field}/gb").mapping
        for code in codes.code_list(field):
            assert mapping[code] == code, (field, code)


def test_a_crosswalk_that_does_not_exist_is_named_in_the_error():
    with pytest.raises(codes.CrosswalkError, match=r"marital/nowhere\.csv|nowhere"):
        codes.standardise(pa.array(["1"]), "marital/nowhere")


def test_a_value_listed_twice_with_two_codes_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "codes").mkdir()
    (tmp_path / "crosswalks" / "sex").mkdir(parents=True)
    (tmp_path / "codes" / "sex.csv").write_text("code,zh,en\n1,男,male\n2,女,female\n", encoding="utf-8")
    header = "# list: sex\n# source: test\n# version: 1\n# reason: test\nraw,code\n"
    (tmp_path / "crosswalks" / "sex" / "twice.csv").write_text(header + "Ｍ,1\nm,2\n", encoding="utf-8")
    (tmp_path / "crosswalks" / "sex" / "stray.csv").write_text(header + "m,7\n", encoding="utf-8")
    monkeypatch.setattr(codes, "_ROOT", tmp_path)
    codes.code_list.cache_clear()
    try:
        with pytest.raises(codes.CrosswalkError, match="two codes"):
            codes.crosswalk("sex/twice")
        with pytest.raises(codes.CrosswalkError, match="not in the list"):
            codes.crosswalk("sex/stray")
    finally:
        codes.code_list.cache_clear()


def test_every_reason_a_standard_gives_is_explained_in_both_languages():
    source = "".join(path.read_text(encoding="utf-8") for path in ROOM.glob("*.py") if path.name != "reasons.py")
    prefixes = "|".join(sorted({code.split(".")[0] for code in REASONS}))
    given = set(re.findall(rf'"((?:{prefixes})\.[a-z0-9_]+)"', source))
    assert len(given) > 60
    assert given <= REASONS.keys()
    for code, reason in REASONS.items():
        assert re.search(r"[\u4e00-\u9fff]", reason.zh) and reason.en, code
    assert explain("id.checksum") == REASONS["id.checksum"].zh
    assert explain("id.checksum", "en") == REASONS["id.checksum"].en
    assert explain("psb_register.birth_date.fits") == "psb_register.birth_date.fits"


def test_labels_fall_back_to_the_code():
    assert codes.label("sex", "1") == "男"
    assert codes.label("sex", "1", "en") == "male"
    assert codes.label("sex", "7") == "7"


def test_foldings_end_where_nothing_folds_further():
    foldings = variants.foldings()
    assert len(foldings) > 1000
    assert not foldings.keys() & set(foldings.values())


def test_a_look_alike_is_in_one_group_only():
    lines = (ROOM / "tables" / "look_alikes.csv").read_text(encoding="utf-8").splitlines()
    characters = "".join(line for line in lines if not line.startswith("#") and line != "group")
    assert len(characters) == len(set(characters))
