"""Purging (清除): the one thing that may replace a landed batch, by a tombstone that says it was there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.landed import PURGED
from connectors.landing import Landing


def purge(landing: Landing, batch_id: str, *, reason: str, by: str, at: datetime) -> Mapping[str, Any]:
    """Replace a batch by its tombstone: id, feed, period, rows, digest, who, why, when; no row and no raw.

    Killed at any point, the batch is whole or purged; purging again finishes and returns the first tombstone.
    Raises LandingError if there is no such batch.
    """
    path = landing.path_of(batch_id)
    old, tomb = path.with_name(path.name + ".old"), path.with_name(path.name + ".tomb")
    if tomb.exists() and old.exists() and not path.exists():  # killed between the two renames
        tomb.rename(path)
    shutil.rmtree(tomb, ignore_errors=True)
    if not (path / PURGED).exists():
        manifest = landing.open(batch_id).manifest
        said = {
            name: manifest[name] for name in ("batch_id", "feed", "delivery", "period", "fetched_at", "rows", "digest")
        }
        said |= {"purged_at": at.isoformat(), "purged_by": by, "reason": reason}
        tomb.mkdir()
        (tomb / PURGED).write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")
        path.rename(old)
        tomb.rename(path)
    shutil.rmtree(old, ignore_errors=True)
    return json.loads((path / PURGED).read_bytes())


def tombstones(landing: Landing, feed: str | None = None) -> list[Mapping[str, Any]]:
    """What the tombstones of landing (of a feed) say, in order of batch id."""
    return [json.loads(stone.read_bytes()) for stone in sorted(landing.root.glob(f"{feed or '*'}/*/{PURGED}")) if "." not in stone.parent.name]
