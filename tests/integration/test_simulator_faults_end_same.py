"""With the county's faults on, every feed ends with exactly the rows it ends with when they are off.

Read by gridhub's own connectors into landing, twice: once while faults strike, once after the county has put right what
it held back.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.connection import from_environment
from connectors.errors import ConnectorError
from connectors.landing import Landing
from connectors.registry import connector_for
from connectors.retry import Patience
from contracts.model import Contract
from contracts.reader import load_contracts
from simulator.county.make import make_county
from simulator.serve.connections import read_connections
from simulator.serve.publish import put_right
from simulator.serve.server import start, stop
from simulator.serve.state import CountyFolder, ServeState, save_state


def keep_last(held: dict, contract: Contract, rows: list[dict], period: str | None) -> None:
    """Into ``held``: each record's last state by the source's order, as the text that came."""
    order_column = contract.table.field(contract.order_field).source if contract.order_field else None
    for row in rows:
        key = "|".join(next((row[c] for c in part if row[c]), "") for part in contract.table.key)
        order = row[order_column] if order_column else period
        order = int(order) if contract.connector == "stream" else (order or "")
        cells = tuple(row[column] for column in contract.source_columns)
        if key not in held or held[key][0] <= order:
            held[key] = (order, cells)


def read_all(folder: CountyFolder, landing: Landing) -> tuple[dict[str, dict], list[str]]:
    """The last rows of every feed, and the deliveries that were refused on the way."""
    resolve = from_environment(read_connections(folder.connections))
    held: dict[str, dict] = {}
    refused, watermarks = [], {}
    for again in (False, True):
        if again:
            put_right(folder, everything=True)
        for feed, contract in load_contracts().items():
            connector = connector_for(contract, Patience(first=0.05))
            connection = resolve(contract.connection)
            for read in connector.plan(contract, connection, watermarks.get(feed, {})):
                try:
                    batch = landing.land(contract, connection, connector, read, fetched_at=datetime.now(UTC))
                except ConnectorError as error:
                    refused.append(str(error))
                    continue
                if batch is None:
                    continue
                reached, before = dict(batch.manifest["watermark"]), watermarks.get(feed, {})
                if "files" in reached:
                    reached["files"] = {**before.get("files", {}), **reached["files"]}
                watermarks[feed] = {**before, **reached}
                keep_last(held.setdefault(feed, {}), contract, batch.records().to_pylist(), read.period)
    return held, refused


@pytest.mark.parametrize("fault_seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 8))])
def test_every_feed_ends_with_the_same_rows(tmp_path: Path, fault_seed: int) -> None:
    calm, faulty = CountyFolder(tmp_path / "calm"), CountyFolder(tmp_path / "faulty")
    make_county(calm.root, 500, 23, 1.0)
    faulty.root.mkdir()
    shutil.copy(calm.county_db, faulty.county_db)
    without, nothing = served_and_read(calm, ServeState(), tmp_path / "calm-landing")
    faults = ServeState(faults=True, fault_seed=fault_seed, fault_delay=3600)
    with_faults, refused = served_and_read(faulty, faults, tmp_path / "faulty-landing")
    assert nothing == [] and refused  # the faults struck
    assert without.keys() == with_faults.keys() and len(without) >= 28
    for feed, rows in without.items():
        assert with_faults[feed] == rows, feed


def served_and_read(folder: CountyFolder, state: ServeState, landing: Path) -> tuple[dict[str, dict], list[str]]:
    save_state(folder, state)
    start(folder)
    try:
        return read_all(folder, Landing(landing))
    finally:
        stop(folder)
