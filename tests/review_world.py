"""A county small enough to read, for the tests of the review: three people in two records each that only a person can join."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Engine, make_url, text

from linkage import decisions, store
from warehouse.engine import engine_for

ZHAO, SUN, QIAN = "130731198005120316", "13073119820903042X", "130731194403054714"
COLUMNS = ("feed", "record_key", "table_name", "base_key", "role", "name", "birth_date", "birth_precision", "sex", "id_number", "phone")
# 赵 in the register and with a shop; 孙 in the register; 钱 in the register and with an allowance. Each has a health record on the right
# day under a name of which one of two characters is another: too much for chance, too little to link.
ROWS = (
    ("psb_register", "R1", "赵伟", date(1980, 5, 12), "1", ZHAO), ("market_entity", "M1", "赵伟", None, None, ZHAO),
    ("health_record", "H1", "赵刚", date(1980, 5, 12), "1", None),
    ("psb_register", "R2", "孙静", date(1982, 9, 3), "2", SUN), ("health_record", "H2", "孙倩", date(1982, 9, 3), "2", None),
    ("psb_register", "R3", "钱德", date(1944, 3, 5), "1", QIAN), ("civil_old_age_allowance", "A3", "钱德", None, None, QIAN),
    ("health_record", "H3", "钱财", date(1944, 3, 5), "1", None),
)  # fmt: skip
NEIGHBOURS = 120  # people who make a chance match likely enough that it takes evidence to link


def mentions_as_a_table(engine: Engine) -> None:
    """The mention view as a table that tests fill."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE hub.mention_rows AS SELECT * FROM hub.mention"))
        connection.execute(text("DROP VIEW hub.mention"))
        connection.execute(text("ALTER TABLE hub.mention_rows RENAME TO mention"))


def say(engine: Engine, feed: str, key: str, name: str, birth: date | None, sex: str | None, number: str | None, phone: str | None = None) -> None:
    """A record of the mention table, in place of what stood there under its key."""
    row = {"feed": feed, "record_key": key, "table_name": feed, "base_key": key, "role": "holder", "name": name, "birth_date": birth,
           "birth_precision": birth and ("year" if (birth.month, birth.day) == (1, 1) else "day"), "sex": sex, "id_number": number, "phone": phone}
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM hub.mention WHERE feed = :feed AND record_key = :record_key"), row)
        connection.execute(text(f"INSERT INTO hub.mention ({', '.join(COLUMNS)}) VALUES ({', '.join(':' + c for c in COLUMNS)})"), row)


def settle(engine: Engine) -> None:
    """Fill and link."""
    for row in ROWS:
        say(engine, *row)
    with engine.begin() as connection:
        connection.execute(text(_NEIGHBOURS), {"n": NEIGHBOURS})
    store.link(engine)


_NEIGHBOURS = """
INSERT INTO hub.mention (feed, record_key, table_name, base_key, role, name, birth_date, birth_precision, sex, id_number)
SELECT 'psb_register', 'N' || k, 'psb_register', 'N' || k, 'holder', chr(20000 + k) || chr(21000 + k), date '1960-01-02' + k * 7, 'day', '1',
       '130731' || to_char(date '1960-01-02' + k * 7, 'YYYYMMDD') || '0011'
FROM generate_series(1, :n) k
"""


def settled_once(url: str) -> str:
    """Make the county in the database of ``url``; the database's name, for :func:`copy_of`."""
    made = engine_for(url)
    mentions_as_a_table(made)
    settle(made)
    made.dispose()
    return make_url(url).database


_NUMBERS = itertools.count(1)


@contextmanager
def copy_of(settled: str, server) -> Iterator[Engine]:
    """A database of its own with that county in it: linked in a twentieth of a second."""
    keeper = engine_for(server.url("postgres")).execution_options(isolation_level="AUTOCOMMIT")
    name = f"{settled}_{next(_NUMBERS)}"
    with keeper.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {settled}"))
    made = engine_for(server.url(name))
    yield made
    made.dispose()
    with keeper.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    keeper.dispose()


def links(engine: Engine) -> dict[str, str]:
    """record_key -> person_id, what stands."""
    with engine.connect() as connection:
        return dict(connection.execute(text("SELECT record_key, person_id FROM hub.person_link WHERE recorded_to IS NULL")).fetchall())


def result(engine: Engine) -> tuple[list, list, list]:
    """All that a run leaves open: links with their reasons, persons, conflicts. Not events, which are history, nor times."""
    with engine.connect() as connection:
        return tuple(sorted(map(tuple, connection.execute(text(sql)).fetchall()), key=repr) for sql in (
            "SELECT feed, record_key, person_id, role, rule, probability, evidence FROM hub.person_link WHERE recorded_to IS NULL",
            "SELECT person_id FROM hub.person WHERE recorded_to IS NULL AND replaced_by IS NULL",
            "SELECT kind, feed_l, record_key_l, feed_r, record_key_r, probability, evidence FROM hub.link_conflict WHERE recorded_to IS NULL"))


ZHAO, QIAN = (("psb_register", "R1"), ("health_record", "H1")), (("psb_register", "R3"), ("health_record", "H3"))


def decide(county: Engine, pair, verdict: str, by: str = "张登记") -> decisions.Decision:
    """Say of ``pair`` what was decided."""
    return decisions.decide(county, *pair, verdict, by=by, reason="问过本人")
