"""A list matched against the warehouse from file to file, its purpose recorded; nothing is written to links.

The record (``hub.match_run``) holds who asked, when, what for and the counts; it is committed when the result is written and before it
can be seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, text

from linkage.artefact import load_active
from linkage.match import UNCERTAIN, UNREADABLE, Found, Scale, find
from linkage.match_file import ListError, ListFile, failed, read_list
from linkage.match_people import people_near
from linkage.match_rows import ListRows, rows_of
from linkage.match_words import NOTES, OUTCOMES, pick, reason, why
from linkage.match_workbook import ResultRow, column_name, try_writing, write_result
from linkage.model import Model, load_model
from places.directory import read_directory
from warehouse.compute import LEAST_MB, analyst
from warehouse.signature import legible
from warehouse.tables.matching import match_run

_SHANGHAI = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class MatchFigures:
    """Counts of a matched list; ``model_version`` is the model file's, or the trained model's where one is active."""

    rows: int
    matched: int
    uncertain: int
    nobody: int
    unreadable: int
    model_version: str

    def counts(self) -> dict[str, int | str]:
        return dict(self.__dict__)


def match_list(engine: Engine, path: Path, out: Path, *, purpose: str, by: str, today: date, language: str = "zh", threads: int = 2,
               memory_mb: int | None = None) -> MatchFigures:
    """Find each row of the list ``path`` in the warehouse and write the workbook ``out``.

    Raises ListError: the list can't be read, purpose or asker is blank, ``out`` can't be written, is the list itself or no ``.xlsx``.
    """
    purpose, by = legible(purpose), legible(by)
    if not purpose or not by:
        raise ListError("须说明用途和查询人", "what the list is matched for, and who asks, must be said")
    _refuse_target(path, out)
    file = read_list(path)
    model, scale, version = _scale(engine)
    rows = rows_of(file, today, read_directory(engine) if _has_directory(engine) else None)
    con = analyst(threads, memory_mb or LEAST_MB)
    try:
        readable = rows.mentions.filter(rows.unreadable.is_null())
        people = people_near(engine, con, readable, model.setting("largest_group"))
        if not people.total:
            raise ListError("库中还没有关联过的人员，请先运行 gridhub run", "nobody is linked in this warehouse yet; run `gridhub run` first")
        found = find(con, readable, people, model, scale)
    finally:
        con.close()
    results = _results(file, rows, found, model, language)
    figures = _counted(results, version)
    at = datetime.now(_SHANGHAI)
    about = _about(file, figures, purpose, by, at, language)
    try:
        write_result(out, file, results, about, language, lambda: _record(engine, file, figures, purpose, by, at))
    except OSError as error:
        raise _unwritable(out, error) from None
    return figures


def runs(engine: Engine, limit: int = 50) -> list[dict[str, Any]]:
    """The lists that were matched, newest first: run_id, asked_at, asked_by, purpose, the counts, model_version, file_digest."""
    listed = text("SELECT run_id, asked_at, asked_by, purpose, rows, matched, uncertain, nobody, unreadable, model_version, file_digest "
                  "FROM hub.match_run ORDER BY run_id DESC LIMIT :limit")
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(listed, {"limit": limit}).mappings()]


def _refuse_target(path: Path, out: Path) -> None:
    """Before anything is read: nobody waits for a result that has no place."""
    try:
        itself = out.exists() and path.exists() and out.samefile(path)
        if out.suffix.lower() == ".xlsx" and not itself:
            try_writing(out)
            return
    except OSError as error:
        raise _unwritable(out, error) from None
    raise ListError(f"{out.name}：结果应为另一个工作簿（.xlsx），不能是名单本身", f"{out.name}: the result is a workbook (.xlsx) beside the list, never the list itself")


def _unwritable(out: Path, error: OSError) -> ListError:
    zh, en = ("此处不能存放文件", "no file can be made there") if isinstance(error, FileNotFoundError) else failed(error)
    return ListError(f"{out}：无法写入（{zh}）", f"{out}: can't be written ({en})")


def _has_directory(engine: Engine) -> bool:
    with engine.connect() as connection:
        return connection.execute(text("SELECT to_regclass('record.org_buildings')")).scalar() is not None


def _scale(engine: Engine) -> tuple[Model, Scale, str]:
    """The model with the thresholds, weights and name frequencies of the active training, and its version. A warehouse linked before
    trainings were kept has none, or one of another model file: then the model file's own."""
    model, artefact = load_model(), load_active(engine)
    if artefact is None or artefact.model_version != model.version:
        return model, Scale(), model.version
    return artefact.apply(model), Scale(artefact.weights, artefact.frequency_table("name"), artefact.unseen.get("name", 0.0)), artefact.version


# -- what is said beside a row ---------------------------------------------------------------


