"""Ids stay (编号稳定): a county lives for weeks, and no person's or household's id changes without something that tells why."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import date, timedelta

import duckdb
import pytest
from sqlalchemy import text

from linkage.review import answer, became, confirm, queue, undo
from tests.acceptance.conftest import simulator
from warehouse.bulk import read_arrow

WEEK = 7
# What is believed at the end of a week. A mention without when and in which batch it came is what a record says.
BELIEFS = {
    "mention": "SELECT * FROM hub.mention",
    "link": "SELECT feed, record_key, person_id, role, rule, probability, evidence FROM hub.person_link WHERE recorded_to IS NULL",
    "person": "SELECT person_id, replaced_by FROM hub.person",
    "person_event": "SELECT person_id, kind, other_id, recorded_from FROM hub.person_event",
    "household": "SELECT household_id, kind, natural_key FROM hub.household WHERE recorded_to IS NULL",
    "member": "SELECT household_id, kind, person_id FROM hub.household_member WHERE recorded_to IS NULL",
    "household_event": "SELECT event_id, household_id, kind, person_id, other_household_id FROM hub.household_event",
}
A_WEEK_AGO = "".join(f"CREATE OR REPLACE TABLE was_{name} AS FROM now_{name};" for name in BELIEFS)
# What a week did, of the tables was_<belief>, now_<belief>, truth (feed, source_key, true_person_id) and decided (feed, record_key).
WEEKS = """
CREATE OR REPLACE TABLE event AS FROM now_person_event EXCEPT FROM was_person_event;
CREATE OR REPLACE TABLE home_event AS FROM now_household_event WHERE event_id NOT IN (SELECT event_id FROM was_household_event);
CREATE OR REPLACE TABLE moved AS SELECT feed, record_key, w.person_id AS was, n.person_id AS now
    FROM was_link w JOIN now_link n USING (feed, record_key) WHERE w.person_id <> n.person_id;
-- records that say something else than a week ago, say nothing any more or are new, and those a decision was taken about or undone
CREATE OR REPLACE TABLE news AS
WITH was AS (SELECT feed, record_key, md5(m::VARCHAR) FROM (SELECT * EXCLUDE (source_time, source_order, batch_id, row_no) FROM was_mention) m),
     now AS (SELECT feed, record_key, md5(m::VARCHAR) FROM (SELECT * EXCLUDE (source_time, source_order, batch_id, row_no) FROM now_mention) m)
SELECT DISTINCT feed, record_key FROM ((FROM was EXCEPT FROM now) UNION (FROM now EXCEPT FROM was) UNION ALL SELECT *, NULL FROM decided);
-- and whoever such a record can tell something about: who shares a number, a telephone, a dwelling, a family or a visit with it
CREATE OR REPLACE TABLE tie AS
SELECT DISTINCT feed, record_key, unnest([id_number, phone, phone_second, phone_home, dwelling_id, group_kind || group_key, ref_feed || ref_key]) AS shared
FROM (FROM was_mention UNION ALL FROM now_mention);
CREATE OR REPLACE TABLE touched AS
WITH reached AS (FROM news UNION SELECT feed, record_key FROM tie WHERE shared IN (SELECT shared FROM tie JOIN news USING (feed, record_key)))
SELECT DISTINCT person_id FROM (FROM was_link UNION ALL FROM now_link) JOIN reached USING (feed, record_key);
-- who an id's records are of, most of them; what was first found holds until an event tells of records that came or went
CREATE TABLE IF NOT EXISTS stood (person_id VARCHAR, people VARCHAR[]);
CREATE OR REPLACE TABLE stands AS
WITH counted AS (SELECT person_id, true_person_id, count(*) AS n FROM now_link JOIN truth ON truth.feed = now_link.feed AND source_key = record_key GROUP BY ALL)
SELECT person_id, list(true_person_id) AS people FROM (FROM counted QUALIFY rank() OVER (PARTITION BY person_id ORDER BY n DESC) = 1) GROUP BY person_id;
DELETE FROM stood WHERE person_id IN (SELECT other_id FROM event);
INSERT INTO stood FROM stands WHERE person_id NOT IN (SELECT person_id FROM stood);
-- people of one household of a kind, one row a household
CREATE OR REPLACE TABLE was_home AS SELECT kind, household_id, list_sort(list(person_id)) AS people FROM was_member GROUP BY ALL;
CREATE OR REPLACE TABLE now_home AS SELECT kind, household_id, list_sort(list(person_id)) AS people FROM now_member GROUP BY ALL;
CREATE OR REPLACE TABLE went AS SELECT person_id, w.household_id AS was, n.household_id AS now
    FROM was_member w JOIN now_member n USING (kind, person_id) WHERE kind = 'residence' AND w.household_id <> n.household_id
