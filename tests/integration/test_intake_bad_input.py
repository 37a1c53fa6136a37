import gzip
import io
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.domain.errors import RingfenceError
from ringfence.intake import (
    Intake,
    IntakeOptions,
    Mapping,
    PseudonymKey,
    TooManyRejectedError,
    UnreadableInputError,
    market_from_frames,
    read_market,
    write_rejected,
)

KEY = PseudonymKey(b"k" * 32)
LENIENT = IntakeOptions(max_rejected=1)
HEADER = (
    "claim_id,buyer_id,merchant_id,filed_at,amount,currency,kind,evidence_count,high_value,evidence_kinds"
)
SECRET = "ann.secret"


def row(number: int = 1, **changed: str) -> str:
    cells = {
        "claim_id": f"C{number}",
        "buyer_id": f"B{number}",
        "merchant_id": "M1",
        "filed_at": "2024-03-01T10:00:00",
        "amount": "12.50",
        "currency": "EUR",
        "kind": "refund_only",
        "evidence_count": "1",
        "high_value": "true",
        "evidence_kinds": "photo;video",
    } | changed
    return ",".join(cells.values())


def read(folder: Path, *, options: IntakeOptions = LENIENT, **files: str | bytes) -> Intake:
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_market([folder], options, KEY)


def rejected(intake: Intake) -> list[tuple[str, int, str]]:
    return [(file, line, column) for file, line, column, _ in intake.rejected.rows()]


def claims(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"claim_id": ""}, "empty"),
        ({"buyer_id": "  "}, "empty"),
        ({"merchant_id": ""}, "empty"),
        ({"filed_at": ""}, "empty"),
        ({"amount": ""}, "empty"),
        ({"claim_id": SECRET * 30}, "an id of more than 200 bytes"),
        ({"buyer_id": "é" * 101}, "an id of more than 200 bytes"),
        ({"amount": "-3"}, "negative"),
        ({"amount": "NaN"}, "not a plain decimal number"),
        ({"amount": "inf"}, "not a plain decimal number"),
        ({"amount": "99999999999999999999"}, "too large"),
        ({"amount": "1.005"}, "more decimal digits than the currency has"),
        ({"amount": "12.5", "currency": "JPY"}, "more decimal digits than the currency has"),
        ({"currency": "EUX"}, "no ISO 4217 currency"),
        ({"filed_at": "2024-02-30"}, "no such date or time"),
        ({"filed_at": "01/02/2024"}, "not an ISO 8601 date or time; say its format with --date-format"),
        ({"filed_at": "1969-12-31"}, "not between the years 1970 and 2100"),
        ({"filed_at": "2101-01-01"}, "not between the years 1970 and 2100"),
        ({"kind": SECRET}, "none of refund_only, return_refund, partial_refund"),
        ({"evidence_count": "-1"}, "not a whole number from 0 to a thousand million"),
        ({"evidence_count": "1.5"}, "not a whole number from 0 to a thousand million"),
        ({"high_value": "perhaps"}, "neither true nor false"),
        ({"evidence_kinds": "photo;hearsay"}, "none of photo, video, document, chat"),
    ],
)
def test_a_bad_cell_costs_its_row_and_no_other(tmp_path: Path, changed: dict[str, str], reason: str) -> None:
    intake = read(tmp_path, claims__csv=claims(row(1), row(2, **changed), row(3)))
    column = next(iter(changed))
    assert intake.rejected.rows() == [("claims.csv", 3, column, reason)]
    assert intake.market.claims.claim_id.sort().to_list() == ["C1", "C3"]
    assert intake.market.buyer_ids.to_list() == ["B1", "B3"]
    (count,) = intake.files
    assert (count.read, count.kept, count.rejected) == (3, 2, 1)
    assert SECRET not in write_rejected(intake.rejected, tmp_path).read_text()


@pytest.mark.parametrize(
    "line",
    [
        b'C2,"B2,M1,2024-03-01,1.00,EUR,refund_only,1,true,photo',
        b"C2,B2",
        row(2).encode() + b",one,more",
        row(2, buyer_id="B\0").encode(),
        row(2, buyer_id="Bü").encode("latin-1"),
        row(2, buyer_id="x" * 10_000_000).encode(),
        b'C2,"B"2,M1,2024-03-01,1.00,EUR,refund_only,1,true,photo',
    ],
    ids=["unclosed quote", "too few cells", "too many cells", "NUL", "Latin-1", "10 MB", "stray quote"],
)
def test_a_broken_line_costs_its_row_and_no_other(tmp_path: Path, line: bytes) -> None:
    text = b"\n".join([HEADER.encode(), row(1).encode(), line, row(3).encode(), b""])
    intake = read(tmp_path, claims__csv=text)
    assert rejected(intake) == [("claims.csv", 3, "")]
    assert intake.market.claims.claim_id.sort().to_list() == ["C1", "C3"]


