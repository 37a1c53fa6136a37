import csv
import io

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ringfence.intake.batches import Bad
from ringfence.intake.csv_file import read_csv
from ringfence.intake.options import IntakeOptions
from ringfence.intake.tables import BUYERS

CELLS = st.text(st.characters(exclude_characters="\0\x1e\x1f\r", exclude_categories=["Cs"]), max_size=8)
ROWS = st.lists(st.tuples(CELLS.filter(bool), CELLS, CELLS), min_size=1, max_size=12)


def read(
    text: bytes, *, step: int = 2**24, delimiter: str = ","
) -> tuple[pl.DataFrame, list[int], list[Bad]]:
    pieces = [text[at : at + step] for at in range(0, len(text), step)]
    _, batches = read_csv("buyers.csv", pieces, BUYERS, IntakeOptions(delimiter=delimiter))
    found = list(batches)
    frame = pl.concat([batch.frame for batch in found])
    lines = np.concatenate([batch.lines for batch in found]).tolist()
    return frame, lines, [bad for batch in found for bad in batch.bad]


@given(
    rows=ROWS,
    ending=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([0, 1]),
    delimiter=st.sampled_from(",;\t|"),
)
def test_well_formed_text_reads_as_the_standard_library_reads_it(
    rows: list[tuple[str, str, str]], ending: str, quoting: int, delimiter: str
) -> None:
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=delimiter,
        lineterminator=ending,
        quoting=csv.QUOTE_ALL if quoting else csv.QUOTE_MINIMAL,
    )
    writer.writerow(["buyer_id", "ignored", "country"])
    writer.writerows(rows)
    frame, lines, bad = read(out.getvalue().encode(), delimiter=delimiter)
    assert bad == []
    assert frame["buyer_id"].fill_null("").to_list() == [row[0] for row in rows]
    assert frame["country"].fill_null("").to_list() == [row[2] for row in rows]
    reader = csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=delimiter)
    begins = []
    next(reader)
    before = reader.line_num
    for _ in reader:
        begins.append(before + 1)
        before = reader.line_num
    assert lines == begins


@given(text=st.text(st.sampled_from('ab",;\n\r\x00é'), max_size=60), step=st.integers(1, 40))
def test_where_the_text_is_cut_into_pieces_changes_nothing(text: str, step: int) -> None:
    body = b"buyer_id,country\nB0,\n" + text.encode()
    frame, lines, bad = read(body, step=len(body))
    pieces_frame, pieces_lines, pieces_bad = read(body, step=step)
    assert pieces_frame.equals(frame)
    assert pieces_lines == lines
    assert told(pieces_bad) == told(bad)


def told(found: list[Bad]) -> list[tuple[int, str]]:
    return sorted((line, bad.reason) for bad in found for line in bad.lines.tolist())


def one(text: bytes) -> tuple[list[str], list[tuple[int, str]]]:
    frame, _, bad = read(b"buyer_id,country\n" + text)
    return frame["buyer_id"].to_list(), told(bad)


def test_an_unclosed_quote_costs_its_line_and_no_other() -> None:
    good, bad = one(b'a,DE\nb,"FR\nc,DE\nd,"FR"\n')
    assert good == ["a", "c", "d"]
    assert [line for line, _ in bad] == [3]


def test_lines_are_counted_right_after_a_broken_quote() -> None:
    _, lines, bad = read(b'buyer_id,country\na,"D\nE\nF"x\nb,DE\nc,DE\n')
    assert told(bad) == [
        (2, "text after a closing quote"),
        (3, "another number of cells than the header"),
        (4, "another number of cells than the header"),
    ]
    assert lines == [5, 6]


def test_a_quote_that_is_never_closed_does_not_swallow_a_large_file() -> None:
    good, bad = one(b'a,"DE\n' + b"c,DE\n" * 500_000)
    assert len(good) == 500_000
    assert bad == [(2, "a quote that is never closed")]


def test_ragged_rows_are_rejected_and_the_rest_is_read() -> None:
    assert one(b"a,DE\nb\nc,DE,x\nd,DE\n") == (
        ["a", "d"],
        [(3, "another number of cells than the header"), (4, "another number of cells than the header")],
    )


def test_nul_bytes_are_rejected() -> None:
    good, bad = one(b"a,DE\nb\0,DE\nc,DE\n")
    assert (good, [line for line, _ in bad]) == (["a", "c"], [3])


def test_bytes_that_are_not_utf_8_are_rejected_with_a_remedy() -> None:
    assert one("a,DE\nb,Köln\nc,DE\n".encode("latin-1")) == (
        ["a", "c"],
        [(3, "not UTF-8; convert the file to UTF-8")],
    )


def test_a_cell_of_ten_megabytes_is_rejected() -> None:
    good, bad = one(b"a,DE\nb," + b"x" * 10_000_000 + b"\nc,DE\n")
    assert (good, [line for line, _ in bad]) == (["a", "c"], [3])


def test_a_line_longer_than_any_batch_is_skipped() -> None:
    text = b"buyer_id,country\na,DE\nb," + b"x" * 5_000_000 + b"\nc,DE\n"
    _, batches = read_csv(
        "buyers.csv",
        [text[at : at + 400_000] for at in range(0, len(text), 400_000)],
        BUYERS,
        IntakeOptions(),
    )
    found = list(batches)
    assert pl.concat([batch.frame for batch in found])["buyer_id"].to_list() == ["a", "c"]
    assert [line for batch in found for bad in batch.bad for line in bad.lines] == [3]
    assert np.concatenate([batch.lines for batch in found]).tolist() == [2, 4]


@given(data=st.binary(max_size=60))
def test_utf_8_is_what_python_says_it_is(data: bytes) -> None:
    data = bytes(byte for byte in data if byte not in b'\0\x1e\x1f\r\n",')
    good, bad = one(b"a,x" + data + b"\n")
    try:
        data.decode("utf-8")
        assert bad == []
        assert good == ["a"]
    except UnicodeDecodeError:
        assert [line for line, _ in bad] == [2]
