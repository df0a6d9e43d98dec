"""Feeds side by side (并行接入): in their order, never more than asked at once, and a failure stops what was not begun."""

from __future__ import annotations

import threading
import time

import pytest

from gridhub.ahead import side_by_side


def test_results_come_in_the_order_of_the_feeds():
    quick = threading.Event()

    def work(feed: str) -> str:
        if feed == "a":
            assert quick.wait(10)  # the second ends before the first
        else:
            quick.set()
        return feed.upper()

    assert list(side_by_side(work, ["a", "b", "c", "d"])) == ["A", "B", "C", "D"]


def test_never_more_than_asked_are_under_way():
    under_way, most, lock = 0, 0, threading.Lock()

    def work(_: str) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.005)
        with lock:
            under_way -= 1

    list(side_by_side(work, map(str, range(12))))
    assert most == 2
    most = 0
    list(side_by_side(work, map(str, range(4)), at_once=1))
    assert most == 1


def test_a_failure_comes_in_its_place_and_ends_what_was_not_begun():
    begun = []

    def work(feed: str) -> str:
        begun.append(feed)
        if feed == "b":
            raise ValueError("b")
        return feed

    feeds = [*"abcdefgh"]
    results = side_by_side(work, feeds, at_once=1)
    assert next(results) == "a"
    with pytest.raises(ValueError, match="b"):
        next(results)
    assert begun[:2] == ["a", "b"] and list(results) == []


def test_a_reader_who_stops_lets_go_of_the_rest():
    release, begun = threading.Event(), []

    def work(feed: str) -> str:
        begun.append(feed)
        if feed != "a":
            release.wait(10)
        return feed

    results = side_by_side(work, [*"abcdef"])
    assert next(results) == "a"
    threading.Timer(0.05, release.set).start()
    results.close()
    assert len(begun) < 6
