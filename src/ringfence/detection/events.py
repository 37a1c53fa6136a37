"""When a group's claims lie together: what its members, and those who may join it, are compared with."""

from typing import NamedTuple

import numpy as np
from numba import njit

from ringfence.detection.closeness import Yardstick, as_near
from ringfence.detection.timeline import Timeline, exposure_days, rank
from ringfence.market import Floats, Longs


class Events(NamedTuple):
    """When a group's claims at one merchant lie together: e events in (merchant, time) order."""

    merchant: Longs
    """int64[e]"""
    begin: Floats
    """float64[e], day of the first claim."""
    end: Floats
    """float64[e], day of the last claim."""
    rate: Floats
    """float64[e], claims a day of strangers around the event."""


@njit(cache=True, nogil=True)
def claims_of(timeline: Timeline, group: Longs) -> Longs:
    """Give the positions of all claims of `group`, rising: int64."""
    total = 0
    for buyer in group:
        total += timeline.buyer_start[buyer + 1] - timeline.buyer_start[buyer]
    out = np.empty(total, np.int64)
    k = 0
    for buyer in group:
        for i in range(timeline.buyer_start[buyer], timeline.buyer_start[buyer + 1]):
            out[k] = timeline.of_buyer[i]
            k += 1
    out.sort()
    return out


@njit(cache=True, nogil=True)
def events(timeline: Timeline, yardstick: Yardstick, group: Longs, members: int) -> Events:
    """Find the group's events with at least `members` (1 or 2) of its buyers.

    The rate around an event leaves out the group's own claims, as the rate of a pair leaves out its two.
    """
    return events_among(timeline, yardstick, claims_of(timeline, group), members)


@njit(cache=True, nogil=True)
def events_among(timeline: Timeline, yardstick: Yardstick, claims: Longs, members: int) -> Events:
    """Find the events of a group among all its `claims` (rising positions) at some merchants."""
    total = len(claims)
    merchants = np.empty(total, np.int64)
    begins, ends, rates = np.empty(total), np.empty(total), np.empty(total)
    found = 0
    reach = yardstick.reach
    i = 0
    merchant_first = 0
    while i < total:
        merchant = timeline.merchant[claims[i]]
        if i == 0 or timeline.merchant[claims[i - 1]] != merchant:
            merchant_first = i
        j = i + 1
        joint = members <= 1
        while (
            j < total
            and timeline.merchant[claims[j]] == merchant
            and timeline.day[claims[j]] - timeline.day[claims[j - 1]] <= yardstick.gap
        ):
            if timeline.buyer[claims[j]] != timeline.buyer[claims[i]]:
                joint = True
            j += 1
        if joint:
            begin, end = timeline.day[claims[i]], timeline.day[claims[j - 1]]
            own_near = own = 0
            x = merchant_first
            while x < total and timeline.merchant[claims[x]] == merchant:
                own += 1
                if begin - reach <= timeline.day[claims[x]] <= end + reach:
                    own_near += 1
                x += 1
            first, last = timeline.merchant_start[merchant], timeline.merchant_start[merchant + 1]
            here = timeline.day[first:last]
            near = np.searchsorted(here, end + reach, side="right") - np.searchsorted(here, begin - reach)
            everywhere = rank(timeline.clock, timeline.clock_index, end + reach, True) - rank(
                timeline.clock, timeline.clock_index, begin - reach, False
            )
            share = max(0.5, last - first - own - 0.5) * everywhere / len(timeline.day)
            merchants[found], begins[found], ends[found] = merchant, begin, end
            rates[found] = max(near - own_near - 1.0, share) / exposure_days(
                begin - reach, end + reach, timeline.span
            )
            found += 1
        i = j
    return Events(merchants[:found], begins[:found], ends[:found], rates[:found])


@njit(cache=True, nogil=True)
def strangers_at(
    yardstick: Yardstick, grain: float, rate: float, begin: float, end: float, day: float
) -> float:
    """Give how many strangers' claims chance puts as near to an event as a claim on `day` is."""
    apart = max(0.0, max(begin - day, day - end))
    return as_near(rate, (end - begin) / 2.0 + apart, grain, yardstick.closest)
