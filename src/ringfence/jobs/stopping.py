"""How a process that runs until it is told ends: SIGTERM or SIGINT asks, a second one insists."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StoppedError(KeyboardInterrupt):
    """Work was stopped before its end."""


class NotBegunError(StoppedError):
    """It was asked to stop before the work began."""


class Stopping:
    """Whether this process was asked to stop, and what becomes of the work under way.

    Work is given `grace_seconds` to come to its end; after that, or at a second signal, StoppedError is
    raised in it.
    """

    def __init__(self, grace_seconds: float) -> None:
        self._grace_seconds = grace_seconds
        self._is_working = False
        self.is_asked = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals; only in the main thread."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
        former = {number: signal.signal(number, self._take) for number in numbers}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Do work in the main thread that may be stopped.

        Raises NotBegunError if that was asked for before it began, StoppedError if it took too long to end.
        """
        self._is_working = True
        try:
            if self.is_asked:
                raise NotBegunError("stopped")
            yield
        finally:
            self._is_working = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _take(self, number: int, frame: FrameType | None) -> None:
        is_second, self.is_asked = self.is_asked, True
        if not self._is_working:
            return
        if is_second or self._grace_seconds <= 0:
            # From here on the work clears up, in which nothing may disturb it.
            self._is_working = False
            raise StoppedError("stopped")
        signal.setitimer(signal.ITIMER_REAL, self._grace_seconds)
