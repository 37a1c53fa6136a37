"""How strongly each member belongs to its group: judged as a buyer who would join the rest of it."""

import math

import numpy as np
from numba import njit

from ringfence.detection.closeness import Yardstick, beyond_joint_orders
from ringfence.detection.events import Events, claims_of, events, events_among
from ringfence.detection.exposure import Exposure, expected_claims, orders_of
from ringfence.detection.methods.coincidence.growth import Scratch, outsiders_sharing
from ringfence.detection.occasions import tie_events_among
from ringfence.detection.sharing import Sharing
from ringfence.detection.shopping import joint_orders, whom_beside
from ringfence.detection.tail import evidence, joining_decades
from ringfence.detection.taste import Near, closest_events, surprise_beyond_taste
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Ints, Longs

_LARGE = 40
"""Groups larger than this are compared by their joint events alone."""
_NO_EVIDENCE = -9.0
"""The decades of a member who met nobody."""
_HOPELESS = -3.0
"""Members whose evidence is at most this are not looked at more closely."""


@njit(cache=True, nogil=True)
def scores_inside(
    timeline: Timeline,
    sharing: Sharing,
    exposure: Exposure,
    yardstick: Yardstick,
    group: Longs,
    scratch: Scratch,
) -> Floats:
    """Give float64[g]: the decades, after multiplicity, of each member of `group` against the rest.

    Only events at a member's own merchants concern it, so only these are worked out without it. Which events
    of a large group are tied does not hang on one member, and is worked out once.
    """
    out = np.full(len(group), _NO_EVIDENCE)
    if len(group) < 2:
        return out
    claims = claims_of(timeline, group)
    merchants = timeline.merchant[claims]
    orders = orders_of(exposure, group)
    everyone = len(timeline.buyer_start) - 1
    companions = np.empty(0, np.int64)
    are_known = False  # worked out once one of them shops with the others
    kinds = (1, 2)
    counts = np.zeros((2, len(timeline.merchant_start) - 1), np.int32)
    for members in kinds:
        for merchant in events(timeline, yardstick, group, members).merchant:
            counts[members - 1, merchant] += 1
    totals = counts.sum(axis=1)
    is_large = len(group) > _LARGE + 1
    whole = events(timeline, yardstick, group, 2)
    whole_ties = tie_events_among(timeline, claims if is_large else claims[:0], whole)
    for g in range(len(group)):
        buyer = group[g]
        rest, elsewhere = _without(timeline, claims, merchants, buyer, counts)
        filed = timeline.buyer_start[buyer + 1] - timeline.buyer_start[buyer]
        is_known = False
        sharers = np.empty(0, np.int64)
        for members in kinds:
            if (members == 1 and is_large) or (members == 2 and len(group) < 4):
                continue
            those = events_among(timeline, yardstick, rest, members)
            near = closest_events(timeline, yardstick, those, buyer)
            if len(near.nats) == 0:
                continue
            found = totals[members - 1] - elsewhere[members - 1] + len(those.merchant)
            chance = found * yardstick.strangers / len(timeline.buyer)
            either = math.log10(2.0) if len(group) > 3 else 0.0
            bound = evidence(filed, chance, near.nats.sum()) - either
            if bound <= _HOPELESS:
                out[g] = max(out[g], bound - math.log10(everyone))
                continue
            if not is_known:
                is_known = True
                sharers = _sharers(sharing, yardstick.hub, group, g, scratch)
                trials, rate = expected_claims(exposure, buyer, orders, len(sharers) > 0, True)
                if trials > 0 and not are_known:
                    are_known = True
                    companions = joint_orders(exposure, group).companions
            among = math.log10(len(sharers) if len(sharers) > 0 else everyone)
            if is_large:
                near = Near(near.claim, _parts_of(whole, those, near.event), near.nats, near.closer)
                those, ties = whole, whole_ties
            else:
                ties = tie_events_among(timeline, rest, those)
            nats, occasions = surprise_beyond_taste(timeline, yardstick, those, ties, near, buyer, sharers)
            if occasions > 0:
                whom = whom_beside(companions, len(group), trials)
                closer = beyond_joint_orders(yardstick, near.closer, len(sharers) > 0)
                decades = joining_decades(filed, chance, nats, occasions, trials, rate, closer, among, whom)
                out[g] = max(out[g], decades - either)
    return out


@njit(cache=True, nogil=True)
def _parts_of(whole: Events, those: Events, chosen: Longs) -> Longs:
    """Give the event of `whole` that each `chosen` one of `those` is a part of: int64[k]."""
    out = np.empty_like(chosen)
    for k in range(len(chosen)):
        merchant, begin = those.merchant[chosen[k]], those.begin[chosen[k]]
        x = np.searchsorted(whole.merchant, merchant, side="right") - 1
        while whole.begin[x] > begin:
            x -= 1
        out[k] = x
    return out


@njit(cache=True, nogil=True)
def _without(
    timeline: Timeline, claims: Longs, merchants: Ints, buyer: int, counts: Ints
) -> tuple[Longs, Longs]:
    """Give the group's other `claims` at the buyer's merchants, and how many events by kind it has there."""
    own = timeline.of_buyer[timeline.buyer_start[buyer] : timeline.buyer_start[buyer + 1]]
    total = 0
    i = 0
    here = np.zeros(2, np.int64)
    bounds = np.empty((len(own), 2), np.int64)
    found = 0
    while i < len(own):
        merchant = timeline.merchant[own[i]]
        bounds[found, 0] = np.searchsorted(merchants, merchant)
        bounds[found, 1] = np.searchsorted(merchants, merchant, side="right")
        total += bounds[found, 1] - bounds[found, 0]
        here[0] += counts[0, merchant]
        here[1] += counts[1, merchant]
        found += 1
        while i < len(own) and timeline.merchant[own[i]] == merchant:
            i += 1
    rest = np.empty(total, np.int64)
    k = 0
    for i in range(found):
        for claim in claims[bounds[i, 0] : bounds[i, 1]]:
            if timeline.buyer[claim] != buyer:
                rest[k] = claim
                k += 1
    return rest[:k], here


@njit(cache=True, nogil=True)
def _sharers(sharing: Sharing, hub: int, group: Longs, g: int, scratch: Scratch) -> Longs:
    """List the buyers outside the rest of `group` who share as rare a value with it as member `g` does."""
    buyer = group[g]
    if sharing.value_start[buyer + 1] > sharing.value_start[buyer]:
        rest = np.concatenate((group[:g], group[g + 1 :]))
        who, number = outsiders_sharing(sharing, rest, hub, scratch)
        for i in range(len(who)):
            if who[i] == buyer:
                return who[: number[i]]
    return np.empty(0, np.int64)
