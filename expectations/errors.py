"""What can go wrong while judging, as opposed to what is wrong with the data."""

from __future__ import annotations


class ExpectationError(Exception):
    """A rule could not be judged (not: a rule was broken). The text names the rule and what is wrong
    with it, never a value. Nothing of the batch may be loaded: the verdict would be incomplete."""
