"""Links: what ties two buyers together, inside rings and, where significant, outside."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ringfence.detection.detect import Found
from ringfence.detection.records import Coincidences, coincidences
from ringfence.detection.rings import GrownRing, pair_evidence
from ringfence.detection.sharing import NOTHING_SHARED, holders_of, level, rarest_shared
from ringfence.market import Floats


@dataclass(frozen=True, slots=True)
class Link:
    """Evidence between two buyers, with the claims it rests on: `(:Buyer)-[:LINKED]-(:Buyer)`."""

    a: int
    b: int
    score: float
    """Decades after multiplicity; below 0 a link says little alone, and adds up inside a ring."""
    claims_a: NDArray[np.int64]
    """int64[k], positions of a's claims, one a merchant, closest coincidence first."""
    claims_b: NDArray[np.int64]
    """int64[k], positions of b's claims beside them."""
    strangers: Floats
    """float64[k], strangers' claims that chance would put as near."""


def links_inside(found: Found, ring: GrownRing, least: float) -> list[Link]:
    """List the links of at least `least` decades among a ring's members, by (a, b)."""
    return [link for link in _links(found, ring.members) if link.score >= least]


def links_outside(found: Found, ring_of: NDArray[np.int64], least: float) -> list[Link]:
    """List the links of at least `least` decades that no ring holds, by (a, b).

    `ring_of` is int64[n], the ring of each buyer or -1.
    """
    seeds = found.seeds
    apart = (ring_of[seeds.a] != ring_of[seeds.b]) | (ring_of[seeds.a] < 0)
    links: list[Link] = []
    for i in np.flatnonzero(apart & (seeds.score >= least)):
        pair = np.array([seeds.a[i], seeds.b[i]], np.int64)
        links.extend(link for link in _links(found, pair) if link.score >= least)
    return sorted(links, key=lambda link: (link.a, link.b))


def _links(found: Found, group: NDArray[np.int64]) -> list[Link]:
    buyer = found.timeline.buyer
    together: Coincidences = coincidences(found.timeline, found.yardstick, group)
    a, b = buyer[together.a].astype(np.int64), buyer[together.b].astype(np.int64)
    changes = np.flatnonzero((np.diff(a) != 0) | (np.diff(b) != 0)) + 1
    bounds = [0, *changes.tolist(), len(a)] if len(a) else [0]
    links = []
    for first, end in pairwise(bounds):
        closest = first + np.argsort(together.strangers[first:end], kind="stable")
        strangers = together.strangers[closest]
        links.append(
            Link(
                a=int(a[first]),
                b=int(b[first]),
                score=_score(found, int(a[first]), int(b[first]), strangers),
                claims_a=together.a[closest],
                claims_b=together.b[closest],
                strangers=strangers,
            )
        )
    return links


def _score(found: Found, a: int, b: int, strangers: Floats) -> float:
    surprise = float(np.log(found.yardstick.strangers / strangers).sum())
    value = rarest_shared(found.sharing, a, b, found.yardstick.hub)
    decades = pair_evidence(
        found.timeline, found.exposure, found.yardstick, a, b, surprise, len(strangers), value >= 0
    )
    at = level(holders_of(found.sharing, value)) if value >= 0 else NOTHING_SHARED
    return float(decades - np.log10(found.multiplicity[at]))
