"""Two records side by side (并排), with what else is known of the two persons they stand in.

Values are read from the mention view and handed to the caller alone: they are for the screen of who reviews, never for logs,
task results or exception texts. Who asks is written down before (``warehouse.access``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from standards.codes import label

Record = tuple[str, str]

# column -> (Chinese, English, code list)
FIELDS: Mapping[str, tuple[str, str, str | None]] = {
    "name": ("姓名", "Name", None), "name_note": ("姓名备注", "Note at the name", None), "former_name": ("曾用名", "Former name", None),
    "sex": ("性别", "Sex", "sex"), "birth_date": ("出生日期", "Birth date", None),
    "id_number": ("公民身份号码", "ID number", None), "id_text": ("证件号码（原样，无效）", "ID as written (not valid)", None),
    "id_embedded": ("其他证号内的身份号码", "ID inside another number", None),
    "phone": ("电话", "Phone", None), "phone_second": ("另一电话", "Second phone", None),
    "phone_home": ("家庭联系电话", "The household's phone", None),
    "address_text": ("住址", "Address", None), "dwelling_id": ("住所（按名录）", "Dwelling (directory)", None), "relation": ("与户主等关系", "Relation", "relation"),
    "ethnicity": ("民族", "Ethnicity", "ethnicity"), "marital_status": ("婚姻状况", "Marital status", "marital"),
    "schooling": ("文化程度", "Schooling", "schooling"),
    "death_date": ("死亡日期", "Date of death", None), "dead": ("记为已故", "Said to be dead", "yes_no"), "ended": ("记录已终止", "Ended", "yes_no"),
}
_MOST_OTHERS = 3  # further values of a person shown beside the record's own


@dataclass(frozen=True, repr=False)  # a repr ends in logs
class Side:
    """One of the two records. ``feeds``: how many records of which feed the person has; ``together``: who is named with it; ``gone``:
    the record ended or is not delivered any more."""

    feed: str
    role: str | None
    person_id: str | None
    feeds: tuple[tuple[str, int], ...]
    together: tuple[str, ...]
    source_time: datetime | None
    batch_id: str | None
    row_no: int | None
    gone: bool


@dataclass(frozen=True, repr=False)
class Compared:
    """One field of both. ``left``, ``right``: the records' own; ``left_also``, ``right_also``: other values the persons have.
    ``agree``: whether the two persons have a value in common; None where one side says nothing. So it is compared, too."""

    field: str
    title_zh: str
    title_en: str
    left: str | None
    left_also: tuple[str, ...]
    right: str | None
    right_also: tuple[str, ...]
    agree: bool | None

    def title(self, language: str = "zh") -> str:
        """What the field is called."""
        return self.title_en if language == "en" else self.title_zh


def side_by_side(connection: Connection, left: Record, right: Record, language: str = "zh") -> tuple[Side, Side, tuple[Compared, ...]]:
    """Both records, and field by field what they and the rest of their persons say. Codes by name in ``language``."""
    persons = [_person(connection, record) for record in (left, right)]
    one_person = persons[0][0] is not None and persons[0][0] == persons[1][0]
    wanted = {left, right, *(record for _, records in persons for record in records)}
    said = _mentions(connection, sorted(wanted))
    # Of one person both sides would have the same further values; they say nothing about the pair.
    others = [[] if one_person else [said[r] for r in records if r in said and r != own]
              for own, (_, records) in zip((left, right), persons, strict=True)]
    sides = [_side(connection, record, said.get(record), *person) for record, person in zip((left, right), persons, strict=True)]
    fields = [_compared(name, said.get(left, {}), others[0], said.get(right, {}), others[1], language) for name in FIELDS]
    return sides[0], sides[1], tuple(field for field in fields if field.left or field.right or field.left_also or field.right_also)


def delivered(connection: Connection, records: Sequence[Record]) -> set[Record]:
    """Those of ``records`` that still speak for today: a record that ended, or vanished from its feed, keeps its mention."""
    return {record for record, row in _mentions(connection, records).items() if not row["ended"]}


def _person(connection: Connection, record: Record) -> tuple[str | None, list[Record]]:
    rows = connection.execute(text(_PERSON), {"feed": record[0], "key": record[1]}).all()
    return (rows[0][0], [(feed, key) for _, feed, key in rows]) if rows else (None, [])


def _mentions(connection: Connection, records: Sequence[Record]) -> dict[Record, Mapping[str, Any]]:
    """A query a feed: the view's branches of other feeds are then never read."""
    keys: dict[str, list[str]] = defaultdict(list)
    for feed, key in records:
        keys[feed].append(key)
    found: dict[Record, Mapping[str, Any]] = {}
    for feed, wanted in keys.items():
        for row in connection.execute(text(_MENTIONS), {"feed": feed, "keys": wanted}).mappings():
            found[feed, row["record_key"]] = row
    return found


def _side(connection: Connection, record: Record, row: Mapping[str, Any] | None, person_id: str | None, records: list[Record]) -> Side:
    counts: dict[str, int] = defaultdict(int)
    for feed, _ in records:
        counts[feed] += 1
    together: Sequence[str] = ()
    if row is not None and row["group_key"] is not None:
        values = {"feed": record[0], "kind": row["group_kind"], "group": row["group_key"], "key": record[1]}
        together = connection.execute(text(_TOGETHER), values).scalars().all()
    said = row or {}
    return Side(record[0], said.get("role"), person_id, tuple(sorted(counts.items())), tuple(together), said.get("source_time"),
                said.get("batch_id"), said.get("row_no"), row is None or bool(row["ended"]))


def _compared(name: str, left: Mapping[str, Any], left_others: Sequence[Mapping[str, Any]], right: Mapping[str, Any],
              right_others: Sequence[Mapping[str, Any]], language: str) -> Compared:
    zh, en, codes = FIELDS[name]
    here, there = _shown(left.get(name), codes, language), _shown(right.get(name), codes, language)
    here_also, there_also = _also(name, here, left_others, codes, language), _also(name, there, right_others, codes, language)
    one, other = {here, *here_also} - {None}, {there, *there_also} - {None}
    agree = bool(one & other) if one and other else None
    return Compared(name, zh, en, here, here_also[:_MOST_OTHERS], there, there_also[:_MOST_OTHERS], agree)


def _also(name: str, own: str | None, others: Sequence[Mapping[str, Any]], codes: str | None, language: str) -> tuple[str, ...]:
    values = {_shown(other.get(name), codes, language) for other in others} - {None, own}
    return tuple(sorted(value for value in values if value))


def _shown(value: Any, codes: str | None, language: str) -> str | None:
    if value is None or value is False or value == "":
        return None
    if value is True:
        return "yes" if language == "en" else "是"
    if isinstance(value, date):
        return value.isoformat()
    return label(codes, value, language) if codes else str(value)


_PERSON = """
SELECT o.person_id, o.feed, o.record_key FROM hub.person_link l
JOIN hub.person_link o ON o.person_id = l.person_id AND o.recorded_to IS NULL
WHERE l.feed = :feed AND l.record_key = :key AND l.recorded_to IS NULL ORDER BY o.feed, o.record_key
"""
_MENTIONS = f"""
SELECT record_key, role, group_kind, group_key, source_time, batch_id, row_no, {', '.join(FIELDS)}
FROM hub.mention WHERE feed = :feed AND record_key = ANY(:keys)
"""
_TOGETHER = """
SELECT DISTINCT name FROM hub.mention
WHERE feed = :feed AND group_kind = :kind AND group_key = :group AND record_key <> :key AND name IS NOT NULL ORDER BY name LIMIT 12
"""
