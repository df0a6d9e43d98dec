"""Weights of candidate pairs by Splink: the model file becomes Splink settings, EM refines them on the county's own data.

Splink is imported when it is used (two seconds). Blocking is ours (``candidates.py``) and registered with the
linker; Splink estimates m and u, adjusts for term frequency and scores.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import pyarrow as pa

from linkage.artefact import FREQUENCIES
from linkage.model import Comparison, Model
from linkage.splink_sql import database, say
from linkage.training_figures import training_figures

# (con, model, weights, prior): makes `scored` from `entity` and `candidate` of the connection; the model is in DuckDB's SQL.
Scorer = Callable[[duckdb.DuckDBPyConnection, Model, "Mapping[str, Any] | None", float], None]

_LEVEL_PREFIX = "gamma_"
LEAST_WEIGHT = -12.0  # bits; what lies below is no candidate any more

# Blocks of the EM sessions: each leaves out the comparison it blocks on, so every one is estimated once.
_SESSIONS = {
    "name": "l.name = r.name AND l.settled_for_training + r.settled_for_training < 2",
    "birth": "l.birth = r.birth AND l.settled_for_training + r.settled_for_training < 2",
}


def settings_of(model: Model, prior: float, weights: Mapping[str, Any] | None = None, dialect: str = "duckdb") -> dict[str, Any]:
    """Splink settings from the model file; ``weights`` (comparison → level → {m, u}) of an earlier training go before the file's.

    ``dialect``: the one the model's levels are written in.
    """
    comparisons = []
    for comparison in model.comparisons:
        levels = []
        for level in comparison.levels:
            entry: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.name}
            if level.is_null:
                entry["is_null_level"] = True
            else:
                known = ((weights or {}).get(comparison.name) or {}).get(level.name) or {}
                entry |= {"m_probability": known.get("m", level.m), "u_probability": known.get("u", level.u)}
                if level.fixed_u:
                    entry["fix_u_probability"] = True
            if level.term_frequency:
                entry |= {"tf_adjustment_column": level.term_frequency, "tf_adjustment_weight": 1.0, "tf_minimum_u_value": 0.00002}
            levels.append(entry)
        comparisons.append({"output_column_name": comparison.name, "comparison_levels": levels})
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": prior,
        "comparisons": comparisons,
        "blocking_rules_to_generate_predictions": [{"blocking_rule": "l.name = r.name", "sql_dialect": dialect}],
        "retain_matching_columns": True,  # without it the levels are not handed back
        "retain_intermediate_calculation_columns": False,
        "additional_columns_to_retain": [],
        "max_iterations": 12,
    }


def _linker(api: Any, settings: dict[str, Any], table: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from splink import Linker
        # Splink's own look through every level's SQL takes a second a round; a column that is not there fails in DuckDB by its name.
        return Linker(api.register(table, dataset_display_name=table), settings, validate_settings=False, log_level=logging.ERROR)


def train(con: duckdb.DuckDBPyConnection, model: Model, prior: float, figures: dict[str, Any] | None = None,
          entity: str = "entity") -> dict[str, Any] | None:
    """Weights by EM over the table ``entity``: comparison → level → {m, u}. u by random sampling with the model's seed. None where a session
    of EM meets no pair of records, as where everybody has an ID.

    ``figures``, if given, gets how each EM session went (``linkage.training_figures``) and which levels kept the file's values.

    Levels that are too rare to be seen keep the file's values; so does a level whose estimate would turn
    its meaning around (a stronger level may not weigh less than the one below it).
    """
    from splink.internals.exceptions import EMTrainingException

    con.execute(f"CREATE OR REPLACE TEMP TABLE training AS SELECT *, (id IS NOT NULL)::INT AS settled_for_training FROM {entity}")
    linker = _linker(database(con), settings_of(model, prior), "training")
    linker.training.estimate_u_using_random_sampling(max_pairs=model.setting("training_pairs"), seed=model.setting("seed"),
                                                     min_count_per_level=None, num_chunks=1)
    try:
        sessions = {
            name: linker.training.estimate_parameters_using_expectation_maximisation(
                rule, max_pairs=model.setting("training_pairs"), estimate_without_term_frequencies=True)
            for name, rule in _SESSIONS.items()}
    except EMTrainingException:  # nobody without an ID is like anybody by that rule
        sessions = {}
    trained = linker.misc.save_model_to_json()
    linker.table_management.delete_tables_created_by_splink_from_db()
    con.execute("DROP TABLE training")
    if not sessions:
        return None
    weights = {c.name: _checked(c, t["comparison_levels"]) for c, t in zip(model.comparisons, trained["comparisons"], strict=True)}
    if figures is not None:
        figures |= training_figures(model, sessions, weights)
    return weights


def _checked(comparison: Comparison, trained: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    kept: dict[str, dict[str, float]] = {}
    above = float("inf")
    for level, estimate in zip(comparison.levels, trained, strict=True):
        if level.is_null:
            continue
        m, u = estimate.get("m_probability"), estimate.get("u_probability")
        m = level.m if not isinstance(m, float) or m < level.m / 20 else m
        u = level.u if level.fixed_u or not isinstance(u, float) or u < level.u / 20 else u
        if m / u > above:
            m, u = level.m, level.u
        above = m / u
        kept[level.name] = {"m": round(m, 8), "u": round(u, 8)}
    return kept


def score(con: duckdb.DuckDBPyConnection, model: Model, weights: Mapping[str, Any] | None, prior: float) -> None:
    """Make ``scored`` (l, r, weight, probability, a column with the level's name per comparison) from ``entity`` and ``candidate``.

    How common a value is, is what :func:`know_frequencies` was told.
    """
    lay_frequencies(con, model)
    score_counted(con, model, weights, prior)


def score_counted(con: duckdb.DuckDBPyConnection, model: Model, weights: Mapping[str, Any] | None, prior: float) -> None:
    """As ``score``, where ``frequency_<column>`` are there already: ``entity`` may then hold no more than the candidates' own."""
    settings, columns = settings_of(model, prior, weights), frequency_columns(model)
    scored = f"CREATE OR REPLACE TEMP TABLE scored AS SELECT {scored_columns(model)} FROM "

    def predict(api: Any) -> None:
        linker = _linker(api, settings, "entity")
        for column in columns:
            linker.table_management.register_term_frequency_lookup(api.register(f"frequency_{column}"), column)
        linker.table_management.register_blocked_pairs_for_predict(api.register("candidate"))
        predicted = linker.inference.predict(threshold_match_weight=LEAST_WEIGHT, warning_mode="never")
        api.query(scored + predicted.physical_name)
        linker.table_management.delete_tables_created_by_splink_from_db()

    entity = [name for name, *_ in con.execute("FROM entity LIMIT 0").description]
    say(con, [settings, entity, columns, scored], predict)


def score_nothing(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """``scored`` without a row: there is no pair."""
    levels = ", ".join(f"NULL::VARCHAR AS {c.name}" for c in model.comparisons)
    con.execute(f"""CREATE OR REPLACE TEMP TABLE scored AS
        SELECT 0::BIGINT AS l, 0::BIGINT AS r, 0::DOUBLE AS weight, 0::DOUBLE AS probability, {levels} LIMIT 0""")


def scored_columns(model: Model) -> str:
    """The select list that turns Splink's prediction into ``scored``: level numbers become the levels' names."""
    levels = ", ".join(
        f"CASE {_LEVEL_PREFIX}{c.name} {' '.join(f'WHEN {value} THEN {chr(39)}{name}{chr(39)}' for value, name in _values(c))} END AS {c.name}"
        for c in model.comparisons
    )
    return f"unique_id_l AS l, unique_id_r AS r, match_weight AS weight, match_probability AS probability, {levels}"


def frequency_columns(model: Model) -> list[str]:
    """The columns whose values say more the rarer they are."""
    return sorted({level.term_frequency for c in model.comparisons for level in c.levels if level.term_frequency})


def lay_frequencies(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Make ``frequency_<column>`` (the column, tf_<column>) for the values in ``entity``, from what :func:`know_frequencies` was told."""
    for column in frequency_columns(model):
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE frequency_{column} AS
                SELECT {column}, coalesce(c.share, (SELECT share FROM uncommon WHERE "column" = '{column}')) AS tf_{column}
                FROM (SELECT DISTINCT {column} FROM entity WHERE {column} IS NOT NULL)
                LEFT JOIN common c ON c."column" = '{column}' AND c.value = {column}""")


def count_frequencies(con: duckdb.DuckDBPyConnection, model: Model, entity: str) -> tuple[pa.Table, dict[str, float]]:
    """How common each value is among the people with an ID in the table ``entity`` (column, value, share), and the share of any other.

    Among people, not among records, and as if the county were never smaller than a town (setting ``town``), so that two of
    seven rows do not make a name common; one is added to each.
    """
    (people,) = con.execute(f"SELECT count(*) FROM {entity} WHERE id IS NOT NULL").fetchall()[0]
    of_all = people + model.setting("town")
    tables = [
        con.sql(f"""SELECT '{column}' AS "column", {column} AS value, (count(*) + 1) / $of_all AS share
                    FROM {entity} WHERE id IS NOT NULL AND {column} IS NOT NULL GROUP BY {column} ORDER BY {column}""",
                params={"of_all": of_all}).to_arrow_table().cast(FREQUENCIES)
        for column in frequency_columns(model)]
    return pa.concat_tables([FREQUENCIES.empty_table(), *tables]), {column: 1 / of_all for column in frequency_columns(model)}


def know_frequencies(con: duckdb.DuckDBPyConnection, frequencies: pa.Table, unseen: Mapping[str, float]) -> None:
    """Let scoring go by these (as :func:`count_frequencies` gives them), however many people there are by now."""
    con.register("common_in", frequencies)
    con.execute("CREATE OR REPLACE TEMP TABLE common AS FROM common_in")
    con.unregister("common_in")
    con.register("uncommon_in", pa.table({"column": pa.array(list(unseen), pa.string()), "share": pa.array(list(unseen.values()), pa.float64())}))
    con.execute("CREATE OR REPLACE TEMP TABLE uncommon AS FROM uncommon_in")
    con.unregister("uncommon_in")


def _values(comparison: Comparison) -> list[tuple[int, str]]:
    """Splink numbers levels from the top down to 0 (else); the null level is -1."""
    spoken = [level for level in comparison.levels if not level.is_null]
    named = [(len(spoken) - 1 - k, level.name) for k, level in enumerate(spoken)]
    return named + [(-1, level.name) for level in comparison.levels if level.is_null]
