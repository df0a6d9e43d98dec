"""Assemble households and profiles in the warehouse: read what changed, work in DuckDB, write only what changed.

Where the outcome of the last assembly is still known (profiles.known), only what was touched since is worked out; the
result is that of working everything out. Otherwise, and where much was touched, the whole county is.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import duckdb
from sqlalchemy import Connection, Engine, text

from contracts.model import Contract
from contracts.reader import load_contracts
from places.directory import read_directory
from places.grids import QUERIES, GridMap, laid
from profiles import assembly, believed
from profiles.changes import OPEN_LINKS, counts, known_mentions, read_changes, touched_keys
from profiles.facts import Beside, read_facts
from profiles.known import Known, Standing
from profiles.writing import Outcome, analyse, record_run, write
from warehouse.bulk import lock, writing
from warehouse.compute import analyst, memory_for
from warehouse.snapshot import Horizon, Snapshot, snapshot

MOST = 0.06  # of all records: where more were touched, the whole is worked out faster than what they touch
FEW = 2_000  # touched records that are always few


@dataclass(frozen=True)
class ProfileFigures:
    """Open rows after the assembly, how many profiles got a new version in it, and how many records it looked at
    (``records_touched``: None where it worked everything out)."""

    residence_households: int
    register_households: int
    assistance_households: int
    persons: int
    profiles: int
    profiles_changed: int
    tickets_opened: int
    tickets_closed: int
    records_touched: int | None = None

    def counts(self) -> dict[str, int]:
        """The figures as plain numbers."""
        return {name: number for name, number in asdict(self).items() if number is not None}


def assemble(
    engine: Engine,
    as_of: date,
    threads: int = 2,
    memory_mb: int | None = None,
    departments: Mapping[str, str] | None = None,
    contracts: Mapping[str, Contract] | None = None,
    known: Path | None = None,
    beside: Beside | None = None,
    anew: bool = False,
) -> ProfileFigures:
    """Households of three kinds, surviving values, profile documents and correction tickets as of ``as_of``, in one
    transaction. ``contracts``: default the packaged ones; ``departments``: feed → department, default the contracts'.
    ``known``: folder for what an assembly leaves to the next; without it everything is worked out each time.
    ``anew``: what is there is removed, so that nothing of erased records stays in it. ``beside``: reads at the assembly's moment too. ``memory_mb``: default by the number of linked records."""
    contracts = load_contracts() if contracts is None else contracts
    if departments is None:
        departments = {contract.feed: contract.department for contract in contracts.values()}
    with engine.connect() as connection:
        links = connection.execute(text(OPEN_LINKS)).scalar_one()
    con = analyst(threads, memory_for(links, memory_mb) * 4 // 5)  # the rest is for rows that come and go as Arrow
    try:
        # One assembly at a time: what is believed now is read, and what a killed one left is swept, under the lock.
        with engine.begin() as connection:
            lock(connection, "profiles")
            file = Known(known, links) if known else None
            if anew and file:
                file.forget()
            return _Run(con, engine, connection, as_of, departments, beside).from_warehouse(contracts, file)
    finally:
        con.close()


def settle(
    con: duckdb.DuckDBPyConnection, engine: Engine, grids: GridMap, departments: Mapping[str, str]
) -> ProfileFigures:
    """The assembly of what stands in ``con`` (tables as profiles.facts leaves them, variable ``day``) into the warehouse."""
    (day,) = con.execute("SELECT CAST(getvariable('day') AS DATE)").fetchall()[0]
    with engine.begin() as connection:
        lock(connection, "profiles")
        return _Run(con, engine, connection, day, departments).whole(grids)


def _nothing() -> None:
    pass


class _Run:
    """One assembly under its lock."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, engine: Engine, connection: Connection, day: date, departments: Mapping[str, str],
        beside: Beside | None = None,
    ) -> None:  # fmt: skip
        self.con, self.engine, self.connection, self.day = con, engine, connection, day
        self.departments, self.beside = departments, beside
        self.token = uuid.uuid4().hex

    def from_warehouse(self, contracts: Mapping[str, Contract], known: Known | None) -> ProfileFigures:
        """What changed since the last assembly if that can be told, else everything."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="attach") as other, snapshot(self.engine) as moment:
            last = other.submit(known.attach, self.con) if known else None
            grids = laid(moment.read_all(QUERIES), self.day, self.con.cursor())
            directory = read_directory(self.engine, moment.read).digest
            signature = assembly.signature(self.departments, moment)
            standing = Standing(self.token, signature, self.day, moment.horizon(), directory, 0)
            figures = last and self._changes(known, last.result(), standing, contracts, moment, grids)
            if figures:
                return figures
            if known:
                known.anew(self.con)
            read_facts(self.con, moment, self.beside)
            (facts,) = self.con.execute("SELECT count(*) FROM fact").fetchall()[0]
            standing = replace(standing, orphans=counts(moment)()["fact"] - facts)
            self._read_beside()
        figures = self.whole(grids, partial(known.to_disk, self.con) if known else _nothing)
        if known:
            known.remember(self.con, standing)
            known.detach(self.con)
        return figures

    def _read_beside(self) -> None:
        if self.beside:
            self.beside.finish()

    def _settled(self) -> None:
        if self.beside:
            self.beside.settled(self.con)

    def whole(self, grids: GridMap, meanwhile: Callable[[], None] = _nothing) -> ProfileFigures:
        """Everything, from the facts in DuckDB; ``meanwhile``: what else to do while PostgreSQL has most to do."""
        assembly.prepare(self.con, self.day, self.departments)
        assembly.facts_to_membership(self.con, grids)
        believed.read(self.con, self.engine, self.day)
        assembly.membership_to_documents(self.con)
        self._settled()
        outcomes = {name: (f"old_{name}", name) for name in assembly.OUTCOMES}
        return self._write(outcomes, None, meanwhile)

    def _changes(
        self, known: Known, last: Standing | None, standing: Standing, contracts: Mapping[str, Contract], moment: Snapshot, grids: GridMap
    ) -> ProfileFigures | None:  # fmt: skip
        """What was touched since the ``last`` assembly, worked out and written; None if everything has to be."""
        if last is None or not self._follows(last, standing):
            return None
        keys = touched_keys(self.con, moment, contracts, last.horizon)
        (records,) = self.con.execute("SELECT count(*) FROM fact").fetchall()[0]
        if keys is None or len(keys) > max(FEW, MOST * records):
            return None
        changes, counted = read_changes(self.con, moment, keys), counts(moment)
        (threads,) = self.con.execute("SELECT current_setting('threads')").fetchall()[0]
        self.con.execute("SET threads = 1")  # hundreds of small statements: sharing each out costs more than it saves
        if self.beside:
            self.beside.begin(moment, known_mentions(self.con, moment, changes))
        self.con.execute("BEGIN TRANSACTION")
        assembly.prepare(self.con, self.day, self.departments)
        assembly.move_on(self.con, last.day, changes, grids)
        self._read_beside()
        if not self._sound(counted(), last):
            self.con.execute("ROLLBACK")
            self.con.execute("SET threads = ?", [threads])
            return None
        self._settled()
        believed.read_versions(self.con, self.engine)
        figures = self._write({name: (f"was_{name}", f"now_{name}") for name in assembly.OUTCOMES}, len(keys))
        known.remember(self.con, replace(standing, orphans=last.orphans))
        self.con.execute("COMMIT")
        known.detach(self.con)
        return figures

    def _follows(self, last: Standing, now: Standing) -> bool:
        """Whether this assembly can start from that one: it is the warehouse's last, under the same rules and places, and
        no quarter of a year ended since (evidence ages by quarters)."""
        token = self.connection.execute(text("SELECT token FROM hub.assembly_run ORDER BY run_id DESC LIMIT 1")).scalar()
        return (
            (token, last.signature, last.directory) == (last.token, now.signature, now.directory)
            and last.day <= now.day
            and _quarter(last.day) == _quarter(now.day)
        )

    def _sound(self, counted: Mapping[str, int], last: Standing) -> bool:
        """Whether as many rows are known as were ``counted`` in the warehouse (where rows were deleted, nothing says so), and each
        household has an id of its own."""
        expected = {**counted, "fact": counted["fact"] - last.orphans}
        known = {name: self.con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in expected}
        households, ids = self.con.execute("SELECT count(*), count(DISTINCT household_id) FROM household").fetchall()[0]
        return known == expected and households == ids

    def _write(
        self, outcomes: Mapping[str, tuple[str, str]], touched: int | None, meanwhile: Callable[[], None] = _nothing
    ) -> ProfileFigures:
        """Write what differs between the pairs of tables (believed, so now) of each outcome; ``meanwhile`` as in :meth:`whole`."""
        now, whole = datetime.now(UTC), touched is None
        with writing(self.engine) as transaction:
            figures = _figures(self.con, write(self.con, transaction, outcomes, now, meanwhile), touched)
            record_run(transaction, self.token, self.day, figures.counts(), whole, now)
            if whole:
                analyse(transaction)
        return figures


def _quarter(day: date) -> tuple[int, int]:
    return day.year, (day.month - 1) // 3


def _figures(con: duckdb.DuckDBPyConnection, outcome: Outcome, touched: int | None) -> ProfileFigures:
    kinds = dict(con.execute("SELECT kind, count(*) FROM household GROUP BY kind").fetchall())
    persons, profiles = (con.execute(f"SELECT count(*) FROM {t}").fetchall()[0][0] for t in ("person_profile", "profile"))
    return ProfileFigures(
        kinds.get("residence", 0), kinds.get("register", 0), kinds.get("assistance", 0), persons, profiles,
        outcome.profiles_changed, outcome.tickets_opened, outcome.tickets_closed, touched,
    )  # fmt: skip


__all__ = ["Horizon", "ProfileFigures", "assemble", "settle"]
