"""Detection on a schedule: looks at the store when a run is due, and runs what `ringfence detect` runs.

When a run is due follows from the runs in the store, not from this process's memory: so what was missed is
caught up, any number of schedules may share a store, and a clock that leaps does no harm.
"""

import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from ringfence.domain.counted import counted
from ringfence.domain.durations import MICROSECONDS_A_SECOND
from ringfence.domain.errors import NotFoundError, RingfenceError, UnavailableError
from ringfence.domain.leases import LeaseHeldError
from ringfence.domain.run_requests import RunRequest
from ringfence.domain.runs import Run, RunState
from ringfence.jobs.due import Schedule, due_at
from ringfence.jobs.events import Event, Outcome
from ringfence.jobs.stopping import NotBegunError, StoppedError, Stopping
from ringfence.services.ask_for_run import request_to_serve
from ringfence.services.detect_in_store import (
    NothingLoadedError,
    OvertakenError,
    StoreDetectionRequest,
    detect_in_store,
    last_complete_run,
    loads_with_claims,
)
from ringfence.store import Store

_SECONDS_BETWEEN_TRIES = 30
"""How long to wait where a run is due but cannot begin yet."""
_SECONDS_BETWEEN_LOOKS = 10
"""How long to wait at most before looking whether a run was asked for."""
_SECONDS_BETWEEN_TICKS = 1.0
"""How late it may notice that it was asked to stop, or that the clock was set."""


