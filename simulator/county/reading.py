"""What can be seen of a county from outside, read back from its files: for tests, benchmarks and people."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path


class CountyReading:
    """The offered records and the truth in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rows(self, sql: str) -> list[tuple]:
        """Rows of a query on county.db."""
        db = sqlite3.connect(self.folder / "county.db")
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def truth(self, name: str) -> list[dict[str, str]]:
        """A truth file: persons, households, crosswalk or attributes."""
        with (self.folder / "truth" / f"{name}.csv").open(encoding="utf-8") as handle:
            return list(csv.DictReader(handle))

    def docs(self, table: str) -> list[dict]:
        """The visible JSON rows of an offer table."""
        return [json.loads(d) for (d,) in self.rows(f"SELECT doc FROM visible_{table}")]

    def lines(self, feed: str) -> list[dict]:
        """The data lines of the visible files of a feed (header -> cell)."""
        found = self.rows(
            "SELECT f.feed, r.doc FROM offer_file f JOIN offer_row r ON r.file = f.name WHERE f.available_at <= (SELECT moment FROM clock)"
        )
        return [json.loads(d) for f, d in found if f == feed]

    def keys(self) -> set[tuple[str, str]]:
        """(feed, key) of every person record a platform can see, keys as the interface sheets write them."""
        keys = {("psb_register", k) for (k,) in self.rows("SELECT RYBH FROM visible_offer_psb_register")}
        keys |= {("psb_permit", k) for (k,) in self.rows("SELECT JZZBH FROM visible_offer_psb_permit")}
        keys |= {("health_record", d["archiveNo"]) for d in self.docs("offer_health_record")}
        keys |= {("health_elderly_exam", d["examNo"]) for d in self.docs("offer_elderly_exam")}
        for d in self.docs("offer_child_vaccination"):
            keys.add(("health_child_vaccination", d["childNo"]))
            if d["motherName"] or d["motherIdNo"]:
                keys.add(("health_child_vaccination", d["childNo"] + "#mother"))
        keys |= {("market_entity", d["uscc"]) for d in self.docs("offer_market_entity")}
        for d in self.lines("edu_enrolment"):
            if d["学籍号"]:
                keys.add(("edu_enrolment", d["学籍号"]))
                keys |= {
                    ("edu_enrolment", f"{d['学籍号']}#guardian{n}")
                    for n in (1, 2)
                    if d[f"监护人{n}姓名"] or d[f"监护人{n}身份证件号"]
                }
        keys |= {("civil_assistance_family", d["低保证号"]) for d in self.lines("civil_assistance_family")}
        keys |= {
            ("civil_assistance_person", f"{d['低保证号']}|{d['身份证号'] or d['姓名']}")
            for d in self.lines("civil_assistance_person")
        }
        keys |= {("civil_disability", d["残疾证号"]) for d in self.lines("civil_disability")}
        keys |= {("civil_old_age_allowance", d["身份证号"]) for d in self.lines("civil_old_age_allowance")}
        keys |= {("civil_marriage", f"{d['登记号']}#{n}") for d in self.lines("civil_marriage") for n in (1, 2)}
        keys |= {("civil_death", d["登记号"]) for d in self.lines("civil_death")}
        for kind, doc in self.rows(
            "SELECT type, doc FROM offer_event WHERE available_at <= (SELECT moment FROM clock)"
        ):
            d = json.loads(doc)
            if kind == "service_request":
                keys.add(("grid_request", d["requestNo"]))
            else:
                keys |= {("grid_visit", f"{d['eventId']}#{i}") for i in range(len(d["residents"]))}
        return keys
