"""What a linkage run hands back, as Arrow tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from linkage.patch import lasting, update

LINKS = pa.schema([("feed", pa.string()), ("record_key", pa.string()), ("person_id", pa.string()), ("role", pa.string()),
                   ("rule", pa.string()), ("probability", pa.float64()), ("evidence", pa.string())])
PERSONS = pa.schema([("person_id", pa.string()), ("replaced_by", pa.string())])
EVENTS = pa.schema([("person_id", pa.string()), ("kind", pa.string()), ("other_id", pa.string()), ("cause", pa.string())])
CONFLICTS = pa.schema([("kind", pa.string()), ("feed_l", pa.string()), ("record_key_l", pa.string()), ("feed_r", pa.string()),
                       ("record_key_r", pa.string()), ("probability", pa.float64()), ("evidence", pa.string())])


@dataclass(frozen=True)
class LinkResult:
    """What a run found. ``opened``, ``closed``: links that are new and links that no longer stand, a row a mention. ``persons``:
    people who hold a record since this run, and the ids that were replaced. ``events``: what happened to ids since the run before.
    ``conflicts``: refused links and pairs for review, all that stand. ``learnt``: of a run that trained, else None.
    ``links``: every mention's (only where asked for). ``figures``: counts and seconds."""

    opened: pa.Table
    closed: pa.Table
    persons: pa.Table
    events: pa.Table
    conflicts: pa.Table
    learnt: Learnt | None
    figures: dict[str, Any]
    links: pa.Table


@dataclass(frozen=True)
class Learnt:
    """What a training leaves for the runs after it; linkage.artefact keeps it with a version."""

    weights: dict[str, Any] | None  # None: too few records, the file's weights were used
    priors: dict[int, float]
    frequencies: pa.Table
    unseen: dict[str, float]


# The links of who may be somebody else, and of whose record or reason is another one; the others stand as they are.
_ANSWERED_SQL = """
CREATE OR REPLACE TEMP TABLE answered AS
SELECT i FROM labelled UNION FROM resettled_{last} UNION (SELECT i FROM (FROM changed_form UNION FROM changed_trusted) WHERE i NOT IN (FROM gone))
"""
_LINK_SQL = """
CREATE OR REPLACE {lasting} link_now AS
WITH size AS (SELECT e, count(*) AS n FROM after_{last} WHERE e IN (SELECT e FROM after_{last} WHERE i IN (FROM answered)) GROUP BY e),
whole AS (
    SELECT w.i, f.feed, f.record_key, coalesce(p.person_id, o.person_id) AS person_id, f.role,
           coalesce(w.rule, t.rule, CASE WHEN s.n = 1 THEN 'only_record' ELSE 'first_record' END) AS rule,
           round(w.probability, 4)::DOUBLE AS probability, w.evidence
    FROM after_{last} w JOIN form f USING (i) JOIN size s USING (e) LEFT JOIN person_of p USING (e) LEFT JOIN trusted t USING (i) LEFT JOIN previous o USING (i)
    WHERE w.i IN (FROM answered))
SELECT hash(w) AS digest, w.* FROM whole w
"""
_COLUMNS = ", ".join(LINKS.names)
_FOREIGN = 0.5  # that it is the owner's number after all: only the name beside it is another one


def remember_links(con: duckdb.DuckDBPyConnection, links: pa.Table) -> None:
    """``link``: the links that stand, for a run that remembers nothing else (columns of LINKS)."""
    con.register("links_in", links.cast(LINKS))
    con.execute(f"""CREATE OR REPLACE TABLE link AS
        WITH whole AS (SELECT (md5_number_lower(feed || chr(31) || record_key) >> 1)::BIGINT AS i, {_COLUMNS} FROM links_in)
        SELECT hash(w) AS digest, w.* FROM whole w""")
    con.unregister("links_in")


def collect(con: duckdb.DuckDBPyConnection, last: int, figures: dict[str, Any], learnt: Learnt | None, *, whole: bool) -> LinkResult:
    """From ``form``, ``labelled``, ``person_of``, ``event``, ``refused_*``, ``judged_<last>`` and ``after_<last>``; brings ``link`` to what stands now."""
    con.execute("CREATE OR REPLACE TEMP TABLE holder AS SELECT person_id FROM person_of WHERE person_id IN (SELECT person_id FROM link)")
    con.execute(_ANSWERED_SQL.format(last=last))
    con.execute(_LINK_SQL.format(last=last, lasting=lasting(con, "link")))
    update(con, "link", "link_now", within="FROM answered UNION SELECT i FROM link WHERE i NOT IN (SELECT i FROM form)", before=_COLUMNS)
    opened = con.sql(f"SELECT {_COLUMNS} FROM link WHERE i IN (FROM changed_link) ORDER BY feed, record_key").to_arrow_table().cast(LINKS)
    closed = con.sql("FROM link_before").to_arrow_table().cast(LINKS)
    persons = con.sql(
        """SELECT person_id, NULL::VARCHAR AS replaced_by FROM person_of WHERE person_id NOT IN (FROM holder)
           UNION ALL SELECT person_id, other_id FROM event WHERE kind = 'merged_into' ORDER BY 1"""
    ).to_arrow_table().cast(PERSONS)
    events = con.sql("SELECT * FROM event").to_arrow_table().cast(EVENTS)
    # A pair both ends of which came together after all needs nobody's minute; nor does a doubtful number, where its row was known by other means.
    refused = " UNION ALL ".join(f"FROM refused_{stage}" for stage in range(last + 1))
    conflicts = con.sql(
        f"""SELECT c.kind, a.feed AS feed_l, a.record_key AS record_key_l, b.feed AS feed_r, b.record_key AS record_key_r,
                  round(max(c.probability), 4)::DOUBLE AS probability, max(c.evidence) AS evidence
           FROM (({refused}) UNION ALL
                 SELECT l, r, 'review', probability, rule || ' ' || evidence FROM judged_{last} WHERE verdict <> 'link' UNION ALL
                 SELECT l, r, 'foreign_id', {_FOREIGN}, 'foreign_id' FROM foreign_use JOIN after_{last} a ON a.i = l WHERE a.e NOT IN (SELECT e FROM after_{last} JOIN trusted USING (i))) c
           JOIN form a ON a.i = c.l JOIN form b ON b.i = c.r JOIN after_{last} x ON x.i = c.l JOIN after_{last} y ON y.i = c.r
           WHERE x.e <> y.e GROUP BY ALL ORDER BY ALL"""
    ).to_arrow_table().cast(CONFLICTS)
    figures["persons"] = con.execute(f"SELECT count(*) FROM after_{last} WHERE i = e").fetchall()[0][0]
    figures["rules"] = dict(con.execute("SELECT rule, count(*) AS n FROM link GROUP BY rule ORDER BY n DESC, rule").fetchall())
    figures["conflicts"] = _counts(conflicts["kind"])
    links = con.sql(f"SELECT {_COLUMNS} FROM link ORDER BY feed, record_key").to_arrow_table().cast(LINKS) if whole else LINKS.empty_table()
    return LinkResult(opened, closed, persons, events, conflicts, learnt, figures, links)


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    counted = {str(entry["values"]): entry["counts"] for entry in column.value_counts().to_pylist()}
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
