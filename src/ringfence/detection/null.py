"""A marketplace of the same shape in which nobody coordinates: what chance alone would show."""

from dataclasses import replace

import numpy as np
from numba import njit

from ringfence.detection.cells import cut_cells
from ringfence.detection.exposure import claim_again
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared, count_nearby, weak_pairs, with_occasions, with_orders
from ringfence.detection.timeline import Timeline, lay_out, starts
from ringfence.market import Claims, Ints, Longs

_TRADES = 8
"""How often each buyer trades merchants with another one, on average, where times say nothing."""


def without(prepared: Prepared, buyers: Longs, parameters: Parameters) -> Prepared:
    """Leave out all claims of `buyers` (int64[k]); everybody keeps their number, identifiers and orders.

    At least one claim must stay. What is left is there to be shuffled: its pairs are not searched for.
    """
    no_pairs = prepared.pairs.take(np.empty(0, np.intp))
    if len(buyers) == 0:
        return replace(prepared, pairs=no_pairs)
    left_out = np.zeros(prepared.buyers, np.bool_)
    left_out[buyers] = True
    kept = np.flatnonzero(~left_out[prepared.timeline.buyer])
    claims = _take(prepared.market.claims, kept)
    timeline = lay_out(claims, prepared.buyers, len(prepared.market.merchant_ids), prepared.times.grain_days)
    near, everywhere = count_nearby(timeline, prepared.yardstick.reach)
    timeline, exposure = with_orders(timeline, prepared.orders, int(claims.filed_at.min()), parameters)
    return replace(
        prepared,
        market=replace(prepared.market, claims=claims),
        timeline=timeline,
        cells=cut_cells(timeline, parameters.blocks),
        near=near,
        everywhere=everywhere,
        exposure=exposure,
        pairs=no_pairs,
    )


def shuffled(prepared: Prepared, rng: np.random.Generator, parameters: Parameters) -> Prepared:
    """Shuffle who filed which claim, so that no two buyers coincide but by chance.

    Buyers are shuffled among the claims of one merchant in one block of days, whose phase is random. What
    merchants receive on each day, what each buyer files in all, and at which merchants, stay about as they
    are: batches, peaks, unequal buyers and tastes are no coincidence. Identifiers and orders stay with the
    buyer. Where times say nothing, buyers trade merchants instead, and only the numbers of claims and of
    merchants of each buyer, and of buyers of each merchant, stay.
    """
    timeline = prepared.timeline
    if prepared.times.tell_when:
        block_days = parameters.calibration.block_days
        buyer = timeline.buyer.copy()
        phase = rng.uniform(0.0, block_days)
        _shuffle_blocks(timeline, buyer, rng, phase, block_days)
    else:
        buyer = _traded(timeline, rng)
    _sort_ties(timeline, buyer)
    timeline = timeline._replace(buyer=buyer, of_buyer=_by_buyer(buyer, timeline.buyer_start))
    exposure, bought = claim_again(prepared.exposure, timeline)
    timeline = with_occasions(timeline, bought if prepared.orders is not None else None, parameters.occasions)
    pairs = weak_pairs(
        timeline,
        prepared.sharing,
        prepared.multiplicity,
        exposure,
        prepared.yardstick,
        prepared.near,
        prepared.everywhere,
        parameters,
    )
    return replace(
        prepared,
        market=replace(prepared.market, claims=replace(prepared.market.claims, buyer=buyer)),
        timeline=timeline,
        exposure=exposure,
        pairs=pairs,
    )


def _take(claims: Claims, kept: Longs) -> Claims:
    return Claims(
        claim_id=claims.claim_id.gather(kept),
        buyer=claims.buyer[kept],
        merchant=claims.merchant[kept],
        filed_at=claims.filed_at[kept],
        amount=claims.amount[kept],
        currency=claims.currency[kept],
    )


@njit(cache=True, nogil=True)
def _by_buyer(buyer: Ints, buyer_start: Longs) -> Ints:
    """Give int32[N], the positions of claims by (buyer, position); `buyer_start` is the timeline's."""
    free = buyer_start[:-1].copy()
    out = np.empty(len(buyer), np.int32)
    for i in range(len(buyer)):
        out[free[buyer[i]]] = i
        free[buyer[i]] += 1
    return out


