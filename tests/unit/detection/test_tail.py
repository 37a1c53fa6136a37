import itertools
import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringfence.detection.tail import MOST_DECADES, evidence, evidence_given_orders, gamma_decades

CHANCES = st.floats(1e-9, 3.0)
SURPRISES = st.floats(1e-3, 900.0)


def binomial(trials: int, theta: float) -> list[Decimal]:
    """Give P(k of `trials`) for k = 0 … trials in the precision of the context."""
    p = Decimal(theta)
    weights = [(1 - p) ** trials]
    for k in range(1, trials + 1):
        weights.append(weights[-1] * (trials - k + 1) / k * p / (1 - p))
    return weights


def decades(p: Decimal) -> float:
    return min(MOST_DECADES, max(0.0, -float(p.log10()))) if p > 0 else MOST_DECADES


def evidence_by_hand(trials: int, chance: float, surprise: float) -> float:
    """Sum the definition in 60 digits: Σ_k Binom(k) · Q(k, surprise), Q(k, s) = Σ_{j<k} e^-s s^j / j!."""
    with localcontext() as context:
        context.prec = 60
        total, term, tail = Decimal(0), (-Decimal(surprise)).exp(), Decimal(0)
        for k, weight in enumerate(binomial(trials, min(chance, 1.0 - 1e-12))):
            if k:
                tail += term
                term = term * Decimal(surprise) / k
                total += weight * tail
        return decades(total)


@given(trials=st.integers(1, 300), chance=CHANCES, surprise=SURPRISES)
@example(trials=1, chance=1.0, surprise=1e-3)
@example(trials=4000, chance=1e-3, surprise=12.0)
@example(trials=4000, chance=0.4, surprise=700.0)
@example(trials=3000, chance=1.7, surprise=2900.0)
@example(trials=2000, chance=1.0, surprise=800.0)
@example(trials=900, chance=0.9, surprise=1200.0)
@example(trials=10, chance=1e-6, surprise=850.0)
def test_evidence_is_the_exact_sum(trials: int, chance: float, surprise: float) -> None:
    expected = evidence_by_hand(trials, chance, surprise)
    assert evidence(trials, chance, surprise) == pytest.approx(expected, rel=1e-8, abs=1e-8)


@given(
    trials=st.integers(1, 2000),
    chance=CHANCES,
    surprise=SURPRISES,
    more_trials=st.integers(0, 500),
    more_chance=st.floats(0.0, 1.0),
    more_surprise=st.floats(0.0, 300.0),
)
def test_evidence_rises_with_surprise_and_falls_with_trials_and_chance(
    trials: int, chance: float, surprise: float, more_trials: int, more_chance: float, more_surprise: float
) -> None:
    found = evidence(trials, chance, surprise)
    assert 0.0 <= found <= MOST_DECADES
    assert evidence(trials, chance, surprise + more_surprise) >= found - 1e-7
    assert evidence(trials, chance + more_chance, surprise) <= found + 1e-7
    assert evidence(trials + more_trials, chance, surprise) <= found + 1e-7


def test_no_surprise_is_no_evidence_and_the_impossible_is_cut() -> None:
    assert evidence(5, 0.1, 0.0) == 0.0
    assert evidence(0, 0.1, 3.0) == MOST_DECADES
    assert evidence(5, 0.0, 3.0) == MOST_DECADES
    assert evidence(2, 1e-9, 2000.0) == MOST_DECADES


def test_one_certain_meeting_of_surprise_s_has_the_chance_e_to_the_minus_s() -> None:
    assert evidence(1, 5.0, 10.0 * np.log(10.0)) == pytest.approx(10.0)


def gamma_by_hand(count: int, surprise: float) -> float:
    """Sum -log10 Σ_{j<count} e^-s s^j / j! in 60 digits."""
    if not count or not surprise:
        return 0.0
    with localcontext() as context:
        context.prec = 60
        terms = (Decimal(surprise) ** j / math.factorial(j) for j in range(count))
        return decades(sum(terms, Decimal(0)) * (-Decimal(surprise)).exp())


@given(st.integers(0, 80), st.floats(0.0, 300.0))
def test_surprises_add_up_as_fisher_has_it(count: int, surprise: float) -> None:
    assert gamma_decades(count, surprise) == pytest.approx(gamma_by_hand(count, surprise), abs=1e-7)


