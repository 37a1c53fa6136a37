"""From weak pairs to rings: grow each seed, keep what stands on two occasions and enough evidence."""

import math
from dataclasses import replace

import numpy as np

from ringfence.detection.acceptance import pieces
from ringfence.detection.candidates import Candidate, Proposals, strongest_first
from ringfence.detection.methods.coincidence.growth import Growing, grow, scratch
from ringfence.detection.pair_evidence import all_pairs
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.soundness import refusal
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
    everyone = all_pairs(timeline)
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
            evidence, rarity = total, multiplicity
            if len(part) < len(members):
                seed = _best_pair_inside(prepared, part)
                if seed < 0:
                    continue
                outside = np.ones(prepared.buyers, np.bool_)
                outside[part] = False
                part, evidence = grown(columns[0][seed], columns[1][seed], columns[2][seed], outside)
                rarity = columns[3][seed]
            shares = rarity < everyone
            among = rarity if shares else math.log10(prepared.buyers)
            candidate = Candidate(part, evidence, DetectionMethod.COINCIDENCE, shares, among)
            why_not = refusal(candidate, prepared, parameters)
            if why_not is None:
                taken[part] = True
                rings.append(candidate)
            elif evidence >= parameters.ring_score:
                leads.append(replace(candidate, refusal=why_not))
    return Proposals(strongest_first(rings), strongest_first(leads))


def _best_pair_inside(prepared: Prepared, group: Longs) -> int:
    """Give the position of the best weak pair inside `group`, or -1."""
    is_inside = np.zeros(prepared.buyers, np.bool_)
    is_inside[group] = True
    inside = np.flatnonzero(is_inside[prepared.pairs.a] & is_inside[prepared.pairs.b])
    return int(inside[0]) if len(inside) else -1
