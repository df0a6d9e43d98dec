"""What a run without a trained model learns (学习) of its first round's entities, beside what else the round does with them.

Sampling with a seed keeps one core busy; finding candidate pairs, which waits for nothing of it, takes the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from linkage import scoring
from linkage.model import Model

Training = tuple[dict[str, Any] | None, dict[str, Any], float]  # weights, None where there are too few records to train on; how it went; seconds
Counts = tuple[pa.Table, dict[str, float]]  # how common values are, and any other


def prior_of(con: duckdb.DuckDBPyConnection, entity: str, of_round: dict[str, Any]) -> float:
    """How likely two of the ``entities`` in ``of_round`` are one person before anything is compared; ``open`` of them have no valid ID."""
    count = of_round["entities"]
    of_round["open"] = con.execute(f"SELECT count(*) FROM {entity} WHERE id IS NULL").fetchall()[0][0]
    return min(0.1, max(1, of_round["open"]) / max(1.0, count * (count - 1) / 2))


@contextmanager
def learning(con: duckdb.DuckDBPyConnection, model: Model, prior: float, entity: str, count: int) -> Iterator[tuple[Callable[[], Training], Callable[[], Counts]]]:
    """Begin to train on the lasting table ``entity`` of ``count`` rows, then to count its values, over a cursor of ``con``, which is in no
    transaction; each function waits for its part, and raises what went wrong in it. What nobody asks for fails nobody; where the block
    ends early, both are waited for."""
    with con.cursor() as cursor, ThreadPoolExecutor(max_workers=1, thread_name_prefix="learn") as other:
        training = other.submit(_train, cursor, model, prior, entity, count)
        yield training.result, other.submit(scoring.count_frequencies, cursor, model, entity).result


def _train(con: duckdb.DuckDBPyConnection, model: Model, prior: float, entity: str, count: int) -> Training:
    if count < model.setting("training_entities"):
        return None, {}, 0.0
    for macro in model.macros:  # a cursor has none of its connection's
        con.execute(macro)
    figures: dict[str, Any] = {}
    started = time.monotonic()
    weights = scoring.train(con, model, prior, figures, entity)
    return weights, figures, round(time.monotonic() - started, 3)
