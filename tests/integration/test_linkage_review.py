"""The review in a real warehouse: what is asked, what an answer binds, who must confirm it, and that an undone one leaves no trace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from linkage import decisions, review, store
from linkage.decisions import DecisionError
from tests.review_world import QIAN, ROWS, ZHAO, decide, links, result, say


@pytest.fixture
def county(reviewed) -> Engine:
    return reviewed



# -- the queue --------------------------------------------------------------------------


def test_what_benefits_hang_on_is_asked_first_and_the_gain_is_the_written_formula(county) -> None:
    first, *others = review.queue(county)
    assert first.benefit and first.gain == pytest.approx(min(first.probability, 1 - first.probability) * 1 * 5)
    assert [pair.benefit for pair in others] == [False, False]
    assert all(pair.gain == pytest.approx((1 - pair.probability) * pair.records) for pair in others)


def test_a_pair_that_a_rule_speaks_against_is_as_unsure_as_can_be_whatever_the_model_says(county) -> None:
    with county.begin() as connection:
        connection.execute(text("UPDATE hub.link_conflict SET probability = 0.999, evidence = 'siblings name:surname' WHERE 'H1' IN (record_key_l, record_key_r)"))
    vetoed = next(pair for pair in review.queue(county) if pair.rule == "siblings")
    assert (vetoed.probability, vetoed.believed, vetoed.gain) == (0.999, 0.5, 0.5)


def test_two_persons_are_asked_about_once_however_many_of_their_records_disagree(county) -> None:
    with county.begin() as connection:
        connection.execute(text("""INSERT INTO hub.link_conflict (kind, feed_l, record_key_l, feed_r, record_key_r, probability, evidence, recorded_from)
                                   VALUES ('review', 'health_record', 'H1', 'psb_register', 'R1', 0.61, 'weight name:surname', now())"""))
    assert len(review.queue(county)) == 3


def test_what_no_answer_can_settle_is_not_asked(county) -> None:
    with county.begin() as connection:
        connection.execute(text("UPDATE hub.link_conflict SET kind = 'two_valid_ids'"))
    assert review.queue(county) == []


def test_the_number_of_a_pair_stays(county) -> None:
    before = {pair.pair_id: (pair.person_l, pair.person_r) for pair in review.queue(county)}
    with county.begin() as connection:
        connection.execute(text("UPDATE hub.link_conflict SET probability = 0.7 WHERE 'H1' IN (record_key_l, record_key_r)"))
    assert {pair.pair_id: (pair.person_l, pair.person_r) for pair in review.queue(county)} == before


def test_an_answered_pair_is_not_asked_again_and_needs_no_run_for_that(county) -> None:
    pair = review.queue(county)[1]
    review.answer(county, pair.pair_id, "different", by="张登记", reason="另有其人")
    assert len(review.queue(county)) == 2
    store.link(county)
    assert len(review.queue(county)) == 2


def test_who_cannot_say_takes_the_pair_out_for_a_while_and_binds_nothing(county) -> None:
    before, pair = result(county), review.queue(county)[1]
    resting = review.answer(county, pair.pair_id, "unsure", by="张登记", reason="联系不上")
    assert resting.rest_until - datetime.now(UTC) > timedelta(days=34)
    assert pair.pair_id not in {each.pair_id for each in review.queue(county)}
    assert [d.effect for d in review.decisions(county, "resting")] == ["resting"]
    assert store.link(county).unchanged and result(county) == before
    with county.begin() as connection:
        connection.execute(text("UPDATE hub.link_decision SET rest_until = now() - interval '1 second'"))
    assert pair.pair_id in {each.pair_id for each in review.queue(county)}
    assert review.answer(county, pair.pair_id, "same", by="李复核", reason="问到了").state == "binding"


# -- two people -------------------------------------------------------------------------


def test_a_merge_that_an_allowance_hangs_on_binds_only_after_a_second_person(county) -> None:
    before = result(county)
    taken = decide(county, QIAN, "same")
    assert taken.state == "pending" and [d.effect for d in review.decisions(county)] == ["pending"]
    assert store.link(county).unchanged and result(county) == before
    confirmed = decisions.confirm(county, taken.decision_id, by="李复核", reason="看过证件")
    assert (confirmed.state, confirmed.confirmed_by) == ("binding", "李复核") and review.decisions(county, "decided")[0].effect == "next_run"
    store.link(county)
    assert links(county)["H3"] == links(county)["A3"] and review.decisions(county, "decided")[0].effect == "done"


@pytest.mark.parametrize("again", ["张登记", " 张登记 ", "张 登 记", "张登记\u200b", "\ufeff张\u2060登记", "张登记\u202e\u3164"])
def test_the_second_person_is_another_person(county, again) -> None:
    taken = decide(county, QIAN, "same")
    with pytest.raises(DecisionError, match="another person"):
        decisions.confirm(county, taken.decision_id, by=again, reason="再看一遍")


@pytest.mark.parametrize("again", ["wang", "Wang\u200b", "Ｗａ\u00adｎｇ ", "W\U000e0041ang\u3164"])
def test_even_the_database_refuses_one_person_twice(county, again) -> None:
    taken = decide(county, QIAN, "same", by="Wang")
    with pytest.raises(Exception, match="two_people"), county.begin() as connection:
        connection.execute(text("UPDATE hub.link_decision SET state = 'binding', confirmed_by = :by WHERE decision_id = :id"),
                           {"id": taken.decision_id, "by": again})


def test_nobody_signs_with_what_can_not_be_seen(county) -> None:
    for by, reason in (("\u200b", "问过本人"), ("张登记", "\u2060 \u3164")):
        with pytest.raises(DecisionError, match="who decided"):
            decisions.decide(county, *ZHAO, "same", by=by, reason=reason)
    assert decide(county, ZHAO, "same", by=" 张登记\u200b ").by == "张登记"


def test_parting_from_an_allowance_first_does_not_spare_the_second_person(county) -> None:
    visit, request = (("market_entity", "M3"), ("health_record", "H3"))
    say(county, *visit, "钱德", None, None, ROWS[5][5])
    store.link(county)
    assert links(county)["M3"] == links(county)["A3"]
    parted = [decide(county, (visit, other), "different") for other in (("civil_old_age_allowance", "A3"), ("psb_register", "R3"))]
    store.link(county)
    assert links(county)["M3"] != links(county)["A3"]
    assert decide(county, (visit, request), "same").state == "pending"
    for taken in parted:
        decisions.undo(county, taken.decision_id, by="张登记", reason="看错")
    store.link(county)
    assert links(county)["M3"] == links(county)["A3"] != links(county)["H3"]


def test_an_allowance_further_along_a_chain_of_decisions_needs_two_people_too(county) -> None:
    decide(county, QIAN, "same")
    assert decide(county, (("health_record", "H1"), ("health_record", "H3")), "same").state == "pending"


def test_parting_two_records_and_merges_without_benefits_need_one_person(county) -> None:
    assert decide(county, ZHAO, "same").state == "binding"
    assert decide(county, QIAN, "different").state == "binding"


def test_what_binds_stays_until_the_pending_merge_of_the_same_pair_is_confirmed(county) -> None:
    apart = decide(county, QIAN, "different")
    together = decide(county, QIAN, "same")
    assert {d.decision_id for d in review.decisions(county, None)} == {apart.decision_id, together.decision_id}
    decisions.confirm(county, together.decision_id, by="李复核", reason="看过证件")
    assert {d.decision_id for d in review.decisions(county, None)} == {together.decision_id}


def test_a_pending_merge_can_be_withdrawn_and_is_then_no_longer_to_confirm(county) -> None:
    taken = decide(county, QIAN, "same")
    decisions.undo(county, taken.decision_id, by="张登记", reason="看错")
    with pytest.raises(DecisionError, match=f"D{taken.decision_id}"):
        decisions.confirm(county, taken.decision_id, by="李复核", reason="看过证件")


# -- undone without a trace, contradictions ------------------------------------------------


@pytest.mark.parametrize(("pair", "verdict"), [(ZHAO, "same"), (ZHAO, "different"), ((("psb_register", "R1"), ("market_entity", "M1")), "different")])
def test_a_decision_undone_leaves_no_trace_in_links_persons_and_conflicts(county, pair, verdict) -> None:
    before = result(county)
    taken = decide(county, pair, verdict)
    store.link(county)
    if verdict == "same" or pair != ZHAO:
        assert result(county) != before
    decisions.undo(county, taken.decision_id, by="张登记", reason="看错")
    store.link(county)
    assert result(county) == before


def test_nothing_is_left_either_where_a_run_works_out_only_what_changed(county, tmp_path) -> None:
    before = result(county)
    decide(county, (("psb_register", "R2"), ("health_record", "H1")), "different")  # changes nothing, but makes a run
    store.link(county, folder=tmp_path)
    taken = decide(county, ZHAO, "same")
    assert store.link(county, folder=tmp_path).details["incremental"] and links(county)["H1"] == links(county)["R1"]
    decisions.undo(county, taken.decision_id, by="张登记", reason="看错")
    assert store.link(county, folder=tmp_path).details["incremental"]
    assert result(county) == before


def test_what_became_of_a_person_names_the_decisions_behind_it(county) -> None:
    alone = links(county)
    taken = decide(county, ZHAO, "same")
    store.link(county)
    decisions.undo(county, taken.decision_id, by="张登记", reason="看错")
    store.link(county)
    told = [event for event in review.became(county, alone["H1"], by="张登记").events if event.kind != "minted"]
    assert {(event.kind, event.decisions) for event in told} == {("merged_into", (taken.decision_id,)), ("split_from", (taken.decision_id,))}
    assert all(event.records == 1 for event in told)


def test_a_decision_holds_through_runs_over_changed_records_and_is_undone_without_a_trace_later(county) -> None:
    taken = decide(county, ZHAO, "same")
    store.link(county)
    say(county, *ROWS[2][:5], None, "13931300001")  # the record comes again, with a telephone
    store.link(county)
    assert links(county)["H1"] == links(county)["R1"]
    alone = links(county)
    decisions.undo(county, taken.decision_id, by="张登记", reason="看错")
    store.link(county)
    assert links(county) == alone | {"H1": next(iter(set(links(county).values()) - set(alone.values())))}
    assert review.became(county, links(county)["H1"], by="x").present_id == links(county)["H1"]


def test_two_merges_undone_at_once_give_everybody_his_own_number_back(county) -> None:
    before = links(county)
    one = decide(county, (("health_record", "H1"), ("health_record", "H2")), "same")
    store.link(county)
    other = decide(county, (("health_record", "H2"), ("market_entity", "M1")), "same")
    store.link(county)
    assert len({links(county)[key] for key in ("H1", "H2", "R1", "M1")}) == 1
    for taken in (one, other):
        decisions.undo(county, taken.decision_id, by="张登记", reason="看错")
    store.link(county)
    assert links(county) == before


def test_decisions_that_contradict_each_other_are_refused_and_named(county) -> None:
    first = decide(county, ZHAO, "same")
    second = decide(county, (("health_record", "H1"), ("health_record", "H2")), "same")
    with pytest.raises(DecisionError) as refused:
        decide(county, (("psb_register", "R1"), ("health_record", "H2")), "different")
    for language in ("zh", "en"):
        assert f"D{first.decision_id}" in refused.value.told(language) and f"D{second.decision_id}" in refused.value.told(language)
    decisions.undo(county, second.decision_id, by="张登记", reason="看错")
    decide(county, (("psb_register", "R1"), ("health_record", "H2")), "different")


def test_a_merge_confirmed_after_the_world_of_decisions_moved_on_is_judged_again(county) -> None:
    pending = decide(county, QIAN, "same")
    with pytest.raises(DecisionError, match=f"D{pending.decision_id}"):  # pending ones count: nothing is agreed behind their back
        for pair, verdict in (((("psb_register", "R3"), ("health_record", "H2")), "different"), ((("health_record", "H3"), ("health_record", "H2")), "same")):
            decide(county, pair, verdict)


def test_saying_the_same_again_is_refused_with_the_number_of_what_stands(county) -> None:
    taken = decide(county, ZHAO, "same")
    for verdict in ("same", "unsure"):
        with pytest.raises(DecisionError, match=f"D{taken.decision_id}"):
            decide(county, ZHAO, verdict, by="李复核")


def test_a_person_who_decided_weighs_more_than_a_birth_date_typed_wrong(county) -> None:
    wrong = (("psb_register", "R1"), ("health_record", "H9"))
    say(county, "health_record", "H9", "赵伟", ROWS[3][3], "1", None)
    store.link(county)
    decide(county, wrong, "same")
    store.link(county)
    assert links(county)["H9"] == links(county)["R1"]


def test_what_the_world_forbids_is_said_to_be_refused(county) -> None:
    decide(county, (("psb_register", "R1"), ("psb_register", "R2")), "same")
    store.link(county)
    assert [d.effect for d in review.decisions(county, "decided")] == ["refused"]
