import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_markets import (
    BUYERS,
    MERCHANTS,
    Held,
    Row,
    counts_of,
    goods_of,
    holdings,
    order_rows,
    rarest_by_hand,
    rows,
    sharing_of,
    timeline_of,
    yardstick_of,
    yardsticks,
)

from ringfence.detection.closeness import Yardstick, as_near, pair_rate
from ringfence.detection.exposure import Exposure, expected_claims, orders_of
from ringfence.detection.occasions import same_occasion
from ringfence.detection.pair_evidence import pair_occasions, score_pairs
from ringfence.detection.pairs import Pairs, find_pairs
from ringfence.detection.sharing import multiplicities
from ringfence.detection.tail import evidence_given_orders
from ringfence.detection.timeline import Timeline

EVERYTHING = -50.0
"""A bar that no pair fails, unless it can be no seed."""
WIDTHS = st.integers(1, 40).map(lambda ticks: ticks / 4)


def occasions_by_hand(timeline: Timeline, yardstick: Yardstick, a: int, b: int) -> tuple[float, int, float]:
    """Compare every claim with every other, keep the closest at each merchant, and one an occasion."""
    near, everywhere = counts_of(timeline, yardstick.reach)
    claims = [np.flatnonzero(timeline.buyer == buyer).tolist() for buyer in (a, b)]
    best: dict[int, tuple[float, int, int]] = {}
    for i, j in itertools.product(*claims):
        apart = abs(timeline.day[i] - timeline.day[j])
        merchant = int(timeline.merchant[i])
        if merchant != timeline.merchant[j] or apart > yardstick.window:
            continue
        rate = pair_rate(timeline, yardstick, near, everywhere, min(i, j), max(i, j))
        strangers = as_near(rate, apart, timeline.grain, yardstick.closest)
        if strangers < yardstick.strangers:
            nats = math.log(yardstick.strangers / strangers)
            if merchant not in best or nats > best[merchant][0]:
                best[merchant] = nats, i, j
    total, chosen = 0.0, list[tuple[int, int]]()
    for nats, i, j in sorted((best[m] for m in sorted(best)), key=lambda each: -each[0]):
        if not any(same_occasion(timeline, i, x) or same_occasion(timeline, j, y) for x, y in chosen):
            total += nats
            chosen.append((i, j))
    habits = [nearer_than_habit_by_hand(timeline, yardstick, i, j) for _, i, j in best.values()]
    return total, len(chosen), sum(habits) / max(len(habits), 1)


def nearer_than_habit_by_hand(timeline: Timeline, yardstick: Yardstick, i: int, j: int) -> float:
    width = 2.0 * abs(timeline.day[i] - timeline.day[j]) + timeline.grain
    return max(0.0, math.log(yardstick.habit / max(width, 2.0 * yardstick.closest)))


@given(rows(), order_rows(), WIDTHS, WIDTHS, yardsticks())
def test_a_pairs_coincidences_are_the_closest_at_each_merchant_one_an_occasion(
    given_rows: list[Row],
    given_orders: list[Row],
    act_days: float,
    checkout_days: float,
    yardstick: Yardstick,
) -> None:
    timeline, _ = goods_of(given_rows, given_orders, act_days, checkout_days)
    near, everywhere = counts_of(timeline, yardstick.reach)
    nats, occasions, closer = pair_occasions(timeline, yardstick, near, everywhere, 0, 1)
    expected = occasions_by_hand(timeline, yardstick, 0, 1)
    assert nats == pytest.approx(expected[0])
    assert occasions == expected[1]
    assert closer == pytest.approx(expected[2])


def scored(
    timeline: Timeline, exposure: Exposure, held: Held, yardstick: Yardstick, bar: float
) -> tuple[Pairs, Pairs]:
    """Give the pairs by their upper bounds, and those that reach the bar after scoring."""
    sharing = sharing_of(held)
    near, everywhere = counts_of(timeline, yardstick.reach)
    among = multiplicities(sharing, yardstick.hub)
    with ThreadPoolExecutor(2) as pool:
        bounds = find_pairs(timeline, sharing, among, yardstick, near, everywhere, EVERYTHING, pool)
        return bounds, score_pairs(bounds, timeline, exposure, yardstick, near, everywhere, bar, pool)


