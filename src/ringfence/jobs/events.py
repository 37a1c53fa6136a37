"""What a schedule tells of: one event for each thing that happened."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What happened."""

    STARTED = "started"
    """The process began to look after the schedule."""
    READY = "ready"
    """Nothing is due yet."""
    WAITING = "waiting"
    """Nothing is loaded yet; a run begins soon after something is."""
    PUBLISHED = "published"
    """A run was published."""
    WITHHELD = "withheld"
    """A run is complete, but its result is implausible."""
    FAILED = "failed"
    """A run came to nothing, or could not begin."""
    SKIPPED = "skipped"
    """Another process detects, or has just done so."""
    STOPPED = "stopped"
    """A run was stopped before its end, as asked."""
    ENDED = "ended"
    """The process ends, as asked."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    at: int
    """µs since 1970-01-01 UTC."""
    outcome: Outcome
    says: str
    run_id: int | None = None
    failures: int = 0
    """How many times in a row it has failed by now."""
    next_due: int | None = None
    """µs since 1970-01-01 UTC; None where that is not known."""
