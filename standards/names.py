"""Personal names (姓名) in display form: notes, former names and masks told apart from the name itself.

The display form keeps every character of the name as it is written; folding of traditional, variant and
alike characters is for matching only (:mod:`standards.variants`).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from standards import columns
from standards import text as free_text
from standards.result import Standardised

LONGEST = 50  # characters; 民委发〔2016〕33号 asks name fields to hold as many
INTERPUNCT = "\u00b7"  # the one of the same document
# NFKC keeps • ‧ ∙ ⋅ and turns ． into a full stop, so interpuncts are mapped before it.
_INTERPUNCTS = r"[\x{00B7}\x{2022}\x{2027}\x{2024}\x{22C5}\x{2219}\x{25CF}\x{30FB}\x{FF65}\x{FF0E}\x{02D9}\x{1427}\x{16EB}\x{2E31}\x{10101}]"
_HAN = r"[\p{Han}\x{3007}]"
_OPENED = r"[(\[{<\x{3010}\x{3014}\x{300A}\x{3008}]"
_CLOSED = r"[)\]}>\x{3011}\x{3015}\x{300B}\x{3009}]"
_BRACKETS = rf"^(?P<name>.*?) ?{_OPENED}(?P<note>[^()\[\]{{}}<>\x{{3011}}\x{{3015}}\x{{300B}}\x{{3009}}]*){_CLOSED}? ?(?P<after>.*)$"
_FORMER = r"^(?:曾用名|曾用|曾名|原名|又名|别名|旧名|也叫|原)[:是为 ]*(?P<former>.+)$"
_STATUS = r"户主|已故|故|亡|已亡|已去世|去世|已死亡|死亡|殁|迁出|已迁出|外出|本人|待核实|空挂户|空挂|租户|房东|代|已注销|注销|失联|重名|新增"
_QUOTES = "^=?[\"'`]+|[\"'`]+$"
_ENDS = "^(?:=?[\"'`]| |\u00b7)+|[\"'` \u00b7]+$"  # quotes, blanks and interpuncts before and after a name, however they are mixed
_GONE = "已故|已去世|已死亡|已迁出"
_TRAILING = rf"^(?P<name>.{{2,30}}?)(?:[ ,;:\-]+(?P<a>{_STATUS})|(?P<b>(?:[ ,;:\-'\"`\x{{00B7}}]*(?:{_GONE}))+(?:[ ,;:\-]+(?:{_STATUS}))?))$"
_KIN = r"子|女|儿|母|父|妻|夫|孙|孙子|孙女|儿子|女儿|长子|次子|三子|长女|次女|三女|婴|婴儿|子女|孩|宝宝|母亲|父亲|丈夫|妻子|大儿|二儿|大女儿|二女儿|双胞胎|大宝|二宝|子[一二甲乙1-3]|女[一二甲乙1-3]"
# 王芳之子, 王芳的儿子, 王芳儿子: somebody's relative; 李之 alone stays a name.
_UNNAMED = rf"^.{{1,20}}(?:之|的)(?:{_KIN})$|^.{{2,20}}(?:儿子|女儿|婴儿|之婴|媳妇|家属|宝宝)$|^(?:之子|之女|婴儿|男婴|女婴|婴|宝宝|未取名|未命名|待取名|未起名|无名婴儿)$"
_PLACEHOLDER = (
    r"^(?:测试.*|test.*|姓名|名字|学生姓名|户主|本人|某人|某某|某某某|无名|无名氏|佚名|匿名|空户|空房|空置|空挂户|无人|暂无人|租户|房东|住户|业主|居民"
    r"|合计|小计|总计|填表人.*|不知道|保密|不愿透露|[xX]{2,}|张三李四|aaa+|abc)$"
)
_INCOMPLETE = r"[*?#_\x{25A1}\x{25A0}\x{3013}\x{25CB}\x{25EF}\x{2610}\x{00D7}\x{25CF}\x{FFFD}+]|某$|某某|^.[xX]{1,2}$"
_LATIN = r"^[A-Za-z\x{00C0}-\x{024F}][A-Za-z\x{00C0}-\x{024F} .,'\-\x{00B7}]*$"
_JOINERS = r"[ .\x{3001}]+"


def _blanks(text: pa.Array) -> pa.Array:
    """Blanks inside: dropped in a name of Han characters (张 三), an interpunct between the parts of a
    long one (阿卜杜拉 买买提), single in a Latin one."""
    parts_long = columns.matches(text, rf"^{_HAN}{{2,}}(?: {_HAN}{{2,}})+$") & (
        columns.length(columns.substitute(text, " ", "")) >= 5
    )
    text = columns.update(text, parts_long, lambda t: pc.replace_substring(t, " ", INTERPUNCT))
    han = columns.matches(text, rf"{_HAN}")
    return columns.update(text, han, lambda t: pc.replace_substring(t, " ", ""))


def _interpuncts(text: pa.Array) -> pa.Array:
    """All interpuncts as U+00B7. A stop or 、 counts as one between Han parts; none at the ends, one at a place."""
    text = columns.substitute(text, rf" ?{_INTERPUNCTS} ?", INTERPUNCT)
    text = columns.substitute(text, rf"({_HAN}) ?[.] ?({_HAN})", rf"\1{INTERPUNCT}\2")
    listed = columns.matches(text, rf"^{_HAN}{{2,}}\x{{3001}}{_HAN}{{2,}}$") & ~columns.matches(
        text, rf"^{_HAN}{{2,3}}\x{{3001}}{_HAN}{{2,3}}$"
    )
    text = columns.update(text, listed, lambda t: pc.replace_substring(t, "\u3001", INTERPUNCT))
    text = columns.substitute(text, f"{INTERPUNCT}{{2,}}", INTERPUNCT)
    return columns.substitute(text, _ENDS, "")


def _notes(text: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """The name without what stands in brackets or after it, the note, and a former name."""
    size = len(text)
    note = former = pa.nulls(size, pa.string())
    bracketed = columns.matches(text, _OPENED)
    if bracketed.any():
        parts = pc.extract_regex(text.filter(columns.mask(bracketed)), _BRACKETS)
        inner = pc.utf8_trim_whitespace(pc.struct_field(parts, "note"))
        rest = pc.binary_join_element_wise(pc.struct_field(parts, "name"), pc.struct_field(parts, "after"), "")
        note = columns.place(size, bracketed, inner)
        text = pc.replace_with_mask(
            text, columns.mask(bracketed), pc.utf8_trim_whitespace(columns.substitute(rest, f"{_OPENED}|{_CLOSED}", ""))
        )
        named = columns.matches(note, _FORMER)
        told = pc.struct_field(pc.extract_regex(note, _FORMER), "former")
        # A bare name in brackets that begins with the same surname is the former one.
        surname = pc.utf8_slice_codeunits(text, 0, 1)
        bare = columns.matches(note, rf"^{_HAN}{{2,4}}$") & pc.fill_null(
            pc.equal(pc.utf8_slice_codeunits(note, 0, 1), surname), False
        ).to_numpy(zero_copy_only=False)
        former = pc.if_else(columns.mask(named), told, columns.only(bare, note))
        former = columns.only(~columns.matches(former, "^$"), former)
        note = columns.only(~named & ~bare & ~columns.matches(note, "^$"), note)
    text = columns.substitute(text, _ENDS, "")
    after = pc.extract_regex(text, _TRAILING)
    trailing = after.is_valid().to_numpy(zero_copy_only=False)
    if trailing.any():
        said = pc.binary_join_element_wise(pc.struct_field(after, "a"), pc.struct_field(after, "b"), "")
        note = pc.if_else(
            columns.mask(trailing),
            pc.if_else(pc.is_null(note), said, pc.binary_join_element_wise(note, said, " ")),
            note,
        )
        text = pc.if_else(columns.mask(trailing), pc.struct_field(after, "name"), text)
    return text, note, former


def _dress(values: pa.Array) -> pa.Array:
    text = columns.substitute(values, _INTERPUNCTS, INTERPUNCT)
    text = columns.tidy(text)
    text = columns.substitute(text, columns.BLANK + "+", " ")
    return columns.substitute(text, _QUOTES, "")


def _judge(values: pa.Array) -> Standardised:
    size = len(values)
    reason, notice = columns.FirstReason(size), columns.FirstReason(size)
    # Two to four plain hanzi carry no note, unless it is one of the 已故 kind.
    simple = columns.matches(values, r"^[\x{4E00}-\x{9FA5}]{2,4}$") & ~columns.matches(values, "已")
    raw = columns.update(values, ~simple, _dress)
    text = free_text.repair_private_use(raw)
    notice.where(
        columns.matches(raw, free_text.PRIVATE_USE) & ~columns.matches(text, free_text.PRIVATE_USE), "name.repaired"
    )
    reason.where(columns.where(~simple, text, columns.is_absent), None)
    written = text
    note = former = pa.nulls(size, pa.string())
    if not simple.all():
        text, note, former = _notes(text)
        text = _blanks(_interpuncts(text))
        notice.where(columns.matches(text, INTERPUNCT) & ~columns.matches(values, INTERPUNCT), "name.interpunct")
    reason.where(free_text.is_misread(values, text), "name.mojibake")
    # 王(石+羊): a character described because the source cannot write it.
    reason.where(columns.matches(written, rf"{_HAN} ?\+ ?{_HAN}"), "name.incomplete")
    described = columns.matches(text, _UNNAMED)
    for rows, code in (
        (columns.where(~simple, text, columns.is_absent), "name.form"),  # what is left beside a note
        (columns.matches(pc.utf8_lower(text), _PLACEHOLDER), "name.placeholder"),
        (described, "name.unnamed"),
        (columns.matches(text, _INCOMPLETE) | columns.matches(text, rf"^{_HAN}$"), "name.incomplete"),
        (columns.matches(text, r"\d"), "name.digits"),
        (columns.matches(text, r"[\x{3001},;/|&]"), "name.several"),
        (columns.length(text) > LONGEST, "name.too_long"),
        (
            ~columns.matches(text, rf"^(?:{_HAN}|{free_text.PRIVATE_USE}|[A-Za-z{INTERPUNCT}])+$")
            & ~columns.matches(text, _LATIN),
            "name.form",
        ),
    ):
        reason.where(rows, code)
    notice.where(columns.matches(text, free_text.PRIVATE_USE), "name.private_use")
    notice.where(columns.matches(text, _LATIN), "name.latin")
    stands = reason.open
    given = reason.array()
    # What is known of somebody without a readable name is kept as a note: 王芳之子, 王*, 王(石+羊).
    unnamed, incomplete = (columns.among(given, pa.array([code])) for code in ("name.unnamed", "name.incomplete"))
    told = unnamed | incomplete
    note = pc.if_else(columns.mask(unnamed), text, pc.if_else(columns.mask(incomplete), written, note))
    return Standardised(
        columns.only(stands, text),
        given,
        columns.only(stands, notice.array()),
        {"note": columns.only(stands | told, note), "former": columns.only(stands, former)},
    )


def standardise(text: pa.Array | pa.ChunkedArray) -> Standardised:
    """The name as it is to be shown. Companions: ``note`` (户主, 已故 … from brackets or after the name; of somebody
    described by a relative, 王芳之子, or whose name came incomplete, 王*, all that was written), ``former`` (曾用名 in
    brackets).

    Reasons ``name.*``; a person without a name of his own has ``name.unnamed`` and no value, so that a newborn is never
    taken for the mother. Notices: ``name.interpunct``, ``name.repaired``, ``name.private_use``, ``name.latin``.
    """
    return columns.over_distinct(text, _judge)
