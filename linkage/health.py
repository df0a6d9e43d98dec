"""Cluster health (聚类体检): whether the persons of the warehouse look like persons. Works on what is stored, not on a run.

Nothing here is taken from what the run says of itself: numbers, dates and groups are worked out again from the records of each
person, so that an error in linking does not hide itself. Limits and their reasons are in ``limits.yaml``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sqlalchemy import Engine, text

from linkage.limits import load_limits
from linkage.model import load_model
from warehouse.bulk import read_arrow
from warehouse.compute import analyst

SHOWN = 20  # persons named for somebody to look at, the ones with most records first
AT_ONCE = 1_000_000  # records held in memory at once, about 300 MB
SIZES = ((1, "1"), (2, "2"), (3, "3"), (5, "4-5"), (10, "6-10"), (20, "11-20"), (50, "21-50"), (10**9, "51+"))


@dataclass(frozen=True)
class Check:
    """One check: how many persons it found, from how many on that is too many, and some of them to look at."""

    name: str
    persons: int
    allowed: int
    reason: str
    examples: tuple[str, ...]  # person ids

    @property
    def alarm(self) -> bool:
        """More persons than allowed."""
        return self.persons > self.allowed


@dataclass(frozen=True)
class Health:
    """All checks of a moment. ``sizes``: records a person, in classes → persons. ``twice_registered``: 双重户口, for information."""

    persons: int
    records: int
    largest: int
    sizes: dict[str, int]
    twice_registered: int
    checks: tuple[Check, ...]

    def as_figures(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"persons": self.persons, "records": self.records, "largest": self.largest, "sizes": self.sizes,
                "twice_registered": self.twice_registered,
                "checks": [{"check": c.name, "persons": c.persons, "allowed": c.allowed, "alarm": c.alarm, "examples": list(c.examples)} for c in self.checks]}


def examine(engine: Engine) -> Health:
    """The health of the persons that are linked now; nothing is written. QueryError if the warehouse can't be read.

    A million records at a time: each check looks at one person only, so parts by person add up.
    """
    (records,) = read_arrow(engine, "SELECT count(*) AS n FROM hub.person_link WHERE recorded_to IS NULL")["n"].to_pylist()
    parts, aliases = 1 + records // AT_ONCE, _aliases(engine)
    return combine([judge(read_arrow(engine, _RECORDS, {"parts": parts, "part": part}), aliases) for part in range(parts)])


def latest(engine: Engine) -> dict[str, Any]:
    """Figures of the health after the last linkage run: worked out once a run and kept with it. Empty before the first run."""
    last = text("SELECT run_id, figures -> 'health' AS health FROM hub.link_run ORDER BY run_id DESC LIMIT 1")
    with engine.connect() as connection:
        row = connection.execute(last).mappings().first()
    if row is None or row["health"]:
        return row["health"] if row else {}
    figures = examine(engine).as_figures()
    keep = text("UPDATE hub.link_run SET figures = jsonb_set(figures, '{health}', cast(:health AS jsonb)) WHERE run_id = :run")
    with engine.begin() as connection:
        connection.execute(keep, {"health": json.dumps(figures), "run": row["run_id"]})
    return figures


def combine(parts: list[Health]) -> Health:
    """The health of all from that of parts that share no person."""
    limits, persons = load_limits(), sum(part.persons for part in parts)
    checks = []
    for same in zip(*(part.checks for part in parts), strict=True):
        rate = limits.get(f"{same[0].name}_rate")
        allowed = ceil(rate.value * persons) if rate else same[0].allowed
        examples = tuple(person for check in same for person in check.examples)[:SHOWN]
        checks.append(replace(same[0], persons=sum(check.persons for check in same), allowed=allowed, examples=examples))
    sizes = {name: sum(part.sizes[name] for part in parts) for _, name in SIZES}
    return Health(persons, sum(part.records for part in parts), max(part.largest for part in parts), sizes,
                  sum(part.twice_registered for part in parts), tuple(checks))


def judge(records: pa.Table, aliases: pa.Table) -> Health:
    """The same, pure. ``records``: a row a linked mention (columns of ``_RECORDS``); ``aliases``: id_number, canonical."""
    con = analyst()
    try:
        for macro in load_model().macros:
            con.execute(macro)
        con.register("record_in", records)
        con.register("alias_in", aliases)
        _hear(con)
        con.execute(_PREPARE)
        return _judge(con)
    finally:
        con.close()


def _judge(con: duckdb.DuckDBPyConnection) -> Health:
    limits = load_limits()
    sizes = con.sql("SELECT count(*) AS n FROM record GROUP BY person_id").to_arrow_table()["n"].to_numpy()
    persons = len(sizes)
    _bridge_parts(con, int(limits["bridge_part"].value))

    def check(name: str, sql: str, *, rate: bool = False, **values: Any) -> Check:
        found = con.sql(sql, params=values).to_arrow_table()["person_id"].to_pylist() if values else con.sql(sql).to_arrow_table()["person_id"].to_pylist()
        limit = limits[f"{name}_rate" if rate else name]
        allowed = ceil(limit.value * persons) if rate else int(limit.value)
        return Check(name, len(found), allowed, limit.reason, tuple(found[:SHOWN]))

    large = con.sql("SELECT person_id FROM record GROUP BY person_id HAVING count(*) > $n ORDER BY count(*) DESC, person_id",
                    params={"n": limits["largest_person"].value}).to_arrow_table()["person_id"].to_pylist()
    checks = (
        check("two_valid_ids", _TWO_IDS),
        check("two_register_rows", _TWO_REGISTERED),
        check("two_birth_dates", _TWO_BIRTHS, rate=True),
        check("bridge", _BRIDGES, rate=True),
        check("weak", _WEAK, rate=True, weak=limits["weak_link"].value),
        Check("largest_person", len(large), 0, limits["largest_person"].reason, tuple(large[:SHOWN])),
    )
    twice = con.execute(_TWICE).fetchall()[0][0]
    return Health(persons, int(sizes.sum()), int(sizes.max(initial=0)), _classes(sizes), twice, checks)


def _hear(con: duckdb.DuckDBPyConnection) -> None:
    """``sound``: each name once, by its pinyin with variants folded, so that a name typed by ear is no other name."""
    from standards.pinyin import syllables
    from standards.variants import fold

    names = con.sql("SELECT DISTINCT name FROM record_in WHERE name IS NOT NULL ORDER BY name").to_arrow_table()["name"].combine_chunks().cast(pa.string())
    con.register("sound_in", pa.table({"name": names, "sound": syllables(fold(names))}))
    con.execute("CREATE TABLE sound AS SELECT * FROM sound_in")
    con.unregister("sound_in")


def _classes(sizes: np.ndarray) -> dict[str, int]:
    edges = np.array([upper for upper, _ in SIZES])
    counts = np.bincount(np.searchsorted(edges, sizes), minlength=len(SIZES))
    return {name: int(n) for (_, name), n in zip(SIZES, counts, strict=True)}


def _bridge_parts(con: duckdb.DuckDBPyConnection, least: int) -> None:
    """``part`` (person_id, part, records): groups of a person's records that agree among themselves on something that few share."""
    keys = con.sql(_KEYS).to_arrow_table()
    owners = con.sql("SELECT r, person_id, CASE WHEN sound IS NOT NULL OR number IS NOT NULL THEN feed END AS feed FROM record ORDER BY r").to_arrow_table()
    nodes, found = owners.num_rows, keys["k"].to_numpy()
    size = nodes + (int(found.max()) + 1 if len(found) else 0)
    graph = coo_array((np.ones(len(found), dtype=np.int8), (keys["r"].to_numpy(), nodes + found)), shape=(size, size))
    component = connected_components(graph, directed=False)[1][:nodes]
    con.register("component_in", owners.append_column("part", pa.array(component.astype(np.int64))))
    con.execute("""CREATE TABLE part AS SELECT person_id, part, count(feed) AS records, count(DISTINCT feed) AS feeds
        FROM component_in GROUP BY ALL HAVING records >= $least AND feeds > 1""", {"least": least})
    con.unregister("component_in")


