"""When people shop and complain: seasons, weekdays, sale peaks, hours."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

DAY = 86_400
"""Seconds a day; all times of the simulation are whole seconds since its first midnight, UTC."""
HOUR = 3_600

PEAKS = ((6, 10, 20), (11, 8, 18))
"""Sale peaks as (month, first day, last day), every year."""
PEAK_FACTOR = 3.2
_WEEKDAYS = (1.0, 0.95, 0.95, 1.0, 1.05, 1.2, 1.25)
_HOURS = (6, 3, 2, 1, 1, 2, 5, 12, 20, 27, 31, 32, 35, 33, 30, 29, 30, 34, 41, 50, 58, 56, 38, 17)


@dataclass(frozen=True, eq=False)
class Calendar:
    """The simulated period and how busy each of its days is."""

    starts_on: date
    days: int
    cumulative: NDArray[np.float64]
    """float64[days + 1], from 0 to 1: the share of all shopping before each midnight."""

    @property
    def end(self) -> int:
        """Return the last midnight, in seconds."""
        return self.days * DAY

    def draw_days(
        self, since: NDArray[np.float64], until: NDArray[np.float64], chance: np.random.Generator
    ) -> NDArray[np.int64]:
        """Draw a day (int64, 0 to days - 1) for each window [since, until) of days, busy days more often."""
        midnights = np.arange(self.days + 1, dtype=np.float64)
        low = np.interp(since, midnights, self.cumulative)
        share = low + (np.interp(until, midnights, self.cumulative) - low) * chance.random(len(low))
        day = np.interp(share, self.cumulative, midnights).astype(np.int64)
        return np.minimum(day, self.days - 1)


def open_calendar(starts_on: date, days: int) -> Calendar:
    """Return the calendar of `days` days: a mild yearly wave, busy weekends, two sale peaks a year."""
    dates = [starts_on + timedelta(days=day) for day in range(days)]
    weekday = np.array([_WEEKDAYS[day.weekday()] for day in dates])
    wave = 1.0 + 0.12 * np.cos(
        2.0 * np.pi * (np.array([day.timetuple().tm_yday for day in dates]) + 15) / 365.25
    )
    peak = np.array(
        [
            PEAK_FACTOR
            if any(day.month == month and first <= day.day <= last for month, first, last in PEAKS)
            else 1.0
            for day in dates
        ]
    )
    cumulative = np.concatenate([[0.0], np.cumsum(weekday * wave * peak)])
    return Calendar(starts_on, days, cumulative / cumulative[-1])


def draw_clock(
    utc_offset_hours: NDArray[np.float64], chronotype: NDArray[np.float64], chance: np.random.Generator
) -> NDArray[np.int64]:
    """Draw a time of day, in seconds after UTC midnight (may be negative or past a day), evenings most.

    `chronotype` shifts a person's day, in hours.
    """
    cumulative = np.concatenate([[0.0], np.cumsum(_HOURS)])
    hour = np.interp(chance.random(len(chronotype)), cumulative / cumulative[-1], np.arange(25.0))
    seconds: NDArray[np.int64] = ((hour + chronotype - utc_offset_hours) * HOUR).astype(np.int64)
    return seconds
