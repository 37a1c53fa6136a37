"""The claims a ring and its links rest on, with how many strangers chance would put as near."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.closeness import Yardstick, as_near
from ringfence.detection.events import claims_of, events
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Ints

_MOST_COMPANY = 32
"""Members near a claim that are looked at."""
_MOST_STEPS = 128
"""Claims near a claim that are looked at."""


class JointClaims(NamedTuple):
    """The k claims of a group that lie in its joint events (two members or more), in timeline order."""

    claim: NDArray[np.int64]
    """int64[k], positions in the timeline."""
    event: NDArray[np.int64]
    """int64[k], 0, 1, … inside the group."""
    apart: Floats
    """float64[k], days to the nearest claim of another member in the event."""
    strangers: Floats
    """float64[k], strangers' claims that chance would put as near as that."""
    expected: Floats
    """float64[k], strangers' claims that chance would put as near for each member's claim that is: of the j
    members nearest to the claim, the strangers expected as near as the furthest of them, over j; the least
    for any j. From 1 up chance alone explains that the claim has company: it is weak."""
    rate: Floats
    """float64[k], strangers' claims a day around the event."""


class Coincidences(NamedTuple):
    """Pairs of claims of two members that lie together, the closest one for each pair and merchant."""

    a: NDArray[np.int64]
    """int64[k], position in the timeline of the claim of the smaller-numbered buyer."""
    b: NDArray[np.int64]
    """int64[k], that of the other."""
    strangers: Floats
    """float64[k]"""


@njit(cache=True, nogil=True)
def joint_claims(timeline: Timeline, yardstick: Yardstick, group: NDArray[np.int64]) -> JointClaims:
    """List the claims of `group` (int64[g] buyers) that its evidence rests on."""
    claims = claims_of(timeline, group)
    those = events(timeline, yardstick, group, 2)
    out = np.empty(len(claims), np.int64)
    event = np.empty(len(claims), np.int64)
    apart, strangers = np.empty(len(claims)), np.empty(len(claims))
    expected, rate = np.empty(len(claims)), np.empty(len(claims))
    found = 0
    first = 0
    for x in range(len(those.merchant)):
        while (
            timeline.merchant[claims[first]] != those.merchant[x]
            or timeline.day[claims[first]] < those.begin[x]
        ):
            first += 1
        last = first
        while (
            last < len(claims)
            and timeline.merchant[claims[last]] == those.merchant[x]
            and timeline.day[claims[last]] <= those.end[x]
        ):
            last += 1
        before, after = _others(timeline.buyer[claims[first:last]])
        for i in range(first, last):
            low, high = before[i - first], after[i - first]
            nearest, least = _company(
                timeline, yardstick, claims[first:last], i - first, low, high, those.rate[x]
            )
            out[found], event[found], apart[found], rate[found] = claims[i], x, nearest, those.rate[x]
            strangers[found] = as_near(those.rate[x], nearest, timeline.grain, yardstick.closest)
            expected[found] = least
            found += 1
        first = last
    return JointClaims(
        out[:found], event[:found], apart[:found], strangers[:found], expected[:found], rate[:found]
    )


@njit(cache=True, nogil=True)
def weak_events(joint: JointClaims) -> NDArray[np.bool_]:
    """Say for each event whether chance alone explains the company of all its claims: bool[events]."""
    count = 0
    for event in joint.event:
        count = max(count, event + 1)
    is_weak = np.ones(count, np.bool_)
    for i in range(len(joint.event)):
        if joint.expected[i] < 1.0:
            is_weak[joint.event[i]] = False
    return is_weak


