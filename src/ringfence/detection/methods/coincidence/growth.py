"""Growing a ring from a pair: evidence adds up over a group although no pair of it is significant."""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.closeness import Yardstick, beyond_joint_orders
from ringfence.detection.events import Events, events, strangers_at
from ringfence.detection.exposure import Exposure, GroupOrders, expected_claims, orders_of
from ringfence.detection.occasions import Ties, tie_events
from ringfence.detection.sharing import Sharing, holders_of
from ringfence.detection.shopping import joint_orders, whom_beside
from ringfence.detection.tail import evidence, joining_decades
from ringfence.detection.taste import closest_events, surprise_beyond_taste
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Ints, Longs

_EITHER_KIND = math.log10(2.0)
"""Decades paid for looking at two kinds of event and keeping the better."""
_OUTSIDE, _INSIDE, _SHARES = -1, -2, -3


class Growing(NamedTuple):
    """The rules of growth, as the compiled functions take them."""

    joining_rate: float
    rounds: int
    single_joins_below: int


class Scratch(NamedTuple):
    """Working space of one thread; every function leaves it clean (`stamp` and `merchant` -1)."""

    stamp: Ints
    """int32[n]"""
    merchant: Ints
    """int32[n], the merchant whose coincidence `best` holds."""
    best: Floats
    """float64[n], nats of the closest coincidence at `merchant`."""
    nats: Floats
    """float64[n], nats of all merchants before."""
    merchants: Ints
    """int32[n], at how many merchants."""


def scratch(buyers: int) -> Scratch:
    """Make working space for `buyers` buyers."""
    return Scratch(
        np.full(buyers, -1, np.int32),
        np.full(buyers, -1, np.int32),
        np.zeros(buyers),
        np.zeros(buyers),
        np.zeros(buyers, np.int32),
    )


class Outsiders(NamedTuple):
    """Buyers outside a group who have a claim near one of its events: k of them, in no order."""

    buyer: Longs
    """int64[k]"""
    decades: Floats
    """float64[k], their evidence."""
    nats: Floats
    """float64[k], the surprise it comes from."""
    merchants: Longs
    """int64[k], at how many merchants."""
    members: Longs
    """int64[k], 1 if compared with all events of the group, 2 with those of two members or more."""
    events: Longs
    """int64[k], how many events that is."""
    sharers: Longs
    """int64[k], how many buyers outside the group share as rare a value with it; 0 if they share none."""


@njit(cache=True, nogil=True)
def score_outsiders(timeline: Timeline, yardstick: Yardstick, group: Longs, scratch: Scratch) -> Outsiders:
    """Score every buyer outside `group` near one of its events, before multiplicity.

    Of all events and those of two members, the better is kept. An upper bound: every merchant counts, on
    whatever occasion.
    """
    for buyer in group:
        scratch.stamp[buyer] = _INSIDE
    q0 = yardstick.strangers / len(timeline.buyer)
    who, decades, nats = np.empty(256, np.int64), np.empty(256), np.empty(256)
    merchants, compared = np.empty(256, np.int64), np.empty(256, np.int64)
    kind = np.empty(256, np.int64)
    found = 0
    for members in (1, 2):
        if members == 2 and len(group) < 3:
            break
        those = events(timeline, yardstick, group, members)
        for buyer in _coincide(timeline, yardstick, those, scratch):
            surprise = scratch.nats[buyer] + scratch.best[buyer]
            scratch.merchant[buyer] = -1
            claims = timeline.buyer_start[buyer + 1] - timeline.buyer_start[buyer]
            score = evidence(claims, len(those.merchant) * q0, surprise)
            if len(group) >= 3:
                score -= _EITHER_KIND
            at = scratch.stamp[buyer]
            if at == _OUTSIDE:
                if found == len(who):
                    who, decades, nats = _wider(who), _wider(decades), _wider(nats)
                    merchants, compared, kind = _wider(merchants), _wider(compared), _wider(kind)
                at = found
                found += 1
                scratch.stamp[buyer] = at
                who[at], decades[at] = buyer, -1.0
            if score > decades[at]:
                decades[at], nats[at], kind[at] = score, surprise, members
                merchants[at], compared[at] = scratch.merchants[buyer], len(those.merchant)
    for i in range(found):
        scratch.stamp[who[i]] = _OUTSIDE
    for buyer in group:
        scratch.stamp[buyer] = _OUTSIDE
    return Outsiders(
        who[:found],
        decades[:found],
        nats[:found],
        merchants[:found],
        kind[:found],
        compared[:found],
        np.zeros(found, np.int64),
    )


