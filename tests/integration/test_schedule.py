"""One look after another at a store, under a clock that the test sets."""

import csv
import os
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from ringfence.app import StoresByAddress
from ringfence.domain.errors import InvalidError, UnavailableError
from ringfence.domain.leases import LeaseName
from ringfence.domain.runs import RunState
from ringfence.domain.scope import Principal, Role
from ringfence.intake import PseudonymKey
from ringfence.jobs.cron import Cron
from ringfence.jobs.due import Every, Schedule
from ringfence.jobs.events import Event, Outcome
from ringfence.jobs.health_file import HealthFile, check_health
from ringfence.jobs.schedule_detection import ScheduledDetection
from ringfence.jobs.stopping import Stopping
from ringfence.services.ask_for_run import ask_for_run, request_to_serve
from ringfence.services.detect_in_store import OvertakenError, StoreDetectionRequest, detect_in_store
from ringfence.services.hold_lease import hold_lease, this_process
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.store import Store

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = 1_782_907_200 * SECOND
"""2026-07-01T12:00Z."""
SIX_HOURS = Every.read("6h")
NIGHTLY = Cron.read("15 2 * * *", "UTC")
NIGHT = NOON + DAY - 9 * HOUR - 45 * MINUTE


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scheduled(store: Store, clock: Clock) -> Callable[..., ScheduledDetection]:
    """A schedule on the store, as a process makes one when it starts."""

    def start(
        schedule: Schedule = SIX_HOURS, request: StoreDetectionRequest | None = None, at_once: bool = False
    ) -> ScheduledDetection:
        return ScheduledDetection(
            schedule,
            request or StoreDetectionRequest(),
            lambda: nullcontext(store),
            clock,
            Stopping(60.0),
            at_once=at_once,
        )

    return start


Start = Callable[..., ScheduledDetection]


def load(
    store: Store, folder: Path, first: int = 0, phone: Callable[[int], str] = lambda n: f"+4420{n:07d}"
) -> None:
    """Load claims of 40 honest buyers, the first of them numbered so."""
    chance, path = random.Random(first), folder / f"claims-{first}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["claim_id", "buyer_id", "merchant_id", "filed_at", "amount", "phone"])
        for n in range(first, first + 40):
            at = f"2026-0{chance.randint(1, 6)}-{chance.randint(1, 28):02d}T{chance.randint(0, 23):02d}:00"
            rows.writerow(
                [f"c{n}", f"b{n}", f"m{chance.randint(1, 30)}", at, chance.randint(3, 90), phone(n)]
            )
    key = PseudonymKey(bytes(range(32)))
    with hold_lease(store, LeaseName.LOAD, lambda: NOON) as lease:
        load_market(LoadRequest([path]), key, store, lease, NOON)


def states(store: Store) -> list[RunState]:
    return [run.state for run in store.rings.runs(100).items]


def test_where_nothing_is_loaded_it_waits_and_begins_soon_after_something_is(
    store: Store, clock: Clock, scheduled: Start, tmp_path: Path
) -> None:
    detection = scheduled()
    event, look_at = detection.look()
    assert (event.outcome, look_at) == (Outcome.WAITING, NOON + 30 * SECOND)
    assert "ringfence load" in event.says
    load(store, tmp_path)
    clock.now = look_at
    event, look_at = detection.look()
    assert (event.outcome, event.run_id, event.next_due) == (Outcome.PUBLISHED, 1, clock.now + 6 * HOUR)
    assert look_at == event.next_due


def test_at_its_time_it_detects_once_and_at_other_times_not_at_all(
    store: Store, clock: Clock, scheduled: Start, tmp_path: Path
) -> None:
    load(store, tmp_path)
    detection = scheduled(NIGHTLY)
    for now, outcome in (
        (NOON, Outcome.READY),
        (NIGHT - 1, Outcome.READY),
        (NIGHT, Outcome.PUBLISHED),
        (NIGHT + SECOND, Outcome.READY),
        (NIGHT + DAY, Outcome.PUBLISHED),
    ):
        clock.now = now
        event, look_at = detection.look()
        assert event.outcome is outcome
        assert look_at == (NIGHT if now < NIGHT else NIGHT + DAY if now < NIGHT + DAY else NIGHT + 2 * DAY)
    assert states(store) == [RunState.PUBLISHED] * 2


def test_what_was_missed_while_no_process_ran_is_caught_up_by_one_run(
    store: Store, clock: Clock, scheduled: Start, tmp_path: Path
) -> None:
    load(store, tmp_path)
    scheduled().look()
    clock.now = NOON + 5 * DAY
    detection = scheduled(NIGHTLY)
    assert detection.look()[0].outcome is Outcome.PUBLISHED
    assert detection.look()[0].outcome is Outcome.READY
    assert scheduled(NIGHTLY).look()[0].outcome is Outcome.READY


