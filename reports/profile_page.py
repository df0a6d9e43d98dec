"""One household's profile (一户一档) as a page: Chinese first, ID numbers masked, every value with its source and time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from contracts.model import Contract
from reports import labels
from reports.labels import Text
from reports.page import environment

# attribute -> the code list its values are from
CODED = {"sex": "sex", "ethnicity": "ethnicity", "marital_status": "marital", "schooling": "schooling", "relation": "relation"}
ORDER = ("name", "former_name", "sex", "birth_date", "id_number", "ethnicity", "phone", "marital_status", "schooling", "relation")


def render_profile(document: str | Mapping[str, Any], contracts: Mapping[str, Contract], language: str = "zh") -> str:
    """The HTML page of a profile document (the JSON of ``hub.profile``); pure.

    ID numbers stand masked, in the values and in their sources: the page is for grid and community
    (domain rules, section 7). Raises KeyError where the document is none.
    """
    profile = json.loads(document) if isinstance(document, str) else document
    place = profile["place"]
    parts = [place["community"], place["compound"], _part(place["building"], "号楼"), _part(place["unit"], "单元"), place["room"]]
    return environment().get_template("profile.html.j2").render(
        profile=profile, language=language, address="".join(part for part in parts if part) or "—",
        members=[_member(member, contracts) for member in profile["members"]],
        enterprises=profile.get("enterprises") or [], requests=profile.get("open_requests") or [],
    )  # fmt: skip


def masked_id(number: str | None) -> str:
    """130731********0017: first six and last four."""
    if not number:
        return "—"
    return number[:6] + "*" * (len(number) - 10) + number[-4:] if len(number) >= 14 else "*" * len(number)


def shown_value(attribute: str, value: str | None) -> Text:
    """A value as the page shows it: codes by name, ID numbers masked."""
    if value in (None, ""):
        return Text("—", "—")
    if attribute == "id_number":
        return Text(masked_id(value), masked_id(value))
    return labels.label(CODED[attribute], value) if attribute in CODED else Text(value, value)


def _member(member: Mapping[str, Any], contracts: Mapping[str, Contract]) -> dict[str, Any]:
    sources = member.get("sources") or {}
    rank = {name: place for place, name in enumerate(ORDER)}
    register = member.get("register") or {}
    return {
        "person_id": member["person_id"],
        "name": member.get("name") or "—",
        "values": {name: shown_value(name, member.get(name)) for name in ORDER},
        "relation": shown_value("relation", register.get("relation")),
        "lives_here": {"basis": None, "since": None} | (member.get("lives_here") or {}),
        "tags": member.get("tags") or [],
        "services": member.get("services_due") or [],
        "sources": [
            {
                "attribute": labels.label("attribute", name),
                "value": shown_value(name, said.get("value")),
                "feed": _feed(contracts, said.get("feed")),
                "time": (said.get("time") or "")[:10] or "—",
                "confidence": said.get("confidence"),
                "differing": said.get("differing") or 0,
            }
            for name, said in sorted(sources.items(), key=lambda item: rank.get(item[0], len(rank)))
        ],
    }


def _feed(contracts: Mapping[str, Contract], feed: str | None) -> Text:
    known = contracts.get(feed or "")
    if known is None:
        return Text(feed or "—", feed or "—")
    department = labels.department(known.department)
    return Text(f"{department.zh}·{known.title}", f"{department.en}: {known.title_en}")


def _part(value: str | None, sign: str) -> str | None:
    """3 → 3号楼, 2 → 2单元; a name that carries its sign (甲, 散户楼) stays."""
    return f"{value}{sign}" if value and value.isdigit() else value