"""
# What nothing explains. Each of these has no row.
UNEXPLAINED = {
    "a record's person is another one, with no event between the two, the record as it was, and nothing decided about it": """
        FROM moved m WHERE (feed, record_key) NOT IN (SELECT (feed, record_key) FROM news) AND NOT EXISTS (
            FROM event e WHERE (e.person_id, e.other_id) IN ((m.was, m.now), (m.now, m.was)))""",
    "persons merged or split although nothing new was said of them or around them": """
        FROM event WHERE kind <> 'minted' AND person_id NOT IN (FROM touched) AND other_id NOT IN (FROM touched)""",
    "a new id for records that were known, with no event that tells whose they were": """
        FROM now_link JOIN was_link w USING (feed, record_key) WHERE now_link.person_id NOT IN (SELECT person_id FROM was_person)
        AND now_link.person_id NOT IN (SELECT person_id FROM event WHERE kind = 'split_from')""",
    "an id given a second time": """
        FROM event e JOIN was_person w USING (person_id) WHERE e.kind = 'minted' OR e.kind = 'split_from' AND w.replaced_by IS NULL""",
    "a new person without an event": """
        FROM now_person WHERE person_id NOT IN (SELECT person_id FROM was_person) AND person_id NOT IN (SELECT person_id FROM event)""",
    "a person who is gone without an event while the records stay": """
        FROM was_link w JOIN now_mention USING (feed, record_key) WHERE person_id NOT IN (SELECT person_id FROM now_link)
        AND person_id NOT IN (SELECT person_id FROM event WHERE kind = 'merged_into')""",
    "an id that went from one human being to another": """
        FROM stands s JOIN stood o USING (person_id) WHERE NOT list_has_any(s.people, o.people)""",
    "the same people under another household's id": """
        FROM was_home w JOIN now_home n USING (kind, people) WHERE kind = 'residence' AND w.household_id <> n.household_id""",
    "a register household or an assistance family under another id": """
        FROM was_household w JOIN now_household n USING (kind, natural_key) WHERE kind <> 'residence' AND w.household_id <> n.household_id""",
    "the id of another register household or assistance family": """
        FROM was_household w JOIN now_household n USING (household_id) WHERE w.kind <> 'residence' AND w.natural_key <> n.natural_key""",
    "a person in another household, with no event that tells of both": """
        FROM went w WHERE NOT EXISTS (FROM home_event e WHERE (e.household_id, e.other_household_id) IN ((w.was, w.now), (w.now, w.was)))""",
    "a residence household that is gone without an event": """
        FROM was_household WHERE kind = 'residence' AND household_id NOT IN (SELECT household_id FROM now_household)
        AND household_id NOT IN (SELECT household_id FROM home_event WHERE kind = 'dissolved')""",
    "a new residence household without an event": """
        FROM now_household WHERE kind = 'residence' AND household_id NOT IN (SELECT household_id FROM was_household)
        AND household_id NOT IN (SELECT household_id FROM home_event WHERE kind = 'founded')""",
    "a residence household in another dwelling without an event": """
        FROM was_household w JOIN now_household n USING (household_id) WHERE w.kind = 'residence' AND w.natural_key NOT LIKE '@%' AND n.natural_key NOT LIKE '@%'
        AND split_part(w.natural_key, '#', 1) <> split_part(n.natural_key, '#', 1)
        AND household_id NOT IN (SELECT household_id FROM home_event WHERE kind = 'moved')""",
}  # fmt: skip


class Weeks:
    """A county whose every week is linked, assembled and held against the week before."""

    def __init__(self, site) -> None:
        self.site, self.con, self.engine = site, duckdb.connect(), site.hub().engine
        self.decided, self.standing = [], []
        self.counts = {"moved": 0, "went": 0, "event": 0, "home_event": 0}
        self._believe()

    def live(self) -> None:
        """A week passes; nothing in it is unexplained."""
        simulator(self.site.county, "advance", "--days", str(WEEK))
        self.con.execute(A_WEEK_AGO)
        self._believe()
        self.con.execute(WEEKS)
        for why, rows in UNEXPLAINED.items():
            assert self.con.execute(rows).fetchall() == [], f"{self._day()}: {why}"
        self._tells_what_became_of_everybody()
        for table in self.counts:
            self.counts[table] += self.con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        self.decided = []

    def decide(self, pairs: int) -> None:
        """A clerk answers the most useful questions, as it truly is; people who are one first."""
        asked = [pair.pair_id for pair in queue(self.engine, limit=50)]
        truth = "SELECT true_person_id FROM truth WHERE feed = {0} AND source_key = {1}"
        self.con.register("asked", read_arrow(self.engine, "SELECT pair_id, feed_l, record_key_l, feed_r, record_key_r FROM hub.review_pair"))
        known = self.con.execute(
            f"""SELECT pair_id, ({truth.format("feed_l", "record_key_l")}) = ({truth.format("feed_r", "record_key_r")}) AS same,
                       [(feed_l, record_key_l), (feed_r, record_key_r)] FROM asked WHERE list_contains($asked, pair_id) ORDER BY same DESC, pair_id LIMIT $pairs""",
            {"asked": asked, "pairs": pairs},
        ).fetchall()
        for pair_id, same, records in known:
            taken = answer(self.engine, pair_id, "same" if same else "different", by="王芳", reason="电话核实")
            if taken.state == "pending":
                confirm(self.engine, taken.decision_id, by="李强", reason="复核")
            self.standing.append((taken.decision_id, records))
            self.decided += records

    def undo(self) -> None:
        """All of it is taken back."""
        for decision_id, records in self.standing:
            undo(self.engine, decision_id, by="李强", reason="撤回")
            self.decided += records
        self.standing = []

    def work_everything_out(self) -> None:
        """A link that remembers nothing of the run before finds the same, row by row, and gives no id."""
        self.con.execute(A_WEEK_AGO)
        shutil.rmtree(self.site.home / "linkage")
        with self.engine.begin() as connection:  # else nothing changed, and nothing is worked out
            connection.execute(text("UPDATE hub.link_run SET figures = figures - 'digest'"))
        figures = self.site.hub().link().numbers
        assert (figures["link_unchanged"], figures["links_opened"], figures["links_closed"]) == (False, 0, 0), figures
        self._read()
        for name in ("link", "person", "person_event"):
            assert self.con.execute(f"FROM was_{name} EXCEPT FROM now_{name} UNION ALL (FROM now_{name} EXCEPT FROM was_{name})").fetchall() == []

    def _tells_what_became_of_everybody(self) -> None:
        holders = {person for (person,) in self.con.execute("SELECT DISTINCT person_id FROM now_link").fetchall()}
        ever = {person for (person,) in self.con.execute("SELECT person_id FROM now_person").fetchall()}
        for person in sorted(ever - holders):
            story = became(self.engine, person, by="王芳")
            assert story is not None and story.person_id == person
            assert story.present_id in holders if story.went_to else story.left > 0, story
            assert any(event.kind == "merged_into" and event.person_id == person for event in story.events) or not story.went_to, story
        for was, now in self.con.execute("SELECT DISTINCT was, now FROM moved ORDER BY ALL").fetchall():
            assert now in dict(became(self.engine, was, by="王芳").went_to)

    def _day(self) -> date:
        with sqlite3.connect(self.site.county.folder / "county.db") as county:
            return date.fromisoformat(county.execute("SELECT substr(moment, 1, 10) FROM clock").fetchone()[0])

    def _believe(self) -> None:
        self.site.environ["GRIDHUB_AS_OF"] = self._day().isoformat()
        hub = self.site.hub()
        hub.ingest_many()
        hub.link()
        hub.assemble()
        self._read()

    def _read(self) -> None:
        for name, query in BELIEFS.items():
            self.con.register("rows_in", read_arrow(self.engine, query))
            self.con.execute(f"CREATE OR REPLACE TABLE now_{name} AS FROM rows_in")
            self.con.unregister("rows_in")
        self.con.execute("CREATE TABLE IF NOT EXISTS decided (feed VARCHAR, record_key VARCHAR); DELETE FROM decided")
        if self.decided:
            self.con.executemany("INSERT INTO decided VALUES (?, ?)", self.decided)
        truth = self.site.county.folder / "truth" / "crosswalk.csv"
        self.con.execute("CREATE OR REPLACE TABLE truth AS FROM read_csv(?, header = true, all_varchar = true)", [str(truth)])


def follow(new_site, persons: int, seed: int, weeks: int, *, decide_after: int, undo_after: int | None = None) -> Weeks:
    """Ten weeks end about today, so that nothing is dated later than it is fetched."""
    lived = Weeks(new_site(persons, seed, start=date.today() - timedelta(days=WEEK * weeks + 1)))
    for week in range(1, weeks + 1):
        lived.live()
        if week == decide_after:
            lived.decide(4)
        if week == undo_after:
            lived.undo()
    lived.work_everything_out()
    return lived


@pytest.mark.timeout(120)
def test_no_id_changes_unexplained_from_week_to_week(new_site):
    lived = follow(new_site, 300, 61, 2, decide_after=1)
    assert lived.counts["event"] > 0 and lived.counts["home_event"] > 0, lived.counts


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("persons", "seed"), [(1500, 71), (400, 5)])
def test_no_id_changes_unexplained_in_ten_weeks(new_site, persons, seed):
    lived = follow(new_site, persons, seed, 10, decide_after=3, undo_after=6)
    assert min(lived.counts.values()) > 0, lived.counts
