"""Associates of rings: buyers who share a value with many members, and met none of them."""

from collections.abc import Sequence

import numpy as np

from ringfence.detection.candidates import Candidate
from ringfence.detection.methods.identifiers.parameters import IdentifierParameters
from ringfence.detection.prepare import Prepared
from ringfence.market import Longs


def associates(prepared: Prepared, rings: Sequence[Candidate], rules: IdentifierParameters) -> list[Longs]:
    """List the associates of each of `rings`: int64, rising. Run it last, when members are settled.

    A value with `associate_holders` to `most_holders` holders brings in all who hold it if
    `associate_members` of them, and half, are members of one ring. Members of a ring are associates of none,
    and an associate belongs to one ring: the first, which is the strongest.
    """
    sharing = prepared.sharing
    ring_of = np.full(prepared.buyers, -1, np.int64)
    for at, ring in enumerate(rings):
        ring_of[ring.members] = at
    size = np.diff(sharing.holder_start)
    counted = np.repeat((size >= rules.associate_holders) & (size <= rules.most_holders), size)
    value = np.repeat(np.arange(len(size)), size)[counted]
    holder = sharing.holder[counted]
    of = ring_of[holder]
    inside = of >= 0
    pair, members = np.unique(value[inside] * max(len(rings), 1) + of[inside], return_counts=True)
    of_value, of_ring = pair // max(len(rings), 1), pair % max(len(rings), 1)
    enough = np.maximum(rules.associate_members, size[of_value] / 2)
    # Two rings may hold half of a value each: the first has it.
    ring_by_value = np.full(len(size), len(rings), np.int64)
    np.minimum.at(ring_by_value, of_value[members >= enough], of_ring[members >= enough])
    brought = (of < 0) & (ring_by_value[value] < len(rings))
    ring_by_buyer = np.full(prepared.buyers, len(rings), np.int64)
    np.minimum.at(ring_by_buyer, holder[brought], ring_by_value[value[brought]])
    return [np.flatnonzero(ring_by_buyer == at) for at in range(len(rings))]
