"""A small file that tells other processes how a schedule is: what happened last, and that it lives."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from ringfence.domain.durations import MICROSECONDS_A_SECOND
from ringfence.domain.errors import UnavailableError
from ringfence.export.whole_file import write_whole
from ringfence.jobs.events import Event, Outcome

_SECONDS_BETWEEN_TOUCHES = 5.0
_SECONDS_UNTIL_DEAD = 60


class HealthFile:
    """Written at each event, and touched all the time while the process lives."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._was_written = False

    def write(self, event: Event) -> None:
        """Keep the last event. Raises UnavailableError for the first that cannot be written.

        Later ones must not end the schedule, as when the disk is full: then there is no file, which tells
        those who look that something is wrong.
        """
        try:
            write_whole(self._path, json.dumps(asdict(event)).encode())
        except UnavailableError:
            if not self._was_written:
                raise
            self._path.unlink(missing_ok=True)
        self._was_written = True

    @contextmanager
    def touching(self) -> Iterator[None]:
        """Touch the file while the block runs, and take it away after."""
        is_over = threading.Event()
        touching = threading.Thread(target=self._touch, args=(is_over,), name="health", daemon=True)
        touching.start()
        try:
            yield
        finally:
            is_over.set()
            touching.join()
            self._path.unlink(missing_ok=True)

    def _touch(self, is_over: threading.Event) -> None:
        while not is_over.wait(_SECONDS_BETWEEN_TOUCHES):
            # A file that cannot be touched grows old, which tells the same.
            with suppress(OSError):
                os.utime(self._path)


def check_health(path: Path, now: int) -> Event:
    """Give the last event of the schedule that keeps the file; `now` in µs since 1970-01-01 UTC.

    Raises UnavailableError where no schedule keeps it, or the last thing it did failed.
    """
    try:
        seconds = now / MICROSECONDS_A_SECOND - path.stat().st_mtime
        told = json.loads(path.read_bytes())
        event = Event(**{**told, "outcome": Outcome(told["outcome"])})
    except OSError as error:
        raise UnavailableError(f"No schedule keeps {path}: {error.strerror or error}.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise UnavailableError(f"{path} is no health file of a schedule.") from error
    if seconds > _SECONDS_UNTIL_DEAD:
        raise UnavailableError(f"The schedule that keeps {path} has not been seen for {seconds:.0f} s.")
    if event.outcome is Outcome.FAILED:
        raise UnavailableError(f"The schedule failed ({event.failures} in a row): {event.says}")
    return event
