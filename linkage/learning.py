"""What a run without a trained model learns (学习) of its first round's entities, beside what else the round does with them.

Sampling with a seed keeps one core busy; finding candidate pairs, which waits for nothing of it, takes the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from linkage import scoring
from linkage.model import Model

# Weights, None where there are too few records to train on; how the training went; the shares of values, and of any other.
Lesson = tuple[dict[str, Any] | None, dict[str, Any], pa.Table, dict[str, float]]


def prior_of(con: duckdb.DuckDBPyConnection, entity: str, of_round: dict[str, Any]) -> float:
    """How likely two of the ``entities`` in ``of_round`` are one person before anything is compared; ``open`` of them have no valid ID."""
    count = of_round["entities"]
    of_round["open"] = con.execute(f"SELECT count(*) FROM {entity} WHERE id IS NULL").fetchall()[0][0]
    return min(0.1, max(1, of_round["open"]) / max(1.0, count * (count - 1) / 2))


@contextmanager
def learning(con: duckdb.DuckDBPyConnection, model: Model, prior: float, entity: str, count: int) -> Iterator[Callable[[], Lesson]]:
    """Begin to learn from the lasting table ``entity`` of ``count`` rows over a cursor of ``con``, which is in no transaction; the
    function waits for the lesson."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="learn") as other:
        yield other.submit(_learn, con.cursor(), model, prior, entity, count).result


def _learn(con: duckdb.DuckDBPyConnection, model: Model, prior: float, entity: str, count: int) -> Lesson:
    with con:
        for macro in model.macros:  # a cursor has none of its connection's
            con.execute(macro)
        weights, figures = None, {}
        if count >= model.setting("training_entities"):
            weights = scoring.train(con, model, prior, figures, entity)
        return weights, figures, *scoring.count_frequencies(con, model, entity)
