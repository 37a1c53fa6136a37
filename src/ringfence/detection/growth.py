"""Growing a ring from a pair: evidence adds up over a group although no pair of it is significant."""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.closeness import Yardstick
from ringfence.detection.exposure import Exposure, together
from ringfence.detection.sharing import Sharing, holders_of
from ringfence.detection.tail import evidence, evidence_against_households
from ringfence.detection.timeline import Timeline, exposure_days, rank
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
    events: Longs
    """int64[k], how many events they were compared with."""


class Events(NamedTuple):
    """When a group's claims at one merchant lie together: e events in (merchant, time) order."""

    merchant: Longs
    """int64[e]"""
    begin: Floats
    """float64[e], day of the first claim."""
    end: Floats
    """float64[e], day of the last claim."""
    rate: Floats
    """float64[e], claims a day of strangers around the event."""


@njit(cache=True, nogil=True)
def claims_of(timeline: Timeline, group: Longs) -> Longs:
    """Give the positions of all claims of `group`, rising: int64."""
    total = 0
    for buyer in group:
        total += timeline.buyer_start[buyer + 1] - timeline.buyer_start[buyer]
    out = np.empty(total, np.int64)
    k = 0
    for buyer in group:
        for i in range(timeline.buyer_start[buyer], timeline.buyer_start[buyer + 1]):
            out[k] = timeline.of_buyer[i]
            k += 1
    out.sort()
    return out


@njit(cache=True, nogil=True)
def events(timeline: Timeline, yardstick: Yardstick, group: Longs, members: int) -> Events:
    """Find the group's events with at least `members` (1 or 2) of its buyers.

    The rate around an event leaves out the group's own claims, as the rate of a pair leaves out its two.
    """
    claims = claims_of(timeline, group)
    total = len(claims)
    merchants = np.empty(total, np.int64)
    begins, ends, rates = np.empty(total), np.empty(total), np.empty(total)
    found = 0
    reach = yardstick.reach
    i = 0
    merchant_first = 0
    while i < total:
        merchant = timeline.merchant[claims[i]]
        if i == 0 or timeline.merchant[claims[i - 1]] != merchant:
            merchant_first = i
        j = i + 1
        joint = members <= 1
        while (
            j < total
            and timeline.merchant[claims[j]] == merchant
            and timeline.day[claims[j]] - timeline.day[claims[j - 1]] <= yardstick.gap
        ):
            if timeline.buyer[claims[j]] != timeline.buyer[claims[i]]:
                joint = True
            j += 1
        if joint:
            begin, end = timeline.day[claims[i]], timeline.day[claims[j - 1]]
            own_near = own = 0
            x = merchant_first
            while x < total and timeline.merchant[claims[x]] == merchant:
                own += 1
                if begin - reach <= timeline.day[claims[x]] <= end + reach:
                    own_near += 1
                x += 1
            first, last = timeline.merchant_start[merchant], timeline.merchant_start[merchant + 1]
            here = timeline.day[first:last]
            near = np.searchsorted(here, end + reach, side="right") - np.searchsorted(here, begin - reach)
            everywhere = rank(timeline.clock, timeline.clock_index, end + reach, True) - rank(
                timeline.clock, timeline.clock_index, begin - reach, False
            )
            share = max(0.5, last - first - own - 0.5) * everywhere / len(timeline.day)
            merchants[found], begins[found], ends[found] = merchant, begin, end
            rates[found] = max(near - own_near - 1.0, share) / exposure_days(
                begin - reach, end + reach, timeline.span
            )
            found += 1
        i = j
    return Events(merchants[:found], begins[:found], ends[:found], rates[:found])


@njit(cache=True, nogil=True)
def strangers_at(
    yardstick: Yardstick, grain: float, rate: float, begin: float, end: float, day: float
) -> float:
    """Give how many strangers' claims chance puts as near to an event as a claim on `day` is."""
    apart = max(0.0, max(begin - day, day - end))
    return rate * max(end - begin + 2.0 * apart + grain, 2.0 * yardstick.closest)


