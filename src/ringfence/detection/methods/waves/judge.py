"""Whether the same buyers at one merchant, wave after wave, are a ring."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringfence.detection.acceptance import pieces
from ringfence.detection.candidates import Candidate
from ringfence.detection.methods.waves.calendar import keeps_a_calendar
from ringfence.detection.methods.waves.parameters import WaveParameters
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared
from ringfence.domain.leads import LeadKind
from ringfence.domain.rings import DetectionMethod
from ringfence.market import Floats, Ints, Longs

_NARROWEST_DAYS = 0.5
"""Waves count as at least this wide: hours of the day are habit, not evidence."""
_PRIOR_CLAIMS = 5.0
"""The outsiders' share of claims in the waves is drawn towards the waves' share of all days as if by this
many claims."""
_LEAST_SHARE = 0.5
"""Members must have filed this share of their claims at the merchant in the waves."""
_WAVES_EACH = 2
"""A member takes part in at least this many waves."""

Wave = tuple[float, float]
"""The days it begins and ends."""


@dataclass(frozen=True, eq=False)
class Visits:
    """The claims at one merchant, by time."""

    buyer: Ints
    """int32[k]"""
    day: Floats
    """float64[k], rising."""


def visits_at(prepared: Prepared, merchant: int) -> Visits:
    """Give the claims at `merchant`."""
    first, last = prepared.timeline.merchant_start[merchant], prepared.timeline.merchant_start[merchant + 1]
    return Visits(prepared.timeline.buyer[first:last], prepared.timeline.day[first:last])


def judge_waves(
    prepared: Prepared, parameters: Parameters, members: Longs, merchant: int, cells: Sequence[Wave]
) -> Candidate | None:
    """Judge buyers (int64[g], rising) who claim at `merchant` again and again in `cells` (days).

    Returns a ring; or a lead with why it is none, where orders are unknown or speak against it; or None.
    Members are those who take part in two waves. Needs `least_waves` waves, `waves_apart_days` apart, of
    `least_members` members each, that keep no calendar, and `least_nats` of evidence (see `_nats`). Members
    must have claimed for `claimed_share` of what they ordered there.
    """
    rules = parameters.waves
    visits = visits_at(prepared, merchant)
    members, waves = _settle(prepared, rules, visits, members, cells)
    if len(members) < rules.least_members:
        return None
    begins = _apart(waves, rules.waves_apart_days)
    if len(begins) < rules.least_waves:
        return None
    nats = _nats(prepared, visits, members, waves, rules.around_days)
    if nats < rules.least_nats:
        return None
    ordered = _orders_at(prepared, members, merchant)
    filed = int(np.isin(visits.buyer, members).sum())
    why_not = LeadKind.SHARED_SHOPPING if keeps_a_calendar(begins) else None
    if 2 * ordered < filed:  # the orders of these claims are not known
        why_not = LeadKind.ONE_MERCHANT
    elif filed < rules.claimed_share * ordered:
        why_not = LeadKind.SHARED_SHOPPING
    return Candidate(members, nats / math.log(10.0), DetectionMethod.WAVES, refusal=why_not)


def _settle(
    prepared: Prepared, rules: WaveParameters, visits: Visits, members: Longs, cells: Sequence[Wave]
) -> tuple[Longs, list[Wave]]:
    """Drop members in fewer than two waves, and waves of too few members, until nothing changes.

    Gives the members, all connected by joint events, and the waves from their first claim to their last.
    """
    while True:
        waves = [
            wave
            for wave in (_trim(visits, members, cell, rules.least_members) for cell in sorted(cells))
            if wave is not None
        ]
        taken = np.zeros(len(members), np.int64)
        for wave in waves:
            taken[np.isin(members, visits.buyer[_inside(visits, wave)])] += 1
        kept = members[taken >= _WAVES_EACH]
        parts = pieces(prepared.timeline, prepared.yardstick, kept) if len(kept) else []
        kept = parts[0] if parts else kept[:0]
        if len(kept) == len(members) or len(kept) < rules.least_members:
            return kept, waves
        members = kept


def _inside(visits: Visits, wave: Wave) -> slice:
    return slice(
        int(np.searchsorted(visits.day, wave[0])), int(np.searchsorted(visits.day, wave[1], side="right"))
    )


def _trim(visits: Visits, members: Longs, cell: Wave, least: int) -> Wave | None:
    """Give the first and last claim of members inside a cell, None if they are fewer than `least`."""
    inside = _inside(visits, cell)
    own = np.isin(visits.buyer[inside], members)
    if len(np.unique(visits.buyer[inside][own])) < least:
        return None
    days = visits.day[inside][own]
    return float(days[0]), float(days[-1])


def _apart(waves: Sequence[Wave], least_days: float) -> Floats:
    """Give the middles of waves that lie at least `least_days` after the one before, float64, rising."""
    chosen: list[float] = []
    for middle in sorted((begin + end) / 2.0 for begin, end in waves):
        if not chosen or middle - chosen[-1] >= least_days:
            chosen.append(middle)
    return np.array(chosen)


def _nats(
    prepared: Prepared, visits: Visits, members: Longs, waves: Sequence[Wave], around_days: float
) -> float:
    """Give how much likelier (nats) the members' claims are if they keep to the waves than if they do not.

    Of n claims of members k lie in waves, a member's claims in one wave counting once. With r = k / n and
    p, the share of outsiders' claims in waves:

        k ln(r / p) + (n - k) ln((1 - r) / (1 - p)) - ln C(windows, waves) - ln C(customers, members)
            - ln merchants - members

    The choices of when, who and where are paid for, and each member's first claim, which says nothing of
    when. All is counted from `around_days` before the members' first claim to as long after their last: in
    fifty years, all customers of one busy year seem to keep to it. -inf if less than half of the claims lie
    in waves.
    """
    visits, span = _around(prepared, visits, members, around_days)
    wide = [_widen(wave) for wave in waves]
    in_waves = np.zeros(len(visits.day), np.bool_)
    taken = 0
    for wave in wide:
        inside = _inside(visits, wave)
        in_waves[inside] = True
        taken += len(np.intersect1d(visits.buyer[inside], members))
    own = np.isin(visits.buyer, members)
    away = int((own & ~in_waves).sum())
    share = taken / (taken + away)
    if share < _LEAST_SHARE:
        return -math.inf
    width = sum(end - begin for begin, end in wide)
    outside = int((~own).sum())
    by_chance = (int((in_waves & ~own).sum()) + _PRIOR_CLAIMS * min(width / span, 1.0)) / (
        outside + _PRIOR_CLAIMS
    )
    share, by_chance = min(share, 1.0 - 1e-6), min(by_chance, 1.0 - 1e-6)
    windows = max(span * len(wide) / width, float(len(wide)))
    nats = taken * math.log(share / by_chance) + away * math.log((1.0 - share) / (1.0 - by_chance))
    nats -= _log_choices(windows, len(wide)) + _log_choices(len(np.unique(visits.buyer)), len(members))
    return nats - math.log(_busy_merchants(prepared)) - len(members)


def _around(prepared: Prepared, visits: Visits, members: Longs, reach: float) -> tuple[Visits, float]:
    """Give the visits within `reach` days of the members' first and last claim, and how many days that is."""
    own = visits.day[np.isin(visits.buyer, members)]
    begin, end = max(float(own[0]) - reach, 0.0), min(float(own[-1]) + reach, prepared.timeline.span)
    inside = _inside(visits, (begin, end))
    return Visits(visits.buyer[inside], visits.day[inside]), max(end - begin, 1.0)


def _widen(wave: Wave) -> Wave:
    short = max(0.0, _NARROWEST_DAYS - (wave[1] - wave[0])) / 2.0
    return wave[0] - short, wave[1] + short


def _log_choices(of: float, chosen: int) -> float:
    """Give the natural logarithm of how many ways there are to choose `chosen` of `of`, one at least."""
    return max(0.0, math.lgamma(of + 1.0) - math.lgamma(chosen + 1.0) - math.lgamma(of - chosen + 1.0))


def _busy_merchants(prepared: Prepared) -> int:
    """Count the merchants somebody claimed at."""
    return int((np.diff(prepared.timeline.merchant_start) > 0).sum())


def _orders_at(prepared: Prepared, members: Longs, merchant: int) -> int:
    """Count the members' orders at a merchant."""
    exposure = prepared.exposure
    first, last = np.searchsorted(exposure.merchant, [merchant, merchant + 1])
    is_member: NDArray[np.bool_] = np.isin(exposure.buyer[first:last], members)
    return int(is_member.sum())
