"""The waterfall of weights (权重瀑布): why a pair has the probability it has, and which rule or veto decided.

A match weight is log2(m / u): how many times likelier the level is among records of one person than among any two, in bits.
Start, comparisons and term frequency add up to the total; total w is the probability 2^w / (1 + 2^w) (Fellegi and Sunter 1969).
Levels are those stored with the conflict; weights, start and frequencies those of the model in force.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine, text

from linkage import artefact
from linkage.clusters import REASONS
from linkage.model import Level, Model
from linkage.words import COMPARISONS, CONFLICTS, LEVELS, RULES, VETOES, word
from standards.variants import fold

_LEAST_SHARE = 0.00002  # linkage.scoring bounds a name's share so: one bearer in fifty thousand says no more than that
_TOLERANCE = 0.05  # bits; below it a difference is the rounding of the stored probability


@dataclass(frozen=True)
class Step:
    """One step. ``part``: prior, comparison, frequency or rest; ``weight``, ``total``: bits, ``total`` is the running sum."""

    part: str
    comparison: str | None
    level: str | None
    weight: float
    total: float
    reason: str  # of the model file, English

    def title(self, language: str = "zh") -> str:
        """What the step is called."""
        if self.part == "comparison":
            return word(COMPARISONS, self.comparison, language)
        zh, en = _PARTS[self.part]
        return en if language == "en" else zh

    def level_title(self, language: str = "zh") -> str:
        """What the level is called; empty for a step without one."""
        return word(LEVELS.get(self.comparison or "", {}), self.level, language) if self.level else ""


@dataclass(frozen=True)
class Waterfall:
    """``steps`` add up to ``weight`` bits, ``model_probability`` by the weights alone; ``probability`` is what was stored, a rule's where
    one spoke. Where nothing was weighed (a link by number) there is no step, and ``model_probability`` is None. ``decided_as``: rule, veto,
    threshold (between the two), rival (another candidate), number (somebody else's) or constraint; ``decided_by``: its name."""

    steps: tuple[Step, ...]
    weight: float
    model_probability: float | None
    probability: float | None
    decided_as: str
    decided_by: str
    reason: str
    model: str

    def decision_title(self, language: str = "zh") -> str:
        """What decided, in words."""
        zh, en = _DECIDED_AS[self.decided_as]
        lead = en if language == "en" else zh
        if self.decided_as in ("threshold", "rival"):
            return lead
        words = {"rule": RULES, "veto": VETOES, "constraint": CONFLICTS, "number": CONFLICTS}[self.decided_as]
        return f"{lead}{': ' if language == 'en' else '：'}{word(words, self.decided_by, language)}"


@dataclass(frozen=True)
class Trained:
    """What is in force. ``prior``: probability that two random records match; ``shares``: folded name → share of people who have it."""

    version: str
    weights: Mapping[str, Mapping[str, Mapping[str, float]]]
    prior: float | None
    shares: Mapping[str, float]
    unseen: float | None

    def share(self, name: str | None) -> float | None:
        """How common a name is, 0…1; None where the training does not say."""
        return self.shares.get(name, self.unseen) if name else None


def in_force(engine: Engine, model: Model, names: Sequence[str | None]) -> Trained:
    """The active model, else the weights of the last run that had some, else the model file's; shares of ``names`` as folded."""
    active = artefact.load_active(engine)
    if active is not None:
        known = active.frequency_table("name").to_pydict()
        shares = {name: share for name, share in zip(known["name"], known["tf_name"], strict=True) if name in names}
        return Trained(active.version, active.weights, active.prior(max(active.priors)), shares, active.unseen.get("name"))
    with engine.connect() as connection:
        runs = connection.execute(text(_RUN)).mappings().first()
    figures: Mapping[str, Any] = runs["figures"] if runs else {}
    rounds = [value["prior"] for name, value in sorted(figures.items()) if name.startswith("round_") and "prior" in value]
    return Trained(runs["model_version"] if runs else model.version, figures.get("weights") or {}, rounds[-1] if rounds else None, {}, None)


def folded(name: str | None) -> str | None:
    """A name as linkage compares it: variants and traditional forms folded, no blanks, no dot between parts."""
    if name is None:
        return None
    return fold(pa.array([name], pa.string()))[0].as_py().replace(" ", "").replace("·", "")


def waterfall(model: Model, trained: Trained, kind: str, probability: float | None, evidence: str | None,
              names: tuple[str | None, str | None] = (None, None)) -> Waterfall:
    """From a conflict's ``kind``, ``probability`` and ``evidence`` (``<rule> name:exact birth:near …``).

    ``kind`` is ``linked`` for a link that stands. A comparison or level the model no longer has is left out, and the step
    ``rest`` closes the gap to what was stored.
    """
    tokens = (evidence or "").split()
    rule = next((token for token in tokens if ":" not in token), "weight")
    told = dict(token.split(":", 1) for token in tokens if ":" in token)
    decided_as, decided_by, reason = _decided(model, kind, rule, probability)
    if not told:  # the number alone, or nothing, spoke: the weights were not asked
        return Waterfall((), 0.0, None, probability, decided_as, decided_by, reason, trained.version)
    steps: list[Step] = []
    by_model = _by_model_alone(model, rule, probability)
    levels = [(c.name, level) for c in model.comparisons for level in c.levels if level.name == told.get(c.name)]
    weights = [_weight(trained, comparison, level) for comparison, level in levels]
    prior = math.log2(trained.prior / (1 - trained.prior)) if trained.prior else (_bits(by_model) - sum(weights) if by_model else None)
    if prior is not None:
        _add(steps, "prior", None, None, prior, "how often two records at random are one person's")
    for (comparison, level), weight in zip(levels, weights, strict=True):
        _add(steps, "comparison", comparison, level.name, weight, level.reason)
        if level.term_frequency and (rarer := _frequency(trained, comparison, level, names)) is not None:
            _add(steps, "frequency", comparison, None, rarer, "")
    total = steps[-1].total if steps else 0.0
    if by_model and abs(_bits(by_model) - total) >= _TOLERANCE:
        _add(steps, "rest", None, None, _bits(by_model) - total, "")
        total = steps[-1].total
    return Waterfall(tuple(steps), total, 1 / (1 + 2.0 ** -total), probability, decided_as, decided_by, reason, trained.version)


def _add(steps: list[Step], part: str, comparison: str | None, level: str | None, weight: float, reason: str) -> None:
    before = steps[-1].total if steps else 0.0
    steps.append(Step(part, comparison, level, weight, before + weight, reason))


def _bits(probability: float) -> float:
    return math.log2(probability / (1 - probability))


def _by_model_alone(model: Model, rule: str, probability: float | None) -> float | None:
    """The stored probability where it is the weights' and not rounded away (four digits are stored)."""
    lifted = any(each.name == rule for each in model.rules)
    return probability if probability is not None and 0.001 <= probability <= 0.999 and not lifted else None


def _weight(trained: Trained, comparison: str, level: Level) -> float:
    if level.is_null:
        return 0.0  # nothing to compare says nothing
    known = trained.weights.get(comparison, {}).get(level.name, {})
    return math.log2(known.get("m", level.m) / known.get("u", level.u))


def _frequency(trained: Trained, comparison: str, level: Level, names: tuple[str | None, str | None]) -> float | None:
    shares = [share for name in names if (share := trained.share(name)) is not None]
    if not shares:
        return None
    u = trained.weights.get(comparison, {}).get(level.name, {}).get("u", level.u)
    return math.log2(u / max(_LEAST_SHARE, *shares))


def _decided(model: Model, kind: str, rule: str, probability: float | None) -> tuple[str, str, str]:
    reasons = {each.name: each.reason for each in (*model.rules, *model.vetoes)}
    if kind in REASONS:
        return "constraint", kind, reasons.get(rule, "")
    if kind == "foreign_id":
        return "number", kind, ""
    if any(veto.name == rule for veto in model.vetoes):
        return "veto", rule, reasons[rule]
    if kind == "linked":
        return "rule", rule, reasons.get(rule, "")
    if rule != "weight" or (probability or 0.0) >= model.setting("upper"):
        return "rival", rule, reasons.get(rule, "")
    return "threshold", rule, ""


_PARTS = {"prior": ("起点", "Start"), "frequency": ("姓名常见程度", "How common the name is"), "rest": ("其余（当时的县情与舍入）", "Rest (the county then, rounding)")}
_DECIDED_AS = {
    "rule": ("依据规则", "Rule"), "veto": ("否决", "Veto"), "constraint": ("不可能属同一人", "Can't be one person"), "number": ("姓名与号码不符", "Name and number do not fit"),
    "threshold": ("概率居于两阈值之间，由人决定", "Between the two thresholds: a person decides"),
    "rival": ("另有相近的候选人，由人决定", "Another candidate is nearly as good: a person decides"),
}
_RUN = "SELECT model_version, figures FROM hub.link_run ORDER BY (figures ->> 'weights') IS NULL, run_id DESC LIMIT 1"
