"""Trained models against the warehouse: make a candidate, back-test it, let it take over or refuse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from linkage.artefact import (
    ModelArtefact,
    ModelStateError,
    activate,
    events,
    load,
    load_active,
    note_event,
    replaced,
    save_candidate,
)
from linkage.model import load_model
from linkage.reading import read_inputs
from warehouse.bulk import read_arrow
from warehouse.signature import legible

_DECISIONS = """
SELECT decision_id, feed_l, record_key_l, feed_r, record_key_r, verdict FROM hub.binding_decision ORDER BY decision_id
"""


class ActivationRefused(ModelStateError):
    """A model may not take over: its back-test is worse than what links today."""


def train_candidate(engine: Engine, *, at: datetime, threads: int = 2, memory_mb: int | None = None) -> ModelArtefact:
    """Train on all that is in the warehouse and keep the outcome as a candidate. ModelStateError if there is nothing to train on."""
    from linkage.training import TrainingError, train

    mentions, decisions, aliases = read_inputs(engine, _DECISIONS)
    try:
        artefact = train(mentions, decisions.drop_columns(["decision_id"]), aliases, trained_at=at, threads=threads, memory_mb=memory_mb)
    except TrainingError as error:
        raise ModelStateError(str(error)) from None
    save_candidate(engine, artefact)
    return artefact


def backtest_version(engine: Engine, version: str, *, by: str = "gridhub", threads: int = 2, memory_mb: int | None = None) -> dict[str, Any]:
    """Back-test a version against what links today; the figures, which are kept among its events.

    The active version itself is tested against the one before it, the first of all against the model file's own weights. ModelStateError if there is no such version, or
    the model file changed since it was trained.
    """
    from linkage.backtest import backtest

    candidate, model = load(engine, version).artefact, load_model()
    if candidate.model_version != model.version:
        raise ModelStateError(f"{version} was trained with another model file ({candidate.model_version}, now {model.version}); "
                              "train again: gridhub model train")
    active = _opponent(engine, version)
    mentions, decisions, aliases = read_inputs(engine, _DECISIONS)
    tested = backtest(mentions, decisions, aliases, candidate, active or _untrained(candidate), model=model, threads=threads, memory_mb=memory_mb)
    figures = {**tested.as_figures(), "against": _against(active)}
    note_event(engine, version, "backtested", by, f"against {figures['against']}", figures)
    return figures


def activate_version(engine: Engine, version: str, by: str, reason: str, *, anyway: bool = False, threads: int = 2,
                     memory_mb: int | None = None) -> dict[str, Any]:
    """Let a version take over, after a back-test (one that still holds is not repeated); its figures.

    ActivationRefused if it contradicts more decisions than the model that links today, unless ``anyway``. ModelStateError as
    :func:`linkage.artefact.activate` and :func:`backtest_version`.
    """
    if not legible(by) or not legible(reason):
        raise ModelStateError("who activates a model, and why, must be said")
    figures = _holds(engine, version) or backtest_version(engine, version, by=by, threads=threads, memory_mb=memory_mb)
    if figures["worse"] and not anyway:
        named = ", ".join(f"D{number}" for number in figures["newly_contradicted"][:10])
        raise ActivationRefused(
            f"{version} would contradict {len(figures['contradicted'])} decisions, {figures['against']} contradicts "
            f"{len(figures['active_contradicted'])} (new: {named}); train again, or say --anyway with a reason")
    activate(engine, version, by, reason, {**figures, "anyway": bool(figures["worse"] and anyway)})
    return figures


def _holds(engine: Engine, version: str) -> Mapping[str, Any] | None:
    """The last back-test, if nobody decided anything since and the same model still links."""
    load(engine, version)
    tests = [event["figures"] for event in events(engine, version) if event["kind"] == "backtested"]
    if not tests:
        return None
    last = tests[-1]
    decisions = read_arrow(engine, "SELECT count(*) AS n, coalesce(max(decision_id), 0) AS last FROM hub.binding_decision").to_pylist()[0]
    same = (last["decisions"], last["last_decision"]) == (decisions["n"], decisions["last"])
    return last if same and last["against"] == _against(_opponent(engine, version)) else None


def _opponent(engine: Engine, version: str) -> ModelArtefact | None:
    """What links today; of the version that does itself, what linked before it. None: only the model file."""
    active = load_active(engine)
    if active is None or active.version != version:
        return active
    before = replaced(engine)
    return load(engine, before).artefact if before else None


def _against(active: ModelArtefact | None) -> str:
    """What links today, by name."""
    return active.version if active else f"model file {load_model().version}"


def _untrained(candidate: ModelArtefact) -> ModelArtefact:
    """The model file's weights and thresholds over the candidate's priors and frequencies."""
    from dataclasses import replace

    from linkage.training import written_weights

    model = load_model()
    return replace(candidate, weights=written_weights(model), thresholds={k: model.setting(k) for k in candidate.thresholds})
