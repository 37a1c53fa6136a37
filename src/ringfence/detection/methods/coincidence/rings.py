"""From weak pairs to rings: grow each seed, keep what stands on two occasions and enough evidence."""

import math
from dataclasses import replace

import numpy as np

from ringfence.detection.acceptance import of_two_occasions, pieces
from ringfence.detection.candidates import Candidate, Proposals, strongest_first
from ringfence.detection.methods.coincidence.growth import Growing, grow, scratch
from ringfence.detection.pair_evidence import all_pairs
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.soundness import refusal
from ringfence.domain.leads import LeadKind
from ringfence.domain.progress import Progress
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Longs


def find_candidates(prepared: Prepared, parameters: Parameters, progress: Progress) -> Proposals:
    """Grow rings from the weak pairs, best first.

    A buyer is in one ring, and a pair inside a grown group is no new seed. What a group has left without the
    merchant or occasion it rests on most, and given its orders, must reach the ring score too.
    """
    timeline, pairs = prepared.timeline, prepared.pairs
    rules = parameters.coincidence
    growing = Growing(rules.joining_rate, rules.growth_rounds, rules.single_joins_below)
    taken = np.zeros(prepared.buyers, np.bool_)
    space = scratch(prepared.buyers)
    tried: set[tuple[int, int]] = set()
    rings: list[Candidate] = []
    leads: list[Candidate] = []
    progress.stage("growing rings", len(pairs))

    def grown(
        a: int, b: int, score: float, outside: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> tuple[Longs, float]:
        return grow(
            timeline,
            prepared.sharing,
            prepared.exposure,
            prepared.yardstick,
            growing,
            outside,
            a,
            b,
            score,
            space,
        )

    def regrown(group: Longs) -> Candidate | None:
        """Grow a ring inside `group` alone, from its best pair."""
        seed = _best_pair_inside(prepared, group)
        if seed < 0:
            return None
        outside = np.ones(prepared.buyers, np.bool_)
        outside[group] = False
        part, evidence = grown(columns[0][seed], columns[1][seed], columns[2][seed], outside)
        return _candidate(prepared, part, evidence, columns[3][seed])

    columns = (pairs.a.tolist(), pairs.b.tolist(), pairs.score.tolist(), pairs.multiplicity.tolist())
    for done, (a, b, score, multiplicity) in enumerate(zip(*columns, strict=True), start=1):
        if done % 256 == 0:
            progress.advance(256)
        if taken[a] or taken[b] or (a, b) in tried:
            continue
        members, total = grown(a, b, score, taken)
        inside = members.tolist()
        tried.update((x, y) for i, x in enumerate(inside) for y in inside[i + 1 :])
        if total < parameters.ring_score:
            continue
        for part in pieces(timeline, prepared.yardstick, members):
            candidate: Candidate | None = _candidate(prepared, part, total, multiplicity)
            if len(part) < len(members):
                candidate = regrown(part)
            if candidate is None:
                continue
            why_not = refusal(candidate, prepared, parameters)
            if why_not is LeadKind.ONE_OCCASION:
                # Accounts used once, at one hit each, would otherwise hide a ring among them.
                often = of_two_occasions(timeline, prepared.yardstick, candidate.members)
                core = regrown(candidate.members[often]) if often.sum() >= 2 else None
                if core is not None and refusal(core, prepared, parameters) is None:
                    candidate, why_not = core, None
            if why_not is None:
                taken[candidate.members] = True
                rings.append(candidate)
            elif candidate.score >= parameters.ring_score:
                leads.append(replace(candidate, refusal=why_not))
    return Proposals(strongest_first(rings), strongest_first(leads))


def _candidate(prepared: Prepared, members: Longs, evidence: float, multiplicity: float) -> Candidate:
    """Make a candidate of a grown group, whose seed paid `multiplicity` decades."""
    shares = multiplicity < all_pairs(prepared.timeline)
    among = multiplicity if shares else math.log10(prepared.buyers)
    return Candidate(members, evidence, DetectionMethod.COINCIDENCE, shares, among)


def _best_pair_inside(prepared: Prepared, group: Longs) -> int:
    """Give the position of the best weak pair inside `group`, or -1."""
    is_inside = np.zeros(prepared.buyers, np.bool_)
    is_inside[group] = True
    inside = np.flatnonzero(is_inside[prepared.pairs.a] & is_inside[prepared.pairs.b])
    return int(inside[0]) if len(inside) else -1
