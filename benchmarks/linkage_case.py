"""One row of the linkage benchmark: rows with their truth, linked by ours and by stock Splink, beside what was promised beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from benchmarks.stock_splink import Stock, stock_links
from linkage.engine import LinkSettings, link_mentions
from linkage.metrics import PairScore, pair_score, pair_scores_by_feeds, pair_scores_by_stratum
from linkage.model import load_model

BARS = Path(__file__).parent / "linkage_bars.yaml"
# Stock is shown at the best of these, found with the truth at hand; ours keeps the threshold of its model file.
STOCK_THRESHOLDS = (0.5, 0.9, 0.95, 0.99, 0.999, 0.9999)


@dataclass(frozen=True)
class Case:
    """``mentions``: columns of hub.mention and what the model compares besides; ``truth``: feed, source_key, person_id.

    ``kind`` names the bars, ``model`` a folder for linkage.model (None: the packaged one), ``strata``: feed, source_key, stratum,
    records of the stratum ``name and address alone`` can't be linked by the rule (domain.md 7), which caps recall;
    ``beside``: other groupings of the same rows (crosswalks) by name, ``households``: figures of ``gridhub evaluate``.
    """

    name: str
    kind: str
    mentions: pa.Table
    truth: pa.Table
    stock: Stock
    model: Path | None = None
    strata: pa.Table | None = None
    beside: Mapping[str, pa.Table] = field(default_factory=dict)
    households: Mapping[str, float | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """``seconds`` by the clock and ``cpu`` over all threads; ``threshold`` of stock's best."""

    score: PairScore
    seconds: float
    cpu: float
    threshold: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What a case gave. ``bars``: (what, value, floor or ceiling, held)."""

    case: Case
    ours: Measured
    stock: Measured
    beside: Mapping[str, PairScore]
    strata: Mapping[str, tuple[PairScore, PairScore]]  # ours, stock
    ceilings: Mapping[str, float]  # recall that the rule allows at most: overall ("") and per pair of feeds
    bars: Sequence[tuple[str, float, float, bool]]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "row": self.case.name, "kind": self.case.kind, "records": self.case.mentions.num_rows,
            "ours": _measured(self.ours), "stock": _measured(self.stock),
            "seconds_ratio": round(self.ours.seconds / self.stock.seconds, 2), "cpu_ratio": round(self.ours.cpu / self.stock.cpu, 2),
            "beside": {name: _score(score) for name, score in self.beside.items()},
            "strata": {name: {"ours": _score(ours), "stock": _score(stock)} for name, (ours, stock) in self.strata.items()},
            "ceilings": {name: round(value, 6) for name, value in self.ceilings.items()},
            "households": dict(self.case.households),
            "bars": [dict(zip(("what", "value", "bar", "held"), bar, strict=True)) for bar in self.bars],
        }  # fmt: skip


def measure(case: Case) -> Outcome:
    """Link the case twice, ours first, and hold both against the truth and the bars of ``linkage_bars.yaml``."""
    import splink  # noqa: F401  imported before either clock runs

    settings = LinkSettings(model=load_model(case.model)) if case.model else LinkSettings()
    found, seconds, cpu = _timed(lambda: _ours(case.mentions, settings))
    ours = Measured(pair_score(case.truth, found), seconds, cpu)
    tries, seconds, cpu = _timed(lambda: stock_links(case.mentions, case.stock, STOCK_THRESHOLDS))
    scores = {threshold: pair_score(case.truth, links) for threshold, links in tries.items()}
    best = max(scores, key=lambda threshold: scores[threshold].f1)
    stock = Measured(scores[best], seconds, cpu, best)
    strata = _strata(case, found, tries[best])
    beside = {name: pair_score(case.truth, links) for name, links in case.beside.items()}
    ceilings = _ceilings(case)
    return Outcome(case, ours, stock, beside, strata, ceilings, list(_bars(case, ours, stock, strata, ceilings)))


def _ours(mentions: pa.Table, settings: LinkSettings) -> pa.Table:
    nobody = pa.table({c: pa.array([], pa.string()) for c in ("feed", "record_key", "person_id")})
    undecided = pa.table({c: pa.array([], pa.string()) for c in ("feed_l", "record_key_l", "feed_r", "record_key_r", "verdict")})
    links = link_mentions(mentions, nobody, undecided, settings).links
    return links.select(["feed", "record_key", "person_id"]).rename_columns(["feed", "source_key", "person_id"])


def _timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    clock, cpu = time.monotonic(), time.process_time()
    done = work()
    return done, time.monotonic() - clock, time.process_time() - cpu


def _strata(case: Case, ours: pa.Table, stock: pa.Table) -> dict[str, tuple[PairScore, PairScore]]:
    if case.strata is None:
        return {}
    by_stratum = [pair_scores_by_stratum(case.truth, found, case.strata) for found in (ours, stock)]
    by_feeds = [{f"{a} × {b}": score for (a, b), score in pair_scores_by_feeds(case.truth, found).items() if score.true_pairs} for found in (ours, stock)]
    nothing = PairScore(0, 0, 0)
    return {name: (score, every[1].get(name, nothing)) for every in (by_stratum, by_feeds) for name, score in every[0].items()}


def _ceilings(case: Case) -> dict[str, float]:
    """What an oracle reaches that links everything but the records known by name and address alone."""
    if case.strata is None:
        return {}
    with duckdb.connect() as con:
        con.register("truth", case.truth)
        con.register("strata", case.strata)
        lawful = con.sql(
            """SELECT * FROM truth WHERE (feed, source_key) NOT IN (
                   SELECT (feed, source_key) FROM strata WHERE stratum = 'name and address alone')""").to_arrow_table()
    pairs = {f"{a} × {b}": score.recall for (a, b), score in pair_scores_by_feeds(case.truth, lawful).items()}
    return {"": pair_score(case.truth, lawful).recall} | {name: value for name, value in pairs.items() if value < 1}


def _bars(case: Case, ours: Measured, stock: Measured, strata: Mapping[str, tuple[PairScore, PairScore]], ceilings: Mapping[str, float]):
    bars = yaml.safe_load(BARS.read_text(encoding="utf-8"))
    of_all, own = bars["every_row"], bars["rows"].get(case.kind) or {}
    # F1 can't be better than 1.
    yield "F1 above stock", ours.score.f1, stock.score.f1, ours.score.f1 > stock.score.f1 or ours.score.f1 == 1
    ratio = ours.cpu / stock.cpu
    yield "CPU of stock's", ratio, of_all["cpu_ratio"], ratio <= of_all["cpu_ratio"]
    for name in ("precision", "recall", "f1"):
        if name in own:
            value = getattr(ours.score, name)
            yield name, value, own[name], value >= own[name]
    if "stratum_recall" in own:
        for name, (score, _) in strata.items():
            # Below the bar for want of lawful evidence is told apart from below it for want of trying.
            limit = f" (at most {ceilings[name]:.3f} but by name and address alone)" if ceilings.get(name, 1) < own["stratum_recall"] else ""
            if score.true_pairs >= of_all["stratum_pairs"] and score.recall < own["stratum_recall"] and name != "name and address alone":
                yield f"recall of {name}{limit}", score.recall, own["stratum_recall"], False
    for name, floor in (own.get("households") or {}).items():
        if name in case.households:
            yield f"households: {name}", case.households[name], floor, case.households[name] >= floor


def _score(score: PairScore) -> dict[str, float | int]:
    return {**asdict(score), "precision": round(score.precision, 6), "recall": round(score.recall, 6), "f1": round(score.f1, 6)}


def _measured(measured: Measured) -> dict[str, float | int | None]:
    return {**_score(measured.score), "seconds": round(measured.seconds, 2), "cpu": round(measured.cpu, 2), "threshold": measured.threshold}
