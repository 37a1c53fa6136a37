"""Where the search for blocks starts: communities of weak pairs, whatever they were found by."""

import numpy as np
from numpy.typing import NDArray

from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.methods.blocks.potts import communities
from ringfence.market import Floats, Longs

_FEWEST_MEMBERS = 3


def starts_of_pairs(
    a: NDArray[np.integer], b: NDArray[np.integer], weight: Floats, parameters: BlockParameters
) -> list[Longs]:
    """Give the communities of weak pairs as starts: int64 arrays of three buyers or more, the heaviest first.

    Pairs (a, b) have weights above 0, such as their evidence in decades plus four. The heaviest community has
    the largest sum of weights inside.
    """
    if len(a) == 0:
        return []
    buyers, place = np.unique(np.concatenate((a, b)), return_inverse=True)
    a, b = place[: len(a)], place[len(a) :]
    community = communities(len(buyers), a, b, weight, parameters.community_resolution)
    within = community[a] == community[b]
    # Thousandths add up to the same sum in any order.
    inside = np.bincount(community[a][within], np.rint(weight[within] * 1000.0), minlength=len(buyers))
    order = np.argsort(community, kind="stable")
    groups = np.split(buyers[order].astype(np.int64), np.cumsum(np.bincount(community))[:-1])
    heaviest = sorted(range(len(groups)), key=lambda i: (-inside[i], int(groups[i][0])))
    return [groups[i] for i in heaviest if len(groups[i]) >= _FEWEST_MEMBERS]
