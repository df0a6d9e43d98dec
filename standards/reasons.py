"""Why a value was refused or remarked on: every reason code of the product, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Reason(NamedTuple):
    """One line a reader can act on, in both languages; it never holds a value."""

    zh: str
    en: str


REASONS: Mapping[str, Reason] = {
    # the row
    "row.unreadable": Reason("无法解析该行", "the row cannot be parsed"),
    "row.no_key": Reason("缺少记录主键", "the row has no usable key"),
    "row.duplicate_key": Reason("同一批次主键重复", "the key occurs more than once in the batch"),
    "row.encoding": Reason("字符编码错误", "bytes that are not in the declared encoding"),
    "row.quote": Reason("引号未闭合", "an unclosed quote"),
    "row.nul": Reason("含空字符（NUL）", "a NUL character"),
    "row.columns": Reason("列数与表头不符", "not as many cells as the header"),
    "row.json": Reason("不是有效的JSON", "not valid JSON"),
    "row.forbidden": Reason("含禁止采集的列，原文不予保存", "its text is not kept: the feed has forbidden columns"),
    # the field
    "field.required": Reason("必填项为空", "a required value is missing"),
    "field.missing_column": Reason("交付中缺少该列", "the delivery lacks the column"),
    "field.rule": Reason("不符合契约规则", "breaks a rule of the contract"),
    # text in general
    "text.mojibake": Reason("乱码（编码误读）", "read in the wrong encoding"),
    "text.undecodable": Reason("含无法解码的字符", "characters that could not be decoded"),
    "text.private_use": Reason("含私用区字符（PUA）", "private-use characters"),
    "json.invalid": Reason("不是有效的JSON", "not valid JSON"),
    "json.not_a_list": Reason("应为列表", "a list is expected"),
    "json.not_an_object": Reason("列表中的一项不是对象", "an element of the list is no object"),
    "parent.quarantined": Reason("所属记录已隔离", "the record it stands in is quarantined"),
    # resident ID numbers
    "id.checksum": Reason("身份证号校验码错误", "the check digit of the ID number is wrong"),
    "id.placeholder": Reason("身份证号为占位值", "a placeholder, not an ID number"),
    "id.truncated": Reason("身份证号被电子表格截断", "an ID number cut by a spreadsheet"),
    "id.masked": Reason("身份证号被遮蔽", "a masked ID number"),
    "id.length": Reason("身份证号位数不对", "an ID number has 15 or 18 characters"),
    "id.missing_check": Reason("身份证号缺少末位校验码", "17 digits: the check character is missing"),
    "id.form": Reason("不是身份证号的形式", "not of the form of an ID number"),
    "id.birth": Reason("身份证号中的出生日期不存在", "the birth date in the ID number does not exist"),
    "id.birth_future": Reason("身份证号中的出生日期在未来", "the birth date in the ID number is in the future"),
    "id.birth_too_old": Reason(
        "身份证号中的出生日期超过120年", "the birth date in the ID number is over 120 years ago"
    ),
    "id.other_number": Reason(
        "填写了其他证号（残疾证号、学籍号等）", "another number (of a disability card, a pupil) stands in its place"
    ),
    "id.mojibake": Reason("身份证号乱码", "unreadable characters in the ID number"),
    "id.from_15": Reason("15位身份证号已换算为18位", "a 15-digit number was converted to 18"),
    "id.lookalike": Reason(
        "身份证号中的形近字符已改正（O/0、l/1），校验码相符",
        "look-alike characters were corrected (O/0, l/1); the check digit confirms it",
    ),
    "id.cut_tail": Reason("身份证号末三位为000，可能被截断", "ends in 000: may have been cut by a spreadsheet"),
    "id.area_unknown": Reason("身份证号前六位不是已知的行政区划", "the first six digits are no known division"),
    # names
    "name.placeholder": Reason("姓名为占位值", "a placeholder, not a name"),
    "name.incomplete": Reason(
        "姓名不完整（生僻字缺失或被遮蔽）", "an incomplete name (a missing rare character or a mask)"
    ),
    "name.unnamed": Reason("未取名，以亲属关系代称", "the person is only described as somebody's relative"),
    "name.several": Reason("一格中有多个姓名", "several names in one cell"),
    "name.digits": Reason("姓名中有数字", "digits in a name"),
    "name.too_long": Reason("姓名超过50字", "a name of more than 50 characters"),
    "name.form": Reason("不是姓名的形式", "not of the form of a name"),
    "name.mojibake": Reason("姓名乱码（编码误读）", "a name read in the wrong encoding"),
    "name.private_use": Reason("姓名含私用区字符（PUA）", "private-use characters in a name"),
    "name.repaired": Reason(
        "姓名中的私用区字符已按GB 18030-2022改正", "private-use characters were replaced by GB 18030-2022"
    ),
    "name.interpunct": Reason("姓名间隔号已统一为U+00B7", "the interpunct was made U+00B7"),
    "name.latin": Reason("姓名为拉丁字母", "a name in Latin letters"),
    # codes
    "code.unmapped": Reason("代码未在对照表中", "the value is not in the crosswalk"),
    "boolean.unmapped": Reason("不是“是/否”的形式", "neither yes nor no"),
    # dates
    "date.form": Reason("不是日期的形式", "not of the form of a date"),
    "date.impossible": Reason("日期不存在", "the date does not exist"),
    "date.placeholder": Reason("日期为占位值", "a placeholder, not a date"),
    "date.two_digit_year": Reason("年份只有两位", "a year of two digits"),
    "date.roc": Reason("民国纪年", "a year of the Republic's calendar"),
    "date.lunar": Reason("农历日期", "a lunar date"),
    "date.future": Reason("日期在未来", "the date is in the future"),
    "date.out_of_range": Reason("日期超出合理范围", "the date is out of any plausible range"),
    "date.serial": Reason("由电子表格序列号换算的日期", "a date read from a spreadsheet serial"),
    "month.form": Reason("不是年月的形式", "not of the form of a month"),
    "time.form": Reason("不是时间的形式", "not of the form of a time"),
    "time.impossible": Reason("时间不存在", "the time does not exist"),
    "time.future": Reason("时间在未来", "the time is in the future"),
    # phones
    "phone.form": Reason("不是电话号码的形式", "not of the form of a phone number"),
    "phone.length": Reason("电话号码位数不对", "a phone number of the wrong length"),
    "phone.placeholder": Reason("电话号码为占位值", "a placeholder, not a phone number"),
    "phone.masked": Reason("电话号码被遮蔽", "a masked phone number"),
    "phone.truncated": Reason("电话号码被电子表格截断", "a phone number cut by a spreadsheet"),
    "phone.no_area": Reason("固定电话缺少区号", "a fixed number without its area code"),
    "phone.shared": Reason("多人共用的电话号码", "a phone number shared by many people"),
    "phone.worker": Reason("网格员本人的电话号码", "the grid worker's own number"),
    "phone.second_unread": Reason("第二个电话号码无法识别", "a second number in the cell could not be read"),
    # numbers
    "number.form": Reason("不是数字的形式", "not of the form of a number"),
    "number.not_integer": Reason("不是整数", "not a whole number"),
    "number.range": Reason("数值超出范围", "the number is out of range"),
    # USCC
    "uscc.length": Reason("统一社会信用代码位数不对", "a USCC has 18 characters"),
    "uscc.form": Reason("统一社会信用代码含不允许的字符", "a character that a USCC cannot have"),
    "uscc.checksum": Reason("统一社会信用代码校验码错误", "the check character of the USCC is wrong"),
    "uscc.placeholder": Reason("统一社会信用代码为占位值", "a placeholder, not a USCC"),
    "uscc.legacy_number": Reason("旧15位注册号", "an old registration number of 15 digits"),
    "uscc.registrar": Reason("登记管理部门代码未知", "an unknown registrar"),
    "uscc.organisation": Reason(
        "主体标识码（组织机构代码）校验码错误", "the check character of the organisation code inside is wrong"
    ),
    # other numbers
    "pupil_no.form": Reason("不是全国学籍号的形式", "not of the form of a pupil number (G, J or L and 18 characters)"),
    "pupil_no.checksum": Reason("学籍号内的号码校验码错误", "the check digit inside the pupil number is wrong"),
    "pupil_no.birth": Reason("学籍号内的出生日期不存在", "the birth date inside the pupil number does not exist"),
    "pupil_no.temporary": Reason("临时学籍号（L）", "a temporary pupil number (L)"),
    "disability_no.form": Reason(
        "不是残疾人证号的形式",
        "not of the form of a disability card number (20 characters, with B1 … after a re-issue)",
    ),
    "disability_no.checksum": Reason(
        "残疾人证号内的身份证号校验码错误", "the check digit of the ID number inside is wrong"
    ),
    "disability_no.birth": Reason(
        "残疾人证号内的出生日期不存在", "the birth date in the ID number inside does not exist"
    ),
    "disability_no.class": Reason("残疾类别超出1至7", "the class is not 1 to 7"),
    "disability_no.grade": Reason("残疾等级超出1至4", "the grade is not 1 to 4"),
    "archive_no.form": Reason("不是17位健康档案编号", "not a health archive number of 17 digits"),
    "archive_no.truncated": Reason("健康档案编号被电子表格截断", "an archive number cut by a spreadsheet"),
    "archive_no.area": Reason("健康档案编号前六位不是已知的行政区划", "the first six digits are no known division"),
    # addresses and their resolution
    "address.empty": Reason("地址为空", "no address"),
    "address.no_compound": Reason("地址中没有小区", "no compound in the address"),
    "address.unknown_compound": Reason("目录中没有该小区", "the directory has no such compound"),
    "address.unknown_building": Reason("该小区没有此楼", "the compound has no such building"),
    "address.unknown_unit": Reason("该楼没有此单元", "the building has no such unit"),
    "address.unknown_room": Reason("该单元没有此室", "the unit has no such room"),
    "address.no_building": Reason("地址没有写到楼", "the address stops before the building"),
    "address.no_unit": Reason("地址没有写单元，且不能推定", "the address names no unit and none can be concluded"),
    "address.no_room": Reason("地址没有写到室", "the address stops before the room"),
    "address.floor_side": Reason("只写了楼层或东西户，须户型图", "only floor or side is given: needs the floor plan"),
    "address.ambiguous": Reason("地址可指多处", "the address can mean several places"),
    "address.withdrawn": Reason("所指地址已停用", "the place is no longer in use"),
    "address.code_unknown": Reason("标准地址编码不在库中", "the standard address code is unknown"),
    "address.outside_county": Reason("不在本县城区目录内", "outside the county seat"),
    "address.village": Reason("乡镇或村的地址，不在社区目录内", "in a township or village, outside the communities"),
    "address.shop": Reason("底商、商铺，不是住宅", "a shopfront, not a dwelling"),
    "address.basement": Reason("地下室、车库，不是住宅", "a basement or garage, not a dwelling"),
    "address.house": Reason("独院或门牌，目录中未找到", "a detached house or street number that the directory lacks"),
    "address.street": Reason("只有街路门牌", "only a street and number"),
    "address.garbled": Reason(
        "房号被电子表格改成了日期，已还原", "a room number that a spreadsheet had turned into a date"
    ),
    "address.conflict": Reason("文字与分项不一致", "text and parts disagree"),
}


def explain(code: str, language: str = "zh") -> str:
    """The text of a reason code; the code itself where it is a contract's own rule id."""
    reason = REASONS.get(code)
    if reason is None:
        return code
    return reason.en if language == "en" else reason.zh
