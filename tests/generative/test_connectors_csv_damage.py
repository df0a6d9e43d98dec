"""However rows of a CSV are damaged, every other row is read as it was written, and every row is counted."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import drop_csv
from connectors.testing import COLUMNS, contract_of

CONTRACT = contract_of("drop", {"file": "p", "format": "csv", "encoding": "gb18030", "companion": "none"})
CELL = st.text(st.sampled_from("王芳𬀩a1 ,\"'·=\u3000"), max_size=6)
BROKEN = st.sampled_from(
    [b'B,"open,1,x,t', b'B,"a"b,1,x,t', b"B,\xd5,1,x,t", b"B,\xff,1,x,t", b"B,a\0,1,x,t", b"B,few", b"B,a,1,x,t,more,", b'"', b"\x81"]
)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=4, max_size=4), min_size=1, max_size=12),
    broken=st.lists(st.tuples(st.integers(0, 12), BROKEN), max_size=6),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    newline=st.sampled_from(["\r\n", "\n"]),
)
def test_damage_costs_only_the_damaged(rows, broken, quoting, newline):
    lines = []
    for number, cells in enumerate(rows):
        out = io.StringIO(newline="")
        csv.writer(out, quoting=quoting, lineterminator="").writerow([f"K{number}", *cells])
        lines.append(out.getvalue().encode("gb18030"))
    for place, text in broken:
        lines.insert(min(place, len(lines)), text)
    data = newline.encode().join([",".join(COLUMNS).encode(), *lines, b""])
    counted = drop_csv.Counted()
    found = [row for page in drop_csv.pages(CONTRACT, data, "p", "", counted) for row in page.rows.to_pylist()]
    fine = [[row[c] for c in COLUMNS] for row in found if row["_error"] is None]
    assert fine == [[f"K{number}", *cells] for number, cells in enumerate(rows)]
    assert [row["_error"] for row in found].count(None) == len(rows)
    assert counted.rows == counted.lines == len(lines)
    assert [row["_location"] for row in found] == [f"line {n}" for n in range(2, len(lines) + 2)]
