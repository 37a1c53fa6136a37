"""Communities of a weighted graph by local moving, with a result that no numbering of the nodes changes.

Constant Potts model: Traag, Van Dooren and Nesterov, "Narrow scope for resolution-limit-free community
detection", Phys. Rev. E 2011; local moving and aggregation as in Blondel et al., 2008. Unlike modularity it finds
rings of three in a graph of any size.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ringfence.market import Floats, Longs

_UNIT = float(1 << 20)
"""Weights are counted in steps of 1 / _UNIT, so that sums are exact in any order."""
_SWEEPS, _LEVELS, _LOOKS = 50, 10, 4
"""Most sweeps over the nodes of a level, most levels, and how far around a node its place in the order looks."""


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
    its pairs; sizes are 1 by default.
    """
    sizes = np.ones(nodes) if size is None else size.astype(np.float64)
    exact = np.rint(weight * _UNIT).astype(np.int64)
    other = a != b
    a, b, exact = a[other].astype(np.int64), b[other].astype(np.int64), exact[other]
    place = np.empty(nodes, np.int64)
    place[_order(nodes, a, b, exact)] = np.arange(nodes)
    label, a, b = place, place[a], place[b]
    sizes = sizes[np.argsort(place)]
    for _ in range(_LEVELS):
        graph = csr_matrix(
            (np.concatenate((exact, exact)), (np.concatenate((a, b)), np.concatenate((b, a)))),
            (len(sizes), len(sizes)),
        )
        graph.sort_indices()
        community = np.arange(len(sizes))
        start, neighbour = graph.indptr.astype(np.int64), graph.indices.astype(np.int64)
        if not _move(start, neighbour, graph.data, sizes, community, resolution * _UNIT, _SWEEPS):
            break
        _, community = np.unique(community, return_inverse=True)
        label, a, b = community[label], community[a], community[b]
        sizes = np.bincount(community, sizes)
        apart = a != b
        a, b, exact = a[apart], b[apart], exact[apart]
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def modularity_communities(
    nodes: int, a: NDArray[np.integer], b: NDArray[np.integer], resolution: float
) -> Longs:
    """Give int64[nodes], communities of an unweighted graph by modularity (sizes are degrees)."""
    degree = np.bincount(np.concatenate((a, b)), minlength=nodes).astype(np.float64)
    return communities(nodes, a, b, np.ones(len(a)), resolution / max(degree.sum(), 1.0), degree)


def _order(nodes: int, a: Longs, b: Longs, weight: Longs) -> Longs:
    """Give the nodes in an order that follows from the graph alone: int64[nodes].

    By how often each looks alike its neighbours look, a few steps around (Weisfeiler and Leman); only nodes that
    look alike stay in the order of their numbers.
    """
    look = _mixed(np.ones(nodes, np.uint64))
    of_edge = weight.astype(np.uint64)
    for _ in range(_LOOKS):
        around = np.zeros(nodes, np.uint64)
        np.add.at(around, a, _mixed(look[b] ^ _mixed(of_edge)))
        np.add.at(around, b, _mixed(look[a] ^ _mixed(of_edge)))
        look = _mixed(look + around)
    return np.argsort(look, kind="stable")


def _mixed(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit numbers (the finaliser of SplitMix64)."""
    number = number + np.uint64(0x9E3779B97F4A7C15)
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))


@njit(cache=True, nogil=True)
def _move(
    start: Longs,
    neighbour: Longs,
    weight: Longs,
    size: Floats,
    community: Longs,
    resolution: float,
    sweeps: int,
) -> bool:
    """Move each node to the community where it gains most until none gains; says whether any moved."""
    nodes = len(start) - 1
    total = size.copy()
    link = np.zeros(nodes, np.int64)
    seen = np.empty(nodes, np.int64)
    any_moved = False
    for _ in range(sweeps):
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
                if gain > most + 1e-3 or (gain > most - 1e-3 and there < best):
                    best, most = there, gain
            for i in range(near):
                link[seen[i]] = 0
            total[best] += size[node]
            if best != own:
                community[node] = best
                moved = any_moved = True
        if not moved:
            break
    return any_moved
