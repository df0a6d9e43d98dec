"""Trains a model (训练) on the county's own records: a full run that keeps what later runs must share.

EM refines the file's weights with a fixed seed, the run's rounds give the priors, the people with an ID how common each name
is, and hidden IDs (``training_probe``) whether the probabilities mean what they say. Pure over Arrow and DuckDB.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from linkage.artefact import ModelArtefact
from linkage.calibration import brier, calibrate, reliability, thresholds
from linkage.engine import LinkSettings, link_mentions
from linkage.model import Model, load_model
from linkage.results import LINKS, LinkResult
from linkage.training_figures import evidence_levels, missing_rates
from linkage.training_probe import Probe, probe


class TrainingError(ValueError):
    """There is nothing to train on."""


def train(mentions: pa.Table, decisions: pa.Table, aliases: pa.Table | None, *, trained_at: datetime, model: Model | None = None,
          threads: int = 2, memory_mb: int | None = None) -> ModelArtefact:
    """A model artefact from every mention (the tables are those of :func:`linkage.engine.link_mentions`).

    With fewer entities than the setting ``training_entities`` the file's weights are kept, and the figures say so; priors,
    frequencies and figures are the county's own all the same. TrainingError without a pair to compare.
    """
    model = model or load_model()
    listener = _Listener(model)
    settings = LinkSettings(model=model, threads=threads, memory_mb=memory_mb, watch=listener)
    result = link_mentions(mentions, LINKS.empty_table(), decisions, settings, aliases)
    learnt = result.learnt
    if listener.probe is None or learnt is None:
        raise TrainingError("there are no two records to compare; load feeds and run `gridhub link` first")
    figures = dict(result.figures)
    rounds = [figures[f"round_{k}"] for k in learnt.priors]
    weighed = listener.probe.pairs.filter(listener.probe.pairs["weighed"])
    said, true = weighed["probability"].to_numpy(), weighed["true"].to_numpy(zero_copy_only=False)
    calibration = calibrate(said, true)
    trained = figures.get("training") or {"kept_from_file": "all", "reason": "too few records to train on"}
    return ModelArtefact(
        model_version=model.version, trained_at=trained_at,
        trained_on={"mentions": figures["mentions"], **{k: rounds[0][k] for k in ("entities", "open", "pairs")}, "persons": figures["persons"]},
        weights=learnt.weights or written_weights(model), priors=learnt.priors, frequencies=learnt.frequencies,
        unseen=learnt.unseen, thresholds=thresholds(model.settings, calibration),
        figures={
            **trained, "rounds": [{k: each.get(k) for k in ("entities", "open", "pairs", "joined", "levels")} for each in rounds],
            "linked_levels": evidence_levels(result.links["evidence"]), "rules": figures["rules"], "conflicts": figures["conflicts"],
            "missing": missing_rates(mentions), **listener.probe.as_figures(), "calibration": calibration.as_figures(),
            "reliability": reliability(said, true), "brier": brier(said, true),
        })


def artefact_of(model: Model, result: LinkResult, missing: Mapping[str, Any], evidence: pa.ChunkedArray, trained_at: datetime) -> ModelArtefact:
    """What a run without an artefact learnt by the way, as one: without the probes of :func:`train`, by the file's thresholds.

    ``missing``: :func:`linkage.training_figures.missing_rates` of its mentions; ``evidence``: of all links that stand after it."""
    learnt, figures = result.learnt, result.figures
    return ModelArtefact(
        model_version=model.version, trained_at=trained_at,
        trained_on={"mentions": figures["mentions"], "persons": figures["persons"], **{k: figures["round_1"][k] for k in ("entities", "open", "pairs")}},
        weights=learnt.weights or written_weights(model), priors=learnt.priors, frequencies=learnt.frequencies, unseen=learnt.unseen,
        thresholds={name: model.setting(name) for name in ("upper", "lower")},
        figures={**(figures.get("training") or {"kept_from_file": "all", "reason": "too few records to train on"}),
                 "rounds": [{k: figures[f"round_{n}"].get(k) for k in ("entities", "open", "pairs", "joined", "levels")} for n in learnt.priors],
                 "linked_levels": evidence_levels(evidence), "missing": dict(missing),
                 "rules": figures["rules"], "conflicts": figures["conflicts"]})


def written_weights(model: Model) -> dict[str, dict[str, dict[str, float]]]:
    """The model file's own weights: comparison → level → {m, u}."""
    return {c.name: {level.name: {"m": level.m, "u": level.u} for level in c.levels if not level.is_null} for c in model.comparisons}


class _Listener:
    """Takes from a run what it does not hand back."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.probe: Probe | None = None

    def __call__(self, moment: str, con: duckdb.DuckDBPyConnection, figures: Mapping[str, Any]) -> None:
        if moment == "linked" and figures["round_1"]["pairs"]:
            self.probe = probe(con, self._model, figures["weights"], figures["round_1"]["prior"])