@njit(cache=True, nogil=True)
def score_outsiders(timeline: Timeline, yardstick: Yardstick, group: Longs, scratch: Scratch) -> Outsiders:
    """Score every buyer outside `group` near one of its events, before multiplicity.

    Of all events and those of two members, the better is kept.
    """
    for buyer in group:
        scratch.stamp[buyer] = _INSIDE
    q0 = yardstick.strangers / len(timeline.buyer)
    who, decades, nats = np.empty(256, np.int64), np.empty(256), np.empty(256)
    merchants, compared = np.empty(256, np.int64), np.empty(256, np.int64)
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
                    merchants, compared = _wider(merchants), _wider(compared)
                at = found
                found += 1
                scratch.stamp[buyer] = at
                who[at], decades[at] = buyer, -1.0
            if score > decades[at]:
                decades[at], nats[at] = score, surprise
                merchants[at], compared[at] = scratch.merchants[buyer], len(those.merchant)
    for i in range(found):
        scratch.stamp[who[i]] = _OUTSIDE
    for buyer in group:
        scratch.stamp[buyer] = _OUTSIDE
    return Outsiders(who[:found], decades[:found], nats[:found], merchants[:found], compared[:found])


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
        furthest = min(yardstick.window, max(width / 2.0, yardstick.closest) + 1e-9)
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
) -> tuple[Outsiders, Floats]:
    """Score the outsiders of `group` after multiplicity.

    Returns them and float64[k], the decades that multiplicity took: for being one of all buyers, or of
    those who share as rare a value with the group.
    """
    outsiders = score_outsiders(timeline, yardstick, group, scratch)
    sharers, number = outsiders_sharing(sharing, group, yardstick.hub, scratch)
    everyone = math.log10(len(timeline.buyer_start) - 1)
    for i in range(len(sharers)):
        scratch.stamp[sharers[i]] = number[i]
    among = np.empty(len(outsiders.buyer))
    for i in range(len(among)):
        shared = scratch.stamp[outsiders.buyer[i]]
        among[i] = math.log10(shared) if shared > 0 else everyone
        outsiders.decades[i] -= among[i]
    for i in range(len(sharers)):
        scratch.stamp[sharers[i]] = _OUTSIDE
    return outsiders, among


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

    Buyers marked in `taken` (bool[n]) belong elsewhere. A buyer joins at -log10(joining_rate · size) decades.
    """
    group = np.array([min(a, b), max(a, b)], np.int64)
    total = seed
    for _ in range(growing.rounds):
        outsiders, among = candidates(timeline, sharing, yardstick, group, scratch)
        bar = -math.log10(growing.joining_rate * len(group))
        chosen = np.empty(len(among), np.int64)
        found = 0
        best = -1
        for i in range(len(among)):
            if outsiders.decades[i] < bar or taken[outsiders.buyer[i]]:
                continue
            _discount(timeline, exposure, yardstick, group, outsiders, among, i)
            if outsiders.decades[i] < bar:
                continue
            chosen[found] = i
            found += 1
            if best < 0 or _is_better(outsiders, i, best):
                best = i
        if found == 0:
            break
        if len(group) < growing.single_joins_below:
            chosen[0] = best
            found = 1
        larger = np.empty(len(group) + found, np.int64)
        larger[: len(group)] = group
        for i in range(found):
            larger[len(group) + i] = outsiders.buyer[chosen[i]]
            total += outsiders.decades[chosen[i]]
        larger.sort()
        group = larger
    return group, total


@njit(cache=True, nogil=True)
def _discount(
    timeline: Timeline,
    exposure: Exposure,
    yardstick: Yardstick,
    group: Longs,
    outsiders: Outsiders,
    among: Floats,
    i: int,
) -> None:
    """Score outsider `i` again if it shops together with the group more than chance."""
    buyer = outsiders.buyer[i]
    lift, share = together(exposure, buyer, group)
    if lift <= 1.0 and share <= 0.0:
        return
    claims = timeline.buyer_start[buyer + 1] - timeline.buyer_start[buyer]
    chance = outsiders.events[i] * yardstick.strangers / len(timeline.buyer)
    outsiders.decades[i] = (
        evidence_against_households(claims, chance, lift, share, outsiders.nats[i], outsiders.merchants[i])
        - among[i]
    )
    if len(group) >= 3:
        outsiders.decades[i] -= _EITHER_KIND


@njit(cache=True, nogil=True)
def _is_better(outsiders: Outsiders, i: int, j: int) -> bool:
    if outsiders.decades[i] != outsiders.decades[j]:
        return outsiders.decades[i] > outsiders.decades[j]
    return outsiders.buyer[i] < outsiders.buyer[j]


@njit(cache=True, nogil=True)
def covers_two_merchants(timeline: Timeline, yardstick: Yardstick, group: Longs) -> bool:
    """Say whether joint events cover two merchants, and two members have some at two merchants each."""
    those = events(timeline, yardstick, group, 2)
    if len(those.merchant) == 0 or those.merchant[0] == those.merchant[-1]:
        return False
    qualified = 0
    for buyer in group:
        last = -1
        merchants = 0
        for i in range(timeline.buyer_start[buyer], timeline.buyer_start[buyer + 1]):
            claim = timeline.of_buyer[i]
            if timeline.merchant[claim] == last:
                continue
            for x in range(len(those.merchant)):
                if (
                    those.merchant[x] == timeline.merchant[claim]
                    and those.begin[x] <= timeline.day[claim] <= those.end[x]
                ):
                    merchants += 1
                    last = timeline.merchant[claim]
                    break
        if merchants >= 2:
            qualified += 1
    return qualified >= 2
