from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.intake.amounts_and_times import REASONS, ROUNDED, parse_amounts, parse_iso_times


def amount(text: str, exponent: int = 2, decimal: str = ".") -> int | str:
    value, reason = parse_amounts(pl.Series([text]), np.array([exponent], np.int8), decimal)
    return REASONS[int(reason[0])] if reason[0] not in (0, ROUNDED) else int(value[0])


def moment(text: str) -> int | str:
    value, reason = parse_iso_times(pl.Series([text]))
    return REASONS[int(reason[0])] if reason[0] else int(value[0])


@given(minor=st.integers(0, 10**15), exponent=st.sampled_from([0, 2, 3, 4]))
def test_an_amount_becomes_exactly_its_minor_units(minor: int, exponent: int) -> None:
    text = format(Decimal(minor).scaleb(-exponent), "f")
    assert amount(text, exponent) == minor
    assert amount(text.replace(".", ","), exponent, ",") == minor


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-1", "negative"),
        ("-0.01", "negative"),
        ("nan", "not a plain decimal number"),
        ("inf", "not a plain decimal number"),
        ("1e3", "not a plain decimal number"),
        ("1,000.00", "not a plain decimal number"),
        ("1.", "not a plain decimal number"),
        (".5", "not a plain decimal number"),
        ("-", "not a plain decimal number"),
        ("EUR 5", "not a plain decimal number"),
        ("1.005", "more decimal digits than the currency has"),
        ("1.000", "more decimal digits than the currency has"),
        ("10000000000000.01", "too large"),
        ("9" * 300, "too large"),
    ],
)
def test_what_is_no_amount_is_refused_with_a_reason(text: str, reason: str) -> None:
    assert amount(text) == reason


def test_a_currency_without_minor_unit_has_no_decimals() -> None:
    assert amount("1200", 0) == 1200
    assert amount("12.5", 0) == "more decimal digits than the currency has"


def test_an_amount_that_was_computed_is_rounded_half_up() -> None:
    assert amount("23.51734612") == 2352
    assert amount("23.51499999") == 2351
    assert amount("0.99500") == 100
    assert amount("7.50000001", 0) == 8


def test_zeros_beyond_the_minor_unit_say_nothing_unless_they_could_be_thousands() -> None:
    assert amount("1200.00", 0) == 1200
    assert amount("12.5000") == 1250
    assert amount("0.1005") == "more decimal digits than the currency has"
    assert amount("1.000", 0) == "more decimal digits than the currency has"


ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(
    when=st.datetimes(datetime(1970, 1, 3), datetime(2100, 12, 29), timezones=ZONES),
    separator=st.sampled_from("T "),
    places=st.sampled_from(["minutes", "seconds", "milliseconds", "microseconds"]),
)
def test_iso_times_read_as_the_standard_library_reads_them(
    when: datetime, separator: str, places: str
) -> None:
    text = when.isoformat(separator, places)
    expected = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    assert moment(text) == expected // timedelta(microseconds=1)


def test_a_time_without_zone_is_utc() -> None:
    assert moment("2024-03-01T00:00:00") == moment("2024-03-01") == moment("2024-03-01 00:00Z")
    assert moment("2024-03-01T02:00:00+02:00") == moment("2024-03-01")
    assert moment("2024-03-01T02:00:00.123456789+0200") == moment("2024-03-01T00:00:00.123456")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2024-02-30", "no such date or time"),
        ("2023-02-29", "no such date or time"),
        ("2024-13-01", "no such date or time"),
        ("2024-01-01T24:00:00", "no such date or time"),
        ("2024-01-01T23:60", "no such date or time"),
        ("1969-12-31", "not between the years 1970 and 2100"),
        ("2101-01-01", "not between the years 1970 and 2100"),
        ("01.02.2024", "not an ISO 8601 date or time; say its format with --date-format"),
        ("2024-1-1", "not an ISO 8601 date or time; say its format with --date-format"),
        ("2024-01-01T", "not an ISO 8601 date or time; say its format with --date-format"),
        ("2024-01-01T10:00 Europe", "not an ISO 8601 date or time; say its format with --date-format"),
        ("1704067200", "not an ISO 8601 date or time; say its format with --date-format"),
    ],
)
def test_what_is_no_time_is_refused_with_a_reason(text: str, reason: str) -> None:
    assert moment(text) == reason


@given(text=st.text(st.sampled_from("0123456789-:T Z+."), max_size=30))
def test_no_text_breaks_the_parsers(text: str) -> None:
    assert isinstance(moment(text), int | str)
    assert isinstance(amount(text), int | str)
