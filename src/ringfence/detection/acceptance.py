"""When a group is a ring: joint events connect its members, at two merchants and on two occasions."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import events
from ringfence.detection.joint import JointClaims, joint_claims, weak_events
from ringfence.detection.occasions import Ties, are_tied, same_occasion, tie_events, untied_events
from ringfence.detection.timeline import Timeline
from ringfence.market import Longs

_MOST_COMPARED = 512
"""Joint claims of one member that are compared pair by pair."""


def pieces(timeline: Timeline, yardstick: Yardstick, group: Longs) -> list[Longs]:
    """Split `group` (int64[g] rising) into what telling joint events connect, largest first.

    Members without such an event are in no piece.
    """
    return connected(timeline, group, joint_claims(timeline, yardstick, group))


def connected(timeline: Timeline, group: Longs, joint: JointClaims) -> list[Longs]:
    """Split `group` (int64[g] rising) into what its telling joint claims connect, largest first.

    Members without such a claim are in no piece.
    """
    label = _connect(timeline, group, joint)
    parts = [group[label == x] for x in np.unique(label[label >= 0])]
    return sorted(parts, key=lambda part: (-len(part), part[0]))


@njit(cache=True, nogil=True)
def _connect(timeline: Timeline, group: Longs, joint: JointClaims) -> Longs:
    """Give int64[g]: the first member each one is connected to, or -1 for members without a telling event."""
    parent = np.arange(len(group))
    seen = np.zeros(len(group), np.bool_)
    first = last_event = -1
    for i in range(len(joint.claim)):
        if joint.event[i] != last_event:
            first, last_event = -1, joint.event[i]
        if joint.expected[i] >= 1.0:
            continue
        member = np.searchsorted(group, timeline.buyer[joint.claim[i]])
        seen[member] = True
        if first < 0:
            first = member
        a, b = first, member
        while parent[a] != a:
            a = parent[a]
        while parent[b] != b:
            b = parent[b]
        parent[max(a, b)] = min(a, b)
    out = np.full(len(group), -1)
    for i in range(len(group)):
        root = i
        while parent[root] != root:
            root = parent[root]
        parent[i] = root
        if seen[i]:
            out[i] = root
    return out


@njit(cache=True, nogil=True)
def covers_two_occasions(timeline: Timeline, yardstick: Yardstick, group: Longs) -> bool:
    """Say whether half the members (two at least) were with the others on two occasions.

    A crowd at one merchant with a few who met elsewhere too is no ring, nor are buyers of one bundle.
    """
    often = of_two_occasions(timeline, yardstick, group).sum()
    return bool(often >= half_of(len(group)))


@njit(cache=True, nogil=True)
def half_of(size: int) -> int:
    """Give how many of `size` members must have met on two occasions: half of them, and two at least."""
    return max(2, (size + 1) // 2)


@njit(cache=True, nogil=True)
def of_two_occasions(timeline: Timeline, yardstick: Yardstick, group: Longs) -> NDArray[np.bool_]:
    """Say of each member whether it has joint claims at two merchants on two untied occasions: bool[g].

    Events that chance explains do not count.
    """
    often = np.zeros(len(group), np.bool_)
    joint = joint_claims(timeline, yardstick, group)
    if len(joint.claim) == 0:
        return often
    is_weak = weak_events(joint)
    ties = tie_events(timeline, group, events(timeline, yardstick, group, 2))
    order = np.argsort(timeline.buyer[joint.claim], kind="mergesort")
    i = 0
    while i < len(order):
        j = i
        buyer = timeline.buyer[joint.claim[order[i]]]
        while j < len(order) and timeline.buyer[joint.claim[order[j]]] == buyer:
            j += 1
        often[np.searchsorted(group, buyer)] = _has_two_occasions(timeline, joint, is_weak, ties, order[i:j])
        i = j
    return often


@njit(cache=True, nogil=True)
def _has_two_occasions(
    timeline: Timeline, joint: JointClaims, is_weak: NDArray[np.bool_], ties: Ties, own: Longs
) -> bool:
    """Say whether two of one buyer's telling joint claims are at two merchants, on two untied occasions."""
    own = own[~is_weak[joint.event[own]]][:_MOST_COMPARED]
    for i in range(1, len(own)):
        for j in range(i):
            one, other = joint.claim[own[i]], joint.claim[own[j]]
            if (
                timeline.merchant[one] != timeline.merchant[other]
                and not same_occasion(timeline, one, other)
                and not are_tied(ties, joint.event[own[i]], joint.event[own[j]])
            ):
                return True
    return False


@njit(cache=True, nogil=True)
def strongest_share(timeline: Timeline, yardstick: Yardstick, group: Longs) -> float:
    """Give the share, 0 to 1, of the group's surprise that its strongest merchant or occasion accounts for.

    Surprise is summed over members: of each, the closest joint claim in each event counts. Of events tied to
    one another only the strongest counts.
    """
    joint = joint_claims(timeline, yardstick, group)
    those = events(timeline, yardstick, group, 2)
    weight = np.zeros(len(those.merchant))
    i = 0
    while i < len(joint.claim):
        x = joint.event[i]
        best = np.zeros(len(group))
        while i < len(joint.claim) and joint.event[i] == x:
            if joint.strangers[i] < yardstick.strangers:
                member = np.searchsorted(group, timeline.buyer[joint.claim[i]])
                best[member] = max(best[member], math.log(yardstick.strangers / joint.strangers[i]))
            i += 1
        weight[x] = best.sum()
    chosen = untied_events(tie_events(timeline, group, those), np.argsort(-weight, kind="mergesort"))
    chosen.sort()  # by merchant
    total = strongest = 0.0
    i = 0
    while i < len(chosen):
        here = 0.0
        merchant = those.merchant[chosen[i]]
        while i < len(chosen) and those.merchant[chosen[i]] == merchant:
            here += weight[chosen[i]]
            i += 1
        total += here
        strongest = max(strongest, here)
    return strongest / total if total > 0.0 else 1.0


@njit(cache=True, nogil=True)
def count_occasions(timeline: Timeline, yardstick: Yardstick, group: Longs) -> int:
    """Count the joint events of a group of which no two are tied: the occasions it rests on."""
    those = events(timeline, yardstick, group, 2)
    return len(untied_events(tie_events(timeline, group, those), np.arange(len(those.merchant))))
