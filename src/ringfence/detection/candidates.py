"""Candidates: what every method proposes, in one unit (decades)."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from ringfence.market import Longs


class Method(StrEnum):
    """What a ring was found by."""

    COINCIDENCE = "coincidence"
    """Grown from pairs whose claims coincide."""
    BLOCKS = "blocks"
    """A dense block of buyers and weeks of merchants."""
    IDENTIFIERS = "identifiers"
    """Holders of shared identifiers whose claims meet."""
    WAVES = "waves"
    """Waves of claims at one merchant."""
    STRUCTURE = "structure"
    """Buyers and merchants alone, where times say nothing."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A set of buyers that may be a ring."""

    members: Longs
    """int64[g], rising."""
    score: float
    """Decades of evidence, after multiplicity."""
    method: Method
    shares: bool = False
    """Whether the candidate was singled out for a value that its members share."""
    among: float | None = None
    """Decades of how many like it there are; None where it was singled out from all buyers."""
    associates: Longs = field(default_factory=lambda: np.empty(0, np.int64))
    """int64[k], rising: buyers who share identifiers with members and met none of them; not members."""
