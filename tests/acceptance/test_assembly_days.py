"""A county lives for days: what an assembly of each day's changes wrote is what one of everything would have written."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from datetime import date

import pytest

from places.store import NOBODY_NAMED
from profiles import store
from profiles.store import assemble

pytestmark = pytest.mark.timeout(600)


class Undone(Exception):
    """Ends the transaction of an assembly that was only made to be looked at."""


def today(site) -> date:
    """The county's day."""
    with sqlite3.connect(site.county.folder / "county.db") as county:
        return date.fromisoformat(county.execute("SELECT substr(moment, 1, 10) FROM clock").fetchone()[0])


def assembled(site, day: date, *, known: bool = True):
    hub = site.hub()
    return assemble(hub.engine, day, contracts=hub.contracts, known=hub.settings.known if known else None)


def differs(site, day: date, monkeypatch) -> dict[str, int]:
    """How many rows an assembly of everything would write now, by table; it is undone."""
    found: Counter[str] = Counter()
    write = store.write

    class Counted:
        """Takes what it is given, writes nothing."""

        def stage(self, tables) -> None:
            found.update({name: rows.num_rows for name, rows in tables.items()})

        def open(self, target, rows, now) -> None:
            found[target.name] += rows.num_rows

        def execute(self, sql, parameters=None) -> int:
            return 0

    def undone(con, transaction, *given):
        write(con, Counted(), *given)
        raise Undone

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", undone)
        with pytest.raises(Undone):
            assembled(site, day, known=False)
    return {name: rows for name, rows in found.items() if rows}


def live(site, days: int) -> None:
    """Days pass, and what is new is ingested and linked."""
    for _ in range(days):
        site.county.advance()
    hub = site.hub()
    hub.ingest_many()
    hub.link()


def follow(site, monkeypatch, steps: list[int]) -> list[int | None]:
    """Let the county live; after each step the warehouse stands as after an assembly of everything. Records touched."""
    touched = []
    for days in steps:
        if days:
            live(site, days)
        figures = assembled(site, today(site))
        touched.append(figures.records_touched)
        assert differs(site, today(site), monkeypatch) == {}, f"{today(site)}: {figures}"
        ((open_profiles, households),) = site.rows(
            """SELECT (SELECT count(*) FROM hub.profile WHERE recorded_to IS NULL),
                      (SELECT count(*) FROM hub.household WHERE recorded_to IS NULL AND kind = 'residence')"""
        )
        assert open_profiles == households == figures.profiles
    return touched


def test_days_are_followed_by_what_they_changed(new_site, monkeypatch):
    site = new_site(300, 47)
    live(site, 0)
    first, second = follow(site, monkeypatch, [0, 1])
    assert first is None and second > 0
    assert site.rows("SELECT mode FROM hub.assembly_run ORDER BY run_id") == [("whole",), ("changes",)]

    # what the next assembly starts from does not belong to the warehouse any more: everything is worked out
    shutil.rmtree(site.home / "assembly")
    assert follow(site, monkeypatch, [0]) == [None]
    with site.hub().engine.begin() as connection:
        connection.exec_driver_sql("UPDATE hub.assembly_run SET token = 'another'")
    assert follow(site, monkeypatch, [0]) == [None]
    with site.hub().engine.begin() as connection:  # a deleted row that names nobody leaves no trace but the number of rows
        connection.exec_driver_sql(
            """DELETE FROM record.grid_visit WHERE record_key = (
                   SELECT min(record_key) FROM record.grid_visit v
                   WHERE NOT EXISTS (SELECT FROM record.grid_visit_resident r WHERE r.parent_key = v.record_key))"""
        )
    assert follow(site, monkeypatch, [0]) == [None]
    assert follow(site, monkeypatch, [0]) == [0]

    # where a dwelling found empty is turns out to be elsewhere: nobody is named there, and no record was touched
    with site.hub().engine.begin() as connection:
        moved = connection.exec_driver_sql(
            f"""UPDATE hub.address SET dwelling_id = NULL WHERE address_text = (
                    SELECT min(address_text) FROM ({NOBODY_NAMED["grid_visit"]}) empty JOIN hub.address USING (address_text)
                    WHERE dwelling_id IS NOT NULL AND address_text NOT IN (SELECT address_text FROM hub.mention WHERE address_text IS NOT NULL))"""
        )
        assert moved.rowcount == 1
    (touched,) = follow(site, monkeypatch, [0])
    assert touched > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", [53, 59])
def test_weeks_are_followed_through_monthly_files_and_a_new_quarter(new_site, monkeypatch, seed):
    site = new_site(300, seed)
    live(site, 0)
    touched = follow(site, monkeypatch, [0, 1, 2, 3, 1, 7, 1, 21, 1, 1, 30, 1, 5])
    assert None in touched[1:] and any(number is not None for number in touched)
