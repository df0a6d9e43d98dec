"""Who may be handed what (共享协议): one agreement a recipient, read from ``agreements/*.yaml``.

Deny by default: what no agreement names does not leave, and some things no agreement can name
(disability class outside civil affairs, a full ID number outside the police for people who are not
the recipient's own). The rules are those of 政务数据共享条例 (purpose, legal basis, conditions,
Art. 12-15, 20, 25) and 个人信息保护法 §§ 6, 28, 34; the level of each field was agreed with its owner.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from contracts.node import ContractError, Node

__all__ = ["Agreement", "ContractError", "Dataset", "GrantedField", "load_agreements", "read_agreement"]

AGREEMENTS = Path(__file__).resolve().parent / "agreements"

MASKS = ("none", "id_masked", "phone_masked", "name_initial", "year_only", "flag")
# Which rows of a dataset a recipient gets.
SCOPES = ("all", "own", "unit", "statistics")
KINDS = ("department", "community", "grid", "supervisors")
SHARE_CLASSES = ("无条件共享", "有条件共享", "不予共享")

# What leaves to nobody: the laws named in docs/contracts.md keep these out of the profile altogether.
NEVER = frozenset(
    [
        "bank_account",
        "bank_name",
        "income",
        "diagnosis",
        "health_state",
        "religion",
        "blood_group",
        "biometrics",
        "photo",
    ]
)
# Fields only their owner gets back (class 6 and the 20-digit number disclose a mental disorder).
ONLY_FOR = {
    "disability_class": frozenset({"civil_affairs"}),
    "disability_grade": frozenset({"civil_affairs"}),
    "disability_no": frozenset({"civil_affairs"}),
    "in_care": frozenset({"health"}),
    "up_to_date": frozenset({"health"}),
    "self_care_grade": frozenset({"health", "civil_affairs"}),
    "monthly_yuan": frozenset({"civil_affairs"}),
    "operator_id": frozenset({"market_regulation", "public_security"}),
}
# Numbers that identify: clear for the police; for others masked, save (clear_for: own) their own people's.
IDENTIFIERS = frozenset(["id_number", "mother_id", "guardian_id", "head_id", "pupil_no"])


@dataclass(frozen=True)
class GrantedField:
    """A column of an extract and how it is masked."""

    name: str
    mask: str  # one of MASKS
    title: str  # Chinese header
    clear_for: str | None = None  # "own": not masked in rows about the recipient's own people


@dataclass(frozen=True)
class Dataset:
    """One extract: a query of ``publish/datasets/<name>.sql``, cut to ``fields`` and ``scope``.

    ``scope``: ``all`` rows; ``own``: rows about people or records of the recipient's own feeds;
    ``unit``: rows of the recipient's community or grid; ``statistics``: no row about a person, and no cell
    counting fewer than ``suppress_below``.
    """

    name: str
    title: str
    scope: str
    fields: tuple[GrantedField, ...]
    suppress_below: int | None = None

    def mask_of(self, field: str) -> str | None:
        """The mask of a granted field; None if it is not granted (then it does not leave)."""
        return next((granted.mask for granted in self.fields if granted.name == field), None)


@dataclass(frozen=True)
class Agreement:
    """What one recipient gets, why, and until when. A template (kind community, grid) has no ``unit`` yet."""

    recipient: str
    kind: str
    title: str
    title_en: str
    version: str
    purpose: str
    legal_basis: tuple[str, ...]
    conditions: tuple[str, ...]
    share_class: str
    frequency: str
    mode: str  # file | interface | batch
    valid_from: date
    valid_to: date
    datasets: tuple[Dataset, ...]
    unit: str | None = None  # community code or grid id, once made for one

    @property
    def template(self) -> bool:
        """Whether this stands for every community or grid."""
        return self.kind in ("community", "grid") and self.unit is None

    def made_for(self, unit: str) -> Agreement:
        """A template's agreement with one community or grid; recipient ``<kind>-<unit>``."""
        if not self.template:
            raise ValueError(f"{self.recipient}: not a template")
        return replace(self, recipient=f"{self.kind}-{unit}", unit=unit)

    def valid_on(self, day: date) -> bool:
        """Whether anything may be handed out on that day (both ends included)."""
        return self.valid_from <= day <= self.valid_to

    def dataset(self, name: str) -> Dataset | None:
        """The dataset of that name; None if it is not granted."""
        return next((dataset for dataset in self.datasets if dataset.name == name), None)

    def mask_of(self, dataset: str, field: str) -> str | None:
        """The mask of a field of a dataset; None if either is not granted."""
        granted = self.dataset(dataset)
        return granted.mask_of(field) if granted else None


