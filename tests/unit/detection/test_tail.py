from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringfence.detection.tail import (
    MOST_DECADES,
    evidence,
    evidence_against_households,
)

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


def against_households_by_hand(
    trials: int, chance: float, share: float, surprise: float, merchants: int
) -> float:
    """Let h of the meetings be what was ordered together, and the rest chance: Σ_h Binom(h) · p(h)."""
    rest = [
        evidence_by_hand(trials - h, chance, surprise * (1.0 - h / merchants)) if h < merchants else 0.0
        for h in range(trials + 1)
    ]
    with localcontext() as context:
        context.prec = 60
        weights = binomial(trials, min(share, 1.0 - 1e-9))
        return decades(
            sum((w * Decimal(10) ** Decimal(-e) for w, e in zip(weights, rest, strict=True)), Decimal(0))
        )


@settings(max_examples=60)
@given(
    trials=st.integers(1, 60),
    chance=st.floats(1e-6, 0.5),
    lift=st.floats(1.0, 50.0),
    share=st.floats(1e-6, 1.0),
    surprise=st.floats(0.1, 200.0),
    data=st.data(),
)
def test_what_was_ordered_together_explains_as_many_meetings_and_chance_the_rest(
    trials: int, chance: float, lift: float, share: float, surprise: float, data: st.DataObject
) -> None:
    merchants = data.draw(st.integers(1, trials))
    expected = against_households_by_hand(trials, chance * lift, share, surprise, merchants)
    found = evidence_against_households(trials, chance, lift, share, surprise, merchants)
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("share", [1e-4, 0.01, 0.3])
def test_a_small_share_ordered_together_takes_little_from_overwhelming_evidence(share: float) -> None:
    expected = against_households_by_hand(30, 1e-3, share, 180.0, 30)
    assert evidence_against_households(30, 1e-3, 1.0, share, 180.0, 30) == pytest.approx(expected)
    assert expected > 15.0


def test_nothing_ordered_together_leaves_evidence_as_it_is() -> None:
    assert evidence_against_households(9, 0.01, 1.0, 0.0, 25.0, 3) == evidence(9, 0.01, 25.0)
    assert evidence_against_households(9, 0.01, 4.0, 0.0, 25.0, 3) == evidence(9, 0.04, 25.0)


@given(trials=st.integers(1, 60), share=st.floats(0.0, 1.0), lift=st.floats(1.0, 9.0))
def test_shopping_together_never_adds_evidence(trials: int, share: float, lift: float) -> None:
    alone = evidence(trials, 0.05, 25.0)
    assert evidence_against_households(trials, 0.05, lift, share, 25.0, min(3, trials)) <= alone + 1e-9


def test_two_who_place_all_orders_together_are_no_evidence_however_close_they_claim() -> None:
    assert evidence_against_households(10, 0.01, 1.0, 1.0, 500.0, 10) == pytest.approx(0.0, abs=1e-6)
