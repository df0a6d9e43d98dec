"""How good is it: persons and households against a simulated county's truth.

Truth files as the simulated county writes them (simulator/README.md): crosswalk.csv, households.csv, and
attributes.csv where there is one.
Precision and recall are pairwise: two records of one person, two persons in one household. A person
record that is missing from our crosswalk counts as linked to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlalchemy import Engine

from linkage.metrics import pair_scores_by_feeds
from reports.exports import EXPORTS
from warehouse.bulk import read_arrow
from warehouse.compute import analyst

SUBJECTS = {
    "person": "person records (人员)",
    "residence": "residence households (居住户)",
    "address_string": "  baseline: same address text",
    "register": "register households (户籍户)",
    "assistance": "assistance families (共同生活家庭)",
}
OURS = {
    "crosswalk": "SELECT feed, record_key AS source_key, person_id FROM hub.person_link WHERE recorded_to IS NULL",
    "households": "SELECT household_id, kind, person_id FROM hub.household_member WHERE recorded_to IS NULL",
}


def evaluate(engine: Engine, truth: Path) -> dict[str, float | int]:
    """Figures of the present warehouse against ``truth``; before the first assembly, of persons alone. Raises FileNotFoundError if a truth file is absent."""
    con = analyst()
    for name in ("crosswalk", "households"):
        path = truth / f"{name}.csv"
        if not path.is_file():
            raise FileNotFoundError(f"{path}: expected the truth of a simulated county")
        con.execute(
            f"CREATE TABLE true_{name} AS SELECT * FROM read_csv(?, header = true, all_varchar = true)", [str(path)]
        )
        con.register(f"our_{name}", read_arrow(engine, OURS[name]))
    con.register("our_address", _addresses(engine))
    figures = _persons(con)
    if con.execute("SELECT count(*) FROM our_households").fetchall()[0][0] == 0:
        return figures
    figures |= _households(con)
    if (truth / "attributes.csv").is_file():
        con.register("our_attributes", read_arrow(engine, EXPORTS["attributes"]))
        figures |= _attributes(con, truth / "attributes.csv")
    return figures


def feed_pairs(engine: Engine, truth: Path) -> list[dict[str, str | float | int]]:
    """Precision and recall of the person links by pair of feeds (a ≤ b), most missed pairs first; pairs of feeds
    without a true or a found pair are left out. Raises FileNotFoundError as :func:`evaluate`."""
    path = truth / "crosswalk.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the truth of a simulated county")
    with duckdb.connect() as con:
        true = con.sql(
            "SELECT feed, source_key, true_person_id AS person_id FROM read_csv(?, header = true, all_varchar = true)",
            params=[str(path)],
        ).to_arrow_table()
    scores = pair_scores_by_feeds(true, read_arrow(engine, OURS["crosswalk"]))
    rows = [
        {
            "feed": a, "with": b, "true": s.true_pairs, "found": s.found_pairs, "missed": s.true_pairs - s.right_pairs,
            "wrong": s.found_pairs - s.right_pairs, "precision": round(s.precision, 5), "recall": round(s.recall, 5),
        }
        for (a, b), s in scores.items() if s.true_pairs or s.found_pairs
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row["missed"] - row["wrong"], row["feed"], row["with"]))


def _addresses(engine: Engine) -> pa.Table:
    """The baseline a clerk would use: whoever writes the same (newest, preferably residence) address lives together."""
    con = analyst()
    con.register(
        "link", read_arrow(engine, "SELECT feed, record_key, person_id FROM hub.person_link WHERE recorded_to IS NULL")
    )
    con.register(
        "mention",
        read_arrow(
            engine,
            "SELECT feed, record_key, address_text, dwelling_kind, source_time FROM hub.mention WHERE address_text IS NOT NULL",
        ),
    )
    return con.sql(
        """SELECT person_id, arg_min(address_text, (dwelling_kind <> 'residence', -epoch_us(coalesce(source_time, to_timestamp(0))), feed)) AS address
           FROM link JOIN mention USING (feed, record_key) GROUP BY person_id"""
    ).to_arrow_table()


PAIRS = """
    WITH cell AS (SELECT count(*)::HUGEINT AS n, t, o FROM {source} GROUP BY t, o),
         shared AS (SELECT sum(n * (n - 1) / 2) AS pairs FROM cell),
         truth AS (SELECT sum(n * (n - 1) / 2) AS pairs FROM (SELECT count(*)::HUGEINT AS n FROM {source} GROUP BY t)),
         ours AS (SELECT sum(n * (n - 1) / 2) AS pairs FROM (SELECT count(*)::HUGEINT AS n FROM {source} GROUP BY o))
    SELECT shared.pairs / nullif(ours.pairs, 0), shared.pairs / nullif(truth.pairs, 0) FROM shared, truth, ours
