"""Whether shopping together explains a group: what its members claimed for of what they ordered together."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from ringfence.detection.acceptance import count_occasions
from ringfence.detection.closeness import Yardstick
from ringfence.detection.events import events
from ringfence.detection.exposure import Exposure, orders_beside, orders_of
from ringfence.detection.habit import evidence_beyond_habit
from ringfence.detection.occasions import sum_with_events, tie_events
from ringfence.detection.sharing import Sharing, holders_of
from ringfence.detection.tail import MOST_DECADES, binomial_decades, joining_decades
from ringfence.detection.taste import closest_events
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Longs

_PRIOR_ORDERS = 2.0
"""The claims an order in a unit's time are drawn towards everyone's as if by this many orders."""
_FEW_HOLDERS = 20
"""Holders of a value that may be one household."""
_MOST_LOSSES = 3
"""Claimed units of one value that count for the rate of households."""
_PRIOR_UNITS = 5.0
_MOST_VALUES = 20_000
"""Values looked at for the rate of households."""
_BEYOND_CHANCE = 4.0
"""Joint orders of a member this many times what chance makes all count as shopping together."""
_COMPANION_UNITS = 2
"""Joint units in which an outsider who ordered too counts as a companion."""


class JointOrders(NamedTuple):
    """What a group ordered together.

    A unit is a chain of the group's orders at one merchant, joint if two members ordered in it.
    """

    claimed_units: int
    """Joint units in which two members or more claimed for their orders."""
    spared_units: float
    """The other joint units, beyond what chance makes of the group's orders outside claimed units. One with
    fewer members than claimed units have counts for less: (members - 1) / (their mean members - 1)."""
    orders: int
    """Orders of members in joint units."""
    claimed: int
    """Those that were claimed for."""
    trials: Longs
    """int64[g], each member's joint units in which another member claimed."""
    rate: Floats
    """float64[g], the mean, over a member's trials, of the share of outsiders' orders claimed for."""
    companions: Longs
    """int64[k] rising, the joint units of each outsider who ordered in two or more."""


class BadGoods(NamedTuple):
    """How a group claims, beside a club of honest buyers who order together and at times share bad goods."""

    spared: int
    """Joint units that show that a group orders together: no two members claimed for them."""
    too_many: float
    """Decades by which two members claimed for too many of the joint units."""
    too_close: float
    """Decades by which claims lie closer than those of buyers who order together."""


@njit(cache=True, nogil=True)
def joint_orders(exposure: Exposure, group: Longs) -> JointOrders:
    """Work out what `group` (int64[g] rising) ordered together and claimed for."""
    size = len(group)
    position = orders_of(exposure, group).position
    trials, rates = np.zeros(size, np.int64), np.zeros(size)
    ordered, claimed = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    present = np.empty(64, np.int64)
    count = units = claimed_units = orders = orders_claimed = 0
    in_claimed = in_spared = 0  # members but one, over units
    elsewhere = np.empty(len(position), np.int64)  # orders outside claimed units
    apart = 0
    i = 0
    while i < len(position):
        j = i
        ordered[:] = False
        claimed[:] = False
        own_claimed = 0
        while j < len(position) and (
            j == i
            or (
                exposure.merchant[position[j]] == exposure.merchant[position[i]]
                and exposure.day[position[j]] - exposure.day[position[j - 1]] <= exposure.together
            )
        ):
            member = np.searchsorted(group, exposure.buyer[position[j]])
            ordered[member] = True
            if exposure.claimed[position[j]]:
                claimed[member] = True
                own_claimed += 1
            j += 1
        claimants = claimed.sum()
        if claimants < 2:
            elsewhere[apart : apart + j - i] = position[i:j]
            apart += j - i
        members = ordered.sum()
        if members >= 2:
            units += 1
            if claimants >= 2:
                claimed_units += 1
                in_claimed += members - 1
            else:
                in_spared += members - 1
            orders += j - i
            orders_claimed += own_claimed
            begin, end = exposure.begin[position[i]], exposure.end[position[j - 1]]
            outside = end - begin - (j - i)
            outside_claimed = exposure.claimed_before[end] - exposure.claimed_before[begin] - own_claimed
            rate = (outside_claimed + _PRIOR_ORDERS * exposure.rate) / (outside + _PRIOR_ORDERS)
            for g in range(size):
                if ordered[g] and claimants > (1 if claimed[g] else 0):
                    trials[g] += 1
                    rates[g] += rate
            for x in range(begin, end):
                if exposure.buyer[x] >= 0:
                    if count == len(present):
                        present = np.concatenate((present, np.empty_like(present)))
                    present[count] = (np.int64(exposure.buyer[x]) << 32) | units
                    count += 1
        i = j
    marks = np.unique(present[:count])
    companions = np.empty(len(marks), np.int64)
    count = i = 0
    while i < len(marks):
        j = i
        while j < len(marks) and marks[j] >> 32 == marks[i] >> 32:
            j += 1
        buyer = marks[i] >> 32
        at = np.searchsorted(group, buyer)
        if j - i >= _COMPANION_UNITS and (at == size or group[at] != buyer):
            companions[count] = j - i
            count += 1
        i = j
    for g in range(size):
        rates[g] /= max(trials[g], 1)
    spared = units - _by_chance(exposure, elsewhere[:apart])
    if claimed_units > 0:
        usual = in_claimed / claimed_units
        spared = (
            min(units - claimed_units, in_spared / usual) - _by_chance(exposure, elsewhere[:apart]) / usual
        )
    spared = max(0.0, spared)
    return JointOrders(
        claimed_units, spared, orders, orders_claimed, trials, rates, np.sort(companions[:count])
    )


