"""Cluster health and its alerts in the supervisors' report: statistics in two languages, one to four people never counted out."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine, text

from contracts.reader import load_contracts
from linkage.watch import CHECKS, DRIFT, HEALTH, KINDS
from reports.clusters import alert_text, read_clusters
from reports.page import write_report
from warehouse.alerts import raise_alert
from warehouse.engine import engine_for
from warehouse.schema import upgrade


@pytest.fixture
def engine(new_database) -> Engine:
    made = engine_for(new_database())
    yield made
    made.dispose()


def examined(engine: Engine, found: dict[str, int], twice: int = 0) -> None:
    """A linkage run after which these persons were found; two numbers are allowed nobody, anything else five."""
    checks = [{"check": name, "persons": found.get(name, 0), "allowed": 0 if name == "two_valid_ids" else 5,
               "alarm": found.get(name, 0) > (0 if name == "two_valid_ids" else 5), "examples": ["P000000001"]} for name in CHECKS]  # fmt: skip
    health = {"persons": 900, "records": 2000, "largest": 9, "sizes": {}, "twice_registered": twice, "checks": checks}
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO hub.link_run (model_version, figures, recorded_from) VALUES ('1', cast(:f AS jsonb), now())"),
                           {"f": json.dumps({"health": health})})  # fmt: skip


def test_before_the_first_run_there_is_nothing_to_tell(engine):
    assert read_clusters(engine) is None


def test_few_people_are_told_as_few_and_the_alarm_all_the_same(engine):
    examined(engine, {"two_valid_ids": 2, "bridge": 7, "weak": 4}, twice=3)
    clusters = read_clusters(engine)
    told = {check.title.en: (check.persons, check.alarm) for check in clusters.checks}
    assert told["persons with two valid ID numbers"] == ("<5", True)
    assert told[CHECKS["bridge"][1]] == (7, True) and told[CHECKS["weak"][1]] == ("<5", False) and told[CHECKS["two_birth_dates"][1]] == (0, False)
    assert clusters.twice_registered == "<5" and clusters.model is None


def test_the_page_shows_checks_and_alerts_in_both_languages_and_names_nobody(engine, tmp_path):
    contracts = load_contracts()
    upgrade(engine, contracts)
    examined(engine, {"two_valid_ids": 2})
    with engine.begin() as connection:
        raise_alert(connection, HEALTH, None, "two_valid_ids", "一人有两个有效身份号码：超过限值", datetime(2026, 11, 20, tzinfo=UTC))
        raise_alert(connection, DRIFT, "grid_visit", "missing:phone", "缺失率：phone", datetime(2026, 11, 20, tzinfo=UTC))
    page = write_report(engine, contracts, tmp_path, "zh", today=date(2026, 11, 20)).read_text(encoding="utf-8")
    for words in ("关联体检", "Health of the clusters", "一人有两个有效身份号码", "persons with two valid ID numbers: more than allowed",
                  "share of empty cells: phone, beyond the limit", "模型漂移", "&lt;5"):  # fmt: skip
        assert words in page, words
    assert "P000000001" not in page
    figures = json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))
    assert figures["clusters"]["checks"][0]["persons"] == "<5" and "P000000001" not in json.dumps(figures)


def test_every_alert_of_linkage_has_words_and_no_other_alert_is_taken_for_one():
    assert all(alert_text(HEALTH, name).en and alert_text(HEALTH, name).zh for name in CHECKS)
    assert all("beyond" in alert_text(DRIFT, f"{kind}:name").en for kind in KINDS)
    assert alert_text("late_feed", "2026-11-20") is None and alert_text(DRIFT, "elsewhere:name") is None
