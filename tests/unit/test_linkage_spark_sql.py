"""The model's levels in Spark's SQL: what is rewritten, and what is refused rather than guessed. No Spark needed."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from linkage.model import Level, ModelError, load_model
from linkage.spark import SparkUnavailable, spark_scorer
from linkage.spark_sql import spark_model, to_spark

TYPES = {"name_l": "VARCHAR", "name_r": "VARCHAR", "rooms_l": "UBIGINT[]", "rooms_r": "UBIGINT[]", "died_l": "DATE", "died_r": "DATE", "n_l": "INTEGER"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("len(rooms_l) = 0", "ARRAY_SIZE(rooms_l) = 0"),
        ("len(name_l) = 2", "LENGTH(name_l) = 2"),
        ("name_l[7:] = name_r[3:5]", "SUBSTRING(name_l, 7) = SUBSTRING(name_r, 3, 3)"),
        ("abs(died_l - died_r) <= 40", "ABS(CAST(DATEDIFF(died_l, died_r) AS BIGINT)) <= 40"),
        ("n_l // 100 - 1 = 3", "n_l DIV 100 - 1 = 3"),
        ("len(list_intersect(rooms_l, rooms_r)) >= 2", "ARRAY_SIZE(ARRAY_COMPACT(ARRAY_INTERSECT(rooms_l, COALESCE(rooms_r, ARRAY())))) >= 2"),
    ],
)
def test_what_looks_the_same_and_is_not_is_rewritten(written: str, said: str) -> None:
    assert to_spark(written, TYPES) == said


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("jaro_similarity(name_l, name_r) > 0.9", "jaro"),
        ("regexp_matches(name_l, '王')", "regexp"),
        ("name_l[-2:] = 'a'", "positions"),
        ("rooms_l[1:2] = rooms_r", "slice of a text"),
        ("nobody_l = 1", "no column nobody_l"),
    ],
)
def test_what_nobody_vouched_for_is_refused(written: str, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        to_spark(written, TYPES)


def test_a_level_that_spark_cannot_say_is_named() -> None:
    model = load_model()
    odd = replace(model.comparisons[0], levels=(Level("odd", "soundex(name_l) = 'a'", "a test"),))
    with pytest.raises(ModelError, match="^name.odd: .*soundex"):
        spark_model(replace(model, comparisons=(odd,)), {"name": "VARCHAR"})


def test_without_pyspark_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(SparkUnavailable, match="requirements/extras.txt"), spark_scorer("local[1]", tmp_path):
        pass


def test_without_java_it_is_said_that_it_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr("linkage.spark.importlib.util.find_spec", lambda name: name)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(SparkUnavailable, match="Java 17"), spark_scorer("local[1]", tmp_path):
        pass
