"""When a run is due: an interval, and what a schedule makes of the runs there were."""

import re
from dataclasses import dataclass
from typing import Protocol

from ringfence.domain.durations import MICROSECONDS_A_SECOND
from ringfence.domain.errors import InvalidError

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_DAYS = 366


class Schedule(Protocol):
    """Times at which something is due; all in µs since 1970-01-01 UTC."""

    def after(self, moment: int) -> int:
        """Give the first due time after a moment."""

    def first(self, since: int) -> int:
        """Give the first due time where nothing ran yet and there was something to do since a moment."""


@dataclass(frozen=True)
class Every:
    """Due when so much time has passed since the last run began, and at once where there was none."""

    written: str
    microseconds: int

    @classmethod
    def read(cls, written: str) -> "Every":
        """Read `90s`, `15m`, `6h` or `1d`. Raises InvalidError."""
        match = re.fullmatch(r"([0-9]{1,9})([smhd])", written.strip())
        seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
        if not 1 <= seconds <= _LONGEST_DAYS * _SECONDS["d"]:
            raise InvalidError(
                f"{written!r} is no interval; write 90s, 15m, 6h or 1d, of a second to {_LONGEST_DAYS} days."
            )
        return cls(written.strip(), seconds * MICROSECONDS_A_SECOND)

    def __str__(self) -> str:
        return f"every {self.written}"

    def after(self, moment: int) -> int:
        """Give the moment and the interval."""
        return moment + self.microseconds

    def first(self, since: int) -> int:
        """Give that very moment."""
        return since


def due_at(
    schedule: Schedule, now: int, *, begun_at: int | None, tried_at: int | None, loaded_at: int
) -> int:
    """Say when the next run is due, in µs since 1970-01-01 UTC; not later than `now`: at once.

    `begun_at` is when the last complete run began, `tried_at` when this process last tried, whatever came of
    it, `loaded_at` when there was something to detect in first. However many due times have passed, one run
    serves them all.
    """
    known = [] if tried_at is None else [min(tried_at, now)]
    # The clock may have been set back a little since a run, which then still serves its time. One that seems
    # to have begun further ahead was begun by a wrong clock, and to wait for that moment could take years.
    if begun_at is not None and begun_at < schedule.after(schedule.after(now)):
        known.append(begun_at)
    return schedule.after(max(known)) if known else schedule.first(min(loaded_at, now))
