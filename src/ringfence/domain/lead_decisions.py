"""What investigators decide about a lead: it can be dismissed, and restored.

The events of a lead's record, and what each holds: `dismissed` {reason, evidence, run_id, members, claims},
`restored` {reason}. A dismissal lasts, run after run, until it is taken back, or until the lead grows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from ringfence.domain.days import day_text
from ringfence.domain.errors import ConflictError
from ringfence.domain.growth import growth_text, has_new_evidence
from ringfence.domain.leads import Lead
from ringfence.domain.records import Event
from ringfence.domain.ring_decisions import LONGEST_REASON
from ringfence.domain.rings import Strength
from ringfence.domain.texts import checked_text

RETURN_TIMES = 2
"""A dismissed lead with this many times the buyers or the joint claims is open again."""


class LeadStatus(StrEnum):
    """Where a lead stands."""

    OPEN = "open"
    """Nobody dismissed it, it was restored, or it grew since it was dismissed."""
    DISMISSED = "dismissed"
    """Lists leave it out unless asked for it."""


@dataclass(frozen=True, slots=True)
class LeadRecord:
    """The record of one lead, as of its last event."""

    status: LeadStatus = LeadStatus.OPEN
    """By the last event alone, whatever the lead has become since."""
    reason: str | None = None
    """Of the last event; None before the first, as `by`."""
    by: str | None = None
    """The principal's name."""
    last_at: int = 0
    """When the last event happened, µs since 1970-01-01 UTC."""
    seen: Strength | None = None
    """How much there was of the lead when it was dismissed; None unless it is."""

    @property
    def is_dismissed(self) -> bool:
        """Whether it is dismissed."""
        return self.status is LeadStatus.DISMISSED

    def to_state(self) -> dict[str, Any]:
        """Return what a store keeps."""
        return {
            "status": self.status.value,
            "reason": self.reason,
            "by": self.by,
            "last_at": self.last_at,
            "seen": asdict(self.seen) if self.seen else None,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "LeadRecord":
        """Read what a store kept."""
        # records of before dismissed leads could come back hold none
        seen = state.get("seen")
        return cls(
            LeadStatus(state["status"]),
            state["reason"],
            state["by"],
            state["last_at"],
            Strength(**seen) if seen else None,
        )


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
            seen=_seen(event.data) if event.type == "dismissed" else None,
        )
    return folded


def dismissed(lead: Lead, record: LeadRecord, reason: str, by: str, now: int) -> Event:
    """Dismiss a lead as it was seen. `now` is µs since 1970-01-01 UTC.

    Raises ConflictError if it is dismissed already and did not grow since, InvalidError for a reason that is
    empty or too long.
    """
    if lead_status(record, lead.strength) is LeadStatus.DISMISSED:
        raise ConflictError(f"This lead is dismissed already, by {record.by}: {record.reason}")
    data = {
        "reason": checked_text(reason, "The reason", LONGEST_REASON),
        "evidence": lead.score,
        "run_id": lead.run_id,
        "members": lead.size,
        "claims": lead.claims,
    }
    return Event("dismissed", now, by, data)


def restored(record: LeadRecord, reason: str, by: str, now: int) -> Event:
    """Take a dismissal back, also one of a lead that is open again because it grew: it then stays open if it
    shrinks. `now` is µs since 1970-01-01 UTC.

    Raises ConflictError if nothing is dismissed, InvalidError for a reason that is empty or too long.
    """
    if not record.is_dismissed:
        raise ConflictError("This lead is not dismissed; there is nothing to restore.")
    return Event("restored", now, by, {"reason": checked_text(reason, "The reason", LONGEST_REASON)})


def lead_status(record: LeadRecord, now: Strength) -> LeadStatus:
    """Say where a lead of this strength stands.

    A dismissed lead stays so from run to run, unless there is by now a decade more of evidence than was seen,
    as it brings a ring back, or twice the buyers or joint claims: that is more than was decided about.
    """
    seen = record.seen
    if seen is None:
        return record.status
    is_larger = now.members >= RETURN_TIMES * seen.members or 0 < RETURN_TIMES * seen.claims <= now.claims
    is_back = is_larger or has_new_evidence(seen, now)
    return LeadStatus.OPEN if is_back else record.status


@dataclass(frozen=True, slots=True)
class LeadStanding:
    """Where a lead stands, and why."""

    status: LeadStatus
    record: LeadRecord
    version: int
    """Of its record; 0 if it has none."""
    grown: str | None = None
    """How a lead that was dismissed grew, in words, if it is open again for that."""

    @property
    def is_back(self) -> bool:
        """Whether it was dismissed and is open again because it grew."""
        return self.grown is not None

    @property
    def because(self) -> str | None:
        """What was decided last, when, by whom and why, and how it grew since if it is open again for that;
        None if nobody decided."""
        record = self.record
        if record.by is None:
            return None
        what, seen = "restored", ""
        if record.is_dismissed:
            what = "dismissed"
            seen = f" with {record.seen.score:.1f} decades of evidence" if record.seen else ""
        decided = f"{what} on {day_text(record.last_at)} by {record.by}{seen} (reason: {record.reason})"
        return decided if self.grown is None else f"{decided}; {self.grown}"

    def in_short(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {"status": self.status.value, "because": self.because, "version": self.version}


def lead_standing(record: LeadRecord, now: Strength, version: int = 0) -> LeadStanding:
    """Say where a lead of this strength stands, and why."""
    status = lead_status(record, now)
    grown = growth_text(record.seen, now) if record.seen and status is not record.status else None
    return LeadStanding(status, record, version, grown)


def _seen(data: Mapping[str, Any]) -> Strength:
    # Dismissals of before dismissed leads could come back say nothing of claims: then any are new.
    return Strength(data["evidence"], data["members"], data.get("claims", 0))
