"""Joint claims where nearness in time is no measure: waves at one merchant, and merchants without times.

What chance explains is then a matter of who was there: how many other members would be, if members chose like
everybody else.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.detection.closeness import Yardstick
from ringfence.detection.joint import JointClaims, joint_claims, only
from ringfence.detection.tail import binomial_decades
from ringfence.detection.timeline import Timeline
from ringfence.market import Floats, Longs

_WAVE_GAP_DAYS = 3.5
"""A longer gap between members' claims ends a wave: half a week, so that weekly waves stay apart."""
_PRIOR_CUSTOMERS = 5.0
"""The share of a merchant's customers who come in a wave's time is drawn towards an even spread as if by so
many customers."""
_LEAST_WAVE_DAYS = 1.0


class Gatherings(NamedTuple):
    """Where members of a group were together, and how much of that chance explains."""

    joint: JointClaims
    """`strangers` and `expected` count other members: how many chance would put there, and that over how many
    were. `apart` and `rate` mean nothing where times say nothing."""
    decades: Floats
    """float64[g], how unlikely chance alone is to bring each member there so often, over all buyers."""


def wave_yardstick(yardstick: Yardstick) -> Yardstick:
    """Give the yardstick by which a group's events are waves."""
    return yardstick._replace(gap=_WAVE_GAP_DAYS)


def merchant_yardstick(yardstick: Yardstick) -> Yardstick:
    """Give the yardstick by which all of a group's claims at one merchant are one event."""
    return yardstick._replace(gap=np.inf)


def waves(timeline: Timeline, yardstick: Yardstick, group: Longs) -> Gatherings:
    """Give the waves of `group` (int64[g], rising) at the merchant where most of its claims come in waves.

    Each wave is an event of `wave_yardstick`. A member who claims c times there is expected in a wave in
    whose time a share p of the merchant's other customers claim with a chance of c·p, 1 at most.
    """
    joint = joint_claims(timeline, wave_yardstick(yardstick), group)
    if len(joint.claim) == 0:
        return Gatherings(joint, np.zeros(len(group)))
    merchants = timeline.merchant[joint.claim]
    merchant = int(np.bincount(merchants).argmax())
    joint = only(joint, merchants == merchant)
    events, event = np.unique(joint.event, return_inverse=True)
    first, end = timeline.merchant_start[merchant], timeline.merchant_start[merchant + 1]
    buyer, day = timeline.buyer[first:end], timeline.day[first:end]
    is_inside = np.isin(buyer, group)
    outsiders = len(np.unique(buyer[~is_inside]))
    share = np.empty(len(events))
    for x in range(len(events)):
        days = timeline.day[joint.claim[event == x]]
        begin, last = days.min(), days.max()
        came = len(np.unique(buyer[~is_inside & (day >= begin) & (day <= last)]))
        evenly = min(1.0, max(last - begin, _LEAST_WAVE_DAYS) / max(timeline.span, _LEAST_WAVE_DAYS))
        share[x] = (came + _PRIOR_CUSTOMERS * evenly) / (outsiders + _PRIOR_CUSTOMERS)
    visits = np.bincount(np.searchsorted(group, buyer[is_inside]), minlength=len(group))
    return _gathered(timeline, group, joint, event, share, visits)


def merchant_cells(timeline: Timeline, yardstick: Yardstick, group: Longs) -> Gatherings:
    """Give the claims of `group` (int64[g], rising) at merchants where two members or more claim.

    A member who claims at d merchants is expected at one that gets a share p of all outsiders' choices with
    a chance of d·p, 1 at most.
    """
    joint = joint_claims(timeline, merchant_yardstick(yardstick), group)
    if len(joint.claim) == 0:
        return Gatherings(joint, np.zeros(len(group)))
    is_inside = np.zeros(len(timeline.buyer_start) - 1, np.bool_)
    is_inside[group] = True
    buyers_of, merchants_of = _choices(timeline, is_inside)
    events, event = np.unique(joint.event, return_inverse=True)
    merchant = timeline.merchant[joint.claim]
    at = np.empty(len(events), np.int64)
    at[event] = merchant
    share = (buyers_of[at] + 0.5) / (buyers_of.sum() + 0.5 * len(buyers_of))
    return _gathered(timeline, group, joint, event, share, merchants_of[group])


def _gathered(
    timeline: Timeline,
    group: Longs,
    joint: JointClaims,
    event: NDArray[np.int64],
    share: Floats,
    choices: NDArray[np.int64],
) -> Gatherings:
    """Say how many other members chance puts into each event, and judge each member's presence.

    `share` is float64[events], the chance of one choice of anybody; `choices` int64[g], how many each has.
    """
    member = np.searchsorted(group, timeline.buyer[joint.claim])
    present = np.unique(event * len(group) + member)
    there = np.bincount(present // len(group), minlength=len(share))
    everyone = np.array([np.minimum(1.0, choices * chance).sum() for chance in share])
    others = everyone[event] - np.minimum(1.0, choices[member] * share[event])
    attended = np.bincount(present % len(group), minlength=len(group))
    return Gatherings(
        joint._replace(event=event, strangers=others, expected=others / np.maximum(there[event] - 1, 1)),
        presence_decades(choices, min(float(share.sum()), 1.0), attended, len(timeline.buyer_start) - 1),
    )


def presence_decades(
    choices: NDArray[np.int64], chance: float, attended: NDArray[np.int64], buyers: int
) -> Floats:
    """Give float64[g]: decades by which chance fails to bring a member there so often, over all `buyers`."""
    return np.array(
        [
            binomial_decades(int(number), chance, int(least)) - np.log10(buyers)
            for number, least in zip(choices, attended, strict=True)
        ]
    )


@njit(cache=True, nogil=True)
def _choices(timeline: Timeline, is_inside: NDArray[np.bool_]) -> tuple[Longs, Longs]:
    """Count each merchant's claimants outside the group, int64[m], and each buyer's merchants, int64[n]."""
    buyers, merchants = len(timeline.buyer_start) - 1, len(timeline.merchant_start) - 1
    of_merchant, of_buyer = np.zeros(merchants, np.int64), np.zeros(buyers, np.int64)
    for buyer in range(buyers):
        last = -1
        for i in range(timeline.buyer_start[buyer], timeline.buyer_start[buyer + 1]):
            merchant = timeline.merchant[timeline.of_buyer[i]]
            if merchant != last:
                of_buyer[buyer] += 1
                if not is_inside[buyer]:
                    of_merchant[merchant] += 1
                last = merchant
    return of_merchant, of_buyer
