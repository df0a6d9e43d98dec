"""Splink on Spark beside Splink on DuckDB, on a cluster of two workers: every level the same, every score the same."""

from __future__ import annotations

import importlib.util
import random
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from linkage.engine import LinkSettings
from linkage.model import load_model
from linkage.scoring import Scorer, score
from linkage.shared_files import write_table
from linkage.spark import _signed, spark_scorer
from linkage.spark_sql import spark_model
from tests.linkage_world import county, linked
from warehouse.compute import analyst

pytestmark = pytest.mark.long
MODEL = load_model()


@pytest.fixture(scope="module")
def scorer(tmp_path_factory) -> Iterator[Scorer]:
    if not shutil.which("java") and importlib.util.find_spec("pyspark") is None:
        pytest.skip("neither Java nor pyspark is here: Spark can't be tested on this machine (make test-long installs pyspark)")
    with spark_scorer("local-cluster[2,1,1024]", tmp_path_factory.mktemp("shared")) as found:
        yield found
    import pyspark

    shutil.rmtree(Path(pyspark.__file__).parent / "work", ignore_errors=True)  # a local cluster's workers leave their folders


def test_a_linkage_on_spark_is_the_one_on_duckdb(scorer: Scorer) -> None:
    compared = []

    def both(con, model, weights, prior) -> None:
        score(con, model, weights, prior)
        con.execute("CREATE OR REPLACE TEMP TABLE here AS FROM scored")
        scorer(con, model, weights, prior)
        levels = " OR ".join(f"a.{c.name} IS DISTINCT FROM b.{c.name}" for c in model.comparisons)
        compared.append(con.execute(
            f"""SELECT count(*), count(*) FILTER (a.l IS NULL OR b.l IS NULL), count(*) FILTER ({levels}),
                       count(*) FILTER (abs(a.weight - b.weight) >= 1e-9), count(*) FILTER (abs(a.probability - b.probability) >= 1e-9)
                FROM here a FULL JOIN scored b USING (l, r)""").fetchall()[0])  # fmt: skip
        met.update(*(con.execute(f"SELECT DISTINCT '{c.name}.' || {c.name} FROM here").fetchall() for c in model.comparisons))

    met: set[tuple[str]] = set()
    mentions = county(250, seed=9)
    found = linked(mentions, LinkSettings(score=both))
    assert [row[1:] for row in compared] == [(0, 0, 0, 0)] * 2
    assert compared[0][0] > 2000 and len(met) > 25
    assert found.links.equals(linked(mentions).links)


def test_every_level_has_the_same_value_in_both_engines(scorer: Scorer, tmp_path: Path) -> None:
    """Each condition alone, nulls told from false, over rows that no blocking chose."""
    from pyspark.sql import SparkSession
    from splink import SparkAPI

    session = SparkSession.active()
    SparkAPI(spark_session=session)  # makes the edit distances of its jar known
    with analyst(2, 400) as con:
        for macro in MODEL.macros:
            con.execute(macro)
        entity = _entities(random.Random(3), 260)
        con.register("entity", entity)
        columns = dict(con.execute("SELECT column_name, column_type FROM (DESCRIBE entity)").fetchall())
        write_table(con, tmp_path / "entity.parquet", f"SELECT {_signed(columns)} FROM entity")
        session.read.parquet(str(tmp_path / "entity.parquet")).createOrReplaceTempView("spark_entity")
        sides = ", ".join(f"{side}.{name} AS {name}_{side}" for name in columns for side in "lr")
        for here, there in zip(MODEL.comparisons, spark_model(MODEL, columns).comparisons, strict=True):
            spoken = [(h, t) for h, t in zip(here.levels, there.levels, strict=True) if h.sql != "ELSE"]
            pairs = f"(SELECT {sides} FROM {{}} l JOIN {{}} r ON l.unique_id < r.unique_id)"
            ours = con.sql(f"SELECT unique_id_l, unique_id_r, {', '.join(f'({h.sql}) AS {h.name}' for h, _ in spoken)} FROM {pairs.format('entity', 'entity')} ORDER BY 1, 2").to_arrow_table()
            query = f"SELECT unique_id_l, unique_id_r, {', '.join(f'({t.sql}) AS {t.name}' for _, t in spoken)} FROM {pairs.format('spark_entity', 'spark_entity')}"
            session.sql(query).write.parquet(str(tmp_path / here.name))
            con.execute(f"CREATE TABLE {here.name} AS FROM read_parquet('{tmp_path / here.name}/*.parquet')")
            theirs = con.sql(f"SELECT * FROM {here.name} ORDER BY 1, 2").to_arrow_table()
            assert ours.num_rows == theirs.num_rows == 260 * 259 / 2
            for level, _ in spoken:
                assert ours[level.name].combine_chunks().equals(theirs[level.name].combine_chunks()), f"{here.name}.{level.name}"
                assert ours[level.name].combine_chunks().true_count, f"{here.name}.{level.name} never met: the rows say nothing"


