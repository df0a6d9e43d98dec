"""Simulated counties as the linkage sees them: made, served, ingested and assembled by the real pipeline, with their truth.

A county that was made once can be kept (``--keep``): the same seed, size and noise give the same county as long as the simulator,
the standards and the resolution of addresses stay as they are.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.linkage_case import Case
from benchmarks.stock_splink import COUNTY

ROOT = Path(__file__).resolve().parents[1]

_STRATA = """
WITH truth AS (SELECT feed, source_key, true_person_id AS person_id FROM read_csv($crosswalk, header = true, all_varchar = true)),
person AS (SELECT true_person_id AS person_id, name, birth_date::DATE AS birth, id_number FROM read_csv($persons, header = true, all_varchar = true)),
home AS (SELECT household_id, true_person_id AS person_id FROM read_csv($households, header = true, all_varchar = true) WHERE kind IN ('residence', 'register')),
told AS (SELECT t.*, m.id_number, m.id_text, m.id_embedded, p.birth, p.id_number AS true_id
         FROM truth t JOIN person p USING (person_id) JOIN mention m ON m.feed = t.feed AND m.record_key = t.source_key),
carried AS (SELECT t.person_id, unnest([m.phone, m.phone_second, m.phone_home]) AS phone FROM truth t JOIN mention m ON m.feed = t.feed AND m.record_key = t.source_key
            WHERE t.feed <> 'grid_request'),
-- a request says a name, a telephone and an address: the telephone must be one the person, or somebody of his household, is known by
told_by_phone AS (SELECT t.source_key FROM truth t JOIN mention m ON m.feed = t.feed AND m.record_key = t.source_key JOIN carried c ON c.phone = m.phone
                  WHERE t.feed = 'grid_request' AND (c.person_id = t.person_id OR EXISTS (
                      FROM home a JOIN home b USING (household_id) WHERE a.person_id = t.person_id AND b.person_id = c.person_id))),
twin AS (SELECT DISTINCT a.person_id FROM home a JOIN home b USING (household_id) JOIN person p ON p.person_id = a.person_id
         JOIN person q ON q.person_id = b.person_id WHERE a.person_id <> b.person_id AND p.birth = q.birth),
tenant AS (SELECT DISTINCT person_id FROM truth WHERE feed = 'psb_permit')
SELECT feed, source_key, 'without ID' AS stratum FROM told WHERE coalesce(id_number, id_embedded) IS NULL
UNION ALL SELECT feed, source_key, 'wrong ID' FROM told WHERE id_number IS NOT NULL AND id_number <> true_id
UNION ALL SELECT feed, source_key, 'unusable ID' FROM told WHERE id_number IS NULL AND id_text IS NOT NULL
UNION ALL SELECT feed, source_key, 'children' FROM told WHERE birth > (SELECT max(birth) FROM person) - INTERVAL 14 YEAR
UNION ALL SELECT feed, source_key, 'tenants' FROM told WHERE person_id IN (FROM tenant)
UNION ALL SELECT feed, source_key, 'name and address alone' FROM truth WHERE feed = 'grid_request' AND source_key NOT IN (FROM told_by_phone)
UNION ALL SELECT feed, source_key, 'twins' FROM told WHERE person_id IN (FROM twin)
"""


def county(persons: int, seed: int, noise: float, keep: Path | None = None) -> Case:
    """The case of one county; ``keep``: a folder of counties made before. Its servers end with the call."""
    name = f"county of {persons:,}, noise {noise:g}, seed {seed}"
    kept = keep / f"{persons}-{seed}-{noise:g}" if keep else None
    if kept is None or not kept.exists():
        with tempfile.TemporaryDirectory(prefix="bench-linkage-") as folder:
            tables, households = _made(Path(folder), persons, seed, noise)
        if kept:
            _write(kept, tables, households)
    else:
        tables = {part: pq.read_table(kept / f"{part}.parquet") for part in ("mentions", "truth", "strata")}
        households = json.loads((kept / "households.json").read_text(encoding="utf-8"))
    return Case(name, f"county noise {noise:g}", tables["mentions"], tables["truth"], COUNTY, strata=tables["strata"], households=households)


def _write(folder: Path, tables: dict[str, pa.Table], households: dict) -> None:
    with tempfile.TemporaryDirectory(dir=_made_folder(folder.parent)) as half:  # a run that is stopped leaves no half county
        for part, table in tables.items():
            pq.write_table(table, Path(half) / f"{part}.parquet")
        (Path(half) / "households.json").write_text(json.dumps(households), encoding="utf-8")
        shutil.copytree(half, folder)


def _made_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _made(folder: Path, persons: int, seed: int, noise: float) -> tuple[dict[str, pa.Table], dict]:
    from simulator.county.make import make_county

    make_county(folder / "county", persons, seed, noise)
    _simulator("serve", folder / "county", "--background")
    try:
        mentions, households = _assembled(folder)
    finally:
        _simulator("stop", folder / "county")
    truth, strata = _truth(folder / "county" / "truth", mentions)
    return {"mentions": mentions, "truth": truth, "strata": strata}, households


def _simulator(command: str, folder: Path, *options: str) -> None:
    subprocess.run([sys.executable, "-m", "simulator", command, "--dir", str(folder), *options], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def _assembled(folder: Path) -> tuple[pa.Table, dict]:
    from connectors.connection import from_environment
    from gridhub.pipeline import Hub
    from gridhub.settings import Settings
    from reports.evaluate import evaluate
    from warehouse.bulk import read_arrow
    from warehouse.embedded import EmbeddedServer

    environ = {}
    for line in (folder / "county" / "connections.env").read_text(encoding="utf-8").splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        if name.startswith("AIRFLOW_CONN_"):
            environ[name] = shlex.split(value)[0]
    hub = Hub(Settings.from_environment({"GRIDHUB_HOME": str(folder / "home")}), from_environment(environ))
    try:
        hub.ingest_many()
        hub.link()
        hub.assemble()
        figures = evaluate(hub.engine, folder / "county" / "truth")
        households = {name: value for name, value in figures.items() if name.startswith(("residence", "address_string"))}
        return read_arrow(hub.engine, "SELECT * FROM hub.mention"), households
    finally:
        hub.engine.dispose()
        EmbeddedServer(folder / "home").destroy()


def _truth(folder: Path, mentions: pa.Table) -> tuple[pa.Table, pa.Table]:
    with duckdb.connect() as con:
        con.register("mention", mentions)
        paths = {name: str(folder / f"{name}.csv") for name in ("crosswalk", "persons", "households")}
        truth = con.sql("SELECT feed, source_key, true_person_id AS person_id FROM read_csv($crosswalk, header = true, all_varchar = true)",
                        params={"crosswalk": paths["crosswalk"]}).to_arrow_table()
        return truth, con.sql(_STRATA, params=paths).to_arrow_table()
