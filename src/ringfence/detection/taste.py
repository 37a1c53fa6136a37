"""Shared taste: who shares a home shops where the neighbours shop, and is no ring for it."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from ringfence.detection.closeness import Yardstick, nearer_than_habit
from ringfence.detection.events import Events, strangers_at
from ringfence.detection.occasions import Ties, sum_with_events
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Longs


class Near(NamedTuple):
    """A buyer's closest coincidence with a group's events at each merchant: k of them."""

    claim: Longs
    """int64[k], the buyer's claims, by merchant."""
    event: Longs
    """int64[k], the events they lie near."""
    nats: Floats
    """float64[k], ln(strangers / strangers that chance puts as near)."""
    closer: float
    """The mean nats by which they are nearer than the claims of buyers who ordered together."""


@njit(cache=True, nogil=True)
def closest_events(timeline: Timeline, yardstick: Yardstick, those: Events, buyer: int) -> Near:
    """Find the closest coincidence of `buyer` with events at each merchant."""
    first, end = timeline.buyer_start[buyer], timeline.buyer_start[buyer + 1]
    room = min(end - first, len(those.merchant))
    claim, event, nats = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    found = 0
    closer = 0.0
    i = first
    while i < end:
        merchant = timeline.merchant[timeline.of_buyer[i]]
        closest, apart = yardstick.strangers, 0.0
        at = np.searchsorted(those.merchant, merchant)
        while i < end and timeline.merchant[timeline.of_buyer[i]] == merchant:
            day = timeline.day[timeline.of_buyer[i]]
            x = at
            while x < len(those.merchant) and those.merchant[x] == merchant:
                begin, last = those.begin[x], those.end[x]
                if max(begin - day, day - last) <= yardstick.gap:
                    near = strangers_at(yardstick, timeline.grain, those.rate[x], begin, last, day)
                    if 0.0 < near < closest:
                        closest = near
                        apart = (last - begin) / 2.0 + max(0.0, max(begin - day, day - last))
                        claim[found], event[found] = timeline.of_buyer[i], x
                x += 1
            i += 1
        if closest < yardstick.strangers:
            nats[found] = math.log(yardstick.strangers / closest)
            closer += nearer_than_habit(yardstick, timeline.grain, apart)
            found += 1
    return Near(claim[:found], event[:found], nats[:found], closer / max(found, 1))


@njit(cache=True, nogil=True)
def surprise_beyond_taste(
    timeline: Timeline,
    yardstick: Yardstick,
    those: Events,
    ties: Ties,
    near: Near,
    buyer: int,
    sharers: Longs,
) -> tuple[float, int]:
    """Give the surprise (nats) of `buyer` near events, one an occasion, and on how many occasions.

    `near` is what `closest_events` gives. `sharers` (int64[k] buyers) are those the buyer was singled out
    from for sharing as rare a value. Chance is what their claims make it: at a merchant where they claim
    `lift` times as often as everyone does, `lift` times as many strangers are expected as near. lift = (their
    claims there + 1) / (expected + 1), at least 1, without the buyer's own, and only of claims away from the
    events: who is near them may belong.
    """
    others = 0
    for sharer in sharers:
        if sharer != buyer:
            others += timeline.buyer_start[sharer + 1] - timeline.buyer_start[sharer]
    if others == 0:
        return sum_with_events(timeline, ties, near.claim, near.event, near.nats)
    nats = near.nats.copy()
    for k in range(len(nats)):
        merchant = those.merchant[near.event[k]]
        event = np.searchsorted(those.merchant, merchant)
        here = 0
        for sharer in sharers:
            if sharer != buyer:
                here += _claims_away(timeline, yardstick, those, event, sharer, merchant)
        everyone = _all_claims_away(timeline, yardstick, those, event, merchant)
        nats[k] -= math.log(max(1.0, (here + 1.0) / (others * everyone / len(timeline.buyer) + 1.0)))
    kept = np.flatnonzero(nats > 0.0)
    return sum_with_events(timeline, ties, near.claim[kept], near.event[kept], nats[kept])


@njit(cache=True, nogil=True)
def _claims_away(
    timeline: Timeline, yardstick: Yardstick, those: Events, event: int, buyer: int, merchant: int
) -> int:
    """Count the buyer's claims at `merchant` that are near none of its events, `event` being the first."""
    found = 0
    for i in range(timeline.buyer_start[buyer], timeline.buyer_start[buyer + 1]):
        claim = timeline.of_buyer[i]
        if timeline.merchant[claim] > merchant:
            break
        if timeline.merchant[claim] < merchant:
            continue
        is_away = True
        x = event
        while is_away and x < len(those.merchant) and those.merchant[x] == merchant:
            day = timeline.day[claim]
            is_away = day < those.begin[x] - yardstick.window or day > those.end[x] + yardstick.window
            x += 1
        if is_away:
            found += 1
    return found


@njit(cache=True, nogil=True)
def _all_claims_away(
    timeline: Timeline, yardstick: Yardstick, those: Events, event: int, merchant: int
) -> int:
    """Count everyone's claims at `merchant` that are near none of its events, which follow one another."""
    begin, end = timeline.merchant_start[merchant], timeline.merchant_start[merchant + 1]
    days = timeline.day[begin:end]
    found = end - begin
    counted = 0
    x = event
    while x < len(those.merchant) and those.merchant[x] == merchant:
        low = max(counted, np.searchsorted(days, those.begin[x] - yardstick.window))
        high = max(low, np.searchsorted(days, those.end[x] + yardstick.window, side="right"))
        found -= high - low
        counted = high
        x += 1
    return found
