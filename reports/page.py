"""The supervisors' data-quality page (数据质量报告): one self-contained HTML file, Chinese first, with English a click away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape
from sqlalchemy import Engine

from contracts.model import Contract
from reports import labels
from reports.disclosure import HIDDEN, SMALL
from reports.figures import Report, read_figures
from reports.labels import Text
from reports.population import FRESH_DAYS, HEALTH_POINT
from reports.scores import ORDER

SHANGHAI = ZoneInfo("Asia/Shanghai")
TEMPLATES = Path(__file__).parent / "templates"
GOOD, FAIR = 99.0, 95.0  # colours only: from 99 green, from 95 amber, below red


def write_report(
    engine: Engine, contracts: Mapping[str, Contract], out: Path, language: str = "zh", *, today: date | None = None
) -> Path:
    """Write ``out/index.html`` and the same figures as ``out/index.json``; the page's path.

    ``language`` (zh, en) is the one shown first. The index.json that stands there is the report this one compares
    itself with. Both files appear whole or not at all. OSError where ``out`` cannot be written.
    """
    now = datetime.now(UTC)
    out.mkdir(parents=True, exist_ok=True)
    figures = out / "index.json"
    report = read_figures(
        engine, contracts, today=today or now.astimezone(SHANGHAI).date(), now=now, before=_before(figures)
    )
    _replace(out / "index.html", render(report, language))
    _replace(figures, json.dumps(report.document(), ensure_ascii=False, indent=1) + "\n")
    return out / "index.html"


def render(report: Report, language: str = "zh") -> str:
    """The page's HTML; pure."""
    previous = report.history[-1] if report.history else None
    return environment().get_template("report.html.j2").render(
        report=report, quality=report.quality, people=report.population, headline=report.headline, previous=previous,
        language=language, made_at=report.made_at.astimezone(SHANGHAI), dimensions=[labels.dimension(name) for name in ORDER],
        departments={d.department: d.title for d in report.quality.departments},
        fresh_days=FRESH_DAYS, health_point=HEALTH_POINT, small=SMALL, hidden=HIDDEN,
    )  # fmt: skip


def environment():
    """The templates' engine with the pages' own filters; everything is escaped by default."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"both": both, "count": count, "grade": grade, "score": score, "label": _label, "percent": percent, "signed": signed,
                     "dimension": lambda name: both(labels.dimension(name)), "moment": moment, "recipient": recipient}
    made.globals |= {"t": lambda zh, en: both(Text(zh, en)), "department": labels.department, "label": labels.label}
    return made


def both(text: Text) -> Markup:
    """A text in both languages, of which the page shows one."""
    return Markup(f'<span lang="zh-CN">{escape(text.zh)}</span><span lang="en">{escape(text.en)}</span>')


def count(number: int | float | str | None) -> str:
    """12,345; a suppression mark stands as it is."""
    if number is None:
        return "—"
    return number if isinstance(number, str) else f"{number:,}"


def score(value: float | None) -> str:
    """99.97, or a dash where nothing was judged."""
    return "—" if value is None else ("100" if value == 100 else f"{value:.2f}")


def signed(change: float, places: int = 0) -> str:
    """+1,234 or −0.9; ±0 where nothing changed."""
    return "±0" if not change else f"{change:+,.{places}f}".replace("-", "−")


def percent(value: float | None) -> str:
    """87.3 %, or a dash."""
    return "—" if value is None else f"{value:.1f}%"


def grade(value: float | None) -> str:
    """The CSS class of a score."""
    if value is None:
        return "none"
    return "good" if value >= GOOD else "fair" if value >= FAIR else "poor"


def moment(iso: str) -> str:
    """A moment in Beijing time, to the minute."""
    return datetime.fromisoformat(iso).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def recipient(name: str) -> Markup:
    """A department, or a unit of a template agreement (community-130731100008)."""
    kind, _, unit = name.partition("-")
    known = {"community": ("社区", "Community"), "grid": ("网格", "Grid"), "supervisors": ("监管单位", "Supervisors")}
    if unit and kind in known:
        return both(Text(f"{known[kind][0]} {unit}", f"{known[kind][1]} {unit}"))
    return both(Text(*known[name]) if name in known else labels.department(name))


def _label(code: str | None, kind: str) -> Markup:
    return both(labels.label(kind, code))


def _before(figures: Path) -> Mapping[str, Any] | None:
    """The last report's figures; a file that is none of ours is no report to compare with."""
    try:
        document = json.loads(figures.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    usable = isinstance(document, dict) and {"made_at", "headline", "population"} <= document.keys()
    return document if usable else None


def _replace(target: Path, text: str) -> None:
    being_made = target.with_name(f".{target.name}.partial")
    being_made.write_text(text, encoding="utf-8")
    being_made.replace(target)
