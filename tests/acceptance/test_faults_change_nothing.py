"""With the county's faults on, every feed ends with exactly the rows it ends with when they are off; refused files are told."""

from __future__ import annotations

import pytest

from connectors.errors import ConnectorError

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

PERSONS, SEED = 400, 77
ROUNDS = 8
# When something was fetched, in which batch, and where it stood there; a feed without an order of its own takes
# the fetch's time as its order.
OF_THE_FETCH = {"batch_id", "row_no", "recorded_from", "recorded_to", "confirmed_at", "source_order", "source_time"}


@pytest.fixture(scope="module")
def calm(new_site):
    """A site over the county without faults, read to the end."""
    site = new_site(PERSONS, SEED)
    site.hub().ingest_many()
    return site


@pytest.fixture(scope="module")
def stormy(new_site):
    """The same county with faults, read until nothing is held back and a read brings no error."""
    site = new_site(PERSONS, SEED, faults=True)
    for _ in range(ROUNDS):
        all_there = site.pending() == 0  # before the read: what is put right behind its back, it has missed
        failed = False
        try:
            site.hub().ingest_many()
        except ConnectorError:
            failed = True
        if all_there and not failed:
            break
        site.settle()
    else:
        pytest.fail(f"not read to the end in {ROUNDS} rounds")
    return site


def open_rows(site) -> dict[str, set[tuple]]:
    """Record table → its open rows, less what belongs to the fetch."""
    columns: dict[str, list[str]] = {}
    for table, column in site.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'record' ORDER BY 1, ordinal_position"
    ):
        if column not in OF_THE_FETCH:
            columns.setdefault(table, []).append(column)
    found = {}
    for table, names in columns.items():
        listed = ", ".join(f'"{name}"::text' for name in names)
        rows = site.rows(f'SELECT {listed} FROM record."{table}" WHERE recorded_to IS NULL')
        found[table] = set(rows)
        assert len(found[table]) == len(rows)
    return found


def test_every_feed_ends_with_the_rows_it_ends_with_without_faults(calm, stormy):
    expected, found = open_rows(calm), open_rows(stormy)
    assert set(found) == set(expected)
    assert sum(map(len, expected.values())) > 1500
    differing = {table: (len(found[table] - rows), len(rows - found[table])) for table, rows in expected.items() if found[table] != rows}
    assert differing == {}  # table → rows only there with faults, rows only there without


def test_every_batch_reconciles_under_faults(stormy):
    broken = stormy.rows(
        """SELECT batch_id FROM hub.batch WHERE state = 'loaded'
           AND landed <> inserted + changed + unchanged + superseded + quarantined"""
    )
    assert broken == []


def test_a_refused_file_is_told_once_and_read_when_it_is_right(stormy):
    refused = stormy.rows("SELECT feed, delivery FROM hub.batch WHERE state = 'refused'")
    assert refused, "the faults broke no file"
    for feed, delivery in refused:
        alerts = stormy.rows(
            f"SELECT count(*) FROM hub.alert WHERE kind = 'refused_delivery' AND feed = '{feed}' AND subject = '{delivery}'"
        )
        loaded = stormy.rows(
            f"SELECT count(*) FROM hub.batch WHERE state = 'loaded' AND feed = '{feed}' AND delivery = '{delivery}'"
        )
        assert (alerts, loaded) == ([(1,)], [(1,)]), feed
