"""What was found: rings with the joint events they rest on. Everything said of a ring is read from here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ringfence.detection.calibrate import Calibration
from ringfence.detection.candidates import Candidate, Proposals, strongest_first
from ringfence.detection.joint import JointClaims
from ringfence.detection.methods.coincidence.growth import Scratch, candidates, scratch
from ringfence.detection.prepare import Prepared
from ringfence.detection.support import Support, sound_pieces, support_of, unsupported
from ringfence.domain.leads import LeadKind
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Floats, Longs


@dataclass(frozen=True, eq=False)
class Finding:
    """A group of buyers and the joint claims that support what is said of it."""

    members: Longs
    """int64[g], rising."""
    score: float
    """Decades of evidence, after multiplicity."""
    method: DetectionMethod
    support: Support
    """The joint claims behind it, and the occasions they make."""
    associates: Longs
    """int64[k], rising: buyers who share identifiers with members and met none of them."""
    refusal: LeadKind | None
    """Why it is a lead; None for a ring."""
    p_value: float | None = None
    """The chance that a marketplace of this shape without rings shows as strong a ring anywhere."""

    @property
    def joint(self) -> JointClaims:
        """The claims in the group's joint events, weak ones included."""
        return self.support.joint

    @property
    def telling(self) -> NDArray[np.int64]:
        """Positions, in `joint`, of the claims whose event chance does not explain."""
        return np.flatnonzero(~self.support.is_weak)


@dataclass(frozen=True, eq=False)
class Findings:
    """What detection found in a market, and what it was found from."""

    prepared: Prepared
    rings: Sequence[Finding]
    """Best first."""
    leads: Sequence[Candidate]
    """Groups that are no rings, with the reason; best first. Less than half of each is in rings or stronger
    leads. `finding_of` tells what supports one: of many only the strongest are published."""
    buyer_scores: Floats
    """float64[n], 0 to 1."""
    calibration: Calibration | None = None
    """What p-values were worked out from; None where they were left out."""

    def ring_of_buyers(self) -> NDArray[np.int64]:
        """Give int64[n], the position of each buyer's ring in `rings`, or -1."""
        ring_of = np.full(self.prepared.buyers, -1, np.int64)
        for i, ring in enumerate(self.rings):
            ring_of[ring.members] = i
        return ring_of


def gather(prepared: Prepared, found: Proposals) -> Findings:
    """Gather the joint events of the rings and leads `found`, both strongest first, and rank every buyer.

    A ring that its telling events do not support is a lead.
    """
    space = scratch(prepared.buyers)
    upheld: list[Finding] = []
    refused = list(found.leads)
    for ring in found.rings:
        support = support_of(prepared, ring.members, ring.method, space)
        why_not = unsupported(prepared.timeline, ring.members, support, ring.method)
        if why_not is None:
            upheld.append(_finding(ring, support))
        else:
            refused.append(replace(ring, refusal=why_not))
    connected = [part for lead in refused if (part := _connected(prepared, lead)) is not None]
    apart = leads_apart(prepared.buyers, [ring.members for ring in upheld], strongest_first(connected))
    scores = rank_buyers(prepared, upheld) if found.rank is None else found.rank / (found.rank + 10.0)
    return Findings(prepared, upheld, apart, scores)


def finding_of(prepared: Prepared, lead: Candidate, space: Scratch) -> Finding:
    """Find what supports a lead."""
    return _finding(lead, support_of(prepared, lead.members, lead.method, space))


def _connected(prepared: Prepared, lead: Candidate) -> Candidate | None:
    """Give the largest part of a lead that telling events connect; None if they connect nobody.

    Buyers without a telling event are left out, and their share of the evidence with them.
    """
    parts = sound_pieces(prepared, lead.members, lead.method)
    if not parts or len(parts[0]) < 2:
        return None
    return replace(lead, members=parts[0], score=lead.score * len(parts[0]) / len(lead.members))


def leads_apart(buyers: int, rings: Sequence[Longs], leads: Sequence[Candidate]) -> list[Candidate]:
    """Keep those of `leads` (strongest first) of which less than half is in a ring or in a kept lead.

    `rings` are int64[g] members each, of `buyers` in all.
    """
    is_known = np.zeros(buyers, np.bool_)
    for members in rings:
        is_known[members] = True
    kept = []
    for lead in leads:
        if 2 * int(is_known[lead.members].sum()) < len(lead.members):
            kept.append(lead)
            is_known[lead.members] = True
    return kept


def _finding(candidate: Candidate, support: Support) -> Finding:
    return Finding(
        members=candidate.members,
        score=candidate.score,
        method=candidate.method,
        support=support,
        associates=candidate.associates,
        refusal=candidate.refusal,
        p_value=candidate.p_value,
    )


def rank_buyers(prepared: Prepared, rings: Sequence[Finding]) -> Floats:
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
