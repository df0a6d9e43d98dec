"""How fast a batch is judged: the household register's contract over synthetic rows, beside plain DuckDB SQL.

    python benchmarks/bench_expectations.py [--rows 76000] [--repeat 3]

The reference reads the same canonical columns and finds the same broken rows by one hand-written
query; what Great Expectations costs beyond it buys rules that are data and results per rule.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from contracts.model import Contract, Rule
from contracts.reader import load_contracts
from expectations.canonical import Canonical, canonicalise
from expectations.suite import ImpliedRule, suite_for
from expectations.validate import validate
from expectations.verdicts import preload

TODAY, FETCHED = date(2026, 11, 20), datetime(2026, 11, 20, 4, tzinfo=UTC)
WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
SURNAMES, GIVEN = np.array(list("王李张刘陈杨赵黄周吴")), np.array(list("英华文玉秀明丽兰红静伟敏芳娜强军"))


def register_rows(rows: int, seed: int = 1) -> pa.Table:
    """Rows of GA_HJRK as landed, 3 % of the ID numbers and dates wrong, 1 in 1,000 without a key."""
    chance = np.random.default_rng(seed)
    born = np.datetime64("1930-01-01") + chance.integers(0, 34_000, rows).astype("timedelta64[D]")
    day = np.char.replace(born.astype(str), "-", "")
    sex = chance.integers(1, 3, rows)
    serial = np.char.zfill((chance.integers(0, 499, rows) * 2 + sex % 2).astype(str), 3)
    body = np.char.add(np.char.add("130731", day), serial)
    digits = body.view("U1").reshape(rows, 17).astype(np.int64)
    check = np.array(list("10X98765432"))[digits @ WEIGHTS % 11]
    check = np.where(chance.random(rows) < 0.03, "0", check)
    texts = {
        "RYBH": np.where(chance.random(rows) < 0.001, "", np.char.add("B", np.arange(rows).astype(str))),
        "GMSFHM": np.char.add(body, check),
        "XM": np.char.add(chance.choice(SURNAMES, rows), np.char.add(chance.choice(GIVEN, rows), chance.choice(GIVEN, rows))),
        "XB": sex.astype(str),
        "MZ": np.where(chance.random(rows) < 0.97, "01", "11"),
        "CSRQ": np.where(chance.random(rows) < 0.03, "20110231", day),
        "PCSDM": np.full(rows, "130731560000"),
        "HH": np.char.zfill((np.arange(rows) // 3).astype(str), 9),
        "HB": np.full(rows, "1"),
        "YHZGX": chance.choice(np.array(["02", "10", "20", "30", "52"]), rows),
        "WHCD": chance.choice(np.array(["20", "60", "70", "80", "99"]), rows),
        "HYZK": chance.choice(np.array(["10", "20", "21", "30"]), rows),
        "HJDZ": np.char.add("涿鹿镇轩辕小区3号楼2单元", chance.integers(101, 1803, rows).astype(str)),
        "LXDH": np.char.add("138", np.char.zfill(chance.integers(0, 10**8, rows).astype(str), 8)),
        "QRRQ": day,
        "ZXBS": np.full(rows, "0"),
        "GXSJ": np.char.add("2026-11-1", np.char.add((np.arange(rows) % 9 + 1).astype(str), "T08:00:00")),
    }
    return pa.table({"_row": np.arange(1, rows + 1), **{name: pa.array(values) for name, values in texts.items()}})


def by_sql(canonical: Canonical, rules: Sequence[Rule]) -> int:
    """Broken rows of the implied rules by one query a suite, the fastest way there is."""
    parts = []
    for rule in rules:
        if isinstance(rule, ImpliedRule) and rule.reason_from:
            parts.append(f'count("{rule.reason_from}")')
        elif isinstance(rule, ImpliedRule) and rule.reason:
            parts.append(f'count(*) FILTER ("{rule.arguments["column"]}" IS NULL)')
        elif rule.arguments.get("part") == "sex":
            parts.append("""count(*) FILTER (id_number[17]::INTEGER % 2 <> sex::INTEGER % 2)""")
        elif rule.arguments.get("part") == "birth_date":
            parts.append("""count(*) FILTER (id_number[7:14] <> strftime(birth_date, '%Y%m%d'))""")
        elif rule.expectation.endswith("be_unique"):
            parts.append("count(*) - count(DISTINCT record_key)")
    rows = canonical.rows
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("rows", rows)
        return sum(connection.sql(f"SELECT {', '.join(parts)} FROM rows").fetchall()[0])


def timed(repeat: int, work: Callable) -> tuple[float, object]:
    best, made = float("inf"), None
    for _ in range(repeat):
        started = time.perf_counter()
        made = work()
        best = min(best, time.perf_counter() - started)
    return best, made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=76_000)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    contract: Contract = load_contracts()["psb_register"]
    table, rules = contract.table, suite_for(contract.table)
    imported, _ = timed(1, preload)

    def canonical_of(records: pa.Table) -> Canonical:
        return canonicalise(records, table, contract, today=TODAY, fetched_at=FETCHED, period=None)

    few = canonical_of(register_rows(10))
    validate(few, table, rules, parameters={})
    fixed, _ = timed(asked.repeat, lambda: validate(few, table, rules, parameters={}))
    records = register_rows(asked.rows)
    stages = {}
    stages["canonicalise"], canonical = timed(asked.repeat, lambda: canonical_of(records))
    stages["validate"], verdict = timed(asked.repeat, lambda: validate(canonical, table, rules, parameters={}))
    reference, _ = timed(asked.repeat, lambda: by_sql(canonical, rules))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(rules)} rules, {len(table.fields)} fields; import of Great Expectations {imported:.1f} s; a suite of 10 rows {fixed:.3f} s")
    print(f"{'stage':<14}{'rows':>9}{'seconds':>9}{'rows/s':>11}{'ratio to SQL':>14}")
    for name, seconds in {**stages, "plain SQL": reference}.items():
        ratio = f"{seconds / reference:.1f}" if name != "canonicalise" else ""
        print(f"{name:<14}{asked.rows:>9}{seconds:>9.2f}{asked.rows / seconds:>11.0f}{ratio:>14}")
    print(f"accepted {verdict.accepted.num_rows}, quarantined {verdict.quarantined.num_rows}, issues {verdict.issues.num_rows}; peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
