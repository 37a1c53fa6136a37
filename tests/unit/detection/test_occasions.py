"""One occasion counts once: acts and checkouts, tied events, and the sums over them."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_markets import (
    BUYERS,
    MERCHANTS,
    Row,
    goods_of,
    groups,
    order_rows,
    rows,
    timeline_of,
    with_acts,
    yardstick_of,
    yardsticks,
)

from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import Events, events
from ringfence.detection.occasions import (
    Ties,
    are_tied,
    divide_occasions,
    number_occasions,
    same_occasion,
    sum_between_buyers,
    sum_with_events,
    tie_events,
    untied_events,
)
from ringfence.detection.timeline import Timeline

Group = NDArray[np.int64]
WIDTHS = st.integers(1, 40).map(lambda ticks: ticks / 4)
OCCASIONS: dict[str, Any] = {
    "given_rows": rows(ticks=60),
    "given_orders": order_rows(),
    "act_days": WIDTHS,
    "checkout_days": WIDTHS,
}


def occasions_by_hand(timeline: Timeline, when: list[float], width: float) -> set[frozenset[int]]:
    """Walk each buyer's claims in time: one opens an occasion, the others join it for less than `width`."""
    found: list[list[int]] = []
    for buyer in range(len(timeline.buyer_start) - 1):
        own = [i for i, b in enumerate(timeline.buyer.tolist()) if b == buyer]
        found += [[i] for i in own if math.isnan(when[i])]
        current: list[int] = []
        for i in sorted((i for i in own if not math.isnan(when[i])), key=lambda i: when[i]):
            if not current or when[i] - when[current[0]] >= width:
                current = []
                found.append(current)
            current.append(i)
    return {frozenset(claims) for claims in found}


def together(number: NDArray[np.int32]) -> set[frozenset[int]]:
    """Give the claims that share a number."""
    return {frozenset(np.flatnonzero(number == n).tolist()) for n in number.tolist()}


@given(rows(), st.lists(st.none() | st.integers(0, 40), min_size=40, max_size=40), WIDTHS)
def test_an_occasion_is_what_lies_less_than_its_width_after_its_first_claim(
    given_rows: list[Row], moments: list[int | None], width: float
) -> None:
    timeline = timeline_of(given_rows)
    when = [math.nan if tick is None else tick / 4 for tick in moments[: len(given_rows)]]
    number = number_occasions(timeline.of_buyer, timeline.buyer_start, np.array(when), width)
    assert together(number) == occasions_by_hand(timeline, when, width)


def test_a_buyer_who_claims_every_day_has_many_occasions_and_unknown_moments_are_alone() -> None:
    daily = timeline_of([(m % MERCHANTS, 3 * m, 0) for m in range(20)])
    acts = with_acts(daily, 1.0).act
    assert len(together(acts)) == 10, "two claims of one day and a half at most, never a chain"
    unknown = number_occasions(daily.of_buyer, daily.buyer_start, np.full(20, np.nan), 1e9)
    assert unknown.tolist() == list(range(20))


def test_claims_for_one_checkout_are_one_occasion_only_while_they_are_filed_soon_after_each_other() -> None:
    timeline = timeline_of([(merchant, 40 * merchant, 0) for merchant in range(MERCHANTS)])
    bought = np.zeros(len(timeline.day))
    checkout = number_occasions(timeline.of_buyer, timeline.buyer_start, bought, 1 / 24)
    assert len(together(checkout)) == 1

    def divided(width: float) -> set[frozenset[int]]:
        return together(
            divide_occasions(timeline.of_buyer, timeline.buyer_start, checkout, timeline.day, width)
        )

    assert divided(1e9) == together(checkout)
    assert divided(15.0) == occasions_by_hand(timeline, timeline.day.tolist(), 15.0)
    assert len(divided(5.0)) == MERCHANTS, "claims ten days apart are no occasion of five"


@given(rows(), st.permutations(range(40)), WIDTHS)
def test_occasions_do_not_depend_on_the_order_that_a_buyers_claims_are_listed_in(
    given_rows: list[Row], places: list[int], width: float
) -> None:
    timeline = timeline_of(given_rows)
    shuffled = [i for i in places if i < len(given_rows)]
    listed = np.array(sorted(shuffled, key=lambda i: int(timeline.buyer[i])), np.int32)
    one = number_occasions(timeline.of_buyer, timeline.buyer_start, timeline.day, width)
    other = number_occasions(listed, timeline.buyer_start, timeline.day, width)
    assert together(one) == together(other)


