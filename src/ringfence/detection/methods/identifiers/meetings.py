"""Meetings: claims of two holders of a value that lie together at a merchant."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.closeness import Yardstick, as_near
from ringfence.detection.exposure import Exposure, expected_claims, orders_of
from ringfence.detection.methods.identifiers.chance import meeting_evidence
from ringfence.detection.occasions import same_occasion
from ringfence.detection.timeline import Timeline, exposure_days, rank
from ringfence.market import Floats, Ints, Longs

_MOST_REPEATS = 8
"""Claims of one buyer at one merchant that a claim is compared with, to see whether it repeats one."""
_MOST_CHOSEN = 512
"""Meetings that are added up: this many leave no doubt, and more would cost the square of their number."""


class Meetings(NamedTuple):
    """The k meetings of a group, in timeline order."""

    one: Longs
    """int64[k], position in the timeline of the earlier claim."""
    other: Longs
    """int64[k], position of the next claim of the group at that merchant, another buyer's."""
    nats: Floats
    """float64[k], how surprising each is."""
    expected: float
    """How many meetings chance makes."""

    def take(self, kept: NDArray[np.int64] | NDArray[np.bool_]) -> "Meetings":
        """Give those of the meetings, with what chance makes unchanged."""
        return Meetings(self.one[kept], self.other[kept], self.nats[kept], self.expected)


@njit(cache=True, nogil=True)
def find_meetings(timeline: Timeline, yardstick: Yardstick, group: Longs) -> Meetings:
    """Find the meetings of `group` (int64[g] buyers).

    A meeting is two consecutive claims, of two members, with fewer than `strangers` claims expected as near.
    The rate of strangers leaves out the group's own claims, and rises with the group's taste for the
    merchant: how much oftener than everybody it claims there without meeting. What a member files in one act
    or buys in one checkout at a merchant counts once.
    """
    claims, is_repeat = _own_claims(timeline, group)
    total = len(claims)
    expected = _expected(timeline, yardstick, group)
    if not _lie_together(timeline, yardstick, claims):
        nowhere = np.empty(0, np.int64)
        return Meetings(nowhere, nowhere, np.empty(0), expected)
    everybody = len(timeline.buyer)
    one, other, nats = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total)
    met = np.zeros(total, np.bool_)
    found = i = 0
    while i < total:
        merchant = timeline.merchant[claims[i]]
        j = i
        while j < total and timeline.merchant[claims[j]] == merchant:
            j += 1
        first, last = timeline.merchant_start[merchant], timeline.merchant_start[merchant + 1]
        first_here = found
        before = i
        for x in range(i + 1, j):
            if is_repeat[x]:
                continue
            if timeline.buyer[claims[before]] != timeline.buyer[claims[x]]:
                near = _expected_as_near(
                    timeline, yardstick, claims[i:j], first, last, claims[before], claims[x]
                )
                if near < yardstick.strangers:
                    one[found], other[found], nats[found] = claims[before], claims[x], near
                    met[before] = met[x] = True
                    found += 1
            before = x
        if found > first_here:
            apart = 0
            for x in range(i, j):
                if not met[x] and not is_repeat[x]:
                    apart += 1
            taste = max(1.0, (apart + 1.0) / (total * (last - first) / everybody + 1.0))
            kept = first_here
            for x in range(first_here, found):
                near = nats[x] * taste
                if near < yardstick.strangers:
                    one[kept], other[kept] = one[x], other[x]
                    nats[kept] = math.log(yardstick.strangers / near)
                    kept += 1
            found = kept
        i = j
    return Meetings(one[:found].copy(), other[:found].copy(), nats[:found].copy(), expected)


@njit(cache=True, nogil=True)
def _own_claims(timeline: Timeline, group: Longs) -> tuple[Longs, NDArray[np.bool_]]:
    """List the positions of all claims of `group`, rising, and which repeat an earlier one.

    A claim repeats another of its buyer at its merchant if both are of one act or checkout.
    """
    total = 0
    for buyer in group:
        total += timeline.buyer_start[buyer + 1] - timeline.buyer_start[buyer]
    packed = np.empty(total, np.int64)
    k = 0
    for buyer in group:
        first, merchant = k, -1
        for i in range(timeline.buyer_start[buyer], timeline.buyer_start[buyer + 1]):
            claim = int(timeline.of_buyer[i])
            if timeline.merchant[claim] != merchant:
                first, merchant = k, int(timeline.merchant[claim])
            repeats = 0
            for y in range(k - 1, max(first, k - 1 - _MOST_REPEATS) - 1, -1):
                if same_occasion(timeline, int(packed[y] >> 1), claim):
                    repeats = 1
                    break
            packed[k] = (claim << 1) | repeats
            k += 1
    packed.sort()
    return packed >> 1, (packed & 1) == 1


@njit(cache=True, nogil=True)
def _lie_together(timeline: Timeline, yardstick: Yardstick, claims: Longs) -> bool:
    """Say whether any two consecutive claims, of two buyers at one merchant, can be a meeting."""
    for x in range(1, len(claims)):
        if (
            timeline.merchant[claims[x]] == timeline.merchant[claims[x - 1]]
            and timeline.buyer[claims[x]] != timeline.buyer[claims[x - 1]]
            and timeline.day[claims[x]] - timeline.day[claims[x - 1]] <= yardstick.window
        ):
            return True
    return False


