"""Who is handed something today: departments as they are, a template's agreement for every unit of the directory,
each as often as its agreement says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import duckdb

from contracts.agreements import Agreement
from publish.datasets import UNIT_COLUMN

UNIT_TABLE = {"community": "community_row", "grid": "grid_row"}


@dataclass(frozen=True)
class Party:
    """One agreement and those it is made with today: recipient → its own agreement."""

    agreement: Agreement  # a template's stands for all its units
    recipients: dict[str, Agreement]


@dataclass(frozen=True)
class Handed:
    """A recipient's last extract: sequence, digest of its manifest, the day it stands for and when it was handed out."""

    sequence: int
    digest: str
    as_of: date
    at: datetime


def parties(con: duckdb.DuckDBPyConnection, agreements: Iterable[Agreement]) -> list[Party]:
    """The parties of agreements that are in force on the connection's day (the caller has left out the others).
    A unit outside its dates is no party: it keeps what it was handed last."""
    return [Party(a, _units(con, a) if a.template else {a.recipient: a}) for a in agreements]


def _units(con: duckdb.DuckDBPyConnection, agreement: Agreement) -> dict[str, Agreement]:
    column = UNIT_COLUMN[agreement.kind]
    rows = con.execute(
        f"""SELECT DISTINCT {column} FROM {UNIT_TABLE[agreement.kind]}
            WHERE (starts_on IS NULL OR starts_on <= getvariable('day')) AND (ends_on IS NULL OR ends_on > getvariable('day'))
            ORDER BY 1"""
    ).fetchall()
    made = [agreement.made_for(unit) for (unit,) in rows]
    return {one.recipient: one for one in made}


def due(made: Iterable[Party], last: Mapping[str, Handed], day: date) -> list[Party]:
    """The parties with those of their recipients that may be handed an extract on ``day``."""
    serving = []
    for party in made:
        now = {
            name: agreement for name, agreement in party.recipients.items() if _is_due(agreement, last.get(name), day)
        }
        if now:
            serving.append(replace(party, recipients=now))
    return serving


def _is_due(agreement: Agreement, before: Handed | None, day: date) -> bool:
    """Whether ``frequency`` lets an extract out: daily any time, weekly from the seventh day after the last one, monthly
    from the next calendar month. The first is always due."""
    if before is None or agreement.frequency == "daily":
        return True
    if agreement.frequency == "weekly":
        return day >= before.as_of + timedelta(days=7)
    return (day.year, day.month) > (before.as_of.year, before.as_of.month)
