"""What compounds are called: name, phase, former name, what people say, and the street number."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.county.chance import Chance

_STEMS = [
    "轩辕",
    "合符",
    "桑干",
    "涿水",
    "阪泉",
    "金桥",
    "鑫源",
    "富康",
    "龙泽",
    "御景",
    "阳光",
    "和谐",
    "康乐",
    "幸福",
    "安泰",
    "福源",
    "祥和",
    "盛世",
    "怡景",
    "翠湖",
    "锦绣",
    "书香",
    "紫薇",
    "碧水",
    "东方",
    "世纪",
    "万和",
    "永兴",
    "华夏",
    "黄帝",
    "三祖",
    "龙城",
    "鸿福",
    "瑞丰",
    "嘉和",
    "新世纪",
    "时代",
    "香榭",
    "天成",
    "水岸",
    "景泰",
    "丽景",
    "康宁",
    "金鼎",
    "银河",
    "富强",
    "文苑",
    "府前",
    "广场",
    "惠民",
    "安居",
    "兴隆",
    "同济",
    "泰和",
    "名门",
    "温泉",
]
_ENDS = ("小区", "花园", "家园", "苑", "嘉园", "新城", "华府", "佳苑", "公寓")
_OFFICES = [
    "县医院",
    "一中",
    "二中",
    "粮食局",
    "水务局",
    "农机局",
    "供销社",
    "交通局",
    "建设银行",
    "化肥厂",
    "酒厂",
    "电力局",
    "邮电局",
    "农业局",
    "林业局",
    "教育局",
    "法院",
    "物资局",
    "法原寺",
    "三里铺",
    "机械厂",
    "食品公司",
    "运输队",
    "税务局",
]
_STREETS = [
    "轩辕路",
    "合符大街",
    "鼓楼街",
    "人民路",
    "桑干河路",
    "建设街",
    "永安街",
    "五一路",
    "涿下路",
    "黄帝大街",
    "北关街",
    "南关街",
    "东关街",
    "西关街",
    "滨河路",
    "文昌街",
]
_DETACHED = ["新民居", "平房区", "独院", "老街", "胡同", "散居片", "小巷"]


def compound_names(chance: Chance, frame: pd.DataFrame, quarters: dict[str, str]) -> pd.DataFrame:
    """Name, phase, a former name, an everyday alias and a street number for each compound; names are unique."""
    pool = [s + e for e in _ENDS for s in _STEMS]
    pool = [pool[i] for i in chance.order("compound.pool", np.arange(len(pool)))]
    offices = [o + ("家属院" if i % 3 else "家属楼") for i, o in enumerate(_OFFICES)]
    rows, taken, streets = [], set(), {}
    u = {p: chance.uniform(f"compound.{p}", np.arange(len(frame))) for p in ("kind", "phase", "old", "alias", "street")}
    previous = None
    for i, (community, kind) in enumerate(zip(frame["community_code"], frame["kind"], strict=True)):
        quarter, phase, old, alias = quarters[community], 0, "", ""
        if kind == "detached":
            name, turn = quarter + _DETACHED[i % len(_DETACHED)], i
            while name in taken:
                name = (
                    quarter
                    + "一二三四五六七八九"[(len(taken) + turn // len(_DETACHED)) % 9]
                    + "号"
                    + _DETACHED[(turn + len(taken)) % len(_DETACHED)]
                )
                turn += 1
        elif i < len(quarters):
            name = quarter + "小区"
        elif u["phase"][i] < 0.14 and previous:  # the second phase of the compound before
            stem = previous["name"].removesuffix("一期")
            previous["name"], previous["phase"] = stem + "一期", 1
            taken.add(stem + "一期")
            name, phase = stem + "二期", 2
            if name in taken:
                name, phase = pool.pop(), 0
        elif u["kind"][i] < 0.2 and offices:
            name = offices.pop(0)
            alias = "原" + name
        else:
            name = next(p for p in iter(pool.pop, None) if p not in taken)
        if u["old"][i] < 0.1 and kind == "compound" and not phase:
            old = next(p for p in iter(pool.pop, None) if p not in taken)
            taken.add(old)
        taken.add(name)
        road = _STREETS[int(u["street"][i] * len(_STREETS))]
        streets[road] = streets.get(road, 3) + 1 + i % 4
        if not alias and u["alias"][i] < 0.35 and kind == "compound":
            alias = _nickname(name, taken)
            taken.add(alias)
        row = {"name": name, "phase": phase, "old_name": old, "alias": alias, "street": f"{road}{streets[road]}号"}
        row["follows"] = len(rows) - 1 if phase == 2 else -1
        previous = row if kind == "compound" and not phase else None
        rows.append(row)
    return pd.DataFrame(rows)


def _nickname(name: str, taken: set[str]) -> str:
    """What people say for a compound: its stem alone or with another ending."""
    for end in _ENDS:
        if name.endswith(end):
            for other in (
                name.removesuffix(end) + "楼区",
                name.removesuffix(end) + "大院",
                name.removesuffix(end) + "里",
            ):
                if other not in taken:
                    return other
    return name + "大院"
