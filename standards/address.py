"""Addresses (地址): cleaned text, and the parts a text names before any directory is known.

Chinese numerals are converted only where a building, unit, floor, room or phase is counted: 一中家属院 and
三里铺 are names. Nothing is completed: which compound a head means, and whether 3-501 is building
and room, is for those who know the directory.
"""

from __future__ import annotations

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from standards import codes, columns, numerals
from standards import text as free_text
from standards.result import Standardised

COLUMNS = ("community", "compound", "phase", "building", "unit", "room", "floor", "side", "rest", "form")

_C = f"[{numerals.CHARACTERS}]"
_N = rf"(?:\d{{1,4}}|{_C}{{1,6}})"
_BUILDING = rf"(?:[A-Z]?{_N}[A-Z甲乙丙丁]?|[A-Z甲乙丙丁戊东西南北中])"
_UNIT = rf"(?:[东西南北]?{_N}|[A-Z甲乙丙丁东西南北])"
_SIDES = "东西南北中左右"
_STRONG = "#?号楼|#楼|#?号?栋|号?幢|号?座|#"
_END = rf"[^\d{numerals.CHARACTERS}#栋幢座楼区园苑\-]{{0,8}}$"
# What is called by 县 and by no name without it (一中 and 人民医院 have one).
_OF_COUNTY = "县(?:医院|中医院|妇幼|委|政府|人大|政协|法院|检察院|职教|供销|[^镇城乡村社路街]{1,4}局)"
_SHOP = "底商|底店|商铺|门脸|门市|门面|铺面|商网"
_BELOW = "地下室|地下|车库|车位|储藏室|储藏间|小房|凉房"

# Where the building part begins: the earliest place where one of these fits (RE2 tries them in this order).
_BEGINNINGS = (
    rf"{_BUILDING}(?:{_STRONG}).*",  # 3号楼…, 3#…, 三栋…, A座…
    rf"[A-Z甲乙丙丁东西南北]楼(?:$|[\d{numerals.CHARACTERS}\-].*)",  # 东楼, 甲楼2单元
    rf"{_BUILDING}(?:楼|号|-)-?{_UNIT}(?:单元|门).*",  # 3楼2单元501, 3-2单元501, 12号1单元
    rf"{_UNIT}单元.*|\d{{1,2}}门-?\d.*",  # 2单元501
    r"[A-Z]?\d{1,4}[A-Z甲乙]?(?:-[A-Z]?\d{1,5}[A-Z甲乙]?){1,3}(?:室|号|户|房)?[^\d\-]*$",  # 3-2-501, 3-501
    rf"第?{_N}排.*",  # 3排5号
    rf"{_N}(?:楼|层)(?:$|[\-\d第{_SIDES}].*)",  # 3楼501, 5层东户
    rf"{_N}号-?\d{{3,4}}室?$",  # 12号501
    rf"{_N}号?院?(?:附{_N}号|-\d+|之{_N})?{_END}".replace("号?院?", "(?:号院?|院)"),  # 12号, 12号院, 5院
    rf"\d{{3,4}}室?$|{_C}{{3,4}}室$",  # 501
    rf"(?:{_SHOP}|{_BELOW}).*",
)
_SPLIT = rf"^(?P<head>.*?)(?P<tail>{'|'.join(_BEGINNINGS)})$"
# Most addresses have neither digit nor letter before 3号楼 or 3-2-501: no search is needed to cut them there.
_PLAIN_SPLIT = (
    rf"^(?P<head>[^0-9A-Za-z{numerals.CHARACTERS}#\-甲乙丙丁]*)"
    rf"(?P<tail>\d{{1,4}}(?:(?:号楼|号?栋|号?幢|#).*|-\d{{1,2}}-\d{{1,5}}室?))$"
)
_TAIL = (
    rf"^(?:第?(?P<row>{_N})排)?"
    rf"(?:第?(?P<building>{_BUILDING})(?P<building_as>{_STRONG}|楼|号院?|院|-)[\-,]?)?"
    rf"(?:(?P<unit>{_UNIT})#?(?P<unit_as>单元|门洞?|元|-)[\-,]?)?"
    rf"(?:第?(?P<floor>负?{_N})(?:层|楼)[\-,]?)?"
    rf"(?:(?P<room>[A-Z]?\d{{1,5}}[A-Z甲乙]?|{_C}{{1,6}})(?:室|号|户|房)?)?"
    rf"(?P<side>[{_SIDES}]{{1,2}}(?:户|门|边|侧|手|室|屋|间|厢|院)?)?"
    r"(?P<rest>.*)$"
)


