"""Scoring in chunks (分块打分): the pairs of a round laid out for other processes, on this machine or another, and gathered again.

A pair's score depends on its two entities, the weights and how common a name is, on nothing else. So the candidates are cut by
the hash of the pair, each chunk is scored wherever there is a free core, and the whole is row for row what one process gives.

A linkage that shares its rounds out (``SharedScoring``) runs until there is a round to score, lays it out and stops
(``ChunksWaiting``); when the chunks are scored it is started again from the beginning, finds the scores under the digest of all they
depend on, and goes on to the next round. Nothing else is carried from one start to the next: should the records have changed
meanwhile, the digest is another one, and what was scored for the old ones is not used.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from linkage.model import Model, ModelError
from linkage.scoring import frequency_columns, lay_frequencies, score_counted
from linkage.shared_files import compared_columns, private_folder, read_table, write_table
from warehouse.compute import LEAST_MB, analyst

# A chunk below this takes less time than its task takes to start.
WORTH_A_TASK = 100_000  # pairs


class ChunksWaiting(Exception):
    """A round is laid out and waits to be scored. No failure: a linkage that shares its rounds out ends so until the last start."""

    def __init__(self, round_folder: str, chunks: int) -> None:
        super().__init__(f"{chunks} chunks wait in {round_folder}")
        self.round_folder, self.chunks = round_folder, chunks


def cut(con: duckdb.DuckDBPyConnection, folder: Path, chunks: int, model: Model, weights: Mapping[str, Any] | None, prior: float) -> None:
    """Lay ``entity``, ``candidate`` in ``chunks`` parts, ``frequency_<column>`` (``scoring.lay_frequencies``) and the weights in ``folder``."""
    private_folder(folder)
    for column in frequency_columns(model):
        write_table(con, folder / f"frequency_{column}.parquet", f"SELECT * FROM frequency_{column}")
    write_table(con, folder / "entity.parquet", f"SELECT {', '.join(compared_columns(con, model))} FROM entity")
    for k in range(chunks):
        write_table(con, _part(folder, "candidate", k), f"SELECT * FROM candidate WHERE hash(join_key_l, join_key_r) % {chunks} = {k}")
    plan = {"chunks": chunks, "model": model.version, "weights": weights, "prior": prior}
    part = folder / "plan.json.part"
    part.write_text(json.dumps(plan), encoding="utf-8")
    part.rename(folder / "plan.json")  # the last file: with it the round is laid out whole


def score_chunk(folder: Path, k: int, model: Model, *, threads: int = 1, memory_mb: int | None = None) -> int:
    """Score chunk ``k`` of a folder that ``cut`` laid out; the number of pairs kept. Running it again does no harm.

    Raises ModelError if this process has another model file than the one that cut.
    """
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    if plan["model"] != model.version:
        raise ModelError(f"the round was cut with model {plan['model']}, this worker has {model.version}")
    with analyst(threads, memory_mb or LEAST_MB) as con:
        for macro in model.macros:
            con.execute(macro)
        for column in frequency_columns(model):
            read_table(con, f"frequency_{column}", folder / f"frequency_{column}.parquet")
        read_table(con, "candidate", _part(folder, "candidate", k))
        read_table(con, "entity", folder / "entity.parquet", "WHERE unique_id IN (SELECT join_key_l FROM candidate UNION SELECT join_key_r FROM candidate)")
        score_counted(con, model, plan["weights"], plan["prior"])
        write_table(con, _part(folder, "scored", k), "SELECT * FROM scored")
        return con.execute("SELECT count(*) FROM scored").fetchall()[0][0]


def gather(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make ``scored`` from the chunks. Raises FileNotFoundError naming the chunks that are not scored yet."""
    if missing := waiting(folder):
        raise FileNotFoundError(f"not scored yet: chunks {', '.join(map(str, missing))}")
    read_table(con, "scored", folder / "scored-*.parquet")


def waiting(folder: Path) -> list[int]:
    """The chunks of a laid out round that are not scored yet."""
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return [k for k in range(plan["chunks"]) if not _part(folder, "scored", k).exists()]


class SharedScoring:
    """A scorer (``scoring.Scorer``) that takes a round's scores from ``root`` if they are there.

    If not: lays the round out there in up to ``chunks`` parts and raises ChunksWaiting, or, when it is the ``last`` start or the
    round is too small to be worth the way, scores it here.
    """

    def __init__(self, root: Path, chunks: int, *, last: bool, worth: int | None = None) -> None:
        self._root, self._chunks, self._last, self._worth = root, chunks, last, WORTH_A_TASK if worth is None else worth

    def __call__(self, con: duckdb.DuckDBPyConnection, model: Model, weights: Mapping[str, Any] | None, prior: float) -> None:
        lay_frequencies(con, model)
        pairs = con.execute("SELECT count(*) FROM candidate").fetchall()[0][0]
        chunks = min(self._chunks, pairs // self._worth)
        if chunks < 2:
            score_counted(con, model, weights, prior)
            return
        folder = private_folder(self._root) / digest(con, model, weights, prior)
        laid_out = (folder / "plan.json").exists()
        if laid_out and not waiting(folder):
            gather(con, folder)
        elif self._last:
            score_counted(con, model, weights, prior)
        else:
            if not laid_out:
                cut(con, folder, chunks, model, weights, prior)
            raise ChunksWaiting(folder.name, chunks)


def digest(con: duckdb.DuckDBPyConnection, model: Model, weights: Mapping[str, Any] | None, prior: float) -> str:
    """Of everything the scores of a round depend on, whatever the order of rows, and of elements in a list."""
    columns = compared_columns(con, model)
    tables = [
        f"SELECT {', '.join(f'list_sort({name})' if kind.endswith('[]') else name for name, kind in columns.items())} FROM entity",
        "SELECT join_key_l, join_key_r FROM candidate",
        *(f"SELECT * FROM frequency_{column}" for column in frequency_columns(model)),
    ]
    told = [con.execute(f"SELECT count(*), sum(hash(t)::HUGEINT), bit_xor(hash(t)) FROM ({table}) t").fetchall()[0] for table in tables]
    text = json.dumps([model.version, weights, prior, [[str(number) for number in row] for row in told]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def sweep(root: Path) -> None:
    """Remove every round laid out under ``root``: they hold people's data, and are of no use once the linkage has ended."""
    shutil.rmtree(root, ignore_errors=True)


def _part(folder: Path, what: str, k: int) -> Path:
    return folder / f"{what}-{k:04d}.parquet"
