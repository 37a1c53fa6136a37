from itertools import pairwise, permutations
from math import exp, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.evaluation import Proportion, poisson_upper_bound, rank_quality

ranked_buyers = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6)


def every_order(buyers: list[tuple[int, bool]]) -> list[list[bool]]:
    """The truth down the ranking, for each order of the buyers that the scores allow."""
    return [
        [is_fraud for _, is_fraud in order]
        for order in permutations(buyers)
        if all(first[0] >= second[0] for first, second in pairwise(order))
    ]


def measure(buyers: list[tuple[int, bool]], depths: tuple[int, ...] = (1, 2, 3, 4, 5, 6)):  # type: ignore[no-untyped-def]
    scores = np.array([score for score, _ in buyers], float)
    return rank_quality(scores, np.array([is_fraud for _, is_fraud in buyers], bool), depths)


@settings(deadline=None)
@given(ranked_buyers)
def test_precision_at_a_depth_is_its_mean_over_all_orders_of_the_tied(buyers: list[tuple[int, bool]]) -> None:
    orders = every_order(buyers)
    for depth, value in measure(buyers).precision_at.items():
        if depth > len(buyers):
            assert value is None
        else:
            assert value == pytest.approx(np.mean([np.mean(order[:depth]) for order in orders]))


@settings(deadline=None)
@given(ranked_buyers)
def test_average_precision_is_its_mean_over_all_orders_of_the_tied(buyers: list[tuple[int, bool]]) -> None:
    def average_precision(order: list[bool]) -> float:
        return float(np.mean([np.mean(order[: place + 1]) for place, hit in enumerate(order) if hit]))

    value = measure(buyers).average_precision
    if not any(is_fraud for _, is_fraud in buyers):
        assert value is None
    else:
        assert value == pytest.approx(np.mean([average_precision(order) for order in every_order(buyers)]))


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40))
def test_roc_auc_counts_the_pairs_in_the_right_order(buyers: list[tuple[int, bool]]) -> None:
    fraud = [score for score, is_fraud in buyers if is_fraud]
    honest = [score for score, is_fraud in buyers if not is_fraud]
    value = measure(buyers).roc_auc
    if not fraud or not honest:
        assert value is None
    else:
        wins = [(bad > good) + (bad == good) / 2 for bad in fraud for good in honest]
        assert value == pytest.approx(np.mean(wins))


def test_a_perfect_ranking_has_only_ones() -> None:
    figures = measure([(9, True), (8, True), (1, False), (0, False)], (2, 4))
    assert (figures.average_precision, figures.roc_auc) == (1.0, 1.0)
    assert figures.precision_at == {2: 1.0, 4: 0.5}
    assert figures.base_rate == 0.5


def test_a_constant_score_is_worth_the_base_rate() -> None:
    figures = measure([(1, place < 30) for place in range(100)], (10, 100))
    assert figures.roc_auc == 0.5
    assert figures.precision_at == {10: pytest.approx(0.3), 100: pytest.approx(0.3)}


def test_nobody_ranked_leaves_every_figure_undefined() -> None:
    figures = measure([])
    assert (figures.base_rate, figures.average_precision, figures.roc_auc) == (None, None, None)
    assert set(figures.precision_at.values()) == {None}


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_wilson_interval_is_where_the_normal_test_does_not_reject(hits: int, misses: int) -> None:
    share = Proportion(hits, hits + misses)
    if share.interval is None:
        assert (hits, misses, share.value) == (0, 0, None)
        return
    for bound in share.interval:
        assert 0.0 <= bound <= 1.0
        if 0.0 < bound < 1.0:
            deviation = abs(hits / share.total - bound)
            assert deviation == pytest.approx(1.959964 * (bound * (1 - bound) / share.total) ** 0.5, rel=1e-4)
    assert share.interval[0] <= hits / share.total <= share.interval[1]


def test_the_wilson_interval_has_its_published_value() -> None:
    assert Proportion(81, 263).interval == pytest.approx((0.2553, 0.3662), abs=5e-5)


@given(st.integers(0, 30), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_poisson_bound_leaves_the_stated_chance(events: int, confidence: float) -> None:
    bound = poisson_upper_bound(events, confidence)
    chance = sum(exp(-bound) * bound**count / factorial(count) for count in range(events + 1))
    assert chance == pytest.approx(1 - confidence)