def load_agreements(folder: Path | str = AGREEMENTS) -> dict[str, Agreement]:
    """All agreements by recipient (templates under ``communities`` and ``grids``). Raises ContractError."""
    agreements: dict[str, Agreement] = {}
    for path in sorted(Path(folder).glob("*.yaml")):
        agreement = read_agreement(path)
        agreements[agreement.recipient] = agreement
    return agreements


def read_agreement(path: Path | str) -> Agreement:
    """The agreement in one file. Raises ContractError naming file and field."""
    node = Node.read(Path(path))
    node.only(
        [
            "recipient",
            "kind",
            "title",
            "titleEn",
            "version",
            "purpose",
            "legalBasis",
            "conditions",
            "shareClass",
            "frequency",
            "mode",
            "validFrom",
            "validTo",
            "datasets",
        ]
    )
    recipient = node.matching("recipient", r"[a-z][a-z0-9_]*", "a snake_case name")
    if Path(path).stem != recipient:
        node.fail(f"the name of the file, {Path(path).stem}, is expected", "recipient")
    kind = node.one_of("kind", KINDS)
    datasets = tuple(_read_dataset(entry, recipient, kind) for entry in node.each("datasets"))
    names = [dataset.name for dataset in datasets]
    if len(set(names)) < len(names):
        node.fail("a name of its own is expected for each dataset", "datasets")
    valid_from, valid_to = _day(node, "validFrom"), _day(node, "validTo")
    if valid_to < valid_from:
        node.fail("a day not before validFrom is expected", "validTo")
    return Agreement(
        recipient=recipient,
        kind=kind,
        title=node.get("title"),
        title_en=node.get("titleEn"),
        version=node.matching("version", r"\d+\.\d+\.\d+", "a version such as 1.0.0"),
        purpose=node.get("purpose"),
        legal_basis=_some(node, "legalBasis"),
        conditions=_some(node, "conditions"),
        share_class=node.one_of("shareClass", SHARE_CLASSES),
        frequency=node.one_of("frequency", ("daily", "weekly", "monthly")),
        mode=node.one_of("mode", ("file", "interface", "batch")),
        valid_from=valid_from,
        valid_to=valid_to,
        datasets=datasets,
    )


def _read_dataset(node: Node, recipient: str, kind: str) -> Dataset:
    node.only(("name", "title", "scope", "fields", "suppressBelow"))
    scope = node.one_of("scope", SCOPES)
    if (kind in ("community", "grid")) != (scope == "unit"):
        node.fail("unit is expected for communities and grids, and only for them", "scope")
    if (kind == "supervisors") != (scope == "statistics"):
        node.fail("statistics is expected for supervisors, and only for them", "scope")
    suppress = node.get("suppressBelow", int, None)
    if (scope == "statistics") != (suppress is not None):
        node.fail("the smallest cell is expected with statistics, and only with them", "suppressBelow")
    fields = tuple(_read_field(entry, recipient) for entry in node.each("fields"))
    names = [field.name for field in fields]
    if not fields or len(set(names)) < len(names):
        node.fail("at least one field, each once, is expected", "fields")
    return Dataset(
        name=node.matching("name", r"[a-z][a-z0-9_]*", "a snake_case name"),
        title=node.get("title"),
        scope=scope,
        fields=fields,
        suppress_below=suppress,
    )


def _read_field(node: Node, recipient: str) -> GrantedField:
    node.only(("name", "mask", "title", "clear_for"))
    name = node.matching("name", r"[a-z][a-z0-9_]*", "a snake_case name")
    mask = node.one_of("mask", MASKS)
    clear_for = node.one_of("clear_for", ("own",), None)
    if name in NEVER:
        node.fail("a field that may leave is expected, this one never may", "name")
    if recipient not in ONLY_FOR.get(name, {recipient}) and mask != "flag":
        node.fail(f"flag is expected for anybody but {', '.join(sorted(ONLY_FOR[name]))}", "mask")
    if name in IDENTIFIERS and recipient != "public_security" and mask != "id_masked":
        node.fail("id_masked is expected for anybody but public_security", "mask")
    if clear_for is not None and mask == "none":
        node.fail("a mask is expected that it lifts", "clear_for")
    return GrantedField(name=name, mask=mask, title=node.get("title"), clear_for=clear_for)


def _some(node: Node, key: str) -> tuple[str, ...]:
    texts = node.texts(key)
    if not texts:
        node.fail("at least one is expected", key)
    return texts


def _day(node: Node, key: str) -> date:
    value: Any = node.value.get(key)
    if not isinstance(value, date):
        node.fail("a day yyyy-mm-dd is expected", key)
    return value
