"""Refused deliveries, kept for the person who looks into them.

``<root>/refused/<feed>/<delivery>-<digest>/`` holds ``refused.json`` (why, when, digest and length of
what came) and ``delivery.zst``, the bytes as received less forbidden columns. Where those can't be told
apart (no readable header), nothing but digest and length is kept.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.base import Read
from connectors.errors import DeliveryRefused
from contracts.model import Contract

FOLDER = "refused"


def keep(root: Path, contract: Contract, read: Read, refusal: DeliveryRefused, moment: datetime) -> Path:
    """Keep a refused delivery; the same delivery refused again is kept once. Returns its folder."""
    refusal.delivery, refusal.period = read.delivery, read.period
    name = re.sub(r"[^\w.-]+", "_", read.delivery)[:80]
    folder = Path(root) / FOLDER / contract.feed / f"{name}-{(refusal.digest or 'unread')[:12]}"
    said = {
        "feed": contract.feed,
        "delivery": read.delivery,
        "period": read.period,
        "reason": refusal.reason,
        "message": str(refusal),
        "digest": refusal.digest,
        "length": refusal.length,
        "kept": refusal.kept is not None,
        "refused_at": moment.isoformat(),
    }
    if not (folder / "refused.json").exists():
        being_made = folder.with_name(folder.name + ".partial")
        shutil.rmtree(being_made, ignore_errors=True)
        being_made.mkdir(parents=True)
        if refusal.kept is not None:
            with pa.output_stream(str(being_made / "delivery.zst"), compression="zstd") as out:
                out.write(refusal.kept)
        (being_made / "refused.json").write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        being_made.rename(folder)
    refusal.kept = None
    return folder


def erase(root: Path, feed: str, delivery: str | None, digest: str | None, *, reason: str, by: str, at: datetime) -> int:
    """Delete the bytes of a refused delivery; why, who and when stand in its ``refused.json``. How many were kept of it (0 or more)."""
    erased = 0
    for file in (Path(root) / FOLDER / feed).glob("*/refused.json"):
        said = json.loads(file.read_bytes())
        if (said["delivery"], said["digest"]) != (delivery, digest) or not (file.parent / "delivery.zst").exists():
            continue
        said |= {"kept": False, "purged_at": at.isoformat(), "purged_by": by, "purge_reason": reason}
        part = file.with_name("refused.json.part")
        part.write_text(json.dumps(said, ensure_ascii=False, indent=1), encoding="utf-8")
        part.replace(file)
        (file.parent / "delivery.zst").unlink()
        erased += 1
    return erased


def listed(root: Path, feed: str | None = None) -> list[Mapping[str, Any]]:
    """What ``refused.json`` says of each refused delivery (of a feed), oldest first."""
    files = (Path(root) / FOLDER).glob(f"{feed or '*'}/*/refused.json")
    found = [json.loads(file.read_bytes()) for file in files if not file.parent.name.endswith(".partial")]
    return sorted(found, key=lambda said: said["refused_at"])
