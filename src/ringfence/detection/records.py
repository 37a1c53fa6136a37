"""The claims a ring and its links rest on, with how many strangers chance would put as near."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.closeness import Yardstick, as_near
from ringfence.detection.events import claims_of, events
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats


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
    apart, strangers, rate = np.empty(len(claims)), np.empty(len(claims)), np.empty(len(claims))
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
        for i in range(first, last):
            nearest = np.inf
            for step in (-1, 1):
                j = i + step
                while first <= j < last and timeline.buyer[claims[j]] == timeline.buyer[claims[i]]:
                    j += step
                if first <= j < last:
                    nearest = min(nearest, abs(timeline.day[claims[j]] - timeline.day[claims[i]]))
            out[found], event[found], apart[found], rate[found] = claims[i], x, nearest, those.rate[x]
            strangers[found] = as_near(those.rate[x], nearest, timeline.grain, yardstick.closest)
            found += 1
        first = last
    return JointClaims(out[:found], event[:found], apart[:found], strangers[:found], rate[:found])


def coincidences(timeline: Timeline, yardstick: Yardstick, group: NDArray[np.int64]) -> Coincidences:
    """List which claims of which two members lie together, each claim beside the next few in its event.

    In the order of (smaller buyer, other buyer, merchant), the closest of each.
    """
    joint = joint_claims(timeline, yardstick, group)
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