@given(rows(), order_rows(), WIDTHS, holdings(), yardsticks(), st.floats(-3.0, 2.0))
def test_pairs_are_scored_by_occasions_and_orders_never_above_their_bound(
    given_rows: list[Row],
    given_orders: list[Row],
    act_days: float,
    held: Held,
    yardstick: Yardstick,
    bar: float,
) -> None:
    timeline, exposure = goods_of(given_rows, given_orders, act_days)
    bounds, found = scored(timeline, exposure, held, yardstick, EVERYTHING)
    bound = dict(
        zip(zip(bounds.a.tolist(), bounds.b.tolist(), strict=True), bounds.score.tolist(), strict=True)
    )
    everyone = math.log10(BUYERS * (BUYERS - 1) / 2)
    expected: dict[tuple[int, int], float] = {}
    for (a, b), multiplicity in zip(bound, bounds.multiplicity.tolist(), strict=True):
        is_household = rarest_by_hand(held, a, b, yardstick.hub) > 0 and multiplicity < everyone - 1e-9
        nats, occasions, closer = occasions_by_hand(timeline, yardstick, a, b)
        closer = 0.0 if is_household else closer
        if occasions < (1 if is_household else 2):
            continue
        filed = [timeline.buyer.tolist().count(buyer) for buyer in (a, b)]
        chance = max(filed) * yardstick.strangers / len(timeline.buyer)
        sides = []
        for own, partner, trials in ((a, b, filed[0]), (b, a, filed[1])):
            if trials == min(filed):
                theirs = orders_of(exposure, np.array([partner]))
                orders, rate = expected_claims(exposure, own, theirs, is_household)
                sides.append(evidence_given_orders(trials, chance, nats, occasions, orders, rate, closer))
        expected[a, b] = min(sides) - multiplicity
    pairs = list(zip(found.a.tolist(), found.b.tolist(), strict=True))
    assert sorted(pairs) == sorted(expected)
    for pair, score in zip(pairs, found.score.tolist(), strict=True):
        assert score == pytest.approx(expected[pair], abs=1e-3)
        assert score <= bound[pair] + 1e-3
    _, kept = scored(timeline, exposure, held, yardstick, bar)
    assert kept.score.tolist() == found.score[found.score >= bar].tolist()


def bundle(members: int, apart: int) -> list[Row]:
    """Let members claim at every merchant, `apart` ticks between merchants, on a quiet marketplace."""
    hits = [(m, 400 + apart * m + b, b) for m in range(MERCHANTS) for b in range(members)]
    return [*hits, *((m, 37 * i + m, 3 + i % 3) for m in range(MERCHANTS) for i in range(30))]


def test_a_bundle_lost_at_once_is_no_pair_unless_something_is_shared() -> None:
    for apart, found in ((0, []), (60, [(0, 1)])):
        timeline, exposure = goods_of(bundle(2, apart), [])
        bounds, pairs = scored(timeline, exposure, {}, yardstick_of(), EVERYTHING)
        assert (0, 1) in zip(bounds.a.tolist(), bounds.b.tolist(), strict=True)
        assert [p for p in zip(pairs.a.tolist(), pairs.b.tolist(), strict=True) if p == (0, 1)] == found
    timeline, exposure = goods_of(bundle(2, 0), [])
    _, sharing = scored(timeline, exposure, {(0, 0): {0, 1}}, yardstick_of(), EVERYTHING)
    best = np.flatnonzero((sharing.a == 0) & (sharing.b == 1))
    assert sharing.occasions[best].tolist() == [1]


def test_without_orders_and_on_occasions_that_all_differ_the_bound_is_the_score() -> None:
    claims = bundle(3, 60)
    timeline = timeline_of(claims)
    _, exposure = goods_of(claims, [])
    bounds, found = scored(timeline, exposure, {(0, 0): {0, 1, 2}}, yardstick_of(), EVERYTHING)
    assert len(found) == len(bounds) > 2
    assert found.score.tolist() == pytest.approx(bounds.score.tolist(), abs=1e-3)
