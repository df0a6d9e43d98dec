"""``gridhub review`` as a registrar types it: from the queue to a confirmed merge and back, in Chinese and in English."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from contracts.reader import load_contracts
from gridhub.commands import review
from gridhub.errors import GridhubError
from linkage import store
from tests.review_world import ROWS, links, mentions_as_a_table, settle
from warehouse.access import looks
from warehouse.engine import engine_for


@pytest.fixture(scope="module")
def engine(new_database):
    made = engine_for(new_database())
    mentions_as_a_table(made)
    settle(made)
    yield made
    made.dispose()


@pytest.fixture
def gridhub(engine, monkeypatch):
    """Runs a command; returns what it printed, or its one-line error."""
    story = SimpleNamespace(engine=engine, contracts=load_contracts(), settings=SimpleNamespace(language="zh"))
    monkeypatch.setattr(review, "hub", lambda: story)

    def told(*words: str) -> str:
        result = CliRunner().invoke(review.app, list(words))
        if isinstance(result.exception, GridhubError):
            return f"error: {result.exception}"
        assert result.exit_code == 0, result.output
        return result.output

    return told


SIGNED = ("--by", "张登记", "--reason", "看过证件")


def test_from_the_queue_to_a_confirmed_merge_and_back(gridhub, engine) -> None:
    alone = links(engine)
    queued = json.loads(gridhub("list", "--json"))
    pair = f"Q{queued[0]['pair_id']}"
    assert queued[0]["benefit"] and pair in gridhub("list") and "预期收益" in gridhub("list") and "gain" in gridhub("list", "--language", "en")
    assert "须另一人复核" in gridhub("same", pair, *SIGNED)
    decision = f"D{json.loads(gridhub('list', '--state', 'pending', '--json'))[0]['decision_id']}"
    assert "待另一人复核" in gridhub("list", "--state", "pending")
    assert gridhub("confirm", decision, *SIGNED) == f"error: 决定 {decision} 须由另一人复核"
    assert gridhub("confirm", decision, "--language", "en", *SIGNED).endswith("by another person than who took it")
    assert "下次关联时生效" in gridhub("confirm", decision, "--by", "李复核", "--reason", "同意")
    store.link(engine)
    assert links(engine)["H3"] == links(engine)["R3"] and "已生效" in gridhub("list", "--state", "decided")
    merged = gridhub("history", alone["H3"], "--by", "张登记")
    assert f"{alone['H3']} 今为 {alone['A3']}" in merged and "并入" in merged
    assert "已撤销" in gridhub("undo", decision, *SIGNED)
    store.link(engine)
    assert links(engine) == alone


def test_a_pair_on_the_screen_has_both_records_the_weights_and_the_words_of_the_reader(gridhub) -> None:
    pair = json.loads(gridhub("list", "--json"))[1]
    shown = gridhub("show", str(pair["pair_id"]), "--by", "张登记")
    for word in ("赵伟", "赵刚", "1980-05-12", "出生日期", "仅姓相同", "概率居于两阈值之间，由人决定", "居民健康档案"):
        assert word in shown
    assert "only the surname" in gridhub("show", str(pair["pair_id"]), "--by", "张登记", "--language", "en")
    whole = json.loads(gridhub("show", str(pair["pair_id"]), "--by", "张登记", "--json"))
    assert whole["waterfall"]["steps"][0]["part"] == "prior" and {f["field"] for f in whole["fields"]} >= {"name", "birth_date"}


def test_the_list_names_nobody(gridhub) -> None:
    told = gridhub("list") + gridhub("list", "--json")
    assert not any(row[2] in told or (row[5] or "—") in told for row in ROWS)


def test_a_pair_somebody_could_not_decide_rests_until_a_day(gridhub) -> None:
    pair = json.loads(gridhub("list", "--json"))[-1]
    assert "再次询问" in gridhub("unsure", f"q{pair['pair_id']}", "--days", "7", *SIGNED)
    assert pair["pair_id"] not in {each["pair_id"] for each in json.loads(gridhub("list", "--json"))}
    resting = json.loads(gridhub("list", "--state", "resting", "--json"))
    assert resting[0]["effect"] == "resting" and "说不清" in gridhub("list", "--state", "resting")


def test_what_is_typed_wrong_is_one_line_that_says_what_is_expected(gridhub) -> None:
    assert gridhub("same", "D1", *SIGNED) == "error: 编号应如 Q12"
    assert gridhub("different", "Q999", *SIGNED).startswith("error: 没有编号为 Q999 的记录对")
    assert gridhub("undo", "D999", "--language", "en", *SIGNED) == "error: there is no open decision D999"
    assert gridhub("history", "P999999999", "--by", "张登记") == "error: P999999999：没有这个人员编号"


def test_an_undone_decision_can_be_listed_and_is_told_by_the_countys_clock(gridhub, engine) -> None:
    pair = f"Q{json.loads(gridhub('list', '--json'))[0]['pair_id']}"
    taken = json.loads(gridhub("different", pair, *SIGNED, "--json"))["decision_id"]
    gridhub("undo", f"D{taken}", "--by", "李复核", "--reason", "看错了")
    with engine.begin() as connection:
        moments = {"id": taken, "at": "2026-09-29T16:30:00+00:00", "undone": "2026-09-30T16:30:00+00:00"}
        connection.execute(text("UPDATE hub.link_decision SET recorded_from = :at, recorded_to = :undone WHERE decision_id = :id"), moments)
    told = next(line for line in gridhub("list", "--state", "undone").splitlines() if f" D{taken} " in line)
    for word in ("不同人", "已撤销", "张登记", "2026-09-30 00:30", "李复核", "2026-10-01 00:30", "看错了"):
        assert word in told
    assert "undone by" in gridhub("list", "--state", "undone", "--language", "en")


@pytest.mark.parametrize(("kind", "evidence", "zh", "en"), [
    ("review", "other_sex name:exact birth:exact sex:different", "否决：性别不同", "Veto: Another sex"),
    ("review", "weight name:exact birth:exact", "另有相近的候选人", "nearly as good"),
    ("review", "name_birth_phone name:exact birth:exact", "另有相近的候选人", "nearly as good"),
    ("foreign_id", "foreign_id", "所填身份号码可能属他人", "May carry somebody else's ID number"),
])
def test_a_pair_is_headed_by_what_put_it_before_somebody(gridhub, engine, kind, evidence, zh, en) -> None:
    pair = json.loads(gridhub("list", "--json"))[0]["pair_id"]
    with engine.begin() as connection:
        connection.execute(text("""UPDATE hub.link_conflict c SET kind = :kind, evidence = :evidence, probability = 0.9987 FROM hub.review_pair p
            WHERE p.pair_id = :id AND p.record_key_l IN (c.record_key_l, c.record_key_r) AND p.record_key_r IN (c.record_key_l, c.record_key_r)"""),
                           {"id": pair, "kind": kind, "evidence": evidence})
    for language, words in (("zh", zh), ("en", en)):
        shown = gridhub("show", f"Q{pair}", "--by", "张登记", "--language", language)
        assert words in shown.splitlines()[0] and "居中" not in shown and "Between" not in shown
        assert ("权重" in shown or "weight" in shown) == (kind == "review")
        words = words.split("：")[-1].split(": ")[-1]
        assert any(words in line for line in gridhub("list", "--language", language).splitlines() if f" Q{pair} " in line)


def test_a_history_speaks_one_language(gridhub, engine) -> None:
    told = gridhub("history", links(engine)["R1"], "--by", "张登记")
    assert "本人" in told and "holder" not in told and "holder" in gridhub("history", links(engine)["R1"], "--by", "张登记", "--language", "en")


def test_an_id_that_never_was_a_person_is_not_written_down(gridhub, engine) -> None:
    gridhub("history", "130731198005120316", "--by", "张登记")
    assert not [look for look in looks(engine) if look["subject"] == "130731198005120316"]
