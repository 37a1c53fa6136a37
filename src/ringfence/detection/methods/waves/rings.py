"""One-merchant rings: buyers who return to a merchant in the same waves."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.candidates import Candidate, Proposals, strongest_first
from ringfence.detection.methods.waves.judge import Visits, Wave, judge_waves, visits_at
from ringfence.detection.methods.waves.parameters import WaveParameters
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.detection.tail import binomial_decades
from ringfence.detection.timeline import Timeline
from ringfence.domain.progress import Progress
from ringfence.market import Longs

_TIGHT = 7.0
"""Claims are compared within half a wave, and within this many times less."""
_GAP_DAYS = 2.0
"""A longer gap between members' claims ends a wave."""
_NEXT_CLAIMS = 64
"""Each claim of a regular is compared with this many next ones."""


def find_candidates(prepared: Prepared, parameters: Parameters, progress: Progress) -> Proposals:
    """Find, merchant by merchant, regulars who come in the same waves, and judge them.

    Regulars claimed at a merchant on `least_waves` occasions at least. Two are linked if they were there
    together oftener than chance makes of their claims; what links connect is judged. Proposes nothing where
    times say nothing.
    """
    if not prepared.times.tell_when:
        return Proposals([], [])
    rules, timeline = parameters.waves, prepared.timeline
    progress.stage("waves at one merchant")
    buyer, merchant = _regulars(timeline, rules.least_waves, rules.waves_apart_days, rules.most_claims)
    order = np.lexsort((buyer, merchant))
    buyer, merchant = buyer[order], merchant[order]
    merchants, first, count = np.unique(merchant, return_index=True, return_counts=True)
    judged: list[Candidate] = []
    for at in np.flatnonzero((count >= rules.least_members) & (count <= rules.most_regulars)).tolist():
        regulars = buyer[first[at] : first[at] + count[at]]
        visits = visits_at(prepared, int(merchants[at]))
        label = _linked(prepared, rules, visits, regulars)
        for root in np.unique(label).tolist():
            members = regulars[label == root]
            if len(members) < rules.least_members:
                continue
            candidate = judge_waves(
                prepared, parameters, members, int(merchants[at]), waves_of(visits, members, rules)
            )
            if candidate is not None:
                judged.append(candidate)
    taken = np.zeros(prepared.buyers, np.bool_)
    rings = []
    for ring in strongest_first(candidate for candidate in judged if candidate.refusal is None):
        if not taken[ring.members].any():
            taken[ring.members] = True
            rings.append(ring)
    return Proposals(rings, strongest_first(c for c in judged if c.refusal is not None))


def waves_of(visits: Visits, members: Longs, rules: WaveParameters) -> list[Wave]:
    """Cut the claims of `members` (int64[g], rising) at a merchant into waves: (first day, last day).

    A wave ends at a gap of two days, or when it would last longer than `wave_days`.
    """
    days = visits.day[np.isin(visits.buyer, members)].tolist()
    waves: list[Wave] = []
    for day in days:
        if waves and day - waves[-1][1] <= _GAP_DAYS and day - waves[-1][0] <= rules.wave_days:
            waves[-1] = waves[-1][0], day
        else:
            waves.append((day, day))
    return waves


@njit(cache=True, nogil=True)
def _regulars(timeline: Timeline, occasions: int, apart: float, most: int) -> tuple[Longs, Longs]:
    """List (buyer, merchant) with claims on `occasions` occasions, each `apart` days after the one before."""
    buyers, merchants = np.empty(64, np.int64), np.empty(64, np.int64)
    found = 0
    for buyer in range(len(timeline.buyer_start) - 1):
        if timeline.buyer_start[buyer + 1] - timeline.buyer_start[buyer] > most:
            continue
        count = 0
        last = 0.0
        at = -1
        for i in range(timeline.buyer_start[buyer], timeline.buyer_start[buyer + 1]):
            claim = timeline.of_buyer[i]
            day = timeline.day[claim]
            if timeline.merchant[claim] != at:
                at = timeline.merchant[claim]
                count = 0
            if count > 0 and day - last < apart:
                continue
            count += 1
            last = day
            if count == occasions:
                if found == len(buyers):
                    buyers = np.concatenate((buyers, np.empty_like(buyers)))
                    merchants = np.concatenate((merchants, np.empty_like(merchants)))
                buyers[found], merchants[found] = buyer, at
                found += 1
    return buyers[:found].copy(), merchants[:found].copy()


def _linked(prepared: Prepared, rules: WaveParameters, visits: Visits, regulars: Longs) -> NDArray[np.int64]:
    """Give int64[r]: the first regular that each one is connected to by links."""
    own = np.isin(visits.buyer, regulars)
    who, day = np.searchsorted(regulars, visits.buyer[own]), visits.day[own]
    reach = np.array([rules.wave_days / 2.0, rules.wave_days / 2.0 / _TIGHT])
    decades = math.log10(len(regulars) * len(reach) / rules.linking_rate)
    return _connect(
        who,
        day,
        len(regulars),
        reach,
        rules.waves_apart_days,
        rules.least_waves,
        decades,
        max(prepared.timeline.span, 1.0),
    )


@njit(cache=True, nogil=True)
def _connect(
    who: Longs,
    day: NDArray[np.float64],
    regulars: int,
    reach: NDArray[np.float64],
    apart: float,
    least: int,
    least_decades: float,
    span: float,
) -> Longs:
    """Link regulars who were at the merchant within `reach` days of each other on `least` occasions or more.

    The occasions of the one who came less often are trials, each within reach of the other's by chance for
    that part of all time; their number must have `least_decades` at least.
    """
    occasions = np.zeros(regulars, np.int64)
    last = np.full(regulars, -np.inf)
    for x in range(len(who)):
        if day[x] - last[who[x]] >= apart:
            occasions[who[x]] += 1
            last[who[x]] = day[x]
    parent = np.arange(regulars)
    for r in range(len(reach)):
        together = np.zeros((regulars, regulars), np.int32)
        met = np.full((regulars, regulars), -np.inf)
        for x in range(len(who)):
            for y in range(x + 1, min(len(who), x + 1 + _NEXT_CLAIMS)):
                if day[y] - day[x] > reach[r]:
                    break
                a, b = min(who[x], who[y]), max(who[x], who[y])
                if a != b and day[x] - met[a, b] >= apart:
                    together[a, b] += 1
                    met[a, b] = day[x]
        for a in range(regulars):
            for b in range(a + 1, regulars):
                if together[a, b] < least:
                    continue
                fewer, more = min(occasions[a], occasions[b]), max(occasions[a], occasions[b])
                chance = min(1.0, more * 2.0 * reach[r] / span)
                if binomial_decades(fewer, chance, min(together[a, b], fewer)) < least_decades:
                    continue
                one, other = a, b
                while parent[one] != one:
                    one = parent[one]
                while parent[other] != other:
                    other = parent[other]
                parent[max(one, other)] = min(one, other)
    for a in range(regulars):
        parent[a] = parent[parent[a]]
    return parent
