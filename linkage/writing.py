"""What a run of the linkage changed, written into the warehouse in one transaction (写入).

Only what changed is written: a link that stands keeps its row, one that changed is closed and a new one opened.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from linkage.model import Model
from linkage.results import LinkResult
from warehouse.bulk import stage, unstage


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


def write(engine: Engine, result: LinkResult, digest: str, model: Model) -> LinkFigures:
    """Write a run's outcome as of now: what it opened and closed, new and replaced persons, events, conflicts, and its figures with the
    ``digest`` of what it went by."""
    figures = {**result.figures, "digest": digest}
    staged = {"link_opened": result.opened, "link_closed": result.closed, "link_persons": result.persons, "link_events": result.events, "link_conflicts": result.conflicts}
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


_CLOSE_LINKS = """
UPDATE hub.person_link l SET recorded_to = :now FROM staging.link_closed s
WHERE l.recorded_to IS NULL AND l.feed = s.feed AND l.record_key = s.record_key
"""
_OPEN_LINKS = """
INSERT INTO hub.person_link (feed, record_key, person_id, role, rule, probability, evidence, recorded_from)
SELECT feed, record_key, person_id, role, rule, probability, evidence, :now FROM staging.link_opened ORDER BY feed, record_key
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
