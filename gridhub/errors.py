"""What can stop a stage, said in one line for a person: no value, no source key in it."""

from __future__ import annotations


class GridhubError(Exception):
    """Base of what the pipeline raises."""


class UnknownFeed(GridhubError):
    """No contract of that name."""


class NeedsDecision(GridhubError):
    """A batch waits at a gate (闸门) for a person."""
