"""What commands print: nothing is cut however narrow the screen, and moments are the county's."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime

import pytest
from rich.console import Console

from gridhub.commands import output

BATCHES = [{"batch_id": f"household_visit-20260930T18000{k}Z-3f9a0b", "feed": "household_visit", "state": "held", "landed": 12_345, "accepted": 12_000,
            "quarantined": 345, "gate": "rows.lost", "fetched_at": datetime(2026, 9, 30, 18, 0, tzinfo=UTC)} for k in range(3)]
PAIRS = [{"记录对": "Q12", "左": "居民健康档案 P000000012", "右": "常住人口登记 P000000345", "概率": 0.9312, "涉及记录": 2, "涉及待遇": "是", "预期收益": 0.68,
          "原因": "概率居中，待人工复核"}]


@pytest.fixture
def printed(monkeypatch):
    """What ``show`` prints on a terminal that wide; None: into a pipe."""

    def told(rows: list[dict], width: int | None) -> str:
        paper = io.StringIO()
        monkeypatch.setattr(output, "console", Console(file=paper, force_terminal=width is not None, width=width or 80, color_system=None))
        output.show(rows, False)
        return paper.getvalue()

    return told


@pytest.mark.parametrize("width", [40, 80, 120, 200, None])
@pytest.mark.parametrize("rows", [BATCHES, PAIRS])
def test_no_value_is_cut_and_every_id_stays_in_one_piece(printed, rows, width) -> None:
    told = printed(rows, width)
    assert "…" not in told
    for row in rows:
        for value in row.values():
            shown = output._cell(value)
            assert all(word in told for word in shown.split()) if shown.isascii() and width != 40 else set(shown) <= set(told)
    if width:
        assert max(output.cell_len(line) for line in told.splitlines()) <= width


def test_a_pipe_gets_a_table_a_line_a_row(printed) -> None:
    told = printed(BATCHES, None)
    assert [line for line in told.splitlines() if BATCHES[1]["batch_id"] in line and "12,345" in line and "2026-10-01 02:00" in line]


def test_what_looks_like_markup_is_printed_as_it_is(printed) -> None:
    assert "[red]王[/red]" in printed([{"name": "[red]王[/red]"}], 80)


def test_a_sources_midnight_is_its_own_day() -> None:
    midnight = datetime(2026, 9, 29, 16, 0, tzinfo=UTC)
    assert output.day(midnight) == date(2026, 9, 30).isoformat() and re.fullmatch("2026-09-30 00:00", output.moment(midnight))
