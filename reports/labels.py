"""What codes are called on the pages (标签), Chinese and English in one place: no template holds a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.model import Dimension
from contracts.vocabulary import DEPARTMENTS
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
        "same_valid_id": ("公民身份号码相同", "Same valid ID number"),
        "reference": ("档案编号互引", "Reference between records"),
        "id_typo_name": ("证号一位之差、姓名相符", "ID one slip apart, same name"),
        "id_prefix_name": ("证号被截断、姓名相符", "Cut ID, same name"),
        "masked_id_name": ("证号遮蔽、姓名相符", "Masked ID, same name"),
        "masked_id_name_near": ("证号遮蔽、姓名相近", "Masked ID, similar name"),
        "name_birth_phone": ("姓名、出生日期、电话", "Name, birth, phone"),
        "name_birth_dwelling": ("姓名、出生日期、住所", "Name, birth, dwelling"),
        "name_birth_family": ("姓名、出生日期、同户", "Name, birth, family"),
        "name_family": ("姓名、同一家庭", "Name, family"),
        "name_phone": ("姓名、电话", "Name, phone"),
        "id_inside_other_number": ("残疾证号、学籍号内含身份号码", "ID inside another number"),
        "masked_id_home": ("证号遮蔽、同一住所或电话", "Masked ID, same home or phone"),
        "id_typo_alone": ("证号一位之差（无姓名）", "ID one slip apart, no name given"),
        "name_card": ("同一低保证上的同名", "Same name on one card"),
        "name_death": ("同月同名的死亡记录", "Same name, death in one month"),
        "newborn_mother_birth": ("新生儿：母亲与出生日期", "Newborn: mother and birth date"),
        "swapped_name": ("名字两字颠倒，其余相符", "Given name swapped, all else agrees"),
        "name_phone_home": ("姓名音近、同电话同住所", "Name by ear, phone and home"),
        "name_family_phone": ("姓名、家庭电话", "Name, family's phone"),
        "similar_name_birth_home": ("姓名相近、出生日期、住所", "Similar name, birth, home"),
        "similar_name_phone_home": ("姓名相近、电话、住所", "Similar name, phone, home"),
        "name_family_sex": ("姓名、同一家庭（性别误填）", "Name, family (sex mistyped)"),
        "damaged_name_family": ("姓名残缺、同一家庭", "Damaged name, family"),
        "name_dwelling_family": ("同住所的同一家庭", "Family in one dwelling"),
        "name_dwelling_sex": ("姓名、性别、住所", "Name, sex, dwelling"),
        "weight": ("概率模型达到阈值", "Probability above the threshold"),
        "only_record": ("仅此一条记录", "Only record"),
        "only record": ("仅此一条记录", "Only record"),
        "decision": ("人工决定", "A person's decision"),
    },
    "conflict": {
        "review": ("概率居中，待人工复核", "Between the thresholds: to review"),
        "two_valid_ids": ("两个有效身份号码", "Two valid ID numbers"),
        "two_birth_dates": ("两个出生日期", "Two birth dates"),
        "same_record": ("同一条记录中的两人", "Two people of one record"),
        "same_feed": ("同一数据源内重复", "Twice in one feed"),
    },
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
