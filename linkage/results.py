"""What a linkage run hands back, as Arrow tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from linkage.states import Linking

LINKS = pa.schema([("feed", pa.string()), ("record_key", pa.string()), ("person_id", pa.string()), ("role", pa.string()),
                   ("rule", pa.string()), ("probability", pa.float64()), ("evidence", pa.string())])
PERSONS = pa.schema([("person_id", pa.string()), ("replaced_by", pa.string())])
EVENTS = pa.schema([("person_id", pa.string()), ("kind", pa.string()), ("other_id", pa.string()), ("cause", pa.string())])
CONFLICTS = pa.schema([("kind", pa.string()), ("feed_l", pa.string()), ("record_key_l", pa.string()), ("feed_r", pa.string()),
                       ("record_key_r", pa.string()), ("probability", pa.float64()), ("evidence", pa.string())])


@dataclass(frozen=True)
class LinkResult:
    """``links``: a row a mention. ``persons``: everybody there is now, and the ids that were replaced. ``events``: what
    happened to ids since the run before. ``conflicts``: refused links and pairs for review. ``figures``: counts and seconds."""

    links: pa.Table
    persons: pa.Table
    events: pa.Table
    conflicts: pa.Table
    figures: dict[str, Any]

    @classmethod
    def empty(cls, figures: dict[str, Any]) -> LinkResult:
        return cls(LINKS.empty_table(), PERSONS.empty_table(), EVENTS.empty_table(), CONFLICTS.empty_table(), figures)


def collect(con: duckdb.DuckDBPyConnection, linking: Linking, figures: dict[str, Any]) -> LinkResult:
    """From ``form``, ``labelled``, ``person_of`` and ``event``."""
    con.register("why", pa.table({
        "i": pa.array(range(len(linking.label)), pa.int32()), "rule": pa.array(linking.rule.tolist(), pa.string()),
        "probability": pa.array(linking.probability), "evidence": pa.array(linking.evidence.tolist(), pa.string())}))
    con.register("conflict_in", linking.all_conflicts())
    con.execute(
        """CREATE OR REPLACE TEMP TABLE size_of AS SELECT e, count(*) AS n FROM labelled GROUP BY e"""
    )
    links = con.sql(
        """SELECT f.feed, f.record_key, p.person_id, f.role,
                  coalesce(w.rule, t.rule, CASE WHEN s.n = 1 THEN 'only_record' ELSE 'first_record' END) AS rule,
                  round(w.probability, 4)::DOUBLE AS probability, w.evidence
           FROM form f JOIN labelled l USING (i) JOIN person_of p USING (e) JOIN size_of s USING (e) JOIN why w USING (i)
           LEFT JOIN trusted t USING (i) ORDER BY f.i"""
    ).to_arrow_table().cast(LINKS)
    persons = con.sql(
        """SELECT person_id, NULL::VARCHAR AS replaced_by FROM person_of
           UNION ALL SELECT person_id, other_id FROM event WHERE kind = 'merged_into' ORDER BY 1"""
    ).to_arrow_table().cast(PERSONS)
    events = con.sql("SELECT * FROM event").to_arrow_table().cast(EVENTS)
    # A pair both ends of which came together after all needs nobody's minute.
    conflicts = con.sql(
        """SELECT c.kind, a.feed AS feed_l, a.record_key AS record_key_l, b.feed AS feed_r, b.record_key AS record_key_r,
                  round(max(c.probability), 4)::DOUBLE AS probability, max(c.evidence) AS evidence
           FROM conflict_in c JOIN form a ON a.i = c.l JOIN form b ON b.i = c.r JOIN labelled x ON x.i = c.l JOIN labelled y ON y.i = c.r
           WHERE x.e <> y.e GROUP BY ALL ORDER BY ALL"""
    ).to_arrow_table().cast(CONFLICTS)
    figures["persons"] = con.execute("SELECT count(*) FROM person_of").fetchall()[0][0]
    figures["rules"], figures["conflicts"] = _counts(links["rule"]), _counts(conflicts["kind"])
    return LinkResult(links, persons, events, conflicts, figures)


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    counted = {str(entry["values"]): entry["counts"] for entry in column.value_counts().to_pylist()}
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
