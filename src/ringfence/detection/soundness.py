"""Whether a candidate is a ring, or why it is not."""

import math

from ringfence.detection.acceptance import covers_two_occasions, strongest_share
from ringfence.detection.candidates import Candidate, Method, Refusal
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.shopping import evidence_beyond_one_cause, evidence_beyond_shopping


def refusal(candidate: Candidate, prepared: Prepared, parameters: Parameters) -> Refusal | None:
    """Say why a candidate of enough evidence is no ring; None if it is one.

    Half its members need joint claims at two merchants on two occasions, and what is left of its evidence
    without the strongest merchant, and given its orders, must reach the ring score too.

    Members of identifier groups met once each, so those groups are judged as groups, by their own method.
    A block in which no pair stood pays once for being singled out from all buyers.
    """
    timeline, yardstick, exposure = prepared.timeline, prepared.yardstick, prepared.exposure
    everyone = math.log10(prepared.buyers)
    bar = parameters.ring_score
    if candidate.score < bar:
        return Refusal.WEAK_EVIDENCE
    unseeded = everyone if candidate.among is None else 0.0
    if candidate.method is not Method.IDENTIFIERS:
        if not covers_two_occasions(timeline, yardstick, candidate.members):
            return Refusal.ONE_OCCASION
        rest = 1.0 - strongest_share(timeline, yardstick, candidate.members)
        if (candidate.score - unseeded) * rest < bar:
            return Refusal.ONE_MERCHANT
        left = evidence_beyond_shopping(
            timeline,
            prepared.sharing,
            exposure,
            yardstick,
            candidate.members,
            parameters.orders.honest_fault_rate,
        )
        if left < bar + unseeded:
            return Refusal.SHARED_SHOPPING
    left = evidence_beyond_one_cause(
        timeline,
        exposure,
        yardstick,
        candidate.members,
        candidate.score,
        candidate.shares,
        everyone if candidate.among is None else candidate.among,
        parameters.orders.witness_share,
    )
    return Refusal.SHARED_SHOPPING if left < bar else None
