"""What a run of the linkage reads of the warehouse (读取), all of one moment: everything, or what was written since the run before.

A run that remembers the tables of the one before asks only for the mentions of records touched since, and is told how many there
are in all: a deleted row leaves no stamp, so where the numbers differ everything is read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Engine

from contracts.model import Contract
from linkage.comparable import update_mentions
from linkage.training_figures import missing_rates
from warehouse.mention import HALVES
from warehouse.snapshot import Horizon, Snapshot, snapshot
from warehouse.touched import tables_present, touched, touched_since

# What comparing needs; who delivered a row, and when, does not decide who it is about.
MENTION_COLUMNS = (
    "feed, record_key, table_name, base_key, role, name, name_note, former_name, sex, birth_date, birth_precision, relation, "
    "id_number, id_text, id_embedded, phone, phone_second, phone_home, group_kind, group_key, ref_feed, ref_key, dwelling_kind, "
    "compound_id, building_id, unit, dwelling_id, death_date, dead, ended"
)
_MENTIONS = f"SELECT {MENTION_COLUMNS}, hashtextextended(address_text, 0) AS address FROM hub.mention"  # address: tells whose place changed
_COUNT = "SELECT count(*) AS n FROM hub.mention WHERE {half}"
_VIEW = "SELECT coalesce(obj_description(to_regclass('hub.mention'), 'pg_class'), '') AS digest"  # of its definition: warehouse.mention
# Of links that were closed: the last person of a record (null: all its persons went into others), and ids it had that went into another, so that what parts again gets its own back.
_PAST = """
WITH closed AS (
    SELECT l.feed, l.record_key, l.person_id, p.replaced_by IS NOT NULL AS went, l.recorded_to, l.recorded_from
    FROM hub.person_link l LEFT JOIN hub.person p ON p.person_id = l.person_id WHERE l.recorded_to IS NOT NULL)
SELECT feed, record_key, (array_agg(person_id ORDER BY recorded_to DESC, recorded_from DESC) FILTER (WHERE NOT went))[1] AS person_id,
       array_agg(DISTINCT person_id) FILTER (WHERE went) AS former
