from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.api.types.scalars import Decimal, Money, money_of, read_time, sums_of, time_text
from ringfence.domain.errors import InvalidError


def test_times_are_utc_and_have_no_more_digits_than_they_need() -> None:
    assert time_text(0) == "1970-01-01T00:00:00Z"
    assert time_text(1_500_000) == "1970-01-01T00:00:01.500000Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_that_was_written_is_read_again(moment: datetime) -> None:
    micros = read_time(moment.isoformat())
    assert read_time(time_text(micros)) == micros


def test_another_offset_is_the_same_moment() -> None:
    assert read_time("2026-05-01T14:00:00+02:00") == read_time("2026-05-01T12:00:00Z")


@pytest.mark.parametrize("text", ["2026-05-01T12:00:00", "2026-05-01", "yesterday", "", 5, None, True])
def test_what_is_no_moment_is_refused(text: object) -> None:
    with pytest.raises(InvalidError, match="DateTime"):
        read_time(text)


def test_amounts_have_the_decimals_of_their_currency() -> None:
    assert money_of(1050, "EUR") == Money(amount=Decimal("10.50"), currency="EUR")
    assert money_of(500, "JPY").amount == "500"
    assert [(one.currency, one.amount) for one in sums_of("EUR:3.00;USD:120.50")] == [
        ("EUR", "3.00"),
        ("USD", "120.50"),
    ]
    assert sums_of("") == []
