"""From weak pairs to rings: grow each seed, keep what stands on two merchants and enough evidence."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.acceptance import covers_two_merchants, strongest_merchant_share
from ringfence.detection.closeness import Yardstick
from ringfence.detection.exposure import Exposure, together
from ringfence.detection.growth import Growing, candidates, grow, scratch
from ringfence.detection.pairs import Pairs
from ringfence.detection.sharing import Sharing
from ringfence.detection.tail import MOST_DECADES, evidence_against_households
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
    columns = (pairs.a, pairs.b, pairs.surprise, pairs.merchants, pairs.multiplicity, score)
    tasks = [
        pool.submit(_discount, *columns, timeline, exposure, yardstick, first, end)
        for first, end in pairwise(cuts.tolist())
    ]
    for task in tasks:
        task.result()
    return replace(pairs, score=score).take(np.flatnonzero(score >= seed_score))


@njit(cache=True, nogil=True)
def _discount(
    a: Ints,
    b: Ints,
    surprise: Floats,
    merchants: Ints,
    multiplicity: Floats,
    score: Floats,
    timeline: Timeline,
    exposure: Exposure,
    yardstick: Yardstick,
    first: int,
    end: int,
) -> None:
    buyers = len(timeline.buyer_start) - 1
    everyone = math.log10(max(buyers * (buyers - 1) / 2, 1.0)) - 1e-9
    for i in range(first, end):
        score[i] = (
            pair_evidence(
                timeline,
                exposure,
                yardstick,
                int(a[i]),
                int(b[i]),
                surprise[i],
                int(merchants[i]),
                multiplicity[i] < everyone,
            )
            - multiplicity[i]
        )


@njit(cache=True, nogil=True)
def pair_evidence(
    timeline: Timeline,
    exposure: Exposure,
    yardstick: Yardstick,
    a: int,
    b: int,
    surprise: float,
    merchants: int,
    is_household: bool,
) -> float:
    """Give the evidence of a pair before multiplicity, in decades, orders counted as exposure.

    Trials are the claims of the buyer with fewer; of two with as many, the weaker side counts.
    """
    q0 = yardstick.strangers / len(timeline.buyer)
    claims_a = timeline.buyer_start[a + 1] - timeline.buyer_start[a]
    claims_b = timeline.buyer_start[b + 1] - timeline.buyer_start[b]
    chance = max(claims_a, claims_b) * q0
    decades = MOST_DECADES
    other = np.empty(1, np.int64)
    for own, partner, trials in ((a, b, claims_a), (b, a, claims_b)):
        if trials == min(claims_a, claims_b):
            other[0] = partner
            lift, share = together(exposure, own, other, is_household)
            decades = min(
                decades, evidence_against_households(trials, chance, lift, share, surprise, merchants)
            )
    return decades


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

    A buyer is in one ring, and a pair inside a grown group is no new seed. What is left of a group's evidence
    without the merchant it rests on most must reach `ring_score` too.
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
        if total < ring_score or not covers_two_merchants(timeline, yardstick, members):
            continue
        if total * (1.0 - strongest_merchant_share(timeline, yardstick, members)) >= ring_score:
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
        outsiders, _ = candidates(timeline, sharing, yardstick, ring.members, space)
        np.maximum.at(decades, outsiders.buyer, np.maximum(5.0 + outsiders.decades, 0.0))
        decades[ring.members] = np.maximum(decades[ring.members], 10.0 + ring.score)
    return decades / (decades + 10.0)
