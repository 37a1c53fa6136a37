"""What supports a group: its joint events, by the method that found it, and the occasions they make."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringfence.detection.acceptance import connected
from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import Events, events
from ringfence.detection.gatherings import merchant_cells, merchant_yardstick, wave_yardstick, waves
from ringfence.detection.joint import JointClaims, joint_claims, only, weak_events
from ringfence.detection.membership import scores_inside
from ringfence.detection.methods.coincidence.growth import Scratch
from ringfence.detection.occasions import Ties, sum_with_events, tie_events, untied_events
from ringfence.detection.prepare import Prepared
from ringfence.detection.timeline import Timeline
from ringfence.domain.leads import LeadKind
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Floats, Longs


@dataclass(frozen=True, eq=False)
class Support:
    """The joint claims of a group; its events are numbered in the order of time, 0, 1, …"""

    joint: JointClaims
    is_weak: NDArray[np.bool_]
    """bool[k] by joint claim: chance alone explains its event, which counts in no headline."""
    occasions: int | None
    """Telling events of which no two are tied; None where times say nothing."""
    member_occasions: Longs | None
    """int64[g], the same of each member's events; no two share an occasion of the member either."""
    member_scores: Floats
    """float64[g], each member's decades against the rest, 0 at least."""


def support_of(prepared: Prepared, group: Longs, method: DetectionMethod, space: Scratch) -> Support:
    """Find what supports `group` (int64[g], rising), which `method` found."""
    timeline = prepared.timeline
    yardstick = _yardstick(prepared.yardstick, method)
    if method is DetectionMethod.WAVES or method is DetectionMethod.STRUCTURE:
        gathered = (waves if method is DetectionMethod.WAVES else merchant_cells)(
            timeline, prepared.yardstick, group
        )
        joint, scores = gathered.joint, gathered.decades
    else:
        joint = joint_claims(timeline, yardstick, group)
        scores = scores_inside(
            timeline, prepared.sharing, prepared.exposure, prepared.yardstick, group, space
        )
    joint = _by_time(timeline, joint)
    is_weak = weak_events(joint)
    occasions = member_occasions = None
    if method is not DetectionMethod.STRUCTURE:
        those = events(timeline, yardstick, group, 2)
        ties = tie_events(timeline, group, those)
        place = _places(timeline, those, joint)
        telling = _fewest_ties_first(ties, place[np.flatnonzero(~is_weak)])
        occasions = len(untied_events(ties, telling))
        member_occasions = _occasions_of_members(timeline, group, joint, is_weak, ties, place, telling)
    return Support(joint, is_weak[joint.event], occasions, member_occasions, np.maximum(scores, 0.0))


def sound_pieces(prepared: Prepared, group: Longs, method: DetectionMethod) -> list[Longs]:
    """Split `group` (int64[g], rising) into what telling joint claims connect, largest first.

    Members without such a claim are in no piece.
    """
    timeline, yardstick = prepared.timeline, prepared.yardstick
    if method is DetectionMethod.WAVES:
        joint = waves(timeline, yardstick, group).joint
    elif method is DetectionMethod.STRUCTURE:
        joint = merchant_cells(timeline, yardstick, group).joint
    else:
        joint = joint_claims(timeline, yardstick, group)
    return connected(timeline, group, joint)


def unsupported(
    timeline: Timeline, group: Longs, support: Support, method: DetectionMethod
) -> LeadKind | None:
    """Say why telling events do not make `group` a ring; None if they do.

    They must hold every member, connect all of them, and lie at two merchants (unless they are waves at one)
    and on two occasions. Where times say nothing, they must hold half of the joint claims instead.
    """
    joint = support.joint
    telling = only(joint, ~support.is_weak)
    held = connected(timeline, group, telling._replace(expected=np.zeros(len(telling.claim))))
    if len(held) != 1 or len(held[0]) < len(group):
        return LeadKind.WEAK_EVIDENCE
    if method is not DetectionMethod.WAVES and len(np.unique(timeline.merchant[telling.claim])) < 2:
        return LeadKind.ONE_MERCHANT
    if method is DetectionMethod.STRUCTURE and 2 * int(support.is_weak.sum()) > len(support.is_weak):
        return LeadKind.STRUCTURE
    if support.occasions is not None and support.occasions < 2:
        return LeadKind.ONE_OCCASION
    return None


def _yardstick(yardstick: Yardstick, method: DetectionMethod) -> Yardstick:
    if method is DetectionMethod.WAVES:
        return wave_yardstick(yardstick)
    return merchant_yardstick(yardstick) if method is DetectionMethod.STRUCTURE else yardstick


def _by_time(timeline: Timeline, joint: JointClaims) -> JointClaims:
    """Number events in the order of time; ties by merchant."""
    if len(joint.claim) == 0:
        return joint
    _, first = np.unique(joint.event, return_index=True)
    begin = joint.claim[first]  # a joint event's claims come in the order of time
    order = np.lexsort((timeline.merchant[begin], timeline.day[begin]))
    return joint._replace(event=np.argsort(order)[joint.event])


def _places(timeline: Timeline, those: Events, joint: JointClaims) -> Longs:
    """Give int64[events], the position in `those` of each event of `joint`."""
    known = dict(
        zip(
            zip(those.merchant.tolist(), those.begin.tolist(), strict=True),
            range(len(those.merchant)),
            strict=True,
        )
    )
    _, first = np.unique(joint.event, return_index=True)
    begin = joint.claim[first]
    keys = zip(timeline.merchant[begin].tolist(), timeline.day[begin].tolist(), strict=True)
    return np.array([known[key] for key in keys], np.int64)


def _fewest_ties_first(ties: Ties, telling: Longs) -> Longs:
    """Order events (in the order of time) by how many others they are tied to.

    The first one then leaves out all others only if every two are tied, so one occasion means one.
    """
    counts = np.zeros(ties.events, np.int64)
    is_telling = np.zeros(ties.events, np.bool_)
    is_telling[telling] = True
    if ties.events and len(ties.pair):
        low, high = ties.pair // ties.events, ties.pair % ties.events
        both = is_telling[low] & is_telling[high]
        np.add.at(counts, low[both], 1)
        np.add.at(counts, high[both], 1)
    _, crowd, size = np.unique(ties.crowded[telling], return_inverse=True, return_counts=True)
    crowded = np.where(ties.crowded[telling] >= 0, size[crowd] - 1, 0)
    return telling[np.argsort(counts[telling] + crowded, kind="stable")]


def _occasions_of_members(
    timeline: Timeline,
    group: Longs,
    joint: JointClaims,
    is_weak: NDArray[np.bool_],
    ties: Ties,
    place: Longs,
    telling: Longs,
) -> Longs:
    """Count the occasions of each member: events are chosen in the order of `telling`."""
    turn = np.full(ties.events, len(telling), np.int64)
    turn[telling] = np.arange(len(telling))
    kept = np.flatnonzero(~is_weak[joint.event])
    claim, event = joint.claim[kept], place[joint.event[kept]]
    member = np.searchsorted(group, timeline.buyer[claim])
    order = np.lexsort((claim, turn[event], member))
    bounds = np.searchsorted(member[order], np.arange(len(group) + 1))
    counts = np.zeros(len(group), np.int64)
    for m in range(len(group)):
        own = order[bounds[m] : bounds[m + 1]]
        counts[m] = sum_with_events(timeline, ties, claim[own], event[own], np.zeros(len(own)))[1]
    return counts