def cleaned(text: pa.Array) -> pa.Array:
    """NFKC, invisible characters and all blanks out, private-use characters repaired, one sort of hyphen."""
    plain = free_text.repair_private_use(columns.unblank(columns.tidy(text)))
    return columns.substitute(plain, r"[\x{2010}-\x{2015}\x{2212}\x{2500}\x{FF0D}~\x{301C}\x{FF5E}_]+", "-")


def _judge(values: pa.Array) -> Standardised:
    broken = free_text.is_misread(values, columns.substitute(values, columns.BLANK, ""))
    plain = cleaned(values)
    reason, notice = columns.FirstReason(len(values)), columns.FirstReason(len(values))
    reason.where(columns.is_absent(plain), None)
    reason.where(broken, "text.mojibake")
    reason.where(columns.matches(plain, free_text.UNDECODABLE), "text.undecodable")
    notice.where(columns.matches(plain, free_text.PRIVATE_USE), "text.private_use")
    stands = reason.open
    return Standardised(columns.only(stands, plain), reason.array(), columns.only(stands, notice.array()))


def standardise(text: pa.Array | pa.ChunkedArray) -> Standardised:
    """The text as it came, less blanks and invisible characters, in NFKC. Reasons ``text.mojibake``,
    ``text.undecodable``; notice ``text.private_use``."""
    return columns.over_distinct(text, _judge)


@cache
def _elsewhere() -> tuple[str, str]:
    """Patterns of a head in another province, city or county, and in another township of ours."""
    divisions = codes.code_list("division")
    provinces = [d.zh for c, d in divisions.items() if len(c) == 2 and c not in ("13", "83")]
    counties = {
        d.zh for c, d in divisions.items() if len(c) == 6 and c.startswith("1307") and d.zh.endswith(("区", "县"))
    }
    counties -= {"涿鹿县", "张家口市市辖区"}
    townships = [d.zh for c, d in divisions.items() if len(c) == 9 and c != "130731100"]
    outside = (
        rf"^(?:{'|'.join(provinces)})|^[^市县区路街号\d]{{2,4}}市(?:[^场政民区]|$)|^(?:{'|'.join(sorted(counties))})"
    )
    return outside, rf"^(?:{'|'.join(townships)})"


def _without_administration(head: pa.Array) -> pa.Array:
    """The head less the leading 省市县镇 of the county seat; 城关镇 is what 涿鹿镇 is still called."""
    head = columns.substitute(head, r"^[,.\-()]+", "")
    # 涿鹿县医院 is 县医院 of 涿鹿, not 医院 of 涿鹿县.
    head = columns.substitute(head, rf"^(?:河北省?)?(?:张家口(?:市|地区)?)?(?:涿鹿县?)?涿鹿({_OF_COUNTY})", r"\1")
    head = columns.substitute(head, r"^(?:中国)?(?:河北省?)?张家口(?:市|地区)?(?:涿鹿县?)?|^河北省?涿鹿县?|^河北省", "")
    head = columns.substitute(head, r"^(?:涿鹿县)+", "")
    head = columns.substitute(head, r"^(?:县城|城区|城内|城里)", "")
    head = columns.substitute(head, r"^城([^关区内里])", r"\1")
    return columns.substitute(head, r"^(?:涿鹿镇|城关镇|城关(?:$|(?:[,.\-])))(?:镇区|城区)?", "")


