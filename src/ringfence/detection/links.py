"""Links: what ties two buyers together, inside rings and, where significant, outside."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ringfence.detection.closeness import nearer_than_habit
from ringfence.detection.findings import Finding, Findings
from ringfence.detection.joint import Coincidences, coincidences, coincidences_among
from ringfence.detection.occasions import sum_between_buyers
from ringfence.detection.pair_evidence import pair_decades
from ringfence.detection.prepare import Prepared
from ringfence.detection.sharing import NOTHING_SHARED, holders_of, level, rarest_shared
from ringfence.domain.rings import DetectionMethod
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
    occasions: int
    """On how many occasions, of which no two share an act or checkout of either buyer."""


def links_inside(found: Findings, ring: Finding, least: float) -> list[Link]:
    """List the links of at least `least` decades among a ring's members, by (a, b).

    None where times say nothing: no claim is nearer to another then.
    """
    if ring.method is DetectionMethod.STRUCTURE:
        return []
    prepared = found.prepared
    together = coincidences_among(prepared.timeline, prepared.yardstick, ring.joint)
    return [link for link in _links(prepared, together) if link.score >= least]


def links_outside(found: Findings, least: float) -> list[Link]:
    """List the links of at least `least` decades that no ring holds, by (a, b)."""
    pairs, ring_of = found.prepared.pairs, found.ring_of_buyers()
    apart = (ring_of[pairs.a] != ring_of[pairs.b]) | (ring_of[pairs.a] < 0)
    links: list[Link] = []
    for i in np.flatnonzero(apart & (pairs.score >= least)):
        pair = np.array([pairs.a[i], pairs.b[i]], np.int64)
        together = coincidences(found.prepared.timeline, found.prepared.yardstick, pair)
        links.extend(link for link in _links(found.prepared, together) if link.score >= least)
    return sorted(links, key=lambda link: (link.a, link.b))


def _links(prepared: Prepared, together: Coincidences) -> list[Link]:
    buyer = prepared.timeline.buyer
    a, b = buyer[together.a].astype(np.int64), buyer[together.b].astype(np.int64)
    changes = np.flatnonzero((np.diff(a) != 0) | (np.diff(b) != 0)) + 1
    bounds = [0, *changes.tolist(), len(a)] if len(a) else [0]
    links = []
    for first, end in pairwise(bounds):
        closest = first + np.argsort(together.strangers[first:end], kind="stable")
        links.append(_link(prepared, together.a[closest], together.b[closest], together.strangers[closest]))
    return links


def _link(
    prepared: Prepared, claims_a: NDArray[np.int64], claims_b: NDArray[np.int64], strangers: Floats
) -> Link:
    timeline, yardstick = prepared.timeline, prepared.yardstick
    a, b = int(timeline.buyer[claims_a[0]]), int(timeline.buyer[claims_b[0]])
    nats = np.log(yardstick.strangers / strangers)
    surprise, occasions = sum_between_buyers(timeline, claims_a, claims_b, nats)
    apart = np.abs(timeline.day[claims_a] - timeline.day[claims_b])
    closer = float(np.mean([nearer_than_habit(yardstick, timeline.grain, days) for days in apart]))
    value = rarest_shared(prepared.sharing, a, b, yardstick.hub)
    decades = pair_decades(
        timeline, prepared.exposure, yardstick, a, b, surprise, occasions, closer, value >= 0
    )
    at = level(holders_of(prepared.sharing, value)) if value >= 0 else NOTHING_SHARED
    score = float(decades - np.log10(prepared.multiplicity[at]))
    return Link(a, b, score, claims_a, claims_b, strangers, occasions)
