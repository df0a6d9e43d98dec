"""Splink as it comes: its own comparators on the same standardised rows, the baseline of bench_linkage.

Exact, Jaro-Winkler and Levenshtein levels as the library's tutorials use them, EM training, connected components. It gets the
same rows as ours (for a county: valid IDs, cleaned names, resolved dwellings); on DuckDB its string distances count bytes.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa


@dataclass(frozen=True)
class Stock:
    """``rows``: SQL over ``mention`` with unique_id, feed, record_key and the compared columns; ``comparisons`` of Splink's library.
    ``blocks``, ``sure`` (for the prior, ``recall`` of them) and ``sessions`` (of EM): column names, several joined by AND, or SQL."""

    rows: str
    comparisons: Callable[[], list]
    blocks: Sequence[str | tuple[str, ...]]
    sure: Sequence[str | tuple[str, ...]]
    sessions: Sequence[str | tuple[str, ...]]
    recall: float = 0.9


def _key(columns: str) -> str:
    return f"SELECT feed || '|' || record_key AS unique_id, feed, record_key, {columns} FROM mention"


def _county() -> list:
    import splink.comparison_library as cl

    return [
        cl.JaroWinklerAtThresholds("name", [0.92, 0.8]).configure(term_frequency_adjustments=True),
        cl.LevenshteinAtThresholds("birth_date", [1, 2]),
        cl.ExactMatch("sex"),
        cl.LevenshteinAtThresholds("id_number", [1, 2]),
        cl.LevenshteinAtThresholds("phone", [1]),
        cl.ExactMatch("dwelling_id"),
    ]


def _febrl() -> list:
    import splink.comparison_library as cl

    return [
        cl.JaroWinklerAtThresholds("given", [0.9, 0.8]).configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("surname", [0.9, 0.8]).configure(term_frequency_adjustments=True),
        cl.LevenshteinAtThresholds("born", [1, 2]),
        cl.LevenshteinAtThresholds("social", [1, 2]),
        cl.ExactMatch("house"),
        cl.JaroWinklerAtThresholds("street", [0.9]),
        cl.LevenshteinAtThresholds("postcode", [1, 2]),
    ]


def _persons() -> list:
    import splink.comparison_library as cl

    return [*_febrl()[:-1], cl.ExactMatch("postcode"), cl.ExactMatch("middle"), cl.ExactMatch("sex")]


def _households() -> list:
    import splink.comparison_library as cl

    return [
        cl.JaroWinklerAtThresholds("surname", [0.9]),
        cl.LevenshteinAtThresholds("house", [1]),
        cl.JaroWinklerAtThresholds("street", [0.9]),
        cl.ExactMatch("flat"),
        cl.ExactMatch("postcode"),
    ]


COUNTY = Stock(
    rows=_key("name, birth_date::VARCHAR AS birth_date, sex, coalesce(id_number, id_embedded) AS id_number, phone, dwelling_id"),
    comparisons=_county,
    blocks=("id_number", ("name", "birth_date"), ("name", "phone"), ("name", "dwelling_id"), ("birth_date", "dwelling_id"), ("birth_date", "phone")),
    sure=("id_number", ("name", "birth_date")),
    sessions=("id_number", ("name", "birth_date")),
)
# Blocks and comparisons of Splink's FEBRL tutorial.
FEBRL = Stock(
    rows=_key("given, surname, born, social, house, street, place, postcode"),
    comparisons=_febrl,
    blocks=(("given", "surname"), "l.given = r.surname AND l.surname = r.given", "born", "social", ("place", "street"), ("house", "street"), "postcode"),
    sure=("social", ("given", "surname", "born")),
    sessions=("born", "postcode"),
)
PERSONS = Stock(
    rows=_key("given, middle[1:1] AS middle, surname, born, social, sex, house, street, postcode"),
    comparisons=_persons,
    blocks=(("given", "surname"), "born", "social", ("house", "street"), ("surname", "street")),
    sure=("social", ("given", "surname", "born")),
    sessions=(("given", "surname"), "born", "social"),
    recall=0.7,
)
HOUSEHOLDS = Stock(
    rows=_key("surname, house, street, flat, postcode"),
    comparisons=_households,
    blocks=(("house", "street"), ("surname", "street"), ("surname", "house")),
    sure=(("house", "street"),),
    sessions=(("house", "street"), "surname"),
)


def stock_links(mentions: pa.Table, stock: Stock, thresholds: Sequence[float]) -> dict[float, pa.Table]:
    """Crosswalks (feed, source_key, person_id) of stock Splink, one a threshold of the match probability."""
    with warnings.catch_warnings(), duckdb.connect(config={"threads": 2}) as con:
        warnings.simplefilter("ignore")
        from splink import DuckDBAPI, Linker, SettingsCreator

        con.register("mention", mentions)
        con.execute(f"CREATE TABLE rows AS {stock.rows}")
        settings = SettingsCreator(
            link_type="dedupe_only", comparisons=stock.comparisons(), blocking_rules_to_generate_predictions=[_block(b) for b in stock.blocks],
            retain_matching_columns=False,
        )  # fmt: skip
        linker = Linker(DuckDBAPI(con).register("rows"), settings, log_level=logging.ERROR)
        linker.training.estimate_probability_two_random_records_match([_block(b) for b in stock.sure], recall=stock.recall)
        linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1, min_count_per_level=None)
        for session in stock.sessions:
            linker.training.estimate_parameters_using_expectation_maximisation(_block(session), max_pairs=1e6)
        predicted = linker.inference.predict(threshold_match_probability=min(thresholds), warning_mode="never")
        found = {}
        for threshold in thresholds:
            clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, threshold_match_probability=threshold)
            found[threshold] = con.sql(f"SELECT feed, record_key AS source_key, cluster_id AS person_id FROM {clusters.physical_name}").to_arrow_table()
        return found


def _block(columns: str | tuple[str, ...]):
    from splink import block_on

    if isinstance(columns, str) and " " in columns:
        return columns
    return block_on(*((columns,) if isinstance(columns, str) else columns))