def test_a_run_at_once_is_begun_although_none_is_due_and_only_once(
    store: Store, clock: Clock, scheduled: Start, tmp_path: Path
) -> None:
    load(store, tmp_path)
    scheduled().look()
    clock.now += SECOND
    detection = scheduled(at_once=True)
    assert detection.look()[0].outcome is Outcome.PUBLISHED
    assert detection.look()[0].outcome is Outcome.READY


def test_while_another_process_detects_a_run_is_skipped_and_not_tried_before_the_next_time(
    store: Store, clock: Clock, scheduled: Start, tmp_path: Path
) -> None:
    load(store, tmp_path)
    detection = scheduled()
    store.leases.acquire(LeaseName.DETECT, replace(this_process(), host="elsewhere"), 60.0, clock.now)
    event, look_at = detection.look()
    assert (event.outcome, event.failures, look_at) == (Outcome.SKIPPED, 0, NOON + 6 * HOUR)
    assert "elsewhere" in event.says
    clock.now += 5 * HOUR
    assert detection.look()[0].outcome is Outcome.READY
    clock.now = look_at
    assert detection.look()[0].outcome is Outcome.PUBLISHED


def test_a_time_that_another_process_served_is_skipped_and_said_so(
    store: Store, clock: Clock, scheduled: Start, tmp_path: Path
) -> None:
    load(store, tmp_path)
    one, other = scheduled(NIGHTLY), scheduled(NIGHTLY)
    assert [each.look()[0].outcome for each in (one, other)] == [Outcome.READY] * 2
    clock.now = NIGHT + SECOND
    assert one.look()[0].outcome is Outcome.PUBLISHED
    event, look_at = other.look()
    assert (event.outcome, look_at) == (Outcome.SKIPPED, NIGHT + DAY)
    assert "run 1" in event.says


