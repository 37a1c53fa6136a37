from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.currencies import EXPONENTS, amount_text


@given(st.integers(-(10**15), 10**15), st.sampled_from(sorted(EXPONENTS)))
def test_an_amount_in_words_is_exactly_its_minor_units(minor: int, currency: str) -> None:
    code, _, number = amount_text(minor, currency).partition(":")
    assert code == currency
    assert Decimal(number).scaleb(EXPONENTS[currency]) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(300, "EUR", "EUR:3.00"), (5, "USD", "USD:0.05"), (12, "JPY", "JPY:12"), (-7, "KWD", "KWD:-0.007")],
)
def test_an_amount_is_written_with_the_decimals_of_its_currency(minor: int, currency: str, text: str) -> None:
    assert amount_text(minor, currency) == text
