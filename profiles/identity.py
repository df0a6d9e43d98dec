"""Stable household ids: a household keeps its id while what holds it together stays.

Register and assistance households are held by their own number. A residence household is held by its people:
it keeps the id while one of them stays in the dwelling, and when they move together; a flat whose people all
changed is another household.
"""

from __future__ import annotations

import duckdb

from profiles.households import run_stages


def give_ids(con: duckdb.DuckDBPyConnection) -> None:
    """Make tables ``household(household_id, kind, natural_key)`` and ``member`` (membership with ids) from
    ``membership`` and the previous open ``old_household`` and ``old_member``. New ids follow the highest one ever
    given (``highest``: kind, number), in the order of the natural key."""
    run_stages(con, "identity")
