"""Where candidate pairs are scored (扩展): in this process, in chunks by tasks on other workers, or on Spark, as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gridhub.settings import Settings

if TYPE_CHECKING:  # linkage takes DuckDB along, and a command that links nothing has no use for it
    from linkage.scoring import Scorer


@contextmanager
def scorer(settings: Settings, *, last: bool = True) -> Iterator[Scorer]:
    """What the linkage scores with. ``last``: no chunk is laid out any more, only found.

    What was laid out is removed when a last start has ended well; after a failure it stays for the retry.
    """
    if settings.splink_backend == "spark":
        from linkage.spark import spark_scorer

        with spark_scorer(settings.spark_master or "", settings.shared) as found:
            yield found
    elif settings.link_chunks > 1:
        from linkage.chunks import SharedScoring, sweep

        root = settings.shared / "chunks"
        yield SharedScoring(root, settings.link_chunks, last=last)
        if last:
            sweep(root)
    else:
        from linkage.scoring import score

        yield score


def score_chunk(settings: Settings, round_folder: str, chunk: int) -> int:
    """Score one chunk of a round laid out under the shared folder; the number of pairs kept."""
    from linkage.chunks import score_chunk as score
    from linkage.model import load_model

    limits = {"threads": settings.threads, "memory_mb": settings.memory_mb}
    return score(settings.shared / "chunks" / round_folder, chunk, load_model(), **limits)


def sweep(settings: Settings) -> None:
    """Remove what a run before left laid out."""
    from linkage.chunks import sweep as remove

    remove(settings.shared / "chunks")
