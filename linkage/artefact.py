"""The trained model (模型制品) as one thing with a version: what later runs score with until another takes over.

A training freezes everything that would otherwise drift with the day's data: weights, the prior of each round, how common
each name is, the thresholds. So a record scored today and one scored next month are weighed alike, and an incremental run
gives what a full run would. Stored in ``hub.link_model``; what happened to each version is in ``hub.link_model_event``.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import Connection, Engine, text

from linkage.model import Model
from warehouse.bulk import lock
from warehouse.errors import WarehouseError
from warehouse.signature import legible

FREQUENCIES = pa.schema([("column", pa.string()), ("value", pa.string()), ("share", pa.float64())])
BY_ITSELF = "gridhub"  # who let a version in that a run trained by the way


class ModelStateError(WarehouseError):
    """A trained model is not there, or not in the state the action needs."""


@dataclass(frozen=True)
class ModelArtefact:
    """One training's outcome. Equal data, seed and model file give an equal ``version``.

    ``weights``: comparison → level → {m, u}, probabilities. ``priors``: round (from 1) → probability that two random
    records match. ``frequencies``: column, value, share (of people who have the value, 0…1); a value that is not there has
    ``unseen[column]``. ``thresholds``: upper, lower, as probabilities. ``figures``: how the training went (counts, seconds aside).
    """

    model_version: str  # of the model file, linkage.model.Model.version
    trained_at: datetime
    trained_on: Mapping[str, int]  # mentions, entities, open, pairs
    weights: Mapping[str, Mapping[str, Mapping[str, float]]]
    priors: Mapping[int, float]
    frequencies: pa.Table
    unseen: Mapping[str, float]
    thresholds: Mapping[str, float]
    figures: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """``m`` and twelve hex digits of everything scores depend on; not of the moment or of figures."""
        decisive = {"model": self.model_version, "weights": self.weights, "priors": _by_text(self.priors),
                    "unseen": self.unseen, "thresholds": self.thresholds}
        digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode())
        digest.update(_rows_told(_ordered(self.frequencies)))
        return f"m{digest.hexdigest()[:12]}"

    def prior(self, round_no: int) -> float:
        """Of a round; a round the training did not reach has the last one's."""
        return self.priors.get(round_no, self.priors[max(self.priors)])

    def apply(self, model: Model) -> Model:
        """The model file with this training's thresholds."""
        return replace(model, settings={**model.settings, **self.thresholds})

    def frequency_table(self, column: str) -> pa.Table:
        """``<column>``, ``tf_<column>``: as Splink takes a term frequency lookup. Values not in it have ``unseen[column]``."""
        rows = self.frequencies.filter(pc.equal(self.frequencies["column"], column))
        return pa.table({column: rows["value"], f"tf_{column}": rows["share"]})


@dataclass(frozen=True)
class StoredModel:
    """A version as the warehouse keeps it."""

    version: str
    state: str
    artefact: ModelArtefact


def save_candidate(engine: Engine, artefact: ModelArtefact) -> str:
    """Keep a training as a candidate; its version. The same training saved twice is one row, in the state and of the moment it was;
    what the later one found out beside (figures) is added."""
    values = {
        "version": artefact.version, "model_version": artefact.model_version, "trained_at": artefact.trained_at,
        "trained_on": json.dumps(dict(artefact.trained_on)), "weights": json.dumps(artefact.weights),
        "priors": json.dumps(_by_text(artefact.priors)), "frequencies": _packed(artefact.frequencies),
        "unseen": json.dumps(dict(artefact.unseen)), "thresholds": json.dumps(dict(artefact.thresholds)),
        "figures": json.dumps(artefact.figures),
    }
    with engine.begin() as connection:
        if connection.execute(text(_SAVE), values).scalar():
            _note(connection, artefact.version, "trained", BY_ITSELF, "trained on the county's own data", {})
    return artefact.version


def load_active(engine: Engine) -> ModelArtefact | None:
    """The version runs score with; None before the first training."""
    stored = _read(engine, "state = 'active'", {})
    return stored.artefact if stored else None


def load(engine: Engine, version: str) -> StoredModel:
    """One version, whatever its state. ModelStateError if there is none of that name."""
    stored = _read(engine, "version = :version", {"version": version})
    if stored is None:
        raise ModelStateError(f"{version}: no trained model of that version; see `gridhub model show`")
    return stored


def activate(engine: Engine, version: str, by: str, reason: str, figures: Mapping[str, Any] | None = None) -> None:
    """Let ``version`` take over; what was active is retired. Who and why are kept, with ``figures`` of a back-test.

    A retired version may come back; one that is active is so confirmed. ModelStateError if there is none of that name, or who or why is left out.
    """
    if not legible(by) or not legible(reason):
        raise ModelStateError("who activates a model, and why, must be said")
    with engine.begin() as connection:
        lock(connection, "link_model")
        state = connection.execute(text("SELECT state FROM hub.link_model WHERE version = :version"), {"version": version}).scalar()
        if state is None:
            raise ModelStateError(f"{version}: no trained model of that version; see `gridhub model show`")
        for retired in connection.execute(text(_RETIRE), {"version": version}).scalars().all():
            _note(connection, retired, "retired", by, f"{version} took over: {reason}", {})
        connection.execute(text("UPDATE hub.link_model SET state = 'active' WHERE version = :version"), {"version": version})
        _note(connection, version, "activated", by, reason, figures or {})


