"""How close two claims at one merchant are: the number of strangers chance would put as near."""

import math
from typing import NamedTuple

from numba import njit

from ringfence.detection.timeline import Timeline, exposure_days
from ringfence.market import Ints


class Yardstick(NamedTuple):
    """The parameters that closeness is measured by, as the compiled functions take them."""

    window: float
    """Days beyond which claims are never compared."""
    reach: float
    """Days before and after that the local rate is counted over."""
    closest: float
    """Days below which claims are not told apart."""
    strangers: float
    """Coincidences that chance makes likelier than this are no coincidences."""
    gap: float
    """Days that end an event."""
    neighbours: int
    """Next claims at a merchant that each claim is compared with."""
    hub: int
    """Holders beyond which a value says nothing."""
    habit: float
    """Days over which buyers who ordered together file their claims."""
    household: float
    """The same of a household, which is at most as long."""


@njit(cache=True, nogil=True)
def as_near(rate: float, apart: float, grain: float, closest: float) -> float:
    """Give how many strangers' claims chance puts within `apart` days, at `rate` claims a day.

    Times rounded to `grain` days leave that much doubt, so equal times are at most that near.
    """
    return rate * max(2.0 * apart + grain, 2.0 * closest)


@njit(cache=True, nogil=True)
def nearer_than_habit(yardstick: Yardstick, grain: float, apart: float) -> float:
    """Give the surprise (nats) that claims `apart` days lie no further, though their buyers ordered together.

    If the times of such claims are spread evenly over `habit` days w, two lie within s with a chance of at
    most 2 s / w.
    """
    return max(0.0, math.log(yardstick.habit / max(2.0 * apart + grain, 2.0 * yardstick.closest)))


@njit(cache=True, nogil=True)
def beyond_joint_orders(yardstick: Yardstick, closer: float, is_household: bool) -> float:
    """Give what remains of the mean `closer` (nats than habit) for claims of a household, if it is one."""
    if not is_household:
        return closer
    return max(0.0, closer - math.log(yardstick.habit / yardstick.household))


@njit(cache=True, nogil=True)
def pair_rate(
    timeline: Timeline, yardstick: Yardstick, near: Ints, everywhere: Ints, i: int, j: int
) -> float:
    """Give the claims a day that strangers file around claims `i` and `j` of one merchant.

    The larger of the merchant's own claims nearby, less these two, and of its share of everyone's claims
    nearby: faulty batches, popular merchants and sale peaks discount themselves.
    """
    merchant = timeline.merchant[i]
    claims_here = timeline.merchant_start[merchant + 1] - timeline.merchant_start[merchant]
    share = (claims_here - 1.5) * max(everywhere[i], everywhere[j]) / len(timeline.day)
    reach = yardstick.reach
    days = min(
        exposure_days(timeline.day[i] - reach, timeline.day[i] + reach, timeline.span),
        exposure_days(timeline.day[j] - reach, timeline.day[j] + reach, timeline.span),
    )
    return max(max(near[i], near[j]) - 2.0, share) / days
