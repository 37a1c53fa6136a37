"""Rings kept to those who take part: who spoils one and the rarely present leave, uneven ones are divided."""

from dataclasses import replace

import numpy as np
from scipy.stats import binom

from ringfence.detection.acceptance import strongest_share
from ringfence.detection.candidates import Candidate
from ringfence.detection.fusion.settle import FEWEST, group_decades, members_scores, supported
from ringfence.detection.methods.blocks.divide import alike, is_uneven
from ringfence.detection.methods.blocks.graph import CellGraph, columns_met
from ringfence.detection.methods.blocks.judge import counts_inside
from ringfence.detection.methods.coincidence.growth import Scratch
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Longs

_FEWEST_JUDGED = 5
"""Members of rings that are held against their own density."""
_FEWEST_CELLS = 3
_PART_OF_CELL = 0.15
"""A cell counts for a ring if this share of the members, two at least, have claims there."""
_DENSEST = 0.95
_ROUNDS = 3


def with_sure(parameters: Parameters, graph: CellGraph, members: Longs, sure: Longs) -> Longs:
    """Add to settled `members` what a ring had, `sure`, unless that makes them uneven (int64, rising)."""
    whole = np.union1d(members, sure).astype(np.int64)
    spoils = is_uneven(graph, whole, parameters.blocks) and not is_uneven(graph, members, parameters.blocks)
    return members if spoils else whole


def meeting_enough(
    prepared: Prepared, parameters: Parameters, graph: CellGraph, ring: Candidate, space: Scratch
) -> Candidate:
    """Give `ring` without the members who meet far fewer of its cells than its density makes believable.

    With density the median share met, a member at k of n cells leaves if P(Binomial(n, density) <= k) is
    below `meets_chance`, unless their own evidence reaches `meets_score`.
    """
    size = len(ring.members)
    if size < _FEWEST_JUDGED or ring.method is DetectionMethod.WAVES or size > parameters.fusion.largest:
        return ring
    cells = columns_met(graph, ring.members, max(2.0, _PART_OF_CELL * size))
    if len(cells) < _FEWEST_CELLS:
        return ring
    met = counts_inside(graph, ring.members, cells)[0]
    density = min(float(np.median(met)) / len(cells), _DENSEST)
    stays = binom.cdf(met, len(cells), density) >= parameters.fusion.meets_chance
    if not stays.all():
        stays |= members_scores(prepared, ring.members, space) >= parameters.fusion.meets_score
    if stays.all() or stays.sum() < FEWEST:
        return ring
    return replace(ring, members=ring.members[stays])


def bounded(
    prepared: Prepared, parameters: Parameters, graph: CellGraph, ring: Candidate, space: Scratch
) -> list[Candidate]:
    """Give `ring`, or the parts that take part alike if it is large and uneven: a core and its surroundings.

    Parts are judged again; those that do not stand, and those still uneven, are no rings.
    """
    if ring.method is DetectionMethod.WAVES or not is_uneven(graph, ring.members, parameters.blocks):
        return [ring]
    parts = []
    for members in alike(graph, ring.members, parameters.blocks):
        group = members
        scores = np.empty(0)
        for _ in range(_ROUNDS):
            before = len(group)
            if before < FEWEST or before > parameters.fusion.largest:
                break
            group, scores = supported(prepared, parameters, group, space)
            if len(group) == before:
                break
        if len(group) < FEWEST or len(group) != len(scores) or is_uneven(graph, group, parameters.blocks):
            continue
        decades = group_decades(scores)
        rest = 1.0 - strongest_share(prepared.timeline, prepared.yardstick, group)
        if decades * rest >= parameters.ring_score:
            parts.append(Candidate(group, decades, DetectionMethod.BLOCKS))
    return parts