def given_orders_by_hand(
    trials: int, chance: float, surprise: float, occasions: int, orders: int, rate: float, closer: float
) -> float:
    """Let h of the orders be claimed for, and the rest be chance: Σ_h Binom(h; orders) · 10^-e(h)."""
    most = min(occasions, trials)
    alone = [
        (evidence_by_hand(trials - h, chance, surprise * (1.0 - h / occasions)) if h < most else 0.0)
        + gamma_by_hand(min(h, most), min(h, most) * closer)
        for h in range(orders + 1)
    ]
    rest = list(itertools.accumulate(alone, min))
    with localcontext() as context:
        context.prec = 60
        weights = binomial(orders, min(rate, 1.0 - 1e-9))
        return decades(
            sum((w * Decimal(10) ** Decimal(-e) for w, e in zip(weights, rest, strict=True)), Decimal(0))
        )


@settings(max_examples=60)
@given(
    trials=st.integers(1, 60),
    chance=st.floats(1e-6, 0.9),
    surprise=st.floats(0.1, 200.0),
    occasions=st.integers(1, 60),
    orders=st.integers(1, 60),
    rate=st.floats(1e-6, 1.0),
    closer=st.floats(0.0, 3.0),
)
@example(trials=9, chance=1e-3, surprise=60.0, occasions=9, orders=400, rate=0.01, closer=0.0)
@example(trials=9, chance=1e-3, surprise=60.0, occasions=3, orders=40, rate=0.9, closer=2.0)
def test_orders_together_explain_as_many_meetings_and_chance_the_rest(
    trials: int, chance: float, surprise: float, occasions: int, orders: int, rate: float, closer: float
) -> None:
    expected = given_orders_by_hand(trials, chance, surprise, occasions, orders, rate, closer)
    found = evidence_given_orders(trials, chance, surprise, occasions, orders, rate, closer)
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("rate", [1e-4, 0.01, 0.1])
def test_a_few_orders_together_take_little_from_overwhelming_evidence(rate: float) -> None:
    expected = given_orders_by_hand(30, 1e-3, 180.0, 30, 10, rate, 0.0)
    assert evidence_given_orders(30, 1e-3, 180.0, 30, 10, rate, 0.0) == pytest.approx(expected)
    assert expected > 15.0


@given(st.integers(1, 60), CHANCES, SURPRISES, st.integers(0, 60), st.floats(0.0, 1.0))
def test_no_orders_or_none_ever_claimed_for_leave_evidence_as_it_is(
    trials: int, chance: float, surprise: float, occasions: int, rate: float
) -> None:
    alone = evidence(trials, chance, surprise)
    assert evidence_given_orders(trials, chance, surprise, occasions, 0, rate, 1.0) == alone
    assert evidence_given_orders(trials, chance, surprise, occasions, 5, 0.0, 1.0) == alone
    assert evidence_given_orders(trials, chance, surprise, 0, 5, rate, 1.0) == alone


@given(
    trials=st.integers(1, 60),
    surprise=st.floats(0.1, 400.0),
    occasions=st.integers(1, 20),
    orders=st.integers(1, 60),
    more_orders=st.integers(0, 20),
    rate=st.floats(0.0, 1.0),
    more_rate=st.floats(0.0, 1.0),
    closer=st.floats(0.0, 3.0),
)
def test_evidence_falls_with_orders_together_and_with_the_share_of_them_claimed_for(
    trials: int,
    surprise: float,
    occasions: int,
    orders: int,
    more_orders: int,
    rate: float,
    more_rate: float,
    closer: float,
) -> None:
    occasions = min(occasions, trials)
    found = evidence_given_orders(trials, 0.05, surprise, occasions, orders, rate, closer)
    assert 0.0 <= found <= evidence(trials, 0.05, surprise) + 1e-7
    assert (
        evidence_given_orders(trials, 0.05, surprise, occasions, orders, rate + more_rate, closer)
        <= found + 1e-7
    )
    assert (
        evidence_given_orders(trials, 0.05, surprise, occasions, orders + more_orders, rate, closer)
        <= found + 1e-7
    )


def test_of_two_who_claim_for_all_they_order_together_only_what_is_closer_than_habit_counts() -> None:
    assert evidence_given_orders(10, 0.01, 500.0, 10, 10, 1.0, 0.0) == pytest.approx(0.0, abs=1e-6)
    left = evidence_given_orders(10, 0.01, 500.0, 10, 10, 1.0, 2.0)
    assert left == pytest.approx(gamma_by_hand(10, 20.0), abs=1e-6)
    assert 2.0 < left < 3.0
