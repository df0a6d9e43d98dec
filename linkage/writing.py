"""What a run of the linkage changed, written into the warehouse in one transaction (写入).

Only what changed is written: a link that stands keeps its row, one that changed is closed and a new one opened.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine

from linkage.model import Model
from linkage.results import LinkResult
from warehouse.bulk import writing
from warehouse.tables import person, person_event, person_link

_MANY_LINKS = 1_000  # opened at once: from here on the planner is told, since assembly joins them next


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
    now = datetime.now(UTC)
    with writing(engine) as transaction:
        # Ids are given in their order: those after the last one are new, the others were given before.
        [(last,)] = transaction.ask("SELECT max(person_id) FROM hub.person")
        new = pc.greater(result.persons["person_id"], last or "")
        transaction.stage({"closed": result.closed.select(["feed", "record_key"]), "persons": result.persons.filter(pc.invert(new)), "conflicts": result.conflicts})
        closed = transaction.execute(_CLOSE_LINKS, {"now": now})
        for table, rows in ((person_link, result.opened), (person, result.persons.filter(new)), (person_event, result.events)):
            transaction.append(table, rows.append_column("recorded_from", pa.repeat(pa.scalar(now, pa.timestamp("us", "UTC")), rows.num_rows)))
        for sql in (_GIVEN_PERSONS, _REPLACED_PERSONS, _CLOSE_CONFLICTS, _OPEN_CONFLICTS):
            transaction.execute(sql, {"now": now})
        transaction.execute(_RETURNED_PERSONS)
        transaction.execute(_RUN, {"version": model.version, "figures": json.dumps(figures), "now": now})
        if result.opened.num_rows >= _MANY_LINKS:
            transaction.execute("ANALYZE hub.person_link, hub.person")
    ids = figures.get("ids", {})
    return LinkFigures(figures["mentions"], figures.get("persons", 0), result.opened.num_rows, closed, ids.get("merged", 0), ids.get("split", 0),
                       result.conflicts.num_rows, False, figures)


_CLOSE_LINKS = """
UPDATE hub.person_link l SET recorded_to = :now FROM pg_temp.closed s
WHERE l.recorded_to IS NULL AND l.feed = s.feed AND l.record_key = s.record_key
"""
_GIVEN_PERSONS = """
INSERT INTO hub.person (person_id, replaced_by, recorded_from)
SELECT person_id, replaced_by, :now FROM pg_temp.persons ON CONFLICT (person_id) DO NOTHING
"""
_REPLACED_PERSONS = """
UPDATE hub.person p SET replaced_by = s.replaced_by, recorded_to = :now FROM pg_temp.persons s
WHERE s.person_id = p.person_id AND s.replaced_by IS NOT NULL AND p.replaced_by IS DISTINCT FROM s.replaced_by
"""
_RETURNED_PERSONS = """
UPDATE hub.person p SET replaced_by = NULL, recorded_to = NULL FROM pg_temp.persons s
WHERE s.person_id = p.person_id AND s.replaced_by IS NULL AND (p.replaced_by IS NOT NULL OR p.recorded_to IS NOT NULL)
"""
_SAME_CONFLICT = """c.kind = s.kind AND c.feed_l = s.feed_l AND c.record_key_l = s.record_key_l AND c.feed_r = s.feed_r
    AND c.record_key_r = s.record_key_r AND c.probability IS NOT DISTINCT FROM s.probability AND c.evidence IS NOT DISTINCT FROM s.evidence"""
_CLOSE_CONFLICTS = f"""
UPDATE hub.link_conflict c SET recorded_to = :now
WHERE c.recorded_to IS NULL AND NOT EXISTS (SELECT FROM pg_temp.conflicts s WHERE {_SAME_CONFLICT})
"""
_OPEN_CONFLICTS = f"""
INSERT INTO hub.link_conflict (kind, feed_l, record_key_l, feed_r, record_key_r, probability, evidence, recorded_from)
SELECT s.kind, s.feed_l, s.record_key_l, s.feed_r, s.record_key_r, s.probability, s.evidence, :now FROM pg_temp.conflicts s
WHERE NOT EXISTS (SELECT FROM hub.link_conflict c WHERE c.recorded_to IS NULL AND {_SAME_CONFLICT})
"""
_RUN = "INSERT INTO hub.link_run (model_version, figures, recorded_from) VALUES (:version, cast(:figures AS jsonb), :now)"
