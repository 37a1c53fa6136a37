"""When a grown group is a ring: never on a single merchant, never on one lucky event."""

import math

import numpy as np
from numba import njit

from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import events
from ringfence.detection.records import joint_claims
from ringfence.detection.timeline import Timeline
from ringfence.market import Longs


@njit(cache=True, nogil=True)
def covers_two_merchants(timeline: Timeline, yardstick: Yardstick, group: Longs) -> bool:
    """Say whether joint events cover two merchants, and half the members (two at least) have some at two.

    A crowd at one merchant with a few who met elsewhere too is no ring.
    """
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
    return qualified >= max(2, (len(group) + 1) // 2)


@njit(cache=True, nogil=True)
def strongest_merchant_share(timeline: Timeline, yardstick: Yardstick, group: Longs) -> float:
    """Give the share, 0 to 1, of the group's surprise that its strongest merchant alone accounts for.

    Surprise is summed over members: of each, the closest joint claim at each merchant counts.
    """
    joint = joint_claims(timeline, yardstick, group)
    total = strongest = 0.0
    i = 0
    while i < len(joint.claim):
        merchant = timeline.merchant[joint.claim[i]]
        best = np.zeros(len(group))
        while i < len(joint.claim) and timeline.merchant[joint.claim[i]] == merchant:
            member = np.searchsorted(group, timeline.buyer[joint.claim[i]])
            if joint.strangers[i] < yardstick.strangers:
                best[member] = max(best[member], math.log(yardstick.strangers / joint.strangers[i]))
            i += 1
        here = best.sum()
        total += here
        strongest = max(strongest, here)
    return strongest / total if total > 0.0 else 1.0
