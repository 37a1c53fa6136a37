"""Occasions: what one buyer does in one act is one fact, however many merchants it touches."""

from typing import NamedTuple

import numpy as np
from numba import njit

from ringfence.detection.events import Events, claims_of
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Ints, Longs

_MOST_IN_ACT = 64
"""Events that one act of one buyer ties pair by pair; an act that touches more ties all of them at once."""
_MOST_CHOSEN = 512
"""Coincidences that are added up; so many leave no doubt, and more would cost the square of their number."""


class Ties(NamedTuple):
    """Which events of a group are tied: their claimants were in both on one occasion."""

    events: int
    """How many events there are."""
    pair: Longs
    """int64[k], rising: x · events + y (x < y) of tied events."""
    crowded: Longs
    """int64[events], the number of an occasion that touches very many of the events, or -1."""


@njit(cache=True, nogil=True)
def number_occasions(of_buyer: Ints, buyer_start: Longs, when: Floats, width: float) -> Ints:
    """Give int32[N]: claims of one buyer share a number when less than `width` days after the first of them.

    `of_buyer` and `buyer_start` are those of `Timeline`; `when` is float64[N], the day each claim counts
    from, NaN where unknown (alone). A window from its first claim, not a chain: a buyer who claims every day
    has many occasions.
    """
    number = np.arange(len(when)).astype(np.int32)
    for buyer in range(len(buyer_start) - 1):
        own = of_buyer[buyer_start[buyer] : buyer_start[buyer + 1]]
        if len(own) < 2:
            continue
        day = when[own]
        order = np.argsort(day, kind="mergesort")  # NaN last
        first = order[0]
        for i in order[1:]:
            if day[i] - day[first] < width:
                number[own[i]] = own[first]
            else:
                first = i
    return number


@njit(cache=True, nogil=True)
def divide_occasions(of_buyer: Ints, buyer_start: Longs, number: Ints, when: Floats, width: float) -> Ints:
    """Divide occasions so that `when` (float64[N], no NaN) of each spans less than `width` days: int32[N].

    A window from the first claim of each, as in `number_occasions`.
    """
    divided = number.copy()
    for buyer in range(len(buyer_start) - 1):
        own = of_buyer[buyer_start[buyer] : buyer_start[buyer + 1]]
        if len(own) < 2:
            continue
        own = own[np.argsort(when[own], kind="mergesort")]
        own = own[np.argsort(number[own], kind="mergesort")]
        first = own[0]
        for claim in own[1:]:
            if number[claim] != number[first] or when[claim] - when[first] >= width:
                first = claim
            divided[claim] = first
    return divided


@njit(cache=True, nogil=True)
def tie_events(timeline: Timeline, group: Longs, those: Events) -> Ties:
    """Find the events that half the claimants of the smaller one attended together with the other.

    A claimant ties two events by claims of one act or of one checkout.
    """
    return tie_events_among(timeline, claims_of(timeline, group), those)