def _heads(heads: pa.Array) -> dict[str, pa.Array]:
    """What stands before the building part: community, compound text, phase, and where it lies."""
    head = _without_administration(heads)
    outside, township = _elsewhere()
    where = columns.FirstReason(len(heads))
    where.where(columns.matches(head, outside), "outside")
    where.where(columns.matches(head, township), "village")
    named = pc.extract_regex(head, r"^(?P<community>[^\d社]{2,8}?)(?:社区(?:居民委员会|居委会)?|居委会)(?P<rest>.*)$")
    community = pc.struct_field(named, "community")
    head = pc.coalesce(pc.struct_field(named, "rest"), head)
    # A street number before the compound's name says where it lies, not what it is called.
    head = columns.substitute(head, r"^.{2,12}(?:路|街|巷|大道|胡同)\d+号([^\d院号附]{3,}.*)$", r"\1")
    phased = pc.extract_regex(head, rf"^(?P<before>.{{2,}}?)第?(?P<phase>{_N})期(?P<after>.*)$")
    phase = numerals.arabic(pc.struct_field(phased, "phase"))
    joined = pc.binary_join_element_wise(pc.struct_field(phased, "before"), pc.struct_field(phased, "after"), "")
    compound = columns.substitute(pc.coalesce(joined, head), r"^[,.\-()]+|[,.\-(]+$", "")
    return {
        "community": community,
        "compound": columns.only(columns.length(compound) > 0, compound),
        "phase": phase,
        "where": where.array(),
        "street": pa.array(columns.matches(compound, "(?:路|街|巷|大道|胡同|里弄)$")),
    }


def _part(parts: pa.Array, name: str) -> pa.Array:
    group = pc.struct_field(parts, name)
    return columns.over_distinct_values(columns.only(columns.length(group) > 0, group), numerals.arabic)


def _tails(tails: pa.Array) -> dict[str, pa.Array]:
    """The building part taken apart, and its form."""
    parts = pc.extract_regex(tails, _TAIL)
    building, unit, room, row = (_part(parts, name) for name in ("building", "unit", "room", "row"))
    floor = numerals.arabic(columns.substitute(_part(parts, "floor"), "^负", ""))
    below = columns.matches(pc.struct_field(parts, "floor"), "^负")
    as_building, as_unit = pc.struct_field(parts, "building_as"), pc.struct_field(parts, "unit_as")
    side = columns.substitute(pc.struct_field(parts, "side"), "(?:户|边|侧|手|室|屋|间)$", "")
    side = columns.only(columns.length(side) > 0, side)
    rest = columns.substitute(pc.struct_field(parts, "rest"), r"^[,.\-]+", "")

    def there(array: pa.Array):
        return array.is_valid().to_numpy(zero_copy_only=False)

    def is_(array: pa.Array, *values: str):
        return columns.among(array, pa.array(values))

    # 3楼302 is floor 3; 3楼501 can only be a building, and 3楼 alone can be either.
    as_floor = is_(as_building, "楼") & columns.matches(building, r"^\d+$") & ~there(unit) & ~there(floor)
    same = pc.fill_null(pc.equal(pc.utf8_slice_codeunits(room, 0, -2), building), False).to_numpy(zero_copy_only=False)
    lies_on = as_floor & (same | (there(side) & ~there(room)))
    floor = pc.if_else(columns.mask(lies_on), building, floor)
    building = columns.only(~lies_on, building)

    form = columns.FirstReason(len(tails))
    form.where(columns.matches(rest, f"^(?:{_SHOP})"), "shop")
    form.where(columns.matches(rest, f"^(?:{_BELOW})") | below, "basement")
    form.where(there(row), "row_house")
    form.where(as_floor, "floor_or_building")
    dashed = is_(as_building, "-")
    form.where(dashed & is_(as_unit, "-") & there(room), "dash3")
    form.where(dashed & there(unit) & there(room), "full")
    form.where(dashed, "dash2")
    form.where(there(building) & is_(as_unit, "-") & there(room), "unit_dash_room")
    form.where(there(building) & there(unit) & there(room), "full")
    form.where(there(room) & there(building), "building_room")
    form.where(there(side) & (there(floor) | there(unit)), "floor_side")
    form.where(is_(as_building, "号", "号院", "院") & ~there(unit), "house")
    form.where(there(building) & there(unit), "building_unit")
    form.where(there(floor) & ~there(room), "floor")
    form.where(there(building), "building")
    form.where(there(unit) & there(room), "unit_room")
    form.where(there(room), "room")
    form.where(there(unit), "unit")
    in_row = there(row)
    house = pc.binary_join_element_wise(row, pc.coalesce(building, room, side, ""), "排")
    building = pc.if_else(columns.mask(in_row), house, building)
    room = columns.only(~in_row, room)
    return {
        "building": building,
        "unit": unit,
        "room": room,
        "floor": pc.if_else(columns.mask(below), pc.binary_join_element_wise("-", floor, ""), floor),
        "side": side,
        "rest": columns.only(columns.length(rest) > 0, rest),
        "tail_form": form.array(),
    }


