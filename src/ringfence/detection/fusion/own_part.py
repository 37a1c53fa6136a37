"""Members by their own part: nobody is named whom others could have put there."""

import numpy as np

from ringfence.detection.candidates import Candidate
from ringfence.detection.closeness import as_near
from ringfence.detection.methods.coincidence.growth import Scratch
from ringfence.detection.prepare import Prepared
from ringfence.detection.shared_values import best_by_kind
from ringfence.detection.support import Support, support_of
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Floats, Longs

_MANY_OCCASIONS = 3
"""Occasions with the others that need nothing else: to copy somebody so often costs a ring too much."""
_TWO_OCCASIONS = 2
"""Occasions that are enough for who followed the others once."""
_FEW_HOLDERS = 10
"""Holders of a device or a means of payment that is no public one; nor is one that members hold half of."""
_NOT_TYPED = (IdentifierKind.DEVICE, IdentifierKind.PAYMENT)
"""Kinds that nobody can write onto somebody else's order."""
_FOLLOWS = 1.0
"""A claim follows another member's if chance would put fewer strangers' claims as near."""
_FOLLOWS_CLOSELY = 0.25


def with_own_part(prepared: Prepared, ring: Candidate, space: Scratch) -> tuple[Longs, Longs]:
    """Give the members of `ring` who took part of their own accord, and who of the others shares a value.

    Joint claims and a shared address can be forged: file near somebody's claims, and write their address on
    an order. But a claim can be copied only once it is filed, and nobody can lend somebody a device. So a
    member needs one of four things: a device or a means of payment, no public one, shared with another
    member; any shared value, and a claim filed closely after another member's; two occasions, one of them
    after another member; or three occasions.
    Both int64, rising; the second share a value with a member who stays.
    """
    nobody = np.empty(0, np.int64)
    if ring.method is DetectionMethod.WAVES:
        return ring.members, nobody
    support = support_of(prepared, ring.members, ring.method, space)
    if support.member_occasions is None:
        return ring.members, nobody
    after = _strangers_since(prepared, ring.members, support)
    occasions = support.member_occasions
    stays = (occasions >= _MANY_OCCASIONS) | ((after < _FOLLOWS) & (occasions >= _TWO_OCCASIONS))
    for place in np.flatnonzero(~stays):
        others = np.delete(ring.members, place)
        shared = best_by_kind(prepared, ring.members[place : place + 1], others, 1)
        stays[place] = (bool(shared) and bool(after[place] < _FOLLOWS_CLOSELY)) or any(
            prepared.shared_kinds[held.kind] in _NOT_TYPED
            and (held.holders <= _FEW_HOLDERS or held.holders <= 2 * (held.inside + 1))
            for held in shared
        )
    members = ring.members[stays]
    near = [
        buyer
        for buyer in ring.members[~stays].tolist()
        if best_by_kind(prepared, np.array([buyer]), members, 1)
    ]
    return members, np.array(near, np.int64)


def _strangers_since(prepared: Prepared, members: Longs, support: Support) -> Floats:
    """Say how closely each member's first claim in a telling event follows another's first: float64[g].

    In strangers' claims that chance puts as near, the least of all events; infinite where none follows.
    Claims of one moment may have followed each other.
    """
    timeline, joint = prepared.timeline, support.joint
    order = np.lexsort((timeline.day[joint.claim], joint.event))
    order = order[~support.is_weak[order]]
    place = np.searchsorted(members, timeline.buyer[joint.claim[order]])
    _, first = np.unique(joint.event[order] * len(members) + place, return_index=True)
    first.sort()
    order, place = order[first], place[first]
    day, event = timeline.day[joint.claim[order]], joint.event[order]
    since = np.full(len(members), np.inf)
    for at in range(1, len(order)):
        if event[at] != event[at - 1]:
            continue
        apart = float(day[at] - day[at - 1])
        near = as_near(float(joint.rate[order[at]]), apart, timeline.grain, prepared.yardstick.closest)
        since[place[at]] = min(since[place[at]], near)
        if apart == 0.0:
            since[place[at - 1]] = min(since[place[at - 1]], near)
    return since
