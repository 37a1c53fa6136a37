"""What investigators decide about a lead: it can be dismissed, and restored.

The events of a lead's record, and what each holds: `dismissed` {reason, evidence, run_id, members},
`restored` {reason}. A dismissal lasts, run after run, until it is taken back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ringfence.domain.errors import ConflictError
from ringfence.domain.leads import Lead
from ringfence.domain.records import Event
from ringfence.domain.ring_decisions import LONGEST_REASON
from ringfence.domain.texts import checked_text


class LeadStatus(StrEnum):
    """Where a lead stands."""

    OPEN = "open"
    DISMISSED = "dismissed"
    """Lists leave it out unless asked for it."""


@dataclass(frozen=True, slots=True)
class LeadRecord:
    """The record of one lead, as of its last event."""

    status: LeadStatus = LeadStatus.OPEN
    reason: str | None = None
    """Of the last event; None before the first, as `by`."""
    by: str | None = None
    """The principal's name."""
    last_at: int = 0
    """When the last event happened, µs since 1970-01-01 UTC."""

    @property
    def is_dismissed(self) -> bool:
        """Whether it is dismissed."""
        return self.status is LeadStatus.DISMISSED

    def to_state(self) -> dict[str, Any]:
        """Return what a store keeps."""
        return {"status": self.status.value, "reason": self.reason, "by": self.by, "last_at": self.last_at}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "LeadRecord":
        """Read what a store kept."""
        return cls(LeadStatus(state["status"]), state["reason"], state["by"], state["last_at"])


_AFTER = {"dismissed": LeadStatus.DISMISSED, "restored": LeadStatus.OPEN}


def fold(events: Iterable[Event], record: LeadRecord | None = None) -> LeadRecord:
    """Say where events lead, from `record` on if it is given. Time never goes back."""
    folded = record if record is not None else LeadRecord()
    for event in events:
        folded = replace(
            folded,
            status=_AFTER[event.type],
            reason=event.data["reason"],
            by=event.actor,
            last_at=max(event.at, folded.last_at),
        )
    return folded


def dismissed(lead: Lead, record: LeadRecord, reason: str, by: str, now: int) -> Event:
    """Dismiss a lead as it was seen. `now` is µs since 1970-01-01 UTC.

    Raises ConflictError if it is dismissed already, InvalidError for a reason that is empty or too long.
    """
    if record.is_dismissed:
        raise ConflictError(f"This lead is dismissed already, by {record.by}: {record.reason}")
    data = {
        "reason": checked_text(reason, "The reason", LONGEST_REASON),
        "evidence": lead.score,
        "run_id": lead.run_id,
        "members": lead.size,
    }
    return Event("dismissed", now, by, data)


def restored(record: LeadRecord, reason: str, by: str, now: int) -> Event:
    """Take a dismissal back. `now` is µs since 1970-01-01 UTC.

    Raises ConflictError if the lead is open, InvalidError for a reason that is empty or too long.
    """
    if not record.is_dismissed:
        raise ConflictError("This lead is not dismissed; there is nothing to restore.")
    return Event("restored", now, by, {"reason": checked_text(reason, "The reason", LONGEST_REASON)})


@dataclass(frozen=True, slots=True)
class LeadStanding:
    """Where a lead stands, and why."""

    record: LeadRecord
    version: int
    """Of its record; 0 if it has none."""

    @property
    def because(self) -> str | None:
        """Who dismissed or restored it last and why; None if nobody did."""
        if self.record.by is None:
            return None
        done = "dismissed" if self.record.is_dismissed else "restored"
        return f"{done} by {self.record.by} (reason: {self.record.reason})"

    def in_short(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {"status": self.record.status.value, "because": self.because, "version": self.version}
