"""Who is who (谁是谁): mentions in, persons out. Pure over Arrow and DuckDB; nothing is read or written elsewhere.

The story: comparable forms → records that say who they are (valid ID, reference) → rounds of scoring what
is left, each with the family evidence the round before made → clusters that obey the world → stable ids.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from linkage import anchors, candidates, entities, identity, judge, scoring
from linkage.comparable import register_forms
from linkage.model import Model, load_model
from linkage.results import LinkResult, collect
from linkage.states import Linking
from linkage.training_figures import level_counts
from warehouse.compute import analyst

_DECIDED, _REFERENCE, _SAME_ID, _REPEATED = 1000.0, 300.0, 200.0, 100.0


@dataclass(frozen=True)
class LinkSettings:
    """How to link. ``weights``: of an earlier training (None: train if there is enough data); ``memory_mb``: DuckDB's limit."""

    model: Model = field(default_factory=load_model)
    weights: Mapping[str, Any] | None = None
    highest: int = 0  # number of the last person id ever given, also to people nobody is any more
    threads: int = 2
    memory_mb: int = 1200
    score: scoring.Scorer = scoring.score  # or one that works elsewhere: linkage/spark.py, linkage/chunks.py
    # Told "candidates" (entity, candidate stand) and "judged" (scored, judged too) of every round with its figures, "linked" at the end
    # (form, trusted, labelled); what it does to the tables then touches nobody.
    watch: Callable[[str, duckdb.DuckDBPyConnection, dict[str, Any]], None] | None = None


def link_mentions(mentions: pa.Table, previous: pa.Table, decisions: pa.Table, settings: LinkSettings | None = None,
                  aliases: pa.Table | None = None) -> LinkResult:
    """Link every mention (columns of ``hub.mention``) to a person.

    ``previous``: feed, record_key, person_id of all links known before, and where known ``former``, the ids a record had that went into
    another; ``decisions``: feed_l, record_key_l, feed_r,
    record_key_r, verdict (same | different); ``aliases``: feed, record_key, id_number a record carried earlier (a number
    corrected under one register number). The order of rows in any of them does not matter.
    """
    settings = settings or LinkSettings()
    figures: dict[str, Any] = {"model_version": settings.model.version, "mentions": mentions.num_rows}
    con = analyst(settings.threads, settings.memory_mb)
    try:
        return _link(con, mentions, previous, decisions, aliases, settings, figures)
    finally:
        con.close()


def _link(con, mentions, previous, decisions, aliases, settings, figures) -> LinkResult:
    clock = _Clock(figures)
    model = settings.model
    for macro in model.macros:
        con.execute(macro)
    con.register("previous", previous.select([c for c in ("feed", "record_key", "person_id", "former") if c in previous.column_names]))
    if not mentions.num_rows:
        return LinkResult.empty(figures)
    register_forms(con, mentions, model)
    _register_aliases(con, aliases)
    clock.lap("comparable")
    figures |= anchors.anchor(con)
    linking = Linking.start(con, decisions)
    _first_pass(con, linking)
    clock.lap("anchors")
    weights = settings.weights
    for round_no in range(1, model.setting("rounds") + 1):
        count = entities.build_entities(con, linking.label, model.setting("largest_group"))
        open_entities = con.execute("SELECT count(*) FROM entity WHERE id IS NULL").fetchall()[0][0]
        prior = min(0.1, max(1, open_entities) / max(1.0, count * (count - 1) / 2))
        clock.lap("entities")
        pairs = candidates.block(con, model.setting("largest_block"))
        clock.lap("candidates")
        of_round = figures[f"round_{round_no}"] = {"entities": count, "open": open_entities, "pairs": pairs, "prior": prior}
        if not pairs:
            break
        if settings.watch:
            settings.watch("candidates", con, of_round)
        if weights is None and count >= model.setting("training_entities"):
            figures["training"] = {}
            weights = scoring.train(con, model, prior, figures["training"])
            clock.lap("training")
        settings.score(con, model, weights, prior)
        clock.lap("scoring")
        of_round["levels"] = level_counts(con, model)
        judge.judge(con, model)
        if settings.watch:
            settings.watch("judged", con, of_round)
        joined = _join_judged(con, linking, model)
        of_round["joined"] = joined
        clock.lap("clusters")
        if not joined:
            break
    entities.label_mentions(con, linking.label)
    identified = identity.identify(con, settings.highest)
    figures["ids"] = {"kept": identified.kept, "minted": identified.minted, "merged": identified.merged, "split": identified.split}
    figures["weights"] = weights
    result = collect(con, linking, figures)
    clock.lap("identity")
    if settings.watch:
        settings.watch("linked", con, figures)
    return result


def _register_aliases(con: duckdb.DuckDBPyConnection, aliases: pa.Table | None) -> None:
    """``id_alias``: numbers that one register row carried, under the one it carries now."""
    con.execute("CREATE OR REPLACE TEMP TABLE id_alias (id_number VARCHAR, canonical VARCHAR)")
    if aliases is None or not aliases.num_rows:
        return
    con.register("alias_in", aliases)
    # A number that is somebody's own today is no alias of another.
    con.execute(
        """INSERT INTO id_alias
           SELECT a.id_number, min(f.id) FROM alias_in a JOIN form f ON f.feed = a.feed AND f.record_key = a.record_key
           WHERE f.id IS NOT NULL AND a.id_number <> f.id
             AND a.id_number NOT IN (SELECT id FROM form WHERE id IS NOT NULL AND feed = 'psb_register')
           GROUP BY a.id_number HAVING count(DISTINCT f.id) = 1"""
    )
    con.unregister("alias_in")


def _first_pass(con: duckdb.DuckDBPyConnection, linking: Linking) -> None:
    """Join by decision, reference, valid ID and repeated visit, in this order of strength."""
    edges = con.sql(
        f"""SELECT l, r, weight, rule FROM (
            SELECT l, r, {_DECIDED} AS weight, 'decided_same' AS rule FROM decided WHERE verdict = 'same'
            UNION ALL SELECT l, r, {_REFERENCE}, 'reference' FROM reference
            UNION ALL SELECT * FROM (
                SELECT min(i) OVER (PARTITION BY canonical) AS l, i AS r, {_SAME_ID} - (rule <> 'same_valid_id')::INT, rule FROM trusted) WHERE l <> r
            UNION ALL SELECT first, i, {_REPEATED}, 'name_birth_dwelling' FROM repeated WHERE first <> i)"""
    ).to_arrow_table()
    left, right, weight = (edges.column(c).to_numpy() for c in ("l", "r", "weight"))
    linking.join(left, right, weight, np.ones(len(left)), edges.column("rule"), None)


def _join_judged(con: duckdb.DuckDBPyConnection, linking: Linking, model: Model) -> int:
    edges = con.sql("SELECT l, r, weight, probability, rule, evidence FROM judged WHERE verdict = 'link' ORDER BY l, r").to_arrow_table()
    linking.review(con.sql("SELECT l, r, probability, rule || ' ' || evidence AS evidence FROM judged WHERE verdict <> 'link' ORDER BY l, r").to_arrow_table())
    left, right, weight = (edges.column(c).to_numpy() for c in ("l", "r", "weight"))
    return linking.join(left, right, weight, edges.column("probability").to_numpy(), edges.column("rule"), edges.column("evidence"))


class _Clock:
    """Seconds a step took, summed under ``figures['seconds']``."""

    def __init__(self, figures: dict[str, Any]) -> None:
        self._seconds = figures.setdefault("seconds", {})
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self._seconds[name] = round(self._seconds.get(name, 0.0) + now - self._last, 3)
        self._last = now
