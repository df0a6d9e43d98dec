"""Trained models in the warehouse: saved, found again, taken over from one another, never silently damaged."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from sqlalchemy import Engine, text

from linkage.artefact import (
    BY_ITSELF,
    FREQUENCIES,
    ModelArtefact,
    ModelStateError,
    activate,
    events,
    let_in_by,
    listing,
    load,
    load_active,
    replaced,
    save_candidate,
)
from warehouse.engine import engine_for


@pytest.fixture
def engine(new_database) -> Engine:
    made = engine_for(new_database())
    yield made
    made.dispose()


def artefact(m: float = 0.93, names: tuple[str, ...] = ("王芳", "李伟")) -> ModelArtefact:
    rows = [{"column": "name", "value": name, "share": 0.001 * (k + 1)} for k, name in enumerate(names)]
    return ModelArtefact(
        model_version="1+abc", trained_at=datetime(2026, 11, 1, tzinfo=UTC), trained_on={"mentions": 900, "entities": 500},
        weights={"name": {"exact": {"m": m, "u": 0.0004}}}, priors={1: 0.0001, 2: 0.00008}, frequencies=pa.Table.from_pylist(rows),
        unseen={"name": 0.0000877}, thresholds={"upper": 0.985, "lower": 0.6}, figures={"seed": 7})


def test_what_is_saved_is_what_is_loaded(engine):
    assert load_active(engine) is None
    version = save_candidate(engine, artefact())
    assert load(engine, version).state == "candidate" and load_active(engine) is None
    activate(engine, version, "赵主任", "第一次训练")
    back = load_active(engine)
    assert (back.version, back.weights, back.priors, back.trained_at) == (
        version, artefact().weights, artefact().priors, artefact().trained_at)
    assert sorted(back.frequency_table("name").to_pylist(), key=lambda r: r["tf_name"]) == [
        {"name": "王芳", "tf_name": 0.001}, {"name": "李伟", "tf_name": 0.002}]
    assert back.prior(1) == 0.0001 and back.prior(5) == 0.00008


def test_the_version_is_of_what_scores_depend_on():
    first = artefact()
    assert replace(first, trained_at=datetime(2027, 1, 1, tzinfo=UTC), figures={}).version == first.version
    assert replace(first, frequencies=first.frequencies.take([1, 0])).version == first.version
    assert len({first.version, artefact(m=0.94).version, replace(first, priors={1: 0.0002}).version,
                artefact(names=("王芳", "李娜")).version, replace(first, thresholds={"upper": 0.99, "lower": 0.6}).version}) == 5


def test_a_version_counts_the_frequencies_as_python_writes_them():
    """What a warehouse holds must never look damaged after an upgrade: whatever a value or a share is like."""
    values = ("王芳", "it's", 'he said "so"', """it's "both\"""", "back\\slash", "line\nend", "\u200b", "𠮷", "")
    rows = [("name", value, share) for value, share in zip(values, (0.5, 1e-05, 1e-4, 0.1 + 0.2, 1.0, 5e-324, 0.0, 1 / 3, 0.5), strict=True)]
    told = replace(artefact(), frequencies=pa.table([*zip(*rows, strict=True)], FREQUENCIES.names), priors={1: 0.5})
    decisive = {"model": told.model_version, "weights": told.weights, "priors": {"1": 0.5}, "unseen": told.unseen, "thresholds": told.thresholds}
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode() + b"".join(repr(row).encode() for row in sorted(rows)))
    assert told.version == f"m{digest.hexdigest()[:12]}"


def test_saving_twice_is_one_row_in_the_state_it_was(engine):
    version = save_candidate(engine, artefact())
    activate(engine, version, "赵主任", "第一次训练")
    assert save_candidate(engine, artefact()) == version
    assert [(row["version"], row["state"]) for row in listing(engine)] == [(version, "active")]
    assert [event["kind"] for event in events(engine, version)] == ["trained", "activated"]


def test_what_a_later_training_of_the_same_version_finds_out_is_added(engine):
    version = save_candidate(engine, artefact())
    later = replace(artefact(), figures={"blocking": {"loss": 0.01}}, trained_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert save_candidate(engine, later) == version
    kept = load(engine, version).artefact
    assert kept.figures == {"seed": 7, "blocking": {"loss": 0.01}} and kept.trained_at == artefact().trained_at
    assert [event["kind"] for event in events(engine, version)] == ["trained"]


def test_who_let_a_version_in_and_which_it_replaced(engine):
    old, new = save_candidate(engine, artefact()), save_candidate(engine, artefact(m=0.94))
    assert let_in_by(engine, old) is None and replaced(engine) is None
    activate(engine, old, "赵主任", "第一次训练")
    activate(engine, new, BY_ITSELF, "模型文件已变")
    assert (let_in_by(engine, new), let_in_by(engine, old), replaced(engine)) == (BY_ITSELF, "赵主任", old)
    activate(engine, new, "钱主任", "已核对")  # confirmed: it stays active and is somebody's
    assert let_in_by(engine, new) == "钱主任" and load_active(engine).version == new and replaced(engine) == old


def test_one_takes_over_and_an_older_one_may_come_back(engine):
    old, new = save_candidate(engine, artefact()), save_candidate(engine, artefact(m=0.94))
    for version in (old, new, old):
        activate(engine, version, "赵主任", "回测更好")
        assert load_active(engine).version == version
    assert {row["version"]: row["state"] for row in listing(engine)} == {old: "active", new: "retired"}
    assert [e["kind"] for e in events(engine, old)] == ["trained", "activated", "retired", "activated"]
    assert new in events(engine, old)[2]["reason"]


def test_who_and_why_must_be_said_and_the_version_must_exist(engine):
    version = save_candidate(engine, artefact())
    with pytest.raises(ModelStateError, match="who activates"):
        activate(engine, version, "赵主任", " ")
    with pytest.raises(ModelStateError, match="no trained model"):
        activate(engine, "m000000000000", "赵主任", "误")
    with pytest.raises(ModelStateError, match="no trained model"):
        load(engine, "m000000000000")
    assert load_active(engine) is None


def test_a_stored_model_that_was_tampered_with_is_refused(engine):
    version = save_candidate(engine, artefact())
    with engine.begin() as connection:
        connection.execute(text("""UPDATE hub.link_model SET weights = '{"name": {"exact": {"m": 0.5, "u": 0.0004}}}'"""))
    with pytest.raises(ModelStateError, match="damaged"):
        load(engine, version)
