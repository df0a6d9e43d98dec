"""Brings every transport to the county's present moment: exchange database, REST offers, drop folders, directory."""

from __future__ import annotations

import sqlite3

from simulator.serve.delivery import deliver, settle
from simulator.serve.exchange import publish_postgresql, publish_sqlite
from simulator.serve.files import publish_org
from simulator.serve.offers import publish_offers
from simulator.serve.state import CountyFolder, ServeError, ServeState, exclusive, write_private


def county_moment(folder: CountyFolder) -> str:
    """The county's clock; ServeError when there is no county."""
    if not folder.county_db.exists():
        raise ServeError(f"{folder.root}: no county here; make one with `python -m simulator make --dir`")
    con = sqlite3.connect(f"file:{folder.county_db}?mode=ro", uri=True)
    try:
        return con.execute("SELECT moment FROM clock").fetchone()[0]
    finally:
        con.close()


def publish(folder: CountyFolder, state: ServeState) -> dict[str, int]:
    """Publish what is visible now; returns rows per feed and table, and how many files are new.

    Doing it again changes nothing. The running servers notice the new offers at their next request.
    """
    moment = county_moment(folder)
    folder.make_dirs()
    with exclusive(folder, "publish"):
        settle(folder, everything=False)
        counts = publish_offers(folder.county_db, folder.offers_db)
        if state.exchange_url:
            counts |= publish_postgresql(folder.county_db, state.exchange_url, state.secrets)
        else:
            counts |= publish_sqlite(folder.county_db, folder.exchange_db)
        fault_seed = state.fault_seed if state.faults else None
        counts["files"] = deliver(folder, fault_seed=fault_seed, delay=state.fault_delay)
        con = sqlite3.connect(f"file:{folder.county_db}?mode=ro", uri=True)
        try:
            counts["org_rows"] = sum(publish_org(con, folder.org_directory).values())
        finally:
            con.close()
        write_private(folder.serve / "published", moment)
    return counts


def put_right(folder: CountyFolder, *, everything: bool) -> int:
    """Complete the deliveries that a fault held back and that are due (or all); returns how many."""
    with exclusive(folder, "publish"):
        return settle(folder, everything=everything)