@njit(cache=True, nogil=True)
def tie_events_among(timeline: Timeline, claims: Longs, those: Events) -> Ties:
    """Tie events of a group, given all its `claims` (rising positions) at their merchants."""
    count = len(those.merchant)
    claim, event = _in_events(timeline, claims, those)
    attended = np.unique((event << 32) | timeline.buyer[claim])
    claimants = np.bincount(attended >> 32, minlength=count)
    crowded = np.full(count, -1)
    pair, buyer = np.empty(64, np.int64), np.empty(64, np.int64)
    found = 0
    for number in (timeline.act, timeline.checkout):
        # An occasion belongs to one buyer, so equal numbers mean one buyer on one occasion.
        marks = np.unique((number[claim].astype(np.int64) << 32) | event)
        i = 0
        while i < len(marks):
            j = i + 1
            while j < len(marks) and marks[j] >> 32 == marks[i] >> 32:
                j += 1
            if j - i > _MOST_IN_ACT:
                for k in range(i, j):
                    crowded[marks[k] & 0xFFFFFFFF] = marks[k] >> 32
            else:
                for high in range(i + 1, j):
                    for low in range(i, high):
                        if found == len(pair):
                            pair = np.concatenate((pair, np.empty_like(pair)))
                            buyer = np.concatenate((buyer, np.empty_like(buyer)))
                        pair[found] = (marks[low] & 0xFFFFFFFF) * count + (marks[high] & 0xFFFFFFFF)
                        buyer[found] = timeline.buyer[marks[i] >> 32]
                        found += 1
            i = j
    tied = np.empty(found, np.int64)
    kept = 0
    order = np.argsort(buyer[:found], kind="mergesort")
    order = order[np.argsort(pair[order], kind="mergesort")]
    i = 0
    while i < found:
        j = i
        buyers = 0
        while j < found and pair[order[j]] == pair[order[i]]:
            if j == i or buyer[order[j]] != buyer[order[j - 1]]:
                buyers += 1  # a buyer ties two events once
            j += 1
        both = pair[order[i]]
        if 2 * buyers >= min(claimants[both // count], claimants[both % count]):
            tied[kept] = both
            kept += 1
        i = j
    return Ties(count, tied[:kept], crowded)


@njit(cache=True, nogil=True)
def _in_events(timeline: Timeline, claims: Longs, those: Events) -> tuple[Longs, Longs]:
    """List the claims that lie in one of `those`, and the event of each."""
    claim, event = np.empty(len(claims), np.int64), np.empty(len(claims), np.int64)
    found = x = 0
    for position in claims:
        merchant, day = timeline.merchant[position], timeline.day[position]
        while x < len(those.merchant) and (
            those.merchant[x] < merchant or (those.merchant[x] == merchant and those.end[x] < day)
        ):
            x += 1
        if x == len(those.merchant):
            break
        if those.merchant[x] == merchant and those.begin[x] <= day:
            claim[found], event[found] = position, x
            found += 1
    return claim[:found], event[:found]


@njit(cache=True, nogil=True)
def are_tied(ties: Ties, x: int, y: int) -> bool:
    """Say whether two events count as one occasion; an event is tied to itself."""
    if x == y or (ties.crowded[x] >= 0 and ties.crowded[x] == ties.crowded[y]):
        return True
    key = min(x, y) * ties.events + max(x, y)
    at = np.searchsorted(ties.pair, key)
    return bool(at < len(ties.pair) and ties.pair[at] == key)


@njit(cache=True, nogil=True)
def same_occasion(timeline: Timeline, one: int, other: int) -> bool:
    """Say whether two claims of one buyer were filed in one act, or are about goods of one checkout."""
    return bool(
        timeline.act[one] == timeline.act[other] or timeline.checkout[one] == timeline.checkout[other]
    )


@njit(cache=True, nogil=True)
def untied_events(ties: Ties, order: Longs) -> Longs:
    """Choose events, in the order given, leaving out any that is tied to a chosen one: int64[k]."""
    chosen = np.empty(len(order), np.int64)
    count = 0
    for x in order:
        is_free = True
        for m in range(count):
            if are_tied(ties, x, chosen[m]):
                is_free = False
                break
        if is_free:
            chosen[count] = x
            count += 1
    return chosen[:count]


@njit(cache=True, nogil=True)
def sum_between_buyers(timeline: Timeline, own: Longs, other: Longs, nats: Floats) -> tuple[float, int]:
    """Add up coincidences of two buyers of which no two share an occasion of either: (nats, how many).

    `own` and `other` (int64[k]) are claims that lie together. Strongest first; greedy, so that of a chain of
    occasions half its weight remains.
    """
    order = np.argsort(-nats, kind="mergesort")
    chosen = np.empty(min(len(order), _MOST_CHOSEN), np.int64)
    count = 0
    total = 0.0
    for i in order:
        is_free = True
        for m in range(count):
            j = chosen[m]
            if same_occasion(timeline, own[i], own[j]) or same_occasion(timeline, other[i], other[j]):
                is_free = False
                break
        if is_free:
            total += nats[i]
            chosen[count] = i
            count += 1
            if count == len(chosen):
                break
    return total, count


@njit(cache=True, nogil=True)
def sum_with_events(
    timeline: Timeline, ties: Ties, own: Longs, event: Longs, nats: Floats
) -> tuple[float, int]:
    """Add up one buyer's coincidences with a group's events, one an occasion: (nats, how many).

    `own` (int64[k]) are the buyer's claims, `event` the events they lie near. No two chosen ones share an
    occasion of the buyer, nor are their events tied. Strongest first, as in `sum_between_buyers`.
    """
    order = np.argsort(-nats, kind="mergesort")
    chosen = np.empty(min(len(order), _MOST_CHOSEN), np.int64)
    count = 0
    total = 0.0
    for i in order:
        is_free = True
        for m in range(count):
            j = chosen[m]
            if same_occasion(timeline, own[i], own[j]) or are_tied(ties, event[i], event[j]):
                is_free = False
                break
        if is_free:
            total += nats[i]
            chosen[count] = i
            count += 1
            if count == len(chosen):
                break
    return total, count
