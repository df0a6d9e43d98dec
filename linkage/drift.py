"""Drift (漂移): whether the county still looks like the one the model was trained on.

Three things are held against the training's own figures: how the levels of each comparison are spread among linked records and
among candidate pairs (population stability index), what each feed leaves out, and how large the county is. Limits: ``limits.yaml``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine

from linkage.artefact import BY_ITSELF, ModelArtefact, let_in_by, load_active, replaced
from linkage.limits import load_limits
from linkage.model import load_model
from linkage.training_figures import evidence_levels, missing_rates
from warehouse.bulk import read_arrow


@dataclass(frozen=True)
class Drift:
    """One thing measured: ``kind`` (linked_levels, candidate_levels, missing, new_feed, size, model_file, unattended), of a comparison, or of a
    feed and column. ``value``: index, or change of a share. ``alarm``: at or above the limit; ``few``: too little to judge."""

    kind: str
    subject: str
    feed: str | None
    trained: float | int | str | None
    now: float | int | str | None
    value: float | None
    limit: float | None
    alarm: bool
    few: bool = False

    def as_row(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def psi(expected: Mapping[str, int], actual: Mapping[str, int]) -> float:
    """Population stability index of two counts by class: the sum of (a - e) · ln(a / e) over shares.

    Half a pair is added to each class, so that one that one side lacks is large but finite (Siddiqi, Credit Risk Scorecards, 2006).
    """
    classes = sorted(expected.keys() | actual.keys())
    if not classes:
        return 0.0
    sums = [sum(counts.values()) + len(classes) / 2 for counts in (expected, actual)]
    shares = [((expected.get(c, 0) + 0.5) / sums[0], (actual.get(c, 0) + 0.5) / sums[1]) for c in classes]
    return sum((a - e) * math.log(a / e) for e, a in shares)


def measure(engine: Engine) -> list[Drift]:
    """Everything measured against the active model's training; empty before the first. QueryError if the warehouse can't be read."""
    active = load_active(engine)
    if active is None:
        return []
    evidence = read_arrow(engine, "SELECT evidence FROM hub.person_link WHERE recorded_to IS NULL AND evidence IS NOT NULL")
    return [
        *against_model_file(active), *unattended(engine, active),
        *against_levels("linked_levels", active.figures["linked_levels"], evidence_levels(evidence["evidence"])),
        *against_levels("candidate_levels", _first_round(active), _last_full_run(engine)),
        *against_missing(active.figures["missing"], missing_rates(read_arrow(engine, _SAID))), *against_size(active, _mentions(engine)),
    ]


def against_model_file(active: ModelArtefact) -> Iterable[Drift]:
    """An alarm if the levels in the model file are not those the weights are of."""
    now = load_model().version
    yield Drift("model_file", "version", None, active.model_version, now, None, None, active.model_version != now)


def unattended(engine: Engine, active: ModelArtefact) -> Iterable[Drift]:
    """An alarm if the active version took over by itself from one that a person had let in: nobody back-tested it."""
    before = replaced(engine)
    alone = let_in_by(engine, active.version) == BY_ITSELF
    if before and alone and let_in_by(engine, before) != BY_ITSELF:
        yield Drift("unattended", active.version, None, before, active.version, None, None, True)


def against_levels(kind: str, trained: Mapping[str, Mapping[str, int]], now: Mapping[str, Mapping[str, int]] | None) -> Iterable[Drift]:
    """A row a comparison. ``now`` None: there is nothing to compare."""
    limits = load_limits()
    for comparison, levels in (trained.items() if now is not None else ()):
        counts = now.get(comparison, {})
        pairs = sum(levels.values()), sum(counts.values())
        value = psi(levels, counts)
        few = min(pairs) < limits["psi_pairs"].value
        yield Drift(kind, comparison, None, pairs[0], pairs[1], round(value, 4), limits["psi"].value, value >= limits["psi"].value and not few, few)


def against_missing(trained: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> Iterable[Drift]:
    """A row for each feed and column whose share of empty cells changed by the notable half of the limit, and for each feed the training
    did not know."""
    limits = load_limits()
    limit, least, sigmas = (limits[name].value for name in ("missing_change", "missing_records", "missing_sigma"))
    for feed, rates in now.items():
        if feed not in trained:
            yield Drift("new_feed", "records", feed, 0, rates["records"], None, None, rates["records"] >= least, rates["records"] < least)
            continue
        before, records = trained[feed], (trained[feed]["records"], rates["records"])
        for column in (name for name in rates if name != "records"):
            change = rates[column] - before[column]
            pooled = (before[column] * records[0] + rates[column] * records[1]) / sum(records)
            error = math.sqrt(pooled * (1 - pooled) * (1 / records[0] + 1 / records[1]))
            few = min(records) < least
            if abs(change) >= limit / 2:
                yield Drift("missing", column, feed, before[column], rates[column], round(change, 5), limit,
                            abs(change) >= limit and abs(change) > sigmas * error and not few, few)


def against_size(active: ModelArtefact, mentions: int) -> Iterable[Drift]:
    """How much the county grew since the training."""
    limit, trained = load_limits()["growth"].value, active.trained_on["mentions"]
    change = mentions / trained - 1 if trained else 0.0
    yield Drift("size", "mentions", None, trained, mentions, round(change, 4), limit, abs(change) >= limit)


def _first_round(active: ModelArtefact) -> Mapping[str, Mapping[str, int]]:
    rounds = active.figures.get("rounds") or [{}]
    return rounds[0].get("levels") or {}


def _last_full_run(engine: Engine) -> Mapping[str, Mapping[str, int]] | None:
    """Levels of the candidate pairs of the newest run that scored the whole county: the mix of a day's changes is not the county's."""
    rows = read_arrow(engine, _RUNS).to_pylist()
    if not rows:
        return None
    return json.loads(rows[0]["levels"])


def _mentions(engine: Engine) -> int:
    return read_arrow(engine, "SELECT count(*) AS n FROM hub.person_link WHERE recorded_to IS NULL").to_pylist()[0]["n"]


_SAID = "SELECT feed, name, birth_date, sex, id_number, phone, dwelling_id FROM hub.mention"
_RUNS = """
SELECT figures -> 'round_1' ->> 'levels' AS levels FROM hub.link_run
WHERE NOT coalesce((figures ->> 'incremental')::boolean, false) AND figures -> 'round_1' ->> 'levels' IS NOT NULL ORDER BY run_id DESC LIMIT 1
"""
