from pathlib import Path

import polars as pl
import pytest

from ringfence.domain.errors import InvalidError, NotFoundError
from ringfence.evaluation import parse_labels, read_labels


def rows(text: str, tmp_path: Path) -> list[tuple[str, bool, str | None]]:
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return read_labels(path).select("buyer_id", "label", "ring_id").rows()


def test_words_for_fraud_and_honesty_are_understood(tmp_path: Path) -> None:
    text = "buyer_id,label\na,1\nb,0\nc,TRUE\nd,false\ne,yes\nf,No\ng,fraud\nh, honest \ni,1.0\n"
    assert {buyer for buyer, label, _ in rows(text, tmp_path) if label} == {"a", "c", "e", "g", "i"}


def test_without_a_label_column_a_ring_makes_a_fraudster(tmp_path: Path) -> None:
    assert rows("buyer_id,ring_id\na,r1\nb,\n", tmp_path) == [("a", True, "r1"), ("b", False, None)]


def test_the_label_decides_where_both_are_told(tmp_path: Path) -> None:
    text = "buyer_id,ring_id,label\na,r1,1\nb,household,0\n"
    assert rows(text, tmp_path) == [("a", True, "r1"), ("b", False, None)]


def test_a_buyer_with_an_empty_label_is_left_out(tmp_path: Path) -> None:
    assert rows("buyer_id,label\na,1\nb,\nc,unknown\n", tmp_path) == [("a", True, None)]


def test_a_byte_order_mark_blank_lines_and_loud_headers_do_no_harm(tmp_path: Path) -> None:
    assert rows("\ufeffBuyer_ID, Label\na,1\n\nb,0\n", tmp_path) == [("a", True, None), ("b", False, None)]


def test_the_same_row_twice_is_one_label(tmp_path: Path) -> None:
    assert len(rows("buyer_id,label\na,1\na,yes\n", tmp_path)) == 1


def test_escaped_ids_are_read_as_they_were(tmp_path: Path) -> None:
    text = "buyer_id,label\n'=1+1,1\n''quoted,0\n'plain,0\n"
    assert {buyer for buyer, _, _ in rows(text, tmp_path)} == {"=1+1", "'quoted", "'plain"}


def test_parsing_parsed_labels_changes_nothing() -> None:
    frame = pl.DataFrame(
        {"buyer_id": ["b", "a"], "ring_id": ["r", None], "label": [True, False], "pattern": ["chain", ""]}
    )
    once = parse_labels(frame)
    assert parse_labels(once).equals(once)
    assert once.get_column("pattern").to_list() == [None, "chain"]


def test_labels_in_parquet_are_read(tmp_path: Path) -> None:
    pl.DataFrame({"buyer_id": [7, 8], "label": [1, 0]}).write_parquet(tmp_path / "labels.parquet")
    assert read_labels(tmp_path / "labels.parquet").get_column("buyer_id").to_list() == ["7", "8"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("buyer,label\na,1\n", "no column buyer_id"),
        ("buyer_id,score\na,1\n", "label or ring_id"),
        ("buyer_id,label\na,maybe\n", "'maybe' is no label"),
        ("buyer_id,label\na,1\na,0\n", "Buyer 'a' is labelled twice"),
        ("buyer_id,ring_id\na,r1\na,r2\n", "Buyer 'a' is labelled twice"),
        ("buyer_id,label\n,1\n", "row without buyer_id"),
        ("buyer_id,label\n", "name no buyer"),
        ("", "cannot be read"),
        ("buyer_id,label\na,1,2\n", "cannot be read"),
    ],
)
def test_bad_labels_are_refused_in_one_line(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match=complaint) as refusal:
        rows(text, tmp_path)
    assert "\n" not in str(refusal.value)


def test_missing_labels_are_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no labels file"):
        read_labels(tmp_path / "nowhere.csv")
