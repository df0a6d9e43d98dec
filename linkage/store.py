"""Linkage against the warehouse: reads the mention view, links, and writes what changed (linkage.writing).

A run over mentions, decisions and a model that are the same as last time ends after comparing digests.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
from sqlalchemy import Engine, text

from contracts.model import Contract
from contracts.reader import load_contracts
from linkage import scoring
from linkage.artefact import BY_ITSELF, ModelArtefact, activate, let_in_by, load_active, save_candidate
from linkage.engine import LinkSettings, relink
from linkage.model import Model, load_model
from linkage.reading import Beside, bring_mentions, read_beside, read_everything
from linkage.remembered import Remembered, forget, remembered, token
from linkage.results import remember_links
from linkage.scoring import Scorer
from linkage.training import artefact_of
from linkage.writing import LinkFigures, write
from warehouse.bulk import lock, read_arrow
from warehouse.compute import memory_for
from warehouse.snapshot import snapshot

_OPEN = "SELECT feed, record_key, person_id, role, rule, probability, evidence FROM hub.person_link WHERE recorded_to IS NULL"


def link(
    engine: Engine, *, contracts: Mapping[str, Contract] | None = None, threads: int = 2, memory_mb: int | None = None,
    score: Scorer = scoring.score, folder: Path | None = None, anew: bool = False, first: Callable[[], None] = lambda: None,
) -> LinkFigures:  # fmt: skip
    """Link every mention to a person. Waits while another run of the same warehouse links.

    ``contracts``: default the packaged ones; ``score``: where pairs are scored; ``folder``: where a run leaves its tables for the next
    (None: every run works everything out); ``anew``: what is there is removed, so that nothing of erased records stays in it;
    ``first``: what the warehouse needs before its mentions are read, done in another thread while those tables are made ready.
    """
    with engine.begin() as guard:  # two runs at once would give one number to two people
        lock(guard, "linkage")
        if anew and folder:
            forget(folder)
        with remembered(folder, threads, memory_mb) as recall, ThreadPoolExecutor(max_workers=1, thread_name_prefix="first") as other:
            ready = other.submit(first)
            return _run(engine, load_contracts() if contracts is None else contracts, threads, memory_mb, score, ready, recall)


def _run(
    engine: Engine, contracts: Mapping[str, Contract], threads: int, memory_mb: int | None, score: Scorer, ready: Future[None],
    recall: Callable[[str | None, int, int], Remembered],
) -> LinkFigures:  # fmt: skip
    model, active = load_model(), load_active(engine)
    with engine.connect() as connection:
        last = connection.execute(text("SELECT figures FROM hub.link_run ORDER BY run_id DESC LIMIT 1")).scalar() or {}
        highest = connection.execute(text("SELECT coalesce(substr(max(person_id), 2)::bigint, 0) FROM hub.person")).scalar_one()
    ready.result()
    with snapshot(engine) as moment:
        everything = [] if last else [read_everything(moment)]  # a first run has to, and need not count them before
        beside = read_beside(moment, everything[0].num_rows if everything else None)
        artefact = active if active and _fits(engine, active, model, beside.mentions) else None
        memory_mb = memory_for(beside.mentions, memory_mb)
        same_model = artefact and last.get("digest", "").startswith(artefact.version)
        known = token(last["run"], beside.view) if same_model and "run" in last else None
        before = recall(known, beside.mentions, memory_mb)
        missing = bring_mentions(before.con, moment, contracts, before.horizon, beside.mentions, everything)
    digest = _digest(before.con, beside)
    if artefact and last.get("digest") == f"{artefact.version}|{digest}":
        return _unchanged(last)
    if before.fresh:
        Thread(target=import_module, args=["splink"]).start()  # it takes a second; the forms are worked out meanwhile
    settings = LinkSettings(artefact.apply(model) if artefact else model, artefact, highest, threads, memory_mb, score)
    if before.fresh:
        remember_links(before.con, read_arrow(engine, _OPEN))
    result = relink(before.con, beside.past, beside.decisions, settings, beside.aliases)
    result.figures["incremental"] = not before.fresh
    if artefact is None:
        evidence = before.con.sql("SELECT evidence FROM link").to_arrow_table()["evidence"]
        artefact = artefact_of(model, result, missing or {}, evidence, datetime.now(UTC))
        _take_over(engine, artefact)
    digest = f"{artefact.version}|{digest}"
    result.figures["run"] = uuid.uuid4().hex
    before.seal(token(result.figures["run"], beside.view), beside.horizon)
    figures = write(engine, result, digest, model)
    before.keep()
    return figures


def _fits(engine: Engine, active: ModelArtefact, model: Model, mentions: int) -> bool:
    """A training holds while the model file is the one it was trained with and the county has not grown or shrunk by a quarter. What
    a person let in holds however large the county grows: drift tells people, and another version is theirs to back-test and let in."""
    if active.model_version != model.version:
        return False
    grown = not 0.8 * active.trained_on["mentions"] <= mentions <= 1.25 * active.trained_on["mentions"]
    return not grown or let_in_by(engine, active.version) != BY_ITSELF


def _take_over(engine: Engine, artefact: ModelArtefact) -> None:
    """What a run trained takes over at once: without it the next run would weigh the same pair another way."""
    activate(engine, save_candidate(engine, artefact), BY_ITSELF, "first training, or the model file or the county's size is another one")


def _digest(con: duckdb.DuckDBPyConnection, beside: Beside) -> str:
    """Of everything the result depends on but the model, whatever the order of rows."""
    asked = ["SELECT count(*), sum(digest::HUGEINT), bit_xor(digest) FROM mention"]
    for name, table in (("decision_in", beside.decisions), ("alias_in", beside.aliases)):
        if table is not None:
            con.register(name, table)
            asked.append(f"SELECT count(*), sum(hash(t)::HUGEINT), bit_xor(hash(t)) FROM {name} t")
    digest = "|".join([beside.view, *(str(con.execute(sql).fetchall()[0]) for sql in asked)])
    for name in ("decision_in", "alias_in"):
        con.unregister(name)
    return digest


def _unchanged(figures: dict[str, Any]) -> LinkFigures:
    return LinkFigures(figures["mentions"], figures["persons"], 0, 0, 0, 0, sum(figures["conflicts"].values()), True, {})
