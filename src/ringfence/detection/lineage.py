"""A ring's name: given at birth by its members, kept for life by what it has in common with its past."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ringfence.domain.rings import LineageEvent

LEAST_WEIGHT = 0.1
"""What a member without evidence of its own still weighs when two runs are matched."""
_LEAST_COMMON = 0.1
"""Weighted Jaccard below which two rings of two runs have nothing to do with each other."""
_LEAST_RETURNED = 0.3
"""The same for a ring that had ended: what was decided about it comes back with its name."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """One step in the life of a ring."""

    ring_id: str
    event: LineageEvent
    previous_ring_id: str
    """Empty for a ring that was born."""
    common: float
    """Weighted Jaccard of the two, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Past:
    """The rings there were before a run."""

    members: Mapping[str, Mapping[str, float]]
    """Ring id -> member -> weight, as last seen: of rings alive, and of those that ended lately."""
    alive: frozenset[str]
    """Those that the last run had; all of them are in `members`."""
    names: frozenset[str]
    """All ids ever given, those of rings long forgotten too."""

    @classmethod
    def of_run(cls, members: Mapping[str, Mapping[str, float]]) -> "Past":
        """Know one run alone."""
        return cls(members, frozenset(members), frozenset(members))


def birth_id(members: Iterable[str]) -> str:
    """Name a ring by a short hash of its sorted members."""
    return "r" + _digest(sorted(members))


def lead_birth_id(what: str, members: Iterable[str]) -> str:
    """Name a lead by a short hash of a word for what it is and its sorted members."""
    return "l" + _digest([what, *sorted(members)])


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
    past: Past,
    current: Sequence[Mapping[str, float]],
    name: Callable[[Iterable[str]], str] = birth_id,
) -> tuple[list[str], list[Lineage]]:
    """Match this run's rings to those before, one to one, by weighted Jaccard; name the rest anew.

    `current` lists members and weights, rings in order; `name` gives the id at birth. Returns the ids of
    `current` and a step for each ring of this run and for each ring that was alive. The most alike pair is
    matched first, rings alive before those that had ended, which return. An unmatched new ring was split off
    one alive if most of it came from there, else it was born; an unmatched ring that was alive was merged
    into a new one if most of it went there, else it died.
    """
    alive = {ring_id: past.members[ring_id] for ring_id in past.alive}
    ended = {ring_id: members for ring_id, members in past.members.items() if ring_id not in past.alive}
    overlaps = _overlaps(alive, current)
    kept = _match(overlaps, _LEAST_COMMON)
    unmatched = [{} if i in kept else members for i, members in enumerate(current)]
    returned = _match(_overlaps(ended, unmatched), _LEAST_RETURNED)

    ids: list[str] = []
    lineage: list[Lineage] = []
    used = {*past.names, *past.members}
    for i, members in enumerate(current):
        if i in kept:
            ring_id, common = kept[i]
            lineage.append(Lineage(ring_id, _change(alive[ring_id], members), ring_id, common))
        elif i in returned:
            ring_id, common = returned[i]
            lineage.append(Lineage(ring_id, LineageEvent.RETURNED, ring_id, common))
        else:
            ring_id = _fresh(name(members), used)
            origin = max(overlaps[i], key=lambda r: (len(alive[r].keys() & members.keys()), r), default="")
            if origin and 2 * len(alive[origin].keys() & members.keys()) > len(members):
                lineage.append(Lineage(ring_id, LineageEvent.SPLIT, origin, overlaps[i][origin]))
            else:
                lineage.append(Lineage(ring_id, LineageEvent.BORN, "", 0.0))
        used.add(ring_id)
        ids.append(ring_id)
    lineage.extend(_ends(alive, current, ids, {ring_id for ring_id, _ in kept.values()}))
    return ids, lineage


def _overlaps(
    rings: Mapping[str, Mapping[str, float]], current: Sequence[Mapping[str, float]]
) -> list[dict[str, float]]:
    """Give, for each of `current`, the rings that share members with it and how much they have in common."""
    holder: dict[str, list[str]] = {}
    for ring_id, members in rings.items():
        for member in members:
            holder.setdefault(member, []).append(ring_id)
    return [
        {
            ring_id: _weighted_jaccard(members, rings[ring_id])
            for ring_id in sorted({r for member in members for r in holder.get(member, ())})
        }
        for members in current
    ]


def _match(overlaps: Sequence[Mapping[str, float]], least: float) -> dict[int, tuple[str, float]]:
    """Match rings one to one, the most alike first; give (ring id, common) by position."""
    offers = sorted(
        (-common, ring_id, i)
        for i, shared in enumerate(overlaps)
        for ring_id, common in shared.items()
        if common >= least
    )
    matched: dict[int, tuple[str, float]] = {}
    taken: set[str] = set()
    for negative, ring_id, i in offers:
        if ring_id not in taken and i not in matched:
            taken.add(ring_id)
            matched[i] = (ring_id, -negative)
    return matched


def _ends(
    previous: Mapping[str, Mapping[str, float]],
    current: Sequence[Mapping[str, float]],
    ids: Sequence[str],
    taken: set[str],
) -> Iterable[Lineage]:
    """Tell what became of the rings alive that no new ring continues."""
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
    scale_one = len(one) / max(math.fsum(one.values()), 1e-12)
    scale_other = len(other) / max(math.fsum(other.values()), 1e-12)
    pairs = [
        (one.get(member, 0.0) * scale_one, other.get(member, 0.0) * scale_other)
        for member in one.keys() | other.keys()
    ]
    # Members come in no order here: only exact sums are the same whatever it is.
    least, most = math.fsum(map(min, pairs)), math.fsum(map(max, pairs))
    return least / most if most > 0.0 else 0.0
