"""Weak pairs: buyers whose claims coincide more than chance, a low bar for what may grow into a ring."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.closeness import Yardstick, as_near, pair_rate
from ringfence.detection.sharing import NOTHING_SHARED, Sharing, holders_of, level, rarest_shared
from ringfence.detection.tail import evidence
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Ints, Longs

BUYERS_AT_ONCE = 1 << 19
"""Pairs are made for so many buyers at a time, which bounds the memory."""
_SHARES = 32
"""Pieces of work handed to the threads; many more than threads, since bursts make some of them slow."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of buyers, best first; ties in the order of (a, b)."""

    a: Ints
    """int32[k], the buyer with the smaller number."""
    b: Ints
    """int32[k]"""
    score: Floats
    """float64[k], decades after multiplicity."""
    surprise: Floats
    """float64[k], nats: the sum over merchants of ln(q0/q) of the closest coincidence."""
    occasions: Ints
    """int32[k], on how many occasions (merchants, until occasions are told apart)."""
    multiplicity: Floats
    """float64[k], decades: the log of the number of pairs this one was singled out from."""

    def __len__(self) -> int:
        return len(self.a)

    def take(self, kept: NDArray[np.intp]) -> "Pairs":
        """Give the pairs at positions `kept`, best first."""
        order = kept[np.lexsort((self.b[kept], self.a[kept], -self.score[kept]))]
        return Pairs(
            self.a[order],
            self.b[order],
            self.score[order],
            self.surprise[order],
            self.occasions[order],
            self.multiplicity[order],
        )


def find_pairs(
    timeline: Timeline,
    sharing: Sharing,
    multiplicity: Floats,
    yardstick: Yardstick,
    near: Ints,
    everywhere: Ints,
    seed_score: float,
    pool: ThreadPoolExecutor,
) -> Pairs:
    """Find the pairs of at least `seed_score` decades among claims that are neighbours at a merchant.

    Scores are upper bounds: every merchant counts, on whatever occasion, and orders explain nothing.

    `multiplicity` is float64 by level, `near` and `everywhere` are the local counts, int32[N]. At most
    `yardstick.neighbours` comparisons a claim; pairs that coincide at one merchant need a shared value.
    """
    buyers = len(timeline.buyer_start) - 1
    decades = np.log10(multiplicity)
    found: list[tuple[NDArray[np.float64], ...]] = []
    for low in range(0, buyers, BUYERS_AT_ONCE):
        high = min(buyers, low + BUYERS_AT_ONCE)
        start = np.zeros(high - low + 1, np.int64)
        partner, merchant, surprise = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)
        walk = (timeline, yardstick, near, everywhere, low)
        _coincidences(*walk, start[1:], partner, merchant, surprise, False)
        np.cumsum(start, out=start)
        partner, merchant = np.empty(start[-1], np.int32), np.empty(start[-1], np.int32)
        surprise = np.empty(start[-1], np.float32)
        _coincidences(*walk, start[:-1].copy(), partner, merchant, surprise, True)
        cuts = np.searchsorted(start, np.linspace(0, len(partner), _SHARES + 1))
        cuts[0], cuts[-1] = 0, high - low
        tasks = [
            pool.submit(
                _score,
                low,
                cuts[i],
                cuts[i + 1],
                start,
                partner,
                merchant,
                surprise,
                timeline,
                sharing,
                decades,
                yardstick,
                seed_score,
            )
            for i in range(_SHARES)
        ]
        found.extend(task.result() for task in tasks)
    a, b, score, nats, merchants, among = (np.concatenate(column) for column in zip(*found, strict=True))
    pairs = Pairs(a.astype(np.int32), b.astype(np.int32), score, nats, merchants.astype(np.int32), among)
    return pairs.take(np.arange(len(pairs)))


@njit(cache=True, nogil=True)
def _densest(yardstick: Yardstick, grain: float) -> float:
    """Give the claims nearby from which on no two can be closer than `strangers` allow."""
    return yardstick.strangers * 2.0 * yardstick.reach / max(2.0 * yardstick.closest, grain) + 2.0