class ScheduledDetection:
    """One schedule of detections on one store."""

    def __init__(
        self,
        schedule: Schedule,
        request: StoreDetectionRequest,
        open_store: Callable[[], AbstractContextManager[Store]],
        clock: Callable[[], int],
        stopping: Stopping,
        *,
        at_once: bool = False,
    ) -> None:
        """`clock` gives µs since 1970-01-01 UTC; the store is opened anew each time it is looked at.

        With `at_once` the first run is due now, whatever there was before.
        """
        self._schedule, self._request, self._at_once = schedule, request, at_once
        self._open_store, self._clock, self._stopping = open_store, clock, stopping
        self._tried_at: int | None = None
        self._announced: int | None = None
        self._tried_for: RunRequest | None = None
        self._failures = 0

    def keep(self, tell: Callable[[Event], None]) -> bool:
        """Detect whenever it is due until asked to stop; say whether no run had to be stopped for that.

        Raises InvalidError where the store's address will never do.
        """
        tell(Event(self._clock(), Outcome.STARTED, f"detecting {self._schedule}"))
        told: Event | None = None
        look_at = seen_at = self._clock()
        ask_at = time.monotonic() + _SECONDS_BETWEEN_LOOKS
        while not self._stopping.is_asked:
            now = self._clock()
            if now < seen_at - MICROSECONDS_A_SECOND:
                # The clock was set back, and what was to come may have to come sooner.
                look_at = now
            seen_at = now
            if now < look_at and time.monotonic() > ask_at:
                ask_at = time.monotonic() + _SECONDS_BETWEEN_LOOKS
                look_at = now if self._is_asked_for() else look_at
            if now < look_at:
                time.sleep(min(_SECONDS_BETWEEN_TICKS, (look_at - now) / MICROSECONDS_A_SECOND))
                continue
            event, look_at = self.look()
            if told is None or not _is_known(event, told):
                tell(event)
                told = event
            if event.outcome in (Outcome.STOPPED, Outcome.ENDED):
                return event.outcome is Outcome.ENDED
        tell(self._end())
        return True

    def look(self) -> tuple[Event, int]:
        """Detect if that is due; give what happened, and when to look again (µs since 1970-01-01 UTC)."""
        now = self._clock()
        try:
            with self._open_store() as store:
                loads, last = loads_with_claims(store), last_complete_run(store)
                due = due_at(
                    self._schedule,
                    now,
                    begun_at=last.begun_at if last is not None else None,
                    tried_at=self._tried_at,
                    loaded_at=loads[0].finished_at or loads[0].begun_at,
                )
                request = request_to_serve(store)
                is_asked_for = request not in (None, self._tried_for)
                if due > now and not self._at_once and not is_asked_for:
                    return self._leave(last, now, due), due
                event = self._detect(store, last)
                if event.outcome is not Outcome.SKIPPED:
                    self._tried_for = request
        except NothingLoadedError as error:
            self._failures = 0
            return Event(now, Outcome.WAITING, str(error)), self._later(now)
        except (UnavailableError, NotFoundError) as error:
            return self._fail(_reason(error), self._schedule.after(now)), self._later(now)
        return event, event.next_due or now

    def _is_asked_for(self) -> bool:
        """Look whether somebody asked for a run; a store that does not answer is told of when one is due."""
        try:
            with self._open_store() as store:
                return request_to_serve(store) not in (None, self._tried_for)
        except RingfenceError:
            return False

    def _leave(self, last: Run | None, now: int, due: int) -> Event:
        """Tell that nothing is due, though it may have been announced: then another process was faster."""
        is_due = self._announced is not None and self._announced <= now
        self._announced, self._failures = due, 0
        if last is not None and is_due:
            says = f"run {last.run_id} of another process serves it"
            return Event(now, Outcome.SKIPPED, says, next_due=due)
        return Event(now, Outcome.READY, "nothing is due yet", next_due=due)

    def _detect(self, store: Store, last: Run | None) -> Event:
        """Detect, and remember that it was tried."""
        self._at_once, self._tried_at = False, self._clock()
        self._announced = due = self._schedule.after(self._tried_at)
        request = replace(self._request, after_run=last.run_id if last is not None else 0)
        try:
            with self._stopping.working():
                outcome = detect_in_store(request, store, self._clock)
        except NotBegunError:
            return self._end()
        except StoppedError:
            return Event(self._clock(), Outcome.STOPPED, "the run under way was stopped before its end")
        except LeaseHeldError as error:
            says = f"another detection is under way ({error.holder})"
            return Event(self._clock(), Outcome.SKIPPED, says, next_due=due)
        except OvertakenError as error:
            return Event(self._clock(), Outcome.SKIPPED, str(error), next_due=due)
        except Exception as error:  # whatever went wrong with one run, the next is still due
            return self._fail(_reason(error), due)
        self._failures, run = 0, outcome.run
        # An interval counts from the beginning of the run, which is a little later.
        self._announced = due = max(self._schedule.after(run.begun_at), self._clock())
        is_withheld = run.state is RunState.WITHHELD
        return Event(
            self._clock(),
            Outcome.WITHHELD if is_withheld else Outcome.PUBLISHED,
            f"run {run.run_id}: {counted(run.rings, 'ring')} in {outcome.timings['seconds']:.1f} s"
            + "".join(f"; {reason}" for reason in run.reasons),
            run_id=run.run_id,
            next_due=due,
        )

    def _end(self) -> Event:
        return Event(self._clock(), Outcome.ENDED, "asked to stop, and nothing is under way")

    def _later(self, now: int) -> int:
        return min(now + _SECONDS_BETWEEN_TRIES * MICROSECONDS_A_SECOND, self._schedule.after(now))

    def _fail(self, reason: str, due: int) -> Event:
        self._failures += 1
        return Event(self._clock(), Outcome.FAILED, reason, failures=self._failures, next_due=due)


def _is_known(event: Event, told: Event) -> bool:
    """Say whether a try that came to nothing only repeats what was told since the last due time."""
    tries = (Outcome.WAITING, Outcome.FAILED, Outcome.SKIPPED)
    is_try = event.outcome in tries and event.outcome is told.outcome
    return is_try and event.says == told.says and (told.next_due is None or event.at < told.next_due)


def _reason(error: Exception) -> str:
    """Say in one line what went wrong, and of a fault of the program also where."""
    said = " ".join(str(error).split())
    if isinstance(error, RingfenceError):
        return said
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {said} ({place.filename}:{place.lineno})"
