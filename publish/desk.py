"""The desk extracts are made up on: a folder a recipient that gets something, its manifest, its row in the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa

from contracts.agreements import Agreement, Dataset
from publish.deltas import ADDED, CHANGED, REMOVED
from publish.files import ExtractFolder, File, settle
from publish.recipients import Handed


@dataclass
class Parcel:
    """One recipient's extract in the making."""

    agreement: Agreement
    sequence: int
    previous: Handed | None
    folder: ExtractFolder
    entries: list[dict] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    moved: list[dict] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)

    @property
    def kind(self) -> str:
        """``full`` at first, ``delta`` after."""
        return "delta" if self.previous else "full"


class Desk:
    """Takes rows dataset by dataset; ``last``: recipient → its last extract."""

    def __init__(self, out: Path, today: date, last: Mapping[str, Handed]) -> None:
        self.out, self.today, self.last = out, today, last
        self.parcels: dict[str, Parcel] = {}
        self.agreements: dict[str, Agreement] = {}

    def put(self, agreement: Agreement, dataset: Dataset, rows: pa.Table, number: Counter) -> None:
        """What changed of a dataset for a recipient: 变更 and the granted fields. Nothing changed writes nothing, but for
        a first extract, which has a file of every dataset."""
        self.agreements[agreement.recipient] = agreement
        if not rows.num_rows and agreement.recipient in self.last:
            return
        parcel = self._parcel(agreement)
        file = parcel.folder.write_rows(dataset.name, [granted.title for granted in dataset.fields], rows)
        parcel.entries.append(_entry(dataset, file, number))
        parcel.counts.update(number)

    def withdraw(self, recipient: str, dataset: str, removed: int) -> None:
        """A dataset the recipient holds ``removed`` rows of and is granted no more."""
        parcel = self._parcel(self.agreements[recipient])
        parcel.withdrawn.append(dataset)
        parcel.counts[REMOVED] += removed

    def tell_moved(self, recipient: str, entries: list[dict]) -> None:
        """What became of ids the recipient knows (publish.retractions)."""
        self._parcel(self.agreements[recipient]).moved.extend(entries)

    def finish(self) -> list[dict]:
        """Write the manifests and make every folder visible; rows for :func:`publish.ledger.record`."""
        handed = []
        for recipient, parcel in self.parcels.items():
            file = parcel.folder.write_manifest(self._manifest(parcel))
            number = parcel.counts
            handed.append({
                "recipient": recipient, "sequence": parcel.sequence, "kind": parcel.kind,
                "agreement_version": parcel.agreement.version, "rows": number.total(), "added": number[ADDED],
                "changed": number[CHANGED], "removed": number[REMOVED], "digest": file.sm3,
                "file_name": f"{parcel.folder.name}/{file.name}", "as_of": self.today,
            })  # fmt: skip
        settle(parcel.folder for parcel in self.parcels.values())
        return handed

    def _parcel(self, agreement: Agreement) -> Parcel:
        recipient = agreement.recipient
        if recipient not in self.parcels:
            previous = self.last.get(recipient)
            sequence = previous.sequence + 1 if previous else 1
            self.parcels[recipient] = Parcel(
                agreement, sequence, previous, ExtractFolder(self.out, recipient, sequence)
            )
        return self.parcels[recipient]

    def _manifest(self, parcel: Parcel) -> dict:
        agreement, previous = parcel.agreement, parcel.previous
        return {
            "recipient": agreement.recipient,
            "title": agreement.title,
            "unit": agreement.unit,
            "sequence": parcel.sequence,
            "kind": parcel.kind,
            "as_of": self.today.isoformat(),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "previous": {"sequence": previous.sequence, "manifest_sm3": previous.digest} if previous else None,
            "agreement": {
                "version": agreement.version,
                "purpose": agreement.purpose,
                "legal_basis": list(agreement.legal_basis),
                "conditions": list(agreement.conditions),
                "share_class": agreement.share_class,
                "frequency": agreement.frequency,
                "mode": agreement.mode,
                "valid_from": agreement.valid_from.isoformat(),
                "valid_to": agreement.valid_to.isoformat(),
            },
            "rows": parcel.counts.total(),
            "datasets": sorted(parcel.entries, key=lambda entry: entry["name"]),
            "withdrawn": parcel.withdrawn,
            "moved": parcel.moved,
        }


def _entry(dataset: Dataset, file: File, number: Counter) -> dict:
    return {
        "name": dataset.name,
        "title": dataset.title,
        "file": file.name,
        "scope": dataset.scope,
        "suppress_below": dataset.suppress_below,
        "columns": [
            {"title": granted.title, "mask": granted.mask, "clear_for": granted.clear_for} for granted in dataset.fields
        ],
        "rows": number.total(),
        "added": number[ADDED],
        "changed": number[CHANGED],
        "removed": number[REMOVED],
        "bytes": file.size,
        "sm3": file.sm3,
    }
