"""Trained models against a real warehouse: candidate, back-test, activation or its refusal, drift, health, alerts, commands."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from linkage import store
from linkage.artefact import BY_ITSELF, ModelStateError, activate, events, listing, load_active, save_candidate
from linkage.drift import measure
from linkage.health import latest
from linkage.training_store import ActivationRefused, activate_version, backtest_version, train_candidate
from linkage.watch import watch_linkage
from tests.linkage_world import county
from warehouse.alerts import open_alerts
from warehouse.bulk import stage
from warehouse.engine import engine_for

AT = datetime(2026, 11, 1, tzinfo=UTC)


def say(engine: Engine, mentions: pa.Table) -> None:
    """Let the mention view be these rows."""
    stage(engine, "said", mentions)
    columns = ", ".join(mentions.column_names)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM hub.mention"))
        connection.execute(text(f"INSERT INTO hub.mention ({columns}) SELECT {columns} FROM staging.said"))


def run(engine: Engine, sql: str, **values) -> None:
    with engine.begin() as connection:
        connection.execute(text(sql), values)


def decide(engine: Engine, left: tuple[str, str], right: tuple[str, str], verdict: str) -> None:
    run(engine, """INSERT INTO hub.link_decision (feed_l, record_key_l, feed_r, record_key_r, verdict, decided_by, reason, recorded_from)
                   VALUES (:a, :b, :c, :d, :verdict, '赵主任', '电话核实', now())""", a=left[0], b=left[1], c=right[0], d=right[1], verdict=verdict)  # fmt: skip


def by_weight(engine: Engine, number: int) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Records that weight alone linked, each with another record of the same person."""
    sql = """SELECT DISTINCT ON (a.feed, a.record_key) a.feed, a.record_key, b.feed, b.record_key FROM hub.person_link a
             JOIN hub.person_link b ON a.person_id = b.person_id AND b.rule = 'same_valid_id' AND b.recorded_to IS NULL
             WHERE a.rule = 'weight' AND a.recorded_to IS NULL ORDER BY 1, 2, 3, 4 LIMIT :n"""
    with engine.connect() as connection:
        return [((row[0], row[1]), (row[2], row[3])) for row in connection.execute(text(sql), {"n": number})]


@pytest.fixture(scope="module")
def mentions() -> pa.Table:
    return county(40, seed=8)


@pytest.fixture(scope="module")
def engine(postgres_url, mentions) -> Engine:
    """A linked hub with one active model, whose mention view is a table; every test leaves it so."""
    made = engine_for(postgres_url)
    with made.begin() as connection:
        for sql in ("CREATE TABLE hub.mention_rows AS SELECT * FROM hub.mention", "DROP VIEW hub.mention", "ALTER TABLE hub.mention_rows RENAME TO mention"):
            connection.execute(text(sql))
    say(made, mentions)
    activate_version(made, train_candidate(made, at=AT).version, "赵主任", "第一次训练")
    store.link(made)
    yield made
    made.dispose()


def test_a_worse_candidate_takes_over_only_when_somebody_insists(engine):
    artefact = load_active(engine)
    pairs = by_weight(engine, 2)
    assert len(pairs) == 2, "the county has records that weight alone links"
    for left, right in pairs:
        decide(engine, left, right, "same")
    strict = save_candidate(engine, replace(artefact, thresholds={"upper": 1 - 1e-12, "lower": 0.6}))
    with pytest.raises(ActivationRefused, match=r"contradict 2 decisions.*contradicts 0 \(new: D1, D2\)"):
        activate_version(engine, strict, "钱主任", "试试")
    assert load_active(engine).version == artefact.version
    tests = [event for event in events(engine, strict) if event["kind"] == "backtested"]
    assert len(tests) == 1 and tests[0]["decided_by"] == "钱主任" and tests[0]["figures"]["worse"]

    activate_version(engine, strict, "钱主任", "上级要求", anyway=True)  # the same back-test still holds
    assert [event["kind"] for event in events(engine, strict)] == ["trained", "backtested", "activated"]
    assert events(engine, strict)[-1]["figures"]["anyway"] is True
    assert {row["version"]: row["state"] for row in listing(engine)} == {artefact.version: "retired", strict: "active"}

    decide(engine, pairs[0][0], ("psb_register", "nowhere"), "different")  # somebody decided since: the test is stale
    activate_version(engine, artefact.version, "赵主任", "改回")
    kinds = [event["kind"] for event in events(engine, artefact.version)]
    assert kinds[kinds.index("retired") :] == ["retired", "backtested", "activated"]
    run(engine, "DELETE FROM hub.link_decision")


def test_training_again_is_the_same_version_and_another_model_file_asks_for_a_new_training(engine):
    one = load_active(engine)
    assert train_candidate(engine, at=datetime(2027, 1, 1, tzinfo=UTC)).version == one.version
    assert [row["state"] for row in listing(engine) if row["version"] == one.version] == ["active"]
    other = save_candidate(engine, replace(one, model_version="0+elsewhere"))
    with pytest.raises(ModelStateError, match="another model file"):
        backtest_version(engine, other)
    with pytest.raises(ModelStateError, match="who activates"):
        activate_version(engine, one.version, " ", "因")
    with pytest.raises(ModelStateError, match="no trained model"):
        activate_version(engine, "m0", "赵主任", "因")


