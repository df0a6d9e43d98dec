"""Ours beside stock Splink on the same rows in the same run, over counties nobody tuned on and over public data.

    python benchmarks/bench_linkage.py [--only county,febrl,pseudopeople] [--persons 20000] [--seeds 71,72,73]
        [--noise 0.5,1,2] [--strata] [--json FILE] [--keep FOLDER] [--check]

Ours runs with the thresholds of its model folders and is held against ``linkage_bars.yaml``, both fixed beforehand; stock is shown
at the best of several thresholds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.linkage_case import Case, Outcome, measure
from linkage.metrics import PairScore

FAMILIES = ("county", "febrl", "pseudopeople")


def main() -> None:
    """Print a pair of lines a case as it is measured; with ``--check`` exit 1 where a bar was not held."""
    options = _options()
    outcomes = []
    print(f"{'':42} {'records':>8} {'precision':>9} {'recall':>8} {'F1':>8} {'seconds':>8} {'CPU s':>7}")
    for case in _cases(options):
        outcomes.append(measure(case))
        _print(outcomes[-1], options.strata)
    if options.json:
        options.json.write_text(json.dumps([outcome.document() for outcome in outcomes], ensure_ascii=False, indent=1), encoding="utf-8")
    missed = [(outcome.case.name, bar) for outcome in outcomes for bar in outcome.bars if not bar[-1]]
    print(f"\n{len(outcomes)} rows, {len(missed)} bars not held" + (":" if missed else ""))
    for name, (what, value, floor, _) in missed:
        print(f"  {name}: {what} {value:.5f}, promised {floor:g}")
    if options.check and missed:
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(FAMILIES), help="county, febrl, pseudopeople")
    parser.add_argument("--persons", type=int, default=20000, help="of each county")
    parser.add_argument("--seeds", type=lambda text: [int(s) for s in text.split(",")], default=[71, 72, 73])
    parser.add_argument("--noise", type=lambda text: [float(s) for s in text.split(",")], default=[0.5, 1.0, 2.0])
    parser.add_argument("--pseudopeople-seed", type=int, default=2026, help="of its noise")
    parser.add_argument("--strata", action="store_true", help="print every stratum and pair of feeds, not only the weakest")
    parser.add_argument("--json", type=Path, help="write everything there")
    parser.add_argument("--keep", type=Path, help="folder where counties are kept and found again")
    parser.add_argument("--check", action="store_true", help="fail where a bar is not held")
    options = parser.parse_args()
    if unknown := set(options.only) - set(FAMILIES):
        parser.error(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(FAMILIES)}")
    return options


def _cases(options: argparse.Namespace) -> Iterator[Case]:
    if "febrl" in options.only:
        from benchmarks.linkage_public import febrl

        yield from febrl()
    if "pseudopeople" in options.only:
        from benchmarks.linkage_public import pseudopeople

        yield from pseudopeople(options.pseudopeople_seed)
    if "county" in options.only:
        from benchmarks.linkage_counties import county

        for noise, seed in product(options.noise, options.seeds):
            yield county(options.persons, seed, noise, options.keep)


def _print(outcome: Outcome, all_strata: bool) -> None:
    case, ours, stock = outcome.case, outcome.ours, outcome.stock
    print(f"{case.name:42} {case.mentions.num_rows:>8} {_line(ours.score)} {ours.seconds:>8.1f} {ours.cpu:>7.1f}")
    print(f"{'  stock Splink':42} {'':8} {_line(stock.score)} {stock.seconds:>8.1f} {stock.cpu:>7.1f}"
          f"  best threshold {stock.threshold:g}; ours takes {ours.cpu / stock.cpu:.1f} of its CPU")  # fmt: skip
    for name, score in outcome.beside.items():
        print(f"{'  ' + name:42} {'':8} {_line(score)}")
    for prefix, what in (("residence", "who lives with whom"), ("address_string", "same address text")):
        if f"{prefix}_pair_f1" in case.households:
            told = [case.households[f"{prefix}_pair_{name}"] for name in ("precision", "recall", "f1")]
            print(f"{'  ' + what:42} {'':8} {told[0]:>9.5f} {told[1]:>8.5f} {told[2]:>8.5f}  exact {case.households[f'{prefix}_exact_rate']:.4f}")
    weakest = sorted(outcome.strata.items(), key=lambda entry: entry[1][0].recall)
    plain = [entry for entry in weakest if "×" not in entry[0]]
    for name, (score, theirs) in weakest if all_strata else plain + [entry for entry in weakest if "×" in entry[0]][:5]:
        limit = f"; at most {outcome.ceilings[name]:.4f}" if name in outcome.ceilings else ""
        print(f"{'    ' + name:51} {_line(score)}  of {score.true_pairs:,} pairs; stock {theirs.precision:.4f} {theirs.recall:.4f}{limit}")
    sys.stdout.flush()


def _line(score: PairScore) -> str:
    return f"{score.precision:>9.5f} {score.recall:>8.5f} {score.f1:>8.5f}"


if __name__ == "__main__":
    main()
