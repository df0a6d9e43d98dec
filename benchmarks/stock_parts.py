"""What stock parts take for the least of a run: read the landed files, link, dump. The yardstick beside our own stages.

It reads the same landing with pandas, takes the name, ID number, birth date and telephone of every record's own
person as they came (less blanks), links them with stock Splink (exact and Jaro-Winkler levels) on DuckDB and dumps
records and clusters as CSV. Nothing is validated, kept with history, resolved, assembled or masked.

    python benchmarks/stock_parts.py LANDING OUT      prints a line of JSON a stage, as `gridhub run --json` does
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import duckdb
import pandas as pd

from contracts.model import Contract
from contracts.reader import load_contracts

_COMPARED = {"name": "name", "id_number": "id_number", "birth_date": "birth", "phone": "phone"}
_MAX_PAIRS = 1e6


def main(landing: Path, out: Path) -> None:
    """Read, link and dump; a line of figures after each."""
    out.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"threads": 2}) as con:
        people = read(landing)
        _tell("read", landed=len(people))
        con.register("landed", people)
        clusters = link(con, people)
        _tell("link", mentions=len(people))
        con.execute(f"COPY landed TO '{out / 'records.csv'}'")
        con.execute(f"COPY (SELECT * FROM {clusters}) TO '{out / 'clusters.csv'}'")
        _tell("dump", rows_handed=len(people))


def read(landing: Path) -> pd.DataFrame:
    """Every landed row that names its own person: unique_id, feed, and the four compared columns as text."""
    parts = []
    for contract in load_contracts().values():
        columns = _columns(contract)
        if "name" not in columns.values():
            continue
        for number, file in enumerate(sorted((landing / contract.feed).glob("*/records.parquet"))):
            rows = pd.read_parquet(file, columns=["_row", *columns]).rename(columns=columns)
            rows["unique_id"] = f"{contract.feed}-{number}-" + rows.pop("_row").astype(str)
            parts.append(rows.assign(feed=contract.feed))
    people = pd.concat(parts, ignore_index=True)
    for column in _COMPARED.values():
        text = people[column].astype("string").str.strip()
        people[column] = text.mask(text == "")
    people["birth"] = people["birth"].str.replace(r"\D", "", regex=True)
    return people


def link(con: duckdb.DuckDBPyConnection, people: pd.DataFrame) -> str:
    """The table of clusters stock Splink finds."""
    warnings.simplefilter("ignore")
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.JaroWinklerAtThresholds("name", [0.9]), cl.ExactMatch("id_number"), cl.ExactMatch("birth"), cl.ExactMatch("phone"),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("id_number"), block_on("name", "birth"), block_on("name", "phone"), block_on("birth", "phone"),
        ],
    )  # fmt: skip
    api = DuckDBAPI(con)
    linker = Linker(api.register(people[["unique_id", *_COMPARED.values()]], dataset_display_name="people"), settings, log_level=40)
    linker.training.estimate_u_using_random_sampling(max_pairs=_MAX_PAIRS, seed=1, min_count_per_level=None)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("name"), max_pairs=_MAX_PAIRS)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("id_number"), max_pairs=_MAX_PAIRS)
    predicted = linker.inference.predict(threshold_match_probability=0.9)
    return linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, threshold_match_probability=0.95).physical_name


def _columns(contract: Contract) -> dict[str, str]:
    """Source column → compared column, of the person a row of the main table is about."""
    for mention in contract.table.mentions:
        if mention.suffix == "":
            found = {}
            for column, target in _COMPARED.items():
                named = mention.columns.get(column)
                if named in {field.name for field in contract.table.fields}:
                    found[contract.table.field(named).source] = target
            return found
    return {}


def _tell(stage: str, **numbers: int) -> None:
    print(json.dumps({"stage": stage, **numbers}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
