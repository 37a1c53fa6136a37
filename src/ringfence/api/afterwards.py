"""What follows from answers and takes longer than whoever asked is to wait, or to notice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from ringfence.api.access_log import log_fault

_MOST_WAITING = 1_000


class Afterwards:
    """Does one thing after the other, in a thread of its own; what waits already is not added again.

    Nothing may rest on it alone: what is left when the process ends, or comes when too much waits, is not
    done.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "afterwards")
        self._waiting: set[str] = set()
        self._lock = Lock()

    def add(self, name: str, work: Callable[[], object], request_id: str) -> None:
        """Do something later; `name` says what, and the log names the request it follows from if it fails."""
        with self._lock:
            if name in self._waiting or len(self._waiting) >= _MOST_WAITING:
                return
            self._waiting.add(name)
        self._thread.submit(self._do, name, work, request_id)

    def close(self) -> None:
        """Wait for what is being done, and leave the rest."""
        self._thread.shutdown(cancel_futures=True)

    def _do(self, name: str, work: Callable[[], object], request_id: str) -> None:
        # Whoever adds it from here on may know more than this work is going to see.
        with self._lock:
            self._waiting.discard(name)
        try:
            work()
        except Exception as error:
            log_fault(error, request_id)