@njit(cache=True, nogil=True)
def _others(buyer: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give, for each claim of an event, the last one before and the first one after by another buyer."""
    count = len(buyer)
    before, after = np.full(count, -1), np.full(count, count)
    for i in range(1, count):
        before[i] = i - 1 if buyer[i - 1] != buyer[i] else before[i - 1]
    for i in range(count - 2, -1, -1):
        after[i] = i + 1 if buyer[i + 1] != buyer[i] else after[i + 1]
    return before, after


@njit(cache=True, nogil=True)
def _company(
    timeline: Timeline,
    yardstick: Yardstick,
    claims: NDArray[np.int64],
    i: int,
    low: int,
    high: int,
    rate: float,
) -> tuple[float, float]:
    """Say how near other members are to claim `i` of an event: (days to the nearest, `expected`).

    The walk begins at `low` and `high`, the nearest claims by others on either side.
    """
    own = timeline.buyer[claims[i]]
    day = timeline.day[claims[i]]
    met = np.empty(_MOST_COMPANY, np.int64)
    found = steps = 0
    nearest = least = np.inf
    while found < _MOST_COMPANY and steps < _MOST_STEPS and (low >= 0 or high < len(claims)):
        before = day - timeline.day[claims[low]] if low >= 0 else np.inf
        after = timeline.day[claims[high]] - day if high < len(claims) else np.inf
        if before <= after:
            apart, buyer = before, timeline.buyer[claims[low]]
            low -= 1
        else:
            apart, buyer = after, timeline.buyer[claims[high]]
            high += 1
        steps += 1
        is_new = buyer != own
        for k in range(found):
            is_new &= met[k] != buyer
        if is_new:
            met[found] = buyer
            found += 1
            nearest = min(nearest, apart)
            least = min(least, as_near(rate, apart, timeline.grain, yardstick.closest) / found)
    return nearest, least


def only(joint: JointClaims, kept: NDArray[np.bool_]) -> JointClaims:
    """Give the claims that are `kept` (bool[k]), their events under the same numbers."""
    return JointClaims(
        joint.claim[kept],
        joint.event[kept],
        joint.apart[kept],
        joint.strangers[kept],
        joint.expected[kept],
        joint.rate[kept],
    )


def coincidences(timeline: Timeline, yardstick: Yardstick, group: NDArray[np.int64]) -> Coincidences:
    """List which claims of which two members lie together, as `coincidences_among` their joint claims."""
    return coincidences_among(timeline, yardstick, joint_claims(timeline, yardstick, group))


def coincidences_among(timeline: Timeline, yardstick: Yardstick, joint: JointClaims) -> Coincidences:
    """List which joint claims of which two members lie together, each compared with the next few.

    In the order of (smaller buyer, other buyer, merchant), the closest of each.
    """
    a, b, strangers = _coincidences(timeline, yardstick, joint)
    one, other, merchant = timeline.buyer[a], timeline.buyer[b], timeline.merchant[a]
    order = np.lexsort((strangers, merchant, other, one))
    same = (np.diff(one[order]) == 0) & (np.diff(other[order]) == 0) & (np.diff(merchant[order]) == 0)
    kept = order[np.concatenate((np.ones(min(len(order), 1), np.bool_), ~same))]
    return Coincidences(a[kept], b[kept], strangers[kept])


@njit(cache=True, nogil=True)
def _coincidences(
    timeline: Timeline, yardstick: Yardstick, joint: JointClaims
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    room = len(joint.claim) * yardstick.neighbours
    a, b, strangers = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    found = 0
    for i in range(len(joint.claim)):
        for j in range(i + 1, min(len(joint.claim), i + 1 + yardstick.neighbours)):
            if joint.event[j] != joint.event[i]:
                break
            one, other = joint.claim[i], joint.claim[j]
            apart = timeline.day[other] - timeline.day[one]
            near = as_near(joint.rate[i], apart, timeline.grain, yardstick.closest)
            if timeline.buyer[one] == timeline.buyer[other] or near >= yardstick.strangers:
                continue
            if timeline.buyer[one] > timeline.buyer[other]:
                one, other = other, one
            a[found], b[found], strangers[found] = one, other, near
            found += 1
    return a[:found], b[:found], strangers[:found]
