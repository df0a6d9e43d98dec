"""docs/contracts.md says every word a contract, an agreement or a rule may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts import agreements, cross_rules, reader, vocabulary

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "contracts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "word",
    sorted(
        {option for options in vocabulary.CONNECTOR_OPTIONS.values() for option in options}
        | {word for words in vocabulary.OPTION_WORDS.values() for word in words}
        | set(reader._CUSTOM)
        | set(vocabulary.RESERVED)
        | set(vocabulary.IMPLIED_RULES)
        | set(agreements.MASKS)
        | set(agreements.SCOPES)
        | set(cross_rules.HUB_INPUTS)
    ),
)
def test_every_word_is_documented(word):
    # A reserved name stands in a list of names, all others in code marks of their own.
    if word in vocabulary.RESERVED:
        assert word in DOCS.replace("`", " ").split()
    else:
        assert any(form in DOCS for form in (f"`{word}`", f"`{word}:", f": {word}`"))
