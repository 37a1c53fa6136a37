"""How strongly each member belongs to its ring, and which ring each buyer is in."""

import numpy as np
from numpy.typing import NDArray

from ringfence.detection.detect import Found
from ringfence.detection.records import JointClaims
from ringfence.detection.tail import evidence
from ringfence.market import Floats


def ring_of_buyers(found: Found) -> NDArray[np.int64]:
    """Give int64[n], the position of each buyer's ring in `Found.rings`, or -1."""
    ring_of = np.full(len(found.market.buyer_ids), -1, np.int64)
    for i, ring in enumerate(found.rings):
        ring_of[ring.members] = i
    return ring_of


def member_scores(found: Found, members: NDArray[np.int64], joint: JointClaims) -> Floats:
    """Give float64[g]: each member's evidence against the rest of its ring, in decades after multiplicity."""
    timeline, yardstick = found.timeline, found.yardstick
    buyers = len(timeline.buyer_start) - 1
    events = int(joint.event.max()) + 1 if len(joint.event) else 0
    chance = events * yardstick.strangers / len(timeline.buyer)
    holders = np.diff(found.sharing.holder_start)
    out = np.zeros(len(members))
    inside = set(members.tolist())
    for i, member in enumerate(members.tolist()):
        own = timeline.buyer[joint.claim] == member
        if not own.any():
            continue
        merchant, strangers = timeline.merchant[joint.claim[own]], joint.strangers[own]
        best = np.full(int(merchant.max()) + 1, np.inf)
        np.minimum.at(best, merchant, strangers)
        nats = float(np.log(np.maximum(yardstick.strangers / best[np.isfinite(best)], 1.0)).sum())
        filed = int(timeline.buyer_start[member + 1] - timeline.buyer_start[member])
        rarest = buyers
        start, end = found.sharing.value_start[member], found.sharing.value_start[member + 1]
        for value in found.sharing.value[start:end].tolist():
            first, last = found.sharing.holder_start[value], found.sharing.holder_start[value + 1]
            if holders[value] > yardstick.hub:
                break
            if len(inside.intersection(found.sharing.holder[first:last].tolist())) > 1:
                rarest = int(holders[value])
                break
        out[i] = max(0.0, evidence(filed, chance, nats) - np.log10(rarest))
    return out
