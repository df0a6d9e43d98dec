"""What datasets are made from: a few tables of the warehouse, read once and at one moment as Arrow, and views over them in DuckDB.

The queries in ``datasets/`` see only what ``views.sql`` makes here; nothing is read twice, and a profile
document streams through without standing in memory as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy import Engine

from contracts.model import Contract
from places import grids
from places.store import NOBODY_NAMED, VISITED
from standards.codes import code_list
from warehouse.bulk import read_arrow
from warehouse.compute import analyst
from warehouse.moment import Moment, moment

HERE = Path(__file__).parent
LISTS = (
    "sex", "ethnicity", "relation", "marital", "schooling", "dwelling_use", "assistance", "allowance_tier",
    "disability_class", "disability_grade", "entity_status", "profile_tag", "service_due", "attribute", "ticket_kind",
    "department",
)  # fmt: skip

# DuckDB table -> query over the hub; what takes longest first.
HUB = {
    "mention": """SELECT feed, record_key, base_key, role, id_number IS NOT NULL AS has_id, dwelling_id, community_code,
                         CASE WHEN group_kind = 'visit' THEN group_key END AS visit_key, dead, death_date, ended, source_time
                  FROM hub.mention""",
    "held": "SELECT recipient, dataset, row_key, content_hash, row_hash FROM hub.extract_row",
    "link": "SELECT feed, record_key, person_id FROM hub.person_link WHERE recorded_to IS NULL",
    "person_row": "SELECT person_id, name, sex, birth_date, id_number, alive, dwelling_id FROM hub.person_profile WHERE recorded_to IS NULL",
    "member_row": """SELECT household_id, kind, person_id, relation, basis, confidence, valid_from
                     FROM hub.household_member WHERE recorded_to IS NULL""",
    "household_row": "SELECT household_id, kind, natural_key FROM hub.household WHERE recorded_to IS NULL",
    "dwelling": """SELECT DISTINCT ON (dwelling_id) dwelling_id, building_id, unit, room
                   FROM hub.address WHERE dwelling_id IS NOT NULL ORDER BY dwelling_id, address_text""",
    "ticket": """SELECT ticket_id, department, feed, record_key, attribute, kind, recorded_from
                 FROM hub.ticket WHERE recorded_to IS NULL AND state = 'open'""",
    # What was only read again (an overlap) was judged before: a batch counts that brought a record, or set aside a row
    # that no earlier batch of its feed had set aside with the same text.
    "result": """WITH news AS (
                     SELECT batch_id FROM hub.batch WHERE state = 'loaded' AND inserted + changed > 0
                     UNION
                     SELECT batch_id FROM hub.batch b JOIN hub.quarantine q USING (batch_id)
                     WHERE b.state = 'loaded' AND b.inserted + b.changed = 0 AND q.part = 0 AND NOT EXISTS (
                         SELECT FROM hub.quarantine e JOIN hub.batch f USING (batch_id)
                         WHERE e.feed = q.feed AND e.table_name = q.table_name AND e.part = 0
                           AND coalesce(e.raw, '') = coalesce(q.raw, '') AND (f.fetched_at, f.batch_id) < (b.fetched_at, b.batch_id))
                 )
                 SELECT feed, dimension, sum(evaluated)::bigint AS evaluated, sum(unexpected)::bigint AS unexpected
                 FROM hub.rule_result JOIN news USING (batch_id) GROUP BY 1, 2""",
}
# DuckDB table -> (record table, its columns): rows that stand.
RECORDS = {
    "register": (
        "psb_register",
        "record_key, station_code, household_no, register_address, cancelled, cancel_reason, cancelled_on",
    ),
    "visit": ("grid_visit", f"record_key, occurred_at, living_status, {VISITED} AS address_text"),
    "family": ("civil_assistance_family", "record_key, card_no, assistance_kind, status, first_month"),
    "disability": ("civil_disability", "record_key, disability_class, disability_grade"),
    "allowance": ("civil_old_age_allowance", "record_key, tier, stopped_month"),
    "exam": ("health_elderly_exam", "record_key, next_due_on"),
    "vaccination": ("health_child_vaccination", "record_key, up_to_date, next_due_on, mother_name"),
    "entity": ("market_entity", "record_key, uscc, entity_name, established_on, status, premises"),
    "compound": ("org_compounds", "compound_id, community_code, name, ends_on"),
    "community_row": ("org_communities", "community_code, name, starts_on, ends_on"),
    "grid_row": ("org_grids", "grid_id, community_code, name, starts_on, ends_on"),
}
DOCUMENTS = "SELECT household_id, version, recorded_from, document FROM hub.profile WHERE recorded_to IS NULL"
# Where empty dwellings and shops stand: no person is named there, so the mention view does not know these texts.
SPOTS = "SELECT address_text, compound_id, dwelling_id FROM hub.address WHERE address_text IN ({texts})"


@contextmanager
def opened(
    engine: Engine, contracts: Mapping[str, Contract], day: date, threads: int = 2, memory_mb: int = 400
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection in which every dataset's query runs, as of ``day``; others of it by :func:`another`."""
    con = analyst(threads, memory_mb)
    try:
        _begin(con, day)
        with moment(engine) as now:
            _read(con, now, _present(engine), day)
        keep(con, "feed", _feeds(contracts))
        keep(con, "label", _labels())
        con.execute(
            "CREATE TABLE holiday AS SELECT * FROM read_csv(?, skip = 2, header = true)", [str(HERE / "holidays.csv")]
        )
        run_stages(con, HERE / "views.sql")
        run_stages(con, HERE / "words.sql")
        yield con
    finally:
        con.close()


