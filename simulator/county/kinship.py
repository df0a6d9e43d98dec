"""How one person is related to another, as GB/T 4761-2008 codes, from father, mother and spouse alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

TEXT = {
    "02": "户主", "11": "丈夫", "12": "妻子", "20": "儿子", "21": "独生子", "22": "长子", "23": "次子", "28": "女婿", "30": "女儿", "31": "独生女", "32": "长女",
    "33": "次女", "38": "儿媳", "41": "孙子", "42": "孙女", "43": "外孙子", "44": "外孙女", "51": "父亲", "52": "母亲", "53": "公公", "54": "婆婆",
    "55": "岳父", "56": "岳母", "73": "弟", "71": "兄", "75": "姐", "77": "妹", "97": "其他亲属", "99": "非亲属",
}  # fmt: skip


def relations(people: pd.DataFrame, who: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Relation of ``who[i]`` to ``head[i]`` (positions in ``people``) as two-digit codes; 99 where none is known."""
    sex = people["sex"].to_numpy()
    father, mother, spouse = (_closed(people[c]) for c in ("father", "mother", "spouse"))
    grandparent = _closed(people["grandparent"])
    birth = people["birth"].to_numpy()
    male = sex[who] == 1
    other = spouse[head]

    def child_of(child, parent):
        return (parent >= 0) & (child >= 0) & ((father[child] == parent) | (mother[child] == parent))

    own = child_of(who, head) | child_of(who, other)
    in_law = child_of(spouse[who], head) | child_of(spouse[who], other)
    via_father = child_of(father[who], head) | child_of(father[who], other)
    via_mother = child_of(mother[who], head) | child_of(mother[who], other)
    of_child = (grandparent[who] >= 0) & ((grandparent[who] == head) | (grandparent[who] == other))
    sibling = ((father[who] >= 0) & (father[who] == father[head])) | (
        (mother[who] >= 0) & (mother[who] == mother[head])
    )
    older = birth[who] < birth[head]
    first, only = _birth_order(people)
    daughter_or_son = np.where(
        male,
        np.select([only[who], first[who]], ["21", "22"], "23"),
        np.select([only[who], first[who]], ["31", "32"], "33"),
    )
    head_male = sex[head] == 1
    return np.select(
        [
            who == head,
            (spouse[who] == head) | (spouse[head] == who),
            own,
            in_law,
            father[head] == who,
            mother[head] == who,
            (other >= 0) & (father[other] == who),
            (other >= 0) & (mother[other] == who),
            via_father | of_child,
            via_mother,
            sibling,
        ],
        [
            np.full(len(who), "02"),
            np.where(male, "11", "12"),
            daughter_or_son,
            np.where(male, "28", "38"),
            np.full(len(who), "51"),
            np.full(len(who), "52"),
            np.where(head_male, "55", "53"),
            np.where(head_male, "56", "54"),
            np.where(male, "41", "42"),
            np.where(male, "43", "44"),
            np.where(male, np.where(older, "71", "73"), np.where(older, "75", "77")),
        ],
        "99",
    )


def _closed(column: pd.Series) -> np.ndarray:
    """The pointer column with one more entry, -1, at its end: so that index -1 means nobody."""
    return np.append(column.to_numpy(), -1)


def _birth_order(people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(is the mother's or father's eldest of this sex, has no brother or sister), one a person."""
    parent = np.where(people["mother"] >= 0, people["mother"], people["father"])
    frame = pd.DataFrame(
        {"parent": parent, "sex": people["sex"], "birth": people["birth"], "row": np.arange(len(people))}
    )
    frame = frame[frame["parent"] >= 0].sort_values(["birth", "row"])
    first, only = np.ones(len(people), dtype=bool), np.ones(len(people), dtype=bool)
    first[frame["row"]] = frame.groupby(["parent", "sex"]).cumcount() == 0
    only[frame["row"]] = frame.groupby("parent")["row"].transform("size") == 1
    return first, only
