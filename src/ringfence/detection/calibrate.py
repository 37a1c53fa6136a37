"""p-values: how often chance alone shows as strong a ring in a marketplace of the same shape.

The marketplace is peeled of what was found, shuffled so that nobody coincides but by chance, and searched by
all methods again, with a lower bar; then the strongest candidates of chance are laid out as a tail.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ringfence.detection.candidates import Candidate, Proposals, strongest_first
from ringfence.detection.null import shuffled, without
from ringfence.detection.parameters import CalibrationParameters, Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.soundness import strength
from ringfence.domain.leads import LeadKind
from ringfence.domain.progress import Progress, Silent
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Longs

SEED = 1
"""The seed of all null marketplaces."""
_MEAN_EXCESS = 0.8
"""Decades by which candidates of chance exceed the start of their tail, before any was seen."""
_PRIOR_COUNT = 4.0
"""Candidates that this prior counts for; 0.5 to 0.9 decades were measured on marketplaces of all kinds."""
_MARGIN = 1.2
"""The number of candidates is estimated this many times too high, plus one: null marketplaces lack some of
the dependence of real ones."""
_THOROUGH = (DetectionMethod.BLOCKS, DetectionMethod.IDENTIFIERS, DetectionMethod.WAVES)
"""Methods that search the first null marketplaces alone: chance seldom shows what they find."""
PAIRS, SHARING_PAIRS, OTHERS = "pairs", "pairs sharing values", "other methods"
"""Kinds of candidate, a tail each: identifiers and methods differ in how chance falls off."""

Propose = Callable[[Prepared, Parameters, Progress], Proposals]
"""All methods and their fusion, as one function."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The strongest candidates of chance of one kind: an exponential tail whose slope has a Gamma prior."""

    runs: int
    """Null marketplaces that were searched for them."""
    start: float
    """Decades from which they were counted."""
    count: int
    """How many there were, in all runs."""
    excess: float
    """The sum of what they have above the start, decades."""

    def expected(self, decades: float) -> float:
        """Give how many of at least `decades` one marketplace shows; infinite below the start."""
        above = decades - self.start
        if above < 0.0:
            return math.inf
        falls = 1.0 + above / (self.excess + _PRIOR_COUNT * _MEAN_EXCESS)
        return float(_MARGIN * (self.count + 1) / self.runs * falls ** -(self.count + _PRIOR_COUNT))


def fit_tail(strengths: Iterable[float], runs: int, floor: float, enough: int) -> Tail:
    """Fit the tail of `strengths` (decades) above `floor`, by the `enough` strongest."""
    seen = sorted((decades for decades in strengths if decades >= floor), reverse=True)
    start = seen[enough] if len(seen) > enough else floor
    counted = seen[:enough]
    return Tail(runs, start, len(counted), sum(decades - start for decades in counted))


@dataclass(frozen=True, eq=False)
class Calibration:
    """What chance shows in a marketplace of this shape."""

    left_out: int
    """Buyers whose claims were left out of the null marketplaces."""
    tails: Mapping[str, Tail]
    """By kind of candidate."""

    def expected(self, decades: float) -> float:
        """Give how many candidates of chance, of all kinds, are at least as strong."""
        return sum(tail.expected(decades) for tail in self.tails.values())

    def p_value(self, decades: float) -> float:
        """Give the chance that a marketplace of this shape without rings shows as strong a ring anywhere."""
        return -math.expm1(-self.expected(decades))

    def to_dict(self) -> dict[str, Any]:
        """Everything, for the record of a run."""
        return asdict(self)


def calibrate(
    prepared: Prepared, found: Proposals, propose: Propose, parameters: Parameters, progress: Progress
) -> Calibration | None:
    """Search marketplaces of the shape of `prepared` in which nobody coordinates by `propose`.

    `found` is what `propose` gave for `prepared`. None if no null marketplace is to be made, or if every
    claim belongs to what was found, which leaves nothing to compare with. Deterministic.
    """
    rules = parameters.calibration
    peeled = _peeled(found, rules)
    if rules.null_runs == 0 or np.isin(prepared.timeline.buyer, peeled).all():
        return None
    rest = without(prepared, peeled, parameters)
    lowered = replace(parameters, ring_score=rules.floor)
    quick = replace(lowered, without=(*lowered.without, *_THOROUGH))
    strengths: dict[str, list[float]] = {PAIRS: [], SHARING_PAIRS: [], OTHERS: []}
    thorough = min(rules.thorough_runs, rules.null_runs)
    most = rules.null_runs if prepared.times.tell_when else thorough
    progress.stage("p-values", most)
    runs = 0
    while runs < most and (runs < thorough or sum(map(len, strengths.values())) < rules.enough):
        null = shuffled(rest, np.random.default_rng([SEED, runs]), parameters)
        for ring in propose(null, lowered if runs < thorough else quick, Silent()).rings:
            if runs < thorough or _kind(ring) != OTHERS:
                strengths[_kind(ring)].append(float(strength(ring, null, parameters)))
        runs += 1
        progress.advance(1)
    tails = {
        kind: fit_tail(seen, thorough if kind == OTHERS else runs, rules.floor, rules.enough)
        for kind, seen in strengths.items()
    }
    return Calibration(len(peeled), tails)


def judge_by_p(
    prepared: Prepared, found: Proposals, calibration: Calibration, parameters: Parameters
) -> Proposals:
    """Give every ring its p-value; those of which chance shows as strong ones too often are leads."""
    judged = [
        replace(ring, p_value=calibration.p_value(strength(ring, prepared, parameters)))
        for ring in found.rings
    ]
    rings = [ring for ring in judged if not _is_weak(ring, parameters.calibration)]
    weak = [
        replace(ring, refusal=LeadKind.WEAK_EVIDENCE)
        for ring in judged
        if _is_weak(ring, parameters.calibration)
    ]
    return replace(found, rings=rings, leads=strongest_first([*found.leads, *weak]))


def _is_weak(ring: Candidate, rules: CalibrationParameters) -> bool:
    return ring.p_value is not None and ring.p_value > rules.ring_p_value


def _peeled(found: Proposals, rules: CalibrationParameters) -> Longs:
    """List the members of rings and of leads that are strong: int64, rising."""
    strong = [lead.members for lead in found.leads if lead.score >= rules.peel_score]
    members: Sequence[Longs] = [*(ring.members for ring in found.rings), *strong]
    return np.unique(np.concatenate([np.empty(0, np.int64), *members]))


def _kind(ring: Candidate) -> str:
    if ring.method is not DetectionMethod.COINCIDENCE:
        return OTHERS
    return SHARING_PAIRS if ring.shares else PAIRS
