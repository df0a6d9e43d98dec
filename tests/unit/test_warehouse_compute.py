"""DuckDB in process: it spills into a folder that only this user can enter, and takes memory by the size of its work."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from warehouse.compute import analyst, memory_for


def spills_into(con) -> Path:
    return Path(con.execute("SELECT current_setting('temp_directory')").fetchall()[0][0])


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_the_folder_is_private_and_used_again(tmp_path):
    first, second = spills_into(analyst()), spills_into(analyst(threads=1, memory_mb=100))
    assert first == second and first.parent == tmp_path
    assert stat.S_IMODE(first.stat().st_mode) == 0o700


def test_a_folder_that_others_can_enter_is_left_alone():
    planted = spills_into(analyst())
    planted.chmod(0o777)
    chosen = spills_into(analyst())
    assert chosen != planted and stat.S_IMODE(chosen.stat().st_mode) == 0o700


def test_a_link_planted_under_the_name_is_not_followed(tmp_path):
    expected = spills_into(analyst())
    expected.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    expected.symlink_to(elsewhere)
    chosen = spills_into(analyst())
    assert chosen.resolve() != elsewhere


def test_the_limit_grows_with_the_records_up_to_half_the_machine(monkeypatch):
    monkeypatch.setattr(Path, "exists", lambda self: False)  # no container's limit
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=8_000_000_000))
    assert [memory_for(records) for records in (0, 1_000_000, 50_000_000)] == [800, 1500, 4000]
    assert memory_for(50_000_000, 300) == 300  # what was asked for holds
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=1_000_000_000))
    assert memory_for(1_000_000) == 800


def test_a_containers_limit_is_the_machine(monkeypatch):
    monkeypatch.setattr(Path, "exists", lambda self: True)
    monkeypatch.setattr(Path, "read_text", lambda self: "2400000000\n")
    assert memory_for(1_000_000) == 1200