def test_more_bad_rows_than_allowed_load_nothing_and_still_tell_which(tmp_path: Path) -> None:
    text = claims(*[row(number) for number in range(98)], row(98, amount="x"), row(99, amount="x"))
    with pytest.raises(
        TooManyRejectedError, match=r"claims.csv: 2 of 100 rows are bad, more than 1 %"
    ) as caught:
        read(tmp_path, options=IntakeOptions(), claims__csv=text)
    assert caught.value.rejected["line"].to_list() == [100, 101]
    assert "\n" not in str(caught.value)
    one_bad = claims(*[row(number) for number in range(99)], row(99, amount="x"))
    assert len(read(tmp_path, options=IntakeOptions(), claims__csv=one_bad).rejected) == 1


def test_claims_that_are_all_bad_are_refused_however_lenient(tmp_path: Path) -> None:
    with pytest.raises(
        TooManyRejectedError, match=r"claims.csv: 2 of 2 rows are bad, no good row is left \(first: line 2,"
    ) as caught:
        read(tmp_path, claims__csv=claims(row(1, amount="x"), row(2, amount="x")))
    assert "%" not in str(caught.value)
    with pytest.raises(TooManyRejectedError, match=r"1 of 1 row is bad, no good row is left"):
        read(tmp_path, options=IntakeOptions(), claims__csv=claims(row(1, amount="x")))


def test_as_many_bad_rows_as_are_allowed_are_not_more_than_that(tmp_path: Path) -> None:
    text = claims(*[row(number, **({"amount": "x"} if number < 29 else {})) for number in range(100)])
    allowed = IntakeOptions(max_rejected=0.29)
    assert len(read(tmp_path, options=allowed, claims__csv=text).rejected) == 29


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(UnreadableInputError) as caught:
        act()
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert refusal(lambda: read(tmp_path, claims__csv="")).startswith("claims.csv: empty")
    (tmp_path / "claims.csv").unlink()
    assert refusal(lambda: read(tmp_path, claims__ndjson="")).startswith("claims.ndjson: empty")


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    assert "claims.csv: has no rows" in refusal(lambda: read(tmp_path, claims__csv=HEADER + "\n"))


def test_an_empty_side_file_is_a_warning(tmp_path: Path) -> None:
    intake = read(
        tmp_path, claims__csv=claims(row()), orders__csv="order_id,buyer_id,merchant_id,ordered_at,amount\n"
    )
    assert intake.market.orders is None
    assert any("orders.csv: has no rows" in warning for warning in intake.warnings)


def test_a_missing_column_is_named_with_those_present_and_the_remedy(tmp_path: Path) -> None:
    text = "claim_id,buyer,merchant_id,filed_at,amount\nC1,B1,M1,2024-03-01,1\n"
    message = refusal(lambda: read(tmp_path, claims__csv=text))
    assert message == (
        "claims.csv: no column buyer_id (it has claim_id, buyer, merchant_id, filed_at, amount); "
        'say with --map which column it is (buyer_id = "…" under [claims])'
    )


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_wrong_delimiter_is_recognised(tmp_path: Path, delimiter: str) -> None:
    text = claims(row()).replace(",", delimiter)
    assert "--delimiter" in refusal(lambda: read(tmp_path, claims__csv=text))
    told = IntakeOptions(delimiter=delimiter)
    header = HEADER.replace(",evidence_kinds", "").replace(",", delimiter)
    line = row().rsplit(",", 1)[0].replace(",", delimiter)
    assert len(read(tmp_path, options=told, claims__csv=f"{header}\n{line}\n").market.claims) == 1


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    assert "amount" in refusal(lambda: read(tmp_path, claims__csv=claims(row(), header=HEADER + ",amount")))


def test_a_folder_without_claims_is_refused_naming_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("a\n")
    assert "found sales.csv" in refusal(lambda: read_market([tmp_path], LENIENT, KEY))


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    assert "no such file or folder" in refusal(lambda: read_market([tmp_path / "gone.csv"], LENIENT, KEY))


def test_a_named_file_of_unknown_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("a\n")
    assert "sales.csv: neither its name" in refusal(lambda: read_market([path], LENIENT, KEY))


