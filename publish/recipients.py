"""Who is handed something today: departments as they are, a template's agreement for every unit of the directory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from contracts.agreements import Agreement
from publish.datasets import UNIT_COLUMN

UNIT_TABLE = {"community": "community_row", "grid": "grid_row"}


@dataclass(frozen=True)
class Party:
    """One agreement and those it is made with today: recipient → its own agreement."""

    agreement: Agreement  # a template's stands for all its units
    recipients: dict[str, Agreement]


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
