"""Which decisions can stand side by side: if A is B and B is C, then A is C."""

from __future__ import annotations

from linkage.contradictions import Said, contradicting, together

A, B, C, D = (("f", key) for key in "ABCD")


def said(*decisions) -> list[Said]:
    return [Said(number, left, right, verdict) for number, (left, right, verdict) in enumerate(decisions, 1)]


def test_a_chain_of_the_same_can_not_be_called_different() -> None:
    standing = said((A, B, "same"), (B, C, "same"))
    assert contradicting(standing, A, C, "different") == (1, 2)
    assert contradicting(standing, C, D, "different") == ()


def test_different_people_can_not_be_joined_by_a_detour() -> None:
    standing = said((A, B, "same"), (A, C, "different"), (C, D, "same"))
    assert contradicting(standing, B, D, "same") == (1, 2, 3)
    assert contradicting(standing, D, B, "same") == (1, 2, 3)


def test_the_fewest_decisions_are_named() -> None:
    standing = said((A, B, "same"), (B, C, "same"), (A, C, "same"), (A, D, "different"))
    assert contradicting(standing, A, C, "different") == (3,)
    assert contradicting(standing, A, D, "same") == (4,)


def test_two_different_from_a_third_may_be_one_or_two() -> None:
    standing = said((A, C, "different"), (B, C, "different"))
    assert contradicting(standing, A, B, "same") == contradicting(standing, A, B, "different") == ()


def test_who_decisions_put_together() -> None:
    assert together(said((A, B, "same"), (B, C, "same"), (C, D, "different")), A) == {A, B, C}
    assert together([], A, D) == {A, D}