def test_who_saw_the_store_before_another_run_was_complete_does_not_detect_again(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    load(store, tmp_path)
    request = StoreDetectionRequest(after_run=0)
    detect_in_store(request, store, clock)
    with pytest.raises(OvertakenError, match="Run 1"):
        detect_in_store(request, store, clock)
    detect_in_store(replace(request, after_run=1), store, clock)
    assert states(store) == [RunState.PUBLISHED] * 2


def test_failures_are_counted_and_tried_again_at_the_next_time_or_by_the_next_process(
    store: Store, clock: Clock, scheduled: Start, tmp_path: Path
) -> None:
    load(store, tmp_path)
    detection = scheduled(request=StoreDetectionRequest(out=tmp_path))
    for failures in (1, 2):
        event, look_at = detection.look()
        assert (event.outcome, event.failures, look_at) == (Outcome.FAILED, failures, clock.now + 6 * HOUR)
        assert "holds no run" in event.says
        clock.now = look_at
    assert scheduled().look()[0].outcome is Outcome.PUBLISHED


def test_a_fault_of_the_program_ends_one_run_and_says_where_it_arose(
    store: Store, clock: Clock, scheduled: Start, tmp_path: Path
) -> None:
    load(store, tmp_path)
    detection = scheduled(request=StoreDetectionRequest(parameters=None))  # type: ignore[arg-type]
    event, look_at = detection.look()
    assert (event.outcome, look_at) == (Outcome.FAILED, NOON + 6 * HOUR)
    assert event.says.startswith("AttributeError: ")
    assert ".py:" in event.says
    assert states(store) == [RunState.FAILED]


def test_a_store_that_does_not_answer_is_tried_every_half_minute_and_not_later_than_the_next_time(
    clock: Clock, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.sqlite"

    def opened() -> AbstractContextManager[Store]:
        return closing(StoresByAddress().open(str(missing), create=False))

    for schedule, seconds in ((SIX_HOURS, 30), (Every.read("5s"), 5)):
        detection = ScheduledDetection(schedule, StoreDetectionRequest(), opened, clock, Stopping(60.0))
        for failures in (1, 2):
            event, look_at = detection.look()
            assert (event.outcome, event.failures) == (Outcome.FAILED, failures)
            assert look_at == NOON + seconds * SECOND
    StoresByAddress().open(str(missing), create=True).close()
    assert detection.look()[0] == Event(NOON, Outcome.WAITING, event_says(opened))


def event_says(opened: Callable[[], AbstractContextManager[Store]]) -> str:
    with opened() as store, pytest.raises(InvalidError) as nothing:
        detect_in_store(StoreDetectionRequest(), store, lambda: NOON)
    return str(nothing.value)


def test_an_implausible_result_is_withheld_and_serves_its_time(
    store: Store, clock: Clock, scheduled: Start, tmp_path: Path
) -> None:
    load(store, tmp_path)
    detection = scheduled()
    detection.look()
    load(store, tmp_path, first=100, phone=lambda n: "+442000000000")
    clock.now += 6 * HOUR
    event, look_at = detection.look()
    assert (event.outcome, event.run_id, event.failures) == (Outcome.WITHHELD, 2, 0)
    assert "One phone" in event.says
    assert look_at == clock.now + 6 * HOUR
    assert scheduled().look()[0].outcome is Outcome.READY


def test_a_clock_that_is_set_back_while_it_waits_does_not_make_it_wait_longer(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    load(store, tmp_path)
    stopping, told, told_at = Stopping(60.0), list[Event](), list[float]()

    def tell(event: Event) -> None:
        told.append(event)
        told_at.append(time.monotonic())
        if event.outcome is Outcome.PUBLISHED:
            clock.now = NOON
        stopping.is_asked = len(told) == 3

    def patient() -> int:
        assert len(told) < 2 or time.monotonic() - told_at[-1] < 5, (
            "it waits for the time of a clock that was wrong"
        )
        return clock.now

    clock.now = NOON + 300 * DAY
    schedule, request = Every.read("20d"), StoreDetectionRequest()
    assert ScheduledDetection(schedule, request, lambda: nullcontext(store), patient, stopping).keep(tell)
    outcomes = [event.outcome for event in told]
    assert outcomes == [Outcome.STARTED, Outcome.PUBLISHED, Outcome.READY, Outcome.ENDED]
    assert told[2].next_due == NOON + schedule.microseconds


def test_the_same_failure_is_told_once_between_two_due_times(clock: Clock, tmp_path: Path) -> None:
    stopping, told = Stopping(60.0), list[Event]()

    def opened() -> AbstractContextManager[Store]:
        return closing(StoresByAddress().open(str(tmp_path / "missing"), create=False))

    def hurrying() -> int:
        clock.now += 31 * SECOND
        return clock.now

    def tell(event: Event) -> None:
        told.append(event)
        stopping.is_asked = len(told) == 3

    detection = ScheduledDetection(Every.read("10m"), StoreDetectionRequest(), opened, hurrying, stopping)
    assert detection.keep(tell)
    outcomes = [event.outcome for event in told]
    assert outcomes == [Outcome.STARTED, Outcome.FAILED, Outcome.FAILED, Outcome.ENDED]
    assert told[2].at - told[1].at >= 10 * MINUTE
    assert told[2].failures > 5


def test_who_is_asked_to_stop_while_it_looks_at_the_store_ends_without_a_run_and_says_so(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    load(store, tmp_path)
    stopping, told = Stopping(60.0), list[Event]()

    def opened() -> AbstractContextManager[Store]:
        stopping.is_asked = True
        return nullcontext(store)

    detection = ScheduledDetection(SIX_HOURS, StoreDetectionRequest(), opened, clock, stopping)
    assert detection.keep(told.append)
    assert [event.outcome for event in told] == [Outcome.STARTED, Outcome.ENDED]
    assert states(store) == []


def test_an_address_that_will_never_do_ends_it(clock: Clock) -> None:
    def opened() -> AbstractContextManager[Store]:
        return closing(StoresByAddress().open("mysql://x", create=False))

    detection = ScheduledDetection(SIX_HOURS, StoreDetectionRequest(), opened, clock, Stopping(60.0))
    with pytest.raises(InvalidError, match="mysql"):
        detection.keep(lambda event: None)


def test_a_health_file_tells_of_a_schedule_that_lives_and_does_not_fail(tmp_path: Path) -> None:
    path = tmp_path / "health"
    health, now = HealthFile(path), NOON
    event = Event(now, Outcome.PUBLISHED, "run 1: 3 rings", run_id=1, next_due=now + HOUR)
    with health.touching():
        health.write(event)
        os.utime(path, (now / SECOND, now / SECOND))
        assert check_health(path, now + 59 * SECOND) == event
        with pytest.raises(UnavailableError, match="not been seen for 61 s"):
            check_health(path, now + 61 * SECOND)
        health.write(replace(event, outcome=Outcome.FAILED, says="the disk is full", failures=3))
        with pytest.raises(UnavailableError, match=r"3 in a row.*disk is full"):
            check_health(path, now)
        path.write_text("{}")
        with pytest.raises(UnavailableError, match="no health file"):
            check_health(path, now)
    with pytest.raises(UnavailableError, match="No schedule keeps"):
        check_health(path, now)


def test_a_run_that_was_asked_for_begins_before_it_is_due_and_is_tried_once(
    store: Store, clock: Clock, scheduled: Start, tmp_path: Path
) -> None:
    load(store, tmp_path)
    detection = scheduled(NIGHTLY)
    assert detection.look()[0].outcome is Outcome.READY
    ask_for_run(store, Principal("nightly", Role.JOB), "new files", clock.now)
    event, look_at = detection.look()
    assert (event.outcome, event.run_id, look_at) == (Outcome.PUBLISHED, 1, NIGHT)
    assert request_to_serve(store) is None
    assert detection.look()[0].outcome is Outcome.READY
    broken = scheduled(NIGHTLY, StoreDetectionRequest(out=tmp_path / "claims-0.csv"))
    ask_for_run(store, Principal("nightly", Role.JOB), "more files", clock.now)
    assert broken.look()[0].outcome is Outcome.FAILED
    assert broken.look()[0].outcome is Outcome.READY
    assert request_to_serve(store) is not None
    assert detection.look()[0].run_id == store.rings.runs(1).items[0].run_id
    assert request_to_serve(store) is None
