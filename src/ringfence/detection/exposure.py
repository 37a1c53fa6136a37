"""Orders as exposure: buyers who shop together will now and then claim together, and are no ring for it."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.timeline import Timeline, starts
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.market import Floats, Ints, Longs, Orders

NON_CLAIMANT = -1
"""The number of every buyer who never claimed."""


class Exposure(NamedTuple):
    """K orders, by anybody, at merchants somebody claimed at, in (merchant, time, buyer) order."""

    buyer: Ints
    """int32[K], `NON_CLAIMANT` for buyers who never claimed."""
    merchant: Ints
    """int32[K]"""
    day: Floats
    """float64[K], days from the first claim."""
    claimed: NDArray[np.bool_]
    """bool[K], whether its buyer claimed for it."""
    claimed_before: Longs
    """int64[K + 1], how many of the orders before were claimed for."""
    begin: Longs
    """int64[K], the first order at the same merchant within the time that counts as together."""
    end: Longs
    """int64[K], the one after the last."""
    of_buyer: Longs
    """int64, positions of claimants' orders by (buyer, position)."""
    buyer_start: Longs
    """int64[n + 1], where each claimant's orders begin in `of_buyer`."""
    rate: float
    """The share of all orders that were claimed for, those at merchants without claims included."""
    together: float
    """Days within which orders count as placed together."""


class GroupOrders(NamedTuple):
    """The orders of a group."""

    position: Longs
    """int64[k], rising positions in the exposure."""
    claimed_before: Longs
    """int64[k + 1], how many of those before were claimed for."""


class Beside(NamedTuple):
    """A buyer's units of orders near those of a group."""

    claimed: int
    """Those near an order that the group claimed for."""
    claimed_by_chance: float
    """How many such units chance makes, given when everybody orders where."""
    spared: int
    """Those near the group's orders that the buyer did not claim for."""
    spared_by_chance: float


def claimed_orders(
    orders: Orders | None, timeline: Timeline, first_moment: int
) -> tuple[NDArray[np.bool_], Floats]:
    """Match claims to orders: (bool[K], the orders claimed for; float64[N], when each claim's was placed).

    `orders` are numbered as the timeline's buyers and merchants are, `NON_CLAIMANT` allowed; day 0 is
    `first_moment` (µs). A claim is about the buyer's latest earlier order at that merchant that no other
    claim took, however long ago; NaN where there is none.
    """
    bought = np.full(len(timeline.buyer), np.nan)
    if orders is None or len(orders) == 0:
        return np.zeros(0, np.bool_), bought
    day = (orders.ordered_at - first_moment) / MICROSECONDS_A_DAY
    claimed = np.zeros(len(orders), np.bool_)
    of_buyer, buyer_start = _by_buyer(orders.buyer, len(timeline.buyer_start) - 1)
    _match(timeline, orders.merchant, day, of_buyer, buyer_start, claimed, bought)
    return claimed, bought


def expose(
    orders: Orders | None,
    claimed: NDArray[np.bool_],
    timeline: Timeline,
    first_moment: int,
    together_days: float,
) -> Exposure:
    """Lay out everyone's orders at merchants somebody claimed at.

    `claimed` is what `claimed_orders` returns. None gives an exposure without orders, which explains nothing.
    """
    buyers, merchants = len(timeline.buyer_start) - 1, len(timeline.merchant_start) - 1
    if orders is None or len(orders) == 0:
        nothing, nowhere = np.empty(0, np.int32), np.empty(0, np.int64)
        return Exposure(
            buyer=nothing,
            merchant=nothing,
            day=np.empty(0),
            claimed=np.empty(0, np.bool_),
            claimed_before=np.zeros(1, np.int64),
            begin=nowhere,
            end=nowhere,
            of_buyer=nowhere,
            buyer_start=np.zeros(buyers + 1, np.int64),
            rate=0.0,
            together=together_days,
        )
    kept = np.diff(timeline.merchant_start)[orders.merchant] > 0
    buyer, merchant, own_claimed = orders.buyer[kept], orders.merchant[kept], claimed[kept]
    day = (orders.ordered_at[kept] - first_moment) / MICROSECONDS_A_DAY
    begin, end = np.empty(len(day), np.int64), np.empty(len(day), np.int64)
    _together(starts(merchant, merchants), day, together_days, begin, end)
    before = np.zeros(len(day) + 1, np.int64)
    np.cumsum(own_claimed, out=before[1:])
    of_buyer, buyer_start = _by_buyer(buyer, buyers)
    return Exposure(
        buyer=buyer,
        merchant=merchant,
        day=day,
        claimed=own_claimed,
        claimed_before=before,
        begin=begin,
        end=end,
        of_buyer=of_buyer,
        buyer_start=buyer_start,
        rate=float(claimed.mean()),
        together=together_days,
    )


