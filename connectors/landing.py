"""Landing (落地): every fetch becomes a folder that never changes again.

``<root>/<feed>/<batch id>/`` holds ``raw/`` (a zstd file a page, as received less forbidden columns),
``records.parquet``, ``manifest.json`` and, written last, ``_COMPLETE``. What is under way is a
``.partial`` folder (see :mod:`connectors.spool`); refused deliveries are kept under ``refused/``.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors import refused
from connectors.base import Connector, Page, Read, sm3
from connectors.columns import lay_out, missing
from connectors.connection import Connection
from connectors.errors import AuthenticationRefused, ConnectorError, DeliveryRefused, PermanentError
from connectors.landed import COMPLETE, LandedBatch, open_batch
from connectors.rows import row_schema
from connectors.spool import PARTIAL, Spool
from contracts.model import Contract, Mode


class Landing:
    """The landing folder. One process at a time lands from a connection (a lock a connection)."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def land(
        self, contract: Contract, connection: Connection, connector: Connector, read: Read, *, fetched_at: datetime
    ) -> LandedBatch | None:
        """Fetch ``read`` into a batch, or go on with the one a killed process left.

        None if an incremental read brought no row and nothing to remember; a file always makes a batch.
        A read that is interrupted keeps its pages where its protocol can go on after them; the batch then
        keeps the moment of the first attempt. Raises ConnectorError; a refused delivery is kept under
        ``refused/`` before DeliveryRefused goes up.
        """
        with self._locked(connection.conn_id):
            for batch in self._recovered(contract.feed):
                if (
                    _identity(contract, read).items()
                    >= {k: batch.manifest[k] for k in ("delivery", "period", "after")}.items()
                ):
                    return batch
            spool = self._left(contract, read)
            if spool is not None and spool.entries:
                try:
                    return self._fill(contract, connection, connector, read, spool)
                except (AuthenticationRefused, DeliveryRefused):
                    raise
                except PermanentError:
                    spool.discard()  # e.g. a cursor that expired meanwhile: once more, from the start
            spool = self._begin(contract, read, fetched_at)
            return self._fill(contract, connection, connector, read, spool)

    def complete(self, feed: str | None = None) -> list[LandedBatch]:
        """Every complete batch (of a feed), in order of batch id; purged ones are left out. A batch that a
        killed process had finished but for its name is among them."""
        folders = [self.root / feed] if feed else self._feeds()
        for folder in folders:
            self._recovered(folder.name)
        marked = [marker.parent for folder in folders for marker in folder.glob(f"*/{COMPLETE}")]
        found = sorted((p for p in marked if "." not in p.name), key=lambda path: path.name)
        return [open_batch(path) for path in found]

    def open(self, batch_id: str) -> LandedBatch:
        """One complete batch. LandingError if it isn't here or is purged."""
        return open_batch(self.path_of(batch_id))

    def path_of(self, batch_id: str) -> Path:
        """Where a batch of this id stands, or would."""
        return self.root / batch_id.rpartition("-")[0] / batch_id

    def land_replay(
        self, contract: Contract, parent: LandedBatch, row_numbers: Sequence[int], *, fetched_at: datetime
    ) -> LandedBatch:
        """A child batch of chosen rows of a landed batch, for a release from quarantine.

        Rows are numbered anew (``replay_rows`` in the manifest gives the parent's numbers in the same
        order); period, delivery and drift are the parent's, ``parent_fetched_at`` is what its timestamps
        are judged by; it moves no watermark and has no raw. The same rows again give the same child.
        """
        chosen = sorted(set(row_numbers))
        with self._locked(f"replay-{contract.feed}"):
            for child in self.complete(contract.feed):
                if child.manifest["replay_of"] == parent.batch_id and child.manifest["replay_rows"] == chosen:
                    return child
            records = parent.records()
            rows = records.filter(pc.is_in(records["_row"], pa.array(chosen, pa.int64()))).drop_columns(["_row"])
            if rows.num_rows != len(chosen):
                raise PermanentError(
                    f"batch {parent.batch_id}: {len(chosen) - rows.num_rows} of the rows are not in it"
                )
            batch_id, moment = self._free(contract.feed, fetched_at)
            kept = {k: parent.manifest[k] for k in ("delivery", "period", "digest", "contract_version", "schema_seen")}
            manifest = {
                **kept,
                "batch_id": batch_id,
                "feed": contract.feed,
                "fetched_at": moment.isoformat(),
                "parent_fetched_at": parent.manifest.get("parent_fetched_at") or parent.manifest["fetched_at"],
                "rows": rows.num_rows,
                "drift": [],
                "watermark": {},
                "after": {},
                "partitions": [],
                "replay_of": parent.batch_id,
                "replay_rows": chosen,
            }
            final = self.path_of(batch_id)
            spool = Spool.begin(final.with_name(final.name + PARTIAL), {"after": {}, "replay_of": parent.batch_id})
            spool.add(Page("replay", b"", rows, watermark={}, digest=parent.manifest["digest"]))
            return spool.close(manifest, final, rows.schema)

    # -- one read ----------------------------------------------------------------------

    def _fill(
        self, contract: Contract, connection: Connection, connector: Connector, read: Read, spool: Spool
    ) -> LandedBatch | None:
        moment = datetime.fromisoformat(spool.head["fetched_at"])
        try:
            for page in connector.pages(contract, connection, replace(read, fetched_at=moment, resume=spool.resume)):
                spool.add(page)
            drift = self._drift(contract, read, spool)
        except DeliveryRefused as refusal:
            refused.keep(self.root, contract, read, refusal, moment)
            spool.discard()
            raise
        except ConnectorError:
            if not any(entry["resume"] for entry in spool.entries):
                spool.discard()
            raise
        moved = dict(spool.watermark) != dict(read.after)
        if contract.mode is Mode.INCREMENTAL and not spool.rows and not moved:
            spool.discard()
            return None
        batch_id = spool.head["batch_id"]
        digests = list(dict.fromkeys(entry["digest"] for entry in spool.entries))
        manifest = {
            "batch_id": batch_id,
            "feed": contract.feed,
            "delivery": read.delivery,
            "period": read.period,
            "fetched_at": moment.isoformat(),
            "rows": spool.rows,
            "digest": digests[0] if len(digests) == 1 else sm3("\n".join(digests).encode()),
            "contract_version": contract.version,
            "schema_seen": spool.columns,
            "drift": drift,
            "watermark": dict(spool.watermark),
            "after": dict(read.after),
            "partitions": list(dict.fromkeys(p for entry in spool.entries for p in entry["partitions"])),
            "replay_of": None,
        }
        return spool.close(manifest, self.path_of(batch_id), row_schema(contract))

    def _drift(self, contract: Contract, read: Read, spool: Spool) -> list[dict[str, Any]]:
        found = [entry for page in spool.entries for entry in page["drift"]]
        if spool.rows and not all(entry["judged"] for entry in spool.entries):
            # A key that a few rows leave out is no schema; one that a whole large read lacks is.
            there = lay_out(contract, spool.columns, read.delivery, judge_missing=False).positions
            found += missing(contract, there, read.delivery, refuse=spool.rows >= contract.gate.least)
        return list({(d["column"], d["kind"], d.get("seen")): d for d in found}.values())

    def _recovered(self, feed: str) -> list[LandedBatch]:
        """Give the batches their names that a killed process had finished but for that."""
        found = []
        for partial in (self.root / feed).glob(f"*{PARTIAL}"):
            final = partial.with_name(partial.name.removesuffix(PARTIAL))
            if (partial / COMPLETE).exists():
                with suppress(FileNotFoundError):  # its process lives and was quicker
                    partial.rename(final)
                    found.append(open_batch(final))
        return found

    def _begin(self, contract: Contract, read: Read, fetched_at: datetime) -> Spool:
        batch_id, moment = self._free(contract.feed, fetched_at)
        final = self.path_of(batch_id)
        head = {"batch_id": batch_id, "fetched_at": moment.isoformat(), **_identity(contract, read)}
        return Spool.begin(final.with_name(final.name + PARTIAL), head)

    def _left(self, contract: Contract, read: Read) -> Spool | None:
        """The unfinished batch of this very read, if there is one; other leftovers of the feed go."""
        kept: Spool | None = None
        for path in sorted((self.root / contract.feed).glob(f"*{PARTIAL}"), reverse=True):
            spool = Spool.found(path)
            same = spool is not None and all(spool.head.get(k) == v for k, v in _identity(contract, read).items())
            if kept is None and same and spool.entries:
                kept = spool
            else:
                (spool or Spool(path, {})).discard()
        return kept

    def _free(self, feed: str, moment: datetime) -> tuple[str, datetime]:
        """A batch id that is not taken: reads of one plan share their moment, so it moves on by microseconds."""
        moment = moment.astimezone(UTC)
        while True:
            batch_id = f"{feed}-{moment:%Y%m%dT%H%M%S%f}"
            path = self.path_of(batch_id)
            if not path.exists() and not path.with_name(path.name + PARTIAL).exists():
                return batch_id, moment
            moment += timedelta(microseconds=1)

    def _feeds(self) -> list[Path]:
        if not self.root.is_dir():
            return []
        return [
            p for p in self.root.iterdir() if p.is_dir() and not p.name.startswith(".") and p.name != refused.FOLDER
        ]

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        folder = self.root / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        # The name may hold anything a connection id can; the file's name must not.
        with (folder / hashlib.sha256(name.encode()).hexdigest()[:16]).open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def _identity(contract: Contract, read: Read) -> dict[str, Any]:
    """What must be the same for an unfinished batch to be gone on with."""
    said = {"delivery": read.delivery, "period": read.period, "after": dict(read.after), "source": dict(read.source)}
    said |= {"contract_version": contract.version, "columns": contract.source_columns}
    return json.loads(json.dumps(said))
