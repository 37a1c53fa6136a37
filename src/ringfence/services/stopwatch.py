"""Seconds and peak memory by stage, measured while someone else is told of the progress."""

import resource
import sys
import time

from ringfence.domain.progress import Progress

_BYTES_A_UNIT = 1 if sys.platform == "darwin" else 1024


class Stopwatch:
    """A `Progress` that passes everything on and keeps the time of each stage."""

    def __init__(self, listener: Progress) -> None:
        self._listener = listener
        self._begun = time.perf_counter()
        self._stage_begun = self._begun
        self._stage: str | None = None
        self._stages: list[dict[str, object]] = []

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage and note how long the one before took."""
        self._close()
        self._stage = name
        self._listener.stage(name, total)

    def advance(self, steps: int) -> None:
        """Pass the steps on."""
        self._listener.advance(steps)

    def done(self) -> None:
        """End the current stage."""
        self._close()
        self._listener.done()

    def _close(self) -> None:
        now = time.perf_counter()
        if self._stage is not None:
            self._stages.append(
                {
                    "stage": self._stage,
                    "seconds": round(now - self._stage_begun, 4),
                    "peak_memory_mb": round(peak_memory_mb(), 1),
                }
            )
        self._stage, self._stage_begun = None, now

    def timings(self) -> dict[str, object]:
        """Give what timings.json holds: the stages in order, and the whole."""
        self._close()
        return {
            "stages": self._stages,
            "seconds": round(time.perf_counter() - self._begun, 4),
            "peak_memory_mb": round(peak_memory_mb(), 1),
        }


def peak_memory_mb() -> float:
    """Give the most memory this process has held so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES_A_UNIT / 2**20