def note_event(engine: Engine, version: str, kind: str, by: str, reason: str, figures: Mapping[str, Any]) -> None:
    """Keep what happened to a version (``backtested``, ``drift``…), with its figures."""
    with engine.begin() as connection:
        _note(connection, version, kind, by, reason, figures)


def replaced(engine: Engine) -> str | None:
    """The version that was active before the one that is; None if there was none."""
    with engine.connect() as connection:
        return connection.execute(text(_REPLACED)).scalar()


def let_in_by(engine: Engine, version: str) -> str | None:
    """Who last activated a version: ``BY_ITSELF`` if a run did that trained it by the way. None if nobody ever did."""
    with engine.connect() as connection:
        return connection.execute(text(_LET_IN), {"version": version}).scalar()


def listing(engine: Engine) -> list[dict[str, Any]]:
    """Every version, newest first: version, state, model_version, trained_at, trained_on."""
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(_LISTING)).mappings()]


def events(engine: Engine, version: str) -> list[dict[str, Any]]:
    """What happened to a version, oldest first: kind, decided_by, reason, figures, recorded_from."""
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(_EVENTS), {"version": version}).mappings()]


def _read(engine: Engine, where: str, parameters: Mapping[str, Any]) -> StoredModel | None:
    with engine.connect() as connection:
        row = connection.execute(text(f"SELECT * FROM hub.link_model WHERE {where}"), parameters).mappings().first()
    if row is None:
        return None
    artefact = ModelArtefact(
        model_version=row["model_version"], trained_at=row["trained_at"], trained_on=row["trained_on"], weights=row["weights"],
        priors={int(k): v for k, v in row["priors"].items()}, frequencies=pq.ParquetFile(io.BytesIO(row["frequencies"])).read(),
        unseen=row["unseen"], thresholds=row["thresholds"], figures=row["figures"])
    if artefact.version != row["version"]:
        raise ModelStateError(f"{row['version']}: the stored model is damaged, its contents are those of {artefact.version}")
    return StoredModel(row["version"], row["state"], artefact)


def _note(connection: Connection, version: str, kind: str, by: str, reason: str, figures: Mapping[str, Any]) -> None:
    values = {"version": version, "kind": kind, "by": by, "reason": reason, "figures": json.dumps(figures)}
    connection.execute(text(_NOTE), values)


def _packed(frequencies: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(_ordered(frequencies), buffer, compression="zstd")
    return buffer.getvalue()


def _ordered(frequencies: pa.Table) -> pa.Table:
    return frequencies.select(FREQUENCIES.names).cast(FREQUENCIES).sort_by([("column", "ascending"), ("value", "ascending")])


def _rows_told(rows: pa.Table) -> bytes:
    """Each row as Python writes a tuple, end to end: what versions have always been counted over. Every run counts it, so each value is
    written once and the rows are put together by Arrow."""
    columns = []
    for column in rows.itercolumns():
        values = column.combine_chunks().dictionary_encode()
        columns.append(pa.array(map(repr, values.dictionary.to_pylist()), pa.string()).take(values.indices))
    bracketed = pc.binary_join_element_wise("(", pc.binary_join_element_wise(*columns, ", "), ")", "")
    return "".join(bracketed.to_pylist()).encode()


def _by_text(priors: Mapping[int, float]) -> dict[str, float]:
    return {str(round_no): prior for round_no, prior in priors.items()}


_SAVE = """
INSERT INTO hub.link_model (version, state, model_version, trained_at, trained_on, weights, priors, frequencies, unseen, thresholds, figures)
VALUES (:version, 'candidate', :model_version, :trained_at, cast(:trained_on AS jsonb), cast(:weights AS jsonb), cast(:priors AS jsonb),
        :frequencies, cast(:unseen AS jsonb), cast(:thresholds AS jsonb), cast(:figures AS jsonb))
ON CONFLICT (version) DO UPDATE SET figures = link_model.figures || excluded.figures
RETURNING xmax = 0 -- true: a new row
"""
_RETIRE = "UPDATE hub.link_model SET state = 'retired' WHERE state = 'active' AND version <> :version RETURNING version"
_NOTE = """
INSERT INTO hub.link_model_event (version, kind, decided_by, reason, figures, recorded_from)
VALUES (:version, :kind, :by, :reason, cast(:figures AS jsonb), clock_timestamp())
"""
_REPLACED = """
SELECT e.version FROM hub.link_model_event e JOIN hub.link_model m ON m.version = e.version
WHERE e.kind = 'retired' AND m.state = 'retired' ORDER BY e.event_id DESC LIMIT 1
"""
_LET_IN = """
SELECT decided_by FROM hub.link_model_event WHERE kind = 'activated' AND version = :version ORDER BY event_id DESC LIMIT 1
"""
_LISTING = "SELECT version, state, model_version, trained_at, trained_on FROM hub.link_model ORDER BY trained_at DESC, version"
_EVENTS = "SELECT kind, decided_by, reason, figures, recorded_from FROM hub.link_model_event WHERE version = :version ORDER BY recorded_from, event_id"
