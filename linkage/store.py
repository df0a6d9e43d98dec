"""Linkage against the warehouse: reads the mention view, writes persons, links, events and conflicts in one transaction.

Only what changed is written: a link that stands keeps its row, one that changed is closed and a new one opened. A run
over mentions, decisions and a model that are the same as last time ends after comparing digests.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, Engine, text

from linkage import scoring
from linkage.engine import LinkSettings, link_mentions
from linkage.model import Model, load_model
from linkage.results import LinkResult
from linkage.scoring import Scorer
from warehouse.bulk import lock, read_arrow, stage, unstage

# What comparing needs; who delivered a row, and when, does not decide who it is about.
_MENTION_COLUMNS = (
    "feed, record_key, table_name, base_key, role, name, name_note, former_name, sex, birth_date, birth_precision, relation, "
    "id_number, id_text, id_embedded, phone, phone_second, group_kind, group_key, ref_feed, ref_key, dwelling_kind, "
    "compound_id, building_id, unit, dwelling_id, death_date, dead, ended"
)
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
# Only what binds: not what waits for its second person, nor what somebody could not say.
_DECISIONS = "SELECT feed_l, record_key_l, feed_r, record_key_r, verdict FROM hub.binding_decision"
# The bureau's person number stays when an ID number is corrected (feeds.md), so the older one is an alias.
_ALIASES = """
SELECT DISTINCT 'psb_register' AS feed, old.record_key, old.id_number
FROM record.psb_register old JOIN record.psb_register now ON now.record_key = old.record_key AND now.recorded_to IS NULL
WHERE old.recorded_to IS NOT NULL AND old.id_number IS NOT NULL AND old.id_number <> now.id_number
"""


@dataclass(frozen=True)
class LinkFigures:
    """Counts of a run. ``unchanged``: nothing had changed since the last run, so nothing was done."""

    mentions: int
    persons: int
    opened: int
    closed: int
    merged: int
    split: int
    conflicts: int
    unchanged: bool
    details: dict[str, Any]

    def counts(self) -> dict[str, Any]:
        """The figures as plain JSON values, without the details."""
        return {"mentions": self.mentions, "persons": self.persons, "links_opened": self.opened, "links_closed": self.closed,
                "merged": self.merged, "split": self.split, "link_conflicts": self.conflicts, "link_unchanged": self.unchanged}


def link(engine: Engine, *, threads: int = 2, memory_mb: int = 1200, score: Scorer = scoring.score) -> LinkFigures:
    """Link every mention to a person. Waits while another run of the same warehouse links. ``score``: where pairs are scored."""
    with engine.begin() as guard:  # two runs at once would give one number to two people
        lock(guard, "linkage")
        return _run(engine, threads, memory_mb, score)


def _run(engine: Engine, threads: int, memory_mb: int, score: Scorer) -> LinkFigures:
    model = load_model()
    mentions = read_arrow(engine, f"SELECT {_MENTION_COLUMNS} FROM hub.mention")
    decisions, aliases = read_arrow(engine, _DECISIONS), _aliases(engine)
    digest = _digest(mentions, decisions, aliases, model)
    with engine.connect() as connection:
        last = connection.execute(text("SELECT model_version, figures FROM hub.link_run ORDER BY run_id DESC LIMIT 1")).mappings().first()
        highest = connection.execute(text("SELECT coalesce(max(substr(person_id, 2)::bigint), 0) FROM hub.person")).scalar_one()
    if last and last["figures"].get("digest") == digest:
        return _unchanged(last["figures"])
    settings = LinkSettings(model=model, weights=_weights(last, model, mentions.num_rows), highest=highest, threads=threads,
                            memory_mb=memory_mb, score=score)
    result = link_mentions(mentions, read_arrow(engine, _PREVIOUS), decisions, settings, aliases)
    del mentions
    return _write(engine, result, digest, model, _trained_on(last, settings, result))


def _aliases(engine: Engine) -> pa.Table | None:
    with engine.connect() as connection:
        if connection.execute(text("SELECT to_regclass('record.psb_register')")).scalar() is None:
            return None
    return read_arrow(engine, _ALIASES)


def _digest(mentions: pa.Table, decisions: pa.Table, aliases: pa.Table | None, model: Model) -> str:
    """Of everything the result depends on, whatever the order of rows."""
    parts = [model.version]
    with duckdb.connect(config={"threads": 2}) as con:
        for table in (mentions, decisions, aliases):
            if table is None:
                continue
            con.register("t", table)
            parts.append(str(con.execute("SELECT count(*), sum(hash(t)::HUGEINT), bit_xor(hash(t)) FROM t").fetchall()[0]))
            con.unregister("t")
    return "|".join(parts)


def _weights(last: Any, model: Model, mentions: int) -> dict | None:
    """The weights of the last training, while the model file is the same and the county has not grown or shrunk by a quarter."""
    if not last or last["model_version"] != model.version:
        return None
    trained_on = last["figures"].get("trained_on") or 0
    return last["figures"].get("weights") if 0.8 * trained_on <= mentions <= 1.25 * trained_on else None


def _trained_on(last: Any, settings: LinkSettings, result: LinkResult) -> int:
    if settings.weights is not None:
        return last["figures"]["trained_on"]
    return result.figures["mentions"] if result.figures.get("weights") else 0


def _unchanged(figures: dict[str, Any]) -> LinkFigures:
    return LinkFigures(figures["mentions"], figures["persons"], 0, 0, 0, 0, sum(figures["conflicts"].values()), True, {})


def _write(engine: Engine, result: LinkResult, digest: str, model: Model, trained_on: int) -> LinkFigures:
    figures = {**result.figures, "digest": digest, "trained_on": trained_on}
    staged = {"link_links": result.links, "link_persons": result.persons, "link_events": result.events, "link_conflicts": result.conflicts}
    for name, table in staged.items():
        stage(engine, name, table)
    now = datetime.now(UTC)
    with engine.begin() as connection:
        closed, opened = (connection.execute(text(sql), {"now": now}).rowcount for sql in (_CLOSE_LINKS, _OPEN_LINKS))
        for sql in (_NEW_PERSONS, _REPLACED_PERSONS, _RETURNED_PERSONS, _EVENTS, _CLOSE_CONFLICTS, _OPEN_CONFLICTS):
            connection.execute(text(sql), {"now": now})
        connection.execute(
            text("INSERT INTO hub.link_run (model_version, figures, recorded_from) VALUES (:version, cast(:figures AS jsonb), :now)"),
            {"version": model.version, "figures": json.dumps(figures), "now": now})
        unstage(connection, *staged)
        _analyse(connection, opened)
    ids = figures.get("ids", {})
    return LinkFigures(figures["mentions"], figures.get("persons", 0), opened, closed, ids.get("merged", 0), ids.get("split", 0),
                       result.conflicts.num_rows, False, figures)


def _analyse(connection: Connection, opened: int) -> None:
    """Assembly joins these next; the planner must not take them for empty."""
    if opened > 1000:
        connection.execute(text("ANALYZE hub.person_link, hub.person"))


_SAME_LINK = """l.feed = s.feed AND l.record_key = s.record_key AND l.person_id = s.person_id AND l.role = s.role AND l.rule = s.rule
    AND l.probability IS NOT DISTINCT FROM s.probability AND l.evidence IS NOT DISTINCT FROM s.evidence"""
_CLOSE_LINKS = f"""
UPDATE hub.person_link l SET recorded_to = :now
WHERE l.recorded_to IS NULL AND NOT EXISTS (SELECT FROM staging.link_links s WHERE {_SAME_LINK})
"""
_OPEN_LINKS = f"""
INSERT INTO hub.person_link (feed, record_key, person_id, role, rule, probability, evidence, recorded_from)
SELECT s.feed, s.record_key, s.person_id, s.role, s.rule, s.probability, s.evidence, :now FROM staging.link_links s
WHERE NOT EXISTS (SELECT FROM hub.person_link l WHERE l.recorded_to IS NULL AND {_SAME_LINK})
ORDER BY s.feed, s.record_key
"""
_NEW_PERSONS = """
INSERT INTO hub.person (person_id, replaced_by, recorded_from)
SELECT person_id, replaced_by, :now FROM staging.link_persons ORDER BY person_id ON CONFLICT (person_id) DO NOTHING
"""
_REPLACED_PERSONS = """
UPDATE hub.person p SET replaced_by = s.replaced_by, recorded_to = :now FROM staging.link_persons s
WHERE s.person_id = p.person_id AND s.replaced_by IS NOT NULL AND p.replaced_by IS DISTINCT FROM s.replaced_by
"""
_RETURNED_PERSONS = """
UPDATE hub.person p SET replaced_by = NULL, recorded_to = NULL FROM staging.link_persons s
WHERE s.person_id = p.person_id AND s.replaced_by IS NULL AND (p.replaced_by IS NOT NULL OR p.recorded_to IS NOT NULL)
"""
_EVENTS = """
INSERT INTO hub.person_event (person_id, kind, other_id, cause, recorded_from)
SELECT person_id, kind, other_id, cause, :now FROM staging.link_events ORDER BY person_id
"""
_SAME_CONFLICT = """c.kind = s.kind AND c.feed_l = s.feed_l AND c.record_key_l = s.record_key_l AND c.feed_r = s.feed_r
    AND c.record_key_r = s.record_key_r AND c.probability IS NOT DISTINCT FROM s.probability AND c.evidence IS NOT DISTINCT FROM s.evidence"""
_CLOSE_CONFLICTS = f"""
UPDATE hub.link_conflict c SET recorded_to = :now
WHERE c.recorded_to IS NULL AND NOT EXISTS (SELECT FROM staging.link_conflicts s WHERE {_SAME_CONFLICT})
"""
_OPEN_CONFLICTS = f"""
INSERT INTO hub.link_conflict (kind, feed_l, record_key_l, feed_r, record_key_r, probability, evidence, recorded_from)
SELECT s.kind, s.feed_l, s.record_key_l, s.feed_r, s.record_key_r, s.probability, s.evidence, :now FROM staging.link_conflicts s
WHERE NOT EXISTS (SELECT FROM hub.link_conflict c WHERE c.recorded_to IS NULL AND {_SAME_CONFLICT})
"""
