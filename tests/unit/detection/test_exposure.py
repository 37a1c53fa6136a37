import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_markets import (
    BUYERS,
    MERCHANTS,
    TICK,
    TOGETHER_DAYS,
    Row,
    chains,
    goods_of,
    groups,
    near,
    order_rows,
    orders_of_rows,
    rows,
    timeline_of,
)

from ringfence.detection.exposure import (
    NON_CLAIMANT,
    Exposure,
    claimed_orders,
    expected_claims,
    expose,
    orders_beside,
    orders_of,
)

Group = NDArray[np.int64]
TOGETHER = int(4 * TOGETHER_DAYS)
"""Ticks."""


def claimed_by_hand(claims: list[Row], given_orders: list[Row]) -> tuple[list[bool], list[float]]:
    """Say which orders were claimed for, and when the goods of each claim were ordered (tick, NaN)."""
    ordered = sorted(given_orders)
    taken = [False] * len(ordered)
    bought = []
    for merchant, tick, buyer in sorted(claims):
        earlier = [
            i
            for i, (m, t, b) in enumerate(ordered)
            if (m, b) == (merchant, buyer) and t <= tick and not taken[i]
        ]
        if earlier:
            taken[earlier[-1]] = True
        bought.append(float(ordered[earlier[-1]][1]) if earlier else math.nan)
    return taken, bought


@given(rows(ticks=400), order_rows())
def test_a_claim_is_about_the_latest_earlier_order_that_no_other_claim_took(
    claims: list[Row], given_orders: list[Row]
) -> None:
    first = min(tick for _, tick, _ in claims)
    claimed, bought = claimed_orders(orders_of_rows(given_orders), timeline_of(claims), first * TICK)
    taken, moments = claimed_by_hand(claims, given_orders)
    assert claimed.tolist() == taken
    np.testing.assert_array_equal(bought, [(tick - first) / 4 for tick in moments])


def test_an_order_is_claimed_for_however_late_and_by_its_own_buyer_alone() -> None:
    claims = [(0, 4 * 400, 0), (0, 4 * 401, 1)]
    orders = orders_of_rows([(0, 0, 0), (1, 1500, 1), (0, 4 * 402, 1), (0, 10, NON_CLAIMANT)])
    claimed, bought = claimed_orders(orders, timeline_of(claims), 1600 * TICK)
    assert claimed.tolist() == [True, False, False, False]
    np.testing.assert_array_equal(bought, [-400.0, math.nan])


@given(rows(ticks=400), order_rows())
def test_all_orders_at_merchants_with_claims_are_exposure_whoever_placed_them(
    claims: list[Row], given_orders: list[Row]
) -> None:
    first = min(tick for _, tick, _ in claims)
    _, exposure = goods_of(claims, given_orders)
    taken, _ = claimed_by_hand(claims, given_orders)
    shops = {m for m, _, _ in claims}
    kept = [
        (m, t, b, is_taken)
        for (m, t, b), is_taken in zip(sorted(given_orders), taken, strict=True)
        if m in shops
    ]
    assert exposure.merchant.tolist() == [m for m, _, _, _ in kept]
    assert exposure.day.tolist() == [(t - first) / 4 for _, t, _, _ in kept]
    assert exposure.buyer.tolist() == [b for _, _, b, _ in kept]
    assert exposure.claimed.tolist() == [is_taken for *_, is_taken in kept]
    assert np.diff(exposure.claimed_before).tolist() == [int(is_taken) for *_, is_taken in kept]
    assert exposure.rate == (pytest.approx(sum(taken) / len(taken)) if taken else 0.0)
    for i, (merchant, tick, _, _) in enumerate(kept):
        near = [j for j, (m, t, _, _) in enumerate(kept) if m == merchant and abs(t - tick) <= TOGETHER]
        assert list(range(exposure.begin[i], exposure.end[i])) == near
    for buyer in range(BUYERS):
        own = exposure.of_buyer[exposure.buyer_start[buyer] : exposure.buyer_start[buyer + 1]]
        assert own.tolist() == [i for i, (_, _, b, _) in enumerate(kept) if b == buyer]


@given(rows(), order_rows(), groups(least=1))
def test_the_orders_of_a_group_stand_in_their_order_with_those_claimed_for_counted(
    claims: list[Row], given_orders: list[Row], group: Group
) -> None:
    _, exposure = goods_of(claims, given_orders)
    found = orders_of(exposure, group)
    assert found.position.tolist() == np.flatnonzero(np.isin(exposure.buyer, group)).tolist()
    before = [0, *np.cumsum(exposure.claimed[found.position]).tolist()]
    assert found.claimed_before.tolist() == before


def near_claimed_orders(exposure: Exposure, buyer: int, others: list[int]) -> int:
    """Count the buyer's units near an order that the others claimed for."""
    own = np.flatnonzero(exposure.buyer == buyer).tolist()
    return sum(bool(exposure.claimed[near(exposure, unit, others)].any()) for unit in chains(own, exposure))


