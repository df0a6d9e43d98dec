"""The REST rows and events as they are served: visible ones only, in serving order, JSON text ready to send.

``publish_offers`` copies them out of ``county.db`` once per moment of the county's clock; ``Offers`` reads pages of
them. A page is a range of row ids whose texts are joined as bytes, because the simulator shares two cores
with the product it is measured beside.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from pathlib import Path

REST = {
    "health_record": "offer_health_record",
    "elderly_exam": "offer_elderly_exam",
    "child_vaccination": "offer_child_vaccination",
    "market_entity": "offer_market_entity",
}
# The cursor feed is a log of changes: what becomes visible later stands later, whatever its updatedAt says.
ORDER = {"elderly_exam": "available_at, version"}


def publish_offers(county_db: Path, offers_db: Path) -> dict[str, int]:
    """Write ``offers_db`` anew from what is visible in ``county_db``; returns rows per feed.

    The file is replaced atomically: a server that holds the old one open finishes its page from it.
    """
    draft = offers_db.with_name(offers_db.name + ".part")
    draft.unlink(missing_ok=True)
    con = sqlite3.connect(draft, isolation_level=None)
    counts: dict[str, int] = {}
    try:
        con.execute("PRAGMA journal_mode = OFF")
        con.execute("PRAGMA synchronous = OFF")
        con.execute("ATTACH DATABASE ? AS county", (str(county_db),))
        con.execute("BEGIN")
        for feed, offer in REST.items():
            con.execute(
                f"CREATE TABLE {feed} (position INTEGER PRIMARY KEY, key TEXT, updated_at TEXT, log_time TEXT, "
                "log_version INTEGER, doc TEXT)"
            )
            con.execute(
                f"""INSERT INTO {feed} (key, updated_at, log_time, log_version, doc)
                SELECT key, updated_at, available_at, version, doc FROM county.{offer}
                WHERE version IN (SELECT max(version) FROM county.{offer}
                                  WHERE available_at <= (SELECT moment FROM county.clock) GROUP BY key)
                ORDER BY {ORDER.get(feed, "updated_at, key")}"""
            )
            counts[feed] = con.execute(f"SELECT count(*) FROM {feed}").fetchone()[0]
        con.execute("CREATE INDEX exam_log ON elderly_exam (log_time, log_version)")
        con.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, doc TEXT)")
        con.execute(
            "INSERT INTO event SELECT seq, doc FROM county.offer_event "
            "WHERE available_at <= (SELECT moment FROM county.clock) ORDER BY seq"
        )
        counts["event"] = con.execute("SELECT count(*) FROM event").fetchone()[0]
        con.execute("COMMIT")
        con.execute("DETACH DATABASE county")
    finally:
        con.close()
    draft.replace(offers_db)
    return counts


@dataclass
class Offers:
    """Reads ``offers_db``; notices by itself when a publication has replaced the file."""

    path: Path
    _con: sqlite3.Connection | None = field(default=None, init=False)
    _inode: tuple[int, int] | None = field(default=None, init=False)
    _times: dict[str, list[bytes]] = field(default_factory=dict, init=False)

    def refresh(self) -> int:
        """Open the newest file; returns a number that differs after each publication."""
        found = self.path.stat()
        seen = (found.st_ino, found.st_mtime_ns)
        if seen != self._inode:
            if self._con is not None:
                self._con.close()
            self._con = sqlite3.connect(self.path, check_same_thread=False)
            self._con.text_factory = bytes
            self._times.clear()
            self._inode = seen
        return hash(seen)

    def _open(self) -> sqlite3.Connection:
        if self._con is None:
            self.refresh()
        assert self._con is not None
        return self._con

    def times(self, feed: str) -> list[bytes]:
        """``updated_at`` of every row in serving order (ISO text as bytes)."""
        if feed not in self._times:
            self._times[feed] = [t for (t,) in self._open().execute(f"SELECT updated_at FROM {feed} ORDER BY position")]
        return self._times[feed]

    def first_after(self, feed: str, moment: str) -> int:
        """How many rows of ``feed`` have ``updated_at`` at or before ``moment`` ('' = none)."""
        return bisect_right(self.times(feed), moment.encode()) if moment else 0

    def first_at(self, feed: str, moment: str) -> int:
        """How many rows of ``feed`` have ``updated_at`` before ``moment`` ('' = none)."""
        return bisect_left(self.times(feed), moment.encode()) if moment else 0

    def count(self, feed: str) -> int:
        """Rows of ``feed``."""
        return len(self.times(feed))

    def range(self, feed: str, start: int, size: int) -> list[bytes]:
        """JSON texts of ``size`` rows after the first ``start``, in serving order."""
        rows = self._open().execute(
            f"SELECT doc FROM {feed} WHERE position > ? AND position <= ? ORDER BY position", (start, start + size)
        )
        return [doc for (doc,) in rows]

    def keyed(self, feed: str, start: int, size: int) -> list[tuple[str, str, bytes]]:
        """As ``range``, with ``(updated_at, key, doc)``: for an order by keys that survives publications."""
        rows = self._open().execute(
            f"SELECT updated_at, key, doc FROM {feed} WHERE position > ? AND position <= ? ORDER BY position",
            (start, start + size),
        )
        return [(t.decode(), k.decode(), d) for t, k, d in rows]

    def after_key(self, feed: str, moment: str, key: str) -> int:
        """How many rows stand at or before ``(moment, key)`` in the order by time and key."""
        before = self.first_at(feed, moment)
        ties = self._open().execute(
            f"SELECT count(*) FROM {feed} WHERE position > ? AND position <= ? AND key <= ?",
            (before, self.first_after(feed, moment), key),
        )
        return before + ties.fetchone()[0]

    def log(self, feed: str, time: str, version: int, limit: int) -> list[tuple[str, int, bytes]]:
        """``(log time, version, doc)`` of at most ``limit`` rows after that place in the log of changes."""
        rows = self._open().execute(
            f"SELECT log_time, log_version, doc FROM {feed} WHERE (log_time, log_version) > (?, ?) "
            "ORDER BY log_time, log_version LIMIT ?",
            (time, version, limit),
        )
        return [(t.decode(), v, d) for t, v, d in rows]

    def at(self, feed: str, positions: list[int]) -> dict[int, bytes]:
        """JSON texts of the rows at these positions (from 1)."""
        marks = ",".join("?" * len(positions))
        return dict(self._open().execute(f"SELECT position, doc FROM {feed} WHERE position IN ({marks})", positions))

    def events(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """``(seq, line)`` of at most ``limit`` events after ``after``."""
        return list(
            self._open().execute("SELECT seq, doc FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit))
        )
