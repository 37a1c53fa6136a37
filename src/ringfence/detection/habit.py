"""Whether claims lie closer together than shopping together would put them."""

import math

import numpy as np
from numba import njit

from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import events
from ringfence.detection.joint import JointClaims, joint_claims
from ringfence.detection.occasions import tie_events, untied_events
from ringfence.detection.tail import binomial_decades, evidence
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Longs

_CLOSE_BY_CHANCE = 32.0
"""Of more untied events only the closest are added up: those such as chance makes this many of."""


@njit(cache=True, nogil=True)
def evidence_beyond_habit(timeline: Timeline, yardstick: Yardstick, group: Longs) -> float:
    """Give the decades by which joint claims of `group` lie closer than the habit of shoppers explains.

    Buyers who ordered together may all claim, and then file within some days of each other. If their times
    are spread evenly over `yardstick.habit` days w, some m of an event's n claimants lie within s with a
    chance of n P(Binomial(n - 1, s / w) >= m - 1) at most. An event counts with the least such chance for any
    m, and of tied events the one that says most; their surprises add up by Fisher's method. The choice of m
    is not paid for: one club of three in twenty reaches one decade, one of five in seven, of twenty in four.

    A large block has thousands of events of two members that chance made. So of N events only surprises above
    ln(N / `_CLOSE_BY_CHANCE`) count, by how far they exceed it, and Fisher's method holds for these too.
    """
    those = events(timeline, yardstick, group, 2)
    joint = joint_claims(timeline, yardstick, group)
    first = np.searchsorted(joint.event, np.arange(len(those.merchant) + 1))
    nats = np.zeros(len(those.merchant))
    for x in range(len(nats)):
        nats[x] = _closeness(timeline, yardstick, joint, first[x], first[x + 1])
    chosen = untied_events(tie_events(timeline, group, those), np.argsort(-nats, kind="mergesort"))
    usual = math.log(max(1.0, len(chosen) / _CLOSE_BY_CHANCE))
    surprise = 0.0
    for x in chosen:
        surprise += max(0.0, nats[x] - usual)
    return evidence(len(chosen), math.exp(-usual), surprise) if len(chosen) > 0 else 0.0


@njit(cache=True, nogil=True)
def _closeness(timeline: Timeline, yardstick: Yardstick, joint: JointClaims, first: int, end: int) -> float:
    """Give the surprise (nats) of how close an event's claims lie: joint claims `first` to `end`, by time."""
    day = timeline.day[joint.claim[first:end]]
    buyers = timeline.buyer[joint.claim[first:end]]
    claimants = np.unique(buyers)
    most = 0.0
    members = 1
    while members < len(claimants):
        members = min(len(claimants), members + max(1, members // 8))
        width = _narrowest(day, np.searchsorted(claimants, buyers), members) + timeline.grain
        share = max(width, yardstick.closest) / yardstick.habit
        decades = binomial_decades(len(claimants) - 1, share, members - 1)
        most = max(most, decades * math.log(10.0) - math.log(len(claimants)))
    return most


@njit(cache=True, nogil=True)
def _narrowest(day: Floats, claimant: Longs, members: int) -> float:
    """Give the days of the shortest stretch with claims of `members` claimants; `day` rises."""
    seen = np.zeros(len(day), np.int64)
    inside = low = 0
    shortest = math.inf
    for high in range(len(day)):
        seen[claimant[high]] += 1
        inside += seen[claimant[high]] == 1
        while inside >= members:
            shortest = min(shortest, day[high] - day[low])
            seen[claimant[low]] -= 1
            inside -= seen[claimant[low]] == 0
            low += 1
    return shortest
