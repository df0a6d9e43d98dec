"""One dwelling, many ways to write it: every form of domain.md section 3.4."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulator.county.chance import Chance
from simulator.county.places import COMMUNITIES, Places

_DIGITS = "〇一二三四五六七八九"
_LETTERS = "甲乙丙丁戊己庚辛"


def chinese_number(number: int) -> str:
    """1-99 as counted (十二, 二十三), larger ones digit by digit (五〇一)."""
    if number < 10:
        return _DIGITS[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")
    return "".join(_DIGITS[int(d)] for d in str(number))


class Addresses:
    """Writes dwellings (positions in ``places.dwellings``) as text."""

    def __init__(self, places: Places, chance: Chance) -> None:
        self.chance = chance
        compounds, buildings, dwellings = places.compounds, places.buildings, places.dwellings
        self.building = dwellings["building"].to_numpy()
        self.compound = buildings["compound"].to_numpy()[self.building]
        self._number = buildings["number"].to_numpy()[self.building]
        self._unit, self._floor, self._room = (dwellings[c].to_numpy() for c in ("unit", "floor", "room"))
        self._position, self._across = (
            dwellings["position"].to_numpy(),
            buildings["rooms_per_floor"].to_numpy()[self.building],
        )
        self._units = buildings["units"].to_numpy()[self.building]
        self._names = {
            c: compounds[c].to_numpy()
            for c in ("name", "old_name", "alias", "street", "community_code", "letters", "phase")
        }

    def write(
        self,
        purpose: str,
        keys: np.ndarray,
        dwellings: np.ndarray,
        styles: Mapping[str, float],
        dirt: Mapping[str, float],
    ) -> np.ndarray:
        """Address texts ("" where the dwelling is -1). ``styles``: form -> weight; ``dirt``: error -> rate, of
        ``alias old street nickname vague no_room no_unit wrong_room`` (see ``_compound`` and ``_write``)."""
        names = list(styles)
        style = self.chance.choose(f"{purpose}.style", keys, list(styles.values()))
        draws = {e: self.chance.uniform(f"{purpose}.{e}", keys).tolist() for e in dirt}
        prefix = self.chance.uniform(f"{purpose}.prefix", keys).tolist()
        out = np.full(len(keys), "", dtype=object)
        for i, (d, s) in enumerate(zip(dwellings.tolist(), style.tolist(), strict=True)):
            if d >= 0:
                out[i] = self._write(d, names[s], {e: u[i] < dirt[e] for e, u in draws.items()}, prefix[i])
        return out

    def parts(self, d: int) -> tuple[str, str, str, str]:
        """Compound name, building, unit and room of a dwelling, as the directory has them."""
        name, unit = self._names["name"][self.compound[d]], int(self._unit[d])
        return name, str(self._number[d]), str(unit) if unit else "", self._room[d]

    def compound_word(self, d: int, hit: Mapping[str, bool]) -> str:
        """What a compound is called: by its name, an alias, the name it had, its street number, without its phase."""
        c = self.compound[d]
        name = self._names["name"][c]
        if hit.get("old") and self._names["old_name"][c]:
            return self._names["old_name"][c]
        if hit.get("alias") and self._names["alias"][c]:
            return self._names["alias"][c]
        if hit.get("street"):
            return self._names["street"][c]
        if hit.get("no_phase") and self._names["phase"][c]:
            return name[:-2]
        if hit.get("nickname") and len(name) > 3:
            return name.removesuffix("小区").removesuffix("花园").removesuffix("家园").removesuffix("嘉园")
        return name

    def _write(self, d: int, style: str, hit: Mapping[str, bool], prefix: float) -> str:
        where = self.compound_word(d, hit)
        community = COMMUNITIES[self._names["community_code"][self.compound[d]]][0]
        if hit.get("heifu") and community == "合符":
            community, where = "符合", where.replace("合符", "符合")
        head = ""
        if style == "full":
            head = "涿鹿县涿鹿镇" if prefix < 0.7 else f"涿鹿县涿鹿镇{community}社区"
        elif style == "official":
            head = f"河北省张家口市涿鹿县涿鹿镇{community}社区" if prefix < 0.8 else "河北省张家口市涿鹿县城"
        elif style == "old_town":
            head = f"城关镇{community}社区" if prefix < 0.5 else f"涿鹿县城关镇{community}居委会"
        elif prefix < 0.3:
            head = ("涿鹿县", "涿鹿镇", "张家口涿鹿", f"{community}社区")[int(prefix * 40) % 4]
        number, unit, room, floor = int(self._number[d]), int(self._unit[d]), self._room[d], int(self._floor[d])
        if hit.get("vague"):
            return head + where
        if not unit:  # a detached house
            text = chinese_number(number) if style == "chinese" else f"{number}"
            return f"{head}{where}{text}号" + ("院" if style in ("official", "hash") else "")
        if hit.get("wrong_room"):
            room = str(int(room) + (100 if floor == 1 or prefix < 0.5 else -100))
        if hit.get("no_room"):
            return f"{head}{where}{number}号楼" + (f"{unit}单元" if prefix < 0.6 else "")
        if style in ("dash", "hash", "wide") and (self._units[d] == 1 or hit.get("no_unit")):
            return f"{head}{where}{number}-{room}"
        if style == "side" and self._across[d] > 3:
            style = "full"
        word = str(unit)
        if self._names["letters"][self.compound[d]] and style not in ("dash", "hash", "wide"):
            word = _LETTERS[unit - 1]
        last, position = self._across[d], self._position[d]
        side = "东户" if position == 1 else "西户" if position == last else "中户"
        tail = {
            "dash": f"{number}-{unit}-{room}",
            "hash": f"{number}#{unit}-{room}",
            "wide": f"{number}－{unit}－{room}",
            "chinese": f"{chinese_number(number)}号楼{chinese_number(unit)}单元{chinese_number(int(room))}室",
            "door": f"{number}栋{unit}门{room}",
            "storey": f"{number}楼{word}单元{room}",
            "padded": f"{number}号楼{word}单元{room.zfill(4)}",
            "side": f"{number}号楼{word}单元{floor}层{side}",
            "block": f"{number}幢{word}单元{room}室",
            "official": f"{number}号楼{word}单元{room}室",
        }.get(style, f"{number}号楼{word}单元{room}")
        return head + where + tail
