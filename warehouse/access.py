"""The access log (访问日志): who looked at whose data, when and what for, written before anything is shown.

个人信息保护法 §51, §54 and 政务数据共享条例 §29 want use recorded; 社会救助法 §70 forbids unrelated queries. It holds ids of ours
(pair, person, household) and never a value of a person; kept at least three years.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, text

from warehouse.errors import WarehouseError
from warehouse.signature import legible


class AccessRefused(WarehouseError):
    """Nobody may look without saying who he is and what for."""


def note_look(engine: Engine, *, by: str, action: str, subject: str, purpose: str) -> None:
    """Write down a look and commit, so that it stands even where showing fails. AccessRefused if who or what for is left out."""
    by, purpose = legible(by), legible(purpose)
    if not by or not purpose:
        raise AccessRefused("查看个人信息须写明何人、何用途 / who looks, and what for, must be said")
    values = {"by": by, "action": action, "subject": subject, "purpose": purpose, "at": datetime.now(UTC)}
    with engine.begin() as connection:
        connection.execute(text(_NOTE), values)


def looks(engine: Engine, subject: str | None = None, limit: int = 200) -> list[Mapping[str, Any]]:
    """The looks at a pair, person or household (default: all), newest first: seen_by, action, subject, purpose, seen_at."""
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(_LOOKS), {"subject": subject, "limit": limit}).mappings()]


_NOTE = "INSERT INTO hub.access_log (seen_by, action, subject, purpose, seen_at) VALUES (:by, :action, :subject, :purpose, :at)"
_LOOKS = """
SELECT seen_by, action, subject, purpose, seen_at FROM hub.access_log
WHERE cast(:subject AS text) IS NULL OR subject = :subject ORDER BY access_id DESC LIMIT :limit
"""
