"""What a run of the linkage leaves to the next: found by its own run only, kept whole or not at all, nobody else's to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from linkage.remembered import remembered, token
from warehouse.snapshot import Horizon

HERE = Horizon("cluster/warehouse", 7)


def live(folder: Path, known: str | None, leaves: str | None) -> tuple[bool, int]:
    """A run that adds a row; whether it found nothing, and how many rows stand then. ``leaves``: under what it keeps them."""
    with remembered(folder, 2) as recall:
        found = recall(known, 9, 200)
        found.con.execute("CREATE TABLE IF NOT EXISTS seen (i BIGINT)")
        found.con.execute("INSERT INTO seen VALUES (1)")
        rows = found.con.execute("SELECT count(*) FROM seen").fetchall()[0][0]
        fresh = found.fresh
        if leaves:
            found.seal(leaves, HERE)
            found.keep()
        return fresh, rows


def test_the_next_run_finds_what_was_kept_under_its_token_only(tmp_path):
    first, second = token("run 1", "view"), token("run 2", "view")
    assert live(tmp_path, None, first) == (True, 1)
    assert live(tmp_path, first, None) == (False, 2)  # not kept: as if it had not been
    assert live(tmp_path, first, second) == (False, 2)
    assert live(tmp_path, second, None) == (False, 3)
    assert live(tmp_path, first, None) == (True, 1)


def test_a_run_that_raises_leaves_what_stood(tmp_path):
    first = token("run 1", "view")
    live(tmp_path, None, first)
    with pytest.raises(RuntimeError), remembered(tmp_path, 2) as recall:
        found = recall(None, 9, 200)
        found.con.execute("CREATE TABLE seen (i BIGINT)")
        found.seal(token("run 2", "view"), HERE)
        raise RuntimeError("the warehouse refused the outcome")
    assert [path.name for path in tmp_path.iterdir()] == ["last.duckdb"]
    assert live(tmp_path, first, None) == (False, 2)


def test_tables_that_can_not_go_to_disk_are_not_kept_and_fail_nothing(tmp_path):
    with remembered(tmp_path, 2) as recall:
        found = recall(None, 9, 200)
        found.con.execute("CREATE TABLE seen (i BIGINT)")
        (tmp_path / "work.duckdb").unlink()
        found.seal(token("run 1", "view"), HERE)
        found.keep()
    assert not list(tmp_path.iterdir())


def test_only_its_owner_can_read_it(tmp_path):
    live(tmp_path / "linkage", None, token("run 1", "view"))
    assert (tmp_path / "linkage").stat().st_mode & 0o077 == 0
    assert (tmp_path / "linkage" / "last.duckdb").stat().st_mode & 0o077 == 0


def test_what_a_day_changed_waits_in_the_log_and_is_put_in_its_place_by_the_next(tmp_path):
    first, second = token("run 1", "view"), token("run 2", "view")
    live(tmp_path, None, first)
    live(tmp_path, first, second)
    log = tmp_path / "last.duckdb.wal"
    assert log.stat().st_size > 0
    assert tmp_path.stat().st_mode & 0o077 == 0  # the log itself is made as DuckDB makes files
    with remembered(tmp_path, 2) as recall:
        assert not recall(second, 9, 200).fresh
        assert not log.exists() or log.stat().st_size == 0
    assert live(tmp_path, second, None) == (False, 3)


def test_a_log_cut_short_is_no_reason_to_fail(tmp_path):
    first, second = token("run 1", "view"), token("run 2", "view")
    live(tmp_path, None, first)
    live(tmp_path, first, second)
    log = tmp_path / "last.duckdb.wal"
    log.write_bytes(log.read_bytes()[:-7])
    fresh, rows = live(tmp_path, second, None)
    assert (fresh, rows) == (True, 1)
    live(tmp_path, None, first)
    assert live(tmp_path, first, None) == (False, 2)
