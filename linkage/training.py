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

from linkage.artefact import FREQUENCIES, ModelArtefact
from linkage.calibration import brier, calibrate, reliability, thresholds
from linkage.engine import LinkSettings, link_mentions
from linkage.model import Model, load_model
from linkage.results import LINKS
from linkage.training_figures import evidence_levels, missing_rates
from linkage.training_probe import Probe, probe


class TrainingError(ValueError):
    """There is nothing to train on."""


def train(mentions: pa.Table, decisions: pa.Table, aliases: pa.Table | None, *, trained_at: datetime, model: Model | None = None,
          threads: int = 2, memory_mb: int = 1200) -> ModelArtefact:
    """A model artefact from every mention (the tables are those of :func:`linkage.engine.link_mentions`).

    With fewer entities than the setting ``training_entities`` the file's weights are kept, and the figures say so; priors,
    frequencies and figures are the county's own all the same. TrainingError without a pair to compare.
    """
    model = model or load_model()
    listener = _Listener(model)
    settings = LinkSettings(model=model, threads=threads, memory_mb=memory_mb, watch=listener)
    result = link_mentions(mentions, LINKS.empty_table(), decisions, settings, aliases)
    if not listener.priors:
        raise TrainingError("there are no two records to compare; load feeds and run `gridhub link` first")
    figures = dict(result.figures)
    rounds = [figures[f"round_{k}"] for k in listener.priors]
    weighed = listener.probe.pairs.filter(listener.probe.pairs["weighed"])
    said, true = weighed["probability"].to_numpy(), weighed["true"].to_numpy(zero_copy_only=False)
    calibration = calibrate(said, true)
    trained = figures.get("training") or {"kept_from_file": "all", "reason": "fewer entities than training_entities"}
    return ModelArtefact(
        model_version=model.version, trained_at=trained_at,
        trained_on={"mentions": figures["mentions"], **{k: rounds[0][k] for k in ("entities", "open", "pairs")}, "persons": figures["persons"]},
        weights=figures["weights"] or written_weights(model), priors=listener.priors, frequencies=listener.frequencies,
        unseen=listener.unseen, thresholds=thresholds(model.settings, calibration),
        figures={
            **trained, "rounds": [{k: each.get(k) for k in ("entities", "open", "pairs", "joined", "levels")} for each in rounds],
            "linked_levels": evidence_levels(result.links["evidence"]), "rules": figures["rules"], "conflicts": figures["conflicts"],
            "missing": missing_rates(mentions), **listener.probe.as_figures(), "calibration": calibration.as_figures(),
            "reliability": reliability(said, true), "brier": brier(said, true),
        })


def written_weights(model: Model) -> dict[str, dict[str, dict[str, float]]]:
    """The model file's own weights: comparison → level → {m, u}."""
    return {c.name: {level.name: {"m": level.m, "u": level.u} for level in c.levels if not level.is_null} for c in model.comparisons}


class _Listener:
    """Takes from a run what it does not hand back."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.priors: dict[int, float] = {}
        self.frequencies: pa.Table = FREQUENCIES.empty_table()
        self.unseen: dict[str, float] = {}
        self.probe: Probe

    def __call__(self, moment: str, con: duckdb.DuckDBPyConnection, figures: Mapping[str, Any]) -> None:
        if moment == "candidates":
            self.priors[len(self.priors) + 1] = figures["prior"]
            if len(self.priors) == 1:
                self.frequencies, self.unseen = frequencies(con, self._model)
        elif moment == "linked" and self.priors:
            self.probe = probe(con, self._model, figures["weights"], self.priors[1])


def frequencies(con: duckdb.DuckDBPyConnection, model: Model) -> tuple[pa.Table, dict[str, float]]:
    """How common each value is among people with an ID (columns: column, value, share), and the share of any other value.

    As scoring counts it: one is added to each, and the setting ``town`` to the people. Needs ``entity``.
    """
    columns = sorted({level.term_frequency for c in model.comparisons for level in c.levels if level.term_frequency})
    (people,) = con.execute("SELECT count(*) FROM entity WHERE id IS NOT NULL").fetchall()[0]
    of_all = people + model.setting("town")
    tables = [
        con.sql(f"""SELECT '{column}' AS "column", {column} AS value, (count(*) + 1) / $of_all AS share
                    FROM entity WHERE id IS NOT NULL AND {column} IS NOT NULL GROUP BY {column} ORDER BY {column}""",
                params={"of_all": of_all}).to_arrow_table().cast(FREQUENCIES)
        for column in columns
    ]
    return pa.concat_tables(tables) if tables else FREQUENCIES.empty_table(), {column: 1 / of_all for column in columns}
