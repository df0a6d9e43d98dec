"""What a reviewer is shown, what is written down about it, and what calibration reads."""

from __future__ import annotations

import math

import pytest
from sqlalchemy import Engine, text

from linkage import decisions, review, store
from linkage.decisions import DecisionError
from tests.review_world import QIAN, ROWS, ZHAO, decide, links
from warehouse.access import AccessRefused, looks


@pytest.fixture
def county(reviewed) -> Engine:
    return reviewed



def test_a_pair_is_shown_side_by_side_with_weights_that_add_up_to_what_was_stored(county) -> None:
    pair = review.queue(county)[1]
    view = review.look(county, pair.pair_id, by="张登记", purpose="复核")
    fields = {field.field: field for field in view.fields}
    assert {fields["name"].left, fields["name"].right} == {"赵刚", "赵伟"} and fields["name"].agree is False
    assert fields["birth_date"].agree and fields["sex"].left == fields["sex"].left_also or fields["sex"].title("zh") == "性别"
    assert view.waterfall.model_probability == pytest.approx(pair.probability, abs=1e-4)
    assert math.isclose(sum(step.weight for step in view.waterfall.steps), view.waterfall.weight)
    assert [step.comparison for step in view.waterfall.steps if step.part == "comparison"] == ["name", "birth", "sex", "number", "context"]
    assert not any(step.part == "rest" for step in view.waterfall.steps) and view.waterfall.decided_as == "threshold"
    assert not view.two_people and not view.decisions


def test_a_pair_whose_persons_are_asked_about_under_other_records_still_shows_why(county) -> None:
    pair = review.queue(county)[1]
    with county.begin() as connection:  # 赵 is now known by his other record
        for side in ("l", "r"):
            connection.execute(text(f"""
                UPDATE hub.link_conflict SET record_key_{side} = CASE record_key_{side} WHEN 'R1' THEN 'M1' ELSE 'R1' END,
                       feed_{side} = CASE record_key_{side} WHEN 'R1' THEN 'market_entity' ELSE 'psb_register' END
                WHERE record_key_{side} IN ('R1', 'M1')"""))
    view = review.look(county, pair.pair_id, by="张登记")
    assert view.kind == "review" and view.waterfall.probability == pair.probability


def test_every_look_is_written_down_before_anything_is_shown(county) -> None:
    pair = review.queue(county)[0]
    for nobody in ({"by": " "}, {"by": "\u200b"}, {"by": "张登记", "purpose": "\u3164"}, {"by": "张登记", "purpose": " "}):
        with pytest.raises(AccessRefused):
            review.look(county, pair.pair_id, **nobody)
    assert looks(county) == []
    review.look(county, pair.pair_id, by="张登记", purpose="低保复核")
    review.became(county, pair.person_l, by="李复核")
    assert [(look["seen_by"], look["action"], look["subject"], look["purpose"]) for look in looks(county)] == [
        ("李复核", "review.history", pair.person_l, "人员关联复核"), ("张登记", "review.show", f"Q{pair.pair_id}", "低保复核")]


def test_values_show_on_the_screen_and_in_no_printed_object_or_error(county) -> None:
    view = review.look(county, review.queue(county)[0].pair_id, by="张登记")
    assert any(field.left or field.right for field in view.fields)
    told = repr(view) + repr(review.queue(county)) + repr(review.decisions(county, None))
    with pytest.raises(DecisionError) as refused:
        review.look(county, 999_999, by="张登记")
    for row in ROWS:
        assert row[2] not in told and row[1] not in told.replace("R1_", "") and (row[5] or "—") not in told + refused.value.zh


def test_a_record_that_came_by_a_link_can_be_taken_out_by_the_number_its_history_shows(county) -> None:
    here = links(county)["R1"]
    shop = next(held for held in review.became(county, here, by="张登记").records if held.feed == "market_entity")
    assert review.look(county, shop.pair_id, by="张登记").kind == "linked"
    review.answer(county, shop.pair_id, "different", by="张登记", reason="店主另有其人")
    store.link(county)
    told = review.became(county, here, by="张登记")
    assert links(county)["M1"] != links(county)["R1"] and len(told.decisions) == 1
    assert dict(told.went_to) == {links(county)["R1"]: 1, links(county)["M1"]: 1}
    assert [(event.kind, event.other_id) for event in told.events][-1] == ("split_from", here)


