"""From holders of shared identifiers to rings: those who met add up, although no pair of them stands."""

from dataclasses import replace

import numpy as np

from ringfence.detection.acceptance import pieces
from ringfence.detection.candidates import Candidate, Proposals, strongest_first
from ringfence.detection.methods.identifiers.chance import meeting_evidence, meeting_evidence_given_orders
from ringfence.detection.methods.identifiers.groups import candidate_groups
from ringfence.detection.methods.identifiers.meetings import (
    Meetings,
    find_meetings,
    meetings_by_orders,
    most_evidence,
    untied_meetings,
)
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.soundness import refusal
from ringfence.detection.timeline import Timeline
from ringfence.domain.leads import LeadKind
from ringfence.domain.progress import Progress
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Longs


def find_candidates(prepared: Prepared, parameters: Parameters, progress: Progress) -> Proposals:
    """Judge the holders of each rare value, and the chains that such values tie together, as groups.

    The members are those who met, connected by meetings that chance does not explain. One occasion counts
    once, orders explain what they are expected to, and the group was singled out from all like it. Meetings
    at two merchants must reach the ring score, and say something without the strongest merchant. Where no
    orders are known the bar is higher.

    Proposes nothing where times say nothing.
    """
    if not prepared.times.tell_when:
        return Proposals([], [])
    timeline, yardstick, bar = prepared.timeline, prepared.yardstick, parameters.ring_score
    left_out = np.diff(timeline.buyer_start) > parameters.identifiers.most_claims
    groups = candidate_groups(prepared.sharing, left_out, parameters.identifiers)
    progress.stage("groups that share identifiers")
    most = most_evidence(timeline, yardstick, groups.start, groups.member, groups.among)
    judged: list[Candidate] = []
    for group in np.flatnonzero(most >= bar).tolist():
        judged += judge_group(prepared, parameters, groups.members(group), float(groups.among[group]))
    rings = [candidate for candidate in judged if candidate.refusal is None]
    leads = [candidate for candidate in judged if candidate.refusal is not None]
    return Proposals(_joined(prepared, parameters, rings), strongest_first(leads))


def judge_group(prepared: Prepared, parameters: Parameters, group: Longs, among: float) -> list[Candidate]:
    """Judge a group of buyers (int64[g], rising) singled out from 10^`among` like it.

    Returns the parts of it that are rings; or one lead, with why it is no ring; or nothing if chance shows
    as strong a group too often.
    """
    timeline = prepared.timeline
    met = find_meetings(timeline, prepared.yardstick, group)
    most = meeting_evidence(met.expected, met.nats.sum()) - among
    if most < parameters.ring_score:
        return []
    untied = met.take(untied_meetings(timeline, met))
    parts = pieces(timeline, prepared.yardstick, _people(timeline, untied))
    judged = [_judge_part(prepared, parameters, untied, part, among) for part in parts]
    rings = [candidate for candidate in judged if candidate.refusal is None]
    if rings:
        return rings
    if len(np.unique(timeline.merchant[met.one])) < 2:
        why_not: LeadKind | None = LeadKind.ONE_MERCHANT
    elif meeting_evidence(untied.expected, untied.nats.sum()) - among < parameters.ring_score:
        why_not = LeadKind.ONE_OCCASION
    else:
        why_not = strongest_first(judged)[0].refusal if judged else LeadKind.WEAK_EVIDENCE
    people = _people(timeline, met)
    return [Candidate(people, most, DetectionMethod.IDENTIFIERS, shares=True, among=among, refusal=why_not)]


def _judge_part(
    prepared: Prepared, parameters: Parameters, untied: Meetings, part: Longs, among: float
) -> Candidate:
    """Judge those of a group that meetings connect, by the meetings between them."""
    buyer = prepared.timeline.buyer
    met = untied.take(np.isin(buyer[untied.one], part) & np.isin(buyer[untied.other], part))
    by_orders = meetings_by_orders(prepared.exposure, part)

    def decades(some: Meetings, by_orders: float) -> float:
        nats = float(some.nats.sum())
        return meeting_evidence_given_orders(some.expected, nats, len(some.nats), by_orders) - among

    score = decades(met, by_orders)
    candidate = Candidate(part, score, DetectionMethod.IDENTIFIERS, shares=True, among=among)
    merchants, at = np.unique(prepared.timeline.merchant[met.one], return_inverse=True)
    why_not: LeadKind | None
    if len(merchants) < 2:
        why_not = LeadKind.ONE_OCCASION
    elif score < parameters.ring_score:
        is_by_orders = decades(met, 0.0) >= parameters.ring_score
        why_not = LeadKind.SHARED_SHOPPING if is_by_orders else LeadKind.WEAK_EVIDENCE
    elif decades(met.take(at != np.bincount(at, met.nats).argmax()), by_orders) < 0.0:
        why_not = LeadKind.ONE_MERCHANT
    else:
        why_not = refusal(candidate, prepared, parameters)
        bar = parameters.ring_score + parameters.identifiers.without_orders
        if why_not is None and len(prepared.exposure.buyer) == 0 and score < bar:
            why_not = LeadKind.SHARED_SHOPPING
    return replace(candidate, refusal=why_not)


def _people(timeline: Timeline, met: Meetings) -> Longs:
    """Give the buyers who met: int64, rising."""
    return np.unique(timeline.buyer[np.concatenate((met.one, met.other))]).astype(np.int64)


def _joined(prepared: Prepared, parameters: Parameters, rings: list[Candidate]) -> list[Candidate]:
    """Join rings that overlap, so that a buyer is in one: the strongest takes in the others' members.

    What would not be a ring when joined is left out.
    """
    joined: list[Candidate] = []
    ring_of = np.full(prepared.buyers, -1, np.int64)
    for ring in strongest_first(rings):
        inside = ring_of[ring.members]
        free = ring.members[inside < 0]
        if len(free) == len(ring.members):
            ring_of[free] = len(joined)
            joined.append(ring)
        elif len(free) > 0:
            at = int(np.bincount(inside[inside >= 0]).argmax())
            wider = replace(joined[at], members=np.union1d(joined[at].members, free))
            parts = pieces(prepared.timeline, prepared.yardstick, wider.members)
            is_one = len(parts) == 1 and len(parts[0]) == len(wider.members)
            if is_one and refusal(wider, prepared, parameters) is None:
                ring_of[free] = at
                joined[at] = wider
    return strongest_first(joined)