"""


def _prf(con: duckdb.DuckDBPyConnection, source: str, prefix: str) -> dict[str, float]:
    precision, recall = (float(x or 0) for x in con.execute(PAIRS.format(source=source)).fetchall()[0])
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    names = (f"{prefix}_precision", f"{prefix}_recall", f"{prefix}_f1")
    return dict(zip(names, (round(x, 5) for x in (precision, recall, f1)), strict=True))


def _persons(con: duckdb.DuckDBPyConnection) -> dict[str, float | int]:
    con.execute(
        """CREATE TABLE pair AS
           SELECT t.true_person_id AS t, coalesce(o.person_id, 'missing ' || t.feed || ' ' || t.source_key) AS o, o.person_id IS NULL AS missing
           FROM true_crosswalk t LEFT JOIN our_crosswalk o USING (feed, source_key)"""
    )
    records, missing = con.execute("SELECT count(*), count(*) FILTER (WHERE missing) FROM pair").fetchall()[0]
    return {"person_records": records, "person_records_missing": missing, **_prf(con, "pair", "person")}


def _attributes(con: duckdb.DuckDBPyConnection, truth: Path) -> dict[str, float]:
    """Share of persons whose surviving value is the true one, of those for whom the truth has a value."""
    con.execute(
        "CREATE OR REPLACE TABLE true_attributes AS SELECT * FROM read_csv(?, header = true, all_varchar = true)", [str(truth)]
    )
    place = "concat_ws('|', {0}.compound, {0}.building, coalesce({0}.unit, '0'), coalesce({0}.room, '0'))"
    pairs = {name: (f"t.{name}", f"CAST(o.{name} AS VARCHAR)") for name in ("name", "sex", "birth_date", "id_number")}
    pairs["dwelling"] = (f"CASE WHEN t.compound IS NOT NULL THEN {place.format('t')} END", place.format("o"))
    columns = [f"avg(CAST(coalesce({o} = {t}, false) AS INTEGER)) FILTER ({t} IS NOT NULL)" for t, o in pairs.values()]
    shares = con.execute(
        f"""SELECT {", ".join(columns)} FROM our_attributes o JOIN stands_for s USING (person_id)
            JOIN true_attributes t ON t.true_person_id = s.t"""
    ).fetchall()[0]
    return {f"attribute_{name}_right": round(float(share or 0), 5) for name, share in zip(pairs, shares, strict=True)}


def _households(con: duckdb.DuckDBPyConnection) -> dict[str, float | int]:
    # One of our persons stands for the true person most of its records are of.
    con.execute(
        """CREATE TABLE stands_for AS SELECT o AS person_id, mode(t) AS t FROM pair WHERE NOT missing GROUP BY o;
           CREATE TABLE on_record AS SELECT DISTINCT t FROM pair WHERE NOT missing"""
    )
    figures: dict[str, float | int] = {}
    for kind in ("residence", "register", "assistance"):
        figures |= _household_kind(
            con, f"SELECT household_id AS h, person_id FROM our_households WHERE kind = '{kind}'", kind, kind
        )
    baseline = "SELECT address AS h, person_id FROM our_address"
    return figures | _household_kind(con, baseline, "residence", "address_string")


def _household_kind(con: duckdb.DuckDBPyConnection, ours: str, kind: str, prefix: str) -> dict[str, float | int]:
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE ours AS SELECT DISTINCT h, t FROM ({ours}) JOIN stands_for USING (person_id);
            CREATE OR REPLACE TEMP TABLE truth AS SELECT DISTINCT household_id AS h, true_person_id AS t FROM true_households
            JOIN on_record ON t = true_person_id WHERE kind = '{kind}';
            CREATE OR REPLACE TEMP TABLE co AS
            SELECT truth.h AS t, coalesce(ours.h, 'none ' || truth.t) AS o FROM truth LEFT JOIN ours USING (t)
            UNION ALL SELECT 'none ' || ours.t, ours.h FROM ours LEFT JOIN truth USING (t) WHERE truth.h IS NULL"""
    )
    exact, households = con.execute(
        """WITH t AS (SELECT h, list_sort(list(t)) AS members FROM truth GROUP BY h),
                o AS (SELECT DISTINCT list_sort(list(t)) AS members FROM ours GROUP BY h)
           SELECT count(*) FILTER (WHERE members IN (SELECT members FROM o)), count(*) FROM t"""
    ).fetchall()[0]
    return {
        f"{prefix}_households": households,
        f"{prefix}_exact_rate": round(exact / households, 5) if households else 0.0,
        **_prf(con, "co", f"{prefix}_pair"),
    }


def table(figures: Mapping[str, float | int]) -> list[dict[str, str | float | int | None]]:
    """The figures of :func:`evaluate` as rows to read: what was measured, how many there are, and how well."""
    rows = []
    for prefix, what in SUBJECTS.items():
        pair = "person" if prefix == "person" else f"{prefix}_pair"
        if f"{pair}_f1" not in figures:
            continue
        rows.append(
            {
                "what": what, "true": figures["person_records" if prefix == "person" else f"{prefix}_households"],
                "exact": figures.get(f"{prefix}_exact_rate"), **{name: figures[f"{pair}_{name}"] for name in ("precision", "recall", "f1")},
            }
        )  # fmt: skip
    return rows
