"""Ours beside stock Splink on the same rows in the same run, over counties nobody tuned on.

    python benchmarks/bench_linkage.py [--persons 20000] [--seeds 71,72,73] [--noise 0.5,1,2] [--strata]

Ours runs with the thresholds of linkage/model/settings.yaml, fixed beforehand; stock Splink is shown at the best of several.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyarrow as pa

from benchmarks.linkage_counties import County, county
from linkage.metrics import PairScore, pair_score, pair_scores_by_feeds, pair_scores_by_stratum

STOCK_THRESHOLDS = (0.5, 0.9, 0.95, 0.99, 0.999)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--persons", type=int, default=20000)
    parser.add_argument("--seeds", type=lambda text: [int(s) for s in text.split(",")], default=[71, 72, 73])
    parser.add_argument("--noise", type=lambda text: [float(s) for s in text.split(",")], default=[0.5, 1.0, 2.0])
    parser.add_argument("--strata", action="store_true", help="also per stratum and pair of feeds")
    options = parser.parse_args()
    print(f"{'noise':>5} {'seed':>5} {'records':>8}  {'':8} {'precision':>9} {'recall':>8} {'F1':>8} {'seconds':>8}")
    for noise, seed in product(options.noise, options.seeds):
        with tempfile.TemporaryDirectory(prefix="bench-linkage-") as folder:
            _compare(county(Path(folder), options.persons, seed, noise), noise, seed, options.strata)


def _compare(made: County, noise: float, seed: int, strata: bool) -> None:
    ours, seconds = _ours(made.mentions)
    stock, best, stock_seconds = _stock(made)
    head = f"{noise:>5} {seed:>5} {made.mentions.num_rows:>8}"
    print(f"{head}  ours     {_line(pair_score(made.truth, ours))} {seconds:>8.1f}")
    print(f"{head}  stock    {_line(pair_score(made.truth, stock))} {stock_seconds:>8.1f}  (best threshold {best})", flush=True)
    if strata:
        theirs = pair_scores_by_stratum(made.truth, stock, made.strata)
        for name, score in pair_scores_by_stratum(made.truth, ours, made.strata).items():
            print(f"{name:>20} ours     {_line(score)}   of {score.true_pairs:,} pairs")
            print(f"{'':>20} stock    {_line(theirs[name])}")
        for (a, b), score in pair_scores_by_feeds(made.truth, ours).items():
            print(f"{a + ' × ' + b:>50} {_line(score)}   of {score.true_pairs:,} pairs")


def _ours(mentions: pa.Table) -> tuple[pa.Table, float]:
    from linkage.engine import link_mentions

    nobody = pa.table({c: pa.array([], pa.string()) for c in ("feed", "record_key", "person_id")})
    undecided = pa.table({c: pa.array([], pa.string()) for c in ("feed_l", "record_key_l", "feed_r", "record_key_r", "verdict")})
    started = time.monotonic()
    links = link_mentions(mentions, nobody, undecided).links
    return links.select(["feed", "record_key", "person_id"]).rename_columns(["feed", "source_key", "person_id"]), time.monotonic() - started


def _stock(made: County) -> tuple[pa.Table, float, float]:
    from benchmarks.stock_splink import stock_links

    started = time.monotonic()
    found = stock_links(made.mentions, STOCK_THRESHOLDS)
    seconds = time.monotonic() - started
    best = max(found, key=lambda threshold: pair_score(made.truth, found[threshold]).f1)
    return found[best], best, seconds


def _line(score: PairScore) -> str:
    return f"{score.precision:>9.5f} {score.recall:>8.5f} {score.f1:>8.5f}"


if __name__ == "__main__":
    main()
