"""Whether claims lie closer together than shopping together would put them."""

import math

import numpy as np
from numba import njit

from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import events
from ringfence.detection.joint import JointClaims, joint_claims
from ringfence.detection.occasions import tie_events, untied_events
from ringfence.detection.tail import gamma_decades
from ringfence.detection.timeline import Timeline
from ringfence.market import Longs

_MOST_CLAIMS = 64
"""Claims of one event that are looked at from each of them."""


@njit(cache=True, nogil=True)
def evidence_beyond_habit(timeline: Timeline, yardstick: Yardstick, group: Longs) -> float:
    """Give the decades by which joint claims of `group` lie closer than the habit of shoppers explains.

    Buyers who ordered together may all claim, and then file within some days of each other. If their times
    are spread evenly over `yardstick.habit` days w, the closest m of an event's n claimants lie within s with
    a chance of C(n, m) m (s / w)^(m - 1) at most. An event counts with the least such chance for any m, and
    of tied events one counts; their surprises add up by Fisher's method. The choice of m is not paid for, so
    clubs reach one decade now and then.
    """
    those = events(timeline, yardstick, group, 2)
    joint = joint_claims(timeline, yardstick, group)
    chosen = untied_events(tie_events(timeline, group, those), np.arange(len(those.merchant)))
    first = np.searchsorted(joint.event, np.arange(len(those.merchant) + 1))
    nats = 0.0
    for x in chosen:
        nats += _closeness(timeline, yardstick, joint, first[x], first[x + 1])
    return gamma_decades(len(chosen), nats)


@njit(cache=True, nogil=True)
def _closeness(timeline: Timeline, yardstick: Yardstick, joint: JointClaims, first: int, end: int) -> float:
    """Give the surprise (nats) of how close an event's claims lie: joint claims `first` to `end`, by time."""
    buyers = timeline.buyer[joint.claim[first:end]]
    claimants = len(np.unique(buyers))
    most = 0.0
    for low in range(end - first):
        members = 0
        for high in range(low, min(end - first, low + _MOST_CLAIMS)):
            if np.any(buyers[low:high] == buyers[high]):
                continue
            members += 1
            begin, last = timeline.day[joint.claim[first + low]], timeline.day[joint.claim[first + high]]
            width = max(last - begin + timeline.grain, yardstick.closest)
            if width >= yardstick.habit:
                break
            if members >= 2:
                surprise = (members - 1) * math.log(yardstick.habit / width) - math.log(members)
                surprise -= math.lgamma(claimants + 1.0) - math.lgamma(members + 1.0)
                surprise += math.lgamma(claimants - members + 1.0)
                most = max(most, surprise)
    return most
