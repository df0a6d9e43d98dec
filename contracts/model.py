"""What a contract says, as frozen values: the vocabulary every room above reads.

Read from ``feeds/*.yaml`` by :mod:`contracts.reader`; nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Dimension(StrEnum):
    """The six indicators of GB/T 36344-2018, in their Chinese words."""

    CONFORMITY = "规范性"
    COMPLETENESS = "完整性"
    ACCURACY = "准确性"
    CONSISTENCY = "一致性"
    TIMELINESS = "时效性"
    ACCESSIBILITY = "可访问性"


class Severity(StrEnum):
    """What a broken rule costs: the row, the cell, or nothing but a finding."""

    CRITICAL = "critical"  # the row is quarantined whole
    WARNING = "warning"  # the cell becomes null; raw value and reason are kept
    INFO = "info"  # the value stays; the finding is counted and kept


class Mode(StrEnum):
    """How a feed delivers, which decides what a missing row means."""

    INCREMENTAL = "incremental"  # changed rows since a watermark
    SNAPSHOT = "snapshot"  # everything of a partition and period; absence ends a record
    INCREMENT = "increment"  # a file with the period's new records; absence means nothing


@dataclass(frozen=True)
class Rule:
    """One quality rule of a field or table; ``id`` is ``<feed>.<field|table>.<name>``."""

    id: str
    expectation: str  # a GX expectation's snake_case type, built in or our own
    dimension: Dimension
    severity: Severity
    title: str  # Chinese, for reports
    title_en: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    column: str | None = None  # canonical column the rule is about; None: the table
    where: str | None = None  # GX row condition


@dataclass(frozen=True)
class Field:
    """A column of a delivery and the canonical column it becomes."""

    name: str  # canonical, snake_case, unique in its table
    source: str  # the source's own name (SQL column, CSV/XLSX header, JSON key)
    type: str  # semantic type, a key of standards.semantic_types.TYPES
    title: str  # Chinese label
    aliases: tuple[str, ...] = ()  # other headers the source uses
    required: bool = False  # a value is expected (完整性, severity warning)
    crosswalk: str | None = None  # type "code": name of a standards crosswalk, e.g. "marital/health"
    level: str = "L2"  # sensitivity L1-L4 (domain.md section 7)
    options: Mapping[str, Any] = field(default_factory=dict)  # passed to the semantic type


@dataclass(frozen=True)
class Dwelling:
    """Where the people of a row live, by the best of what it says: a standard-address code,
    parts, free text; canonical field names (``parent.<field>`` in a child table). A code is
    the record key of a row of ``code_table``, whose columns are those of ``psb_address``."""

    kind: str = "residence"  # residence | register | premises
    address: str | None = None
    code: str | None = None
    code_table: str | None = None
    compound: str | None = None
    building: str | None = None
    unit: str | None = None
    room: str | None = None


@dataclass(frozen=True)
class Mention:
    """A person named in a row. ``columns``: mention column -> column of the record table.

    ``role``: holder, head, member, spouse, child, mother, guardian, operator, applicant,
    resident, deceased. ``suffix`` is appended to the row's key ("" for the row's own person).
    The reader has already added the companions (``name`` brings ``name_note``, ``id_number``
    brings ``id_text`` ...), so a view is made from ``columns`` alone. A column is a canonical
    field, a companion, ``record_key`` or ``parent_key``; ``parent.<column>`` in a child table is
    the parent row's. The ``..._when`` conditions are OR-ed: column -> values of the standardised
    column as text (booleans ``true``/``false``); the value ``*`` is "anything but null".
    """

    role: str
    suffix: str
    columns: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)  # mention column -> fixed value
    dwelling: Dwelling | None = None
    group_kind: str | None = None  # register | assistance | visit | family
    group_key: tuple[str, ...] = ()  # columns, joined by "|"; null if one is null
    ref_feed: str | None = None  # the row points at a record of another feed ...
    ref_key: str | None = None  # ... by this canonical field
    ended_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the row no longer speaks for today
    dead_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the row says the person is dead
    death_date: str | None = None  # canonical field; without dead_when a date in it means dead


@dataclass(frozen=True)
class Table:
    """One record table: the feed's main table or a list inside its rows (``each``)."""

    name: str  # record table name: the feed, or "<feed>_<list>"
    fields: tuple[Field, ...]
    key: tuple[tuple[str, ...], ...]  # parts joined by "|"; a part is the first non-empty source column
    mentions: tuple[Mention, ...] = ()
    rules: tuple[Rule, ...] = ()
    blank_key: tuple[str, ...] = ()  # source columns of the key that may be blank (they add "" to it)
    each: str | None = None  # source column holding a JSON list; key = "<parent key>#<index from 0>"

    def field(self, name: str) -> Field:
        """The field of that canonical name; KeyError if there is none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(f"{self.name}: no field {name}")


@dataclass(frozen=True)
class ChangePolicy:
    """What a renamed, added or missing column means: ``accept`` (said, kept under ``_extra``),
    ``null`` (said, the column is null) or ``refuse`` (the delivery is refused whole)."""

    added: str = "accept"
    missing_optional: str = "null"
    missing_required: str = "refuse"


@dataclass(frozen=True)
class Freshness:
    """When a delivery is due and by when it is late (hours after the schedule's tick)."""

    every: str  # hourly | daily | monthly
    late_after_hours: int


@dataclass(frozen=True)
class Gate:
    """Shares between 0 and 1 past which a batch waits for a person."""

    lost: float = 0.2  # rows of the last full snapshot missing now (per partition)
    quarantined: float = 0.2  # share of landed rows
    mix: float = 0.25  # total variation distance of the value mix of ``mix_fields``
    mix_fields: tuple[str, ...] = ()
    least: int = 50  # below this many rows no share is judged


@dataclass(frozen=True)
class Contract:
    """One feed, whole."""

    feed: str
    title: str  # Chinese
    title_en: str
    department: str  # public_security, education, health, civil_affairs, market_regulation, grid, county_office
    version: str
    connection: str  # Airflow connection id
    connector: str  # sql | rest | stream | drop
    mode: Mode
    schedule: str  # cron, Asia/Shanghai
    tables: tuple[Table, ...]  # the main table first
    options: Mapping[str, Any]  # the connector's own
    freshness: Freshness
    order_field: str | None = None  # canonical field giving the source's order; None: the file's period
    time_field: str | None = None  # canonical field saying when it was so; default: order_field
    period_from: str | None = None  # regular expression with (?P<period>\d{6}) on a file's name
    partition: str | None = None  # "sheet": snapshots close per sheet; None: whole file
    forbidden: tuple[str, ...] = ()  # source columns cut in the stream
    ignored: tuple[str, ...] = ()  # source columns without meaning (a serial number): neither landed nor drift
    derive: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # landed column = OR of forbidden booleans
    keep_unreadable: bool = True  # False: an unreadable row keeps only position, length and digest
    change_policy: ChangePolicy = ChangePolicy()
    gate: Gate = Gate()
    optional_file: bool = False  # an optional directory file may be absent
    pairs_with: str | None = None  # a file feed that only makes sense with another's same period

    @property
    def table(self) -> Table:
        """The main record table."""
        return self.tables[0]

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The columns of ``records.parquet`` that come from the source, each once, in contract order:
        those of the main table's fields, of its key, and the lists its child tables are made of."""
        names = [f.source for f in self.table.fields]
        names += [source for part in self.table.key for source in part]
        names += [table.each for table in self.tables if table.each]
        return tuple(dict.fromkeys(names))
