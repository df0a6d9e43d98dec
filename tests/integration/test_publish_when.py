"""When an extract is news, and when it is due: what was only read again, and how often an agreement lets one out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from tests.publish_world import AGREEMENTS, NEXT_WEEK, Warehouse


def judged(house: Warehouse, batch: str, *quarantined: str, hour: int, **counts: int) -> None:
    """A loaded batch of the register: ten cells judged, one against a rule; ``quarantined``: texts of rows set aside."""
    at = datetime(2026, 11, 19, hour, tzinfo=UTC)
    total = {"landed": sum(counts.values()) + len(quarantined), "quarantined": len(quarantined)} | counts
    house.put("hub.batch", batch_id=batch, feed="psb_register", state="loaded", fetched_at=at, **total)
    house.put(
        "hub.rule_result", batch_id=batch, rule_id="r1", feed="psb_register", dimension="准确性", severity="warning",
        evaluated=10, unexpected=6,
    )  # fmt: skip
    for number, raw in enumerate(quarantined):
        house.put(
            "hub.quarantine", batch_id=batch, row_no=number, feed="psb_register", table_name="psb_register", reasons=["key"],
            raw=raw, recorded_from=at,
        )  # fmt: skip


def test_what_was_only_read_again_is_not_judged_twice(house: Warehouse) -> None:
    """An overlap brings known rows again, and rows that were set aside already: neither is news to the supervisors."""
    judged(house, "b1", "{broken}", hour=8, inserted=5)
    house.publish()
    judged(house, "b2", "{broken}", hour=9, unchanged=3)
    judged(house, "b3", hour=10, unchanged=3)
    house.publish(NEXT_WEEK)
    assert house.ledger()["supervisors"] == [1]
    judged(house, "b4", "{broken}", "{broken too}", hour=11, unchanged=3)
    judged(house, "b5", hour=12, changed=1)
    house.publish(NEXT_WEEK)
    (row,) = house.rows("supervisors", 2, "quality_by_department")
    assert (row["检查数"], row["不符数"]) == ("30", "18")


def test_an_extract_comes_as_often_as_the_agreement_says(house: Warehouse) -> None:
    """Supervisors weekly, education here monthly, all others daily; the day of the last extract counts, not the clock."""
    house.agreements["education"] = replace(AGREEMENTS["education"], frequency="monthly")
    house.publish(date(2026, 11, 20))
    judged(house, "b1", hour=8, inserted=5)
    house.run("UPDATE hub.person_profile SET name = '赵晓宝' WHERE person_id = 'P000000003'")
    house.run("UPDATE hub.person_profile SET name = '王建帼' WHERE person_id = 'P000000001'")
    figures = house.publish(date(2026, 11, 26))
    assert figures.counts()["recipients_not_due"] == 2 and house.ledger()["health"] == [1, 2]
    assert house.ledger()["supervisors"] == house.ledger()["education"] == [1]
    house.publish(date(2026, 11, 27))
    assert (house.ledger()["supervisors"], house.ledger()["education"]) == ([1, 2], [1])
    house.publish(date(2026, 11, 30))
    assert house.ledger()["education"] == [1]
    figures = house.publish(date(2026, 12, 1))
    assert house.ledger()["education"] == [1, 2] and figures.counts()["recipients_not_due"] == 1
    assert [row["姓名"] for row in house.rows("education", 2, "children_not_enrolled")] == ["赵晓宝"]
    assert house.manifest("education", 2)["as_of"] == "2026-12-01"
