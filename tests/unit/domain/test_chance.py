"""How p-values are said."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.chance import chance_sentence, chance_text, expected_by_chance, published_p_value


@given(st.floats(0.0, 0.999999))
def test_the_expected_number_gives_the_chance_back(p_value: float) -> None:
    assert 1.0 - math.exp(-expected_by_chance(p_value)) == pytest.approx(p_value, abs=1e-12)


def test_a_certainty_expects_any_number() -> None:
    assert expected_by_chance(1.0) == math.inf
    assert "many" in chance_sentence(1.0)


def test_chances_below_what_is_known_are_not_spelled_out() -> None:
    assert chance_text(0.00009) == "≤ 0.0001"
    assert chance_text(0.0) == "≤ 0.0001"
    assert chance_text(0.0001) == "≤ 0.0001"
    assert published_p_value(0.00009) == 0.0001
    assert published_p_value(0.04) == 0.04
    assert published_p_value(None) is None
    assert chance_text(0.04231) == "0.0423"


def test_a_chance_is_said_with_the_number_that_it_stands_for() -> None:
    assert chance_sentence(0.05) == (
        "A marketplace of this shape without rings shows as strong a group with a chance of 0.0500 "
        "(0.051 such groups expected)."
    )
