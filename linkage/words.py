"""What linkage's names are called (用语): Chinese and English of comparisons, levels, roles, rules, vetoes and conflicts, in one place.

Pages, commands and the portal show these, never a name of the model file. A name nobody translated shows itself.
"""

from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, tuple[str, str]]  # name -> (Chinese, English)

COMPARISONS: Words = {
    "name": ("姓名", "Name"), "birth": ("出生日期", "Birth date"), "sex": ("性别", "Sex"),
    "number": ("证件号码", "ID number"), "context": ("家庭、电话、住所", "Family, phone, home"),
}

LEVELS: Mapping[str, Words] = {
    "name": {
        "unknown": ("无法比较", "not known"), "exact": ("相同", "the same"), "alternate": ("曾用名或另一写法相同", "a former or other spelling"),
        "pinyin": ("同音", "same sound"), "swapped": ("两字颠倒", "characters swapped"), "shortened": ("缺字、多字或有字不清", "a character missing, added or unreadable"),
        "near": ("一字不同", "one character another"), "surname": ("仅姓相同", "only the surname"), "different": ("不同", "another name"),
    },
    "birth": {
        "unknown": ("无法比较", "not known"), "exact": ("相同", "the same"), "near": ("一处笔误之差", "one slip apart"),
        "lunar": ("农历与公历之差", "lunar and solar calendar"), "month": ("年月或月日相同", "year and month, or month and day"),
        "year": ("仅年份相同", "only the year"), "different": ("不同", "another date"),
    },
    "sex": {"unknown": ("无法比较", "not known"), "same": ("相同", "the same"), "different": ("不同", "another")},
    "number": {
        "unknown": ("无法比较", "not known"), "prefix": ("前十五位相同（号码被截断）", "first fifteen digits of a cut number"),
        "masked": ("遮蔽号码首尾相符", "masked number agrees"), "one_off": ("一位之差", "one slip apart"),
        "mask_off": ("遮蔽号码末四位一位之差", "one slip in the visible last four"), "area": ("地区码不同，其余相同", "another area, all else the same"),
        "two_off": ("两位之差", "two slips apart"), "different": ("不同", "another number"),
    },
    "context": {
        "unknown": ("无法比较", "not known"), "card": ("同一低保证", "one assistance card"), "death": ("同一死亡登记时段", "deaths within a month"),
        "kin_two": ("与同样两人列在一起", "named with the same two people"), "phone_room": ("电话、住所都相同", "same phone and dwelling"),
        "kin": ("与同一人列在一起", "named with the same person"), "phone": ("电话相同", "same phone"),
        "coresident": ("与对方的同住人列在一起", "named with somebody of the other's home"), "family_phone": ("家人的电话", "the family's phone"),
        "room_kin_name": ("住所相同、家人同名", "same dwelling, relative of the same name"), "kin_name": ("家人同名", "relative of the same name"),
        "room": ("住所相同", "same dwelling"), "building": ("同一栋楼", "same building"), "compound": ("同一小区", "same compound"),
        "apart": ("住处不同", "elsewhere"),
    },
}

ROLES: Words = {
    "holder": ("本人", "holder"), "head": ("户主", "head"), "member": ("成员", "member"), "spouse": ("配偶", "spouse"), "child": ("儿童", "child"),
    "mother": ("母亲", "mother"), "guardian": ("监护人", "guardian"), "operator": ("经营者", "operator"), "applicant": ("申请人", "applicant"),
    "resident": ("居住人", "resident"), "deceased": ("逝者", "deceased"),
}

RULES: Words = {
    "same_valid_id": ("公民身份号码相同", "Same valid ID number"),
    "reference": ("档案编号互引", "Reference between records"),
    "same_foreign_id": ("姓名及所填他人身份号码均相同", "One name with one number of somebody else"),
    "id_inside_other_number": ("残疾证号、学籍号内含身份号码", "ID inside another number"),
    "id_typo_name": ("证号一位之差、姓名相符", "ID one slip apart, same name"),
    "id_typo_alone": ("证号一位之差（无姓名）", "ID one slip apart, no name given"),
    "id_prefix_name": ("证号被截断、姓名相符", "Cut ID, same name"),
    "masked_id_name": ("证号遮蔽、姓名相符", "Masked ID, same name"),
    "masked_id_name_near": ("证号遮蔽、姓名相近", "Masked ID, similar name"),
    "masked_id_home": ("证号遮蔽、同一住所或电话", "Masked ID, same home or phone"),
    "name_card": ("同一低保证上的同名", "Same name on one card"),
    "name_death": ("同月同名的死亡记录", "Same name, death in one month"),
    "name_birth_phone": ("姓名、出生日期、电话", "Name, birth, phone"),
    "name_birth_dwelling": ("姓名、出生日期、住所", "Name, birth, dwelling"),
    "name_birth_family": ("姓名、出生日期、同户", "Name, birth, family"),
    "newborn_mother_birth": ("新生儿：母亲与出生日期", "Newborn: mother and birth date"),
    "swapped_name": ("名字两字颠倒，其余相符", "Given name swapped, all else agrees"),
    "name_family": ("姓名、同一家庭", "Name, family"),
    "name_phone": ("姓名、电话", "Name, phone"),
    "name_phone_home": ("姓名音近、同电话同住所", "Name by ear, phone and home"),
    "name_sound_phone": ("姓名音近、同一电话", "Name by ear, phone"),
    "name_family_phone": ("姓名、家庭电话", "Name, family's phone"),
    "similar_name_birth_home": ("姓名相近、出生日期、住所", "Similar name, birth, home"),
    "similar_name_phone_home": ("姓名相近、电话、住所", "Similar name, phone, home"),
    "name_family_sex": ("姓名、同一家庭（性别误填）", "Name, family (sex mistyped)"),
    "damaged_name_family": ("姓名残缺、同一家庭", "Damaged name, family"),
    "name_dwelling_family": ("同住所的同一家庭", "Family in one dwelling"),
    "name_dwelling_sex": ("姓名、性别、住所", "Name, sex, dwelling"),
    "weight": ("概率模型达到阈值", "Probability above the threshold"),
    "only_record": ("仅此一条记录", "Only record"),
    "first_record": ("首条记录", "First record"),
    "decided_same": ("人工决定：同一人", "A person decided: the same"),
}

VETOES: Words = {
    "name_and_address_alone": ("仅凭姓名与住址不关联", "Never on name and address alone"),
    "other_name": ("姓名不同", "Another name"),
    "other_birth": ("出生日期不可能属同一人", "Birth dates that can't be one's"),
    "other_sex": ("性别不同", "Another sex"),
    "siblings": ("可能是兄弟姐妹或双胞胎", "May be brothers, sisters or twins"),
}

CONFLICTS: Words = {
    "review": ("概率居中，待人工复核", "Between the thresholds: to review"),
    "two_valid_ids": ("两个有效身份号码", "Two valid ID numbers"),
    "foreign_id": ("所填身份号码可能属他人", "May carry somebody else's ID number"),
    "two_birth_dates": ("两个出生日期", "Two birth dates"),
    "same_record": ("同一条记录中的两人", "Two people of one record"),
    "same_feed": ("同一数据源内重复", "Twice in one feed"),
    "decided_different": ("人工决定：不同人", "A person decided: different people"),
}


def word(words: Words, name: str | None, language: str = "zh") -> str:
    """What ``name`` is called in ``language`` (zh, en); the name itself where nobody translated it."""
    if name is None:
        return "—"
    zh, en = words.get(name, (name, name))
    return en if language == "en" else zh
