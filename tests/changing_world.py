"""A small county by chance that changes: records as they come from every kind of feed, some of which are replaced from day
to day. For tests that an assembly of the changes equals one of everything."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from places.grids import GridMap
from profiles.changes import Changes
from profiles.facts import EMPTY_PLACE, ROWS, _columns
from tests.residence_world import COLUMNS, DEFAULTS

SHANGHAI = ZoneInfo("Asia/Shanghai")
START, END = date(2026, 10, 3), date(2026, 12, 20)  # inside one quarter: at its end everything is worked out anyway
TYPES = {"occurred_at": pa.timestamp("us", tz="UTC"), "accepted_at": pa.timestamp("us", tz="UTC"), "closed_at": pa.timestamp("us", tz="UTC"),
         "next_due_on": pa.date32(), "registered_on": pa.date32(), "moved_in_on": pa.date32(), "up_to_date": pa.bool_(),
         "cancelled": pa.bool_(), "in_care": pa.bool_(), "party_member_shop": pa.bool_()}  # fmt: skip
DEPARTMENTS = {
    "psb_register": "public_security", "psb_permit": "public_security", "health_record": "health", "edu_enrolment": "education",
    "civil_marriage": "civil_affairs", "civil_death": "civil_affairs", "civil_disability": "civil_affairs", "grid_visit": "grid",
    "civil_assistance_family": "civil_affairs", "market_entity": "market_regulation", "health_elderly_exam": "health",
    "health_child_vaccination": "health", "grid_request": "grid", "civil_old_age_allowance": "civil_affairs",
}  # fmt: skip


@dataclass
class Record:
    """A record: the people it names, and its rows in the tables of single feeds."""

    facts: list[dict] = field(default_factory=list)
    rows: dict[str, dict] = field(default_factory=dict)
    empty_place: dict | None = None


@dataclass
class ChangingWorld:
    """People, dwellings and records by chance; :meth:`live` lets some records change."""

    seed: int
    people: int = 10
    homes: int = 4
    day: date = START
    records: dict[str, Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.persons = [f"P{number:03}" for number in range(self.people)]
        self.dwellings = [f"B{number % 2 + 1}-1-{101 + number}" for number in range(self.homes)]
        years = [*range(2008, 2026, 4), *range(1945, 2000, 7)]
        near = [date(2026, 10, 1) + timedelta(days=self.chance.randrange(100)) for _ in self.persons]
        self.born = {
            person: day.replace(year=self.chance.choice([*years, 2008, 1966, 1961, 1946, 2012, 2003]), day=min(day.day, 28))
            for person, day in zip(self.persons, near, strict=True)
        }
        for number in range(self.people * 4):
            self._write(f"K{number:03}")

    def live(self, days: int, share: float) -> list[str]:
        """Days pass, a share of the records is replaced, removed or added; the keys touched (and one that is not)."""
        self.day = min(self.day + timedelta(days=days), END)
        keys = self.chance.sample(sorted(self.records), max(1, int(len(self.records) * share)))
        for key in keys:
            if self.chance.random() < 0.2:
                del self.records[key]
            elif self.chance.random() < 0.3:  # the same record is another person's now
                for fact in self.records[key].facts:
                    fact["person_id"] = self.chance.choice(self.persons)
            else:
                self._write(key)
        fresh = f"N{self.chance.randrange(10**6):06}"
        self._write(fresh)
        return [*keys, fresh, self.chance.choice(sorted(self.records))]

    def facts(self, keys: Iterable[str] | None = None) -> pa.Table:
        """Table ``fact``: of all records, or of some."""
        rows = [row for key in self._chosen(keys) for row in self.records[key].facts]
        return pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in COLUMNS.items()})

    def rows(self, keys: Iterable[str] | None = None) -> dict[str, pa.Table]:
        """The tables of single feeds."""
        found = {}
        for name, (_, query) in ROWS.items():
            given = [self.records[key].rows[name] for key in self._chosen(keys) if name in self.records[key].rows]
            found[name] = pa.table({c: pa.array([row.get(c) for row in given], TYPES.get(c, pa.string())) for c in _columns(query)})
        return found

    def empty_places(self, keys: Iterable[str] | None = None) -> pa.Table:
        """Visits that met nobody."""
        given = [self.records[key].empty_place for key in self._chosen(keys)]
        return pa.Table.from_pylist([row for row in given if row], EMPTY_PLACE)

    def changes(self, keys: list[str]) -> Changes:
        """Those records as they read now."""
        keys = sorted(set(keys))
        return Changes(pa.table({"record_key": pa.array(keys, pa.string())}), self.facts(keys), self.rows(keys), self.empty_places(keys))

    def grids(self) -> GridMap:
        """Two buildings in two grids; the worker of the second changes in November."""
        worker = "丁" if self.day < date(2026, 11, 1) else "戊"
        return GridMap(
            pa.table({"compound_id": ["C1"], "compound": ["文苑小区"], "community_code": ["130731100009"], "community": ["合符"], "liaison_unit": ["县档案馆"], "liaison_worker": ["乙"]}),
            pa.table({
                "building_id": ["B1", "B2"], "building": ["1", "2"], "compound_id": ["C1", "C1"], "unit": ["1", "1"], "grid_id": ["G01", "G02"], "grid": ["一", "二"],
                "full_time_worker": ["丙", worker], "building_lead": pa.nulls(2, pa.string()), "unit_lead": pa.nulls(2, pa.string()),
            }),
        )  # fmt: skip

    def fill(self, con: duckdb.DuckDBPyConnection) -> None:
        """The tables profiles.facts reads, into the schema in use."""
        for name, rows in {"fact": self.facts(), **self.rows(), "empty_place": self.empty_places()}.items():
            con.register("read", rows)
            con.execute(f"CREATE TABLE {name} AS SELECT * FROM read")
            con.unregister("read")

    def _chosen(self, keys: Iterable[str] | None) -> list[str]:
        return sorted(self.records) if keys is None else [key for key in keys if key in self.records]

    # -- records -----------------------------------------------------------------------

    def _write(self, key: str) -> None:
        """A record of a kind that its key keeps."""
        kinds = [self._register, self._register, self._visit, self._visit, self._health, self._permit, self._enrolment, self._marriage,
                 self._death, self._assistance, self._vaccination, self._request, self._exam, self._entity, self._disability]  # fmt: skip
        kind = kinds[sum(key.encode()) % len(kinds)]
        self.records[key] = kind(key, self.chance.choice(self.persons))

    def _when(self) -> datetime:
        back = self.chance.choice([0, 5, 40, 150, 175, 180, 185, 300, 360, 366, 800])
        return datetime.combine(self.day - timedelta(days=back), datetime.min.time(), SHANGHAI) + timedelta(hours=self.chance.randrange(20))

    def _home(self) -> dict:
        home = self.chance.choice([*self.dwellings, *self.dwellings, None])
        building = home.split("-")[0] if home else self.chance.choice(["B1", "B2", None])
        where = {"dwelling_id": home, "building_id": building, "compound_id": "C1" if building else None}
        return where | ({"unit": "1", "room": home[-3:]} if home else {})

    def _fact(self, key: str, person: str, feed: str, role: str = "holder", suffix: str = "", **more) -> dict:
        sex = "1" if int(person[1:]) % 2 else "2"
        name = self.chance.choice(["王", "李"]) + person
        told = {
            "person_id": person, "feed": feed, "record_key": key + suffix, "base_key": key, "role": role, "name": self.chance.choice([name, name, "王小芳", None]),
            "sex": self.chance.choice([sex, sex, None]), "birth_date": self.chance.choice([self.born[person], self.born[person], None]), "birth_precision": "day",
            "phone": self.chance.choice([None, None, "13900000001", "13900000002", "13900000003"]), "batch_id": f"b{self.chance.randrange(3)}",
            "ended": self.chance.random() < 0.1, "own": role not in ("mother", "guardian", "operator", "applicant"), "source_time": self._when(),
        }  # fmt: skip
        return DEFAULTS | told | self._home() | more

    def _register(self, key: str, person: str) -> Record:
        book, relation = f"S|{self.chance.randrange(3)}", self.chance.choice(["02", "10", "21", "31", "51", "41", "89"])
        fact = self._fact(key, person, "psb_register", group_kind="register", group_key=book, relation=relation, id_number=f"13073119{person[1:]}")
        moved = self.chance.choice([None, date(2020, 5, 1)])
        row = {"record_key": key, "register_key": book, "household_kind": "1", "relation": relation, "moved_in_on": moved, "cancelled": fact["ended"]}
        return Record([fact], {"register": row})

    def _visit(self, key: str, person: str) -> Record:
        when, home = self._when(), self._home()
        status = self.chance.choice(["owned", "rented", "empty", "separated"])
        row = {"event_id": key, "occurred_at": when, "living_status": status}
        met = self.chance.sample(self.persons, self.chance.choice([0, 1, 2, 3]))
        facts = [
            self._fact(f"{key}#{place}", who, "grid_visit", "resident", group_kind="visit", group_key=key, **home) | {"source_time": when, "base_key": key}
            for place, who in enumerate(met)
        ]
        empty = status in ("empty", "separated") and home["dwelling_id"]
        return Record(facts, {"visit": row}, {"event_id": key, "dwelling_id": home["dwelling_id"], "visited_at": when} if empty else None)

    def _health(self, key: str, person: str) -> Record:
        noted = {"dead": True, "ended": True} if self.chance.random() < 0.15 else {}
        return Record([self._fact(key, person, "health_record", **noted)], {"archive": {"record_key": key}})

    def _permit(self, key: str, person: str) -> Record:
        return Record([self._fact(key, person, "psb_permit")], {"permit": {"record_key": key, "tenure": self.chance.choice(["rented", "owned"])}})

    def _enrolment(self, key: str, person: str) -> Record:
        home, family = self._home(), {"group_kind": "family", "group_key": key}
        guardian = self._fact(key, self.chance.choice(self.persons), "edu_enrolment", "guardian", "#guardian1", relation=self.chance.choice(["51", "61", None]), **family)
        row = {"record_key": key, "left_behind": self.chance.choice(["0", "1", "2"]), "state": "present"}
        return Record([self._fact(key, person, "edu_enrolment", **family) | home, guardian | home], {"pupil": row})

    def _marriage(self, key: str, person: str) -> Record:
        kind = self.chance.choice(["marriage", "marriage", "marriage", "divorce", "reissue"])
        family = {"group_kind": "family", "group_key": key, "marital_status": {"divorce": "40", "reissue": None}.get(kind, "20")}
        both = [person, self.chance.choice([p for p in self.persons if p != person])]
        facts = [self._fact(key, who, "civil_marriage", "spouse", f"#{place + 1}", **family) for place, who in enumerate(both)]
        return Record(facts, {"marriage": {"record_key": key, "kind": kind, "registered_on": self._when().date()}})

    def _death(self, key: str, person: str) -> Record:
        dead = self.chance.random() < 0.5
        return Record([self._fact(key, person, "civil_death", "deceased", dead=dead, ended=dead, death_date=self._when().date() if dead else None)])

    def _assistance(self, key: str, person: str) -> Record:
        card = {"group_kind": "assistance", "group_key": key}
        facts = [self._fact(key, person, "civil_assistance_family", "head", **card)]
        facts.append(self._fact(key, self.chance.choice(self.persons), "civil_assistance_person", "member", "#m", **card))
        row = {"record_key": key, "card_no": key, "assistance_kind": self.chance.choice(["urban", "rural"]), "status": self.chance.choice(["1", "1", "2"]), "state": "present"}
        return Record(facts, {"family": row})

    def _vaccination(self, key: str, person: str) -> Record:
        family = {"group_kind": "family", "group_key": key}
        facts = [self._fact(key, person, "health_child_vaccination", "child", **family)]
        facts.append(self._fact(key, self.chance.choice(self.persons), "health_child_vaccination", "mother", "#mother", **family))
        return Record(facts, {"vaccination": {"record_key": key, "up_to_date": self.chance.random() < 0.5}})

    def _request(self, key: str, person: str) -> Record:
        row = {"record_key": key, "category": self.chance.choice(["repair", "care"]), "accepted_at": self._when(), "closed_at": self.chance.choice([None, self._when()])}
        return Record([self._fact(key, person, "grid_request", "applicant")], {"request": row})

    def _exam(self, key: str, person: str) -> Record:
        due = self.day + timedelta(days=self.chance.randrange(-5, 30))
        return Record([self._fact(key, person, "health_elderly_exam")], {"exam": {"record_key": key, "next_due_on": due}})

    def _entity(self, key: str, person: str) -> Record:
        return Record([self._fact(key, person, "market_entity", "operator")], {"entity": {"record_key": key, "entity_name": f"商店{key}"}})

    def _disability(self, key: str, person: str) -> Record:
        return Record([self._fact(key, person, "civil_disability")], {"disability": {"record_key": key, "state": self.chance.choice(["present", "vanished"])}})
