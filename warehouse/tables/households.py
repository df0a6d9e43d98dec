"""Households, profiles, tickets, and what was handed to whom."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, Float, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from warehouse.tables.base import metadata, stamp

person_profile = Table(  # one row a person: surviving values and where each came from
    "person_profile",
    metadata,
    Column("person_id", Text, nullable=False),
    Column("name", Text),
    Column("sex", Text),
    Column("birth_date", Date),
    Column("id_number", Text),
    Column("dwelling_id", Text),
    Column("community_code", Text),
    Column("alive", Boolean, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("attributes", Text, nullable=False),  # JSON [{feed, record, batch, time, values: {attribute: [value, confidence, differing]}}]
    stamp("recorded_from", nullable=False),
    stamp("recorded_to"),
    Index("person_profile_open", "person_id", unique=True, postgresql_where=text("recorded_to IS NULL")),
)

household = Table(
    "household",
    metadata,
    Column("household_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # residence | register | assistance
    Column("natural_key", Text),  # station|number, card number; residence: dwelling, dwelling#person or @person
    stamp("recorded_from", primary_key=True, nullable=False),
    stamp("recorded_to"),
)

household_member = Table(
    "household_member",
    metadata,
    Column("household_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("relation", Text),  # GB/T 4761
    Column("basis", Text, nullable=False),  # which source put the person here
    Column("confidence", Float, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
    stamp("recorded_from", nullable=False),
    stamp("recorded_to"),
    Index("household_member_open", "household_id", postgresql_where=text("recorded_to IS NULL")),
    Index("household_member_person", "person_id", postgresql_where=text("recorded_to IS NULL")),
)

profile = Table(
    "profile",
    metadata,
    Column("household_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("community_code", Text),
    Column("grid_id", Text),
    Column("dwelling_id", Text),
    Column("document", Text, nullable=False),  # JSON, the profile document
    stamp("recorded_from", nullable=False),
    stamp("recorded_to"),
    Index("profile_open", "household_id", unique=True, postgresql_where=text("recorded_to IS NULL")),
)

ticket = Table(  # correction tickets (校核): a department is asked to verify a value
    "ticket",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=True),
    Column("department", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("record_key", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("kind", Text, nullable=False),  # conflict, unregistered, dead_but_paid, ...
    Column("detail", JSONB),
    Column("state", Text, nullable=False, server_default="open"),
    stamp("recorded_from", nullable=False),
    stamp("recorded_to"),
)

household_event = Table(  # what happened to a residence household; profiles.events says which kinds there are
    "household_event",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=True),
    Column("household_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("happened_on", Date),  # as the records say; null: nobody says, recorded_from is when it was seen
    Column("person_id", Text),
    Column("other_household_id", Text),  # where a person came from or went, what split off or was joined
    Column("review", Boolean, nullable=False, server_default="false"),  # one source alone says so
    stamp("recorded_from", nullable=False),
    stamp("recorded_to"),
    Index("household_event_household", "household_id"),
)

assembly_run = Table(  # each assembly; the newest token says which assembly a cache belongs to
    "assembly_run",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=True),
    Column("token", Text, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("mode", Text, nullable=False),  # whole | changes
    Column("figures", JSONB, nullable=False),
    stamp("recorded_from", nullable=False),
)

extract = Table(
    "extract",
    metadata,
    Column("recipient", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # full | delta
    Column("agreement_version", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),  # SM3 of the file
    Column("file_name", Text, nullable=False),
    Column("as_of", Date, nullable=False),  # the day it stands for
    stamp("recorded_from", nullable=False),
)

extract_row = Table(  # what the recipient holds now, by content hash
    "extract_row",
    metadata,
    Column("recipient", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("row_key", Text, primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("row_hash", BigInteger),  # of the row before masks, with the grant: while it stays, so does content_hash
    Column("sequence", Integer, nullable=False),
)
