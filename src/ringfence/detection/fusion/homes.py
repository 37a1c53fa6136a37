"""Homes inside a group: a group of households was singled out once for each of them."""

import math

import numpy as np

from ringfence.detection.pair_evidence import all_pairs
from ringfence.detection.prepare import Prepared
from ringfence.market import Longs


def among_homes(prepared: Prepared, group: Longs) -> tuple[bool, float | None]:
    """Say whether half of `group` (int64 rising) share values inside it, and the decades paid for that.

    A home is what shared values connect. Each pays what the best weak pair inside the group that shares a
    value paid, or, without one, the log of the number of shared values; None where too few share.
    """
    sharing, hub = prepared.sharing, prepared.yardstick.hub
    holders = np.diff(sharing.holder_start)
    home = np.arange(len(group))
    first: dict[int, int] = {}
    for i, buyer in enumerate(group.tolist()):
        own = sharing.value[sharing.value_start[buyer] : sharing.value_start[buyer + 1]]
        for value in own[holders[own] <= hub].tolist():
            other = first.setdefault(value, i)
            if home[other] != home[i]:
                home[home == home[i]] = home[other]
    sizes = np.bincount(home, minlength=len(group))
    if 2 * sizes[sizes >= 2].sum() < len(group):
        return False, None
    pairs = prepared.pairs
    is_inside = np.zeros(prepared.buyers, np.bool_)
    is_inside[group] = True
    shared = pairs.multiplicity < all_pairs(prepared.timeline)
    inside = np.flatnonzero(is_inside[pairs.a] & is_inside[pairs.b] & shared)
    few = max(int((holders <= hub).sum()), 1)
    each = float(pairs.multiplicity[inside[0]]) if len(inside) else math.log10(few)
    return True, int((sizes >= 2).sum()) * each
