"""The closed lists a contract's words are taken from: types, roles, mention columns, reserved names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DEPARTMENTS: Mapping[str, str] = MappingProxyType(
    {
        "public_security": "公安",
        "education": "教育",
        "health": "卫健",
        "civil_affairs": "民政",
        "market_regulation": "市场监管",
        "grid": "网格",
        "county_office": "县社区办",
    }
)
LEVELS = ("L1", "L2", "L3", "L4")

# The warehouse's own columns of a record table; a canonical field of that name would collide.
RESERVED = frozenset(
    [
        "record_key",
        "parent_key",
        "source_order",
        "source_time",
        "partition_name",
        "state",
        "content_hash",
        "batch_id",
        "row_no",
        "valid_to",
        "confirmed_at",
        "recorded_from",
        "recorded_to",
    ]
)

# ODCS's logical type of each semantic type; its keys are those of standards.semantic_types.TYPES (a test).
LOGICAL_TYPES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            [
                "text",
                "key",
                "resident_id",
                "name",
                "code",
                "month",
                "phone",
                "address",
                "uscc",
                "pupil_no",
                "disability_no",
                "archive_no",
            ],
            "string",
        ),
        "date": "date",
        "timestamp": "timestamp",
        "integer": "integer",
        "decimal": "number",
        "boolean": "boolean",
        "json": "array",
    }
)

# The further columns a semantic type makes beside a field (``<field>_<suffix>``); likewise kept equal by a test.
COMPANIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "resident_id": ("text",),
        "name": ("note", "former"),
        "date": ("precision",),
        "phone": ("second",),
        "pupil_no": ("id",),
        "disability_no": ("id",),
    }
)

# The mention columns a contract may fill, and the semantic types a field behind one may have.
MENTION_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "name": ("name",),
        "former_name": ("name",),
        "sex": ("code",),
        "birth_date": ("date",),
        "ethnicity": ("code",),
        "relation": ("code",),
        "marital_status": ("code",),
        "schooling": ("code",),
        "id_number": ("resident_id",),
        "id_embedded": ("pupil_no", "disability_no"),
        "phone": ("phone",),
        "phone_home": ("phone",),
    }
)
# What a mention column brings along: mention column -> companion of the field behind it.
IMPLIED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "name": {"name_note": "note", "former_name": "former"},
        "id_number": {"id_text": "text"},
        "birth_date": {"birth_precision": "precision"},
        "phone": {"phone_second": "second"},
    }
)
ROLES = tuple(
    [
        "holder",
        "head",
        "member",
        "spouse",
        "child",
        "mother",
        "guardian",
        "operator",
        "applicant",
        "resident",
        "deceased",
    ]
)
GROUP_KINDS = ("register", "assistance", "visit", "family")
DWELLING_KINDS = ("residence", "register", "premises")
# Names of rules that expectations.suite adds by itself; a contract's own rule is called otherwise.
IMPLIED_RULES = ("readable", "key", "key_unique", "required", "standardised", "accurate", "noticed", "list")

# Connector options: name -> (kind of value, required). docs/contracts.md says what each means.
CONNECTOR_OPTIONS: Mapping[str, Mapping[str, tuple[type, bool]]] = MappingProxyType(
    {
        "sql": {
            "table": (str, True),
            "key": (str, True),
            "updated": (str, True),
            "overlap_minutes": (int, False),
            "page_rows": (int, False),
        },
        "rest": {
            "path": (str, True),
            "style": (str, True),
            "auth": (str, True),
            "token_path": (str, False),
            "rows": (str, True),
            "key": (str, True),
            "updated": (str, True),
            "since_param": (str, False),
            "since_inclusive": (bool, False),
            "page_param": (str, False),
            "total": (str, False),
            "size_param": (str, True),
            "page_size": (int, True),
            "cursor_param": (str, False),
            "next_cursor": (str, False),
            "has_more": (str, False),
            "envelope": (dict, False),
        },
        "stream": {
            "path": (str, True),
            "auth": (str, True),
            "after_param": (str, True),
            "size_param": (str, True),
            "page_size": (int, True),
            "sequence": (str, True),
            "type_field": (str, True),
            "type": (str, True),
        },
        "drop": {
            "file": (str, True),
            "format": (str, True),
            "encoding": (str, False),
            "companion": (str, True),
            "header_has": (list, False),
            "footer": (list, False),
        },
    }
)
# Words an option may have, and what a style or scheme needs besides.
OPTION_WORDS: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("rest", "style"): ("page", "cursor", "link"),
        ("rest", "auth"): ("signed", "oauth2"),
        ("stream", "auth"): ("bearer",),
        ("drop", "format"): ("csv", "xlsx"),
        ("drop", "companion"): ("ok", "none"),
    }
)
OPTION_NEEDS: Mapping[tuple[str, str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("rest", "style", "page"): ("since_param", "page_param", "total"),
        ("rest", "style", "cursor"): ("cursor_param", "next_cursor", "has_more"),
        ("rest", "style", "link"): ("since_param",),
        ("rest", "auth", "oauth2"): ("token_path",),
        ("drop", "format", "csv"): ("encoding",),
        ("drop", "format", "xlsx"): ("header_has",),
    }
)
