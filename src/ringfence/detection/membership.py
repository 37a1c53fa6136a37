"""How strongly each member belongs to its group: judged as a buyer who would join the rest of it."""

import math

import numpy as np
from numba import njit

from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import events
from ringfence.detection.exposure import Exposure, expected_claims, orders_of
from ringfence.detection.methods.coincidence.growth import Scratch, outsiders_sharing
from ringfence.detection.occasions import tie_events
from ringfence.detection.sharing import Sharing
from ringfence.detection.tail import evidence_given_orders
from ringfence.detection.taste import surprise_beyond_taste
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Longs

_LARGE = 40
"""Groups larger than this are compared by their joint events alone."""
_NO_EVIDENCE = -9.0
"""The decades of a member who met nobody."""


@njit(cache=True, nogil=True)
def scores_inside(
    timeline: Timeline,
    sharing: Sharing,
    exposure: Exposure,
    yardstick: Yardstick,
    group: Longs,
    scratch: Scratch,
) -> Floats:
    """Give float64[g]: the decades, after multiplicity, of each member of `group` against the rest."""
    out = np.empty(len(group))
    for i in range(len(group)):
        rest = np.empty(len(group) - 1, np.int64)
        rest[:i] = group[:i]
        rest[i:] = group[i + 1 :]
        out[i] = score_against(timeline, sharing, exposure, yardstick, rest, group[i], scratch)
    return out


@njit(cache=True, nogil=True)
def score_against(
    timeline: Timeline,
    sharing: Sharing,
    exposure: Exposure,
    yardstick: Yardstick,
    group: Longs,
    buyer: int,
    scratch: Scratch,
) -> float:
    """Give the decades of `buyer` against `group`, which it is not in; growth lets others join by the same.

    Of all events of the group and those of two members, the better is kept.
    """
    number = 0
    sharers = np.empty(0, np.int64)
    if sharing.value_start[buyer + 1] > sharing.value_start[buyer]:
        who, up_to = outsiders_sharing(sharing, group, yardstick.hub, scratch)
        for i in range(len(who)):
            if who[i] == buyer:
                number = up_to[i]
                sharers = who[:number]
    orders, rate = expected_claims(exposure, buyer, orders_of(exposure, group), number > 0)
    among = math.log10(number if number > 0 else len(timeline.buyer_start) - 1)
    claims = timeline.buyer_start[buyer + 1] - timeline.buyer_start[buyer]
    best = _NO_EVIDENCE
    for members in (1, 2):
        if (members == 1 and len(group) > _LARGE) or (members == 2 and len(group) < 3):
            continue
        those = events(timeline, yardstick, group, members)
        ties = tie_events(timeline, group, those)
        nats, occasions = surprise_beyond_taste(timeline, yardstick, those, ties, buyer, sharers)
        if occasions == 0:
            continue
        chance = len(those.merchant) * yardstick.strangers / len(timeline.buyer)
        decades = evidence_given_orders(claims, chance, nats, occasions, orders, rate) - among
        if len(group) >= 3:
            decades -= math.log10(2.0)
        best = max(best, decades)
    return best
