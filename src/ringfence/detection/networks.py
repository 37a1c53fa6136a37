"""Networks: rings that share people's identifiers or targets more than chance would have them."""

import math
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ringfence.detection.pairs import Pairs
from ringfence.detection.sharing import NOTHING_SHARED, Sharing, level
from ringfence.market import Floats, Ints

SEED = 1
"""Of the communities; nothing else is drawn."""


def find_networks(
    sizes: NDArray[np.int64],
    ring_of: NDArray[np.int64],
    seeds: Pairs,
    sharing: Sharing,
    multiplicity: Floats,
    hub: int,
) -> NDArray[np.int64]:
    """Give int64[rings], the network of each ring, numbered in the order of the rings.

    `sizes` are members by ring, `ring_of` is int64[n], each buyer's ring or -1. Two rings are tied by weak
    pairs across them and by values they share; a tie counts with the decades by which chance, over all pairs
    of rings, fails to explain it. Networks are the communities of that graph.
    """
    rings = len(sizes)
    if rings < 2:
        return np.arange(rings)
    all_ties = math.log10(rings * (rings - 1) / 2)
    every_pair = math.log10(multiplicity[NOTHING_SHARED])
    first: list[int] = []
    second: list[int] = []
    decades: list[float] = []

    one, other = ring_of[seeds.a], ring_of[seeds.b]
    across = np.flatnonzero((one >= 0) & (other >= 0) & (one != other))
    first += one[across].tolist()
    second += other[across].tolist()
    decades += (seeds.score[across] + seeds.multiplicity[across]).tolist()
    for value, end in enumerate(sharing.holder_start[1:]):
        holders = sharing.holder[sharing.holder_start[value] : end]
        if len(holders) > hub:
            break
        among = np.unique(ring_of[holders])
        among = among[among >= 0]
        rarity = every_pair - math.log10(multiplicity[level(len(holders))])
        for i, j in combinations(among.tolist(), 2):
            first.append(i)
            second.append(j)
            decades.append(rarity)
    if not first:
        return np.arange(rings)
    low = np.minimum(first, second).astype(np.int64)
    high = np.maximum(first, second).astype(np.int64)
    surplus = np.array(decades) - np.log10(sizes[low] * sizes[high]) - all_ties
    kept = surplus > 0
    tie, inverse = np.unique(low[kept] * rings + high[kept], return_inverse=True)
    weight = np.bincount(inverse, surplus[kept], len(tie)).astype(np.float64)
    return communities(rings, (tie // rings).astype(np.int32), (tie % rings).astype(np.int32), weight)


def communities(nodes: int, a: Ints, b: Ints, weight: Floats, resolution: float = 1.0) -> NDArray[np.int64]:
    """Give int64[nodes], communities of the weighted graph with edges (a, b), numbered by their first node.

    Leiden on modularity (Traag, Waltman, van Eck, Sci. Rep. 2019), on one thread with a fixed seed: on more
    it is not deterministic. The number of threads is set back afterwards.
    """
    ends = np.bincount(np.concatenate((a, b)), minlength=nodes)
    if ends.max(initial=0) <= 1:
        # Pairs at most: each is a community, and a library of graphs need not be loaded to say so.
        found = np.arange(nodes)
        found[np.maximum(a, b)] = np.minimum(a, b)
        return np.unique(found, return_inverse=True)[1]
    import networkit as nk

    threads = nk.getMaxNumberOfThreads()
    nk.setNumberOfThreads(1)
    try:
        nk.setSeed(SEED, False)
        graph = nk.GraphFromCoo((weight, (a, b)), n=nodes, weighted=True, directed=False)
        found = nk.community.ParallelLeiden(graph, iterations=8, randomize=False, gamma=resolution)
        found.run()
        membership = np.asarray(found.getPartition().getVector(), np.int64)
    finally:
        nk.setNumberOfThreads(threads)
    _, first, inverse = np.unique(membership, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]
