"""What the coincidences of two buyers are worth: one an occasion, orders together taken into account."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numba import njit

from ringfence.detection.closeness import Yardstick, as_near, nearer_than_habit, pair_rate
from ringfence.detection.exposure import Exposure, expected_claims, orders_of
from ringfence.detection.occasions import sum_between_buyers
from ringfence.detection.pairs import Pairs
from ringfence.detection.tail import MOST_DECADES, evidence_given_orders
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Ints

_NEVER = -100.0
"""The score of a pair that cannot be a seed."""
_MOST_BETWEEN = 4096
"""Pairs of claims at one merchant that are compared, between two buyers."""


def score_pairs(
    pairs: Pairs,
    timeline: Timeline,
    exposure: Exposure,
    yardstick: Yardstick,
    near: Ints,
    everywhere: Ints,
    seed_score: float,
    pool: ThreadPoolExecutor,
) -> Pairs:
    """Score `pairs`, whose scores are upper bounds, by occasions and orders; drop those below `seed_score`.

    A pair needs coincidences on two occasions, or one and a shared value.
    """
    if len(pairs) == 0:
        return pairs
    score, surprise, occasions = pairs.score.copy(), pairs.surprise.copy(), pairs.occasions.copy()
    cuts = np.linspace(0, len(pairs), 17).astype(np.int64)
    columns = (pairs.a, pairs.b, surprise, occasions, pairs.multiplicity, score, near, everywhere)
    tasks = [
        pool.submit(_score, *columns, timeline, exposure, yardstick, first, end)
        for first, end in pairwise(cuts.tolist())
    ]
    for task in tasks:
        task.result()
    scored = replace(pairs, score=score, surprise=surprise, occasions=occasions)
    return scored.take(np.flatnonzero(score >= seed_score))


@njit(cache=True, nogil=True)
def _score(
    a: Ints,
    b: Ints,
    surprise: Floats,
    occasions: Ints,
    multiplicity: Floats,
    score: Floats,
    near: Ints,
    everywhere: Ints,
    timeline: Timeline,
    exposure: Exposure,
    yardstick: Yardstick,
    first: int,
    end: int,
) -> None:
    everyone = all_pairs(timeline)
    for i in range(first, end):
        one, other = int(a[i]), int(b[i])
        nats, number, closer = pair_occasions(timeline, yardstick, near, everywhere, one, other)
        # Comparing all their claims finds no more than the neighbours did: that was the bound.
        surprise[i] = min(surprise[i], nats)
        occasions[i] = min(occasions[i], number)
        is_household = multiplicity[i] < everyone
        if occasions[i] < (1 if is_household else 2):
            score[i] = _NEVER
            continue
        decades = pair_decades(
            timeline, exposure, yardstick, one, other, surprise[i], int(occasions[i]), closer, is_household
        )
        score[i] = decades - multiplicity[i]


@njit(cache=True, nogil=True)
def all_pairs(timeline: Timeline) -> float:
    """Give the decades of being singled out from all pairs, less a hair: pairs of fewer share a value."""
    buyers = len(timeline.buyer_start) - 1
    return math.log10(max(buyers * (buyers - 1) / 2, 1.0)) - 1e-9


@njit(cache=True, nogil=True)
def pair_occasions(
    timeline: Timeline, yardstick: Yardstick, near: Ints, everywhere: Ints, a: int, b: int
) -> tuple[float, int, float]:
    """Add up the closest coincidence of two buyers at each merchant, one an occasion.

    Returns (nats, occasions, the mean nats by which coincidences are nearer than habit).
    """
    i, end_i = timeline.buyer_start[a], timeline.buyer_start[a + 1]
    j, end_j = timeline.buyer_start[b], timeline.buyer_start[b + 1]
    room = min(end_i - i, end_j - j)
    nats, own, other = np.empty(room), np.empty(room, np.int64), np.empty(room, np.int64)
    found = 0
    closer = 0.0
    while i < end_i and j < end_j:
        merchant = timeline.merchant[timeline.of_buyer[i]]
        if merchant != timeline.merchant[timeline.of_buyer[j]]:
            if merchant < timeline.merchant[timeline.of_buyer[j]]:
                i += 1
            else:
                j += 1
            continue
        last_i, last_j = i, j
        while last_i < end_i and timeline.merchant[timeline.of_buyer[last_i]] == merchant:
            last_i += 1
        while last_j < end_j and timeline.merchant[timeline.of_buyer[last_j]] == merchant:
            last_j += 1
        best = 0.0
        compared = 0
        low = j
        for x in range(i, last_i):
            one = timeline.of_buyer[x]
            while (
                low < last_j and timeline.day[timeline.of_buyer[low]] < timeline.day[one] - yardstick.window
            ):
                low += 1
            for y in range(low, last_j):
                two = timeline.of_buyer[y]
                apart = abs(timeline.day[one] - timeline.day[two])
                if apart > yardstick.window or compared == _MOST_BETWEEN:
                    break
                compared += 1
                rate = pair_rate(timeline, yardstick, near, everywhere, min(one, two), max(one, two))
                strangers = as_near(rate, apart, timeline.grain, yardstick.closest)
                if strangers < yardstick.strangers:
                    surprise = math.log(yardstick.strangers / strangers)
                    if surprise > best:
                        best = surprise
                        own[found], other[found] = one, two
        if best > 0.0:
            nats[found] = best
            apart = abs(timeline.day[own[found]] - timeline.day[other[found]])
            closer += nearer_than_habit(yardstick, timeline.grain, apart)
            found += 1
        i, j = last_i, last_j
    total, occasions = sum_between_buyers(timeline, own[:found], other[:found], nats[:found])
    return total, occasions, closer / max(found, 1)


@njit(cache=True, nogil=True)
def pair_decades(
    timeline: Timeline,
    exposure: Exposure,
    yardstick: Yardstick,
    a: int,
    b: int,
    surprise: float,
    occasions: int,
    closer: float,
    is_household: bool,
) -> float:
    """Give the evidence of a pair before multiplicity, in decades, given what they ordered together.

    Trials are the claims of the buyer with fewer; of two with as many, the weaker side counts. `closer` is
    what `pair_occasions` gives; a household files on one evening, so that it says nothing of one.
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
            orders, rate = expected_claims(exposure, own, orders_of(exposure, other), is_household)
            beyond = 0.0 if is_household else closer
            given = evidence_given_orders(trials, chance, surprise, occasions, orders, rate, beyond)
            decades = min(decades, given)
    return decades
