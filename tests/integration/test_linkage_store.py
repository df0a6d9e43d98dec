"""Linkage against a real warehouse: what a run writes, what a second run leaves alone, what a change touches."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Engine, text

from linkage import store
from warehouse.engine import engine_for

WANG, LIU = "130731198005120316", "130731198209030425"
COLUMNS = ("feed", "record_key", "table_name", "base_key", "role", "name", "birth_date", "sex", "id_number", "phone")


@pytest.fixture
def engine(new_database) -> Engine:
    """A hub whose mention view is a table that the test fills."""
    made = engine_for(new_database())
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE hub.mention_rows AS SELECT * FROM hub.mention"))
        connection.execute(text("DROP VIEW hub.mention"))
        connection.execute(text("ALTER TABLE hub.mention_rows RENAME TO mention"))
    yield made
    made.dispose()


def say(engine: Engine, feed: str, key: str, name: str, **more) -> None:
    row = dict.fromkeys(COLUMNS) | {"feed": feed, "record_key": key, "table_name": feed, "base_key": key, "role": "holder", "name": name} | more
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM hub.mention WHERE feed = :feed AND record_key = :record_key"), row)
        connection.execute(text(f"INSERT INTO hub.mention ({', '.join(COLUMNS)}) VALUES ({', '.join(':' + c for c in COLUMNS)})"), row)


def links(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return dict(connection.execute(text("SELECT record_key, person_id FROM hub.person_link WHERE recorded_to IS NULL")).fetchall())


def count(engine: Engine, table: str, where: str = "true") -> int:
    with engine.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM hub.{table} WHERE {where}")).scalar_one()


@pytest.fixture
def county(engine: Engine) -> Engine:
    say(engine, "psb_register", "R1", "王建国", birth_date=date(1980, 5, 12), sex="1", id_number=WANG, phone="13931300001")
    say(engine, "psb_register", "R2", "刘秀英", birth_date=date(1982, 9, 3), sex="2", id_number=LIU)
    say(engine, "market_entity", "U1", "王建国", id_number=WANG)
    say(engine, "grid_request", "Q1", "刘秀英")
    return engine


def test_a_first_run_gives_everybody_a_person(county: Engine) -> None:
    figures = store.link(county)
    assert (figures.mentions, figures.persons, figures.opened, figures.closed) == (4, 3, 4, 0)
    found = links(county)
    assert found["R1"] == found["U1"] and len(set(found.values())) == 3
    assert count(county, "person") == 3 and count(county, "person_event", "kind = 'minted'") == 3


def test_a_second_run_over_the_same_mentions_does_nothing(county: Engine) -> None:
    store.link(county)
    before = links(county)
    again = store.link(county)
    assert again.unchanged and links(county) == before and count(county, "link_run") == 1


def test_only_what_changed_is_closed_and_opened(county: Engine) -> None:
    store.link(county)
    before = links(county)
    say(county, "grid_request", "Q1", "王建国", phone="13931300001")
    figures = store.link(county)
    after = links(county)
    assert after["Q1"] == before["R1"] and {k: after[k] for k in ("R1", "R2", "U1")} == {k: before[k] for k in ("R1", "R2", "U1")}
    assert figures.merged == 1 and count(county, "person_link", "recorded_to IS NOT NULL AND record_key = 'R2'") == 0
    assert count(county, "person", f"person_id = '{before['Q1']}' AND replaced_by = '{before['R1']}'") == 1


def test_a_number_that_was_merged_away_is_not_given_again(county: Engine) -> None:
    store.link(county)
    gone = links(county)["Q1"]
    say(county, "grid_request", "Q1", "王建国", phone="13931300001")
    store.link(county)
    say(county, "grid_request", "Q2", "赵无双")
    store.link(county)
    assert links(county)["Q2"] > max(gone, *[p for k, p in links(county).items() if k != "Q2"])


def test_a_decision_is_kept_through_later_runs_and_can_be_undone(county: Engine) -> None:
    say(county, "grid_request", "Q1", "王建国", phone="13931300001")
    store.link(county)
    before = links(county)
    assert before["Q1"] == before["R1"]
    with county.begin() as connection:
        connection.execute(text(
            """INSERT INTO hub.link_decision (feed_l, record_key_l, feed_r, record_key_r, verdict, decided_by, reason, recorded_from)
               VALUES ('psb_register', 'R1', 'grid_request', 'Q1', 'different', 'registrar', 'asked them', now())"""))
    store.link(county)
    assert links(county)["Q1"] != links(county)["R1"] == before["R1"]
    assert count(county, "person_event", "kind = 'split_from'") == 1
    with county.begin() as connection:
        connection.execute(text("UPDATE hub.link_decision SET recorded_to = now()"))
    store.link(county)
    assert links(county) == before


def test_a_record_that_is_gone_closes_its_link_and_comes_back_to_its_person(county: Engine) -> None:
    store.link(county)
    before = links(county)
    with county.begin() as connection:
        connection.execute(text("DELETE FROM hub.mention WHERE record_key = 'Q1'"))
    store.link(county)
    assert "Q1" not in links(county)
    say(county, "grid_request", "Q1", "刘秀英")
    store.link(county)
    assert links(county) == before
