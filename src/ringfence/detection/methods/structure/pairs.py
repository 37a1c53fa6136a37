"""Pairs of buyers who share more merchants than chance: who and where alone."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from ringfence.detection.methods.blocks.graph import CellGraph, Flags
from ringfence.detection.methods.structure.parameters import StructureParameters
from ringfence.market import Floats, Ints, Longs

MOST_DECADES = 300.0
_FEWEST_SHARED = 2
_SHORT_OF_ALL_PAIRS = 1.5
"""Pairs are kept from log10(buyers) less this many decades: none of less could pass the threshold."""
_ROOM = 1 << 16
_TWO_PI = 2.0 * math.pi


@dataclass(frozen=True, eq=False)
class SurprisingPairs:
    """P pairs of buyers that share merchants beyond chance."""

    a: Ints
    """int32[P]"""
    b: Ints
    """int32[P], above `a`."""
    decades: Floats
    """float64[P], -log10 of the chance to share as many merchants, before multiplicity."""
    threshold: float
    """Decades from which pairs are significant; infinite if none is."""


def find_surprising_pairs(graph: CellGraph, parameters: StructureParameters) -> SurprisingPairs:
    """Find the surprising pairs of `graph`, whose columns are merchants, by first and second buyer.

    A pair with degrees d_u and d_v shares Poisson(d_u d_v K) merchants by chance; K is the sum over merchants
    of d (d - 1) / M^2. Memory is bounded by the edges, time by `most_meetings`.
    """
    buyers = len(graph.row_start) - 1
    degree = graph.column_degree
    rate = float((degree * (degree - 1.0)).sum()) / max(graph.edges, 1.0) ** 2
    least = max(2.0, math.log10(max(buyers, 1)) - _SHORT_OF_ALL_PAIRS)
    most = max(_ROOM, int(parameters.most_pairs_per_edge * graph.edges))
    used = _uncrowded(degree, parameters.most_meetings)
    a, b, decades = _pairs(graph, used, rate, least, most)
    hypotheses = buyers * (buyers - 1) / 2
    threshold = significance_threshold(decades, hypotheses, parameters.false_discovery_rate)
    return SurprisingPairs(a, b, decades, threshold)


def significance_threshold(decades: Floats, hypotheses: float, rate: float) -> float:
    """Give the decades from which findings are significant at false discovery rate `rate`, or infinity.

    Benjamini and Hochberg, J. R. Stat. Soc. B 1995; `decades` need only hold the strongest of the hypotheses.
    """
    strongest = np.sort(decades)[::-1]
    allowed = -np.log10(rate * np.arange(1, len(strongest) + 1) / max(hypotheses, 1.0))
    passing = np.flatnonzero(strongest >= allowed)
    return float(strongest[passing[-1]]) if len(passing) else math.inf


def _uncrowded(degree: Floats, most: int) -> Flags:
    """Mark the least crowded columns, `most` pairs of rows in all: bool[m], equally crowded ones alike."""
    order = np.argsort(degree, kind="stable")
    pairs = np.cumsum(degree[order] * (degree[order] - 1.0) / 2.0)
    fitting = int(np.searchsorted(pairs, most, side="right"))
    return degree < degree[order[fitting]] if fitting < len(degree) else np.ones(len(degree), np.bool_)


@njit(cache=True, nogil=True)
def poisson_decades(count: int, mean: float) -> float:
    """Give -log10 of the chance that a Poisson variable of `mean` reaches `count`, 300 at most."""
    if count <= 0:
        return 0.0
    if mean <= 0.0:
        return MOST_DECADES
    if count <= mean:  # the sum from `count` up is long here, the one below it short
        term = math.exp(-mean)
        below = term
        for k in range(1, count):
            term *= mean / k
            below += term
        return max(0.0, -math.log10(max(1.0 - below, 1e-300)))
    log_first = count * math.log(mean) - mean - math.lgamma(count + 1.0)
    total = term = 1.0
    k = count
    while term > 1e-17 * total:
        k += 1
        term *= mean / k
        total += term
    return min(MOST_DECADES, max(0.0, -(log_first + math.log(total)) / math.log(10.0)))


@njit(cache=True, nogil=True)
def _log_exactly(count: int, mean: float) -> float:
    """Give a little less than ln of the chance that a Poisson variable is `count` (Stirling)."""
    return (
        count * math.log(mean / count) + count - mean - 0.5 * math.log(_TWO_PI * count) - 1.0 / (12.0 * count)
    )


@njit(cache=True, nogil=True)
def _pairs(graph: CellGraph, used: Flags, rate: float, least: float, most: int) -> tuple[Ints, Ints, Floats]:
    """List the pairs of at least `least` decades, at most `most` of them; the weakest go first."""
    rows = len(graph.row_start) - 1
    shared = np.zeros(rows, np.int32)
    seen = np.empty(rows, np.int32)
    a, b, decades = np.empty(_ROOM, np.int32), np.empty(_ROOM, np.int32), np.empty(_ROOM)
    k = 0
    floor = -least * math.log(10.0)
    for row in range(rows):
        count = 0
        for edge in range(graph.row_start[row], graph.row_start[row + 1]):
            column = graph.row_column[edge]
            if not used[column]:
                continue
            for i in range(graph.column_start[column + 1] - 1, graph.column_start[column] - 1, -1):
                other = graph.column_row[i]
                if other <= row:
                    break
                if shared[other] == 0:
                    seen[count] = other
                    count += 1
                shared[other] += 1
        partners = np.sort(seen[:count])
        for other in partners:
            together = shared[other]
            shared[other] = 0
            if together < _FEWEST_SHARED:
                continue
            mean = graph.row_degree[row] * graph.row_degree[other] * rate
            if together <= mean or _log_exactly(together, mean) > floor:
                continue  # the chance to reach a count is more than that of the count alone
            found = poisson_decades(together, mean)
            if found < least:
                continue
            if k == most:
                least = np.median(decades[:k])
                floor = -least * math.log(10.0)
                k = _drop_weaker(a, b, decades, k, least)
                if found <= least:
                    continue
            if k == len(a):
                a, b = np.concatenate((a, np.empty_like(a))), np.concatenate((b, np.empty_like(b)))
                decades = np.concatenate((decades, np.empty_like(decades)))
            a[k], b[k], decades[k] = row, other, found
            k += 1
    return a[:k].copy(), b[:k].copy(), decades[:k].copy()


@njit(cache=True, nogil=True)
def _drop_weaker(a: Ints, b: Ints, decades: Floats, count: int, least: float) -> int:
    """Keep the pairs above `least`, in place; gives how many."""
    k = 0
    for i in range(count):
        if decades[i] > least:
            a[k], b[k], decades[k] = a[i], b[i], decades[i]
            k += 1
    return k


@njit(cache=True, nogil=True)
def partners_of(a: Ints, b: Ints, kept: Flags, rows: int) -> tuple[Longs, Ints, Longs]:
    """Lay out pairs both ways: (int64[rows + 1] starts, int32 partners, int64 which pair each is)."""
    start = np.zeros(rows + 1, np.int64)
    for pair in range(len(a)):
        if kept[pair]:
            start[a[pair] + 1] += 1
            start[b[pair] + 1] += 1
    for row in range(rows):
        start[row + 1] += start[row]
    place = start[:-1].copy()
    partner, which = np.empty(start[-1], np.int32), np.empty(start[-1], np.int64)
    for pair in range(len(a)):
        if kept[pair]:
            one, other = a[pair], b[pair]
            partner[place[one]], which[place[one]] = other, pair
            partner[place[other]], which[place[other]] = one, pair
            place[one] += 1
            place[other] += 1
    return start, partner, which