def claims_in(timeline: Timeline, those: Events, x: int, buyer: int) -> list[int]:
    """List the claims of `buyer` that lie in event `x`."""
    return [
        i
        for i in range(len(timeline.buyer))
        if timeline.buyer[i] == buyer
        and timeline.merchant[i] == those.merchant[x]
        and those.begin[x] <= timeline.day[i] <= those.end[x]
    ]


def tied_by_hand(timeline: Timeline, group: Group, those: Events) -> set[tuple[int, int]]:
    """Compare all claims of every member in every two events."""
    found = set()
    inside = [
        {b: own for b in group.tolist() if (own := claims_in(timeline, those, x, b))}
        for x in range(len(those.merchant))
    ]
    for x, y in itertools.combinations(range(len(inside)), 2):
        in_both_at_once = sum(
            any(same_occasion(timeline, i, j) for i, j in itertools.product(inside[x][b], inside[y][b]))
            for b in inside[x].keys() & inside[y].keys()
        )
        if in_both_at_once and in_both_at_once >= min(len(inside[x]), len(inside[y])) / 2:
            found.add((x, y))
    return found


def tied(ties: Ties) -> set[tuple[int, int]]:
    return {(x, y) for x, y in itertools.combinations(range(ties.events), 2) if are_tied(ties, x, y)}


@given(**OCCASIONS, yardstick=yardsticks(), group=groups(), members=st.sampled_from([1, 2]))
def test_events_are_tied_by_half_the_claimants_of_the_smaller_one(
    given_rows: list[Row],
    given_orders: list[Row],
    act_days: float,
    checkout_days: float,
    yardstick: Yardstick,
    group: Group,
    members: int,
) -> None:
    timeline, _ = goods_of(given_rows, given_orders, act_days, checkout_days)
    those = events(timeline, yardstick, group, members)
    ties = tie_events(timeline, group, those)
    expected = tied_by_hand(timeline, group, those)
    assert tied(ties) == expected
    assert {(int(key) // ties.events, int(key) % ties.events) for key in ties.pair} == expected
    for x, y in itertools.product(range(ties.events), repeat=2):
        assert are_tied(ties, x, y) == are_tied(ties, y, x)
        assert are_tied(ties, x, y) or x != y


@pytest.mark.parametrize("touched", [63, 64, 65, 90])
def test_one_act_at_very_many_merchants_ties_all_of_its_events(touched: int) -> None:
    act = [(merchant, 400 + merchant % 4, buyer) for merchant in range(touched) for buyer in (0, 1)]
    elsewhere = [
        (merchant, 480 + 40 * (merchant % 3) + buyer, buyer) for merchant in range(6) for buyer in (0, 1)
    ]
    timeline = with_acts(timeline_of([*act, *elsewhere], merchants=touched), 1.0)
    group = np.array([0, 1])
    those = events(timeline, yardstick_of(), group, 2)
    assert len(those.merchant) == touched + len(elsewhere) // 2
    ties = tie_events(timeline, group, those)
    assert tied(ties) == tied_by_hand(timeline, group, those)
    bundle = np.flatnonzero(those.begin < 4.0)
    assert len(untied_events(ties, bundle)) == 1
    assert len(untied_events(ties, np.arange(len(those.merchant)))) == 1 + 3


@given(**OCCASIONS, yardstick=yardsticks(), group=groups())
def test_untied_events_are_chosen_in_order_and_leave_out_only_what_is_tied(
    given_rows: list[Row],
    given_orders: list[Row],
    act_days: float,
    checkout_days: float,
    yardstick: Yardstick,
    group: Group,
) -> None:
    timeline, _ = goods_of(given_rows, given_orders, act_days, checkout_days)
    those = events(timeline, yardstick, group, 1)
    ties = tie_events(timeline, group, those)
    by_hand: list[int] = []
    order = np.arange(ties.events)[::-1].copy()
    for x in order.tolist():
        if not any(are_tied(ties, x, y) for y in by_hand):
            by_hand.append(x)
    assert untied_events(ties, order).tolist() == by_hand


NATS = st.lists(st.integers(1, 40).map(lambda n: n / 8), min_size=40, max_size=40)


@given(**OCCASIONS, nats=NATS, drawn=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=30))
def test_of_coincidences_of_two_buyers_on_one_occasion_of_either_the_strongest_counts(
    given_rows: list[Row],
    given_orders: list[Row],
    act_days: float,
    checkout_days: float,
    nats: list[float],
    drawn: list[tuple[int, int]],
) -> None:
    timeline, _ = goods_of(given_rows, given_orders, act_days, checkout_days)
    claims = [np.flatnonzero(timeline.buyer == b).tolist() for b in (0, 1)]
    meetings = [(claims[0][i], claims[1][j]) for i, j in drawn if i < len(claims[0]) and j < len(claims[1])]
    own, other = (np.array([m[side] for m in meetings], np.int64) for side in (0, 1))
    worth = np.array(nats[: len(meetings)])
    chosen: list[int] = []
    for i in sorted(range(len(meetings)), key=lambda i: -worth[i]):
        if not any(
            same_occasion(timeline, own[i], own[j]) or same_occasion(timeline, other[i], other[j])
            for j in chosen
        ):
            chosen.append(i)
    total, count = sum_between_buyers(timeline, own, other, worth)
    assert count == len(chosen)
    assert total == pytest.approx(sum(worth[chosen]))
    assert total <= worth.sum() + 1e-9
    occasions = [
        {(name, int(number[i])) for name, number in (("act", timeline.act), ("checkout", timeline.checkout))}
        for pair in meetings
        for i in pair
    ]
    if len(set().union(*occasions)) == 4 * len(meetings):
        assert count == len(meetings)


@given(
    **OCCASIONS,
    yardstick=yardsticks(),
    group=groups(),
    nats=NATS,
    drawn=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=30),
)
def test_of_coincidences_with_events_of_one_occasion_the_strongest_counts(
    given_rows: list[Row],
    given_orders: list[Row],
    act_days: float,
    checkout_days: float,
    yardstick: Yardstick,
    group: Group,
    nats: list[float],
    drawn: list[tuple[int, int]],
) -> None:
    timeline, _ = goods_of(given_rows, given_orders, act_days, checkout_days)
    those = events(timeline, yardstick, group, 1)
    ties = tie_events(timeline, group, those)
    claims = np.flatnonzero(timeline.buyer == BUYERS - 1).tolist()
    meetings = [(claims[i], x) for i, x in drawn if i < len(claims) and x < ties.events]
    own, event = (np.array([m[side] for m in meetings], np.int64) for side in (0, 1))
    worth = np.array(nats[: len(meetings)])
    chosen: list[int] = []
    for i in sorted(range(len(meetings)), key=lambda i: -worth[i]):
        if not any(
            same_occasion(timeline, own[i], own[j]) or are_tied(ties, event[i], event[j]) for j in chosen
        ):
            chosen.append(i)
    total, count = sum_with_events(timeline, ties, own, event, worth)
    assert count == len(chosen)
    assert total == pytest.approx(sum(worth[chosen]))
    assert total <= worth.sum() + 1e-9


