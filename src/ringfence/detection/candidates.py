"""Candidates: what every method proposes, in one unit (decades)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ringfence.domain.leads import LeadKind
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Floats, Longs


@dataclass(frozen=True, eq=False)
class Candidate:
    """A set of buyers that may be a ring."""

    members: Longs
    """int64[g], rising."""
    score: float
    """Decades of evidence, after multiplicity."""
    method: DetectionMethod
    shares: bool = False
    """Whether the candidate was singled out for a value that its members share."""
    among: float | None = None
    """Decades of how many like it there are; None where it was singled out from all buyers."""
    associates: Longs = field(default_factory=lambda: np.empty(0, np.int64))
    """int64[k], rising: buyers who share identifiers with members and met none of them; not members."""
    refusal: LeadKind | None = None
    """Why it is a lead; None for a ring."""
    p_value: float | None = None
    """The chance that a marketplace of this shape without rings shows as strong a ring anywhere; None where
    that was not worked out, or where another rule than its strength refused it."""


@dataclass(frozen=True, eq=False)
class Proposals:
    """What a method proposes."""

    rings: list[Candidate]
    """Strongest first; a buyer is in one at most."""
    leads: list[Candidate]
    """Those that reach the ring score and were refused, strongest first; they may overlap."""
    rank: Floats | None = None
    """float64[n], 0 and up: a rank of every buyer by a method that gives its own; None where rings and weak
    pairs say all that is known."""


def strongest_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Sort candidates by score, those of equal score by members."""
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.members.tolist()))


def apart(candidates: Iterable[Candidate], rings: Iterable[Candidate], buyers: int) -> list[Candidate]:
    """Keep the candidates of which less than half is in `rings`; there are `buyers` in all."""
    is_inside = np.zeros(buyers, np.bool_)
    for ring in rings:
        is_inside[ring.members] = True
    return [one for one in candidates if 2 * is_inside[one.members].sum() < len(one.members)]
