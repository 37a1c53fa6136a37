"""Which values people share: what sentences name."""

from typing import NamedTuple

from ringfence.detection.prepare import Prepared
from ringfence.market import Longs


class Holding(NamedTuple):
    """A value that people of a group hold."""

    kind: int
    """A position in `Prepared.shared_kinds`."""
    inside: int
    """How many of the group hold it."""
    holders: int
    """How many buyers who claim hold it in all."""
    value: int
    """Its number in `Prepared.sharing`."""


def best_by_kind(prepared: Prepared, holders: Longs, group: Longs, least: int) -> list[Holding]:
    """Give, for each kind, the value held by most of `group`, the rarest of those; most held first.

    Both are int64 buyers. Only values that one of `holders` and `least` of `group` hold count, and none that
    too many hold in all.
    """
    sharing, hub = prepared.sharing, prepared.yardstick.hub
    inside = set(group.tolist())
    values = {
        value
        for buyer in holders.tolist()
        for value in sharing.value[sharing.value_start[buyer] : sharing.value_start[buyer + 1]].tolist()
    }
    best: dict[int, Holding] = {}
    for value in sorted(values):
        first, end = int(sharing.holder_start[value]), int(sharing.holder_start[value + 1])
        if end - first > hub:
            continue
        count = len(inside.intersection(sharing.holder[first:end].tolist()))
        kind = int(sharing.kind[value])
        offer = Holding(kind, count, end - first, value)
        known = best.get(kind)
        if count >= least and (known is None or (count, -offer.holders) > (known.inside, -known.holders)):
            best[kind] = offer
    return sorted(best.values(), key=lambda held: (-held.inside, prepared.shared_kinds[held.kind]))


def count_sharers(prepared: Prepared, group: Longs) -> int:
    """Count the buyers of `group` (int64[g]) who share a value with another of it, but none too many hold."""
    sharing, hub = prepared.sharing, prepared.yardstick.hub
    held: dict[int, set[int]] = {}
    for buyer in group.tolist():
        for value in sharing.value[sharing.value_start[buyer] : sharing.value_start[buyer + 1]].tolist():
            if sharing.holder_start[value + 1] - sharing.holder_start[value] <= hub:
                held.setdefault(value, set()).add(buyer)
    return len(set().union(*(holders for holders in held.values() if len(holders) >= 2)))


def held_by_all(prepared: Prepared, a: int, b: int) -> list[tuple[int, int]]:
    """Give (kind, holders in all) of the values that two buyers share, rarest first."""
    sharing = prepared.sharing
    of_a = sharing.value[sharing.value_start[a] : sharing.value_start[a + 1]]
    of_b = sharing.value[sharing.value_start[b] : sharing.value_start[b + 1]]
    held = [
        (int(sharing.kind[value]), int(sharing.holder_start[value + 1] - sharing.holder_start[value]))
        for value in sorted(set(of_a.tolist()).intersection(of_b.tolist()))
    ]
    return [(kind, holders) for kind, holders in held if holders <= prepared.yardstick.hub]