@njit(cache=True, nogil=True)
def _coincidences(
    timeline: Timeline,
    yardstick: Yardstick,
    near: Ints,
    everywhere: Ints,
    low: int,
    free: Longs,
    partner: Ints,
    merchant: Ints,
    surprise: NDArray[np.float32],
    fill: bool,
) -> None:
    """Walk the coincidences of buyers low, low + 1, … with larger-numbered ones.

    Counts them into `free` (int64, one a buyer); or, to `fill` lists by buyer, puts each at its buyer's next
    free place: partner int32, merchant int32, surprise float32 (nats).
    """
    claims = len(timeline.buyer)
    densest = _densest(yardstick, timeline.grain)
    for i in range(claims - 1):
        if near[i] >= densest:
            continue
        for j in range(i + 1, min(claims, i + yardstick.neighbours + 1)):
            apart = timeline.day[j] - timeline.day[i]
            if timeline.merchant[j] != timeline.merchant[i] or apart > yardstick.window:
                break
            a = min(timeline.buyer[i], timeline.buyer[j]) - low
            if timeline.buyer[i] == timeline.buyer[j] or a < 0 or a >= len(free):
                continue
            rate = pair_rate(timeline, yardstick, near, everywhere, i, j)
            strangers = as_near(rate, apart, timeline.grain, yardstick.closest)
            if strangers < yardstick.strangers:
                if fill:
                    at = free[a]
                    partner[at] = max(timeline.buyer[i], timeline.buyer[j])
                    merchant[at] = timeline.merchant[i]
                    surprise[at] = math.log(yardstick.strangers / strangers)
                free[a] += 1


@njit(cache=True, nogil=True)
def _score(
    low: int,
    first: int,
    end: int,
    start: Longs,
    partner: Ints,
    merchant: Ints,
    surprise: NDArray[np.float32],
    timeline: Timeline,
    sharing: Sharing,
    decades: Floats,
    yardstick: Yardstick,
    seed_score: float,
) -> tuple[Floats, ...]:
    """Score the pairs of buyers low + first … low + end - 1: six columns float64[k]."""
    out = np.empty((6, 256))
    found = 0
    q0 = yardstick.strangers / len(timeline.buyer)
    for offset in range(first, end):
        begin, stop = start[offset], start[offset + 1]
        if begin == stop:
            continue
        a = low + offset
        claims_a = timeline.buyer_start[a + 1] - timeline.buyer_start[a]
        # Positions are already in (merchant, time) order, so a stable order by partner groups merchants too.
        order = np.empty(stop - begin, np.int64)
        for i in range(stop - begin):
            order[i] = (np.int64(partner[begin + i]) << 32) | i
        _sort(order)
        i = 0
        while i < len(order):
            b = order[i] >> 32
            nats = 0.0
            merchants = 0
            best = 0.0
            last = -1
            while i < len(order) and (order[i] >> 32) == b:
                at = begin + (order[i] & 0xFFFFFFFF)
                if merchant[at] != last:
                    nats += best
                    merchants += 1
                    last = merchant[at]
                    best = surprise[at]
                elif surprise[at] > best:
                    best = surprise[at]
                i += 1
            nats += best
            value = rarest_shared(sharing, a, b, yardstick.hub)
            if merchants < 2 and value < 0:
                continue
            among = decades[level(holders_of(sharing, value)) if value >= 0 else NOTHING_SHARED]
            claims_b = timeline.buyer_start[b + 1] - timeline.buyer_start[b]
            score = evidence(min(claims_a, claims_b), max(claims_a, claims_b) * q0, nats) - among
            if score >= seed_score:
                if found == out.shape[1]:
                    wider = np.empty((6, 2 * found))
                    wider[:, :found] = out
                    out = wider
                out[0, found], out[1, found], out[2, found] = a, b, score
                out[3, found], out[4, found], out[5, found] = nats, merchants, among
                found += 1
    return out[0, :found], out[1, :found], out[2, :found], out[3, :found], out[4, :found], out[5, :found]


@njit(cache=True, nogil=True)
def _sort(keys: Longs) -> None:
    """Sort int64 keys in place; most lists are short, where insertion wins."""
    if len(keys) >= 24:
        keys.sort()
        return
    for i in range(1, len(keys)):
        key = keys[i]
        j = i - 1
        while j >= 0 and keys[j] > key:
            keys[j + 1] = keys[j]
            j -= 1
        keys[j + 1] = key