def _entities(chance: random.Random, count: int) -> pa.Table:
    """Rows as ``entity`` has them, every column empty now and then, few enough values to meet at every level."""
    def some(values: list, nulls: float = 0.15):
        return None if chance.random() < nulls else chance.choice(values)

    def few(values: list) -> list | None:
        """A list: missing, empty, with a missing element, or as it should be."""
        if chance.random() < 0.05:
            return None
        found = chance.sample(values, chance.randrange(0, min(4, len(values) + 1)))
        return [*found, None] if chance.random() < 0.05 else found

    numbers = [f"130731198{d}0512{c}{e}{chance.randrange(3)}{x}" for d in "012" for c in "01" for e in "01" for x in "13X"]
    numbers += [f"132530{n[6:]}" for n in numbers[:4]]
    births = [19800512, 19800521, 19801205, 19810512, 19800612, 19800501, 19840229, 20010101, 19800101]
    big = [2**63 + k for k in range(-4, 5)] + [0, 2**64 - 1, 17]
    rows = []
    for i in range(count):
        name = some(["王建国", "王国建", "王建", "王建国平", "李静", "李婧", "王秀英", "王*国"], 0.1)
        written = [None if c == "*" else c for c in (name or "")] + [None] * 4
        sounds = {"静": "jing", "婧": "jing"}
        typed, birth = some(numbers, 0.3), some(births)
        rows.append({
            "unique_id": i, "name": name, "names": few(["王建国", "李静", "王秀英"]),
            "py": name and "".join(sounds.get(c, c) for c in name), "len": name and len(name), "p1": written[0],
            **{f"c{k + 1}": written[k] for k in range(4)}, "birth": birth, "births": few(births), "year": birth and birth // 10000,
            "sex": some(["1", "2"]), "typed": typed, "typed_or_id": typed or some(numbers), "cut": some([n[:15] for n in numbers], 0.5),
            "id15": some([n[:15] for n in numbers]), "masks": few(["1307310316", "1307310317", "1307310361"]),
            "mask": some(["1307310316", "1307310317", "1307310361"]), "death": some([_day(d) for d in (1, 20, 45, 90)], 0.6), "cards": few(["A1", "A2"]),
            **{name: few(list(range(6))) for name in ("kin", "mates")},
            **{name: few(big) for name in ("kin_names", "kin_phones", "phones", "rooms", "buildings", "compounds")},
        })  # fmt: skip
    return pa.Table.from_pylist(rows, _ENTITY)


def _day(number: int) -> date:
    return date(2026, 1, 1) + timedelta(days=number)


_TEXTS = ("name", "py", "c1", "c2", "c3", "c4", "p1", "sex", "typed", "typed_or_id", "cut", "id15", "mask")
_ENTITY = pa.schema(
    [("unique_id", pa.int32()), ("len", pa.uint8()), ("birth", pa.int32()), ("year", pa.int16()), ("death", pa.date32())]
    + [(name, pa.string()) for name in _TEXTS]
    + [(name, pa.list_(pa.string())) for name in ("names", "masks", "cards")]
    + [(name, pa.list_(pa.int32())) for name in ("births", "kin", "mates")]
    + [(name, pa.list_(pa.uint64())) for name in ("kin_names", "kin_phones", "phones", "rooms", "buildings", "compounds")]
)