@njit(cache=True, nogil=True)
def _expected_as_near(
    timeline: Timeline, yardstick: Yardstick, own: Longs, first: int, last: int, one: int, other: int
) -> float:
    """Give how many strangers' claims chance puts as near as two claims of a group lie, inf if out of reach.

    `own` are the group's claims at the merchant, whose claims are `first` to `last` - 1.
    """
    apart = timeline.day[other] - timeline.day[one]
    if apart > yardstick.window:
        return np.inf
    begin, end = timeline.day[one] - yardstick.reach, timeline.day[other] + yardstick.reach
    own_near = _claims_before(timeline, own, end, True) - _claims_before(timeline, own, begin, False)
    here = timeline.day[first:last]
    near = np.searchsorted(here, end, side="right") - np.searchsorted(here, begin) - own_near
    everywhere = rank(timeline.clock, timeline.clock_index, end, True) - rank(
        timeline.clock, timeline.clock_index, begin, False
    )
    share = max(0.5, last - first - len(own) - 0.5) * everywhere / len(timeline.day)
    rate = max(float(near), share) / exposure_days(begin, end, timeline.span)
    return as_near(rate, apart, timeline.grain, yardstick.closest)


@njit(cache=True, nogil=True)
def _claims_before(timeline: Timeline, own: Longs, day: float, at_too: bool) -> int:
    """Count those of a group's claims at one merchant before `day`, those at it included if `at_too`."""
    low, high = 0, len(own)
    while low < high:
        middle = (low + high) >> 1
        its = timeline.day[own[middle]]
        if its < day or (at_too and its == day):
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _expected(timeline: Timeline, yardstick: Yardstick, group: Longs) -> float:
    """Give how many meetings chance makes: for every two claims of two members, `strangers` in N."""
    pairs = before = 0.0
    for buyer in group:
        claims = timeline.buyer_start[buyer + 1] - timeline.buyer_start[buyer]
        pairs += before * claims
        before += claims
    return pairs * yardstick.strangers / len(timeline.buyer)


@njit(cache=True, nogil=True)
def most_evidence(
    timeline: Timeline, yardstick: Yardstick, start: Longs, member: Ints, among: Floats
) -> Floats:
    """Give the most decades that each group can reach: float64[G], with every meeting counted.

    `start`, `member` and `among` are those of `Groups`. Groups that never met have `-among`.
    """
    out = np.empty(len(among))
    for group in range(len(among)):
        met = find_meetings(timeline, yardstick, member[start[group] : start[group + 1]].astype(np.int64))
        out[group] = meeting_evidence(met.expected, met.nats.sum()) - among[group]
    return out


@njit(cache=True, nogil=True)
def untied_meetings(timeline: Timeline, met: Meetings) -> Longs:
    """Choose meetings, strongest first, one an occasion: rising int64 positions in `met`.

    A meeting is left out if one of its two buyers was in a chosen one at another merchant in the same act or
    checkout: what one buyer does in one act is one fact.
    """
    order = np.argsort(-met.nats, kind="mergesort")
    # What is compared is looked up once: positions are spread over all claims.
    merchant = timeline.merchant[met.one]
    sides = (met.one, met.other)
    buyer = np.empty((2, len(order)), np.int32)
    act, checkout = np.empty_like(buyer), np.empty_like(buyer)
    for side in range(2):
        buyer[side] = timeline.buyer[sides[side]]
        act[side] = timeline.act[sides[side]]
        checkout[side] = timeline.checkout[sides[side]]
    chosen = np.empty(min(len(order), _MOST_CHOSEN), np.int64)
    count = 0
    for x in order:
        is_free = True
        for i in range(count):
            y = chosen[i]
            if merchant[x] == merchant[y]:
                continue
            for side in range(4):
                mine, theirs = side >> 1, side & 1
                if buyer[mine, x] == buyer[theirs, y] and (
                    act[mine, x] == act[theirs, y] or checkout[mine, x] == checkout[theirs, y]
                ):
                    is_free = False
            if not is_free:
                break
        if is_free:
            chosen[count] = x
            count += 1
            if count == len(chosen):
                break
    return np.sort(chosen[:count])


@njit(cache=True, nogil=True)
def meetings_by_orders(exposure: Exposure, group: Longs) -> float:
    """Give how many meetings of `group` (int64[g]) to expect of orders placed together.

    Summed over pairs: the orders of one near those the other claimed for, each claimed for at everyone's
    rate. The side that gives more counts.
    """
    expected = 0.0
    for i in range(len(group)):
        mine = orders_of(exposure, group[i : i + 1])
        for j in range(i):
            theirs = orders_of(exposure, group[j : j + 1])
            trials, rate = expected_claims(exposure, group[i], theirs, True)
            others, other_rate = expected_claims(exposure, group[j], mine, True)
            expected += max(trials * rate, others * other_rate)
    return expected
