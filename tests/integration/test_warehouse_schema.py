"""The schema: Alembic says what the tables say, record tables follow the contracts by adding (表结构)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect, text

from contracts.model import Field
from contracts.reader import load_contracts
from contracts.vocabulary import RESERVED
from warehouse import schema
from warehouse.engine import engine_for
from warehouse.errors import SchemaError
from warehouse.record_tables import OWN_COLUMNS, canonical_types
from warehouse.tables import metadata


@pytest.fixture
def engine(new_database):
    made = engine_for(new_database())
    yield made
    made.dispose()


def _only_hub(name, kind, _parents) -> bool:
    return kind != "schema" or name == "hub"


def columns(engine, table: str) -> list[str]:
    return [column["name"] for column in inspect(engine).get_columns(table, schema="record")]


def test_the_migrations_make_exactly_the_tables(engine):
    options = {"include_schemas": True, "include_name": _only_hub, "version_table_schema": "hub", "compare_server_default": True}
    with engine.connect() as connection:
        drift = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        checks = connection.execute(text("SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND connamespace = 'hub'::regnamespace"))
        assert checks.scalar() == sum(1 for t in metadata.tables.values() for c in t.constraints if isinstance(c, CheckConstraint))
    assert drift == []


def test_the_migrations_go_back_and_forth(engine):
    from alembic import command
    from alembic.config import Config

    with engine.begin() as connection:
        connection.execute(text("DROP VIEW hub.mention"))
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names(schema="hub") == ["alembic_version"]
    schema.upgrade(engine, {})
    assert set(inspect(engine).get_table_names(schema="hub")) >= {table.name for table in metadata.tables.values()}


def test_every_contract_has_its_record_tables_column_by_column(engine):
    contracts = load_contracts()
    schema.upgrade(engine, contracts)
    for contract in contracts.values():
        for table in contract.tables:
            assert columns(engine, table.name) == [*OWN_COLUMNS, *canonical_types(table)]


def test_contracts_reserve_exactly_the_warehouses_own_columns():
    assert set(OWN_COLUMNS) == RESERVED


def test_upgrades_at_once_and_again_are_harmless(engine, small):
    contracts = {"small_register": small.register, "small_visit": small.visits}
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: schema.upgrade(engine, contracts), range(3)))
    assert columns(engine, "small_visit_resident")


def test_a_new_column_is_added_and_an_old_one_stays(small, small_hub):
    hub = small_hub(small.register)
    hub.load(small.register, [{"key": "P1", "name": "李娜", "sex": "2"}], day=1)
    kept = tuple(field for field in small.people.fields if field.name != "sex")
    newer = replace(small.people, fields=(*kept, Field("phone", "LXDH", "phone", "电话")))
    contract = replace(small.register, tables=(newer,))
    schema.upgrade(hub.engine, {"small_register": contract})
    hub.load(contract, [{"key": "P2", "phone": "13900000000"}], day=2)
    assert hub.open("small_register", "sex", "phone") == {"P1": ("2", None), "P2": (None, "13900000000")}


def test_a_vanished_record_keeps_what_a_newer_contract_no_longer_names(small, small_hub):
    from contracts.model import Mode

    snapshot = replace(small.register, mode=Mode.SNAPSHOT, order_field=None)
    hub = small_hub(snapshot)
    hub.load(snapshot, [{"key": "P1", "sex": "2"}, {"key": "P2"}], day=1, period="202609")
    newer = replace(small.people, fields=tuple(field for field in small.people.fields if field.name != "sex"))
    hub.load(replace(snapshot, tables=(newer,)), [{"key": "P2"}], day=2, period="202610")
    assert hub.open("small_register", "state", "sex")["P1"] == ("vanished", "2")


def test_a_column_of_another_type_is_refused(engine, small):
    schema.upgrade(engine, {"small_register": small.register})
    other = tuple(replace(field, type="date") if field.name == "sex" else field for field in small.people.fields)
    with pytest.raises(SchemaError, match="small_register: sex: the column holds text and the contract now says date"):
        schema.upgrade(engine, {"small_register": replace(small.register, tables=(replace(small.people, fields=other),))})


def test_a_field_cannot_take_the_warehouses_own_name(engine, small):
    table = replace(small.people, fields=(Field("state", "ZT", "text", "状态"),))
    with pytest.raises(SchemaError, match="state: the name is the warehouse's own"):
        schema.upgrade(engine, {"small_register": replace(small.register, tables=(table,))})


def test_a_record_cannot_be_open_twice(small, small_hub):
    from sqlalchemy.exc import IntegrityError

    hub = small_hub(small.register)
    hub.load(small.register, [{"key": "P1"}])
    names = [name for name in OWN_COLUMNS if name != "recorded_to"]
    copied = f"INSERT INTO record.small_register ({', '.join(names)}) SELECT {', '.join(names)} FROM record.small_register"
    with pytest.raises(IntegrityError, match="small_register_one_open"), hub.engine.begin() as connection:
        connection.execute(text(copied))


def test_a_loaded_batch_that_does_not_add_up_is_refused_by_the_table_itself(engine):
    from sqlalchemy.exc import IntegrityError

    row = "INSERT INTO hub.batch (batch_id, feed, state, fetched_at, landed, inserted) VALUES ('b', 'f', 'loaded', now(), 3, 2)"
    with pytest.raises(IntegrityError, match="landed_is_accepted_plus_quarantined"), engine.begin() as connection:
        connection.execute(text(row))
