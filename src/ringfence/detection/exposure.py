"""Orders as exposure: buyers who shop together will claim together, and are no ring for it."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.timeline import Timeline, starts
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.market import Floats, Ints, Longs, Orders

CLAIMED_WITHIN_DAYS = 60.0
"""Delivery takes days and a claim may wait for weeks; orders older than this led to no claim."""


class Exposure(NamedTuple):
    """The orders that say how buyers shop where they never claimed, in (merchant, time) order."""

    of_buyer: Ints
    """int32[K], positions of orders by (buyer, position)."""
    buyer_start: Longs
    """int64[n + 1]"""
    begin: Ints
    """int32[K], the first order at the same merchant within the time that counts as together."""
    end: Ints
    """int32[K], the one after the last."""
    claims: Longs
    """int64[n], how many claims each buyer filed."""
    smoothing: float
    """Added to both sides of the ratio of orders together, seen over expected."""


def expose(
    orders: Orders | None, timeline: Timeline, first_moment: int, together_days: float, smoothing: float
) -> Exposure:
    """Keep the orders of claimants at merchants someone claimed at, but for those the buyer may have claimed.

    `orders` are numbered as the timeline's buyers and merchants are, whose day 0 is `first_moment` (µs);
    None gives an exposure without orders, which discounts nothing. An order counts as claimed if the buyer
    claimed at that merchant within the next `CLAIMED_WITHIN_DAYS`: what a ring orders for its hits must not
    excuse them, and what an office orders all year must.
    """
    buyers, merchants = len(timeline.buyer_start) - 1, len(timeline.merchant_start) - 1
    claims = np.diff(timeline.buyer_start)
    if orders is None or len(orders) == 0:
        nothing = np.empty(0, np.int32)
        return Exposure(nothing, np.zeros(buyers + 1, np.int64), nothing, nothing, claims, smoothing)
    kept = ~_are_claimed(
        orders.buyer, orders.merchant, (orders.ordered_at - first_moment) / MICROSECONDS_A_DAY, timeline
    )
    kept &= claims[orders.buyer] > 0
    kept &= np.diff(timeline.merchant_start)[orders.merchant] > 0
    buyer, merchant, at = orders.buyer[kept], orders.merchant[kept], orders.ordered_at[kept]
    begin, end = np.empty(len(at), np.int32), np.empty(len(at), np.int32)
    _together(starts(merchant, merchants), at, int(together_days * MICROSECONDS_A_DAY), begin, end)
    return Exposure(
        np.argsort(buyer, kind="stable").astype(np.int32),
        starts(buyer, buyers),
        begin,
        end,
        claims,
        smoothing,
    )


@njit(cache=True, nogil=True)
def _are_claimed(buyer: Ints, merchant: Ints, day: Floats, timeline: Timeline) -> NDArray[np.bool_]:
    """Say, for each order, whether its buyer claimed at its merchant soon after."""
    out = np.zeros(len(buyer), np.bool_)
    for i in range(len(buyer)):
        for j in range(timeline.buyer_start[buyer[i]], timeline.buyer_start[buyer[i] + 1]):
            claim = timeline.of_buyer[j]
            if timeline.merchant[claim] == merchant[i]:
                out[i] |= 0.0 <= timeline.day[claim] - day[i] <= CLAIMED_WITHIN_DAYS
            elif timeline.merchant[claim] > merchant[i]:
                break
    return out


@njit(cache=True, nogil=True)
def _together(merchant_start: Longs, at: Longs, reach: int, begin: Ints, end: Ints) -> None:
    for merchant in range(len(merchant_start) - 1):
        first, last = merchant_start[merchant], merchant_start[merchant + 1]
        low = high = first
        for i in range(first, last):
            while at[low] < at[i] - reach:
                low += 1
            while high < last and at[high] <= at[i] + reach:
                high += 1
            begin[i], end[i] = low, high


@njit(cache=True, nogil=True)
def together(exposure: Exposure, buyer: int, group: Longs, is_household: bool) -> tuple[float, float]:
    """Say how much `buyer` shops together with `group` (int64[g]): (lift, share).

    The lift is (A + s) / (E + s), 1 at least: A orders of the buyer lie together with one of the group's; E
    are expected to if the group's orders were any orders: Σ 1 - exp(-others together · the group's share of
    all orders). The share is that of the buyer's claims to expect beside one of the group's for that alone:
    (A - E) / the buyer's orders, 0 unless A is at least 2 E (weekends and seasons bring everyone together a
    little) and 2, or 1 where a shared identifier makes a household likely (`is_household`), times the chance
    that who ordered together claims together. That lies between the group's claims an order, c, and 1, and
    is taken as √c.
    """
    orders = len(exposure.begin)
    first, last = exposure.buyer_start[buyer], exposure.buyer_start[buyer + 1]
    theirs = 0
    for other in group:
        theirs += exposure.buyer_start[other + 1] - exposure.buyer_start[other]
    if first == last or theirs == 0:
        return 1.0, 0.0
    positions = np.empty(theirs, np.int32)
    k = 0
    for other in group:
        for i in range(exposure.buyer_start[other], exposure.buyer_start[other + 1]):
            positions[k] = exposure.of_buyer[i]
            k += 1
    positions.sort()
    seen = 0
    expected = 0.0
    for i in range(first, last):
        own = exposure.of_buyer[i]
        begin, end = exposure.begin[own], exposure.end[own]
        near = np.searchsorted(positions, end) - np.searchsorted(positions, begin)
        if near > 0:
            seen += 1
        others = max(end - begin - near - 1, 0)
        expected += 1.0 - np.exp(-others * theirs / orders)
    lift = max(1.0, (seen + exposure.smoothing) / (expected + exposure.smoothing))
    if seen < (1 if is_household else 2) or seen < 2.0 * expected:
        return lift, 0.0
    claims = 0
    for other in group:
        claims += exposure.claims[other]
    return lift, (seen - expected) / (last - first) * np.sqrt(claims / (claims + theirs))