def claim_again(exposure: Exposure, timeline: Timeline) -> tuple[Exposure, Floats]:
    """Match other claims to the same orders: the exposure, and float64[N], when each claim's was placed.

    `timeline` has claims at the same merchants. The share of claimed orders stays what it was: it is a
    property of the marketplace.
    """
    bought = np.full(len(timeline.buyer), np.nan)
    if len(exposure.buyer) == 0:
        return exposure, bought
    claimed = np.zeros(len(exposure.buyer), np.bool_)
    _match(
        timeline, exposure.merchant, exposure.day, exposure.of_buyer, exposure.buyer_start, claimed, bought
    )
    before = np.zeros(len(claimed) + 1, np.int64)
    np.cumsum(claimed, out=before[1:])
    return exposure._replace(claimed=claimed, claimed_before=before), bought


def _by_buyer(buyer: Ints, buyers: int) -> tuple[Longs, Longs]:
    """Give positions by (buyer, position), non-claimants left out, and where each buyer's begin."""
    claimants = np.flatnonzero(buyer >= 0)
    own = buyer[claimants]
    return claimants[np.argsort(own, kind="stable")], starts(own, buyers)


@njit(cache=True, nogil=True)
def _match(
    timeline: Timeline,
    merchant: Ints,
    day: Floats,
    of_buyer: Longs,
    buyer_start: Longs,
    claimed: NDArray[np.bool_],
    bought: Floats,
) -> None:
    """Let each claim take the buyer's latest earlier order at its merchant that none before it took."""
    for buyer in range(len(buyer_start) - 1):
        p, end = buyer_start[buyer], buyer_start[buyer + 1]
        waiting = np.empty(end - p, np.int64)
        count = 0
        at_merchant = -1
        for i in range(timeline.buyer_start[buyer], timeline.buyer_start[buyer + 1]):
            claim = timeline.of_buyer[i]
            if timeline.merchant[claim] != at_merchant:
                at_merchant = timeline.merchant[claim]
                count = 0
                while p < end and merchant[of_buyer[p]] < at_merchant:
                    p += 1
            while (
                p < end and merchant[of_buyer[p]] == at_merchant and day[of_buyer[p]] <= timeline.day[claim]
            ):
                waiting[count] = of_buyer[p]
                count += 1
                p += 1
            if count > 0:
                count -= 1
                claimed[waiting[count]] = True
                bought[claim] = day[waiting[count]]


@njit(cache=True, nogil=True)
def _together(merchant_start: Longs, day: Floats, reach: float, begin: Longs, end: Longs) -> None:
    for merchant in range(len(merchant_start) - 1):
        first, last = merchant_start[merchant], merchant_start[merchant + 1]
        low = high = first
        for i in range(first, last):
            while day[low] < day[i] - reach:
                low += 1
            while high < last and day[high] <= day[i] + reach:
                high += 1
            begin[i], end[i] = low, high


