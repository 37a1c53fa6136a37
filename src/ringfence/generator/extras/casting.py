"""Who plays in an extra: how many groups, of how many people, living where."""

import numpy as np

from ringfence.generator.extras.names import Extra, ExtraLookalike, ExtraPattern
from ringfence.generator.groups import Group, Pattern, ring_size
from ringfence.generator.population import Ints

STYLES = tuple(pattern for pattern in Pattern if pattern is not Pattern.SLOW_BURN)
"""The ordinary kinds of ring that take turns below a trick; a slow burn leaves no room for some tricks."""
PER_BUYERS = 20_000
"""The numbers of groups below are for a marketplace of this many buyers."""
_CASTS: dict[Extra, tuple[int, int, int]] = {
    ExtraPattern.CROWD: (2, 200, 200),
    ExtraPattern.TWO_ACCOUNTS: (8, 6, 16),
    ExtraPattern.WAVES_10: (8, 8, 20),
    ExtraPattern.WAVES_6: (8, 8, 20),
    ExtraPattern.WAVES_4: (8, 8, 20),
    ExtraPattern.TWO_COUNTRIES: (8, 6, 15),
    ExtraPattern.ROTATING_MEMBERS: (8, 12, 20),
    ExtraLookalike.LOST_SHIPMENT: (12, 3, 8),
    ExtraLookalike.LOST_SHIPMENT_SCATTERED: (12, 3, 8),
    ExtraLookalike.LOST_VAN: (6, 40, 100),
    ExtraLookalike.DEAL_CLUB_15: (12, 6, 16),
    ExtraLookalike.DEAL_CLUB_40: (12, 6, 16),
    ExtraLookalike.JOINT_PARCELS: (40, 2, 5),
    ExtraLookalike.SUBSCRIPTION_BOX: (6, 30, 60),
    ExtraLookalike.VIRAL_POST: (2, 300, 300),
    ExtraLookalike.RESELLER: (10, 1, 1),
    ExtraLookalike.SMALL_OFFICE: (12, 5, 15),
}
"""(groups, fewest people, most people); the other rings are eight, one of each style and of its size."""
_GROWING = frozenset({ExtraLookalike.VIRAL_POST})
"""Extras whose groups, not their number, grow with the marketplace."""
_STRANGERS = frozenset({ExtraPattern.CROWD, ExtraLookalike.VIRAL_POST})
"""Extras whose people live wherever they live."""


def style_of(group: Group) -> Pattern:
    """Return the ordinary kind of ring whose turn it is."""
    return STYLES[(group.number - 1) % len(STYLES)]


def deal_groups(extra: Extra, buyers: int, chance: np.random.Generator) -> list[Group]:
    """Return the groups of an extra in a marketplace of `buyers`, their people numbered from 0.

    One group at least; in a small marketplace a group is a twentieth of the buyers at most.
    """
    scale = buyers / PER_BUYERS
    usual, fewest, most = _CASTS.get(extra, (len(STYLES), 0, 0))
    many = usual if extra in _GROWING else max(1, round(usual * scale))
    groups: list[Group] = []
    dealt = 0
    for number in range(1, many + 1):
        drawn = (
            int(chance.integers(fewest, most + 1)) if most else ring_size(STYLES[(number - 1) % 8], chance)
        )
        grown = round(drawn * scale) if extra in _GROWING else drawn
        size = max(min(grown, buyers // 20), min(drawn, 20))
        if extra is ExtraPattern.TWO_ACCOUNTS:
            size -= size % 2
        groups.append(Group(extra, number, np.arange(dealt, dealt + size, dtype=np.int32)))
        dealt += size
    return groups


def gather(group: Group, country: Ints) -> None:
    """Move a group to the country of its first member, or its halves to two; writes into `country`."""
    members = group.members
    if group.kind in _STRANGERS:
        return
    first, half = country[members[0]], members[len(members) // 2 :]
    abroad = country[country != first]
    country[members] = first
    if group.kind is ExtraPattern.TWO_COUNTRIES and len(abroad):
        country[half] = abroad[(group.number - 1) % len(abroad)]