def another(con: duckdb.DuckDBPyConnection, day: date) -> duckdb.DuckDBPyConnection:
    """A second connection to what :func:`opened` made, for another thread: variables are each connection's own."""
    made = con.cursor()
    _begin(made, day)
    run_stages(made, HERE / "words.sql")
    return made


def _begin(con: duckdb.DuckDBPyConnection, day: date) -> None:
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    con.execute("SET VARIABLE day = ?", [day])


def run_stages(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Run the statements of an SQL file in order; ``-- stage: <name> — <why>`` opens each."""
    for part in file.read_text(encoding="utf-8").split("-- stage: ")[1:]:
        con.execute(part.split("\n", 1)[1])


def keep(con: duckdb.DuckDBPyConnection, name: str, rows: pa.Table | pa.RecordBatchReader, columns: str = "*") -> None:
    """Make the DuckDB table ``name`` of Arrow rows."""
    con.register("arriving", rows)
    con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {columns} FROM arriving")
    con.unregister("arriving")


def _present(engine: Engine) -> set[str]:
    """The record tables there are: a site may lack a feed."""
    return set(
        read_arrow(engine, "SELECT tablename FROM pg_tables WHERE schemaname = 'record'")["tablename"].to_pylist()
    )


def _read(con: duckdb.DuckDBPyConnection, now: Moment, present: set[str], day: date) -> None:
    queries = dict(HUB)
    for name, (table, columns) in RECORDS.items():
        if table in present:
            queries[name] = f"SELECT {columns} FROM record.{table} WHERE recorded_to IS NULL AND state = 'present'"
        else:
            names = [column.split(" AS ")[-1].strip() for column in _listed(columns)]
            con.execute(f"CREATE TABLE {name} AS SELECT {', '.join(f'NULL AS {n}' for n in names)} WHERE false")
    texts = [query for table, query in NOBODY_NAMED.items() if table in present]
    queries["spot"] = SPOTS.format(texts=" UNION ALL ".join(texts) or "SELECT NULL")
    tables, directory = now.tables(queries), now.tables(grids.QUERIES)
    _documents(con, now)  # while the first of the others arrive
    for name in queries:
        keep(con, name, tables.pop(name).result())
    made = grids.laid({name: table.result() for name, table in directory.items()}, day)
    keep(con, "grid_unit", made.units)
    keep(con, "grid_compound", made.compounds)


def _listed(columns: str) -> list[str]:
    """A column list cut at its commas, those inside parentheses aside."""
    parts, depth, start = [], 0, 0
    for position, sign in enumerate(columns):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and not depth:
            parts.append(columns[start:position])
            start = position + 1
    return [*parts, columns[start:]]


def _feeds(contracts: Mapping[str, Contract]) -> pa.Table:
    rows = [{"feed": c.feed, "title": c.title, "department": c.department} for c in contracts.values()]
    return pa.Table.from_pylist(
        rows, pa.schema([("feed", pa.string()), ("title", pa.string()), ("department", pa.string())])
    )


def _labels() -> pa.Table:
    rows = [{"list": name, "code": c.code, "zh": c.zh} for name in LISTS for c in code_list(name).values()]
    return pa.Table.from_pylist(rows)


def _documents(con: duckdb.DuckDBPyConnection, now: Moment) -> None:
    """Table ``document``: what the extracts need of each profile; the text (5 kB a household) passes through batch by batch."""
    shape = (HERE / "document.json").read_text(encoding="utf-8")
    with now.batches(DOCUMENTS) as rows:
        con.register("arriving", rows)
        con.execute(
            f"""CREATE TABLE document AS SELECT household_id, version, CAST(recorded_from AS DATE) AS written_on,
                       json_transform(document, '{shape}') AS d FROM arriving"""
        )
        con.unregister("arriving")
