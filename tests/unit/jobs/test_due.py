"""When a run is due, whatever clocks and processes have been through."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.errors import InvalidError
from ringfence.jobs.cron import Cron
from ringfence.jobs.due import Every, Schedule, due_at

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
NIGHTLY = Cron.read("15 2 * * *", "Europe/Berlin")
SIX_HOURS = Every.read("6h")


def micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def moment(text: str) -> int:
    return micros(datetime.fromisoformat(text))


NOW = moment("2026-07-10T12:00Z")
LAST_NIGHT = moment("2026-07-10T00:15Z")


def due(
    schedule: Schedule, begun: int | None = None, tried: int | None = None, loaded: int = 0, now: int = NOW
) -> int:
    return due_at(schedule, now, begun_at=begun, tried_at=tried, loaded_at=loaded)


def test_what_ran_last_night_is_due_next_night() -> None:
    assert due(NIGHTLY, begun=LAST_NIGHT) == LAST_NIGHT + DAY
    assert due(NIGHTLY, begun=LAST_NIGHT + HOUR) == LAST_NIGHT + DAY


@pytest.mark.parametrize("nights", [1, 2, 300])
def test_nights_that_were_missed_are_due_at_once_and_one_run_serves_them(nights: int) -> None:
    assert due(NIGHTLY, begun=LAST_NIGHT - nights * DAY) <= NOW
    assert due(NIGHTLY, begun=NOW) == LAST_NIGHT + DAY


def test_a_run_that_began_a_moment_early_does_not_serve_the_night() -> None:
    assert due(NIGHTLY, begun=LAST_NIGHT - 1) == LAST_NIGHT


def test_an_interval_counts_from_where_the_last_run_began_even_if_the_process_is_younger() -> None:
    assert due(SIX_HOURS, begun=NOW - HOUR) == NOW + 5 * HOUR
    assert due(SIX_HOURS, begun=NOW - 7 * HOUR) == NOW - HOUR
    assert due(Every.read("30d"), begun=NOW - 29 * DAY) == NOW + DAY


def test_what_was_tried_without_a_complete_run_is_due_the_next_time_only() -> None:
    assert due(NIGHTLY, begun=LAST_NIGHT - DAY, tried=LAST_NIGHT) == LAST_NIGHT + DAY
    assert due(NIGHTLY, tried=LAST_NIGHT) == LAST_NIGHT + DAY
    assert due(SIX_HOURS, begun=NOW - 8 * HOUR, tried=NOW - 2 * HOUR) == NOW + 4 * HOUR


def test_without_a_run_a_cron_expression_counts_from_the_first_load_and_an_interval_is_due_at_once() -> None:
    assert due(NIGHTLY, loaded=NOW - HOUR) == LAST_NIGHT + DAY
    assert due(NIGHTLY, loaded=NOW - 3 * DAY) <= NOW
    assert due(SIX_HOURS, loaded=NOW - HOUR) <= NOW


def test_a_clock_that_was_set_back_an_hour_repeats_nothing() -> None:
    begun, back = LAST_NIGHT + SECOND, LAST_NIGHT - HOUR
    assert due(NIGHTLY, begun=begun, now=back) == LAST_NIGHT + DAY
    assert due(SIX_HOURS, begun=begun, tried=begun, now=back) == begun + 6 * HOUR


def test_a_run_of_a_clock_that_was_years_ahead_stops_nothing() -> None:
    ahead = NOW + 1000 * DAY
    assert due(NIGHTLY, begun=ahead, loaded=ahead) == LAST_NIGHT + DAY
    assert due(NIGHTLY, begun=ahead, loaded=NOW - 2 * DAY) <= NOW
    assert due(SIX_HOURS, begun=ahead, loaded=ahead) <= NOW
    assert due(SIX_HOURS, begun=ahead, tried=ahead) == NOW + 6 * HOUR


@given(
    schedule=st.sampled_from([NIGHTLY, SIX_HOURS, Every.read("1s"), Cron.read("*/7 * * * 1-5", "UTC")]),
    begun=st.none() | st.integers(NOW - 400 * DAY, NOW + 400 * DAY),
    tried=st.none() | st.integers(NOW - 400 * DAY, NOW + 400 * DAY),
    loaded=st.integers(NOW - 400 * DAY, NOW + 400 * DAY),
    now=st.integers(NOW - 40 * DAY, NOW + 40 * DAY),
)
def test_a_run_that_begins_when_it_is_due_makes_the_next_one_due_later_but_never_put_off(
    schedule: Schedule, begun: int | None, tried: int | None, loaded: int, now: int
) -> None:
    first = due(schedule, begun, tried, loaded, now)
    assert first <= schedule.after(schedule.after(schedule.after(now)))
    began = max(first, now)
    assert due(schedule, began, tried, loaded, began) > began
    assert due(schedule, began, began, loaded, began) == schedule.after(began)


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90), ("15m", 900), ("6h", 21_600), ("1d", 86_400), (" 1h ", 3_600)]
)
def test_intervals_are_read(written: str, seconds: int) -> None:
    assert Every.read(written).microseconds == seconds * SECOND


@pytest.mark.parametrize("written", ["", "0s", "6", "h", "-1h", "1.5h", "6 h", "400d", "1w", "1h30m"])
def test_what_is_no_interval_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(InvalidError, match="15m, 6h"):
        Every.read(written)


def test_the_zone_is_the_one_that_was_named() -> None:
    assert NIGHTLY.after(NOW) == micros(datetime(2026, 7, 11, 2, 15, tzinfo=ZoneInfo("Europe/Berlin")))
