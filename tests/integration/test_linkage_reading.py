"""What linkage reads of a changed warehouse is what it would read of all of it, and only what was written is asked for."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import Engine, text

from contracts.reader import load_contracts
from linkage import reading
from warehouse.compute import analyst
from warehouse.engine import engine_for
from warehouse.schema import upgrade
from warehouse.snapshot import snapshot

_ROW = itertools.count(1)


class County:
    """A warehouse whose record tables the test writes, and what linkage keeps of its mentions."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.contracts = engine, load_contracts()
        upgrade(engine, self.contracts)
        self.con, self.horizon = analyst(2), None

    def say(self, table: str, key: str, **columns) -> None:
        """The open row of a record becomes this one."""
        row = {"record_key": key, "row_no": next(_ROW), **columns}
        with self.engine.begin() as connection:
            connection.execute(text(f"UPDATE record.{table} SET recorded_to = now() WHERE record_key = :key AND recorded_to IS NULL"), {"key": key})
            connection.execute(text(
                f"""INSERT INTO record.{table} ({', '.join(row)}, source_order, state, content_hash, batch_id, confirmed_at, recorded_from)
                    VALUES ({', '.join(':' + name for name in row)}, 0, 'present', 'h', 'b', now(), now())"""), row)

    def run(self, sql: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(sql))

    def bring(self) -> int:
        """Bring what is kept to now; how many rows changed."""
        with snapshot(self.engine) as moment:
            beside = reading.read_beside(moment)
            reading.bring_mentions(self.con, moment, self.contracts, self.horizon, beside.mentions)
        self.horizon = beside.horizon
        return self.con.execute("SELECT count(*) FROM changed_mention").fetchall()[0][0]

    def kept(self) -> list[tuple]:
        return self.con.execute("SELECT * FROM mention ORDER BY feed, record_key").fetchall()

    def anew(self) -> list[tuple]:
        """What a first reading brings now."""
        kept = self.con, self.horizon
        self.con, self.horizon = analyst(2), None
        self.bring()
        read = self.kept()
        self.con.close()
        self.con, self.horizon = kept
        return read


@pytest.fixture
def county(new_database) -> County:
    made = County(engine_for(new_database()))
    for k in range(4):
        made.say("psb_register", f"R{k}", name=f"王建{'国民军华'[k]}", register_address=f"幸福小区{k}号楼", address_code=f"C{k}")
        made.say("health_record", f"H{k}", name=f"李秀{'英兰芳珍'[k]}", address="幸福小区1号楼")
    made.say("psb_address", "C1", compound="幸福小区", building="1", unit="2", room="301", status="1")
    made.say("health_elderly_exam", "E1", archive_no="H1")
    made.say("grid_visit", "V1", compound="幸福小区", building="3", living_status="owner")
    made.say("grid_visit_resident", "V1#0", parent_key="V1", name="赵敏")
    made.run("INSERT INTO hub.address (address_text, level, confidence, directory_digest, resolved_at) VALUES ('幸福小区1号楼', 'none', 0, 'd', now())")
    made.bring()
    yield made
    made.con.close()
    made.engine.dispose()


CHANGES = {
    "a row that says something else": (lambda c: c.say("psb_register", "R2", name="王建设"), 1),
    "a new record": (lambda c: c.say("health_record", "H9", name="周芳"), 1),
    "a record that is no more": (lambda c: c.run("UPDATE record.health_record SET recorded_to = now() WHERE record_key = 'H3'"), 1),
    "a record marked in place": (lambda c: c.run("UPDATE record.health_record SET state = 'vanished' WHERE record_key = 'H2' AND recorded_to IS NULL"), 1),
    "the archive an examination borrows its name from": (lambda c: c.say("health_record", "H1", name="李秀梅"), 2),
    "an examination that borrows from an archive nobody touched": (lambda c: c.say("health_elderly_exam", "E2", archive_no="H2"), 1),
    "the place of an address text": (
        lambda c: c.run("UPDATE hub.address SET level = 'building', building_id = 'B1' WHERE address_text = '幸福小区1号楼'"), 4),
    "the row of an address code": (lambda c: c.say("psb_address", "C1", compound="幸福小区", building="9", status="1"), 1),
    "the visit a resident was met at": (lambda c: c.say("grid_visit", "V1", compound="幸福小区", building="7", living_status="owner"), 1),
    "nothing": (lambda c: None, 0),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_read_by_itself_and_wholly(county: County, change: str, monkeypatch) -> None:
    make, rows = CHANGES[change]
    make(county)
    with monkeypatch.context() as patch:
        patch.setattr(reading, "read_everything", lambda moment: pytest.fail("read everything"))
        assert county.bring() == rows
    assert county.kept() == county.anew()


def test_rows_deleted_under_it_are_missed_by_their_number_and_everything_is_read(county: County) -> None:
    county.run("DELETE FROM record.health_record WHERE record_key = 'H3'")
    assert county.bring() == 1 and county.kept() == county.anew()


def test_another_database_s_moment_tells_nothing(county: County, monkeypatch) -> None:
    from dataclasses import replace

    county.say("psb_register", "R2", name="王建设")
    county.horizon = replace(county.horizon, place="elsewhere/hub")
    assert county.bring() == 1 and county.kept() == county.anew()


def test_another_view_of_the_same_records_is_other_data(county: County) -> None:
    with snapshot(county.engine) as moment:
        before = reading.read_beside(moment).view
    county.run("COMMENT ON VIEW hub.mention IS 'another definition'")
    with snapshot(county.engine) as moment:
        assert reading.read_beside(moment).view not in ("", before)
