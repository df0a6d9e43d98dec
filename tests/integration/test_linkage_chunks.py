"""Scoring in chunks: the same, row for row, as in one piece; rounds laid out, left, scored elsewhere and found again."""

from __future__ import annotations

import stat
from pathlib import Path

import pyarrow as pa
import pytest

from linkage.chunks import ChunksWaiting, SharedScoring, cut, gather, score_chunk, sweep, waiting
from linkage.engine import LinkSettings
from linkage.model import ModelError, load_model
from linkage.scoring import score
from linkage.shared_files import compared_columns
from linkage.spark_sql import spark_model
from tests.linkage_world import county, linked

MODEL = load_model()
COUNTY = county(250, seed=5)


def _scored(con) -> pa.Table:
    return con.sql("SELECT * FROM scored ORDER BY l, r").to_arrow_table()


@pytest.mark.parametrize("chunks", [1, 5])
def test_chunks_give_what_one_piece_gives(tmp_path: Path, chunks: int) -> None:
    compared = []

    def both(con, model, weights, prior) -> None:
        score(con, model, weights, prior)
        whole, folder = _scored(con), tmp_path / str(len(compared))
        cut(con, folder, chunks, model, weights, prior)
        assert waiting(folder) == list(range(chunks))
        kept = [score_chunk(folder, k, model) for k in reversed(range(chunks))]
        con.execute("DROP TABLE scored")
        gather(con, folder)
        assert _scored(con).equals(whole)
        assert sum(kept) == whole.num_rows
        compared.append(whole.num_rows)

    linked(COUNTY, LinkSettings(score=both))
    assert len(compared) == 2 and compared[0] > 2000


def test_a_linkage_in_steps_ends_as_one_in_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the DAG does it: start, score what is laid out, start again; what is scored is never scored again."""
    root, rounds = tmp_path / "link", []
    for _ in range(2):
        with pytest.raises(ChunksWaiting) as stopped:
            linked(COUNTY, LinkSettings(score=SharedScoring(root, 3, last=False, worth=100)))
        assert stopped.value.chunks == 3
        rounds.append(stopped.value.round_folder)
        for k in range(3):
            score_chunk(root / rounds[-1], k, MODEL)
    whole = linked(COUNTY).links
    monkeypatch.setattr("linkage.chunks.score_counted", _must_not_score)
    assert linked(COUNTY, LinkSettings(score=SharedScoring(root, 3, last=True, worth=100))).links.equals(whole)
    assert len(set(rounds)) == 2


def _must_not_score(*_) -> None:
    raise AssertionError("scored again")


def test_the_last_start_scores_what_nobody_scored(tmp_path: Path) -> None:
    with pytest.raises(ChunksWaiting):
        linked(COUNTY, LinkSettings(score=SharedScoring(tmp_path / "link", 3, last=False, worth=100)))
    found = linked(COUNTY, LinkSettings(score=SharedScoring(tmp_path / "link", 3, last=True, worth=100))).links
    assert found.equals(linked(COUNTY).links)


def test_scores_of_other_records_are_not_used(tmp_path: Path) -> None:
    root = tmp_path / "link"
    with pytest.raises(ChunksWaiting) as first:
        linked(COUNTY, LinkSettings(score=SharedScoring(root, 2, last=False, worth=100)))
    for k in range(2):
        score_chunk(root / first.value.round_folder, k, MODEL)
    changed = COUNTY.slice(0, COUNTY.num_rows - 40)
    with pytest.raises(ChunksWaiting) as second:
        linked(changed, LinkSettings(score=SharedScoring(root, 2, last=False, worth=100)))
    assert second.value.round_folder != first.value.round_folder


def test_every_level_of_the_model_can_be_said_on_spark() -> None:
    """Found here, without Spark: whoever writes a level that it can't say hears of it before the long tests."""
    said = []

    def look(con, model, weights, prior) -> None:
        said.append(spark_model(model, compared_columns(con, model)))
        score(con, model, weights, prior)

    linked(COUNTY, LinkSettings(score=look))
    assert {len(comparison.levels) for comparison in said[0].comparisons} == {len(comparison.levels) for comparison in MODEL.comparisons}
    assert not any("list_" in level.sql.lower() for comparison in said[0].comparisons for level in comparison.levels)


def test_a_small_round_stays_at_home(tmp_path: Path) -> None:
    linked(COUNTY, LinkSettings(score=SharedScoring(tmp_path / "link", 8, last=False)))
    assert not (tmp_path / "link").exists()


def test_a_chunk_scored_twice_or_missing(tmp_path: Path) -> None:
    def look(con, model, weights, prior) -> None:
        score(con, model, weights, prior)
        cut(con, tmp_path / "round", 2, model, weights, prior)
        assert score_chunk(tmp_path / "round", 0, model) == score_chunk(tmp_path / "round", 0, model)
        with pytest.raises(FileNotFoundError, match="chunks 1$"):
            gather(con, tmp_path / "round")

    linked(COUNTY, LinkSettings(score=look))


def test_a_worker_with_another_model_file_is_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    with pytest.raises(ChunksWaiting) as laid_out:
        linked(COUNTY, LinkSettings(score=SharedScoring(tmp_path, 2, last=False, worth=100)))
    with pytest.raises(ModelError, match="cut with model"):
        score_chunk(tmp_path / laid_out.value.round_folder, 0, replace(MODEL, version="2"))


def test_only_the_owner_reads_what_is_laid_out_and_it_goes_away(tmp_path: Path) -> None:
    root = tmp_path / "link"
    with pytest.raises(ChunksWaiting) as laid_out:
        linked(COUNTY, LinkSettings(score=SharedScoring(root, 2, last=False, worth=100)))
    for folder in (root, root / laid_out.value.round_folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    sweep(root)
    assert not root.exists()
