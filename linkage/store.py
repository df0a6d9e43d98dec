"""Linkage against the warehouse: reads the mention view, links, and writes what changed (linkage.writing).

A run over mentions, decisions and a model that are the same as last time ends after comparing digests.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Engine, text

from linkage import scoring
from linkage.artefact import BY_ITSELF, ModelArtefact, activate, let_in_by, load_active, save_candidate
from linkage.engine import LinkSettings, relink
from linkage.model import Model, load_model
from linkage.remembered import keep, remembered
from linkage.results import remember_links
from linkage.scoring import Scorer
from linkage.training import artefact_of
from linkage.training_figures import missing_rates
from linkage.writing import LinkFigures, write
from warehouse.bulk import lock, read_arrow
from warehouse.compute import memory_for
from warehouse.mention import HALVES
from warehouse.snapshot import snapshot

# What comparing needs; who delivered a row, and when, does not decide who it is about.
MENTION_COLUMNS = (
    "feed, record_key, table_name, base_key, role, name, name_note, former_name, sex, birth_date, birth_precision, relation, "
    "id_number, id_text, id_embedded, phone, phone_second, phone_home, group_kind, group_key, ref_feed, ref_key, dwelling_kind, "
    "compound_id, building_id, unit, dwelling_id, death_date, dead, ended"
)
_REGISTERED = "SELECT to_regclass('record.psb_register') IS NOT NULL AS there"
# Every record's last person, also of records that are not named any more; ids that went into another apart, so that
# what parts again gets its own back.
_PREVIOUS = """
WITH gone AS (
    SELECT l.feed, l.record_key, array_agg(DISTINCT l.person_id) AS former
    FROM hub.person_link l JOIN hub.person p ON p.person_id = l.person_id
    WHERE l.recorded_to IS NOT NULL AND p.replaced_by IS NOT NULL GROUP BY l.feed, l.record_key)
SELECT DISTINCT ON (l.feed, l.record_key) l.feed, l.record_key, l.person_id, g.former
FROM hub.person_link l LEFT JOIN hub.person p ON p.person_id = l.person_id LEFT JOIN gone g ON g.feed = l.feed AND g.record_key = l.record_key
WHERE l.recorded_to IS NULL OR p.replaced_by IS NULL
ORDER BY l.feed, l.record_key, l.recorded_to DESC NULLS FIRST, l.recorded_from DESC
"""
_OPEN = "SELECT feed, record_key, person_id, role, rule, probability, evidence FROM hub.person_link WHERE recorded_to IS NULL"
# Only what binds: not what waits for its second person, nor what somebody could not say.
_DECISIONS = "SELECT feed_l, record_key_l, feed_r, record_key_r, verdict FROM hub.binding_decision"
# The bureau's person number stays when an ID number is corrected (feeds.md), so the older one is an alias.
_ALIASES = """
SELECT DISTINCT 'psb_register' AS feed, old.record_key, old.id_number
FROM record.psb_register old JOIN record.psb_register now ON now.record_key = old.record_key AND now.recorded_to IS NULL
WHERE old.recorded_to IS NOT NULL AND old.id_number IS NOT NULL AND old.id_number <> now.id_number
"""


def link(engine: Engine, *, threads: int = 2, memory_mb: int | None = None, score: Scorer = scoring.score, folder: Path | None = None) -> LinkFigures:
    """Link every mention to a person. Waits while another run of the same warehouse links.

    ``score``: where pairs are scored; ``folder``: where a run leaves its tables for the next (None: every run works everything out).
    """
    with engine.begin() as guard:  # two runs at once would give one number to two people
        lock(guard, "linkage")
        return _run(engine, threads, memory_mb, score, folder)


def _run(engine: Engine, threads: int, memory_mb: int | None, score: Scorer, folder: Path | None) -> LinkFigures:
    model, active = load_model(), load_active(engine)
    mentions, previous, decisions, aliases = _read(engine)
    artefact = active if active and _fits(engine, active, model, mentions.num_rows) else None
    with engine.connect() as connection:
        last = connection.execute(text("SELECT figures FROM hub.link_run ORDER BY run_id DESC LIMIT 1")).scalar()
        highest = connection.execute(text("SELECT coalesce(max(substr(person_id, 2)::bigint), 0) FROM hub.person")).scalar_one()
    digest = _digest(mentions, decisions, aliases)
    memory_mb = memory_for(mentions.num_rows, memory_mb)
    if last and artefact and last.get("digest") == f"{artefact.version}|{digest}":
        return _unchanged(last)
    Thread(target=import_module, args=["splink"]).start()  # it takes a second; the forms are worked out meanwhile
    token = _token(last["digest"]) if artefact and last and last.get("digest", "").startswith(artefact.version) else None
    settings = LinkSettings(artefact.apply(model) if artefact else model, artefact, highest, threads, memory_mb, score)
    with remembered(folder, token, threads, memory_mb) as before:
        if before.fresh:
            remember_links(before.con, read_arrow(engine, _OPEN))
        missing = None if artefact else missing_rates(mentions)
        given = [mentions]
        del mentions  # the linkage lets go of them as soon as it has its own
        result = relink(before.con, given.pop(), previous, decisions, settings, aliases)
        result.figures["incremental"] = not before.fresh
        if artefact is None:
            artefact = artefact_of(model, result, missing, before.con.sql("SELECT evidence FROM link").to_arrow_table()["evidence"], datetime.now(UTC))
            _take_over(engine, artefact)
        digest = f"{artefact.version}|{digest}"
        before.seal(_token(digest))
        figures = write(engine, result, digest, model)
        if folder:
            keep(folder)
    return figures


def _read(engine: Engine) -> tuple[pa.Table, pa.Table, pa.Table, pa.Table | None]:
    """Mentions, what was known of each record, decisions and earlier numbers (None without a register), all of one moment."""
    with snapshot(engine) as moment:
        registered = moment.read(_REGISTERED)["there"].to_pylist()[0]
        wanted = {half: f"SELECT {MENTION_COLUMNS} FROM hub.mention WHERE {half}" for half in HALVES}
        read = moment.read_all(wanted | {"previous": _PREVIOUS, "decisions": _DECISIONS} | ({"aliases": _ALIASES} if registered else {}))
    return pa.concat_tables([read[half] for half in HALVES]), read["previous"], read["decisions"], read.get("aliases")


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


def earlier_numbers(engine: Engine) -> pa.Table | None:
    """ID numbers that rows of the register carried before (feed, record_key, id_number); None without a register."""
    if not read_arrow(engine, _REGISTERED)["there"].to_pylist()[0]:
        return None
    return read_arrow(engine, _ALIASES)


def _token(digest: str) -> str:
    """Under what a run's tables are found again: they say nothing to another DuckDB, whose hashes may be others."""
    return f"{duckdb.__version__} {digest}"


def _digest(mentions: pa.Table, decisions: pa.Table, aliases: pa.Table | None) -> str:
    """Of everything the result depends on but the model, whatever the order of rows."""
    parts = []
    with duckdb.connect(config={"threads": 2}) as con:
        for table in (mentions, decisions, aliases):
            if table is None:
                continue
            con.register("t", table)
            parts.append(str(con.execute("SELECT count(*), sum(hash(t)::HUGEINT), bit_xor(hash(t)) FROM t").fetchall()[0]))
            con.unregister("t")
    return "|".join(parts)


def _unchanged(figures: dict[str, Any]) -> LinkFigures:
    return LinkFigures(figures["mentions"], figures["persons"], 0, 0, 0, 0, sum(figures["conflicts"].values()), True, {})
