"""What each department got wrong in its own records (问题清单): a CSV a department, for that department alone.

Record key, column and reason of its own data; never a value, and nothing another department sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from sqlalchemy import Engine

from contracts.model import Contract
from contracts.vocabulary import DEPARTMENTS
from reports.remarks import column_of, reason_of, title_of
from warehouse.bulk import read_arrow

# What a spreadsheet would run as a formula, in a key a source made up.
_FORMULA = r"^[=+@\t\r-]"
FOUND = """
SELECT feed, table_name, record_key, column_name, reason, rule_id, severity, batch_id, row_no
FROM hub.value_issue WHERE recorded_to IS NULL
UNION ALL
SELECT feed, table_name, record_key, NULL, unnest(reasons), NULL, 'critical', batch_id, row_no
FROM hub.quarantine WHERE state = 'open'
UNION ALL
SELECT split_part(subject, ':', 1), NULL, substr(subject, strpos(subject, ':') + 1), NULL, rule_id, rule_id, severity, NULL, NULL
FROM hub.cross_finding WHERE recorded_to IS NULL AND subject_kind = 'record'
ORDER BY 1, 8, 9, 3, 4, 5
"""
HEADER = {"feed": "数据源", "record": "记录主键", "column": "项目", "reason": "问题", "severity": "级别", "batch": "批次", "row": "行号"}


def write_department_lists(engine: Engine, contracts: Mapping[str, Contract], out: Path, titles: Mapping[str, str] | None = None) -> dict[str, int]:
    """Write ``out/<department>.csv`` (UTF-8 with a mark, for spreadsheets); department → lines.

    ``titles``: rule id → Chinese title of rules across feeds (default: contracts/rules). A department without a
    line has no file, and one it had is removed.
    """
    if titles is None:
        from contracts.cross_rules import load_rules

        titles = {rule.id: rule.title for rule in load_rules()}
    found = read_arrow(engine, FOUND)
    out.mkdir(parents=True, exist_ok=True)
    written: dict[str, int] = {}
    for department in DEPARTMENTS:
        feeds = [feed for feed, contract in contracts.items() if contract.department == department]
        rows = found.filter(pc.is_in(found["feed"], pa.array(feeds, pa.string())))
        target = out / f"{department}.csv"
        if not rows.num_rows:
            target.unlink(missing_ok=True)
            continue
        target.touch(mode=0o600)  # keys can be ID numbers
        with target.open("wb") as file:
            file.write(b"\xef\xbb\xbf")
            pyarrow.csv.write_csv(_told(rows, contracts, titles), file)
        written[department] = rows.num_rows
    return written


def _told(rows: pa.Table, contracts: Mapping[str, Contract], titles: Mapping[str, str]) -> pa.Table:
    """The lines with titles for codes; each distinct combination is named once and joined by its place."""
    key = pc.binary_join_element_wise(
        *(pc.fill_null(rows[name], "") for name in ("feed", "table_name", "column_name", "reason", "rule_id")), "\x1f"
    ).combine_chunks().dictionary_encode()  # fmt: skip
    combinations = [text.split("\x1f") for text in key.dictionary.to_pylist()]
    named = {
        "feed": [title_of(contracts[feed]).zh for feed, *_ in combinations],
        "column": [column_of(contracts, feed, table, column).zh if column else "" for feed, table, column, *_ in combinations],
        "reason": [titles.get(reason) or reason_of(contracts, feed, reason, rule).zh for feed, _, _, reason, rule in combinations],
    }
    columns = {name: pa.array(texts, pa.string()).take(key.indices) for name, texts in named.items()}
    keys = pc.fill_null(rows["record_key"], "")
    columns["record"] = pc.if_else(pc.match_substring_regex(keys, _FORMULA), pc.binary_join_element_wise("'", keys, ""), keys)
    columns |= {"severity": rows["severity"], "batch": rows["batch_id"], "row": rows["row_no"]}
    return pa.table({HEADER[name]: columns[name] for name in HEADER})
