import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.api.allowance import Allowance
from ringfence.api.errors import TooManyRequestsError

SECOND = 1_000_000


def test_what_was_taken_comes_back_with_time() -> None:
    allowance = Allowance(burst=100, per_second=10)
    assert allowance.take("k", 90, 0) == 10
    with pytest.raises(TooManyRequestsError) as refused:
        allowance.take("k", 30, 0)
    assert refused.value.seconds == 2
    assert allowance.take("k", 30, 2 * SECOND) == 0
    assert allowance.take("k", 100, 3_600 * SECOND) == 0


def test_one_key_does_not_take_from_another() -> None:
    allowance = Allowance(burst=100, per_second=10)
    allowance.take("k", 100, 0)
    assert allowance.take("other", 100, 0) == 0


def test_what_was_not_needed_is_given_back() -> None:
    allowance = Allowance(burst=100, per_second=10)
    allowance.take("k", 80, 0)
    assert allowance.settle("k", 70, 0) == 90
    assert allowance.settle("k", 70, 0) == 100


def test_an_answer_larger_than_it_looked_is_paid_for_later() -> None:
    allowance = Allowance(burst=100, per_second=10)
    allowance.take("k", 80, 0)
    assert allowance.settle("k", -50, 0) == -30
    with pytest.raises(TooManyRequestsError) as refused:
        allowance.take("k", 0, 0)
    assert refused.value.seconds == 3


def test_a_clock_that_is_set_back_fills_nothing() -> None:
    allowance = Allowance(burst=100, per_second=10)
    allowance.take("k", 100, 1_000 * SECOND)
    with pytest.raises(TooManyRequestsError):
        allowance.take("k", 1, 0)
    assert allowance.take("k", 10, SECOND) == 0


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 5 * SECOND))))
def test_nobody_gets_more_than_the_burst_and_what_came_since(asks: list[tuple[int, int]]) -> None:
    allowance, now, given_out = Allowance(burst=100, per_second=10), 0, 0
    for cost, pause in asks:
        now += pause
        try:
            allowance.take("k", cost, now)
        except TooManyRequestsError:
            continue
        given_out += cost
        assert given_out <= 100 + 10 * now / SECOND + 1e-6
