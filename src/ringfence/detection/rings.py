"""From weak pairs to rings: grow each seed, keep what stands on two merchants and enough evidence."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.closeness import Yardstick
from ringfence.detection.exposure import Exposure, lift
from ringfence.detection.growth import Growing, candidates, covers_two_merchants, grow, scratch
from ringfence.detection.pairs import Pairs
from ringfence.detection.sharing import Sharing
from ringfence.detection.tail import evidence
from ringfence.detection.timeline import Timeline
from ringfence.domain.progress import Progress
from ringfence.market import Floats, Ints


@dataclass(frozen=True, eq=False)
class GrownRing:
    """A set of buyers whose claims coincide far more than independent buyers' would."""

    members: NDArray[np.int64]
    """int64[g], rising."""
    score: float
    """Decades: the seed's evidence and that of everyone who joined."""


def discount_shopping_together(
    pairs: Pairs,
    timeline: Timeline,
    exposure: Exposure,
    yardstick: Yardstick,
    seed_score: float,
    pool: ThreadPoolExecutor,
) -> Pairs:
    """Score `pairs` again where two buyers shop together more than chance; drop those below `seed_score`."""
    if len(exposure.begin) == 0 or len(pairs) == 0:
        return pairs
    score = pairs.score.copy()
    cuts = np.linspace(0, len(pairs), 17).astype(np.int64)
    tasks = [
        pool.submit(
            _discount,
            pairs.a,
            pairs.b,
            pairs.surprise,
            pairs.multiplicity,
            score,
            timeline,
            exposure,
            yardstick,
            i,
            j,
        )
        for i, j in itertools.pairwise(cuts)
    ]
    for task in tasks:
        task.result()
    discounted = Pairs(pairs.a, pairs.b, score, pairs.surprise, pairs.multiplicity)
    return discounted.take(np.flatnonzero(score >= seed_score))


@njit(cache=True, nogil=True)
def _discount(
    a: Ints,
    b: Ints,
    surprise: Floats,
    multiplicity: Floats,
    score: Floats,
    timeline: Timeline,
    exposure: Exposure,
    yardstick: Yardstick,
    first: int,
    end: int,
) -> None:
    q0 = yardstick.strangers / len(timeline.buyer)
    other = np.empty(1, np.int64)
    for i in range(first, end):
        other[0] = b[i]
        together = lift(exposure, a[i], other)
        if together > 1.0:
            claims_a = timeline.buyer_start[a[i] + 1] - timeline.buyer_start[a[i]]
            claims_b = timeline.buyer_start[b[i] + 1] - timeline.buyer_start[b[i]]
            chance = max(claims_a, claims_b) * q0 * together
            score[i] = evidence(min(claims_a, claims_b), chance, surprise[i]) - multiplicity[i]


def grow_rings(
    seeds: Pairs,
    timeline: Timeline,
    sharing: Sharing,
    exposure: Exposure,
    yardstick: Yardstick,
    growing: Growing,
    ring_score: float,
    progress: Progress,
) -> list[GrownRing]:
    """Grow rings from `seeds`, best first, and give the rings, strongest first.

    A buyer is in one ring, and a pair inside a grown group is no new seed.
    """
    buyers = len(timeline.buyer_start) - 1
    taken = np.zeros(buyers, np.bool_)
    space = scratch(buyers)
    tried: set[tuple[int, int]] = set()
    rings: list[GrownRing] = []
    for done, (a, b, score) in enumerate(
        zip(seeds.a.tolist(), seeds.b.tolist(), seeds.score.tolist(), strict=True), start=1
    ):
        if done % 256 == 0:
            progress.advance(256)
        if taken[a] or taken[b] or (a, b) in tried:
            continue
        members, total = grow(timeline, sharing, exposure, yardstick, growing, taken, a, b, score, space)
        inside = members.tolist()
        tried.update((x, y) for i, x in enumerate(inside) for y in inside[i + 1 :])
        if total >= ring_score and covers_two_merchants(timeline, yardstick, members):
            taken[members] = True
            rings.append(GrownRing(members, total))
    return sorted(rings, key=lambda ring: (-ring.score, ring.members.tolist()))


def rank_buyers(
    seeds: Pairs, rings: list[GrownRing], timeline: Timeline, sharing: Sharing, yardstick: Yardstick
) -> Floats:
    """Score every buyer, 0 to 1: members by their ring's evidence, then those near a ring, then the rest.

    Float64[n]. Ties of a pair that no ring was built on come last: coincidence of two alone is weak.
    """
    buyers = len(timeline.buyer_start) - 1
    decades = np.zeros(buyers)
    tie = np.maximum((seeds.score + 3.0) / 10.0, 0.0)
    np.maximum.at(decades, seeds.a, tie)
    np.maximum.at(decades, seeds.b, tie)
    space = scratch(buyers)
    for ring in rings:
        who, score, *_ = candidates(timeline, sharing, yardstick, ring.members, space)
        np.maximum.at(decades, who, np.maximum(5.0 + score, 0.0))
        decades[ring.members] = np.maximum(decades[ring.members], 10.0 + ring.score)
    return decades / (decades + 10.0)
