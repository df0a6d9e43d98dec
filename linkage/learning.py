"""What a run without a trained model learns (学习) of its first round's entities, while that round looks for its candidate pairs.

Sampling with a seed keeps one core busy; finding candidate pairs, which waits for nothing of it, takes the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import duckdb

from linkage import scoring
from linkage.model import Model
from linkage.results import Learnt


def prior_of(entities: int, without_id: int) -> float:
    """How likely two of so many ``entities``, of which some are ``without_id``, are one person before anything is compared."""
    return min(0.1, max(1, without_id) / max(1.0, entities * (entities - 1) / 2))


def learn(con: duckdb.DuckDBPyConnection, model: Model, learnt: Learnt, block: Callable[[], int], of_round: dict[str, Any], figures: dict[str, Any]) -> Learnt:
    """``learnt``, which knows the prior of round 1, with weights and how common values are in ``entity_1``, worked out over a cursor of
    ``con``, which is in no transaction, while ``block`` finds the round's candidate pairs and says how many.

    ``weights`` is None, for the file's, where there are too few entities or no pair. ``of_round`` gets the ``pairs``; ``figures`` how the
    training went, and its seconds, which pass beside those of finding pairs and not after them. What goes wrong in either is raised."""
    with con.cursor() as cursor, ThreadPoolExecutor(max_workers=1, thread_name_prefix="learn") as other:
        training = other.submit(_train, cursor, model, learnt.priors[1], of_round["entities"])
        counts = other.submit(scoring.count_frequencies, cursor, model, "entity_1")
        of_round["pairs"] = block()
        weights, how, seconds = training.result() if of_round["pairs"] else (None, {}, 0.0)
        if weights:
            figures["training"] = how
            figures["seconds"]["training"] = seconds
        frequencies, unseen = counts.result()
        return replace(learnt, weights=weights, frequencies=frequencies, unseen=unseen)


def _train(con: duckdb.DuckDBPyConnection, model: Model, prior: float, entities: int) -> tuple[dict[str, Any] | None, dict[str, Any], float]:
    if entities < model.setting("training_entities"):
        return None, {}, 0.0
    for macro in model.macros:  # a cursor has none of its connection's
        con.execute(macro)
    how: dict[str, Any] = {}
    started = time.monotonic()
    weights = scoring.train(con, model, prior, how, "entity_1")
    return weights, how, round(time.monotonic() - started, 3)