FROM closed GROUP BY feed, record_key
"""
# Only what binds: not what waits for its second person, nor what somebody could not say.
_DECISIONS = "SELECT feed_l, record_key_l, feed_r, record_key_r, verdict FROM hub.binding_decision"
# The bureau's person number stays when an ID number is corrected (feeds.md), so the older one is an alias.
_ALIASES = """
SELECT DISTINCT 'psb_register' AS feed, old.record_key, old.id_number
FROM record.psb_register old JOIN record.psb_register now ON now.record_key = old.record_key AND now.recorded_to IS NULL
WHERE old.recorded_to IS NOT NULL AND old.id_number IS NOT NULL AND old.id_number <> now.id_number
"""
_MOST = 0.1  # of all mentions: where the records of more were touched, reading all of them is quicker than asking for each
_FEW = 2_000  # touched records that are always few


@dataclass(frozen=True)
class Beside:
    """What is read whole in any case, and the moment: ``view``: digest of the mention view, ``mentions``: their number, ``past``: what records were linked to by links that
    are closed, ``decisions`` that bind, ``aliases``: earlier numbers (None without a register)."""

    horizon: Horizon
    view: str
    mentions: int
    past: pa.Table
    decisions: pa.Table
    aliases: pa.Table | None


def read_beside(moment: Snapshot, mentions: int | None = None) -> Beside:
    """The small tables of the moment; ``mentions``: their number where it is known, else they are counted. Raises QueryError."""
    asked = {"past": _PAST, "decisions": _DECISIONS, "view": _VIEW} | ({"aliases": _ALIASES} if "psb_register" in tables_present(moment) else {})
    counted = {half: _COUNT.format(half=half) for half in HALVES} if mentions is None else {}
    read = moment.read_all(counted | asked)
    if counted:
        mentions = sum(read[half]["n"][0].as_py() for half in counted)
    return Beside(moment.horizon(), read["view"]["digest"][0].as_py(), mentions, read["past"], read["decisions"], read.get("aliases"))


def bring_mentions(
    con: duckdb.DuckDBPyConnection, moment: Snapshot, contracts: Mapping[str, Contract], since: Horizon | None, mentions: int,
    everything: list[pa.Table] | None = None,
) -> dict[str, Any] | None:  # fmt: skip
    """Bring table ``mention`` of ``con``, which stands at ``since`` (None: it is not there), to the moment, which has that many
    ``mentions``; ``changed_mention`` as :func:`linkage.comparable.update_mentions` leaves it. Returns what is missing in them
    (:func:`linkage.training_figures.missing_rates`) where all were read. ``everything``: all mentions, where they are read already; they
    are taken out of it, as nobody needs them afterwards. Raises QueryError."""
    keys = since and _touched_keys(con, moment, contracts, since)
    if keys is not None and len(keys) <= max(_FEW, _MOST * mentions):
        read = _read_keys(moment, keys)
        # what has no name borrows that of the record it points at
        lent = {ref for ref, name in zip(*(read[c].to_pylist() for c in ("ref_key", "name")), strict=True) if ref and name is None}.difference(keys)
        read = pa.concat_tables([read, _read_keys(moment, lent)])
        asked = pa.table({"base_key": pa.array([*keys, *lent], pa.string())})
        con.register("asked", asked)
        (others,) = con.execute("SELECT count(*) FROM mention ANTI JOIN asked USING (base_key)").fetchall()[0]
        con.unregister("asked")
        if others + read.num_rows == mentions:
            update_mentions(con, read, asked)
            return None
    given = everything or [read_everything(moment)]
    missing = missing_rates(given[0])
    update_mentions(con, given.pop())
    return missing


def read_inputs(engine: Engine, decisions: str) -> tuple[pa.Table, pa.Table, pa.Table | None]:
    """All mentions, the result of the query ``decisions``, and ``aliases`` as in :class:`Beside`. Raises QueryError."""
    with snapshot(engine) as moment:
        return read_everything(moment), moment.read(decisions), _read_aliases(moment)


def earlier_numbers(engine: Engine) -> pa.Table | None:
    """ID numbers that rows of the register carried before (feed, record_key, id_number); None without a register."""
    with snapshot(engine) as moment:
        return _read_aliases(moment)


def _read_aliases(moment: Snapshot) -> pa.Table | None:
    return moment.read(_ALIASES) if "psb_register" in tables_present(moment) else None


def read_everything(moment: Snapshot) -> pa.Table:
    """All mentions of the moment. Raises QueryError."""
    return pa.concat_tables(moment.read_all({half: f"{_MENTIONS} WHERE {half}" for half in HALVES}).values())


def _touched_keys(con: duckdb.DuckDBPyConnection, moment: Snapshot, contracts: Mapping[str, Contract], horizon: Horizon) -> list[str] | None:
    """Base keys of the mentions whose record or place was written since, and of those that borrow a name from one; None if that can't be told."""
    since = moment.since(horizon)
    if since is None:
        return None
    keys, places = touched_since(moment, touched(contracts, tables_present(moment)), since)
    con.register("touched_in", pa.table({"record_key": pa.array(keys, pa.string())}))
    con.register("place_in", places)
    found = con.execute("""SELECT record_key FROM touched_in UNION SELECT base_key FROM mention WHERE address IN (FROM place_in)
                           UNION SELECT base_key FROM mention WHERE ref_key IN (FROM touched_in)""").fetchall()
    con.unregister("touched_in")
    con.unregister("place_in")
    return sorted(key for (key,) in found)


def _read_keys(moment: Snapshot, keys: Collection[str]) -> pa.Table:
    return moment.read(f"{_MENTIONS} WHERE base_key = ANY(:keys)", {"keys": list(keys) or [""]})