def _split(values: pa.Array) -> pa.Table:
    size = len(values)
    text = cleaned(values)
    empty = columns.is_absent(text)
    # Room 5-2 comes back from a spreadsheet as 5月2日.
    garbled = columns.matches(text, r"\d{1,2}月\d{1,2}日$")
    text = columns.update(text, garbled, lambda t: pc.replace_substring_regex(t, r"(\d{1,2})月(\d{1,2})日$", r"\1-\2"))
    text = columns.update(text, columns.matches(text, "[a-z]"), pc.utf8_upper)
    parts = pc.extract_regex(text, _PLAIN_SPLIT)
    hard = parts.is_null().to_numpy(zero_copy_only=False)
    searched = pc.extract_regex(text.filter(columns.mask(hard)), _SPLIT)
    head, tail = (
        pc.coalesce(pc.struct_field(parts, name), columns.place(size, hard, pc.struct_field(searched, name)), missing)
        for name, missing in (("head", text), ("tail", pa.scalar("")))
    )
    # 1-3-2-501: four numbers, the first a phase as far as one can tell.
    four = pc.extract_regex(tail, r"^(?P<first>\d{1,2})-(?P<others>\d{1,3}-\d{1,2}-\d{1,5}\D*)$")
    tail = pc.coalesce(pc.struct_field(four, "others"), tail)

    heads, tails = head.dictionary_encode(), tail.dictionary_encode()
    before = {name: array.take(heads.indices) for name, array in _heads(heads.dictionary).items()}
    after = {name: array.take(tails.indices) for name, array in _tails(tails.dictionary).items()}
    form = columns.FirstReason(size)
    for rows, code in (
        (empty, "empty"),
        (columns.among(before["where"], pa.array(["outside"])), "outside"),
        (columns.among(before["where"], pa.array(["village"])), "village"),
        (garbled, "garbled"),
        (four.is_valid().to_numpy(zero_copy_only=False), "dash4"),
        (
            before["street"].to_numpy(zero_copy_only=False)
            & columns.among(after["tail_form"], pa.array(["house", "dash2"])),
            "street",
        ),
    ):
        form.where(rows, code)
    structural = form.open & after["tail_form"].is_valid().to_numpy(zero_copy_only=False)
    form.where(~structural & before["compound"].is_valid().to_numpy(zero_copy_only=False), "compound")
    form.where(~structural & before["community"].is_valid().to_numpy(zero_copy_only=False), "community")
    form.where(~structural, "unread")
    shown = {**before, **after}
    shown["phase"] = pc.coalesce(before["phase"], pc.struct_field(four, "first"))
    shown["form"] = pc.coalesce(form.array(), after["tail_form"])
    nothing = ~empty
    return pa.table({name: columns.only(nothing, shown[name]) if name != "form" else shown[name] for name in COLUMNS})


def parse(text: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The parts an address names: a table of strings as long as ``text``, Arabic digits without leading zeros, letters in
    upper case, null where a part is not named.

    ``community`` (without 社区), ``compound`` (the text before the building part, less administration, community,
    phase and street number), ``phase``, ``building``, ``unit``, ``room``, ``floor``, ``side`` (东户 → 东), ``rest`` (what was not
    understood), and ``form``, which says how the text puts it:

    ``full`` building, unit and room by name · ``dash3`` 3-2-501 · ``dash4`` 1-3-2-501 · ``dash2`` 3-501, building and room
    or building and unit · ``unit_dash_room`` 3号楼2-501 · ``building_room`` · ``building_unit`` · ``building`` ·
    ``unit_room`` · ``unit`` · ``room`` (no building) · ``floor_or_building`` 3楼501 · ``floor`` · ``floor_side`` 5层东户 · ``house`` 12号,
    12号院 · ``row_house`` 3排5号 (building 3排5) · ``street`` 轩辕路12号 · ``shop`` · ``basement`` · ``garbled`` 5月2日 for 5-2 ·
    ``compound`` and ``community``: nothing after them · ``outside`` another province, city or county · ``village`` another
    township of ours · ``unread`` · ``empty``.
    """
    encoded = columns.as_strings(text).dictionary_encode()
    distinct = _split(encoded.dictionary).combine_chunks()
    table = distinct.take(encoded.indices)
    form = pc.fill_null(table["form"], "empty")
    return table.set_column(COLUMNS.index("form"), "form", form)
