"""A CSV with anything in it: every physical row is a row, and a broken one costs itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors import csv_lines, drop_csv
from connectors.errors import DeliveryRefused
from connectors.testing import contract_of
from contracts.model import ChangePolicy

HEAD = b"id,name,phone,note,updated\r\n"


def contract(encoding="gb18030", **changes):
    return contract_of("drop", {"file": r"p\.csv", "format": "csv", "encoding": encoding, "companion": "none"}, **changes)


def read(data: bytes, made=None):
    """Each row: its error code, or its id and note."""
    counted = drop_csv.Counted()
    pages = list(drop_csv.pages(made or contract(), data, "p.csv", "", counted))
    rows = [row for page in pages for row in page.rows.to_pylist()]
    return [row["_error"] or (row["id"], row["note"]) for row in rows], rows, pages, counted


GOOD1, GOOD2 = "A1,王芳,1,\"甲,\"\"乙\"\"\",t\r\n".encode("gb18030"), "A2,李娜,2,丙,t\r\n".encode("gb18030")
FINE = [("A1", '甲,"乙"'), ("A2", "丙")]


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("B,\"张三,3,x,t\r\n".encode("gb18030"), "row.quote"),
        (b'B,"x"y,3,x,t\r\n', "row.quote"),
        (b"B,\xd5\r\n", "row.encoding"),
        (b"B,\xff\xfe,3,x,t\r\n", "row.encoding"),
        (b"B,a\0b,3,x,t\r\n", "row.nul"),
        (b"B,a,3\r\n", "row.columns"),
        (b"B,a,3,x,t,more\r\n", "row.columns"),
        (b"\"\r\n", "row.quote"),
    ],
)
def test_a_broken_row_costs_only_itself(broken, error):
    found, rows, _, counted = read(HEAD + GOOD1 + broken + GOOD2)
    assert found == [FINE[0], error, FINE[1]]
    assert (counted.rows, counted.lines) == (3, 3)
    assert rows[1]["_location"] == "line 3" and rows[1]["_raw"] and "\0" not in rows[1]["_raw"]


def test_broken_rows_side_by_side():
    found, *_ = read(HEAD + b'B1,"x,1,y,t\r\n' + b'B2,"x,1,y,t\r\n' + GOOD1 + b'B3,"x,1,y,t\r\n' + GOOD2 + b"\xff\r\n")
    assert found == ["row.quote", "row.quote", FINE[0], "row.quote", FINE[1], "row.encoding"]


def test_a_line_break_inside_quotes_belongs_to_its_cell():
    found, rows, _, counted = read(HEAD + "A1,\"王\r\n芳\",1,\"一\n二\n三\",t\r\n".encode("gb18030") + GOOD2)
    assert found == [("A1", "一\n二\n三"), ("A2", "丙")]
    assert rows[1]["_location"] == "line 6" and (counted.rows, counted.lines) == (2, 5)


def test_a_quote_inside_a_plain_cell_is_a_character():
    assert read(HEAD + b'A1,x,1,5"nail,t\r\n' + b'A2,="130",2,x,t\r\n')[0] == [("A1", '5"nail'), ("A2", "x")]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_any_line_end_and_blank_lines(newline):
    data = (HEAD + GOOD1 + b"\r\n" + GOOD2 + b"   \r\n\r\n").replace(b"\r\n", newline)
    assert read(data)[0] == FINE
    assert read(data.rstrip(b"\r\n "))[0] == FINE


@pytest.mark.parametrize(
    ("encoding", "mark", "said"),
    [
        ("gb18030", b"", None),
        ("utf-8", b"\xef\xbb\xbf", "utf-8"),
        ("utf-16-le", b"\xff\xfe", "utf-16-le"),
        ("gb18030", b"\x84\x31\x95\x33", None),
    ],
)
def test_the_encoding_is_declared_and_only_a_mark_overrules_it(encoding, mark, said):
    text = "id,name,phone,note,updated\r\nA1,𬀩䶮,1,·,t\r\n"
    _, rows, pages, _ = read(mark + text.encode(encoding))
    assert (rows[0]["id"], rows[0]["name"], rows[0]["note"]) == ("A1", "𬀩䶮", "·")
    assert [d["seen"] for d in pages[0].drift if d["kind"] == "encoding"] == ([said] if said else [])


def test_cells_stay_as_they_came():
    _, rows, *_ = read(HEAD + "A1, 王 芳\u3000,'130…,,NULL\r\n".encode("gb18030"))
    assert [rows[0][c] for c in ("name", "phone", "note", "updated")] == [" 王 芳\u3000", "'130…", "", "NULL"]


def test_headers_are_found_in_any_order_under_aliases_and_what_is_unknown_is_kept():
    made = contract()
    table = made.table
    fields = tuple(replace(f, aliases=("电话", "联系电话")) if f.name == "phone" else f for f in table.fields)
    made = replace(made, tables=(replace(table, fields=fields),))
    data = 'note,"联系\n电话",ID,name（人）,新增\r\nx,1,A1,王,甲\r\n'.encode("gb18030")
    _, rows, pages, _ = read(data, made)
    assert (rows[0]["id"], rows[0]["phone"], rows[0]["name"], rows[0]["_extra"]) == ("A1", "1", "王", '{"新增":"甲"}')
    kinds = {(d["column"], d["kind"], d["policy"]) for d in pages[0].drift}
    assert kinds == {
        ("phone", "renamed", "accept"), ("name", "renamed", "accept"), ("新增", "added", "accept"), ("updated", "missing", "null"),
    }  # fmt: skip


def test_a_missing_required_column_or_an_added_one_is_refused_where_the_policy_says_so():
    with pytest.raises(DeliveryRefused, match="column id is missing"):
        read(b"name,phone,note,updated\r\nx,1,y,t\r\n")
    with pytest.raises(DeliveryRefused, match="more is not in the contract"):
        read(b"id,name,phone,note,updated,more\r\n", contract(change_policy=ChangePolicy(added="refuse")))
    with pytest.raises(DeliveryRefused, match="no header row"):
        read(b"")


class TestForbiddenColumns:
    made = contract(forbidden=("银行账号", "开户行"), keep_unreadable=False)
    head = "id,开户行,name,phone,银行账号（卡号）,note,updated\r\n"

    def read(self, *lines: str):
        return read((self.head + "".join(line + "\r\n" for line in lines)).encode("gb18030"), self.made)

    def test_they_are_in_no_row_and_in_no_raw(self):
        found, rows, pages, _ = self.read("A1,农行SECRET,王芳,1,6228SECRET,甲,t", "A2,农行SECRET,李娜,2,6228SECRET,乙,t")
        assert found == [("A1", "甲"), ("A2", "乙")]
        assert "SECRET" not in str(rows) and b"SECRET" not in pages[0].raw and "李娜".encode() in pages[0].raw
        assert not [d for d in pages[0].drift if d["kind"] == "added"]

    def test_an_unreadable_row_keeps_position_length_and_digest(self):
        found, rows, pages, _ = self.read("A1,农行SECRET,王芳,1", 'A2,"农行SECRET,李娜,2,6228SECRET,乙,t')
        assert found == ["row.columns", "row.quote"]
        assert all(row["_raw"].startswith("length=") and " sm3=" in row["_raw"] for row in rows)
        assert "SECRET" not in str(rows) and b"SECRET" not in pages[0].raw

    def test_an_unknown_column_is_cut_too_where_a_forbidden_one_is_not_found(self):
        data = "id,开户行,name,phone,卡,note,updated\r\nA1,x,王芳,1,6228SECRET,甲,t\r\n".encode("gb18030")
        _, rows, pages, _ = read(data, self.made)
        assert "SECRET" not in str(rows) and b"SECRET" not in pages[0].raw
        assert ("卡", "added", "cut") in {(d["column"], d["kind"], d["policy"]) for d in pages[0].drift}

    def test_what_is_kept_of_a_refused_file_has_none(self):
        data = (self.head + "A1,农行SECRET,王芳,1,6228SECRET,甲,t\r\n").encode("gb18030")
        kept = drop_csv.without_forbidden(self.made, data, "p.csv")
        assert "王芳".encode() in kept and b"SECRET" not in kept
        assert drop_csv.without_forbidden(self.made, b"6228SECRET,x\r\n", "p.csv") is None


def test_blocks_are_cut_between_rows_whatever_stands_at_their_border(monkeypatch):
    lines = [f'K{n},"a\r\nb",{n},x,t' if n % 3 == 0 else f"K{n},a,{n},x,t" for n in range(200)]
    lines[50], lines[101] = 'K50,"open,1,x,t', "K101,a"
    data = HEAD + "\r\n".join(lines).encode() + b"\r\n"
    whole = read(data)
    for size in (60, 97, 128, 1000):
        monkeypatch.setattr(csv_lines, "BLOCK", size)
        assert read(data)[:2] == whole[:2]
    assert whole[3].rows == 200 and [f for f in whole[0] if isinstance(f, str)] == ["row.quote", "row.columns"]


def test_an_empty_file_of_a_month_without_news_is_a_page_without_rows():
    _, rows, pages, counted = read(HEAD)
    assert rows == [] and len(pages) == 1 and pages[0].raw == HEAD and counted.rows == 0