@njit(cache=True, nogil=True)
def _wider(column: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate((column, np.empty_like(column)))


@njit(cache=True, nogil=True)
def _coincide(timeline: Timeline, yardstick: Yardstick, those: Events, scratch: Scratch) -> Longs:
    """Add up, in `scratch`, the closest coincidence at each merchant of every outsider: int64[k]."""
    touched = np.empty(256, np.int64)
    found = 0
    grain = timeline.grain
    for x in range(len(those.merchant)):
        merchant, begin, end, rate = those.merchant[x], those.begin[x], those.end[x], those.rate[x]
        if strangers_at(yardstick, grain, rate, begin, end, begin) >= yardstick.strangers:
            continue
        # Further away than this, chance alone would put `strangers` claims.
        width = yardstick.strangers / rate - (end - begin) - grain
        furthest = min(yardstick.gap, max(width / 2.0, yardstick.closest) + 1e-9)
        first, last = timeline.merchant_start[merchant], timeline.merchant_start[merchant + 1]
        for i in range(first + np.searchsorted(timeline.day[first:last], begin - furthest), last):
            day = timeline.day[i]
            if day > end + furthest:
                break
            buyer = timeline.buyer[i]
            if scratch.stamp[buyer] == _INSIDE:
                continue
            strangers = strangers_at(yardstick, grain, rate, begin, end, day)
            if strangers >= yardstick.strangers:
                continue
            surprise = math.log(yardstick.strangers / strangers)
            if scratch.merchant[buyer] < 0:
                if found == len(touched):
                    touched = _wider(touched)
                touched[found] = buyer
                found += 1
                scratch.nats[buyer] = 0.0
                scratch.merchants[buyer] = 1
                scratch.merchant[buyer] = merchant
                scratch.best[buyer] = surprise
            elif scratch.merchant[buyer] != merchant:
                scratch.nats[buyer] += scratch.best[buyer]
                scratch.merchants[buyer] += 1
                scratch.merchant[buyer] = merchant
                scratch.best[buyer] = surprise
            elif surprise > scratch.best[buyer]:
                scratch.best[buyer] = surprise
    return touched[:found]


@njit(cache=True, nogil=True)
def outsiders_sharing(sharing: Sharing, group: Longs, hub: int, scratch: Scratch) -> tuple[Longs, Longs]:
    """List the buyers outside `group` who share a value with it, and how many share one as rare.

    Returns (buyer int64[k], number int64[k]). Values equally rare are taken together, so that their order
    never shows.
    """
    total = 0
    for buyer in group:
        total += sharing.value_start[buyer + 1] - sharing.value_start[buyer]
    keys = np.empty(total, np.int64)
    k = 0
    for buyer in group:
        scratch.stamp[buyer] = _INSIDE
        for i in range(sharing.value_start[buyer], sharing.value_start[buyer + 1]):
            holders = holders_of(sharing, sharing.value[i])
            if holders <= hub:
                keys[k] = (np.int64(holders) << 32) | sharing.value[i]
                k += 1
    keys = np.unique(keys[:k])
    who, number = np.empty(64, np.int64), np.empty(64, np.int64)
    found = level_first = 0
    for i in range(len(keys)):
        value = keys[i] & 0xFFFFFFFF
        for j in range(sharing.holder_start[value], sharing.holder_start[value + 1]):
            buyer = sharing.holder[j]
            if scratch.stamp[buyer] == _OUTSIDE:
                if found == len(who):
                    who, number = _wider(who), _wider(number)
                scratch.stamp[buyer] = _SHARES
                who[found] = buyer
                found += 1
        if i + 1 == len(keys) or (keys[i + 1] >> 32) != (keys[i] >> 32):
            number[level_first:found] = found
            level_first = found
    for i in range(found):
        scratch.stamp[who[i]] = _OUTSIDE
    for buyer in group:
        scratch.stamp[buyer] = _OUTSIDE
    return who[:found], number[:found]


@njit(cache=True, nogil=True)
def candidates(
    timeline: Timeline, sharing: Sharing, yardstick: Yardstick, group: Longs, scratch: Scratch
) -> tuple[Outsiders, Longs]:
    """Score the outsiders of `group` after multiplicity: for being one of all buyers, or of the sharers.

    Returns them and all who share a value with the group, rarest first: int64 buyers, of whom
    `Outsiders.sharers` counts the first.
    """
    outsiders = score_outsiders(timeline, yardstick, group, scratch)
    sharers, number = outsiders_sharing(sharing, group, yardstick.hub, scratch)
    for i in range(len(sharers)):
        scratch.stamp[sharers[i]] = number[i]
    for i in range(len(outsiders.buyer)):
        outsiders.sharers[i] = max(scratch.stamp[outsiders.buyer[i]], 0)
        outsiders.decades[i] -= _multiplicity(timeline, outsiders, i)
    for i in range(len(sharers)):
        scratch.stamp[sharers[i]] = _OUTSIDE
    return outsiders, sharers


@njit(cache=True, nogil=True)
def _multiplicity(timeline: Timeline, outsiders: Outsiders, i: int) -> float:
    """Give the decades for the buyers that outsider `i` was singled out from."""
    return math.log10(outsiders.sharers[i] if outsiders.sharers[i] > 0 else len(timeline.buyer_start) - 1)


class Compared(NamedTuple):
    """What buyers who may join a group are compared with."""

    all_events: Events
    all_ties: Ties
    joint_events: Events
    """Events of two members or more."""
    joint_ties: Ties
    orders: GroupOrders
    companions: Longs
    """int64[k] rising, as in `JointOrders`."""


@njit(cache=True, nogil=True)
def compare_with(timeline: Timeline, exposure: Exposure, yardstick: Yardstick, group: Longs) -> Compared:
    """Work out what outsiders of `group` are compared with."""
    all_events = events(timeline, yardstick, group, 1)
    joint_events = events(timeline, yardstick, group, 2)
    return Compared(
        all_events,
        tie_events(timeline, group, all_events),
        joint_events,
        tie_events(timeline, group, joint_events),
        orders_of(exposure, group),
        joint_orders(exposure, group).companions,
    )


@njit(cache=True, nogil=True)
def may_join(
    timeline: Timeline,
    sharing: Sharing,
    exposure: Exposure,
    yardstick: Yardstick,
    taken: NDArray[np.bool_],
    group: Longs,
    joining_rate: float,
    scratch: Scratch,
) -> tuple[Longs, Floats]:
    """Find who may join `group` and is not `taken`: (int64[k], decades float64[k])."""
    bar = joining_bar(len(group), joining_rate)
    outsiders, sharers = candidates(timeline, sharing, yardstick, group, scratch)
    passed = np.empty(len(outsiders.buyer), np.int64)
    found = 0
    for i in range(len(outsiders.buyer)):
        if outsiders.decades[i] >= bar and not taken[outsiders.buyer[i]]:
            passed[found] = i
            found += 1
    buyers, decades = np.empty(found, np.int64), np.empty(found)
    if found == 0:
        return buyers, decades
    compared = compare_with(timeline, exposure, yardstick, group)
    kept = 0
    for i in passed[:found]:
        score = _score_again(timeline, exposure, yardstick, group, compared, outsiders, sharers, i)
        if score >= bar:
            buyers[kept], decades[kept] = outsiders.buyer[i], score
            kept += 1
    return buyers[:kept], decades[:kept]


@njit(cache=True, nogil=True)
def joining_bar(size: int, joining_rate: float) -> float:
    """Give the decades that a buyer needs to join a group of `size`."""
    return -math.log10(joining_rate * max(size, 1))


@njit(cache=True, nogil=True)
def with_buyers(group: Longs, more: Longs) -> Longs:
    """Give `group` and `more`, rising."""
    larger = np.concatenate((group, more))
    larger.sort()
    return larger


@njit(cache=True, nogil=True)
def grow(
    timeline: Timeline,
    sharing: Sharing,
    exposure: Exposure,
    yardstick: Yardstick,
    growing: Growing,
    taken: NDArray[np.bool_],
    a: int,
    b: int,
    seed: float,
    scratch: Scratch,
) -> tuple[Longs, float]:
    """Grow the group {a, b} of evidence `seed`: (members int64[g] rising, evidence in decades).

    Buyers marked in `taken` (bool[n]) belong elsewhere.
    """
    group = np.array([min(a, b), max(a, b)], np.int64)
    total = seed
    for _ in range(growing.rounds):
        buyers, decades = may_join(
            timeline, sharing, exposure, yardstick, taken, group, growing.joining_rate, scratch
        )
        if len(buyers) == 0:
            break
        if len(group) < growing.single_joins_below:
            best = 0
            for i in range(1, len(buyers)):
                if decades[i] > decades[best] or (decades[i] == decades[best] and buyers[i] < buyers[best]):
                    best = i
            buyers, decades = buyers[best : best + 1], decades[best : best + 1]
        order = np.argsort(buyers)
        total += decades[order].sum()
        group = with_buyers(group, buyers)
    return group, total


@njit(cache=True, nogil=True)
def _score_again(
    timeline: Timeline,
    exposure: Exposure,
    yardstick: Yardstick,
    group: Longs,
    compared: Compared,
    outsiders: Outsiders,
    sharers: Longs,
    i: int,
) -> float:
    """Score outsider `i` by occasions instead of merchants, less what orders together and taste explain.

    A stranger was singled out from all buyers, or from those who share as rare a value; one who shops with
    the group from those who do so half as often.
    """
    buyer = outsiders.buyer[i]
    orders, rate = expected_claims(exposure, buyer, compared.orders, outsiders.sharers[i] > 0)
    those, ties = compared.all_events, compared.all_ties
    if outsiders.members[i] == 2:
        those, ties = compared.joint_events, compared.joint_ties
    alike = sharers[: outsiders.sharers[i]]
    near = closest_events(timeline, yardstick, those, buyer)
    nats, occasions = surprise_beyond_taste(timeline, yardstick, those, ties, near, buyer, alike)
    claims = timeline.buyer_start[buyer + 1] - timeline.buyer_start[buyer]
    chance = outsiders.events[i] * yardstick.strangers / len(timeline.buyer)
    among = _multiplicity(timeline, outsiders, i)
    whom = whom_beside(compared.companions, len(group), orders)
    closer = beyond_joint_orders(yardstick, near.closer, len(alike) > 0)
    decades = joining_decades(claims, chance, nats, occasions, orders, rate, closer, among, whom)
    return decades - _EITHER_KIND if len(group) >= 3 else decades
