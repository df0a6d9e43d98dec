"""Back-test (回测): what a trained model would do differently, and which decisions of people it would contradict.

Both models link everything anew with the decisions hidden from them; a decision is contradicted where the outcome says the
opposite. Decided pairs also show whether a model's probabilities mean what they say, where it had to weigh them at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from linkage.artefact import ModelArtefact
from linkage.calibration import FEW, brier, reliability
from linkage.engine import LinkSettings, link_mentions
from linkage.metrics import pair_score
from linkage.model import Model, load_model
from linkage.results import LINKS

_NO_DECISIONS = pa.schema([(c, pa.string()) for c in ("feed_l", "record_key_l", "feed_r", "record_key_r", "verdict")]).empty_table()


@dataclass(frozen=True)
class Tried:
    """One model's outcome. ``contradicted``: ids of decisions; ``open_pairs``: decided pairs of which a record is gone.
    ``said``: of decided pairs that were weighed, by id: probability and whether people said same."""

    version: str
    links: pa.Table
    persons: int
    contradicted: tuple[int, ...]
    open_pairs: int
    said: dict[int, tuple[float, bool]] = field(default_factory=dict)

    @property
    def probabilities(self) -> tuple[np.ndarray, np.ndarray]:
        """Probability and verdict of the weighed pairs, in the order of their ids."""
        pairs = [self.said[k] for k in sorted(self.said)]
        return np.array([p for p, _ in pairs]), np.array([same for _, same in pairs], dtype=bool)


@dataclass(frozen=True)
class Backtest:
    """A candidate beside the model that links today. Pairs are pairs of records that are one person."""

    decisions: int
    last_decision: int  # the highest id, so that a later one makes the test stale
    candidate: Tried
    active: Tried
    pairs: int  # under the active model
    joined_pairs: int  # only the candidate has them
    parted_pairs: int  # only the active model has them
    records_moved: int  # records whose person has other records than before

    @property
    def worse(self) -> bool:
        """The candidate contradicts more decisions than the model that links today."""
        return len(self.candidate.contradicted) > len(self.active.contradicted)

    def as_figures(self) -> dict[str, Any]:
        """Plain JSON values; decisions by id, nothing of a person."""
        new = sorted(set(self.candidate.contradicted) - set(self.active.contradicted))
        return {
            "against": self.active.version, "decisions": self.decisions, "last_decision": self.last_decision, "worse": self.worse,
            "few_decisions": self.decisions < FEW, "decided_pairs_gone": self.candidate.open_pairs,
            "contradicted": list(self.candidate.contradicted), "active_contradicted": list(self.active.contradicted), "newly_contradicted": new,
            "pairs": self.pairs, "joined_pairs": self.joined_pairs, "parted_pairs": self.parted_pairs, "records_moved": self.records_moved,
            "persons": self.candidate.persons, "active_persons": self.active.persons,
            "brier": brier(*self.candidate.probabilities), "active_brier": brier(*self.active.probabilities),
            "weighed": len(self.candidate.said), "reliability": reliability(*self.candidate.probabilities),
        }


def backtest(mentions: pa.Table, decisions: pa.Table, aliases: pa.Table | None, candidate: ModelArtefact, active: ModelArtefact, *,
             model: Model | None = None, threads: int = 2, memory_mb: int | None = None) -> Backtest:
    """Link ``mentions`` with each model, blind to ``decisions`` (decision_id, feed_l, record_key_l, feed_r, record_key_r, verdict:
    same | different), and compare. Tables as for :func:`linkage.engine.link_mentions`."""
    model = model or load_model()
    tried = [_try(mentions, decisions, aliases, each, model, threads, memory_mb) for each in (candidate, active)]
    new, old = (each.links.select(["feed", "record_key", "person_id"]).rename_columns(["feed", "source_key", "person_id"]) for each in tried)
    score = pair_score(old, new)
    ids = decisions["decision_id"].to_pylist() if decisions.num_rows else [0]
    return Backtest(decisions.num_rows, max(ids), tried[0], tried[1], score.true_pairs, score.found_pairs - score.right_pairs,
                    score.true_pairs - score.right_pairs, _moved(new, old))


def settings_for(artefact: ModelArtefact, model: Model, threads: int, memory_mb: int | None, watch: Any = None) -> LinkSettings:
    """How to link with a trained model, as the store does it."""
    return LinkSettings(model=artefact.apply(model), artefact=artefact, threads=threads, memory_mb=memory_mb, watch=watch)


def _try(mentions, decisions, aliases, artefact: ModelArtefact, model: Model, threads: int, memory_mb: int | None) -> Tried:
    listener = _Listener(decisions)
    settings = settings_for(artefact, model, threads, memory_mb, listener)
    result = link_mentions(mentions, LINKS.empty_table(), _NO_DECISIONS, settings, aliases)
    with duckdb.connect() as con:
        con.register("link_in", result.links)
        con.register("decision_in", decisions)
        rows = con.sql(_OUTCOME).to_arrow_table()
    contradicted = tuple(rows.filter(rows["contradicted"])["decision_id"].to_pylist())
    return Tried(artefact.version, result.links, result.figures.get("persons", 0), contradicted, decisions.num_rows - rows.num_rows, listener.said)


class _Listener:
    """Hears what a run says of the decided pairs before it judges them: the first time it weighs them, for then it knows least."""

    def __init__(self, decisions: pa.Table) -> None:
        self._decisions = decisions
        self.said: dict[int, tuple[float, bool]] = {}

    def __call__(self, moment: str, con: duckdb.DuckDBPyConnection, figures: Any) -> None:
        if moment != "judged" or not self._decisions.num_rows:
            return
        con.register("backtest_in", self._decisions)
        for row in con.sql(_WEIGHED).to_arrow_table().to_pylist():
            self.said.setdefault(row["decision_id"], (row["probability"], row["same"]))
        con.unregister("backtest_in")


def _moved(new: pa.Table, old: pa.Table) -> int:
    with duckdb.connect() as con:
        con.register("new_in", new)
        con.register("old_in", old)
        return con.execute(_MOVED).fetchall()[0][0]


_WEIGHED = """
SELECT d.decision_id, d.verdict = 'same' AS same, max(s.probability) AS probability
FROM backtest_in d
JOIN form a ON a.feed = d.feed_l AND a.record_key = d.record_key_l JOIN form b ON b.feed = d.feed_r AND b.record_key = d.record_key_r
JOIN labelled x ON x.i = a.i JOIN labelled y ON y.i = b.i
JOIN scored s ON s.l = least(x.e, y.e) AND s.r = greatest(x.e, y.e)
GROUP BY ALL ORDER BY ALL
"""
_OUTCOME = """
SELECT d.decision_id, (a.person_id = b.person_id) <> (d.verdict = 'same') AS contradicted
FROM decision_in d
JOIN link_in a ON a.feed = d.feed_l AND a.record_key = d.record_key_l JOIN link_in b ON b.feed = d.feed_r AND b.record_key = d.record_key_r
ORDER BY d.decision_id
"""
# A record moved if its person has other records: the sizes differ, or the two persons share fewer than all.
_MOVED = """
WITH both_say AS (SELECT n.person_id AS new, o.person_id AS old, count(*) AS shared FROM new_in n JOIN old_in o USING (feed, source_key) GROUP BY ALL),
n AS (SELECT person_id, count(*) AS size FROM new_in GROUP BY ALL), o AS (SELECT person_id, count(*) AS size FROM old_in GROUP BY ALL)
SELECT coalesce(sum(shared), 0)::BIGINT FROM both_say b JOIN n ON n.person_id = b.new JOIN o ON o.person_id = b.old
WHERE n.size <> shared OR o.size <> shared
"""
