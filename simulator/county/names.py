"""Names of people: surnames by frequency, given names by sex and birth decade, their sounds and shapes.

Frequencies: 公安部 2007 and the census of 2010 for the first ten surnames, raised for what is common in
northern Hebei (王 张 李 刘 赵 杨) and lowered for what is southern (陈 黄 吴 林); the tail falls off as 1/rank.
A name alone never identifies: about as many people share one here as in a real county town.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from simulator.county.chance import Chance

_HEAD = {"王": 9.4, "张": 8.9, "李": 8.6, "刘": 6.9, "赵": 4.1, "杨": 3.9, "陈": 2.5, "周": 1.7, "黄": 0.8, "吴": 1.2}
_TAIL = (
    (
        "马孙郭高胡朱徐何郑梁宋韩冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛"
        "邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫"
        "庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边"
        "闫肖付代丘仝区乐朴仇佟那闻简饶巩苑郎牧桑商佘花连戚丰宫蔺"
    )
    .replace("沿", "")
    .replace("植", "")
)
_COMPOUND = ["欧阳", "上官", "司马", "诸葛", "皇甫", "尉迟", "夏侯", "东方", "慕容", "令狐", "端木", "宇文"]

# Given-name characters, commonest first: (era, sex) -> first and second place draw from the same list.
ERAS = (1955, 1975, 1990, 2005, 9999)  # a birth year belongs to the first era it is below
_GIVEN = {
    (
        0,
        1,
    ): "国德文志永玉建福成春明振万金贵有海清荣宝生林富树长庆山忠义祥才全喜连占俊凤景学茂兴瑞廷守存印保江云峰发士恩昌仁元进桂殿",
    (
        0,
        2,
    ): "秀桂玉淑凤英兰珍芳花梅荣香莲云琴素翠月金春贵巧爱芝霞珠娥仙清存焕瑞改换女俊彩菊连书银文明志美贞棉润粉喜先变果雪",
    (
        1,
        1,
    ): "建国军志文永明平林海生强华伟峰利福春红斌东民新忠武宝玉清成庆金学贵全卫光胜锁江河义祥喜树立少晓宏俊正来斗旺根革",
    (
        1,
        2,
    ): "丽秀玉红英霞梅艳芳桂萍华淑敏琴凤云兰燕春爱翠珍莲荣素香月花菊彩俊建青美小亚改金卫慧娥志素雪利风果茹晓书巧平润",
    (2, 1): "伟强磊军涛勇超鹏杰刚波辉峰斌飞亮龙浩宇建海志文明国永晓旭东俊利雷彬健凯帅宏震江林振立新小虎玉春卫云成光庆",
    (2, 2): "丽娜静敏燕艳娟芳婷霞莉红玲雪晶颖倩慧洁晓小海秀玉春俊美亚文利云佳媛琳梅华英琴瑞青素彦志叶凤巧荣瑾茜蓉薇",
    (3, 1): "浩杰鑫宇涛鹏超俊伟文博旭凯帅晨阳子天志佳嘉明龙飞建磊亮宏泽家振少晓凡东海雨瑞宁毅彬帆康豪政健轩铭越",
    (3, 2): "婷雪慧静倩悦佳雅欣莹颖琪梦瑶思怡晓文雨嘉子丽娜美璐宇瑞楠彤茹敏琳媛莎蕾薇洁艺萌月玉冰晨凡然诗婧蓉莲",
    (4, 1): "子浩宇轩梓博泽睿俊文涵昊辰铭逸佳嘉皓天瑞明晨奕家鑫一航旭恩宸诚景霖煜阳弘锦承思奥程墨柏晟彦洋楷言",
    (4, 2): "子雨梓欣涵怡诗雅佳思可萱悦琪嘉语彤一依若馨梦菲妍瑶熙瑞紫艺伊钰心宁晨玥颖然奕婉宸琳曦沐桐汐苒予芷楚",
}
_PENALTY = {0: 0.08, 1: 0.16, 2: 0.24, 3: 0.16, 4: 0.06}  # share of one-character given names by era
_RARE = "㛃䶮𬀩𫍯喆堃甯昇鍾犇淼焱翀祎婳頔燊赟昉旻"  # hard to type: reach the departments as * or private-use characters

ETHNIC_WEIGHTS = {
    "01": 96.4,
    "11": 1.9,
    "03": 0.9,
    "02": 0.45,
    "10": 0.05,
    "06": 0.05,
    "15": 0.06,
    "08": 0.06,
    "05": 0.06,
    "17": 0.03,
    "04": 0.04,
}
_INTERPUNCT = {  # ethnicity -> given parts, family parts
    "05": ("阿依古丽 热依汗 买买提 艾力 古丽娜尔 帕提古丽 阿不都 玉素甫", "买买提 艾合买提 吐尔逊 阿不力孜 依明 肉孜"),
    "17": ("叶尔兰 阿依达娜 巴合提 努尔兰 古丽巴努", "哈力木 托列吾别克 阿布来 沙肯"),
    "04": ("扎西 卓玛 次仁 达瓦 格桑 央金", "多吉 旺堆 拉姆 平措"),
}

# One written for another by shape, by habit or by an old list (not by sound).
LOOKALIKE = {
    "霞": "侠", "凤": "风", "兰": "蓝", "淼": "焱", "伟": "纬", "杰": "木", "玉": "王", "明": "朋", "未": "末", "敏": "致", "静": "净",
    "丽": "俪", "燕": "熬", "艳": "绝", "娜": "那", "婷": "停", "梅": "海", "海": "梅", "浩": "洁", "洁": "浩", "晨": "辰", "辰": "晨",
    "晶": "昌", "昌": "晶", "琴": "瑟", "珍": "诊", "英": "央", "芳": "房", "荣": "荥", "萍": "苹", "莲": "连", "连": "莲", "宇": "字",
    "子": "予", "予": "子", "博": "搏", "泽": "译", "轩": "斩", "睿": "睦", "昊": "吴", "俊": "浚", "鹏": "鵬", "鑫": "金", "磊": "石",
    "涛": "祷", "超": "赵", "强": "弥", "永": "水", "建": "健", "健": "建", "国": "囯", "德": "徳", "志": "忠", "忠": "志", "贵": "责",
    "福": "褔", "春": "舂", "生": "主", "林": "材", "树": "村", "庆": "厌", "秀": "季", "淑": "椒", "桂": "挂", "翠": "粹", "雪": "雷",
    "雷": "雪", "颖": "颍", "倩": "情", "慧": "惠", "莹": "萤", "瑶": "遥", "思": "恩", "恩": "思", "怡": "恰", "萱": "宣", "琪": "淇",
    "欣": "欧", "涵": "函", "雅": "稚", "诗": "侍", "若": "苦", "彤": "形", "妍": "研", "阎": "闫", "闫": "阎", "肖": "萧", "萧": "肖",
    "傅": "付", "付": "傅", "戴": "代", "代": "戴", "邱": "丘", "丘": "邱", "仝": "同", "曾": "增", "郝": "赫", "贾": "价", "邢": "刑",
    "侯": "候", "祁": "祈", "兴": "光", "光": "兴", "万": "方", "方": "万", "才": "寸", "全": "金", "有": "友", "文": "交", "云": "去",
}  # fmt: skip
VARIANT = {  # traditional or variant form that an old system or a careful clerk writes
    "升": "昇", "宁": "甯", "后": "後", "钟": "鍾", "国": "國", "丽": "麗", "华": "華", "红": "紅", "兰": "蘭", "凤": "鳳", "军": "軍", "张": "張",
    "刘": "劉", "陈": "陳", "杨": "楊", "赵": "趙", "孙": "孫", "马": "馬", "贵": "貴", "荣": "榮", "庆": "慶", "宝": "寶", "莲": "蓮", "云": "雲",
    "伟": "偉", "龙": "龍", "鹏": "鵬", "飞": "飛", "涛": "濤", "静": "靜", "娜": "娜", "颖": "穎", "莹": "瑩", "杰": "傑", "泽": "澤", "轩": "軒",
    "峰": "峯", "珍": "珎", "琴": "琹", "群": "羣", "德": "徳", "祥": "祥", "沿": "㳂", "韩": "韓", "冯": "馮", "吴": "吳", "郑": "鄭", "许": "許",
}  # fmt: skip
_MORE_SOUNDS = "茵蔚惟炜玮嫒蕙憓婧靓菁晶精经京鲸璟瑛莺缨鹰瑩钰煜誉裕昱予妤榆渝瑜愉俞于余佚轶毅翌羿邑祺绮其奇骐帼郭果珊姗杉栅闽岷珉旻韵芸筠耘运允昀匀萌盟朦檬甍"


@cache
def _surnames() -> tuple[np.ndarray, np.ndarray]:
    tail = 1.9 / (1 + np.arange(len(_TAIL)) * 0.075)
    words = list(_HEAD) + list(_TAIL) + _COMPOUND
    weights = np.concatenate([list(_HEAD.values()), tail * 38 / tail.sum(), np.full(len(_COMPOUND), 0.02)])
    return np.array(words, dtype=object), weights


@cache
def homophones() -> dict[str, str]:
    """Character -> other name characters with the same syllable (tone ignored), by their usual reading."""
    from pypinyin import Style, lazy_pinyin

    letters = sorted({c for text in _GIVEN.values() for c in text} | set(_MORE_SOUNDS) | set(_TAIL) | set(_HEAD))
    groups: dict[str, list[str]] = {}
    for letter, sound in zip(letters, (lazy_pinyin(c, style=Style.NORMAL)[0] for c in letters), strict=True):
        groups.setdefault(sound, []).append(letter)
    return {c: "".join(x for x in g if x != c) for g in groups.values() if len(g) > 1 for c in g}


def surnames(chance: Chance, purpose: str, keys: np.ndarray) -> np.ndarray:
    """A surname a key, by frequency."""
    words, weights = _surnames()
    return words[chance.choose(purpose, keys, weights)]


def era(birth_year: np.ndarray) -> np.ndarray:
    """Index of the naming era of a birth year."""
    return np.searchsorted(np.asarray(ERAS), birth_year, side="right")


def given_names(
    chance: Chance,
    keys: np.ndarray,
    sex: np.ndarray,
    birth_year: np.ndarray,
    family: np.ndarray,
    purpose: str = "given",
) -> np.ndarray:
    """A given name a key. ``family`` = the parents' key: a quarter of the families give their children
    one shared first character (字辈), which makes brothers look alike on paper."""
    ages = era(birth_year)
    first, second = np.empty(len(keys), dtype=object), np.empty(len(keys), dtype=object)
    single = np.zeros(len(keys), dtype=bool)
    shared = chance.happens(f"{purpose}.shared", family, 0.25)
    for (age, gender), text in _GIVEN.items():
        rows = np.flatnonzero((ages == age) & (sex == gender))
        letters, weights = np.array(list(text), dtype=object), 1.0 / (np.arange(len(text)) + 4.0)
        draw_key = np.where(shared[rows], family[rows] + 7_000_000, keys[rows])
        first[rows] = letters[chance.choose(f"{purpose}.first", draw_key, weights)]
        second[rows] = letters[chance.choose(f"{purpose}.second", keys[rows], weights)]
        single[rows] = chance.happens(f"{purpose}.single", keys[rows], _PENALTY[age])
    rare = np.flatnonzero(chance.happens(f"{purpose}.rare", keys, 0.004))
    second[rare] = np.array(list(_RARE), dtype=object)[chance.integers(f"{purpose}.which", keys[rare], 0, len(_RARE))]
    doubled = chance.happens(f"{purpose}.doubled", keys, 0.02) & (sex == 2)
    second = np.where(doubled, first, second)
    return np.where(single, second, first + second)


def minority_name(chance: Chance, key: int, ethnicity: str) -> str | None:
    """A name with an interpunct (民委发〔2016〕33号) where the people's names are written so, else None."""
    if ethnicity not in _INTERPUNCT:
        return None
    given, family = (part.split() for part in _INTERPUNCT[ethnicity])
    g = given[int(chance.integers("minority.given", [key], 0, len(given))[0])]
    f = family[int(chance.integers("minority.family", [key], 0, len(family))[0])]
    return f + g if ethnicity == "04" and key % 2 else f"{g}·{f}"
