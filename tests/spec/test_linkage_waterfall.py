"""The waterfall of weights: steps in bits that add up to the probability, in words a registrar reads."""

from __future__ import annotations

import math

import pytest

from contracts.reader import load_contracts
from linkage.model import load_model
from linkage.review_waterfall import Trained, folded, waterfall
from linkage.words import COMPARISONS, CONFLICTS, LEVELS, ROLES, RULES, VETOES

MODEL = load_model()
WEIGHTS = {"name": {"exact": {"m": 0.8, "u": 0.001}}, "sex": {"same": {"m": 0.96, "u": 0.48}}, "birth": {"near": {"m": 0.02, "u": 0.0025}}}
TRAINED = Trained("m1", WEIGHTS, 2 ** -10 / (1 + 2 ** -10), {"王伟": 0.004}, 0.0001)
EVIDENCE = "weight name:exact birth:near sex:same number:unknown context:unknown"


def bits(probability: float) -> float:
    return math.log2(probability / (1 - probability))


def test_start_levels_and_frequency_add_up_to_the_probability() -> None:
    shown = waterfall(MODEL, TRAINED, "review", None, EVIDENCE, ("王伟", "王伟"))
    by_step = [(step.part, step.comparison, round(step.weight, 4)) for step in shown.steps]
    assert by_step == [
        ("prior", None, -10.0), ("comparison", "name", round(math.log2(800), 4)), ("frequency", "name", -2.0), ("comparison", "birth", 3.0),
        ("comparison", "sex", 1.0), ("comparison", "number", 0.0), ("comparison", "context", 0.0)]
    assert shown.weight == pytest.approx(sum(step.weight for step in shown.steps)) == pytest.approx(shown.steps[-1].total)
    assert bits(shown.model_probability) == pytest.approx(shown.weight)


def test_a_rare_name_says_more_than_a_common_one_but_never_more_than_one_in_fifty_thousand() -> None:
    weights = {name: next(step.weight for step in waterfall(MODEL, TRAINED, "review", None, EVIDENCE, (name, name)).steps if step.part == "frequency")
               for name in ("王伟", "轩辕磊")}
    assert weights["王伟"] == pytest.approx(-2) and weights["轩辕磊"] == pytest.approx(math.log2(10))
    rarest = Trained("m1", WEIGHTS, 0.001, {}, 1e-9)
    assert max(step.weight for step in waterfall(MODEL, rarest, "review", None, EVIDENCE, ("轩辕磊", None)).steps if step.part == "frequency") == pytest.approx(math.log2(50))


def test_what_the_model_no_longer_explains_is_said_as_the_rest() -> None:
    shown = waterfall(MODEL, TRAINED, "review", 0.9, EVIDENCE.replace("context:unknown", "hobby:chess"), ("王伟", "王伟"))
    assert shown.steps[-1].part == "rest" and shown.model_probability == pytest.approx(0.9)
    assert {step.comparison for step in shown.steps} == {None, "name", "birth", "sex", "number"}


def test_without_a_trained_model_the_file_speaks_and_the_start_follows_from_the_probability() -> None:
    shown = waterfall(MODEL, Trained("file", {}, None, {}, None), "review", 0.7, EVIDENCE)
    assert shown.steps[0].part == "prior" and shown.model_probability == pytest.approx(0.7) and not any(s.part == "rest" for s in shown.steps)


@pytest.mark.parametrize(("kind", "probability", "rule", "decided", "zh", "en"), [
    ("review", 0.7, "weight", "threshold", "概率居于两阈值之间，由人决定", "Between the two thresholds: a person decides"),
    ("review", 0.9999, "name_birth_phone", "rival", "另有相近的候选人，由人决定", "Another candidate is nearly as good: a person decides"),
    ("review", 0.99, "siblings", "veto", "否决：可能是兄弟姐妹或双胞胎", "Veto: May be brothers, sisters or twins"),
    ("two_valid_ids", 0.99, "name_family", "constraint", "不可能属同一人：两个有效身份号码", "Can't be one person: Two valid ID numbers"),
    ("linked", 0.9999, "name_birth_phone", "rule", "依据规则：姓名、出生日期、电话", "Rule: Name, birth, phone"),
])
def test_what_decided_is_said_in_words(kind, probability, rule, decided, zh, en) -> None:
    shown = waterfall(MODEL, TRAINED, kind, probability, EVIDENCE.replace("weight", rule))
    assert (shown.decided_as, shown.decision_title("zh"), shown.decision_title("en")) == (decided, zh, en)
    assert all(step.title("zh") != step.title("en") for step in shown.steps)


def test_a_link_by_number_alone_has_no_levels_and_says_its_rule() -> None:
    shown = waterfall(MODEL, TRAINED, "linked", 1.0, "same_valid_id")
    assert shown.steps == () and shown.model_probability is None and shown.decision_title("zh") == "依据规则：公民身份号码相同"


def test_a_number_of_somebody_else_is_said_and_nothing_weighed() -> None:
    shown = waterfall(MODEL, TRAINED, "foreign_id", 0.1, "foreign_id")
    assert shown.steps == () and shown.model_probability is None
    assert shown.decision_title("zh") == "姓名与号码不符：所填身份号码可能属他人"
    assert shown.decision_title("en") == "Name and number do not fit: May carry somebody else's ID number"


def test_a_name_is_looked_up_as_linkage_compares_it() -> None:
    assert folded("阿依古丽·买买 提") == "阿依古丽买买提" and folded(None) is None


def test_every_comparison_level_rule_and_veto_of_the_model_has_its_words() -> None:
    assert {c.name for c in MODEL.comparisons} <= set(COMPARISONS)
    assert {(c.name, level.name) for c in MODEL.comparisons for level in c.levels} <= {(c, level) for c, words in LEVELS.items() for level in words}
    assert {rule.name for rule in MODEL.rules} <= set(RULES), "a new rule: say it in linkage/words.py"
    assert {veto.name for veto in MODEL.vetoes} <= set(VETOES)
    contracts = load_contracts().values()
    assert {mention.role for contract in contracts for table in contract.tables for mention in table.mentions} <= set(ROLES)
    every = (COMPARISONS, ROLES, RULES, VETOES, CONFLICTS, *LEVELS.values())
    assert all(zh and en and any("\u4e00" <= sign <= "\u9fff" for sign in zh) for words in every for zh, en in words.values())
