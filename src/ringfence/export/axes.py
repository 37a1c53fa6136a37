"""Where the marks of an axis go, and what they say."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10

from ringfence.export.markup import day, month

_HOURS = (1, 3, 6, 12)
_DAYS = (1, 2, 7, 14)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True)
class TimeAxis:
    """Time from `first` to `last` (UTC), laid from `left` to `right`."""

    first: datetime
    last: datetime
    left: float
    right: float

    def place(self, at: datetime) -> float:
        """Where a moment lies; the middle where the axis has no length."""
        span = (self.last - self.first).total_seconds()
        share = (at - self.first).total_seconds() / span if span else 0.5
        return self.left + share * (self.right - self.left)

    def marks(self, most: int = 6) -> list[tuple[float, str]]:
        """At most `most` round moments with their words, by place."""
        span = self.last - self.first
        midnight = self.first.replace(hour=0, minute=0, second=0, microsecond=0)
        for hours in _HOURS:
            if span <= timedelta(hours=hours * (most - 1)):
                return self._every(
                    midnight, timedelta(hours=hours), lambda at: f"{at:%H:%M}" if at.hour else day(at, False)
                )
        for days in _DAYS:
            if span <= timedelta(days=days * (most - 1)):
                return self._every(midnight, timedelta(days=days), lambda at: day(at, False))
        for months in _MONTHS:
            marks = [(self.place(at), month(at)) for at in self._months(months)]
            if len(marks) <= most:
                return marks
        return []

    def _every(
        self, start: datetime, step: timedelta, say: Callable[[datetime], str]
    ) -> list[tuple[float, str]]:
        skipped = ceil((self.first - start) / step)
        marks = []
        at = start + skipped * step
        while at <= self.last:
            marks.append((self.place(at), say(at)))
            at += step
        return marks

    def _months(self, step: int) -> list[datetime]:
        found = []
        number = ceil((self.first.year * 12 + self.first.month - 1) / step) * step
        while (at := datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)) <= self.last:
            if at >= self.first:
                found.append(at)
            number += step
        return found


def round_marks(highest: float, most: int = 5) -> list[float]:
    """From nought in equal round steps to `highest` or just above, in at most `most` + 1 marks."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / most
    scale = 10.0 ** floor(log10(rough))
    step = next(factor * scale for factor in (1, 2, 5, 10) if factor * scale >= rough * (1 - 1e-9))
    return [place * step for place in range(ceil(highest / step - 1e-9) + 1)]
