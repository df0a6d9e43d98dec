"""Market regulation's entities: shops and firms with the person who runs each."""

from __future__ import annotations

import numpy as np

from simulator.county import ids
from simulator.county.store import Offer
from simulator.views import spoil
from simulator.views.health import with_outside
from simulator.views.noise import Scene
from simulator.views.spoil_names import written_names
from simulator.views.times import dashed, iso, office_hours, spread

FEED = "market_entity"
STYLES = {
    "full": 30,
    "official": 20,
    "storey": 14,
    "dash": 14,
    "block": 8,
    "chinese": 4,
    "padded": 3,
    "door": 3,
    "old_town": 4,
}
_TRADES = [
    "便民超市",
    "百货店",
    "五金店",
    "小吃店",
    "面馆",
    "蔬菜店",
    "理发店",
    "服装店",
    "药店",
    "电器维修部",
    "建材门市",
    "水果店",
    "烟酒店",
    "汽修厂",
    "打印部",
    "饭店",
    "美容店",
    "培训中心",
    "洗衣店",
    "早餐店",
]
_GONE = "涿鹿镇老市场"


def entities(scene: Scene, shops: np.ndarray, changed: np.ndarray | None = None) -> Offer:
    """Entities at positions ``shops`` of the county's shops."""
    frame, chance = scene.county.shops, scene.chance
    who = frame["operator"].to_numpy()[shops]
    kind = frame["kind"].to_numpy()[shops]
    key = np.array(
        [ids.uscc(str(k), 1_000_003 + int(s) * 7_907) for k, s in zip(kind, shops, strict=True)], dtype=object
    )
    opened = frame["opened"].to_numpy()[shops].astype("datetime64[D]")
    dwelling, _ = scene.known_dwelling(FEED, who)
    dwelling = np.where(dwelling == -1, scene.places.buildings["first"].to_numpy()[0], dwelling)
    home = with_outside(scene, FEED, shops, dwelling, scene.address(FEED, shops, dwelling, STYLES))
    site = chance.integers("shop.site", shops, 0, len(scene.places.dwellings))
    a = scene.addresses
    words = [
        f"涿鹿县涿鹿镇{a.parts(d)[0]}{('底商' + str(1 + n % 12) + '号') if a.parts(d)[2] else a.parts(d)[1] + '号'}"
        for n, d in zip(shops.tolist(), site.tolist(), strict=True)
    ]
    gone = scene.happens(FEED, "address", "demolished", shops)
    at_home = chance.happens("shop.home", shops, 0.12)
    premises = np.where(gone, _GONE, np.where(at_home, home, np.array(words, dtype=object)))
    trade = np.array(_TRADES, dtype=object)[chance.integers("shop.trade", shops, 0, len(_TRADES))]
    given = np.array([n[1:] if len(n) > 1 else n for n in scene.name[who]], dtype=object)
    title = np.where(
        kind == 91,
        "涿鹿" + given + "商贸有限公司",
        np.where(kind == 93, "涿鹿县" + given + "种植专业合作社", "涿鹿县" + given + trade),
    )
    number = spoil.resident_ids(scene, FEED, shops, who)
    phone = spoil.phones(scene, FEED, shops, who)
    if changed is None:
        changed = office_hours(scene, FEED, shops, spread(scene, FEED, shops, opened, 1800))
    when = iso(changed)
    legacy = np.char.add("1307313", ids.padded(((shops.astype(np.int64) * 31 + 5) % 99_999_989), 8)).astype(object)
    columns = {
        "uscc": key, "legacyRegNo": np.where(opened < np.datetime64("2015-10-01"), legacy, None), "name": title, "entityType": kind.astype(str).astype(object),
        "operatorName": written_names(scene, FEED, shops, who), "operatorIdNo": np.where(number == "", None, number),
        "operatorPhone": np.where(phone == "", None, phone), "residence": np.where(scene.happens(FEED, "address", "missing", shops), None, home),
        "premises": premises, "establishedOn": dashed(opened), "status": frame["status"].to_numpy()[shops],
        "partyMemberShop": chance.happens("shop.party", shops, 0.06), "updatedAt": when,
    }  # fmt: skip
    available = np.array([w[:19] for w in when], dtype=object)
    return Offer(FEED, "offer_market_entity", key, columns, when, available, [("", np.arange(len(shops)), who)])
