"""``gridhub match`` against a real warehouse: what is written beside the list, what is recorded, what stays untouched."""

from __future__ import annotations

import json
import stat
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from linkage import store
from linkage.match_file import ListError
from linkage.match_store import match_list, runs
from tests.match_lists import cells, workbook
from warehouse.engine import engine_for

TODAY = date(2026, 11, 20)
WANG, LIU = "130731198005120318", "130731198209030429"
COLUMNS = ("feed", "record_key", "table_name", "base_key", "role", "name", "birth_date", "sex", "id_number", "phone")
PEOPLE = [
    ("psb_register", "R1", "王建国", date(1980, 5, 12), "1", WANG, "13931300001"), ("psb_register", "R2", "刘秀英", date(1982, 9, 3), "2", LIU, "13931300002"),
    ("health_record", "H1", "王建国", date(1980, 5, 12), "1", None, "13931300001"), ("grid_request", "Q1", "孙志远", date(1971, 4, 4), "1", None, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def engine(new_database) -> Engine:
    """A linked warehouse whose mention view is a table that the test fills."""
    made = engine_for(new_database())
    with made.begin() as connection:
        for sql in ("CREATE TABLE hub.mention_rows AS SELECT * FROM hub.mention", "DROP VIEW hub.mention", "ALTER TABLE hub.mention_rows RENAME TO mention"):
            connection.execute(text(sql))
        for feed, key, name, birth, sex, number, phone in PEOPLE:
            row = dict(zip(COLUMNS, (feed, key, feed, key, "holder", name, birth, sex, number, phone), strict=True))
            connection.execute(text(f"INSERT INTO hub.mention ({', '.join(COLUMNS)}) VALUES ({', '.join(':' + c for c in COLUMNS)})"), row)
    store.link(made)
    yield made
    made.dispose()


LIST = [
    ["某县走访慰问名单", None, None, None, None],
    ["序号", "姓名", "身份证号", "联系电话", "备注"],
    [1, "王 建国", WANG, None, "=HYPERLINK(\"http://x\",\"点\")"],
    [2, "刘秀英", None, "13931300002", "-1层"],
    [3, "钱多多", "130731199001010511", None, "+cmd|' /C calc'!A0"],
    [4, "王建国", None, "13931300001", 18_000_000_000_000_000_000.0],
    [5, "李桂兰", LIU, None, date(2026, 11, 1)],
    ["合计", None, None, None, 5],
]


@pytest.fixture
def result(engine: Engine, tmp_path: Path) -> tuple[Path, object]:
    path = workbook(tmp_path / "名单.xlsx", LIST, ["A1:E1"])
    out = tmp_path / "out" / "结果.xlsx"
    return out, match_list(engine, path, out, purpose="走访慰问", by="民政局 甲", today=TODAY)


def person(engine: Engine, key: str) -> str:
    with engine.connect() as connection:
        return connection.execute(text("SELECT person_id FROM hub.person_link WHERE record_key = :key AND recorded_to IS NULL"), {"key": key}).scalar_one()


def test_each_row_keeps_its_place_and_gets_its_answer(engine: Engine, result) -> None:
    out, figures = result
    title, *rows = cells(out)
    assert title == ("序号", "姓名", "身份证号", "联系电话", "备注", "匹配结果", "人员编号", "概率", "依据", "候选", "说明", "原行号")
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5, "合计"] and [row[11] for row in rows] == [3, 4, 5, 6, 7, 8]
    wang, liu = person(engine, "R1"), person(engine, "R2")
    assert [(row[5], row[6]) for row in rows] == [("已匹配", wang), ("已匹配", liu), ("未找到", None), ("已匹配", wang), ("待核", None), ("无法识别", None)]
    assert rows[0][8].startswith("身份证号、姓名") and rows[0][7] == 1
    assert rows[0][10] == "同一人另见第 6 行" and rows[3][10] == "同一人另见第 3 行"
    assert rows[2][10] == "身份证号有效，库中无此号码" and rows[4][9].startswith(liu) and "矛盾" in rows[4][8]
    assert rows[5][8].startswith("不是人员行")
    assert (figures.rows, figures.matched, figures.uncertain, figures.nobody, figures.unreadable) == (6, 3, 1, 1, 1)


def test_cells_that_would_run_are_text_and_what_a_workbook_keeps_stays_as_it_came(result) -> None:
    page = openpyxl.load_workbook(result[0]).worksheets[0]
    notes = [page.cell(row, 5) for row in range(2, 8)]
    assert [n.value for n in notes[:4]] == ["'=HYPERLINK(\"http://x\",\"点\")", "-1层", "'+cmd|' /C calc'!A0", "18000000000000000000"]
    assert all(n.data_type == "s" for n in notes[:4]) and notes[4].value.date() == date(2026, 11, 1) and notes[4].number_format == "yyyy-mm-dd"
    assert page.freeze_panes == "A2" and page.auto_filter.ref == "A1:L7" and page.column_dimensions["I"].width > 30


def test_the_last_sheet_says_who_asked_what_for_and_what_came_of_it(result) -> None:
    out, figures = result
    told = {row[0]: row[1] for row in cells(out, -1)}
    assert (told["用途"], told["查询人"], told["行数"], told["已匹配"], told["待核"]) == ("走访慰问", "民政局 甲", 6, 3, 1)
    assert told["模型版本"] == figures.model_version and len(told["名单摘要（SM3）"]) == 64 and told["表头以上文字"] == "某县走访慰问名单"


def test_no_value_of_the_warehouse_leaves_it(engine: Engine, tmp_path: Path) -> None:
    path = workbook(tmp_path / "l.xlsx", [["姓名", "联系电话"], ["王建国", "13931300001"], ["孙志远", None]])
    out = tmp_path / "o.xlsx"
    match_list(engine, path, out, purpose="核对", by="甲", today=TODAY)
    shown = str(cells(out)) + str(cells(out, -1))
    for value in (WANG, LIU, "1980", "1971", "psb_register", "刘秀英", "13931300002"):
        assert value not in shown


def test_the_result_is_its_owners_alone_and_is_never_the_list(engine: Engine, result, tmp_path: Path) -> None:
    assert stat.S_IMODE(result[0].stat().st_mode) == 0o600 and not list(result[0].parent.glob(".*"))
    path = workbook(tmp_path / "l.xlsx", [["姓名"], ["王建国"]])
    before = path.read_bytes()
    for out in (path, tmp_path / "l.csv"):
        with pytest.raises(ListError, match="xlsx"):
            match_list(engine, path, out, purpose="核对", by="甲", today=TODAY)
    assert path.read_bytes() == before


@pytest.mark.parametrize("where", ["/proc/x.xlsx", "l.xlsx/x.xlsx", "folder.xlsx/", "/proc/x/y.xlsx", "名" * 90 + ".xlsx"])
def test_a_result_without_a_place_is_refused_before_anything_is_looked_up(engine: Engine, tmp_path: Path, where: str) -> None:
    path = workbook(tmp_path / "l.xlsx", [["姓名"], ["王建国"]])
    (tmp_path / "folder.xlsx").mkdir()
    before = len(runs(engine))
    with pytest.raises(ListError, match="can't be written") as caught:
        match_list(engine, path, tmp_path / where, purpose="核对", by="甲", today=TODAY)
    assert "无法写入" in caught.value.told("zh") and len(runs(engine)) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.xlsx", "l.xlsx"]


def test_a_list_that_is_not_read_leaves_no_folder(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ListError, match="can't be read"):
        match_list(engine, tmp_path / "none.xlsx", tmp_path / "new" / "o.xlsx", purpose="核对", by="甲", today=TODAY)
    assert not list(tmp_path.iterdir())


def test_a_result_that_was_not_written_is_not_recorded(engine: Engine, tmp_path: Path, monkeypatch) -> None:
    from linkage import match_workbook

    whole = match_workbook.Workbook.save

    def full(self, path: Path) -> None:
        whole(self, path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(match_workbook.Workbook, "save", full)
    before = len(runs(engine))
    with pytest.raises(ListError, match="No space left"):
        match_list(engine, workbook_of(tmp_path), tmp_path / "o.xlsx", purpose="核对", by="甲", today=TODAY)
    assert len(runs(engine)) == before and [p.name for p in tmp_path.iterdir()] == ["l.csv"]


def workbook_of(folder: Path) -> Path:
    path = folder / "l.csv"
    path.write_text("姓名\n王建国\n", encoding="utf-8")
    return path


def test_a_row_on_another_sheet_is_named_with_it_and_what_was_passed_over_is_said(engine: Engine, tmp_path: Path) -> None:
    path = workbook(tmp_path / "l.xlsx", [["姓名", "身份证号", "姓名", "身份证号"], ["王建国", WANG, "刘秀英", LIU], ["王建国", WANG, None, None]], sheet="一中")
    book = openpyxl.load_workbook(path)
    page = book.create_sheet("二中")
    for row in (["身份证号"], [WANG]):
        page.append(row)
    book.save(path)
    out = tmp_path / "o.xlsx"
    match_list(engine, path, out, purpose="核对", by="甲", today=TODAY)
    notes = [row[title.index("说明")] for sheet in (0, 1) for title, *rows in [cells(out, sheet)] for row in rows]
    assert notes == ["姓名 [C]、身份证号 [D]：该列所写的人未比对，请另列一表；同一人另见第 3、二中!2 行", "同一人另见第 2、二中!2 行", "同一人另见第 一中!2、一中!3 行"]
    told = dict(cells(out, -1))
    assert told["未比对的列（一中）"] == "姓名 [C]，身份证号 [D]" and told["注意（二中）"].startswith("没有识别到姓名列") and "注意（一中）" not in told


def test_the_member_of_a_household_is_found_not_its_head(engine: Engine, tmp_path: Path) -> None:
    out = tmp_path / "o.xlsx"
    path = workbook(tmp_path / "l.xlsx", [["成员姓名", "成员身份证号码", "户主姓名", "户主身份证号码", "与户主关系"], ["刘秀英", LIU, "王建国", WANG, "妻"], ["钱多多", None, "王建国", WANG, "子"]])
    match_list(engine, path, out, purpose="核对", by="甲", today=TODAY)
    assert [row[5:7] for row in cells(out)[1:]] == [("已匹配", person(engine, "R2")), ("未找到", None)]


def test_a_result_in_english_has_no_chinese_mark(engine: Engine, tmp_path: Path) -> None:
    book = [["name", "id no", "sex"], ["王建国", WANG, "?"], ["王建国", WANG, "x"], ["王建国", "〃", None]]
    out = tmp_path / "o.xlsx"
    match_list(engine, workbook(tmp_path / "l.xlsx", book, sheet="A"), out, purpose="check", by="A", today=TODAY, language="en")
    told = [*cells(out), *cells(out, -1)]
    said = " ".join(str(cell) for row in told for cell in row[(3 if len(row) > 2 else 0) :])
    assert "same person as in row 3" in said and not any(mark in said for mark in "：、；，（）。")


def test_a_month_of_birth_is_compared_and_a_wrong_one_is_said(engine: Engine, tmp_path: Path) -> None:
    out, phone = tmp_path / "o.xlsx", "13931300001"
    rows = [["王建国", None, phone, date(1980, 5, 1)], ["王建国", None, phone, "1980.11"], ["王建国", WANG, None, "1980-11"]]
    match_list(engine, workbook(tmp_path / "l.xlsx", [["姓名", "身份证号", "电话", "出生年月"], *rows]), out, purpose="核对", by="甲", today=TODAY)
    title, *told = cells(out)
    outcome, why = title.index("匹配结果"), title.index("依据")
    assert "出生年月一致" in told[0][why] and "所写出生年月不同；" in told[1][why] + "；" and "所写出生年月不同" in told[2][why], told
    assert [row[outcome] for row in told] == ["已匹配", "待核", "已匹配"]


def test_a_name_alone_is_not_said_to_have_a_dwelling(engine: Engine, tmp_path: Path) -> None:
    out = tmp_path / "o.xlsx"
    match_list(engine, workbook_of(tmp_path), out, purpose="核对", by="甲", today=TODAY)
    title, row = cells(out)
    assert row[title.index("依据")] == "姓名一致；仅凭姓名不能认定"


def test_the_purpose_is_recorded_with_counts_and_never_a_value(engine: Engine, result) -> None:
    newest = runs(engine)[0]
    assert (newest["asked_by"], newest["purpose"], newest["rows"], newest["matched"]) == ("民政局 甲", "走访慰问", 6, 3)
    assert not any(value in str(runs(engine)) for value in (WANG, "王建国", "名单.xlsx"))


@pytest.mark.parametrize(("purpose", "by"), [("", "甲"), ("  ", "甲"), ("核对", " ")])
def test_without_purpose_or_asker_nothing_is_looked_up(engine: Engine, tmp_path: Path, purpose: str, by: str) -> None:
    before = len(runs(engine))
    with pytest.raises(ListError, match="must be said"):
        match_list(engine, workbook(tmp_path / "l.xlsx", [["姓名"], ["王建国"]]), tmp_path / "o.xlsx", purpose=purpose, by=by, today=TODAY)
    assert len(runs(engine)) == before and not (tmp_path / "o.xlsx").exists()


def test_matching_changes_nothing_that_is_known(engine: Engine, result) -> None:
    links = "SELECT count(*), max(recorded_from) FROM hub.person_link"
    with engine.connect() as connection:
        before = connection.execute(text(links)).one()
        persons = connection.execute(text("SELECT count(*) FROM hub.person")).scalar()
    match_list(engine, workbook(result[0].parent / "l.xlsx", LIST), result[0].parent / "o.xlsx", purpose="核对", by="甲", today=TODAY)
    with engine.connect() as connection:
        assert connection.execute(text(links)).one() == before
        assert connection.execute(text("SELECT count(*) FROM hub.person")).scalar() == persons
    assert store.link(engine).unchanged


def test_a_warehouse_without_persons_says_so(new_database, tmp_path: Path) -> None:
    empty = engine_for(new_database())
    try:
        with pytest.raises(ListError, match="gridhub run"):
            match_list(empty, workbook(tmp_path / "l.xlsx", [["姓名"], ["王建国"]]), tmp_path / "o.xlsx", purpose="核对", by="甲", today=TODAY)
    finally:
        empty.dispose()


def test_the_command_speaks_english_and_json(engine: Engine, tmp_path: Path, monkeypatch) -> None:
    from gridhub.cli import app
    from gridhub.pipeline import Hub

    monkeypatch.setenv("GRIDHUB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(Hub, "engine", engine)
    path = tmp_path / "list.csv"
    path.write_bytes(f"姓名,证件号码\r\n王建国,{WANG}\r\n".encode("gb18030"))
    done = CliRunner().invoke(app, ["match", str(path), "--purpose", "check", "--by", "A", "--language", "en", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["matched"] == 1
    assert cells(tmp_path / "home" / "out" / "match" / "list-matched.xlsx")[1][2] == "matched"
    assert CliRunner().invoke(app, ["match", str(path), "--by", "A"]).exit_code == 2, "no purpose, no answer"
    listed = CliRunner().invoke(app, ["match", "--history", "--json"])
    assert json.loads(listed.output)[0]["purpose"] == "check"


def test_the_command_speaks_chinese_first(engine: Engine, tmp_path: Path, monkeypatch) -> None:
    from gridhub.cli import app
    from gridhub.pipeline import Hub

    monkeypatch.setenv("GRIDHUB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("gridhub.commands.output.console.width", 250)
    monkeypatch.setattr(Hub, "engine", engine)
    path = workbook_of(tmp_path)
    asked = ["--purpose", "核对", "--by", "甲"]
    done = CliRunner().invoke(app, ["match", str(path), *asked])
    assert done.exit_code == 0 and "名单比对" in done.output and "行数 1  已匹配 0  待核 1" in done.output, done.output
    for bad, zh, en in ((tmp_path / "none.xlsx", "没有这个文件", "no such file"), (tmp_path, "是文件夹", "a folder")):
        for language, said in (("zh", zh), ("en", en)):
            error = CliRunner().invoke(app, ["match", str(bad), *asked, "--language", language]).exception
            assert said in str(error) and "\n" not in str(error)
    shown = CliRunner().invoke(app, ["match", "--history"]).output
    assert "查询人" in shown and "asked_by" not in shown
    at = json.loads(CliRunner().invoke(app, ["match", "--history", "--json"]).output)[0]["asked_at"]
    assert at.endswith("+08:00") and at[:16].replace("T", " ") in shown and len(at) == 22
