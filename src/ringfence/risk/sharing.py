"""Values that buyers share with people who were confirmed to abuse refunds."""

import numpy as np
from numpy.typing import NDArray

from ringfence.market import Identifiers, Longs


def shared_with(identifiers: tuple[Identifiers, ...], confirmed: NDArray[np.bool_], holders: int) -> Longs:
    """Count for each of n buyers the values of at most `holders` people, another confirmed abuser among them.

    `confirmed` is bool[n]; gives int64[n].
    """
    shared = np.zeros(len(confirmed), np.int64)
    for kind in identifiers:
        values = len(kind.exact)
        of_confirmed = confirmed[kind.buyer]
        abusers = np.bincount(kind.value[of_confirmed], minlength=values)
        is_rare = np.bincount(kind.value, minlength=values) <= holders
        counts = is_rare[kind.value] & (abusers[kind.value] > of_confirmed)
        shared += np.bincount(kind.buyer[counts], minlength=len(confirmed))
    return shared
