"""Raises what somebody must look at (告警): sick clusters and a model that no longer fits. One open alert a check, cleared when it passed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from linkage.drift import Drift, measure
from linkage.health import latest
from linkage.words import COMPARISONS, word
from warehouse.alerts import clear, raise_alert
from warehouse.bulk import lock

HEALTH, DRIFT = "linkage_health", "linkage_drift"
CHECKS: Mapping[str, tuple[str, str]] = {
    "two_valid_ids": ("一人有两个有效身份号码", "persons with two valid ID numbers"),
    "two_register_rows": ("一人有两条在册户籍（号码不同）", "persons with two living register rows under two numbers"),
    "two_birth_dates": ("一人有两个不可能相同的出生日期", "persons with two birth dates that can't be one's"),
    "bridge": ("两组记录仅靠一条关联相连", "persons of two groups of records that one link holds together"),
    "weak": ("无身份号码且关联薄弱", "persons without a number, weakly linked"),
    "largest_person": ("记录过多的人", "persons of too many records"),
}
KINDS: Mapping[str, tuple[str, str]] = {
    "linked_levels": ("已关联记录的比较等级分布", "levels among linked records"),
    "candidate_levels": ("候选对的比较等级分布", "levels among candidate pairs"),
    "missing": ("缺失率", "share of empty cells"),
    "new_feed": ("训练时没有的数据源", "a feed the training did not know"),
    "size": ("记录数与训练时相比", "records against the training"),
    "unattended": ("模型自行更换，未经回测", "a model took over by itself, not back-tested"),
    "model_file": ("模型文件与训练时不同", "the model file is another than at training"),
}

# A comparison, or what feeds leave out; a model is called by its version.
SUBJECTS: Mapping[str, tuple[str, str]] = {**COMPARISONS, "phone": ("电话", "Phone"), "dwelling": ("住所", "Dwelling")}
_SELF_EVIDENT = ("records", "mentions", "version")  # what is measured of a feed, the county and the model file: the kind says it


def watch_linkage(engine: Engine, *, now: datetime | None = None) -> dict[str, int]:
    """Examine persons and model, raise what is beyond its limit, clear what is not any more. Counts: linkage_alarms, raised, cleared."""
    found = {(HEALTH, None, check["check"]): _of_check(check) for check in latest(engine).get("checks", ()) if check["alarm"]}
    found |= {(DRIFT, each.feed, f"{each.kind}:{each.subject}"): of_drift(each) for each in measure(engine) if each.alarm}
    now = now or datetime.now(UTC)
    with engine.begin() as connection:
        lock(connection, "alerts")
        standing = _standing(connection)
        cleared = sum(clear(connection, kind, feed, subject) for kind, feed, subject in standing - found.keys())
        raised = sum(raise_alert(connection, *key, message, now) for key, message in sorted(found.items(), key=str))
    return {"linkage_alarms": len(found), "raised": raised, "cleared": cleared}


def _standing(connection: Connection) -> set[tuple[str, str | None, str]]:
    sql = text("SELECT kind, feed, subject FROM hub.alert WHERE kind IN (:health, :drift) AND cleared_at IS NULL")
    return {tuple(row) for row in connection.execute(sql, {"health": HEALTH, "drift": DRIFT})}


def _of_check(check: Mapping[str, Any]) -> str:
    # No count: alerts stand on the supervisors' page, where one to four people are not told.
    return f"{CHECKS[check['check']][0]}：超过限值；见 gridhub model health"


def of_drift(drift: Drift) -> str:
    """What drifted, in a sentence for the alert."""
    subject = "" if drift.subject in _SELF_EVIDENT else f"：{word(SUBJECTS, drift.subject)}"
    measured = "" if drift.value is None else f"，{drift.value:+.3f}（限{drift.limit:g}）"
    return f"{KINDS[drift.kind][0]}{subject}{measured}；见 gridhub model drift"
