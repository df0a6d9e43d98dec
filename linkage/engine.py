"""Who is who (谁是谁): mentions in, persons out. Pure over Arrow and DuckDB; nothing is read or written elsewhere.

The story: comparable forms → records that say who they are (valid ID, reference) → rounds of scoring what
is left, each with the family evidence the round before made → clusters that obey the world → stable ids.

Every step brings a table to what its inputs say now, and says which rows came out different; the next step looks only at those and
at what depends on them. Over an empty connection that is a full run; over the tables of the run before, a day's change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from linkage import anchors, candidates, entities, identity, judge, learning, scoring, settling
from linkage.artefact import ModelArtefact
from linkage.comparable import update_forms, update_mentions
from linkage.model import Model, load_model
from linkage.patch import is_empty
from linkage.results import LINKS, Learnt, LinkResult, collect, remember_links
from linkage.training_figures import level_counts
from warehouse.compute import analyst, memory_for


@dataclass(frozen=True)
class LinkSettings:
    """How to link. ``artefact``: what an earlier training froze (None: train, if there is enough data); ``memory_mb``: DuckDB's limit
    (None: by the number of mentions)."""

    model: Model = field(default_factory=load_model)
    artefact: ModelArtefact | None = None
    highest: int = 0  # number of the last person id ever given, also to people nobody is any more
    threads: int = 2
    memory_mb: int | None = None
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
    con = analyst(settings.threads, memory_for(mentions.num_rows, settings.memory_mb))
    try:
        update_mentions(con, mentions)
        remember_links(con, LINKS.empty_table())
        return relink(con, previous, decisions, settings, aliases, whole=True)
    finally:
        con.close()


def relink(con: duckdb.DuckDBPyConnection, past: pa.Table, decisions: pa.Table, settings: LinkSettings,
           aliases: pa.Table | None = None, *, whole: bool = False) -> LinkResult:
    """:func:`link_mentions` over a connection that holds ``mention`` as it is now (linkage.comparable.update_mentions), ``link``, the links
    that stand (linkage.results.remember_links), and the other tables of the run before, or none of them; all are left as of this run.
    Only what changed is worked out; the outcome equals a full run with the same ``settings.artefact``.

    Without an artefact ``con`` is in no transaction: what is learnt is learnt over a cursor of it.

    ``past``: what ``previous`` is in :func:`link_mentions`, of records without a link that stands. ``whole``: hand all links back."""
    model, artefact = settings.model, settings.artefact
    mentions, moved = con.execute("SELECT (SELECT count(*) FROM mention), (SELECT count(*) FROM changed_mention)").fetchall()[0]
    figures: dict[str, Any] = {"model_version": model.version, "mentions": mentions, "changed": moved}
    clock = _Clock(figures)
    for macro in model.macros:
        con.execute(macro)
    identity.know_previous(con, past)
    first = is_empty(con, "form")
    update_forms(con, model)
    clock.lap("comparable")
    figures |= anchors.anchor(con, aliases)
    figures["decided_anew"] = settling.update_decisions(con, decisions)
    clock.lap("anchors")
    seeds = "FROM changed_form UNION FROM changed_trusted UNION FROM redecided"
    anchors.join(con)
    settling.settle(con, 0, seeds)
    clock.lap("clusters")
    learnt = None if artefact else Learnt(None, {}, pa.table({}), {})
    for round_no in range(1, model.setting("rounds") + 1):
        of_round = figures[f"round_{round_no}"] = {"entities": entities.update_entities(con, round_no, model.setting("largest_group"), model.columns)}
        clock.lap("entities")
        if learnt:
            (of_round["open"],) = con.execute(f"SELECT count(*) FROM entity_{round_no} WHERE id IS NULL").fetchall()[0]
            learnt = replace(learnt, priors=learnt.priors | {round_no: learning.prior_of(of_round["entities"], of_round["open"])})
        block = partial(candidates.block, con, round_no, model.setting("largest_block"), model.keys, model.impossible)
        if learnt and round_no == 1:
            learnt = learning.learn(con, model, learnt, block, of_round, figures)
        else:
            of_round["pairs"] = block()
        clock.lap("candidates")
        if round_no == 1:
            known = learnt or artefact
            scoring.know_frequencies(con, known.frequencies, known.unseen)
        of_round["prior"] = learnt.priors[round_no] if learnt else artefact.prior(round_no)
        if settings.watch:
            settings.watch("candidates", con, of_round)
        _score(con, settings, learnt.weights if learnt else artefact.weights, of_round)
        clock.lap("scoring")
        of_round["levels"] = level_counts(con, model)
        judge.judge(con, model)
        if settings.watch:
            settings.watch("judged", con, of_round)
        judge.keep_judged(con, round_no, model)
        clock.lap("judging")
        of_round["joined"] = settling.settle(con, round_no, f"{seeds} UNION FROM resettled_{round_no - 1}")
        clock.lap("clusters")
    identity.reach(con, round_no, everybody=first)
    ids = identity.identify(con, settings.highest)
    figures["weights"] = learnt.weights if learnt else artefact.weights
    result = collect(con, round_no, figures, learnt, whole=whole)
    figures["ids"] = {"kept": figures["persons"] - ids.minted, "minted": ids.minted, "merged": ids.merged, "split": ids.split}
    clock.lap("identity")
    if settings.watch:
        settings.watch("linked", con, figures)
    return result


def _score(con: duckdb.DuckDBPyConnection, settings: LinkSettings, weights: Mapping[str, Any] | None, of_round: dict[str, Any]) -> None:
    if of_round["pairs"]:
        settings.score(con, settings.model, weights, of_round["prior"])
    else:
        scoring.score_nothing(con, settings.model)


class _Clock:
    """Seconds a step took, summed under ``figures['seconds']``."""

    def __init__(self, figures: dict[str, Any]) -> None:
        self._seconds = figures.setdefault("seconds", {})
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self._seconds[name] = round(self._seconds.get(name, 0.0) + now - self._last, 3)
        self._last = now
