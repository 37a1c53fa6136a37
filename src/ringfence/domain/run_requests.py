"""Runs that were asked for: begun by whichever schedule looks first, and not by whoever asked.

The events of the one record, and what each holds: `asked` {reason, after_run}.
"""

from dataclasses import dataclass
from typing import Any

from ringfence.domain.errors import ConflictError
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState
from ringfence.domain.texts import checked_text

RUN_REQUESTS = RecordRef(RecordKind.RUN_REQUEST, "detect")
LONGEST_REASON = 2_000


class RunAlreadyAskedForError(ConflictError):
    """A run was asked for before, and none has begun since."""

    def __init__(self, request: "RunRequest") -> None:
        super().__init__(
            f"{request.asked_by} has asked for a run already, and none has come to its end since; it begins "
            "as soon as a ringfence schedule looks at the store."
        )
        self.request = request


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run that was asked for."""

    asked_at: int
    """µs since 1970-01-01 UTC."""
    asked_by: str
    """The principal's name."""
    reason: str
    after_run: int
    """The last run that had begun by then, whatever became of it: a later one serves this."""

    def is_served_by(self, last_complete_run: int) -> bool:
        """Whether a run that was complete (published or withheld) came after it."""
        return last_complete_run > self.after_run

    @property
    def event(self) -> Event:
        """Give the event that keeps it."""
        return Event(
            "asked", self.asked_at, self.asked_by, {"reason": self.reason, "after_run": self.after_run}
        )

    def to_state(self) -> dict[str, Any]:
        """Give what a store keeps."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_state(cls, state: RecordState) -> "RunRequest":
        """Read what a store kept."""
        return cls(**state.state)


def asked(reason: str, by: str, now: int, after_run: int) -> RunRequest:
    """Ask for a run. Raises InvalidError for a reason that is empty or too long."""
    return RunRequest(now, by, checked_text(reason, "The reason", LONGEST_REASON), after_run)
