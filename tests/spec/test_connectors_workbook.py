"""A workbook as schools fill it in: found by its header, whatever stands around it."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime

import openpyxl
import pytest
import xlsxwriter

from connectors import drop_xlsx
from connectors.errors import DeliveryRefused
from contracts.reader import load_contracts

HEADERS = [
    "序号", "学籍号", "姓名", "性别", "出生日期", "身份证件号", "民族", "户口性质", "年级", "班级", "入学年月", "就读方式", "学籍状态",
    "留守儿童", "随迁子女", "现住址", "监护人1姓名", "监护人1关系", "监护人1身份证件号", "监护人1电话", "监护人2姓名", "监护人2关系",
    "监护人2身份证件号", "监护人2电话",
]  # fmt: skip


@pytest.fixture(scope="module")
def contract():
    return load_contracts()["edu_enrolment"]


def pupil(n: int, **cells) -> dict:
    return {"序号": n, "学籍号": f"G13073120110101000{n}", "姓名": f"学生{n}", "年级": "三年级", "监护人1电话": f"1380000000{n}", **cells}


class Book:
    """A workbook under construction; ``bytes()`` closes it."""

    def __init__(self) -> None:
        self.out = io.BytesIO()
        self.book = xlsxwriter.Workbook(self.out)
        self.dates = self.book.add_format({"num_format": "yyyy-mm-dd"})

    def sheet(self, name, rows, headers=HEADERS, title=True, footers=(("合计", 3), ("填表人：王老师",)), hidden=False):
        sheet = self.book.add_worksheet(name)
        at = 0
        if title:
            sheet.merge_range(0, 0, 0, len(headers) - 1, f"{name}学籍信息表")
            sheet.merge_range(1, 1, 1, 15, "学生信息")
            sheet.merge_range(1, 16, 1, len(headers) - 1, "监护人信息")
            at = 2
        sheet.write_row(at, 0, headers)
        for row in rows:
            at += 1
            for spot, header in enumerate(headers):
                value = row.get(header.replace("\n", ""))
                if isinstance(value, date):
                    sheet.write_datetime(at, spot, value, self.dates)
                elif isinstance(value, str):
                    sheet.write_string(at, spot, value)
                elif value is not None:
                    sheet.write(at, spot, value)
        at += 1
        for footer in footers:
            at += 1
            sheet.write_row(at, 0, footer)
        if hidden:
            sheet.hide()
        return sheet

    def bytes(self) -> bytes:
        self.book.close()
        return self.out.getvalue()


def read(contract, data: bytes, promised: int | None = None):
    pages = list(drop_xlsx.pages(contract, data, "学籍信息_202610.xlsx", "d", promised))
    return pages, [row for page in pages for row in page.rows.to_pylist()]


def test_one_sheet_a_school_with_title_group_row_footers_and_blank_rows(contract):
    book = Book()
    book.sheet("轩辕小学", [pupil(1), {}, pupil(2), {"序号": 3}, pupil(4)])
    book.sheet("实验小学", [pupil(5)], title=False, footers=[["合 计", 1], ["", "审核人：李"], ["填表日期：2026年9月25日"]])
    book.book.add_worksheet("说明").write(0, 0, "请按表填写")
    pages, rows = read(contract, book.bytes(), promised=4)
    assert [(r["姓名"], r["_partition"], r["_location"]) for r in rows] == [
        ("学生1", "轩辕小学", "轩辕小学 row 4"), ("学生2", "轩辕小学", "轩辕小学 row 6"), ("学生4", "轩辕小学", "轩辕小学 row 8"),
        ("学生5", "实验小学", "实验小学 row 2"),
    ]  # fmt: skip
    assert [p.partitions for p in pages] == [("轩辕小学",), ("实验小学",)] and pages[0].drift == ()
    assert pages[0].raw and not pages[1].raw, "the workbook is kept once"


@pytest.mark.parametrize("words", ["填表日期：", "填 表 日 期：", "制表单位：", "审核：", "填表人："])
def test_a_footer_of_many_filled_cells_is_a_footer(contract, words):
    book = Book()
    book.sheet("轩辕小学", [pupil(1)], footers=[[words, "2026年9月25日", "填表人：", "王老师", "联系电话：", "0313-6512345"]])
    assert [row["姓名"] for row in read(contract, book.bytes(), promised=1)[1]] == ["学生1"]


def test_columns_in_any_order_under_aliases_with_line_breaks(contract):
    swap = {"姓名": "学生姓名", "出生日期": "出生\n年月日", "身份证件号": "证件号码", "现住址": "家庭住址", "监护人1电话": "联系电话"}
    headers = [swap.get(h, h) for h in reversed(HEADERS)]
    row = {swap.get(h, h).replace("\n", ""): v for h, v in pupil(1, 出生日期="20110101", 身份证件号="x", 现住址="y").items()}
    book = Book()
    book.sheet("轩辕小学", [row], headers=headers)
    pages, (row,) = read(contract, book.bytes())
    assert [row[c] for c in ("学籍号", "姓名", "出生日期", "身份证件号", "现住址", "监护人1电话")] == [
        "G130731201101010001", "学生1", "20110101", "x", "y", "13800000001",
    ]  # fmt: skip
    assert {d["column"] for d in pages[0].drift if d["kind"] == "renamed"} == set(swap)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (130731201101010, "130731201101010"),
        (1.30731201101011e17, "130731201101011000"),
        (201409, "201409"),
        (3.5, "3.5"),
        ("'130731…", "'130731…"),
        ('="130731"', '="130731"'),
        ("  王 芳 ", "  王 芳 "),
        (True, "true"),
        (date(2011, 3, 5), "2011-03-05"),
        (datetime(2011, 3, 5, 8, 30), "2011-03-05T08:30:00"),
        (0.1, "0.1"),
    ],
)
def test_cells_as_text(contract, value, text):
    book = Book()
    book.sheet("轩辕小学", [pupil(1, 身份证件号=value)])
    assert read(contract, book.bytes())[1][0]["身份证件号"] == text


def test_formulas_count_by_their_stored_value_and_never_computed_ones_by_their_text(contract):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEADERS)
    sheet.append([1, "G1", "王", *[None] * 2, '="130731201101010011"'])
    out = io.BytesIO()
    book.save(out)
    assert read(contract, out.getvalue())[1][0]["身份证件号"] == '="130731201101010011"'
    stored = Book()
    made = stored.sheet("轩辕小学", [pupil(1)])
    made.write_formula(3, 5, '="130731"&"201101010011"', None, "130731201101010011")
    assert read(contract, stored.bytes())[1][0]["身份证件号"] == "130731201101010011"


def test_hidden_columns_are_read_and_hidden_sheets_count_only_if_the_companion_counts_them(contract):
    book = Book()
    book.sheet("轩辕小学", [pupil(1), pupil(2)]).set_column(1, 3, None, None, {"hidden": True})
    book.sheet("旧表", [pupil(3)], hidden=True)
    data = book.bytes()
    assert [r["姓名"] for r in read(contract, data)[1]] == ["学生1", "学生2"]
    assert [r["姓名"] for r in read(contract, data, promised=2)[1]] == ["学生1", "学生2"]
    assert [r["姓名"] for r in read(contract, data, promised=3)[1]] == ["学生1", "学生2", "学生3"]
    with pytest.raises(DeliveryRefused, match="2 rows where its companion says 4"):
        read(contract, data, promised=4)


def test_a_column_nobody_knows_is_kept_even_without_a_header(contract):
    book = Book()
    sheet = book.sheet("轩辕小学", [pupil(1)], headers=[*HEADERS, "校车"])
    sheet.write(3, len(HEADERS), "二路")
    sheet.write(3, len(HEADERS) + 1, "旁注")
    pages, (row,) = read(contract, book.bytes())
    assert row["_extra"] == '{"校车":"二路","column 26":"旁注"}'
    assert [d["column"] for d in pages[0].drift] == ["校车", "column 26"]


def test_no_header_no_workbook_and_a_lost_required_column_are_refused(contract):
    book = Book()
    book.sheet("轩辕小学", [pupil(1)], headers=["序号", "名字"], title=False)
    with pytest.raises(DeliveryRefused, match="no sheet has a header row with 学籍号, 姓名"):
        read(contract, book.bytes())
    with pytest.raises(DeliveryRefused, match="no readable workbook"):
        read(contract, b"PK\x03\x04 nothing")
    strict = replace(contract, options={**contract.options, "header_has": ["姓名"]})
    book = Book()
    book.sheet("轩辕小学", [pupil(1)], headers=[h for h in HEADERS if h != "学籍号"])
    with pytest.raises(DeliveryRefused, match="column 学籍号 is missing"):
        read(strict, book.bytes())


def test_forbidden_columns_of_a_workbook_are_in_nothing_that_is_kept(contract):
    made = replace(contract, forbidden=("监护人1电话",), keep_unreadable=False)
    table = replace(made.table, fields=tuple(f for f in made.table.fields if f.source != "监护人1电话"))
    made = replace(made, tables=(table,))
    book = Book()
    book.sheet("轩辕小学", [pupil(1)])
    (page,), rows = read(made, book.bytes())
    assert "13800000001" not in str(rows) and b"13800000001" not in page.raw and "学生1".encode() in page.raw
