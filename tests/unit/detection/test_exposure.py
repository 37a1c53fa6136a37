import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_markets import BUYERS, MERCHANTS, TICK, Row, groups, rows, timeline_of

from ringfence.detection.exposure import CLAIMED_WITHIN_DAYS, Exposure, expose, together
from ringfence.market import Orders

TOGETHER_DAYS, SMOOTHING = 2.0, 0.3


def orders_of(given_orders: list[Row]) -> Orders:
    columns = np.array(sorted((m, t, b) for m, t, b in given_orders), np.int64).reshape(-1, 3)
    return Orders(columns[:, 2].astype(np.int32), columns[:, 0].astype(np.int32), columns[:, 1] * TICK)


def exposure_of(claims: list[Row], given_orders: list[Row]) -> Exposure:
    first = min(tick for _, tick, _ in claims) * TICK
    return expose(orders_of(given_orders), timeline_of(claims), first, TOGETHER_DAYS, SMOOTHING)


def kept_by_hand(claims: list[Row], given_orders: list[Row]) -> list[Row]:
    """Leave out orders of buyers or at merchants without claims, and those claimed soon after."""
    buyers, merchants = {b for _, _, b in claims}, {m for m, _, _ in claims}
    return sorted(
        (m, t, b)
        for m, t, b in given_orders
        if b in buyers
        and m in merchants
        and not any(
            m == merchant and b == buyer and 0 <= tick - t <= 4 * CLAIMED_WITHIN_DAYS
            for merchant, tick, buyer in claims
        )
    )


@given(
    rows(most=12, ticks=400),
    st.lists(
        st.tuples(
            st.integers(0, MERCHANTS - 1),
            st.integers(-60, 100).map(lambda day: 4 * day) | st.integers(0, 40),
            st.integers(0, BUYERS - 1),
        ),
        max_size=40,
    ),
    st.integers(0, BUYERS - 1),
    groups(least=1),
)
def test_shopping_together_is_counted_against_its_chance(
    claims: list[Row], given_orders: list[Row], buyer: int, group: NDArray[np.int64]
) -> None:
    others = [b for b in group.tolist() if b != buyer] or [(buyer + 1) % BUYERS]
    kept = kept_by_hand(claims, given_orders)
    own = [order for order in kept if order[2] == buyer]
    theirs = [order for order in kept if order[2] in others]
    seen, expected = 0, 0.0
    for position, (merchant, tick, _) in enumerate(own):
        near = sum(m == merchant and abs(t - tick) <= 4 * TOGETHER_DAYS for m, t, _ in theirs)
        rest = [o for o in kept if o[2] not in others and o[2] != buyer]
        rest += own[:position] + own[position + 1 :]
        strangers = sum(m == merchant and abs(t - tick) <= 4 * TOGETHER_DAYS for m, t, _ in rest)
        seen += near > 0
        expected += 1.0 - math.exp(-strangers * len(theirs) / len(kept))
    lift, share = together(exposure_of(claims, given_orders), buyer, np.array(others, np.int64), False)
    if not own or not theirs:
        assert (lift, share) == (1.0, 0.0)
        return
    assert lift == pytest.approx(max(1.0, (seen + SMOOTHING) / (expected + SMOOTHING)))
    beyond_chance = max(0.0, seen - expected) / len(own)
    assert (share > 0.0) == (seen >= 2 and beyond_chance > 0.0)
    assert 0.0 <= share <= beyond_chance + 1e-9


def test_no_orders_discount_nothing() -> None:
    claims = [(0, 0, 0), (0, 1, 1)]
    for orders in (None, orders_of([])):
        exposure = expose(orders, timeline_of(claims), 0, TOGETHER_DAYS, SMOOTHING)
        assert together(exposure, 0, np.array([1], np.int64), False) == (1.0, 0.0)


def test_what_a_ring_orders_for_its_hits_does_not_excuse_them() -> None:
    claims = [(merchant, 100 + merchant, b) for merchant in range(3) for b in (0, 1)]
    bait = [(merchant, 60 + merchant, b) for merchant in range(3) for b in (0, 1)]
    assert len(exposure_of(claims, bait).begin) == 0
    long_before = [(m, t - int(4 * CLAIMED_WITHIN_DAYS), b) for m, t, b in bait]
    assert len(exposure_of(claims, long_before).begin) == len(bait)


def test_two_who_always_order_together_are_lifted_and_two_who_never_do_are_not() -> None:
    claims = [(merchant, 0, b) for merchant in range(MERCHANTS) for b in range(BUYERS)]
    orders = [(n % MERCHANTS, 100 + 40 * n + b % 2, b) for n in range(9) for b in (0, 1)]
    orders += [(n % MERCHANTS, 120 + 40 * n, 2) for n in range(9)]
    exposure = exposure_of(claims, orders)
    lift, share = together(exposure, 0, np.array([1], np.int64), False)
    assert lift > 10.0
    assert share > 0.3
    assert together(exposure, 0, np.array([2], np.int64), False) == (1.0, 0.0)


@pytest.mark.parametrize(("ticks_apart", "is_together"), [(8, True), (-8, True), (9, False), (-9, False)])
def test_orders_are_together_up_to_and_with_the_last_moment(ticks_apart: int, is_together: bool) -> None:
    claims = [(merchant, 0, b) for merchant in range(MERCHANTS) for b in (0, 1)]
    orders = [(n % MERCHANTS, 100 + 80 * n + ticks_apart * b, b) for n in range(5) for b in (0, 1)]
    lift, _ = together(exposure_of(claims, orders), 0, np.array([1], np.int64), False)
    assert (lift > 2.0) == is_together


def test_one_order_together_excuses_only_those_who_share_an_identifier() -> None:
    claims = [(merchant, 0, b) for merchant in range(MERCHANTS) for b in range(BUYERS)]
    orders = [(0, 300, 0), (0, 301, 1), (1, 500, 0), (2, 700, 1)]
    orders += [(n % MERCHANTS, 2000 + 90 * n, 2) for n in range(20)]
    exposure = exposure_of(claims, orders)
    assert together(exposure, 0, np.array([1], np.int64), False)[1] == 0.0
    assert together(exposure, 0, np.array([1], np.int64), True)[1] > 0.1