def test_a_bom_and_crlf_are_no_matter(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + claims(row(1), row(2)).replace("\n", "\r\n").encode()
    intake = read(tmp_path, claims__csv=text)
    assert intake.market.claims.claim_id.to_list() == ["C1", "C2"]
    assert len(intake.rejected) == 0


def test_three_hundred_unknown_columns_are_one_short_warning(tmp_path: Path) -> None:
    header = HEADER + "".join(f",x{number}" for number in range(300))
    intake = read(tmp_path, claims__csv=claims(row() + ",1" * 300, header=header))
    (warning,) = intake.warnings
    assert warning == "claims.csv: unknown columns ignored: x0, x1, x2, x3, x4 and 295 more"


def test_compressed_files_are_read(tmp_path: Path) -> None:
    text = claims(row(1), row(2)).encode()
    (tmp_path / "claims-1.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "claims-2.csv.zst").write_bytes(
        zstandard.compress(claims(row(3)).encode()) + zstandard.compress(row(4).encode())
    )
    lines = [
        json.dumps(
            {"claim_id": "C5", "buyer_id": 5, "merchant_id": "M", "filed_at": "2024-01-01", "amount": 1.5}
        )
    ]
    (tmp_path / "claims-3.ndjson.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    assert len(read(tmp_path).market.claims) == 5


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_compressed_file_cut_short_loads_nothing(tmp_path: Path, ending: str) -> None:
    text = claims(*[row(number, buyer_id=f"{number * 7919 % 1009}") for number in range(2000)]).encode()
    packed = gzip.compress(text) if ending == "gz" else zstandard.compress(text)
    (tmp_path / f"claims.csv.{ending}").write_bytes(packed[:-20])
    assert "cut short" in refusal(lambda: read(tmp_path))
    (tmp_path / f"claims.csv.{ending}").write_bytes(b"no archive")
    assert "damaged" in refusal(lambda: read(tmp_path))


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_decompression_bomb_is_refused(tmp_path: Path, ending: str) -> None:
    pack: Callable[[bytes], bytes] = gzip.compress if ending == "gz" else zstandard.compress
    (tmp_path / f"claims.csv.{ending}").write_bytes(pack(claims(row()).encode() + b" " * 40_000_000))
    assert "unfolds to more than 1000 bytes" in refusal(lambda: read(tmp_path))
    small = IntakeOptions(max_decompressed_bytes=1000)
    (tmp_path / f"claims.csv.{ending}").write_bytes(pack(claims(*map(row, range(100))).encode()))
    assert "more than 1,000 bytes" in refusal(lambda: read(tmp_path, options=small))


def test_a_damaged_parquet_file_loads_nothing(tmp_path: Path) -> None:
    out = io.BytesIO()
    pl.DataFrame({"claim_id": ["C1"]}).write_parquet(out)
    for content in (b"", b"PAR1", out.getvalue()[:-8], b"x" * 1000):
        (tmp_path / "claims.parquet").write_bytes(content)
        assert "claims.parquet: damaged or not Parquet" in refusal(lambda: read(tmp_path))


def test_bad_ndjson_lines_cost_their_rows_and_no_other(tmp_path: Path) -> None:
    good = {"claim_id": "C1", "buyer_id": "B1", "merchant_id": "M", "filed_at": "2024-01-01", "amount": 1.5}
    lines = [
        json.dumps(good).encode(),
        b"{",
        b"[1]",
        b'{"claim_id": "\xff"}',
        b"",
        json.dumps(good | {"claim_id": "C2", "amount": "1.505", "currency": "EUR"}).encode(),
        json.dumps(good | {"claim_id": "C3", "device": "x" * 2_000_000}).encode(),
        json.dumps(
            good | {"claim_id": "C4", "evidence_kinds": ["photo", "chat"], "high_value": True}
        ).encode(),
    ]
    intake = read(tmp_path, claims__ndjson=b"\n".join(lines))
    assert rejected(intake) == [
        ("claims.ndjson", 2, ""),
        ("claims.ndjson", 3, ""),
        ("claims.ndjson", 4, ""),
        ("claims.ndjson", 6, "amount"),
        ("claims.ndjson", 7, ""),
    ]
    assert intake.market.claims.claim_id.to_list() == ["C1", "C4"]


def frame(**columns: Any) -> pl.DataFrame:
    plain = {
        "claim_id": ["C1"],
        "buyer_id": ["B1"],
        "merchant_id": ["M1"],
        "filed_at": ["2024-03-01"],
        "amount": ["1"],
    }
    return pl.DataFrame(plain | columns)


@pytest.mark.parametrize(
    ("column", "values", "amount"),
    [
        ("amount", [12], 1200),
        ("amount", [12.34], 1234),
        ("amount", [0.1 + 0.2], 30),
        ("amount", [12.341], 1234),
        ("amount", [0.1000001], 10),
        ("amount", [1e300], None),
        ("amount", [float("nan")], None),
        ("amount", [-1.0], None),
        ("amount", pl.Series([Decimal("12.3400")], dtype=pl.Decimal(12, 4)), 1234),
        ("amount", pl.Series([Decimal("100.0000")], dtype=pl.Decimal(12, 4)), 10000),
        ("amount", pl.Series([Decimal("12.3450")], dtype=pl.Decimal(12, 4)), None),
    ],
)
def test_typed_amounts_are_read_to_the_minor_unit_or_rejected(
    column: str, values: Any, amount: int | None
) -> None:
    typed = frame(**{column: values})
    kept = pl.concat(
        [typed, typed.with_columns(claim_id=pl.lit("C2"), amount=pl.lit(1, typed["amount"].dtype))]
    )
    intake = market_from_frames(kept, options=IntakeOptions(max_rejected=1, default_currency="EUR"), key=KEY)
    assert intake.market.claims.amount.tolist() == ([100] if amount is None else sorted([100, amount]))
    assert len(intake.rejected) == (amount is None)


@pytest.mark.parametrize(
    "values",
    [
        [datetime(2024, 3, 1)],
        [date(2024, 3, 1)],
        pl.Series([datetime(2024, 3, 1)], dtype=pl.Datetime("ns")),
        pl.Series([datetime(2024, 3, 1)]).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"),
        ["2024-03-01T00:00Z"],
    ],
)
def test_typed_times_are_read_whatever_their_unit_and_zone(values: Any) -> None:
    intake = market_from_frames(frame(filed_at=values), key=KEY)
    assert intake.market.claims.filed_at.tolist() == [1_709_251_200_000_000]


def test_whole_numbers_are_ids_and_categories_are_words() -> None:
    typed = frame(claim_id=[7], buyer_id=[8.0], kind=pl.Series(["refund_only"], dtype=pl.Categorical))
    intake = market_from_frames(typed, key=KEY)
    assert intake.market.claims.claim_id.to_list() == ["7"]
    assert intake.market.buyer_ids.to_list() == ["8"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("buyer_id", [1.5]),
        ("filed_at", [1709251200]),
        ("amount", [True]),
        ("claim_id", [["C1"]]),
        ("merchant_id", [b"\xff"]),
    ],
)
def test_a_column_of_a_type_that_cannot_be_read_is_refused(tmp_path: Path, column: str, values: Any) -> None:
    frame(**{column: values}).write_parquet(tmp_path / "claims.parquet")
    assert refusal(lambda: read(tmp_path)).startswith(f"claims.parquet: column {column}")


def test_ids_that_look_like_personal_data_are_one_warning(tmp_path: Path) -> None:
    text = claims(row(1, buyer_id="ann@mail.example"), row(2, buyer_id="+49 170 1234567"))
    (warning,) = read(tmp_path, claims__csv=text).warnings
    assert warning.startswith("some buyer ids look like e-mail addresses or phone numbers")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = [", "not TOML"),
        ("[sales]\n", "[sales] is none of"),
        ("[claims]\nclaim = 'x'\n", "[claims] claim: no column of ours"),
        ("[claims]\nclaim_id = 1\n", "in quotes"),
        ("[claims]\nclaim_id = 'x'\nbuyer_id = 'x'\n", "two columns"),
        ("[claims.values.kind]\nx = 'refund'\n", "'refund' is none of"),
        ("[claims.values.amount]\nx = 'y'\n", "cannot be renamed"),
    ],
)
def test_a_bad_mapping_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "columns.toml"
    path.write_text(text)
    assert message in refusal(lambda: Mapping.load(path))


