"""A list as it comes: titles, merged headers, several sheets, encodings, rows that are broken. No row is lost."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from linkage.match_file import ListError, read_list
from linkage.match_rows import rows_of
from tests.match_lists import workbook

TODAY = date(2026, 11, 20)
WANG = "130731198005120318"


def values(path: Path, *columns: str) -> list[tuple]:
    mentions = rows_of(read_list(path), TODAY, None).mentions
    return list(zip(*(mentions[c].to_pylist() for c in columns), strict=True))


def test_titles_and_group_rows_stand_above_the_header(tmp_path: Path) -> None:
    path = workbook(tmp_path / "l.xlsx", [
        ["某县高龄津贴发放名单", None, None, None, None, None], ["填报单位：民政局", None, None, "2026年11月", None, None],
        ["序号", "老人信息", None, None, "监护人信息", None], [None, "姓名", "身份证号", "住址", "姓名", "电话"],
        [1, "王建国", WANG, "轩辕小区3号楼2单元501", "王小明", "13931300001"],
    ], ["A1:F1", "A3:A4", "B3:D3", "E3:F3"])  # fmt: skip
    (sheet,) = read_list(path).sheets
    assert sheet.titles == ["某县高龄津贴发放名单", "填报单位：民政局 2026年11月"]
    assert sheet.header == ["序号", "老人信息 姓名", "老人信息 身份证号", "老人信息 住址", "监护人信息 姓名", "监护人信息 电话"]
    assert sheet.roles == {"name": 1, "id_number": 2, "address": 3} and sheet.numbers == [5]


def test_a_header_merged_over_two_rows_ends_with_the_lower_one(tmp_path: Path) -> None:
    path = workbook(tmp_path / "l.xlsx", [
        ["姓名", "身份证号", "补贴", None], [None, None, "标准", "金额"], ["王建国", WANG, "甲", 100],
    ], ["A1:A2", "B1:B2", "C1:D1"])  # fmt: skip
    (sheet,) = read_list(path).sheets
    assert sheet.header == ["姓名", "身份证号", "补贴 标准", "补贴 金额"] and len(sheet.cells) == 1


def test_the_same_saved_as_csv_keeps_a_merged_cells_text_in_its_first_row_only(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_bytes(f"姓名,身份证号,监护人信息,\n,,姓名,电话\n王建国,{WANG},王小明,13931300001\n".encode("gb18030"))
    (sheet,) = read_list(path).sheets
    assert sheet.roles == {"name": 0, "id_number": 1} and sheet.numbers == [3]
    assert sheet.header == ["姓名", "身份证号", "监护人信息 姓名", "监护人信息 电话"]


def test_a_cell_merged_over_a_family_counts_for_each_of_its_rows(tmp_path: Path) -> None:
    path = workbook(tmp_path / "l.xlsx", [["姓名", "家庭住址"], ["王建国", "轩辕小区3号楼"], ["刘秀英", None]], ["B2:B3"])
    file = read_list(path)
    assert [row[1] for row in file.sheets[0].filled] == ["轩辕小区3号楼"] * 2
    assert file.sheets[0].cells[1][1] in (None, ""), "as it came, the cell is empty"


def test_every_visible_sheet_counts_and_what_is_not_read_is_said(tmp_path: Path) -> None:
    path = workbook(tmp_path / "l.xlsx", [["姓名"], ["王建国"]], sheet="一中")
    book = openpyxl.load_workbook(path)
    for name, rows in (("二中", [["学生姓名"], ["李娜"], ["李那"]]), ("说明", [["本表由教育局填报"], ["共3人"]]), ("旧", [["姓名"], ["张三"]])):
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book["旧"].sheet_state = "hidden"
    book.save(path)
    file = read_list(path)
    assert [(s.name, len(s.cells)) for s in file.sheets] == [("一中", 1), ("二中", 2)] and file.skipped == [("说明", 2), ("旧", 2)]
    assert file.rows == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_csv_is_read_in_the_encoding_it_has(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "l.csv"
    path.write_bytes("姓名,性别\r\n䶮王芳,女\r\n".encode(encoding))
    assert values(path, "name", "sex") == [("䶮王芳", "2")]


@pytest.mark.parametrize(("separator", "encoding", "suffix"), [("\t", "utf-16", "txt"), ("\t", "gb18030", "csv"), (";", "utf-8-sig", "csv"), ("\t", "utf-8", "tsv")])
def test_text_may_be_separated_by_tabs_or_semicolons(tmp_path: Path, separator: str, encoding: str, suffix: str) -> None:
    path = tmp_path / f"l.{suffix}"
    lines = [["某县名单", "", ""], ["姓名", "身份证号", "备注"], ["王建国", WANG, f'"甲{separator}乙,丙;丁"'], ["李娜", "", "未,完", "多一格"], ["刘秀英", "", "戊,己"]]
    path.write_bytes("\r\n".join(separator.join(line) for line in lines).encode(encoding))
    (sheet,) = read_list(path).sheets
    assert sheet.header == ["姓名", "身份证号", "备注"] and sheet.numbers == [3, 4, 5] and sheet.errors == [None, "row.columns", None]
    assert sheet.cells[0] == ["王建国", WANG, f"甲{separator}乙,丙;丁"] and sheet.cells[1][0] == separator.join(lines[3]) and sheet.cells[2][2] == "戊,己"


def test_a_line_above_that_ends_like_a_heading_is_no_header(tmp_path: Path) -> None:
    path = workbook(tmp_path / "l.xlsx", [["请核对学生姓名", None], ["姓名", "备注"], ["王建国", None]])
    assert read_list(path).sheets[0].header == ["姓名", "备注"]
    path = workbook(tmp_path / "l.xlsx", [["低保对象姓名"], ["王建国"]])
    assert read_list(path).sheets[0].header == ["低保对象姓名"]


def test_a_header_that_names_nobody_is_told_by_its_headings_and_values_never_are(tmp_path: Path) -> None:
    path = workbook(tmp_path / "l.xlsx", [["某县名单", None, None], ["受助者编号", "联系方式", "受助者"], ["S1", "13931300001", "王建国"]])
    with pytest.raises(ListError) as caught:
        read_list(path)
    assert "受助者编号, 联系方式, 受助者" in str(caught.value) and "受助者编号、联系方式、受助者" in caught.value.told("zh")
    path = workbook(tmp_path / "l.xlsx", [["王建国", "男", "轩辕小区3号楼"], ["刘秀英", "女", "轩辕小区"]])
    with pytest.raises(ListError) as caught:
        read_list(path)
    assert not any(value in str(caught.value) + caught.value.told("zh") for value in ("王建国", "轩辕", "男"))


def test_broken_rows_keep_their_place_and_their_reason(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text(f'姓名,身份证号,备注\n王建国,{WANG},"第一行\n第二行"\n李娜,"未闭合\n刘秀英,,甲,多出一格\n\n合计,,3\n张三,,\n,,只有备注\n', encoding="utf-8")
    file = read_list(path)
    rows = rows_of(file, TODAY, None)
    assert [n for n in file.sheets[0].numbers] == [2, 4, 5, 7, 8, 9], "the blank line is no row"
    assert rows.unreadable.to_pylist() == [None, "row.quote", "row.columns", "list.no_person", None, "list.nobody_named"]
    assert rows.mentions["record_key"].to_pylist() == [f"{n:09d}" for n in range(6)]


@pytest.mark.parametrize(("row", "reason"), [
    (["〃", "〃", None], "list.nothing_read"), (["=cmd|'/C calc'!A0", "=1+1", None], "list.nothing_read"), ([True, False, None], "list.nothing_read"),
    (["TRUE", "FALSE", None], "list.nothing_read"), (["同上", "同上", None], "list.nothing_read"), (["#ERR", "#ERR", None], "list.nothing_read"),
    (["王*", "130731", None], "list.nothing_read"), ([None, "111111111111111111", None], "list.nothing_read"), (["无", "无", "13931300001"], "list.nobody_named"),
    (["本页小计", None, 3], "list.no_person"), (["本页 合 计", None, 3], "list.no_person"), (["一班小计", None, 3], "list.no_person"), (["累计：", None, None], "list.no_person"),
    (["第 2 页", None, None], "list.no_person"), (["姓名", "身份证号", "电话"], "list.header"), (["姓 名", "身份证号", None], "list.header"),
    (["王*", None, "13931300001"], None), (["王芳之子", None, "13931300001"], None), (["TRUE", WANG, None], None), ([None, WANG[:15] + "000", None], None),
    ([None, WANG[:6] + "********" + WANG[-4:], None], None), (["王建国", "〃", None], None)])
def test_a_row_of_which_nothing_can_be_read_is_none_that_nobody_is_near(tmp_path: Path, row: list, reason: str | None) -> None:
    path = workbook(tmp_path / "l.xlsx", [["姓名", "身份证号", "电话"], row, ["刘秀英", None, None]])
    assert rows_of(read_list(path), TODAY, None).unreadable.to_pylist() == [reason, None]


def test_group_titles_on_the_next_page_are_no_person(tmp_path: Path) -> None:
    head = [["老人信息", None, "监护人信息"], ["姓名", "身份证号", "姓名"]]
    path = workbook(tmp_path / "l.xlsx", [*head, ["王建国", WANG, "王小明"], *head, ["刘秀英", None, None]])
    assert rows_of(read_list(path), TODAY, None).unreadable.to_pylist() == [None, "list.header", "list.header", None]


def test_cells_are_read_as_any_feeds_are(tmp_path: Path) -> None:
    path = workbook(tmp_path / "l.xlsx", [
        ["姓 名", "公民身份号码", "性别", "出生日期", "联系电话"],
        ["王 建国（户主）", "１３０７３１１９８００５１２０３１８", "男性", datetime(1980, 5, 12), "139-3130-0001/13931300002"],
        ["王建国", "130731800512031", "1", "1980年5月12日", 13931300001],
        ["王建国", "13073119800512031x ", None, "1980.05", "无"],
    ])  # fmt: skip
    assert values(path, "name", "id_number", "sex", "birth_date", "birth_precision", "phone", "phone_second") == [
        ("王建国", WANG, "1", date(1980, 5, 12), "day", "13931300001", "13931300002"),
        ("王建国", WANG, "1", date(1980, 5, 12), "day", "13931300001", None),
        ("王建国", None, None, date(1980, 5, 1), "month", None, None)]  # fmt: skip
    notes = rows_of(read_list(path), TODAY, None).notes.to_pylist()
    assert {"row": 2, "title": "公民身份号码", "reason": "id.checksum"} in notes


@pytest.mark.parametrize("heading", ["出生年月", "本人出生年月（必填）"])
def test_under_a_heading_of_months_the_first_is_no_day(tmp_path: Path, heading: str) -> None:
    told = ["1980.11", datetime(1980, 11, 1), "1980年11月", datetime(1980, 11, 12), "1980", "198011"]
    path = workbook(tmp_path / "l.xlsx", [["姓名", heading], *[["王建国", value] for value in told]])
    assert [p for p, in values(path, "birth_precision")] == ["month", "month", "month", "day", "year", "month"]
    path = workbook(tmp_path / "l.xlsx", [["姓名", "出生日期"], ["王建国", datetime(1980, 11, 1)]])
    assert values(path, "birth_precision") == [("day",)]


def test_a_number_that_a_spreadsheet_cut_is_not_taken_for_a_valid_one(tmp_path: Path) -> None:
    number = "130731198806120000"  # its check digit is right by chance
    floated = workbook(tmp_path / "a.xlsx", [["姓名", "身份证号"], ["王芳", float(number)], ["李娜", WANG]])
    assert values(floated, "id_number", "id_text") == [(None, number), (WANG, None)]
    text = workbook(tmp_path / "b.xlsx", [["姓名", "身份证号"], ["王芳", number], *[["李娜", WANG]] * 99])
    assert values(text, "id_number")[0] == (number,), "one of a hundred may be so"
    text = workbook(tmp_path / "c.xlsx", [["姓名", "身份证号"], *[["王芳", number[:13] + f"{n:02d}000"] for n in range(9)], *[["李娜", WANG]] * 9])
    assert [v for v, in values(text, "id_number")[:9]] == [None] * 9


def test_places_may_stand_in_columns_of_their_own(tmp_path: Path) -> None:
    path = workbook(tmp_path / "l.xlsx", [["姓名", "小区", "楼号", "单元", "室"], ["王芳", "轩辕小区", 3, "2单元", 501], ["李娜", "轩辕小区", "甲座", None, None], ["张三", None, 1, 1, 1]])
    file = read_list(path)
    from linkage import match_rows

    part = match_rows._sheet(file.sheets[0], 0, TODAY).mentions
    assert part["rooms"].to_pylist() == ["轩辕小区3号楼2单元501", "轩辕小区甲座", None]


def test_what_is_no_list_is_refused_without_a_word_of_it(tmp_path: Path) -> None:
    broken, headless = tmp_path / "l.xlsx", tmp_path / "l.csv"
    broken.write_bytes(b"PK\x03\x04 not a workbook")
    headless.write_text(f"王建国,{WANG}\n刘秀英,\n", encoding="utf-8")
    for path in (broken, headless, tmp_path / "none.xlsx"):
        with pytest.raises(ListError) as caught:
            read_list(path)
        assert "\n" not in str(caught.value) and WANG not in str(caught.value) and "王" not in str(caught.value)