@njit(cache=True, nogil=True)
def _shuffle_blocks(
    timeline: Timeline, buyer: Ints, rng: np.random.Generator, phase: float, block_days: float
) -> None:
    """Shuffle `buyer` (int32[N]) in place inside each merchant's blocks of days."""
    for merchant in range(len(timeline.merchant_start) - 1):
        first, last = timeline.merchant_start[merchant], timeline.merchant_start[merchant + 1]
        begin = first
        for i in range(first, last):
            if (timeline.day[i] + phase) // block_days != (timeline.day[begin] + phase) // block_days:
                begin = i
            other = begin + int(rng.random() * (i - begin + 1))
            buyer[i], buyer[other] = buyer[other], buyer[i]


@njit(cache=True, nogil=True)
def _sort_ties(timeline: Timeline, buyer: Ints) -> None:
    """Put claims of one merchant and moment in the order of their buyers, as in every timeline."""
    i = 0
    while i < len(buyer):
        j = i + 1
        while (
            j < len(buyer)
            and timeline.merchant[j] == timeline.merchant[i]
            and timeline.day[j] == timeline.day[i]
        ):
            j += 1
        if j - i > 1:
            buyer[i:j] = np.sort(buyer[i:j])
        i = j


def _traded(timeline: Timeline, rng: np.random.Generator) -> Ints:
    """Give int32[N], a buyer for each claim after random trades of merchants between pairs of buyers.

    Strona, Nappo, Boccacci, Fattorini and San-Miguel-Ayanz, "A fast and unbiased procedure to randomize
    ecological binary matrices with fixed row and column totals" (curveball), 2014. Several claims of one
    buyer at one merchant are one edge and move together.
    """
    merchants, buyers = len(timeline.merchant_start) - 1, len(timeline.buyer_start) - 1
    edges, claims = np.unique(
        timeline.buyer.astype(np.int64) * merchants + timeline.merchant, return_counts=True
    )
    owner = (edges // merchants).astype(np.int32)
    merchant = edges % merchants
    buyer_start = starts(owner, buyers)
    _trade(merchant, claims, buyer_start, rng.integers(0, buyers, (_TRADES * buyers, 2)), rng)
    order = np.lexsort((owner, merchant))
    return np.repeat(owner[order], claims[order])


@njit(cache=True, nogil=True)
def _trade(
    merchant: Longs, claims: Longs, buyer_start: Longs, partners: Longs, rng: np.random.Generator
) -> None:
    """Trade in place: two buyers pool the merchants that only one of them has, and share them out again.

    `merchant` and `claims` (int64[E]) are the edges by buyer, `partners` int64[k, 2]. Each buyer keeps as
    many edges of each number of claims as before, so that all totals stay exact.
    """
    for t in range(len(partners)):
        a, b = partners[t, 0], partners[t, 1]
        if a == b:
            continue
        pool = np.concatenate((_only_of(merchant, buyer_start, a, b), _only_of(merchant, buyer_start, b, a)))
        pool = pool[np.argsort(claims[pool], kind="mergesort")]
        begin = 0
        for i in range(len(pool)):
            if claims[pool[i]] != claims[pool[begin]]:
                begin = i
            other = begin + int(rng.random() * (i - begin + 1))
            one, two = merchant[pool[i]], merchant[pool[other]]
            merchant[pool[i]], merchant[pool[other]] = two, one


@njit(cache=True, nogil=True)
def _only_of(merchant: Longs, buyer_start: Longs, a: int, b: int) -> Longs:
    """Give the positions of the edges of `a` at merchants where `b` has none: int64[k]."""
    others = np.sort(merchant[buyer_start[b] : buyer_start[b + 1]])
    found = np.empty(buyer_start[a + 1] - buyer_start[a], np.int64)
    count = 0
    for i in range(buyer_start[a], buyer_start[a + 1]):
        at = np.searchsorted(others, merchant[i])
        if at == len(others) or others[at] != merchant[i]:
            found[count] = i
            count += 1
    return found[:count]
