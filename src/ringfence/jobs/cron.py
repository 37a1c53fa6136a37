"""Cron expressions: five fields, read as cron reads them, in a time zone whose clocks may leap."""

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from ringfence.domain.errors import InvalidError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAYS_A_WEEK = 7


@dataclass(frozen=True)
class Cron:
    """Due whenever the clocks of a zone reach what a cron expression says.

    Where they leap over a time, it is due when they have leapt; where they show it twice, the first time.
    """

    expression: str
    zone: ZoneInfo
    _on_the_clock: BaseTrigger = field(repr=False, compare=False)
    """Gives times on the zone's clocks, written as UTC since there no hour is left out or comes twice."""

    @classmethod
    def read(cls, expression: str, zone: str) -> "Cron":
        """Read an expression such as `15 2 * * *`, and the name of its zone. Raises InvalidError."""
        try:
            told = cls(" ".join(expression.split()), _zone(zone), _trigger(expression))
        except ValueError as error:
            raise InvalidError(
                f"{expression!r} is no cron expression ({error}); write minute, hour, day of month, month "
                "and day of week, such as '15 2 * * *'."
            ) from error
        told.after(0)
        return told

    def __str__(self) -> str:
        return f"at {self.expression} in {self.zone.key}"

    def after(self, moment: int) -> int:
        """Give the first due time after a moment, both in µs since 1970-01-01 UTC.

        Raises InvalidError if there is none.
        """
        clock = _shown(_EPOCH + timedelta(microseconds=moment), self.zone)
        while True:
            due = self._on_the_clock.get_next_fire_time(None, clock.replace(tzinfo=UTC))
            if due is None:
                raise InvalidError(f"{self.expression!r} is never due: there is no such day.")
            clock = due.replace(tzinfo=None)
            at = (_reached(clock, self.zone) - _EPOCH) // timedelta(microseconds=1)
            if at > moment:
                return at
            clock += _MINUTE

    def first(self, since: int) -> int:
        """Give the first due time after a moment."""
        return self.after(since)


def _shown(at: datetime, zone: ZoneInfo) -> datetime:
    """Say what the clocks of a zone show."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _reached(clock: datetime, zone: ZoneInfo) -> datetime:
    """Say when the clocks of a zone first show a time or, where they leap over it, a later one."""
    at = clock.replace(tzinfo=zone).astimezone(UTC)
    if _shown(at, zone) == clock:
        return at
    before_the_leap = clock.replace(tzinfo=zone, fold=1).astimezone(UTC)
    seconds = range((at - before_the_leap) // timedelta(seconds=1))
    leapt = bisect_left(
        seconds, True, key=lambda n: _shown(before_the_leap + timedelta(seconds=n), zone) >= clock
    )
    return before_the_leap + timedelta(seconds=leapt)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidError(
            f"{name!r} is no time zone known here; write one such as Europe/Berlin, or UTC."
        ) from error


def _trigger(expression: str) -> BaseTrigger:
    """Read an expression as cron does; the library differs in numbers of weekdays and in two kinds of days.

    Raises ValueError.
    """
    fields = expression.lower().split()
    if len(fields) != 5:
        raise ValueError(f"it has {len(fields)} fields, not 5")
    minute, hour, day, month, weekday = fields
    time = {
        "minute": _numbers(minute, (), 0),
        "hour": _numbers(hour, (), 0),
        "month": _numbers(month, _MONTHS, 1),
        "timezone": UTC,
    }
    days = {"day": _numbers(day, (), 0)}
    weekdays = {"day_of_week": _from_monday(_numbers(weekday, _WEEKDAYS, 0))}
    if day.startswith("*") or weekday.startswith("*"):
        return CronTrigger(**time, **days, **weekdays)
    # Where both are told, either will do.
    return OrTrigger([CronTrigger(**time, **days, day_of_week="*"), CronTrigger(**time, **weekdays, day="*")])


def _numbers(written: str, names: tuple[str, ...], least: int) -> str:
    """Write the names in a field as numbers; nothing but numbers, ranges and steps may be left."""

    def number(match: re.Match[str]) -> str:
        if match[0] not in names:
            raise ValueError(f"{match[0]!r} is not known in {written!r}")
        return str(names.index(match[0]) + least)

    numbers = re.sub(r"[a-z]+", number, written)
    part = r"(\*|[0-9]{1,2}(-[0-9]{1,2})?)(/[0-9]{1,2})?"
    if not re.fullmatch(rf"{part}(,{part})*", numbers):
        raise ValueError(f"{written!r} is not understood")
    return numbers


def _from_monday(numbers: str) -> str:
    """Number weekdays from Monday as 0 that cron numbers from Sunday as 0 or 7."""
    days: set[int] = set()
    for part in numbers.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = 0 if first == "*" else int(first)
        end = 6 if first == "*" or (step and not last) else int(last or first)
        if max(start, end) > _DAYS_A_WEEK or step == "0":
            raise ValueError(f"{part!r} is no day of the week")
        if end < start:
            end += _DAYS_A_WEEK
        days.update((day - 1) % _DAYS_A_WEEK for day in range(start, end + 1, int(step or 1)))
    return ",".join(map(str, sorted(days)))