def _aliases(engine: Engine) -> pa.Table:
    """Numbers a register row carried earlier, with the one it carries now; none in a warehouse without register."""
    from linkage.reading import earlier_numbers

    raw = earlier_numbers(engine)
    if raw is None:
        return pa.table({"id_number": pa.array([], pa.string()), "canonical": pa.array([], pa.string())})
    now = read_arrow(engine, "SELECT record_key, id_number AS canonical FROM record.psb_register WHERE recorded_to IS NULL AND id_number IS NOT NULL")
    return raw.join(now, "record_key", join_type="inner").select(["id_number", "canonical"])


_RECORDS = """
SELECT l.person_id, l.rule, l.probability, m.feed, m.record_key, m.name, m.sex,
       CASE WHEN coalesce(m.birth_precision, 'day') = 'day' THEN m.birth_date END AS birth_date,
       m.id_number, m.id_text, m.id_embedded, m.phone, m.dwelling_id, m.ref_feed, m.ref_key, m.ended
FROM hub.person_link l JOIN hub.mention m ON m.feed = l.feed AND m.record_key = l.record_key WHERE l.recorded_to IS NULL AND mod(abs(hashtext(l.person_id)::bigint), :parts) = :part
"""
# A number is a record's own if a number linked the record and what was typed beside it does not speak against it: a pupil's row
# may carry the mother's number and, inside the pupil number, the child's.
_PREPARE = """
CREATE TABLE alias AS SELECT id_number, min(canonical) AS canonical FROM alias_in GROUP BY 1;
CREATE TABLE record AS
WITH told AS (
    SELECT (row_number() OVER (ORDER BY person_id, feed, record_key) - 1)::BIGINT AS r, *,
           year(birth_date)::INT * 10000 + month(birth_date)::INT * 100 + day(birth_date)::INT AS birth FROM record_in),
used AS (
    SELECT r, 0 AS place, id_number AS n, birth, sex FROM told WHERE rule IN ('same_valid_id', 'id_inside_other_number')
    UNION ALL SELECT r, 1, id_embedded, birth, sex FROM told WHERE rule IN ('same_valid_id', 'id_inside_other_number')),
own AS (
    SELECT r, arg_min(coalesce(canonical, n), place) AS number FROM used LEFT JOIN alias ON id_number = n
    WHERE n IS NOT NULL AND coalesce(birth_possible(birth, n[7:14]::INT), true)
      AND coalesce(sex = CASE WHEN n[17:17]::INT % 2 = 1 THEN '1' ELSE '2' END OR birth = n[7:14]::INT, true) GROUP BY r)
SELECT told.*, own.number, s.sound FROM told LEFT JOIN own USING (r) LEFT JOIN sound s ON s.name = told.name
"""
_TWO_IDS = """
SELECT person_id FROM record WHERE number IS NOT NULL GROUP BY person_id HAVING count(DISTINCT number) > 1 ORDER BY count(*) DESC, person_id
"""
_TWO_REGISTERED = """
SELECT person_id FROM record WHERE feed = 'psb_register' AND NOT coalesce(ended, false) GROUP BY person_id
HAVING count(*) > 1 AND count(DISTINCT coalesce(number, id_number, record_key)) > 1 ORDER BY count(*) DESC, person_id
"""
_TWICE = """
SELECT count(*) FROM (SELECT person_id FROM record WHERE feed = 'psb_register' AND NOT coalesce(ended, false)
                      GROUP BY person_id HAVING count(*) > 1 AND count(DISTINCT coalesce(number, id_number, record_key)) = 1)
"""
# The number says the date of who has one; a typed date counts where there is none, and where no number linked the record.
_TWO_BIRTHS = """
WITH told AS (
    SELECT DISTINCT person_id, CASE WHEN number IS NOT NULL THEN number[7:14]::INT
                                    WHEN NOT regexp_matches(rule, '(^|_)id(_|$)') THEN birth END AS birth FROM record)
SELECT a.person_id FROM told a JOIN told b ON a.person_id = b.person_id AND a.birth < b.birth
WHERE NOT birth_possible(a.birth, b.birth) GROUP BY a.person_id ORDER BY a.person_id
"""
# A record without name and number (an examination) is nobody's evidence by itself, hence no feed in component_in.
# What two records of one person hardly share unless they are about the same body.
_KEYS = """
WITH told AS (
    SELECT r, person_id, hash('number', number) AS key FROM record WHERE number IS NOT NULL
    UNION ALL SELECT r, person_id, hash('record', ref_feed, ref_key) FROM record WHERE ref_key IS NOT NULL
    UNION ALL SELECT r, person_id, hash('record', feed, record_key) FROM record
    UNION ALL SELECT r, person_id, hash('birth', sound, birth) FROM record WHERE sound IS NOT NULL AND birth IS NOT NULL
    UNION ALL SELECT r, person_id, hash('birth', sound, number[7:14]::INT) FROM record WHERE sound IS NOT NULL AND number IS NOT NULL
    UNION ALL SELECT r, person_id, hash('phone', sound, phone) FROM record WHERE sound IS NOT NULL AND phone IS NOT NULL
    UNION ALL SELECT r, person_id, hash('home', sound, dwelling_id) FROM record WHERE sound IS NOT NULL AND dwelling_id IS NOT NULL
    UNION ALL SELECT r, person_id, hash('mask', number[1:6] || number[15:18]) FROM record WHERE number IS NOT NULL
    UNION ALL SELECT r, person_id, hash('mask', id_text[1:6] || right(id_text, 4)) FROM record WHERE regexp_matches(id_text, '^[0-9]{6}[*]+[0-9]{3}[0-9Xx]$'))
SELECT r, dense_rank() OVER (ORDER BY person_id, key) - 1 AS k FROM told
"""
_BRIDGES = "SELECT person_id FROM part GROUP BY person_id HAVING count(*) > 1 ORDER BY sum(records) DESC, person_id"
_WEAK = """
SELECT person_id FROM record GROUP BY person_id
HAVING count(*) > 2 AND count(number) = 0 AND min(probability) < $weak ORDER BY count(*) DESC, person_id
"""
