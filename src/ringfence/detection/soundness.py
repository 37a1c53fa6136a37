"""Whether a candidate supports what will be said of it."""

import math

from ringfence.detection.acceptance import strongest_share
from ringfence.detection.candidates import Candidate, Method
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.shopping import evidence_beyond_one_cause, evidence_beyond_shopping


def stands(candidate: Candidate, prepared: Prepared, parameters: Parameters) -> bool:
    """Say whether a candidate reaches the ring score without its strongest merchant, and given its orders.

    Members of identifier groups met once each, so those groups are judged as groups, by their own method.
    A block in which no pair stood pays once for being singled out from all buyers.
    """
    timeline, yardstick, exposure = prepared.timeline, prepared.yardstick, prepared.exposure
    everyone = math.log10(prepared.buyers)
    bar = parameters.ring_score
    if candidate.score < bar:
        return False
    unseeded = everyone if candidate.among is None else 0.0
    if candidate.method is not Method.IDENTIFIERS:
        rest = 1.0 - strongest_share(timeline, yardstick, candidate.members)
        if (candidate.score - unseeded) * rest < bar:
            return False
        left = evidence_beyond_shopping(
            timeline,
            prepared.sharing,
            exposure,
            yardstick,
            candidate.members,
            parameters.orders.honest_fault_rate,
        )
        if left < bar + unseeded:
            return False
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
    return left >= bar
