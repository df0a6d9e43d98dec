"""The warehouse's own tables (schema ``hub``); record tables (schema ``record``) come from contracts.

Alembic migrates what stands here. ``recorded_from/recorded_to`` say when we believed a row
(open: ``recorded_to`` is null), ``valid_from/valid_to`` when it was so.
"""

from warehouse.tables.base import metadata
from warehouse.tables.batches import batch, feed_state, snapshot
from warehouse.tables.households import (
    assembly_run,
    extract,
    extract_row,
    household,
    household_event,
    household_member,
    person_profile,
    profile,
    ticket,
)
from warehouse.tables.linkage import (
    access_log,
    address,
    link_conflict,
    link_decision,
    link_model,
    link_model_event,
    link_run,
    person,
    person_event,
    person_link,
    review_pair,
)
from warehouse.tables.matching import match_run
from warehouse.tables.quality import alert, cross_finding, quarantine, rule_result, value_issue

__all__ = [
    "access_log",
    "address",
    "alert",
    "assembly_run",
    "batch",
    "cross_finding",
    "extract",
    "extract_row",
    "feed_state",
    "household",
    "household_event",
    "household_member",
    "link_conflict",
    "link_decision",
    "link_model",
    "link_model_event",
    "link_run",
    "match_run",
    "metadata",
    "person",
    "person_event",
    "person_link",
    "person_profile",
    "profile",
    "quarantine",
    "review_pair",
    "rule_result",
    "snapshot",
    "ticket",
    "value_issue",
]
