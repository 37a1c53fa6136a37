"""Every buyer's rank by the pairs it is in: joint hits, kept honest by breadth and by its partners' ranks."""

import math

import numpy as np
from numba import njit

from ringfence.detection.methods.blocks.graph import CellGraph, Flags
from ringfence.detection.methods.structure.pairs import SurprisingPairs, partners_of
from ringfence.detection.methods.structure.parameters import StructureParameters
from ringfence.market import Floats, Ints, Longs

_NEAR_MISS = 1.0
"""Decades below the bar from which a pair still smooths the ranks of its two."""


def rank_buyers(graph: CellGraph, pairs: SurprisingPairs, parameters: StructureParameters) -> Floats:
    """Give float64[n], 0 for buyers in no significant pair: sqrt(share) ln(1 + min(own, breadth)), smoothed.

    `share` is the part of a buyer's merchants that a partner has too, `own` its surplus of decades, `breadth`
    the merchants at which two of its partners hit together: a small crowd on a handful of merchants has none.
    """
    rows = len(graph.row_start) - 1
    if not math.isfinite(pairs.threshold):
        return np.zeros(rows)
    bar = pairs.threshold + parameters.margin
    start, partner, which = partners_of(pairs.a, pairs.b, pairs.decades > bar, rows)
    own = _sums(start, pairs.decades[which] - bar)
    is_hit = _hits(graph.row_start, graph.row_column, start, partner, len(graph.column_start) - 1)
    breadth = _breadth(graph.row_start, graph.row_column, is_hit, start, partner, len(graph.column_start) - 1)
    share = _sums(graph.row_start, is_hit.astype(np.float64)) / np.maximum(graph.row_degree, 1.0)
    rank = np.sqrt(share) * np.log1p(np.minimum(own, breadth))
    near = pairs.decades > bar - _NEAR_MISS
    start, partner, which = partners_of(pairs.a, pairs.b, near, rows)
    weight = pairs.decades[which] - bar + _NEAR_MISS
    return _smooth(rank, start, partner, weight, parameters.smoothings)


def _sums(start: Longs, values: Floats) -> Floats:
    """Add up `values` from start to start: float64[len(start) - 1]."""
    group = np.repeat(np.arange(len(start) - 1), np.diff(start))
    return np.bincount(group, values, minlength=len(start) - 1).astype(np.float64)


@njit(cache=True, nogil=True)
def _hits(row_start: Longs, row_column: Ints, start: Longs, partner: Ints, columns: int) -> Flags:
    """Mark the edges whose column a partner of the row has too: bool[E]."""
    is_hit = np.zeros(len(row_column), np.bool_)
    edge_of = np.full(columns, -1, np.int64)
    for row in range(len(row_start) - 1):
        if start[row] == start[row + 1]:
            continue
        for edge in range(row_start[row], row_start[row + 1]):
            edge_of[row_column[edge]] = edge
        for i in range(start[row], start[row + 1]):
            for edge in range(row_start[partner[i]], row_start[partner[i] + 1]):
                if edge_of[row_column[edge]] >= 0:
                    is_hit[edge_of[row_column[edge]]] = True
        for edge in range(row_start[row], row_start[row + 1]):
            edge_of[row_column[edge]] = -1
    return is_hit


@njit(cache=True, nogil=True)
def _breadth(
    row_start: Longs, row_column: Ints, is_hit: Flags, start: Longs, partner: Ints, columns: int
) -> Floats:
    """Count the columns where at least two partners of each row hit: float64[n]."""
    out = np.zeros(len(row_start) - 1)
    times = np.zeros(columns, np.int32)
    for row in range(len(row_start) - 1):
        for i in range(start[row], start[row + 1]):
            for edge in range(row_start[partner[i]], row_start[partner[i] + 1]):
                if is_hit[edge]:
                    times[row_column[edge]] += 1
                    if times[row_column[edge]] == 2:
                        out[row] += 1.0
        for i in range(start[row], start[row + 1]):
            for edge in range(row_start[partner[i]], row_start[partner[i] + 1]):
                times[row_column[edge]] = 0
    return out


@njit(cache=True, nogil=True)
def _smooth(rank: Floats, start: Longs, partner: Ints, weight: Floats, times: int) -> Floats:
    """Average each rank with the weighted mean of its partners', `times` times."""
    for _ in range(times):
        smoothed = rank / 2.0
        for row in range(len(rank)):
            total = mean = 0.0
            for i in range(start[row], start[row + 1]):
                total += weight[i]
                mean += weight[i] * rank[partner[i]]
            if total > 0.0:
                smoothed[row] += mean / total / 2.0
        rank = smoothed
    return rank
