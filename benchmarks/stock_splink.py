"""Splink as it comes: its own comparators on the cleaned columns of the mention view, the baseline of bench_linkage.

Exact, Jaro-Winkler and Levenshtein levels as the library's tutorials use them, EM training, connected components. It gets the
same standardised rows as ours (valid IDs, cleaned names, resolved dwellings); on DuckDB its string distances count bytes.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence

import duckdb
import pyarrow as pa

_ROWS = """
SELECT feed || '|' || record_key AS unique_id, feed, record_key, name, birth_date::VARCHAR AS birth_date, sex,
       coalesce(id_number, id_embedded) AS id_number, phone, dwelling_id
FROM mention
"""
BLOCKS = ("id_number", ("name", "birth_date"), ("name", "phone"), ("name", "dwelling_id"), ("birth_date", "dwelling_id"), ("birth_date", "phone"))


def stock_links(mentions: pa.Table, thresholds: Sequence[float]) -> dict[float, pa.Table]:
    """Crosswalks (feed, source_key, person_id) of stock Splink, one a threshold of the match probability."""
    with warnings.catch_warnings(), duckdb.connect(config={"threads": 2}) as con:
        warnings.simplefilter("ignore")
        import splink.comparison_library as cl
        from splink import DuckDBAPI, Linker, SettingsCreator, block_on

        con.register("mention", mentions)
        con.execute(f"CREATE TABLE rows AS {_ROWS}")
        api = DuckDBAPI(con)
        blocks = [block_on(*((b,) if isinstance(b, str) else b)) for b in BLOCKS]
        settings = SettingsCreator(
            link_type="dedupe_only",
            comparisons=[
                cl.JaroWinklerAtThresholds("name", [0.92, 0.8]).configure(term_frequency_adjustments=True),
                cl.LevenshteinAtThresholds("birth_date", [1, 2]),
                cl.ExactMatch("sex"),
                cl.LevenshteinAtThresholds("id_number", [1, 2]),
                cl.LevenshteinAtThresholds("phone", [1]),
                cl.ExactMatch("dwelling_id"),
            ],
            blocking_rules_to_generate_predictions=blocks,
            retain_matching_columns=False,
        )
        linker = Linker(api.register("rows"), settings, log_level=logging.ERROR)
        linker.training.estimate_probability_two_random_records_match([block_on("id_number"), block_on("name", "birth_date")], recall=0.9)
        linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1, min_count_per_level=None)
        for block in (block_on("id_number"), block_on("name", "birth_date")):
            linker.training.estimate_parameters_using_expectation_maximisation(block, max_pairs=1e6)
        predicted = linker.inference.predict(threshold_match_probability=min(thresholds), warning_mode="never")
        found = {}
        for threshold in thresholds:
            clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, threshold_match_probability=threshold)
            found[threshold] = con.sql(f"SELECT feed, record_key AS source_key, cluster_id AS person_id FROM {clusters.physical_name}").to_arrow_table()
        return found
