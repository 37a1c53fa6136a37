"""Calendars: subscription boxes and deliveries come by the week or the month, and so do honest claims."""

from typing import NamedTuple

import numpy as np

from ringfence.detection.events import events
from ringfence.detection.prepare import Prepared
from ringfence.market import Floats, Longs


class _Rhythm(NamedTuple):
    period: float
    """Days."""
    slack: float
    """How many days early or late a date may be."""


_RHYTHMS = (
    _Rhythm(7.0, 0.75),
    _Rhythm(14.0, 1.0),
    _Rhythm(28.0, 1.5),
    _Rhythm(30.0, 1.5),
    _Rhythm(30.44, 1.5),
    _Rhythm(31.0, 1.5),
)
_FEWEST_DATES = 4
"""Fewer dates fit some rhythm by chance too often."""
_SHARE_IN_TIME = 0.85
"""Share of the dates that must keep the rhythm."""
_TIMES_AS_OFTEN = 3
"""A group subscribes if it met on calendars this many times as often as elsewhere."""


def keeps_a_calendar(days: Floats) -> bool:
    """Say whether dates (float64[k], days) come by the week, the fortnight or the month.

    Dates may be missing; at least 85 % of four or more must lie near multiples of one period.
    """
    if len(days) < _FEWEST_DATES:
        return False
    for rhythm in _RHYTHMS:
        turns = np.exp(2j * np.pi * days / rhythm.period)
        mean = turns.sum()
        if abs(mean) < 1e-9 * len(days):
            continue
        late = np.abs(np.angle(turns * np.conj(mean))) / (2.0 * np.pi) * rhythm.period
        if np.mean(late <= rhythm.slack) >= _SHARE_IN_TIME:
            return True
    return False


def is_subscription(prepared: Prepared, members: Longs) -> bool:
    """Say whether a group (int64[g] buyers) met mostly at merchants where its meetings keep a calendar.

    People who subscribe to the same boxes claim together without knowing each other.
    """
    those = events(prepared.timeline, prepared.yardstick, members, 2)
    middle = (those.begin + those.end) / 2.0
    by_calendar = elsewhere = 0
    for merchant in np.unique(those.merchant):
        here = middle[those.merchant == merchant]
        if keeps_a_calendar(here):
            by_calendar += len(here)
        else:
            elsewhere += len(here)
    return by_calendar >= _FEWEST_DATES and by_calendar >= _TIMES_AS_OFTEN * elsewhere
