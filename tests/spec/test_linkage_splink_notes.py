"""Splink is asked once: what it had DuckDB do is taken down, and said again it gives what Splink gives, over other pairs too."""

from __future__ import annotations

import pytest

from linkage import splink_sql
from linkage.engine import LinkSettings
from linkage.scoring import score
from tests.linkage_world import county, linked

SCORED = "SELECT * FROM scored ORDER BY l, r"


def rows(con, model, weights, prior):
    score(con, model, weights, prior)
    return con.execute(SCORED).fetchall()


@pytest.fixture
def asked(monkeypatch):
    """How often Splink was asked."""
    times, database = [], splink_sql.database

    def counting(con, taken=None):
        times.append(con)
        return database(con, taken)

    monkeypatch.setattr(splink_sql, "database", counting)
    return times


def test_what_was_taken_down_gives_what_splink_gives(asked):
    seen = []

    def scorer(con, model, weights, prior):
        told = rows(con, model, weights, prior)
        before = len(asked)
        assert rows(con, model, weights, prior) == told
        assert len(asked) == before

        con.execute("DELETE FROM candidate WHERE xor(join_key_l, join_key_r) % 2 = 0")  # another day's pairs
        said = rows(con, model, weights, prior)
        con.execute("DROP TABLE splink_sql")
        assert said == rows(con, model, weights, prior)
        assert len(asked) == before + 1
        assert 0 < len(said) < len(told)
        seen.append(len(said))

    linked(county(60, 5), LinkSettings(score=scorer))
    assert seen


def test_another_prior_or_weight_is_another_question(asked):
    def scorer(con, model, weights, prior):
        one = rows(con, model, weights, prior)
        assert rows(con, model, weights, prior / 2) != one
        name, *_ = model.comparisons
        other = {name.name: {level.name: {"m": level.m / 2, "u": level.u} for level in name.levels if level.m}}
        assert rows(con, model, other, prior) != one
        assert rows(con, model, weights, prior) == one
        assert len(asked) == 3
        asked.clear()
        con.execute("DROP TABLE splink_sql")

    linked(county(60, 5), LinkSettings(score=scorer))


def test_a_statement_of_another_splink_is_not_said_again(asked, monkeypatch):
    def scorer(con, model, weights, prior):
        one = rows(con, model, weights, prior)
        with monkeypatch.context() as later:
            later.setattr(splink_sql, "version", lambda _: "another")
            assert rows(con, model, weights, prior) == one
        assert len(asked) == 2
        asked.clear()

    linked(county(20, 5), LinkSettings(score=scorer))


def test_nothing_splink_made_stays(asked):
    def scorer(con, model, weights, prior):
        for _ in range(2):
            score(con, model, weights, prior)
            left = con.execute("SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, '__splink')").fetchall()
            assert left == []

    linked(county(20, 5), LinkSettings(score=scorer))
    assert asked
