"""What a stage tells about itself: counts only, safe for logs and XCom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StageFigures:
    """A stage's name, how long it took and what it counted."""

    stage: str
    seconds: float
    numbers: Mapping[str, int | float | str] = field(default_factory=dict)

    def counts(self) -> dict:
        """The figures as plain JSON values."""
        return {"stage": self.stage, "seconds": round(self.seconds, 2), **self.numbers}
