"""Texts taken apart place by place come out as if each were taken apart alone, whatever the directory's places are called."""

from __future__ import annotations

import random
import re

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from places.directory import Directory
from places.gazetteer import fold_name, names_of
from places.resolve import BUILDING_PART, _take_apart
from standards import address

# Names that end where a building part begins, that go on into one, that look like one, and one inside another.
NAMES = ("轩辕小区", "轩辕", "轩辕路12号", "轩辕老街", "滨河小区一期", "滨河小区二期", "一中家属院", "一中家属楼", "五号院", "合符（北）苑", "东门小区", "鼓楼东",
         "化肥厂家属院1", "化肥厂", "3号楼", "北楼", "1958", "楼座", "南关街7号院", "西户", "B区家园", "b区", "三祖里")  # fmt: skip
TOWNS = ("", "", "", "涿鹿县", "涿鹿镇合符社区", "合符居委会", "轩辕社区", "河北省张家口市涿鹿县涿鹿镇", "居", "保定市")
PLANS = ("3号楼2单元501", "3#2-501室", "3-2-501", "12号", "12号3", "1号楼", "7号院5号", "58", "1958", "甲单元6层东户", "一号楼一单元五〇一室", "底商3号", "车库12", "5月2日",
         "5层东户", "3楼501", "b座1201", "-2-0501", "北楼2门301", "3号楼2单元", "号楼", "第3排5号", "", "")  # fmt: skip


def directory(chance: random.Random, names: list[str]) -> Directory:
    stands = {"starts_on": None, "ends_on": None}
    compounds = [{"compound_id": f"C{k}", "community_code": "130731100008", "name": name, "kind": "compound", **stands} for k, name in enumerate(names)]
    aliases = [{"alias": chance.choice(NAMES), "compound_id": f"C{chance.randrange(len(names))}"} for _ in range(3)]
    communities = [{"community_code": "130731100008", "name": "合符社区", "town": "涿鹿镇", **stands}]
    return Directory(*(pa.Table.from_pylist(rows) for rows in (communities, compounds, aliases)), buildings=pa.table({}))


def alone(texts: list[str], names: pa.Table) -> dict[str, tuple]:
    """Each text for itself: the leftmost name, there the longest, full ones first; then what stands after it."""
    patterns = []
    for full, ahead in ((True, ".*"), (False, f"{BUILDING_PART}.*|")):
        known = {row["name"] for row in names.to_pylist() if row["kind"] == "compound" and row["full"] == full}
        listed = "|".join(re.escape(name) for name in sorted(known, key=lambda n: (-len(n), n))) or "(?!)"
        patterns.append(re.compile(f"^.*?({listed})({ahead})$"))
    found = [next(((k > 0, *m.groups()) for k, p in enumerate(patterns) if (m := p.match(text))), (True, None, None)) for text in fold_name(pa.array(texts)).to_pylist()]
    whole = address.parse(pa.array(texts)).to_pylist()
    tails = address.parse(pa.array([tail or "" for *_, tail in found])).to_pylist()
    shown = ("building", "unit", "room", "floor", "side", "form")
    return {
        text: (name, loose, w["community"], *((t if name else w)[column] for column in shown), None if name else w["form"])
        for text, (loose, name, _), w, t in zip(texts, found, whole, tails, strict=True)
    }


@pytest.mark.parametrize("seed", range(12))
def test_a_text_among_many_is_taken_apart_as_alone(seed: int) -> None:
    chance = random.Random(seed)
    names = names_of(directory(chance, chance.sample(NAMES, 1 + seed)))
    texts = {chance.choice(TOWNS) + "".join(chance.choices(NAMES, k=chance.choice((0, 1, 1, 1, 2)))) + chance.choice(("", "", " ", "（", "东", "3")) + chance.choice(PLANS) for _ in range(800)}
    with duckdb.connect() as con:
        con.register("text_in", pa.table({"address_text": sorted(texts)}))
        _take_apart(con, names)
        got = con.execute(
            "SELECT address_text, (name, loose, community, building, unit, room, floor, side, form, part_form) FROM text JOIN part USING (id)"
        ).fetchall()
    assert len(got) == len(texts)
    assert dict(got) == alone(sorted(texts), names)
    assert pc.sum(pc.equal(names["kind"], "compound")).as_py() and any(part[0] for _, part in got) and any(part[0] is None for _, part in got)
