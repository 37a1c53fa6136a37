"""Cron expressions, against a brute-force reading of the same rules minute by minute."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.domain.errors import InvalidError
from ringfence.jobs.cron import Cron

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def walk(expression: str, zone: str, since: datetime, until: datetime) -> list[datetime]:
    """List all due times after `since`, up to `until`, in UTC."""
    cron, found = Cron.read(expression, zone), []
    at = cron.after(micros(since))
    while at <= micros(until):
        found.append(EPOCH + timedelta(microseconds=at))
        at = cron.after(at)
    return found


def days(expression: str, first: str, many: int) -> list[str]:
    since = datetime.fromisoformat(first).replace(tzinfo=UTC) - MINUTE
    return [
        f"{at:%a %d}"
        for at in walk(f"0 0 {expression}", "UTC", since, since + timedelta(days=many - 1, hours=12))
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * 0", ["Sun 08"]),
        ("* * 7", ["Sun 08"]),
        ("* * sun", ["Sun 08"]),
        ("* * 1", ["Mon 02"]),
        ("* * 5-7", ["Fri 06", "Sat 07", "Sun 08"]),
        ("* * FRI-Sun", ["Fri 06", "Sat 07", "Sun 08"]),
        ("* * sat-mon", ["Mon 02", "Sat 07", "Sun 08"]),
        ("* * 1-5/2", ["Mon 02", "Wed 04", "Fri 06"]),
        ("* * */3", ["Wed 04", "Sat 07", "Sun 08"]),
        ("* * mon,thu", ["Mon 02", "Thu 05"]),
        ("3 * *", ["Tue 03"]),
        ("3 mar *", ["Tue 03"]),
        ("3 feb *", []),
        # Where both days are told, either will do; where one begins with *, both must hold.
        ("3 * fri", ["Tue 03", "Fri 06"]),
        ("*/2 * fri", []),
        ("*/2 * thu", ["Thu 05"]),
    ],
)
def test_days_are_those_cron_means(expression: str, expected: list[str]) -> None:
    assert days(expression, "2026-03-02", 7) == expected


BERLIN = "Europe/Berlin"
SPRING = (datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 3, 29, 4, tzinfo=UTC))
AUTUMN = (datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 25, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    ("expression", "night", "expected"),
    [
        ("30 2 * * *", SPRING, ["01:00"]),
        ("30 2 * * *", AUTUMN, ["00:30"]),
        ("*/20 2 * * *", SPRING, ["01:00"]),
        ("0 2,3 * * *", SPRING, ["01:00"]),
        ("0 2,3 * * *", AUTUMN, ["00:00", "02:00"]),
        ("0 0-5 * * *", SPRING, ["23:00", "00:00", "01:00", "02:00", "03:00"]),
        ("59 1 * * *", SPRING, ["00:59"]),
        ("0 3 * * *", AUTUMN, ["02:00"]),
    ],
)
def test_where_clocks_leap_each_time_is_due_once(
    expression: str, night: tuple[datetime, datetime], expected: list[str]
) -> None:
    assert [f"{at:%H:%M}" for at in walk(expression, BERLIN, *night)] == expected


@pytest.mark.parametrize(
    ("zone", "since"),
    [
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 12, tzinfo=UTC)),  # half an hour
        ("Antarctica/Troll", datetime(2026, 3, 28, 18, tzinfo=UTC)),  # two hours
        ("Pacific/Apia", datetime(2011, 12, 29, 12, tzinfo=UTC)),  # a whole day
        ("America/St_Johns", datetime(2006, 4, 2, 0, tzinfo=UTC)),  # at one minute past midnight
    ],
)
def test_other_leaps_lose_nothing_and_repeat_nothing(zone: str, since: datetime) -> None:
    found = walk("7 */3 * * *", zone, since, since + timedelta(days=3))
    assert found == brute_force({7}, set(range(0, 24, 3)), zone, since, timedelta(days=3))


def test_a_leap_day_is_waited_for_and_a_day_that_never_comes_is_refused() -> None:
    at = Cron.read("0 0 29 2 *", "UTC").after(micros(datetime(2026, 1, 1, tzinfo=UTC)))
    assert at == micros(datetime(2028, 2, 29, tzinfo=UTC))
    with pytest.raises(InvalidError, match="never due"):
        Cron.read("0 0 30 2 *", "UTC")


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "* * * * */0",
        "5-1 * * * *",
        "1,,2 * * * *",
        "1x * * * *",
        "* * * janx *",
        "* * * jan/2x *",
        "* * last * *",
        "mon * * * *",
        "* * * * 1-",
        "* * * * 1#2",
        "-1 * * * *",
        "@daily",
    ],
)
def test_what_is_no_cron_expression_is_refused_with_an_example(expression: str) -> None:
    with pytest.raises(InvalidError, match=r"is no cron expression .*'15 2 \* \* \*'"):
        Cron.read(expression, "UTC")


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../UTC", "Europe", "/etc/passwd"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidError, match="Europe/Berlin"):
        Cron.read("* * * * *", zone)


def brute_force(
    minutes: set[int], hours: set[int], zone: str, since: datetime, span: timedelta
) -> list[datetime]:
    """Watch the clocks minute by minute: due is when they first show such a time, or have leapt over it."""
    clocks, found = ZoneInfo(zone), []
    shown = [since + n * MINUTE for n in range(span // MINUTE + 1)]
    # Later than all that was shown in the hours before, in case they go through one hour twice.
    latest = max(
        (since - n * MINUTE).astimezone(clocks).replace(tzinfo=None)
        for n in range(int(timedelta(1) / MINUTE))
    )
    for _, at in pairwise(shown):
        local = at.astimezone(clocks).replace(tzinfo=None)
        passed = [latest + n * MINUTE for n in range(1, (local - latest) // MINUTE + 1)]
        if any(time.minute in minutes and time.hour in hours for time in passed):
            found.append(at)
        latest = max(latest, local)
    return found


@given(
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=4),
    hours=st.sets(st.integers(0, 23), min_size=1),
    zone=st.sampled_from([BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]),
    day=st.integers(0, 365),
    near=st.sampled_from([SPRING[0], AUTUMN[0], None]),
)
@example(minutes={0, 30}, hours=set(range(24)), zone=BERLIN, day=0, near=AUTUMN[0])
@example(minutes={0, 30}, hours=set(range(24)), zone=BERLIN, day=0, near=SPRING[0])
def test_due_times_are_those_that_somebody_who_watches_the_clocks_would_note(
    minutes: set[int], hours: set[int], zone: str, day: int, near: datetime | None
) -> None:
    since = near or datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    expression = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    span = timedelta(hours=30)
    assert walk(expression, zone, since, since + span) == brute_force(minutes, hours, zone, since, span)


@given(
    expression=st.sampled_from(["*/15 * * * *", "0 9 * * 1-5", "30 2 13 * fri", "0 0 1 jan *"]),
    zone=st.sampled_from([BERLIN, "America/New_York", "Pacific/Apia"]),
    at=st.datetimes(datetime(2005, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    later=st.timedeltas(timedelta(0), timedelta(days=40)),
)
def test_a_due_time_is_later_and_none_lies_between(
    expression: str, zone: str, at: datetime, later: timedelta
) -> None:
    cron = Cron.read(expression, zone)
    due = cron.after(micros(at))
    assert due > micros(at)
    assert cron.after(due - 1) == due
    between = min(micros(at + later), due - 1)
    assert cron.after(between) == due