def _results(file: ListFile, rows: ListRows, found: Found, model: Model, language: str) -> list[ResultRow]:
    places = [(sheet.name, number) for sheet in file.sheets for number in sheet.numbers]
    colon, comma = (("：", "、"), (": ", ", "))[language == "en"]
    outcomes = {row["record_key"]: row for row in found.outcome.to_pylist()}
    near: Mapping[str, list[dict]] = defaultdict(list)
    for pair in found.near.to_pylist():
        near[pair["record_key"]].append(pair)
    same = defaultdict(list)
    for key, outcome in outcomes.items():
        if outcome["person_id"]:
            same[outcome["person_id"]].append(int(key))
    notes = defaultdict(list)
    for note in rows.notes.to_pylist():
        notes[note["row"]].append(f"{note['title']}{colon}{reason(note['reason'], language)}")
    for at, titles in _passed_over(file):
        notes[at].append(f"{comma.join(titles)}{colon}{pick(NOTES['passed_over'], language)}")
    comparisons = [c.name for c in model.comparisons]
    numbered = set(rows.mentions.filter(rows.mentions["id_number"].is_valid())["record_key"].to_pylist())
    results = []
    for at, unreadable in enumerate(rows.unreadable.to_pylist()):
        key = f"{at:09d}"
        if unreadable:
            results.append(ResultRow(UNREADABLE, why=reason(unreadable, language), notes=notes[at]))
            continue
        outcome, pairs = outcomes[key], near[key]
        result = ResultRow(outcome["outcome"], outcome["person_id"], outcome["probability"], notes=notes[at])
        told = [(pair, _why(pair, comparisons, language)) for pair in pairs]
        result.why = next((said for pair, said in told if pair["chosen"]), "")
        others = [(pair, said) for pair, said in told if not pair["chosen"]][:3]
        if outcome["outcome"] == UNCERTAIN:
            result.candidates = [f"{pair['person_id']}  {pair['probability']:.4f}  {said}" for pair, said in others]
            result.probability, result.why = pairs[0]["probability"], told[0][1]
        if key in numbered and not any(p["same_number"] or p["misfit"] for p in pairs):
            result.notes.append(pick(NOTES["number_alone"], language))
        if again := [_place(places[n], places[at][0]) for n in same.get(outcome["person_id"], ()) if n != at]:
            result.notes.append(pick(NOTES["again"], language).format(rows=comma.join(again[:5])))
        results.append(result)
    return results


def _place(place: tuple[str, int], here: str) -> str:
    """A row's number, with the sheet's name where it is another one: 二中!3."""
    sheet, number = place
    return str(number) if sheet == here else f"{sheet}!{number}"


def _passed_over(file: ListFile) -> Iterator[tuple[int, list[str]]]:
    """Rows in which a column that was passed over names somebody, with the titles of such columns."""
    rows = ((sheet, row) for sheet in file.sheets for row in sheet.cells)
    for at, (sheet, row) in enumerate(rows):
        if titles := [column_name(sheet, n) for n in sheet.passed if n < len(row) and str(row[n] or "").strip()]:
            yield at, titles


def _why(pair: Mapping[str, Any], comparisons: list[str], language: str) -> str:
    levels = [(name, pair[name]) for name in comparisons]
    if pair["month"]:  # it says more than the year does, and speaks beside what the row's number says of its birth
        levels = [level for level in levels if level != ("birth", "year")]
        if pair["month"] != "same" or pair["birth"] == "year":
            levels.insert(1, ("birth", f"month_{pair['month']}"))
    return why(tuple(levels), pair["same_number"], pair["misfit"], pair["other_number"],
               _against(pair), language)


def _against(pair: Mapping[str, Any]) -> str | None:
    if pair["chosen"] or pair["misfit"] or pair["other_number"]:
        return None
    if pair["verdict"] == "link" and pair["month"] == "other":
        return None  # the month says so itself
    return pair["rule"] if pair["verdict"] == "review" else "rival" if pair["verdict"] in ("rival", "link") else None


def _counted(results: list[ResultRow], version: str) -> MatchFigures:
    counts = dict.fromkeys(OUTCOMES, 0)
    for result in results:
        counts[result.outcome] += 1
    return MatchFigures(len(results), **counts, model_version=version)


def _record(engine: Engine, file: ListFile, figures: MatchFigures, purpose: str, by: str, at: datetime) -> None:
    with engine.begin() as connection:
        connection.execute(insert(match_run).values(asked_by=by, purpose=purpose, file_digest=file.digest, asked_at=at, **figures.counts()))


def _about(file: ListFile, figures: MatchFigures, purpose: str, by: str, at: datetime, language: str) -> list[tuple[str, Any]]:
    def say(zh: str, en: str) -> str:
        return pick((zh, en), language)

    comma, opened, closed = ("，", "（", "）") if language != "en" else (", ", " (", ")")
    lines: list[tuple[str, Any]] = [
        (say("名单", "list"), file.name), (say("用途", "purpose"), purpose), (say("查询人", "asked by"), by),
        (say("时间", "at"), at.strftime("%Y-%m-%d %H:%M:%S")), (say("模型版本", "model version"), figures.model_version),
        (say("名单摘要（SM3）", "digest of the list (SM3)"), file.digest), (say("行数", "rows"), figures.rows),
    ]  # fmt: skip
    lines += [(pick(OUTCOMES[name], language), getattr(figures, name)) for name in OUTCOMES]
    for sheet in file.sheets:
        where = f"{opened}{sheet.name}{closed}" if sheet.name else ""
        lines.append((say("识别的列", "columns recognised") + where, comma.join(sheet.header[at] for at in sorted(sheet.roles.values()))))
        if "name" not in sheet.roles:
            lines.append((say("注意", "mind") + where, say("没有识别到姓名列，姓名未核对", "no column of names was recognised: no name was compared")))
        if sheet.passed:
            lines.append((say("未比对的列", "columns passed over") + where, comma.join(column_name(sheet, at) for at in sheet.passed)))
        lines += [(say("表头以上文字", "above the header"), title) for title in sheet.titles]
    lines += [(say("未读的工作表", "sheets not read"), f"{name}{opened}{rows}{closed}") for name, rows in file.skipped]
    lines.append((say("说明", "note"), say(
        "已匹配：可视为同一人；待核：须人工核对，候选仅供核对，不得据此作出不利决定；未找到：库中没有相近的人。概率由关联模型给出。结果不含库中数据，只有编号和哪些项一致。",
        "matched: taken as the same person; uncertain: to be checked by a person, never a ground for an adverse decision; not found: nobody in "
        "the warehouse is near. Probabilities are the linkage model's. The result holds no value of the warehouse.")))
    return lines


