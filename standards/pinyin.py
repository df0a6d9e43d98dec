"""Pinyin (拼音) of names: a syllable a character, with the readings that surnames have.

The default readings are wrong for many surnames (单 is shan, 区 ou, 解 xie), which would part a name
from itself typed by ear; the first character, or the first two of a compound surname, is read as a surname.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from standards import characters, columns

# Single surnames whose reading differs from the character's usual one.
SURNAMES = {
    "单": "shan", "單": "shan", "区": "ou", "區": "ou", "乐": "yue", "樂": "yue", "朴": "piao", "曾": "zeng",
    "解": "xie", "仇": "qiu", "查": "zha", "翟": "zhai", "盖": "ge", "蓋": "ge", "缪": "miao", "繆": "miao",
    "员": "yun", "員": "yun", "贠": "yun", "繁": "po", "种": "chong", "折": "she", "召": "shao", "洗": "xian",
    "秘": "bi", "祕": "bi", "能": "nai", "隗": "wei", "祭": "zhai", "郇": "xun", "句": "gou", "佴": "nai",
    "都": "du", "牟": "mu", "黑": "he", "覃": "qin", "乜": "nie", "炅": "gui", "卜": "bu",
}  # fmt: skip
_COMPOUND = """
欧阳 ou yang,歐陽 ou yang,上官 shang guan,司马 si ma,司徒 si tu,司空 si kong,诸葛 zhu ge,皇甫 huang fu,尉迟 yu chi,尉遲 yu chi,公孙 gong sun
长孙 zhang sun,令狐 ling hu,宇文 yu wen,慕容 mu rong,万俟 mo qi,单于 chan yu,澹台 tan tai,淳于 chun yu,夏侯 xia hou,东方 dong fang,南宫 nan gong
西门 xi men,端木 duan mu,百里 bai li,呼延 hu yan,申屠 shen tu,太叔 tai shu,轩辕 xuan yuan,钟离 zhong li,濮阳 pu yang,闻人 wen ren,赫连 he lian
鲜于 xian yu,闾丘 lv qiu,亓官 qi guan,司寇 si kou,子车 zi ju,颛孙 zhuan sun,乐正 yue zheng,拓跋 tuo ba,独孤 du gu,第五 di wu,东郭 dong guo
公冶 gong ye,公羊 gong yang,宗政 zong zheng,左丘 zuo qiu,梁丘 liang qiu,谷梁 gu liang,漆雕 qi diao,公西 gong xi,巫马 wu ma,仲孙 zhong sun
叔孙 shu sun,纳兰 na lan,完颜 wan yan,耶律 ye lv
"""
# Compound surnames (two characters) and how both are read.
COMPOUND_SURNAMES = {
    surname: (first, second)
    for entry in _COMPOUND.strip().replace("\n", ",").split(",")
    for surname, first, second in [entry.split()]
}


@cache
def _usual(character: str) -> str:
    """The usual reading of a character without its tone; the character itself where it has none, nothing for a mark."""
    if character.isascii() or not character.isalpha():
        return character.lower() if character.isalnum() else ""
    from pypinyin import Style, lazy_pinyin

    return lazy_pinyin(character, style=Style.NORMAL, v_to_u=False)[0]


def has_compound_surname(names: pa.Array) -> np.ndarray:
    """Which names begin with a compound surname and go on after it."""
    pairs = pc.utf8_slice_codeunits(names, 0, 2)
    return columns.among(pairs, pa.array(list(COMPOUND_SURNAMES))) & (columns.length(names) > 2)


def surnames(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The surname of each name: two characters of a compound one, else the first."""
    names = columns.as_strings(names)
    return pc.if_else(
        columns.mask(has_compound_surname(names)),
        pc.utf8_slice_codeunits(names, 0, 2),
        pc.utf8_slice_codeunits(names, 0, 1),
    )


def given_names(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """What follows the surname."""
    names = columns.as_strings(names)
    return pc.if_else(
        columns.mask(has_compound_surname(names)), pc.utf8_slice_codeunits(names, 2), pc.utf8_slice_codeunits(names, 1)
    )


def _surname_readings(
    names: pa.Array, flat: np.ndarray, starts: np.ndarray, filled: np.ndarray
) -> tuple[np.ndarray, pa.Array]:
    """For each character the number of the reading it has as part of a surname (-1: none), and those readings."""
    points = np.array(sorted(ord(c) for c in SURNAMES), np.uint32)
    readings = [SURNAMES[chr(point)] for point in points.tolist()]
    chosen = np.full(len(flat), -1, np.int64)
    first = starts[filled]
    at = np.minimum(np.searchsorted(points, flat[first]), len(points) - 1)
    chosen[first] = np.where(points[at] == flat[first], at, -1)
    compound = has_compound_surname(names)
    pair = pc.index_in(pc.utf8_slice_codeunits(names, 0, 2), value_set=pa.array(list(COMPOUND_SURNAMES)))
    pair = pc.fill_null(pair, 0).to_numpy(zero_copy_only=False).astype(np.int64)[compound]
    chosen[starts[compound]] = len(readings) + 2 * pair
    chosen[starts[compound] + 1] = len(readings) + 2 * pair + 1
    readings += [syllable for both in COMPOUND_SURNAMES.values() for syllable in both]
    return chosen, pa.array(readings)


def _syllables(names: pa.Array) -> pa.Array:
    flat, offsets = characters.code_points(names)
    if len(flat) == 0:
        return names
    usual = characters.look_up(flat, _usual)
    chosen, readings = _surname_readings(names, flat, offsets[:-1], offsets[1:] > offsets[:-1])
    own = chosen >= 0
    syllables = pc.if_else(columns.mask(own), readings.take(pa.array(np.where(own, chosen, 0))), usual)
    spoken = columns.length(syllables) > 0  # an interpunct has no sound
    counts = np.concatenate([[0], np.cumsum(spoken)])[offsets]
    lists = pa.ListArray.from_arrays(pa.array(counts, pa.int32()), syllables.filter(columns.mask(spoken)))
    joined = pc.binary_join(lists, " ")
    latin = columns.matches(names, r"^[\x00-\x7F]*$")
    return columns.update(joined, latin, lambda _: pc.utf8_lower(names.filter(columns.mask(latin))))


def syllables(names: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The syllables of each name joined by blanks, without tones (ü as v): 单田芳 → ``shan tian fang``; a Latin
    name in lower case; null for null."""
    return columns.over_distinct_values(names, _syllables)
