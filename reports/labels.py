"""What codes are called on the pages (标签), Chinese and English in one place: no template holds a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.model import Dimension
from contracts.vocabulary import DEPARTMENTS
from linkage.words import CONFLICTS, RULES
from standards.codes import code_list


@dataclass(frozen=True)
class Text:
    """One text in both languages of the pages."""

    zh: str
    en: str


DIMENSIONS: Mapping[str, str] = {
    Dimension.CONFORMITY.value: "Conformity",
    Dimension.COMPLETENESS.value: "Completeness",
    Dimension.ACCURACY.value: "Accuracy",
    Dimension.CONSISTENCY.value: "Consistency",
    Dimension.TIMELINESS.value: "Timeliness",
    Dimension.ACCESSIBILITY.value: "Accessibility",
}

# kind of code -> code -> (Chinese, English)
LABELS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "household": {
        "residence": ("居住户", "Residence household"),
        "register": ("户籍户", "Register household"),
        "assistance": ("共同生活家庭（救助）", "Assistance family"),
    },
    "basis": {
        "visit": ("近180天入户走访", "Visit within 180 days"),
        "old_visit": ("180天以前的走访", "Older visit"),
        "family": ("与同住家人一致", "Lives with the family"),
        "permit": ("有效居住证", "Valid residence permit"),
        "child": ("学生、儿童住址", "Address of a pupil or child"),
        "parent": ("子女档案中的家长住址", "Guardian in a child's record"),
        "health": ("居民健康档案", "Health record"),
        "civil": ("民政救助、残疾、高龄档案", "Civil affairs record"),
        "operator": ("经营者住所", "Home of a shop's operator"),
        "request": ("代办服务登记", "Service request"),
        "register": ("户籍地址", "Register address"),
        "no_address": ("无确切住址", "No exact address"),
        "assistance card": ("低保证", "Assistance card"),
        "decision": ("人工决定", "A person's decision"),
    },
    "rule": {
        **RULES,
        "only record": ("仅此一条记录", "Only record"),
        "decision": ("人工决定", "A person's decision"),
    },
    "conflict": CONFLICTS,
    "alert": {
        "late_feed": ("迟到", "Late feed"),
        "refused_delivery": ("交付被拒", "Refused delivery"),
        "held_batch": ("批次待决", "Held batch"),
        "linkage_health": ("关联体检", "Cluster health"),
        "linkage_drift": ("模型漂移", "Model drift"),
    },
    "gate": {
        "lost": ("记录大量消失", "Too many rows lost"),
        "quarantined": ("隔离比例过高", "Too many rows quarantined"),
        "mix": ("取值分布突变", "Value mix changed"),
        "rule": ("整批规则不符", "A rule about the whole batch"),
    },
    "drift": {"added": ("新增列", "Added"), "renamed": ("改名列", "Renamed"), "missing": ("缺失列", "Missing")},
    "policy": {"accept": ("接收并留存", "accepted"), "null": ("置空", "null"), "refuse": ("拒收", "refused"), "cut": ("截去，不入库", "cut before landing")},
    "severity": {"critical": ("整行隔离", "row set aside"), "warning": ("单元格置空", "cell emptied"), "info": ("提示", "finding")},
}


def label(kind: str, code: str | None) -> Text:
    """What a code of ``kind`` (of LABELS, or a code list of standards/codes) is called; the code itself where
    nobody named it."""
    if kind not in LABELS:
        entry = code_list(kind).get(code or "")
        return Text(entry.zh, entry.en[:1].upper() + entry.en[1:]) if entry else Text(code or "—", code or "—")
    zh, en = LABELS[kind].get(code or "", (code or "—", code or "—"))
    return Text(zh, en)


def department(code: str | None) -> Text:
    """A department's short name."""
    code = code or ""
    return Text(DEPARTMENTS.get(code, code), code.replace("_", " ").capitalize())


def dimension(zh: str) -> Text:
    """An indicator of GB/T 36344."""
    return Text(zh, DIMENSIONS.get(zh, zh))


DEPARTMENT_ORDER: Mapping[str, int] = {name: place for place, name in enumerate(DEPARTMENTS)}