@pytest.mark.parametrize(
    "options",
    [
        {"delimiter": ",,"},
        {"delimiter": '"'},
        {"default_currency": "EUX"},
        {"max_rejected": 2},
        {"decimal": ";"},
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    refusal(lambda: IntakeOptions(**options))


def test_cells_that_a_spreadsheet_would_run_are_escaped(tmp_path: Path) -> None:
    rows = pl.DataFrame({"file": ["=claims.csv"], "line": [1], "column": ["+x"], "reason": ["empty"]})
    assert write_rejected(rows, tmp_path).read_text() == "file,line,column,reason\n'=claims.csv,1,'+x,empty\n"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=300)
    | st.lists(
        st.sampled_from([HEADER, row(1), row(2), '"', ",", "\n", "{", "}", '{"claim_id":"C1"}', "\0", "é"]),
        max_size=20,
    ).map(lambda parts: "".join(parts).encode("latin-1")),
    name=st.sampled_from(
        ["claims.csv", "claims.ndjson", "claims.csv.gz", "claims.csv.zst", "claims.parquet"]
    ),
)
def test_no_bytes_give_anything_but_a_market_or_one_clear_line(
    tmp_path: Path, content: bytes, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    try:
        assert len(read_market([path], LENIENT, KEY).market.claims) > 0
    except RingfenceError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
