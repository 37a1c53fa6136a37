from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.export.axes import TimeAxis, round_marks
from ringfence.export.markup import add_amounts, element, lasting, money, period, shortened

START = datetime(2023, 12, 30, 22, 15, tzinfo=UTC)


@given(
    st.datetimes(datetime(1975, 1, 1), datetime(2090, 1, 1)),
    st.one_of(st.integers(0, 10**6), st.integers(0, 10**9)),
    st.integers(3, 8),
)
def test_marks_of_time_are_few_in_order_and_on_the_axis(first: datetime, seconds: int, most: int) -> None:
    begin = first.replace(tzinfo=UTC)
    marks = TimeAxis(begin, begin + timedelta(seconds=seconds), 10, 110).marks(most)
    places = [place for place, _ in marks]
    assert len(marks) <= most
    assert places == sorted(set(places))
    assert all(10 <= place <= 110 for place in places)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(hours=4), ["23:00", "31 Dec", "01:00", "02:00"]),
        (timedelta(days=4), ["31 Dec", "1 Jan", "2 Jan", "3 Jan"]),
        (timedelta(days=100), ["Jan 2024", "Feb 2024", "Mar 2024", "Apr 2024"]),
        (timedelta(days=900), ["Jan 2024", "Jul 2024", "Jan 2025", "Jul 2025", "Jan 2026"]),
    ],
)
def test_marks_of_time_fall_on_round_moments(length: timedelta, words: list[str]) -> None:
    assert [said for _, said in TimeAxis(START, START + length, 0, 1).marks(5)] == words


@given(st.floats(1e-3, 1e9), st.integers(2, 8))
def test_round_marks_begin_at_nought_and_just_cover(highest: float, most: int) -> None:
    marks = round_marks(highest, most)
    assert marks[0] == 0
    assert len(marks) <= most + 1
    assert marks[-2] < highest <= marks[-1] * (1 + 1e-9)


def test_amounts_add_up_by_currency_to_the_cent() -> None:
    assert add_amounts(["EUR:0.10;USD:120.50", "EUR:0.20", "", "nonsense"]) == {
        "EUR": Decimal("0.30"),
        "USD": Decimal("120.50"),
    }
    assert money(["USD:1120.50;EUR:3.00"]) == "EUR 3.00 \u00b7 USD 1,120.50"
    assert money([""]) == "\u2013"


def test_words_for_times_and_ids_are_short() -> None:
    assert period(START, START + timedelta(hours=1)) == "30 Dec 2023"
    assert period(START, START + timedelta(days=9)) == "30 Dec 2023 to 8 Jan 2024"
    assert period(START, START - timedelta(days=9)) == "30 Dec to 21 Dec 2023"
    assert [lasting(seconds) for seconds in (0, 5400, 172800)] == ["1 min", "2 h", "2 days"]
    assert shortened("buyer-0000-1234", 9) == "buye\u20261234"
    assert shortened("buyer", 9) == "buyer"


def test_children_and_attributes_are_escaped_and_markup_is_not() -> None:
    assert element("p", "<b>", element("b", "&"), title='"') == '<p title="&quot;">&lt;b&gt;<b>&amp;</b></p>'