def test_coincidences_on_occasions_that_all_differ_are_all_added_up() -> None:
    timeline = timeline_of([(m, 100 * m + b, b) for m in range(MERCHANTS) for b in range(3)])
    own, other, third = (np.flatnonzero(timeline.buyer == b) for b in range(3))
    worth = np.array([3.0, 1.0, 4.0, 1.5])
    assert sum_between_buyers(timeline, own, other, worth) == (9.5, 4)
    group = np.array([0, 1])
    ties = tie_events(timeline, group, events(timeline, yardstick_of(), group, 2))
    assert sum_with_events(timeline, ties, third, np.arange(4), worth) == (9.5, 4)


def test_of_a_chain_of_occasions_half_the_weight_remains() -> None:
    """Each coincidence shares an act with the next: by buyer 0, by buyer 1, by buyer 0 and so on."""
    timeline = timeline_of([(m % MERCHANTS, 40 * m, b) for m in range(8) for b in (0, 1)])
    by_time = np.argsort(timeline.day, kind="stable")
    own, other = (by_time[timeline.buyer[by_time] == b] for b in (0, 1))
    act = timeline.act.copy()
    for i in range(7):
        claims = own if i % 2 else other
        act[claims[i + 1]] = act[claims[i]]
    total, count = sum_between_buyers(timeline._replace(act=act), own, other, np.arange(8.0, 0.0, -1.0))
    assert (total, count) == (8.0 + 6.0 + 4.0 + 2.0, 4)