@njit(cache=True, nogil=True)
def orders_of(exposure: Exposure, group: Longs) -> GroupOrders:
    """List the orders of `group` (int64[g] buyers)."""
    total = 0
    for buyer in group:
        total += exposure.buyer_start[buyer + 1] - exposure.buyer_start[buyer]
    position = np.empty(total, np.int64)
    k = 0
    for buyer in group:
        for i in range(exposure.buyer_start[buyer], exposure.buyer_start[buyer + 1]):
            position[k] = exposure.of_buyer[i]
            k += 1
    position.sort()
    claimed_before = np.zeros(total + 1, np.int64)
    for i in range(total):
        claimed_before[i + 1] = claimed_before[i] + (1 if exposure.claimed[position[i]] else 0)
    return GroupOrders(position, claimed_before)


@njit(cache=True, nogil=True)
def orders_beside(exposure: Exposure, buyer: int, group: GroupOrders, is_member: bool = False) -> Beside:
    """Count the units of `buyer` near the orders of a group.

    The buyer's orders at one merchant with no gap longer than what counts as together are a unit. A claim
    that was matched to a later unit, away from the group's, may be about one near theirs, which is then not
    spared. The orders of a buyer who `is_member` of the group are left out of the group's.
    """
    own = exposure.of_buyer[exposure.buyer_start[buyer] : exposure.buyer_start[buyer + 1]]
    theirs = len(group.position) - (len(own) if is_member else 0)
    theirs_claimed = group.claimed_before[-1]
    if is_member:
        for position in own:
            theirs_claimed -= 1 if exposure.claimed[position] else 0
    claimed = spared = 0
    claimed_by_chance = spared_by_chance = 0.0
    elsewhere = 0  # later units at the merchant that were claimed for, away from the group's
    last = len(own) - 1
    while last >= 0 and theirs > 0:
        is_claimed = exposure.claimed[own[last]]
        i = last
        while (
            i > 0
            and exposure.merchant[own[i - 1]] == exposure.merchant[own[last]]
            and exposure.day[own[i]] - exposure.day[own[i - 1]] <= exposure.together
        ):
            i -= 1
            is_claimed |= exposure.claimed[own[i]]
        if last + 1 == len(own) or exposure.merchant[own[last + 1]] != exposure.merchant[own[last]]:
            elsewhere = 0
        begin, end = exposure.begin[own[i]], exposure.end[own[last]]
        low, high = np.searchsorted(group.position, begin), np.searchsorted(group.position, end)
        near = high - low
        near_claimed = group.claimed_before[high] - group.claimed_before[low]
        if is_member:
            for position in own[np.searchsorted(own, begin) : np.searchsorted(own, end)]:
                near -= 1
                near_claimed -= 1 if exposure.claimed[position] else 0
        others = max(end - begin - near - (last + 1 - i), 0)
        claimed_by_chance += 1.0 - np.exp(-others * theirs_claimed / len(exposure.buyer))
        if near_claimed > 0:
            claimed += 1
        if is_claimed:
            if near == 0:
                elsewhere += 1
        else:
            spared_by_chance += 1.0 - np.exp(-others * theirs / len(exposure.buyer))
            if near > 0 and elsewhere > 0:
                elsewhere -= 1
            elif near > 0:
                spared += 1
        last = i - 1
    return Beside(claimed, claimed_by_chance, spared, spared_by_chance)


@njit(cache=True, nogil=True)
def expected_claims(
    exposure: Exposure, buyer: int, group: GroupOrders, is_household: bool, is_member: bool = False
) -> tuple[int, float]:
    """Say how many claims of `buyer` near a group's shopping together may cause: (trials, chance of each).

    Trials are the buyer's units near an order that the group claimed for; units that the group did not claim
    for are no trials, so decoys add none. The chance is everyone's share of claimed orders. There are no
    trials unless units that the buyer did not claim for, near the group's orders, witness that they shop
    together: two of them (one where a shared identifier makes a household likely) and twice what chance
    expects.
    """
    beside = orders_beside(exposure, buyer, group, is_member)
    few = beside.spared < (1 if is_household else 2) or beside.spared < 2.0 * beside.spared_by_chance
    if beside.claimed == 0 or few:
        return 0, 0.0
    return beside.claimed, exposure.rate
