import math

import pytest

from ringfence.domain.errors import InvalidError
from ringfence.generator import ExtraLookalike, ExtraPattern, GeneratorOptions


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("buyers", 499),
        ("seed", -1),
        ("stealth", -0.1),
        ("stealth", 1.0),
        ("stealth", math.nan),
        ("days", 239),
        ("claims_per_buyer", 0.1),
        ("claims_per_buyer", math.inf),
        ("orders_per_claim", 1.0),
        ("merchants", 99),
    ],
)
def test_an_impossible_option_is_refused_by_name_value_and_remedy(field: str, value: float) -> None:
    with pytest.raises(InvalidError, match=rf"^{field} is {value}: give ") as refused:
        GeneratorOptions(**{field: value})  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


def test_an_unknown_extra_is_refused_with_the_names_of_the_known_ones() -> None:
    with pytest.raises(InvalidError, match=r"^extras is juggling: give all or any of ") as refused:
        GeneratorOptions(extras=("crowd", "juggling"))
    for extra in (*ExtraPattern, *ExtraLookalike):
        assert extra in str(refused.value)


def test_shops_are_a_fortieth_of_the_buyers_but_two_hundred_at_least() -> None:
    assert GeneratorOptions(buyers=3_000).merchant_count == 200
    assert GeneratorOptions(buyers=20_000).merchant_count == 500
    assert GeneratorOptions(merchants=321).merchant_count == 321
