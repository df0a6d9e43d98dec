"""Who signs (署名): what can't be seen makes neither a name nor a second person.

A zero-width character after a name looks like the name and is another text. So whatever asks who and why, and whatever tells two
people apart, reads names by the functions here; the database compares with the same characters (constraint ``link_decision_two_people``).
"""

from __future__ import annotations

import re
import unicodedata

# Blanks, control and format characters (Unicode Z, Cc, Cf), fillers and variation selectors: nothing of them shows. Read alike by
# Python and PostgreSQL.
UNSEEN = (
    r"[\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_UNSEEN = re.compile(UNSEEN)


def legible(text: str) -> str:
    """``text`` as it is kept: no blanks at the ends, and nothing unseen but blanks between words. Empty where a reader sees nothing."""
    seen = "".join(" " if sign.isspace() else "" if _UNSEEN.match(sign) else sign for sign in text)
    return " ".join(seen.split())


def same_signer(one: str, other: str) -> bool:
    """Whether two names are one person's: full-width letters, case, blanks and what can't be seen make no second person."""
    return _compared(one) == _compared(other)


def _compared(name: str) -> str:
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", name)).casefold()
