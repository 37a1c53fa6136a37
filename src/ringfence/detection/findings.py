"""What was found: rings with the joint events they rest on. Everything said of a ring is read from here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringfence.detection.candidates import Candidate, Method, Refusal
from ringfence.detection.events import events
from ringfence.detection.joint import JointClaims, joint_claims
from ringfence.detection.membership import scores_inside
from ringfence.detection.methods.coincidence.growth import Scratch, candidates, scratch
from ringfence.detection.occasions import tie_events, untied_events
from ringfence.detection.prepare import Prepared
from ringfence.market import Floats, Longs


@dataclass(frozen=True, eq=False)
class Finding:
    """A group of buyers and the joint claims that support what is said of it."""

    members: Longs
    """int64[g], rising."""
    score: float
    """Decades of evidence, after multiplicity."""
    method: Method
    member_scores: Floats
    """float64[g], each member's decades against the rest, 0 at least."""
    joint: JointClaims
    """The claims in the group's joint events."""
    is_weak: NDArray[np.bool_]
    """bool[k] by joint claim: chance alone explains its event, which counts in no headline."""
    occasions: int
    """Telling events of which no two are tied."""
    associates: Longs
    """int64[k], rising: buyers who share identifiers with members and met none of them."""
    refusal: Refusal | None
    """Why it is a lead; None for a ring."""
    p_value: float | None = None
    """The chance that a marketplace of this shape without rings shows as strong a ring anywhere."""

    @property
    def telling(self) -> NDArray[np.int64]:
        """Positions, in `joint`, of the claims whose event chance does not explain."""
        return np.flatnonzero(~self.is_weak)


@dataclass(frozen=True, eq=False)
class Findings:
    """What detection found in a market, and what it was found from."""

    prepared: Prepared
    rings: Sequence[Finding]
    """Best first."""
    leads: Sequence[Finding]
    """Groups that are no rings, with the reason; best first."""
    buyer_scores: Floats
    """float64[n], 0 to 1."""

    def ring_of_buyers(self) -> NDArray[np.int64]:
        """Give int64[n], the position of each buyer's ring in `rings`, or -1."""
        ring_of = np.full(self.prepared.buyers, -1, np.int64)
        for i, ring in enumerate(self.rings):
            ring_of[ring.members] = i
        return ring_of


def gather(prepared: Prepared, rings: Sequence[Candidate], leads: Sequence[Candidate]) -> Findings:
    """Gather the joint events of `rings` and `leads`, both strongest first, and rank every buyer."""
    space = scratch(prepared.buyers)
    return Findings(
        prepared,
        [gather_one(prepared, ring, space) for ring in rings],
        [gather_one(prepared, lead, space) for lead in leads],
        rank_buyers(prepared, rings),
    )


def gather_one(prepared: Prepared, candidate: Candidate, space: Scratch) -> Finding:
    """Gather what supports a candidate."""
    joint = joint_claims(prepared.timeline, prepared.yardstick, candidate.members)
    is_weak = weak_events(joint)[joint.event]
    scores = scores_inside(
        prepared.timeline,
        prepared.sharing,
        prepared.exposure,
        prepared.yardstick,
        candidate.members,
        space,
    )
    return Finding(
        members=candidate.members,
        score=candidate.score,
        method=candidate.method,
        member_scores=np.maximum(scores, 0.0),
        joint=joint,
        is_weak=is_weak,
        occasions=_count_occasions(prepared, candidate.members, np.unique(joint.event[~is_weak])),
        associates=candidate.associates,
        refusal=candidate.refusal,
        p_value=candidate.p_value,
    )


def weak_events(joint: JointClaims) -> NDArray[np.bool_]:
    """Say for each event whether chance alone explains the company of all its claims: bool[events]."""
    least = np.full(int(joint.event.max(initial=-1)) + 1, np.inf)
    np.minimum.at(least, joint.event, joint.expected)
    return least >= 1.0


def _count_occasions(prepared: Prepared, group: Longs, telling: Longs) -> int:
    those = events(prepared.timeline, prepared.yardstick, group, 2)
    return len(untied_events(tie_events(prepared.timeline, group, those), telling))


def rank_buyers(prepared: Prepared, rings: Sequence[Candidate]) -> Floats:
    """Score every buyer, 0 to 1: members by their ring's evidence, then those near a ring, then the rest.

    Float64[n]. Ties of a pair that no ring was built on come last: coincidence of two alone is weak.
    """
    pairs = prepared.pairs
    decades = np.zeros(prepared.buyers)
    tie = np.maximum((pairs.score + 3.0) / 10.0, 0.0)
    np.maximum.at(decades, pairs.a, tie)
    np.maximum.at(decades, pairs.b, tie)
    space = scratch(prepared.buyers)
    for ring in rings:
        outsiders, _ = candidates(
            prepared.timeline, prepared.sharing, prepared.yardstick, ring.members, space
        )
        np.maximum.at(decades, outsiders.buyer, np.maximum(5.0 + outsiders.decades, 0.0))
        decades[ring.members] = np.maximum(decades[ring.members], 10.0 + ring.score)
    return decades / (decades + 10.0)