def without(group: Group, buyer: int) -> list[int]:
    return [b for b in group.tolist() if b != buyer] or [(buyer + 1) % BUYERS]


@given(rows(most=20, ticks=400), order_rows(), st.integers(0, BUYERS - 1), groups(least=1), st.booleans())
def test_units_near_orders_that_the_group_claimed_for_are_trials_once_others_witness(
    claims: list[Row], given_orders: list[Row], buyer: int, group: Group, is_household: bool
) -> None:
    others = without(group, buyer)
    _, exposure = goods_of(claims, given_orders)
    strangers = [b for b in {*exposure.buyer.tolist()} if b not in others and b != buyer]
    theirs = np.flatnonzero(np.isin(exposure.buyer, others)).tolist()
    own = np.flatnonzero(exposure.buyer == buyer).tolist()
    witnesses, chance = 0, 0.0
    elsewhere: Counter[int] = Counter()
    for unit in reversed(list(chains(own, exposure))):
        shop, is_near = int(exposure.merchant[unit[0]]), bool(near(exposure, unit, others))
        if exposure.claimed[unit].any():
            elsewhere[shop] += not is_near
        else:
            if is_near and elsewhere[shop]:
                elsewhere[shop] -= 1
            else:
                witnesses += is_near
            beside = len(near(exposure, unit, strangers))
            chance += 1.0 - math.exp(-beside * len(theirs) / len(exposure.buyer))
    assume(abs(witnesses - 2.0 * chance) > 1e-9 or witnesses == 0)
    trials, rate = expected_claims(exposure, buyer, orders_of(exposure, np.array(others)), is_household)
    enough = witnesses >= (1 if is_household else 2) and witnesses >= 2.0 * chance
    expected = near_claimed_orders(exposure, buyer, others)
    if not enough or not expected:
        assert (trials, rate) == (0, 0.0)
    else:
        assert (trials, rate) == (expected, exposure.rate)


@given(rows(most=20, ticks=400), order_rows(), st.integers(0, BUYERS - 1), groups(least=1))
def test_what_chance_puts_near_claimed_orders_follows_from_how_much_everybody_orders_there(
    claims: list[Row], given_orders: list[Row], buyer: int, group: Group
) -> None:
    others = without(group, buyer)
    _, exposure = goods_of(claims, given_orders)
    strangers = [b for b in {*exposure.buyer.tolist()} if b not in others and b != buyer]
    claimed = int(exposure.claimed[np.isin(exposure.buyer, others)].sum())
    own = np.flatnonzero(exposure.buyer == buyer).tolist()
    chance = sum(
        1.0 - math.exp(-len(near(exposure, unit, strangers)) * claimed / len(exposure.buyer))
        for unit in chains(own, exposure)
    )
    theirs = np.isin(exposure.buyer, others).any()
    beside = orders_beside(exposure, buyer, orders_of(exposure, np.array(others)))
    assert beside.claimed_by_chance == pytest.approx(chance if theirs else 0.0)
    assert beside.claimed == near_claimed_orders(exposure, buyer, others)
    together = orders_of(exposure, np.array(sorted({*others, buyer})))
    assert orders_beside(exposure, buyer, together, True) == beside


DECOYS = st.lists(
    st.tuples(st.integers(0, MERCHANTS - 1), st.integers(-60, 500).map(lambda day: 4 * day)), max_size=20
)


@given(rows(most=20, ticks=400), order_rows(), st.integers(0, BUYERS - 1), groups(least=1), DECOYS)
def test_joint_orders_that_nobody_claimed_for_never_add_trials(
    claims: list[Row], given_orders: list[Row], buyer: int, group: Group, places: list[tuple[int, int]]
) -> None:
    others = without(group, buyer)
    _, exposure = goods_of(claims, given_orders)
    first = min(tick for _, tick, _ in claims)
    claimed = [
        (int(exposure.merchant[i]), round(4 * exposure.day[i]) + first)
        for i in np.flatnonzero(exposure.claimed).tolist()
    ]
    last = max(tick for _, tick, _ in claims)
    decoys = [
        (merchant, last + 1 + abs(tick), b)
        for merchant, tick in places
        for b in (buyer, *others)
        if all(m != merchant or abs(t - last - 1 - abs(tick)) > TOGETHER for m, t in claimed)
    ]
    _, with_decoys = goods_of(claims, [*given_orders, *decoys])
    trials, _ = expected_claims(with_decoys, buyer, orders_of(with_decoys, np.array(others)), True)
    assert trials <= near_claimed_orders(exposure, buyer, others)


@given(rows(most=20), order_rows(), st.integers(0, BUYERS - 1), groups(least=1))
def test_without_a_witness_there_are_no_trials(
    claims: list[Row], given_orders: list[Row], buyer: int, group: Group
) -> None:
    others = without(group, buyer)
    claims = [*claims, *((m, t, b) for m, t, b in given_orders if b == buyer and t >= 0)]
    orders = [(m, t, b) for m, t, b in given_orders if b != buyer or t >= 0]
    _, exposure = goods_of(claims, orders)
    assume(exposure.claimed[exposure.buyer == buyer].all())
    for is_household in (True, False):
        theirs = orders_of(exposure, np.array(others))
        assert expected_claims(exposure, buyer, theirs, is_household) == (0, 0.0)


