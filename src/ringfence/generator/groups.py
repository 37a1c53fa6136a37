"""Dealing buyers out to rings and look-alikes, each to one at most."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ringfence.generator.extras.names import ExtraLookalike, ExtraPattern
from ringfence.generator.population import Ints


class Pattern(StrEnum):
    """How a ring works."""

    ADDRESS = "address"
    """One address or two, many accounts."""
    FARM = "farm"
    """Separate addresses, one phone, card or device behind them."""
    LOCKSTEP = "lockstep"
    """Nothing shared but merchants and hours."""
    CAMOUFLAGE = "camouflage"
    """The same, hidden among as many ordinary claims or orders."""
    SMALL = "small"
    """Two to four members who share much, at several merchants."""
    CHAIN = "chain"
    """A and B share an address, B and C a device, C and D a card: nothing spans the ring."""
    JIGGED = "jigged"
    """One door, typed in as many ways as there are members."""
    HIJACKED = "hijacked"
    """Accounts with an honest history that was theirs before they were taken over."""
    SLOW_BURN = "slow_burn"
    """One target a week for half a year."""


class Lookalike(StrEnum):
    """Why honest buyers may look like a ring."""

    FAMILY = "family"
    STUDENT_HOUSING = "student_housing"
    OFFICE = "office"
    PARCEL_LOCKER = "parcel_locker"
    FREIGHT_FORWARDER = "freight_forwarder"
    FAULTY_BATCH = "faulty_batch"
    SAME_TASTE = "same_taste"
    FALSE_REPORTS = "false_reports"


@dataclass(frozen=True, eq=False)
class Group:
    """Buyers who belong together."""

    kind: Pattern | Lookalike | ExtraPattern | ExtraLookalike
    number: int
    """Counts from 1 within the rings, and within the look-alikes."""
    members: Ints
    """int32[k], positions in the population."""

    @property
    def label(self) -> str:
        """Return the name of the group in the truth."""
        name = "ring" if isinstance(self.kind, Pattern) else str(self.kind)
        return f"{name}-{self.number:05d}"

    @property
    def is_ring(self) -> bool:
        """Return whether these buyers coordinate their claims."""
        return isinstance(self.kind, Pattern | ExtraPattern)


class Deck:
    """Buyers in random order, dealt from the top; nobody is dealt twice."""

    def __init__(self, buyers: int, chance: np.random.Generator) -> None:
        self._order = chance.permutation(buyers).astype(np.int32)
        self._dealt = 0

    def deal(self, size: int) -> Ints:
        """Return the next `size` buyers (int32[size]), fewer where no more are left."""
        members = self._order[self._dealt : self._dealt + size]
        self._dealt += len(members)
        return members


def ring_sizes(buyers: int, chance: np.random.Generator) -> list[tuple[Pattern, int]]:
    """Draw how many members each ring has: as many rings of every pattern, 1.2 % of the buyers or so in all.

    Where the marketplace is too small for that, every pattern still gets one ring, of few members.
    """
    target = 0.0125 * buyers
    rounds = max(1, round(target / (len(Pattern) * 9.2)))
    drawn = [(pattern, ring_size(pattern, chance)) for _ in range(rounds) for pattern in Pattern]
    excess = sum(size for _, size in drawn) / target
    if excess <= 1.15:
        return drawn
    least = {Pattern.SMALL: 2, Pattern.CHAIN: 4}
    return [(pattern, max(least.get(pattern, 3), min(size, round(size / excess)))) for pattern, size in drawn]


def ring_size(pattern: Pattern, chance: np.random.Generator) -> int:
    """Draw how many members a ring has."""
    if pattern is Pattern.SMALL:
        return int(chance.integers(2, 5))
    if pattern is Pattern.CHAIN:
        return int(chance.integers(4, 11))
    drawn = chance.random()
    if drawn < 0.15:
        return int(chance.integers(3, 5))
    if drawn < 0.9:
        return int(chance.integers(4, 16))
    return int(chance.integers(20, 41))


def lookalike_sizes(buyers: int, chance: np.random.Generator) -> list[tuple[Lookalike, int]]:
    """Draw how many buyers each look-alike group has, about 7 % of all; crowds shrink with the marketplace.

    Those whom merchants accuse falsely are found later, among the claims.
    """
    sizes: list[tuple[Lookalike, int]] = []
    for kind, share, low, high, largest, fewest in (
        (Lookalike.FAMILY, 0.02, 2, 5, 1.0, 3),
        (Lookalike.STUDENT_HOUSING, 0.01, 100, 300, 0.01, 1),
        (Lookalike.OFFICE, 0.006, 20, 80, 0.006, 1),
        (Lookalike.PARCEL_LOCKER, 0.01, 200, 800, 0.012, 1),
        (Lookalike.FREIGHT_FORWARDER, 0.008, 800, 800, 0.01, 1),
        (Lookalike.FAULTY_BATCH, 0.011, 70, 140, 0.004, 3),
        (Lookalike.SAME_TASTE, 0.006, 2, 6, 1.0, 2),
    ):
        left = max(share * buyers, 1.0)
        groups = 0
        while groups < fewest or left >= 0.5 * min(low + high, 2.0 * largest * buyers) / 2.0:
            size = min(int(chance.integers(low, high + 1)), max(int(largest * buyers), 8))
            sizes.append((kind, size))
            left -= size
            groups += 1
    return sizes
