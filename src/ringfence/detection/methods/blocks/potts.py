"""Communities of a weighted graph by local moving, with a result that no numbering of the nodes changes.

Constant Potts model: Traag, Van Dooren and Nesterov, "Narrow scope for resolution-limit-free community
detection", Phys. Rev. E 2011; local moving and aggregation as in Blondel et al., 2008. Unlike modularity it
finds rings of three in a graph of any size.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.market import Floats, Ints, Longs

Hashes = NDArray[np.uint64]

_UNIT = float(1 << 20)
"""Weights are counted in steps of 1 / _UNIT, so that sums are exact in any order."""
_SWEEPS, _LEVELS, _LOOKS = 50, 10, 4
"""Most sweeps over the nodes of a level, most levels, and how many steps around a node decide its place."""


def communities(
    nodes: int,
    a: NDArray[np.integer],
    b: NDArray[np.integer],
    weight: Floats,
    resolution: float,
    size: Floats | None = None,
) -> Longs:
    """Give int64[nodes], communities of the graph with edges (a, b), numbered by their first node.

    A community of nodes with sizes s gains the weights inside less `resolution` times the sum of s_i s_j over
    its pairs; sizes are 1 by default. Weights are 0 or more; edges may repeat, loops count for nothing.
    """
    sizes = np.ones(nodes) if size is None else size.astype(np.float64)
    exact = np.rint(weight * _UNIT).astype(np.int64)
    label = _communities(nodes, a.astype(np.int32), b.astype(np.int32), exact, sizes, resolution * _UNIT)
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def modularity_communities(
    nodes: int, a: NDArray[np.integer], b: NDArray[np.integer], resolution: float
) -> Longs:
    """Give int64[nodes], communities of an unweighted graph by modularity (sizes are degrees)."""
    degree = np.bincount(np.concatenate((a, b)), minlength=nodes).astype(np.float64)
    return communities(nodes, a, b, np.ones(len(a)), resolution / max(degree.sum(), 1.0), degree)


@njit(cache=True, nogil=True)
def _communities(nodes: int, a: Ints, b: Ints, weight: Longs, size: Floats, resolution: float) -> Longs:
    """Move nodes, make each community a node, and again: int64[nodes], the community of each."""
    start, neighbour, linked = _adjacent(nodes, a, b, weight)
    order = np.argsort(_looks(start, neighbour, linked), kind="mergesort")
    place = np.empty(nodes, np.int32)
    for i in range(nodes):
        place[order[i]] = i
    label = place.astype(np.int64)
    sizes = size[order]
    ends_a, ends_b, weights = place[a], place[b], weight
    for _ in range(_LEVELS):
        start, neighbour, linked = _adjacent(len(sizes), ends_a, ends_b, weights)
        community = _move(start, neighbour, linked, sizes, resolution)
        number = np.full(len(sizes), -1, np.int32)
        found = 0
        for node in range(len(sizes)):
            if number[community[node]] < 0:
                number[community[node]] = found
                found += 1
        if found == len(sizes):
            break
        merged = np.zeros(found)
        for node in range(len(sizes)):
            merged[number[community[node]]] += sizes[node]
        for i in range(nodes):
            label[i] = number[community[label[i]]]
        left = 0
        next_a, next_b, next_weight = np.empty_like(ends_a), np.empty_like(ends_b), np.empty_like(weights)
        for edge in range(len(ends_a)):
            one, other = number[community[ends_a[edge]]], number[community[ends_b[edge]]]
            if one != other:
                next_a[left], next_b[left], next_weight[left] = one, other, weights[edge]
                left += 1
        ends_a, ends_b, weights, sizes = next_a[:left], next_b[:left], next_weight[:left], merged
    return label


@njit(cache=True, nogil=True)
def _adjacent(nodes: int, a: Ints, b: Ints, weight: Longs) -> tuple[Longs, Ints, Longs]:
    """Lay edges out by node, both ways, loops left out: (int64[nodes + 1] starts, neighbours, weights)."""
    start = np.zeros(nodes + 1, np.int64)
    for edge in range(len(a)):
        if a[edge] != b[edge]:
            start[a[edge] + 1] += 1
            start[b[edge] + 1] += 1
    for node in range(nodes):
        start[node + 1] += start[node]
    at = start[:-1].copy()
    neighbour, linked = np.empty(start[-1], np.int32), np.empty(start[-1], np.int64)
    for edge in range(len(a)):
        one, other = a[edge], b[edge]
        if one != other:
            neighbour[at[one]], linked[at[one]] = other, weight[edge]
            neighbour[at[other]], linked[at[other]] = one, weight[edge]
            at[one] += 1
            at[other] += 1
    return start, neighbour, linked


@njit(cache=True, nogil=True)
def _looks(start: Longs, neighbour: Ints, weight: Longs) -> Hashes:
    """Hash what each node sees a few steps around it (Weisfeiler and Leman): alike nodes get equal hashes."""
    nodes = len(start) - 1
    look = np.zeros(nodes, np.uint64)
    for _ in range(_LOOKS):
        around = np.empty(nodes, np.uint64)
        for node in range(nodes):
            total = look[node]
            for edge in range(start[node], start[node + 1]):
                total += _mixed(look[neighbour[edge]] ^ _mixed(np.uint64(weight[edge])))
            around[node] = _mixed(total)
        look = around
    return look


@njit(cache=True, nogil=True)
def _mixed(number: np.uint64) -> np.uint64:
    """Scatter a 64-bit number (the finaliser of SplitMix64)."""
    number = number + np.uint64(0x9E3779B97F4A7C15)
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))


@njit(cache=True, nogil=True)
def _move(start: Longs, neighbour: Ints, weight: Longs, size: Floats, resolution: float) -> Longs:
    """Move each node to the community where it gains most until none gains: int64 by node.

    Of equal gains the community of the lowest number wins, so that no order of edges shows.
    """
    nodes = len(start) - 1
    community = np.arange(nodes)
    total = size.copy()
    link = np.zeros(nodes, np.int64)
    seen = np.empty(nodes, np.int64)
    for _ in range(_SWEEPS):
        moved = False
        for node in range(nodes):
            own = community[node]
            near = 0
            for edge in range(start[node], start[node + 1]):
                there = community[neighbour[edge]]
                if link[there] == 0 and weight[edge] > 0:
                    seen[near] = there
                    near += 1
                link[there] += weight[edge]
            total[own] -= size[node]
            best, most = own, link[own] - resolution * size[node] * total[own]
            for i in range(near):
                there = seen[i]
                gain = link[there] - resolution * size[node] * total[there]
                if gain > most or (gain == most and there < best):
                    best, most = there, gain
            for i in range(near):
                link[seen[i]] = 0
            total[best] += size[node]
            if best != own:
                community[node] = best
                moved = True
        if not moved:
            break
    return community