def test_an_order_that_a_claim_matched_to_a_later_one_may_be_about_is_no_witness() -> None:
    day = 4
    together = [(shop, 0, buyer) for shop in (0, 1) for buyer in (0, 1)]
    again = [(shop, 60 * day, 0) for shop in (0, 1)]
    claims = [(shop, 70 * day, 1) for shop in (0, 1)]
    own = [(shop, 70 * day, 0) for shop in (0, 1)]
    for filed, expected in ((claims, 2), (claims + own, 0)):
        _, exposure = goods_of([*filed, (2, 0, 0)], together + again)
        trials, _ = expected_claims(exposure, 0, orders_of(exposure, np.array([1])), True)
        assert trials == expected


def test_no_orders_explain_nothing() -> None:
    claims = [(0, 0, 0), (0, 1, 1)]
    timeline = timeline_of(claims)
    for orders in (None, orders_of_rows([])):
        claimed, bought = claimed_orders(orders, timeline, 0)
        assert np.isnan(bought).all()
        exposure = expose(orders, claimed, timeline, 0, TOGETHER_DAYS)
        assert expected_claims(exposure, 0, orders_of(exposure, np.array([1])), True) == (0, 0.0)


def hits(count: int, ordered_before: int) -> tuple[list[Row], list[Row]]:
    """Let 0 and 1 claim together `count` times for what they ordered so many ticks before."""
    claims = [(n % MERCHANTS, 1000 + 100 * n + b, b) for n in range(count) for b in (0, 1)]
    return claims, [(m, t - ordered_before, b) for m, t, b in claims]


def crowd() -> list[Row]:
    return [(n % MERCHANTS, 7 * n, NON_CLAIMANT) for n in range(400)]


@pytest.mark.parametrize("ordered_before", [4, 40, 300])
def test_what_a_ring_orders_for_its_hits_excuses_them_neither_soon_nor_late(ordered_before: int) -> None:
    claims, goods = hits(6, ordered_before)
    _, exposure = goods_of(claims, [*goods, *crowd()])
    assert exposure.claimed.sum() == len(claims)
    assert expected_claims(exposure, 0, orders_of(exposure, np.array([1])), True) == (0, 0.0)


@pytest.mark.parametrize("decoys", [3, 10, 30])
def test_joint_decoys_bear_witness_but_stay_no_trials(decoys: int) -> None:
    claims, goods = hits(6, 40)
    bait = [(n % MERCHANTS, 3000 + 40 * n + b, b) for n in range(decoys) for b in (0, 1)]
    _, exposure = goods_of(claims, [*goods, *bait, *crowd()])
    trials, rate = expected_claims(exposure, 0, orders_of(exposure, np.array([1])), False)
    assert trials == 6
    assert rate == pytest.approx(12 / (12 + 2 * decoys + 400))


@pytest.mark.parametrize(("ticks_apart", "trials"), [(8, 5), (-8, 5), (9, 0), (-9, 0)])
def test_orders_are_together_up_to_and_with_the_last_moment(ticks_apart: int, trials: int) -> None:
    orders = [(n % MERCHANTS, 100 + 80 * n + ticks_apart * b, b) for n in range(10) for b in (0, 1)]
    claims = [(n % MERCHANTS, 130 + 80 * n, b) for n in range(5) for b in (0, 1)]
    _, exposure = goods_of(claims, [*orders, *crowd()])
    assert exposure.claimed.sum() == 10
    assert expected_claims(exposure, 0, orders_of(exposure, np.array([1])), False)[0] == trials


def test_one_spared_joint_order_is_witness_enough_only_of_those_who_share_an_identifier() -> None:
    claims, goods = hits(6, 40)
    _, exposure = goods_of(claims, [*goods, (0, 3000, 0), (0, 3001, 1), *crowd()])
    theirs = orders_of(exposure, np.array([1]))
    assert expected_claims(exposure, 0, theirs, False) == (0, 0.0)
    assert expected_claims(exposure, 0, theirs, True) == (6, exposure.rate)


def test_orders_as_near_as_a_crowds_are_no_witness() -> None:
    claims, goods = hits(6, 40)
    spared = [(0, 3000 + 40 * n + b, b) for n in range(4) for b in (0, 1)]
    throng = [(0, 3000 + 40 * n + i % 5, NON_CLAIMANT) for n in range(4) for i in range(150)]
    _, quiet = goods_of(claims, [*goods, *spared, *crowd()])
    _, busy = goods_of(claims, [*goods, *spared, *crowd(), *throng])
    assert expected_claims(quiet, 0, orders_of(quiet, np.array([1])), False)[0] == 6
    assert expected_claims(busy, 0, orders_of(busy, np.array([1])), False) == (0, 0.0)