def test_an_empty_warehouse_has_nothing_to_train_on(engine, mentions):
    run(engine, "DELETE FROM hub.mention")
    with pytest.raises(ModelStateError, match="two records"):
        train_candidate(engine, at=AT)
    say(engine, mentions)


def test_drift_is_measured_against_the_active_training_raised_once_and_cleared(engine, mentions):
    watch_linkage(engine)  # the health of a county as noisy as this one is another test's matter
    assert not any(row.alarm for row in measure(engine)) and drift_alerts(engine) == set()

    said, before = mentions.to_pylist(), load_active(engine).version
    new_feed = [row | {"feed": "tax_payer", "record_key": f"T{k}", "table_name": "tax_payer", "base_key": f"T{k}"} for k, row in enumerate(said[:260])]
    say(engine, pa.Table.from_pylist(said + new_feed, mentions.schema))
    store.link(engine)
    assert load_active(engine).version == before  # somebody let it in: growth is told, not acted on
    drifted = {(row.kind, row.feed) for row in measure(engine) if row.alarm}
    assert {("new_feed", "tax_payer"), ("size", None)} <= drifted
    watch_linkage(engine)
    raised = drift_alerts(engine)
    assert ("tax_payer", "new_feed:records") in raised and len(raised) == len([row for row in measure(engine) if row.alarm])
    assert watch_linkage(engine)["raised"] == 0

    say(engine, mentions)
    store.link(engine)
    assert watch_linkage(engine)["cleared"] >= len(raised) and drift_alerts(engine) == set()


def test_a_model_that_took_over_by_itself_is_an_alarm_until_somebody_confirms_one(engine):
    before = load_active(engine)
    other = save_candidate(engine, replace(before, priors={1: 0.00009}))
    activate(engine, other, BY_ITSELF, "the model file is another one")
    (row,) = (row for row in measure(engine) if row.kind == "unattended")
    assert row.alarm and (row.trained, row.now) == (before.version, other)
    assert backtest_version(engine, other)["against"] == before.version
    activate(engine, other, "赵主任", "已回测")
    assert not [row for row in measure(engine) if row.kind == "unattended"]
    activate(engine, before.version, "赵主任", "改回")


def drift_alerts(engine: Engine) -> set[tuple[str | None, str]]:
    return {(alert["feed"], alert["subject"]) for alert in open_alerts(engine) if alert["kind"] == "linkage_drift"}


def test_the_commands_tell_people_and_scripts(engine, monkeypatch):
    from gridhub.commands import model

    class Story:
        class settings:
            threads, memory_mb = 2, 400

    Story.engine = engine
    monkeypatch.setattr(model, "hub", lambda: Story)
    runner = CliRunner()

    def told(*words: str) -> str:
        result = runner.invoke(model.app, list(words))
        assert result.exit_code == 0, result.output
        return result.output

    (trained,) = json.loads(told("train", "--json"))
    version = trained["version"]
    assert trained["blocking_loss"] is not None
    assert json.loads(told("backtest", version, "--json"))["decisions"] == 0
    taken_over = told("activate", version, "--by", "赵主任", "--reason", "再确认")
    assert "links from the next" in taken_over and "too few to tell two models apart" in taken_over
    assert {row["version"]: row["state"] for row in json.loads(told("show", "--json"))}[version] == "active"
    document = json.loads(told("show", version, "--json"))
    assert document["thresholds"]["upper"] == 0.985 and {event["kind"] for event in document["events"]} >= {"trained", "activated"}
    assert "usable ID" in told("show", version) and "masked" in told("show", version, "--weights")
    assert told("drift").strip() == "no drift" and "linked_levels" in told("drift", "--all", "--json")
    assert {check["check"] for check in json.loads(told("health", "--json"))["checks"]} >= {"two_valid_ids", "bridge", "weak"}
    assert "persons by number of records" in told("health")
    failed = runner.invoke(model.app, ["show", "m0"])
    assert failed.exit_code == 1 and isinstance(failed.exception, ModelStateError)


def test_health_is_worked_out_once_a_run_and_a_false_merge_is_an_alarm(engine):
    """Last: it takes the links apart."""
    run(engine, "INSERT INTO hub.link_run (model_version, figures, recorded_from) VALUES ('1', '{}', now())")
    one, two = _two_people(engine)
    run(engine, "UPDATE hub.person_link SET person_id = :one WHERE person_id = :two AND recorded_to IS NULL", one=one, two=two)
    assert watch_linkage(engine)["raised"] >= 1
    assert {"two_valid_ids", "two_register_rows"} <= {alert["subject"] for alert in open_alerts(engine)}
    found = {check["check"]: check for check in latest(engine)["checks"]}
    assert found["two_valid_ids"]["examples"] == [one] and found["two_valid_ids"]["alarm"]

    run(engine, "DELETE FROM hub.person_link")  # nobody looks again before the next run
    assert {check["check"]: check for check in latest(engine)["checks"]} == found
    run(engine, "INSERT INTO hub.link_run (model_version, figures, recorded_from) VALUES ('1', '{}', now())")
    assert latest(engine)["persons"] == 0 and watch_linkage(engine)["cleared"] >= 1


def _two_people(engine: Engine) -> list[str]:
    sql = "SELECT person_id FROM hub.person_link WHERE feed = 'psb_register' AND rule = 'same_valid_id' AND recorded_to IS NULL ORDER BY 1 LIMIT 2"
    with engine.connect() as connection:
        return list(connection.execute(text(sql)).scalars())
