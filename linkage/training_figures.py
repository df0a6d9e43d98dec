"""How a training went (训练记录), in numbers a person can judge it by: EM sessions, and the levels that kept the file's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from linkage.model import Model

CONVERGED = 0.001  # largest change of a probability in the last iteration; a tenth of a bit at the rarest trained level is more


def training_figures(model: Model, sessions: Mapping[str, Any], weights: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    """Plain JSON values: seed, pairs sampled at most, iterations and last change of each EM session, levels not estimated.

    ``sessions``: name → Splink's EM training session; ``weights``: comparison → level → {m, u} as they were accepted.
    """
    kept = [f"{comparison.name}.{level.name}" for comparison in model.comparisons for level in comparison.levels
            if not level.is_null and _as_written(level, weights[comparison.name][level.name])]
    return {
        "seed": model.setting("seed"),
        "pairs_at_most": model.setting("training_pairs"),
        "sessions": {name: _session(session) for name, session in sessions.items()},
        "kept_from_file": kept,
    }


def level_counts(con: duckdb.DuckDBPyConnection, model: Model) -> dict[str, dict[str, int]]:
    """How many pairs of ``scored`` stand at each level: comparison → level → pairs. What drift is measured with."""
    columns = ", ".join(f"histogram({comparison.name}) AS {comparison.name}" for comparison in model.comparisons)
    (counted,) = con.sql(f"SELECT {columns} FROM scored").to_arrow_table().to_pylist()
    return {name: dict(sorted(levels or [])) for name, levels in counted.items()}


def evidence_levels(evidence: pa.ChunkedArray) -> dict[str, dict[str, int]]:
    """The same over the evidence of links (``name:exact birth:unknown …``), which the warehouse keeps; nulls are left out."""
    told = pa.table({"evidence": evidence})
    with duckdb.connect() as con:
        con.register("told", told)
        rows = con.sql("""SELECT split_part(said, ':', 1) AS comparison, split_part(said, ':', 2) AS level, count(*)::INT AS links
            FROM (SELECT unnest(string_split(evidence, ' ')) AS said FROM told WHERE evidence IS NOT NULL)
            WHERE contains(said, ':') GROUP BY ALL ORDER BY ALL""").to_arrow_table().to_pylist()
    counted: dict[str, dict[str, int]] = {}
    for row in rows:
        counted.setdefault(row["comparison"], {})[row["level"]] = row["links"]
    return counted


def missing_rates(mentions: pa.Table) -> dict[str, dict[str, float | int]]:
    """Feed → records, and the share (0…1) of them without each thing that linking lives on."""
    shares = ", ".join(f"round(count(*) FILTER ({_MISSING[name]}) / count(*), 5)::DOUBLE AS {name}" for name in _MISSING)
    with duckdb.connect() as con:
        con.register("mention_in", mentions)
        rows = con.sql(f"SELECT feed, count(*)::INT AS records, {shares} FROM mention_in GROUP BY feed ORDER BY feed").to_arrow_table().to_pylist()
    return {row.pop("feed"): row for row in rows}


# An ID that is there but unusable counts as missing: drift of a mask or of a form's quality shows in it.
_MISSING = {"name": "name IS NULL", "birth": "birth_date IS NULL", "sex": "sex IS NULL", "number": "id_number IS NULL",
            "phone": "phone IS NULL", "dwelling": "dwelling_id IS NULL"}


def _as_written(level: Any, weight: Mapping[str, float]) -> bool:
    return weight["m"] == round(level.m, 8) and (level.fixed_u or weight["u"] == round(level.u, 8))


def _session(session: Any) -> dict[str, Any]:
    # Splink shows the iterations only as a chart; the list behind it is private, so the pinned version matters here.
    history = session._core_model_settings_history
    before, last = _parameters(history[-2]), _parameters(history[-1])
    change = max((abs(last[k] - before[k]) for k in last if k in before), default=0.0)
    return {"iterations": len(history) - 1, "last_change": round(change, 6), "converged": change < CONVERGED}


def _parameters(settings: Any) -> dict[tuple[str, str, str], float]:
    found = {}
    for comparison in settings.comparisons:
        for level in comparison._comparison_levels_excluding_null:
            for kind, value in (("m", level.m_probability), ("u", level.u_probability)):
                if isinstance(value, float):  # else a note that the level was never seen
                    found[comparison.output_column_name, level.label_for_charts, kind] = value
    return found
