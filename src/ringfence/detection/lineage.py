"""A ring's name: given at birth by its members, kept for life by what it has in common with its past."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

_LEAST_COMMON = 0.1
"""Weighted Jaccard below which two rings of two runs have nothing to do with each other."""


class LineageEvent(StrEnum):
    """What became of a ring between two runs."""

    BORN = "born"
    KEPT = "kept"
    GREW = "grew"
    SHRANK = "shrank"
    CHANGED = "changed"
    MERGED = "merged"
    SPLIT = "split"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class Lineage:
    """One step in the life of a ring."""

    ring_id: str
    event: LineageEvent
    previous_ring_id: str
    """Empty for a ring that was born."""
    common: float
    """Weighted Jaccard of the two, 0 to 1."""


def birth_id(members: Iterable[str]) -> str:
    """Name a ring by a short hash of its sorted members."""
    return "r" + _digest(sorted(members))


def network_id(ring_ids: Iterable[str]) -> str:
    """Name a network by a short hash of its sorted rings."""
    return "n" + _digest(sorted(ring_ids))


def _digest(names: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        encoded = name.encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return digest.hexdigest()[:12]


def follow(
    previous: Mapping[str, Mapping[str, float]], current: Sequence[Mapping[str, float]]
) -> tuple[list[str], list[Lineage]]:
    """Match this run's rings to the last's, one to one, by weighted Jaccard; name the rest anew.

    `previous` maps ring ids to members and their weights, `current` lists members and weights, rings in
    order. Returns the ids of `current` and the lineage of both runs' rings. The most alike pair is matched
    first. An unmatched new ring was split off an old one if most of it came from there, else it was born; an
    unmatched old ring was merged into a new one if most of it went there, else it died.
    """
    holder: dict[str, list[str]] = {}
    for ring_id, members in previous.items():
        for member in members:
            holder.setdefault(member, []).append(ring_id)
    offers: list[tuple[float, str, int]] = []
    overlaps: dict[tuple[int, str], float] = {}
    for i, members in enumerate(current):
        for ring_id in sorted({r for member in members for r in holder.get(member, ())}):
            common = _weighted_jaccard(members, previous[ring_id])
            overlaps[i, ring_id] = common
            if common >= _LEAST_COMMON:
                offers.append((common, ring_id, i))
    offers.sort(key=lambda offer: (-offer[0], offer[1], offer[2]))
    taken: set[str] = set()
    kept: dict[int, tuple[str, float]] = {}
    for common, ring_id, i in offers:
        if ring_id not in taken and i not in kept:
            taken.add(ring_id)
            kept[i] = (ring_id, common)

    ids: list[str] = []
    lineage: list[Lineage] = []
    used = set(previous)
    for i, members in enumerate(current):
        if i in kept:
            ring_id, common = kept[i]
            lineage.append(Lineage(ring_id, _change(previous[ring_id], members), ring_id, common))
        else:
            ring_id = _fresh(birth_id(members), used)
            origin = max(
                (r for j, r in overlaps if j == i),
                key=lambda r: (len(previous[r].keys() & members.keys()), r),
                default="",
            )
            split = bool(origin) and 2 * len(previous[origin].keys() & members.keys()) > len(members)
            event = LineageEvent.SPLIT if split else LineageEvent.BORN
            lineage.append(
                Lineage(
                    ring_id, event, origin if split else "", overlaps.get((i, origin), 0.0) if split else 0.0
                )
            )
        used.add(ring_id)
        ids.append(ring_id)
    lineage.extend(_ends(previous, current, ids, taken))
    return ids, lineage


def _ends(
    previous: Mapping[str, Mapping[str, float]],
    current: Sequence[Mapping[str, float]],
    ids: Sequence[str],
    taken: set[str],
) -> Iterable[Lineage]:
    """Tell what became of the old rings that no new ring continues."""
    home = {member: i for i, members in enumerate(current) for member in members}
    for ring_id in sorted(previous.keys() - taken):
        members = previous[ring_id]
        went: dict[int, int] = {}
        for member in members:
            if member in home:
                went[home[member]] = went.get(home[member], 0) + 1
        heir = max(went, key=lambda i: (went[i], -i), default=None)
        if heir is not None and 2 * went[heir] > len(members):
            common = _weighted_jaccard(current[heir], members)
            yield Lineage(ids[heir], LineageEvent.MERGED, ring_id, common)
        else:
            yield Lineage(ring_id, LineageEvent.DIED, ring_id, 0.0)


def _fresh(ring_id: str, used: set[str]) -> str:
    """Give `ring_id`, or it with a number: an old ring may have been born of the same members."""
    name, number = ring_id, 2
    while name in used:
        name, number = f"{ring_id}-{number}", number + 1
    return name


def _change(before: Mapping[str, float], after: Mapping[str, float]) -> LineageEvent:
    came, went = after.keys() - before.keys(), before.keys() - after.keys()
    if came and went:
        return LineageEvent.CHANGED
    if came:
        return LineageEvent.GREW
    return LineageEvent.SHRANK if went else LineageEvent.KEPT


def _weighted_jaccard(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Give Σ min / Σ max of the weights, each ring's scaled to a mean of one (Ruzicka, 1958)."""
    scale_one = len(one) / max(sum(one.values()), 1e-12)
    scale_other = len(other) / max(sum(other.values()), 1e-12)
    least = most = 0.0
    for member in one.keys() | other.keys():
        a, b = one.get(member, 0.0) * scale_one, other.get(member, 0.0) * scale_other
        least, most = least + min(a, b), most + max(a, b)
    return least / most if most > 0.0 else 0.0
