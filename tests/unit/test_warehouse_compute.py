"""Where DuckDB spills: a folder that only this user can enter, whatever stands under its name already."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import pytest

from warehouse.compute import analyst


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
