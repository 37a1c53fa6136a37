"""A marketplace while it is made: who is spoken for, who shares what, which deals are planned."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hidden.shopping import Deals, Ints, World


@dataclass
class Draft:
    """Filled in by the look-alikes and the rings, then written out; n buyers."""

    world: World
    address: NDArray[np.object_]
    """str[n], as the buyer writes it."""
    device: Ints
    """int64[n], equal numbers are one device."""
    payment: Ints
    """int64[n], equal numbers are one card or account."""
    free: list[int]
    """Buyers that belong to no look-alike and no ring yet, in random order."""
    kept: NDArray[np.float64]
    """float64[n], share of the ordinary orders that the buyer makes."""
    ring: Ints
    """int64[n], -1 where honest."""
    pattern: list[str | None]
    lookalike: list[str]
    """"" where the buyer is like no ring."""
    families: list[Ints] = field(default_factory=list)
    orders: list[Deals] = field(default_factory=list)
    """Orders beyond the ordinary, of which some will be claimed like any other."""
    claimed: list[Deals] = field(default_factory=list)
    """Orders whose claims, if any, are settled."""

    def take(self, count: int, lookalike: str = "") -> Ints:
        """Up to `count` buyers that nobody took before, marked as `lookalike`."""
        taken = [self.free.pop() for _ in range(min(count, len(self.free)))]
        for buyer in taken:
            self.lookalike[buyer] = lookalike
        return np.array(taken, dtype=np.int64)


def begin_draft(rng: np.random.Generator, world: World, homes: list[str]) -> Draft:
    """Everybody at home with a device and a card of their own."""
    n = world.profile.buyers
    address = np.empty(n, dtype=object)
    address[:] = homes
    return Draft(
        world,
        address,
        np.arange(n),
        np.arange(n),
        rng.permutation(n).tolist(),
        np.ones(n),
        np.full(n, -1),
        [None] * n,
        [""] * n,
    )