@njit(cache=True, nogil=True)
def whom_beside(companions: Longs, size: int, trials: int) -> int:
    """Count the buyers whom one with `trials` joint units was singled out from.

    They are a group of `size` and those of its `companions` who ordered with it at least half as often.
    """
    return size + len(companions) - int(np.searchsorted(companions, (trials + 1) // 2))


@njit(cache=True, nogil=True)
def _by_chance(exposure: Exposure, position: Longs) -> float:
    """Give how many joint units chance makes of orders at `position`, given when everybody orders where."""
    expected = 0.0
    for i in position:
        others = exposure.end[i] - exposure.begin[i] - 1
        expected += 1.0 - math.exp(-others * len(position) / len(exposure.buyer))
    return expected / 2.0


@njit(cache=True, nogil=True)
def evidence_beyond_shopping(
    timeline: Timeline,
    sharing: Sharing,
    exposure: Exposure,
    yardstick: Yardstick,
    group: Longs,
) -> float:
    """Give the decades left of a group, without its strongest member, judged given its orders.

    Each member is judged once more against the group's joint events, with as many chances for a claim as it
    had joint orders that another member claimed for, each at the rate of outsiders who ordered in that time.
    Where everybody orders often, so that chance makes a quarter of them, only those beyond chance count.
    `MOST_DECADES` where nobody ordered together.
    """
    together = joint_orders(exposure, group)
    if together.trials.sum() == 0:
        return MOST_DECADES
    those = events(timeline, yardstick, group, 2)
    ties = tie_events(timeline, group, those)
    chance = len(those.merchant) * yardstick.strangers / len(timeline.buyer)
    everyone = len(timeline.buyer_start) - 1
    orders = orders_of(exposure, group)
    total = strongest = 0.0
    for g in range(len(group)):
        claims = timeline.buyer_start[group[g] + 1] - timeline.buyer_start[group[g]]
        among = math.log10(_rarest_inside(sharing, yardstick.hub, group, g, everyone))
        near = closest_events(timeline, yardstick, those, group[g])
        nats, occasions = sum_with_events(timeline, ties, near.claim, near.event, near.nats)
        if occasions == 0:
            continue
        beside = orders_beside(exposure, group[g], orders, True)
        trials = together.trials[g]
        if beside.claimed < _BEYOND_CHANCE * beside.claimed_by_chance:
            trials = min(trials, round(beside.claimed - beside.claimed_by_chance))
        if trials > 0:
            trials = max(1, trials - (len(near.event) - occasions))  # what is lost at once is one loss
        whom = whom_beside(together.companions, len(group), trials)
        decades = joining_decades(claims, chance, nats, occasions, trials, together.rate[g], 0.0, among, whom)
        total += max(decades, 0.0)
        strongest = max(strongest, decades)
    return total - strongest


@njit(cache=True, nogil=True)
def _rarest_inside(sharing: Sharing, hub: int, group: Longs, g: int, everyone: int) -> int:
    """Count the holders of the rarest value that member `g` shares inside the group, or give `everyone`."""
    for i in range(sharing.value_start[group[g]], sharing.value_start[group[g] + 1]):
        value = sharing.value[i]
        if holders_of(sharing, value) > hub:
            break
        inside = 0
        for j in range(sharing.holder_start[value], sharing.holder_start[value + 1]):
            at = np.searchsorted(group, sharing.holder[j])
            if at < len(group) and group[at] == sharing.holder[j]:
                inside += 1
        if inside >= 2:
            return holders_of(sharing, value)
    return everyone


@njit(cache=True, nogil=True)
def evidence_beyond_bad_goods(
    timeline: Timeline, exposure: Exposure, yardstick: Yardstick, group: Longs, honest_fault_rate: float
) -> BadGoods:
    """Work out how unlike a club that now and then shares bad goods `group` claims.

    Of a club's joint units at most `honest_fault_rate` are bad, so that two members claim for it, and the
    claims for a bad one are spread over some days. One misfortune counts once: tied events, and events that
    begin within the habit of shoppers, are one bad unit.
    """
    together = joint_orders(exposure, group)
    spared = round(together.spared_units)
    begins = np.sort(events(timeline, yardstick, group, 2).begin)
    tied = len(begins) - count_occasions(timeline, yardstick, group)
    claimed = min(
        together.claimed_units,
        max(1, min(together.claimed_units - tied, _far_apart(begins, yardstick.habit))),
    )
    too_many = binomial_decades(claimed + spared, honest_fault_rate, claimed)
    return BadGoods(spared, too_many, evidence_beyond_habit(timeline, yardstick, group))


@njit(cache=True, nogil=True)
def _far_apart(days: Floats, apart: float) -> int:
    """Count windows of `days` (rising): each begins `apart` or more after the one before."""
    count = 0
    last = -math.inf
    for day in days:
        if day - last >= apart:
            count += 1
            last = day
    return count


@njit(cache=True, nogil=True)
def evidence_beyond_one_cause(
    timeline: Timeline,
    exposure: Exposure,
    yardstick: Yardstick,
    group: Longs,
    score: float,
    is_household: bool,
    among: float,
    rate: float,
) -> float:
    """Give what is left of `score` decades if joint orders are lost to all who ordered, each unit at `rate`.

    Of the joint events those bought together carry at most -log10 of the chance that so many joint units are
    claimed for by two, less `among` decades. Buyers who share an identifier (`is_household`) shop together
    if they have joint units which they did not both claim for, and pay for all of them. Strangers pay only
    for units they claimed for, and only where half of their events are tied to others; joint orders that
    nobody claimed for are no reason by themselves.
    """
    together = joint_orders(exposure, group)
    found = len(events(timeline, yardstick, group, 2).merchant)
    if together.claimed_units == 0 or found == 0:
        return score
    tied = found - count_occasions(timeline, yardstick, group)
    spared = round(together.spared_units)
    if (is_household and spared == 0) or (not is_household and 2 * tied < found):
        return score
    claimed = max(1, together.claimed_units - tied)
    units = claimed + (spared if is_household else 0)
    chance = 0.0
    rate = min(rate, 1.0 - 1e-9)  # where only orders that were claimed for are known
    for h in range(claimed, units + 1):
        chance += math.exp(
            math.lgamma(units + 1.0)
            - math.lgamma(h + 1.0)
            - math.lgamma(units - h + 1.0)
            + h * math.log(rate)
            + (units - h) * math.log1p(-rate)
        )
    left = max(0.0, -math.log10(max(chance, 10.0**-MOST_DECADES)) - among)
    share = min(1.0, together.claimed_units / found)
    return score * (1.0 - share) + min(score * share, left)


@njit(cache=True, nogil=True)
def household_loss_rate(exposure: Exposure, sharing: Sharing) -> float:
    """Give the share of joint units that two of a household claim for, over values of few holders.

    Of one value at most `_MOST_LOSSES` count, so that rings hardly raise it. Drawn towards the share of all
    claimed orders as if by `_PRIOR_UNITS` units, and at most that; looks at `_MOST_VALUES` values at most.
    """
    few = 0
    while few < len(sharing.kind) and holders_of(sharing, few) <= _FEW_HOLDERS:
        few += 1  # values come rarest first
    step = max(1, few // _MOST_VALUES)
    lost, joint = _PRIOR_UNITS * exposure.rate, _PRIOR_UNITS
    for value in range(0, few, step):
        holders = sharing.holder[sharing.holder_start[value] : sharing.holder_start[value + 1]]
        together = joint_orders(exposure, holders.astype(np.int64))
        lost += min(together.claimed_units, _MOST_LOSSES)
        joint += together.claimed_units + together.spared_units
    return min(exposure.rate, lost / joint)
