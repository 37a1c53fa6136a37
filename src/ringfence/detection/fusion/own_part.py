"""Members by their own part: nobody is named whom others could have put there."""

import numpy as np
from numpy.typing import NDArray

from ringfence.detection.candidates import Candidate
from ringfence.detection.closeness import as_near
from ringfence.detection.methods.coincidence.growth import Scratch
from ringfence.detection.prepare import Prepared
from ringfence.detection.shared_values import best_by_kind
from ringfence.detection.support import Support, support_of
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Longs

_ENOUGH_OCCASIONS = 2
"""Occasions with the others that need nothing else."""
_NOT_TYPED = (IdentifierKind.DEVICE, IdentifierKind.PAYMENT)
"""Kinds that nobody can write onto somebody else's order."""
_FOLLOWS = 0.25
"""A claim follows another member's if chance would put fewer strangers' claims as near."""


def with_own_part(prepared: Prepared, ring: Candidate, space: Scratch) -> tuple[Longs, Longs]:
    """Give the members of `ring` who took part of their own accord, and who of the others shares a value.

    One joint claim and a shared address can be forged: file near somebody's claim, and write their address on
    an order. So a member needs one of three things: two separate occasions with the others; a device or a
    means of payment shared with another member; or any shared value and a claim filed soon after another
    member's, since a claim can be copied only once it is filed. Both int64, rising; the second share a value
    with a member who stays.
    """
    nobody = np.empty(0, np.int64)
    if ring.method is DetectionMethod.WAVES:
        return ring.members, nobody
    support = support_of(prepared, ring.members, ring.method, space)
    if support.member_occasions is None:
        return ring.members, nobody
    stays = support.member_occasions >= _ENOUGH_OCCASIONS
    if stays.all():
        return ring.members, nobody
    follows = _follows(prepared, ring.members, support)
    for place in np.flatnonzero(~stays):
        member = ring.members[place : place + 1]
        others = np.delete(ring.members, place)
        kinds = {prepared.shared_kinds[held.kind] for held in best_by_kind(prepared, member, others, 1)}
        stays[place] = bool(kinds.intersection(_NOT_TYPED)) or (bool(kinds) and bool(follows[place]))
    members = ring.members[stays]
    near = [
        buyer
        for buyer in ring.members[~stays].tolist()
        if best_by_kind(prepared, np.array([buyer]), members, 1)
    ]
    return members, np.array(near, np.int64)


def _follows(prepared: Prepared, members: Longs, support: Support) -> NDArray[np.bool_]:
    """Say of each member whether a telling joint claim was filed soon after another member's: bool[g]."""
    timeline, yardstick, joint = prepared.timeline, prepared.yardstick, support.joint
    follows = np.zeros(len(members), np.bool_)
    order = np.lexsort((timeline.day[joint.claim], joint.event))
    for i, later in enumerate(order[1:], 1):
        if support.is_weak[later]:
            continue
        buyer, day = timeline.buyer[joint.claim[later]], timeline.day[joint.claim[later]]
        for earlier in order[i - 1 :: -1]:
            if joint.event[earlier] != joint.event[later]:
                break
            apart = day - timeline.day[joint.claim[earlier]]
            if timeline.buyer[joint.claim[earlier]] != buyer and apart > 0.0:
                near = as_near(joint.rate[later], apart, timeline.grain, yardstick.closest)
                follows[np.searchsorted(members, buyer)] |= near < _FOLLOWS
                break
    return follows