def test_calibration_reads_what_binds_with_what_the_model_had_said(county) -> None:
    decide(county, ZHAO, "same")
    decide(county, QIAN, "same")  # pending: not yet
    resting, withdrawn = (("psb_register", "R2"), ("health_record", "H2")), (("health_record", "H1"), ("health_record", "H3"))
    decide(county, resting, "unsure")
    decisions.undo(county, decide(county, withdrawn, "different").decision_id, by="张登记", reason="看错")
    (judged,) = review.judged_pairs(county).to_pylist()
    assert (judged["verdict"], judged["rule"]) == ("same", "weight") and 0.6 < judged["probability"] < 0.985
    assert judged["evidence"].startswith("name:surname birth:exact") and judged["decided_at"].tzinfo
    store.link(county)
    assert review.judged_pairs(county).to_pylist() == [judged]  # what came of it since changes nothing


def test_a_pair_has_the_same_left_and_right_in_the_queue_and_on_the_screen(county) -> None:
    with county.begin() as connection:  # which way round a conflict is stored says nothing
        connection.execute(text("""UPDATE hub.link_conflict SET feed_l = feed_r, record_key_l = record_key_r, feed_r = feed_l, record_key_r = record_key_l
                                   WHERE 'H1' IN (record_key_l, record_key_r)"""))
    for pair in review.queue(county):
        view = review.look(county, pair.pair_id, by="张登记")
        assert (view.left.feed, view.left.person_id, view.right.feed, view.right.person_id) == (pair.feed_l, pair.person_l, pair.feed_r, pair.person_r)


def test_a_link_by_number_shows_no_weights_nobody_asked(county) -> None:
    shop = next(held for held in review.became(county, links(county)["R1"], by="张登记").records if held.feed == "market_entity")
    shown = review.look(county, shop.pair_id, by="张登记").waterfall
    assert shown.steps == () and shown.model_probability is None and "公民身份号码相同" in shown.decision_title("zh")


def test_a_decision_taken_and_undone_between_two_runs_is_not_named_as_a_cause(county) -> None:
    alone = links(county)["H1"]
    undone = decide(county, ZHAO, "same")
    decisions.undo(county, undone.decision_id, by="李复核", reason="看错")
    stands = decide(county, ZHAO, "same")
    store.link(county)
    (merged,) = (event for event in review.became(county, alone, by="张登记").events if event.kind == "merged_into")
    assert merged.decisions == (stands.decision_id,)
    (taken,) = review.decisions(county, "undone")
    assert (taken.decision_id, taken.effect, taken.undone_by, taken.undo_reason) == (undone.decision_id, "undone", "李复核", "看错")


def test_a_record_that_vanished_keeps_its_mention_and_is_said_to_be_gone(county) -> None:
    pair = next(pair for pair in review.queue(county) if "赵" in "".join(f.left or "" for f in review.look(county, pair.pair_id, by="x").fields))
    person = links(county)["H1"]
    assert review.became(county, person, by="张登记").left == 0
    with county.begin() as connection:
        connection.execute(text("UPDATE hub.mention SET ended = true WHERE record_key = 'H1'"))
    view = review.look(county, pair.pair_id, by="张登记")
    assert {side.feed: side.gone for side in (view.left, view.right)} == {"health_record": True, "psb_register": False}
    assert (review.became(county, person, by="张登记").left, review.became(county, person, by="张登记").stands) == (1, True)


def test_an_id_whose_records_are_all_gone_does_not_stand(county) -> None:
    person = links(county)["H1"]
    with county.begin() as connection:
        connection.execute(text("DELETE FROM hub.mention WHERE record_key = 'H1'"))
    store.link(county)
    told = review.became(county, person, by="张登记")
    assert (told.stands, told.present_id, told.left, told.records) == (False, person, 1, ())
