"""What investigators decide about a ring, and where the ring stands by it.

The events of a ring's record, and what each holds: `decided` {outcome, reason, until, evidence, run_id,
members, claims}, `proposed` {the same}, `undone` {reason}, `noted` {text}, `assigned` {owner}.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from ringfence.domain.days import day_text
from ringfence.domain.errors import ConflictError, InvalidError
from ringfence.domain.growth import RETURN_DECADES, growth_text, has_new_evidence
from ringfence.domain.policy import CasePolicy
from ringfence.domain.records import Event
from ringfence.domain.rings import Ring, Strength
from ringfence.domain.texts import LONGEST_NAME, checked_text

LONGEST_REASON = 2_000
LONGEST_NOTE = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_YEAR = 9_999


class Outcome(StrEnum):
    """What is decided about a ring."""

    CONFIRM = "confirm"
    """These buyers coordinate."""
    DISMISS = "dismiss"
    """They do not; the ring stays down until it grows, and its evidence by a decade."""
    SNOOZE = "snooze"
    """Not now: the ring stays down until a day, whatever its evidence."""
    ALLOW = "allow"
    """They may: the ring stays down until a day, or until it grows, and its evidence by a decade."""


class RingStatus(StrEnum):
    """Where a ring stands."""

    OPEN = "open"
    """Nothing is decided, or it came back."""
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    SNOOZED = "snoozed"
    ALLOWED = "allowed"

    @property
    def is_down(self) -> bool:
        """Whether lists leave such rings out unless asked for them."""
        return self not in (RingStatus.OPEN, RingStatus.CONFIRMED)


_STATUS = {
    Outcome.CONFIRM: RingStatus.CONFIRMED,
    Outcome.DISMISS: RingStatus.DISMISSED,
    Outcome.SNOOZE: RingStatus.SNOOZED,
    Outcome.ALLOW: RingStatus.ALLOWED,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided about a ring, and what they saw of it."""

    outcome: Outcome
    reason: str
    by: str
    """The principal's name."""
    at: int
    """µs since 1970-01-01 UTC."""
    until: int | None
    """When it ends; µs since 1970-01-01 UTC. Snoozes and allowances always end."""
    evidence: float
    """The ring's, in decades, when it was decided; run, members and claims are of then, too."""
    run_id: int
    members: int
    claims: int

    @property
    def seen(self) -> Strength:
        """How much there was of the ring."""
        return Strength(self.evidence, self.members, self.claims)

    def to_state(self) -> dict[str, Any]:
        """Give what a store keeps."""
        return {name: getattr(self, name) for name in Decision.__slots__}

    def as_proposal(self) -> str:
        """Tell it as what somebody proposes."""
        return f"{self.outcome} proposed {self._when_and_why()}"

    def __str__(self) -> str:
        return f"{_STATUS[self.outcome]} {self._when_and_why()}"

    def _when_and_why(self) -> str:
        until = f" until {day_text(self.until)}" if self.until is not None else ""
        return (
            f"on {day_text(self.at)}{until} by {self.by} "
            f"with {self.evidence:.1f} decades of evidence (reason: {self.reason})"
        )


@dataclass(frozen=True, slots=True)
class RingRecord:
    """The record of one ring, as of its last event."""

    standing: tuple[Decision, ...] = ()
    """Decisions that were not taken back, oldest first: the last one counts, the others wait below it."""
    proposed: Decision | None = None
    """What waits for a second person since the last of them."""
    assigned: str | None = None
    """To whom the ring was given."""
    notes: int = 0
    """How many were written."""
    last_at: int = 0
    """When the last event happened, µs since 1970-01-01 UTC."""

    @property
    def decision(self) -> Decision | None:
        """The decision that counts."""
        return self.standing[-1] if self.standing else None

    @property
    def owner(self) -> str | None:
        """Who answers for the ring: to whom it was given, else who decided."""
        if self.assigned is not None:
            return self.assigned
        return self.standing[-1].by if self.standing else None

    def to_state(self) -> dict[str, Any]:
        """Give what a store keeps."""
        return {
            "standing": [decision.to_state() for decision in self.standing],
            "proposed": self.proposed.to_state() if self.proposed else None,
            "assigned": self.assigned,
            "notes": self.notes,
            "last_at": self.last_at,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "RingRecord":
        """Read what a store kept."""
        # records of before decisions could be proposed hold none
        proposed = state.get("proposed")
        return cls(
            standing=tuple(_decision(decision) for decision in state["standing"]),
            proposed=_decision(proposed) if proposed else None,
            assigned=state["assigned"],
            notes=state["notes"],
            last_at=state["last_at"],
        )


def fold(events: Iterable[Event], record: RingRecord | None = None) -> RingRecord:
    """Say where events lead, from `record` on if it is given. Time never goes back."""
    folded = record if record is not None else RingRecord()
    for event in events:
        folded = _after(folded, event)
    return folded


def _after(record: RingRecord, event: Event) -> RingRecord:
    data, at = event.data, max(event.at, record.last_at)
    match event.type:
        case "decided":
            decision = _decision({**data, "by": event.actor, "at": at})
            return replace(record, standing=(*record.standing, decision), proposed=None, last_at=at)
        case "proposed":
            return replace(record, proposed=_decision({**data, "by": event.actor, "at": at}), last_at=at)
        case "undone" if record.proposed:
            return replace(record, proposed=None, last_at=at)
        case "undone":
            return replace(record, standing=record.standing[:-1], last_at=at)
        case "noted":
            return replace(record, notes=record.notes + 1, last_at=at)
        case "assigned":
            return replace(record, assigned=data["owner"], last_at=at)
    raise ValueError(f"a ring's record knows no event {event.type!r}")


def decided(ring: Ring, outcome: Outcome, reason: str, until: int | None, by: str, now: int) -> Event:
    """Decide about a ring as it was seen.

    `until` and `now` are µs since 1970-01-01 UTC. Raises InvalidError for a reason that is empty or too long,
    and for an `until` that is missing (snooze, allow), out of place (confirm) or over.
    """
    if until is None:
        if outcome in (Outcome.SNOOZE, Outcome.ALLOW):
            raise InvalidError(
                f"To {outcome} a ring, say until when; nothing is {_STATUS[outcome]} for ever."
            )
    elif outcome is Outcome.CONFIRM:
        raise InvalidError("What is confirmed stays confirmed until it is undone; leave the end date out.")
    elif not now < until <= _latest():
        raise InvalidError(f"A decision must end in the future, by the year {_LAST_YEAR}.")
    data = {
        "outcome": outcome.value,
        "reason": checked_text(reason, "The reason", LONGEST_REASON),
        "until": until,
        "evidence": ring.score,
        "run_id": ring.run_id,
        "members": ring.size,
        "claims": ring.claims,
    }
    return Event("decided", now, by, data)


def decided_by_policy(record: RingRecord, decision: Event, policy: CasePolicy) -> Event:
    """Give what `decided` made, or propose it, if the policy wants a second person for it.

    Whoever else confirms what is proposed decides; any other decision takes its place. Raises ConflictError
    if the same person confirms again.
    """
    if decision.data["outcome"] != Outcome.CONFIRM or not policy.second_person_to_confirm:
        return decision
    if record.proposed is None:
        return replace(decision, type="proposed")
    if record.proposed.by == decision.actor:
        raise ConflictError(
            f"You proposed to {record.proposed.outcome} this ring on {day_text(record.proposed.at)}; "
            "it waits for another investigator. Undo takes the proposal back."
        )
    return decision


def undone(record: RingRecord, reason: str, by: str, now: int) -> Event:
    """Take back what is proposed, else the decision that counts, so that the one before it counts again.

    Raises ConflictError if there is neither, InvalidError for a reason that is empty or too long.
    """
    if record.decision is None and record.proposed is None:
        raise ConflictError(
            "Nothing is decided about this ring itself; what it inherited is undone where it was decided."
        )
    return Event("undone", now, by, {"reason": checked_text(reason, "The reason", LONGEST_REASON)})


def noted(text: str, by: str, now: int) -> Event:
    """Write a note. Raises InvalidError for one that is empty or too long."""
    return Event("noted", now, by, {"text": checked_text(text, "The note", LONGEST_NOTE)})


def assigned(owner: str | None, by: str, now: int) -> Event:
    """Give the ring to somebody, or (None) back to whoever decided. Raises InvalidError for a bad name."""
    named = checked_text(owner, "The owner's name", LONGEST_NAME) if owner is not None else None
    return Event("assigned", now, by, {"owner": named})


@dataclass(frozen=True, slots=True)
class RingStanding:
    """Where a ring stands at one moment, and why."""

    status: RingStatus
    decision: Decision | None
    """What the status rests on, or what the ring came back from."""
    owner: str | None
    returned_because: str | None
    """Why a ring that was down is open again, in words."""
    inherited_from: str | None
    """The ring that was decided, if this one was split from it."""
    notes: int
    version: int
    """Of the ring's own record; 0 if it has none."""
    proposed: Decision | None = None
    """What waits for a second person."""

    @property
    def because(self) -> str | None:
        """What was decided, when, by whom and why, why the ring came back if it did, and what is proposed;
        None if nothing."""
        told = self.returned_because
        if told is None and self.decision is not None:
            told = f"{_whose(self.inherited_from)}{self.decision}"
        if self.proposed is not None:
            waits = f"{self.proposed.as_proposal()}; it waits for another investigator"
            told = f"{told}; {waits}" if told else waits
        return told

    def in_short(self) -> dict[str, Any]:
        """Tell it in what JSON can hold."""
        return {
            "status": self.status.value,
            "because": self.because,
            "owner": self.owner,
            "proposed_by": self.proposed.by if self.proposed else None,
            "notes": self.notes,
            "version": self.version,
        }


def status_by(decision: Mapping[str, Any], strength: Strength, now: int, *, is_inherited: bool) -> RingStatus:
    """Say where a ring of this strength stands at `now` by a decision as a store keeps it.

    It is open again if the decision ended, or if it held by the ring's evidence and there is a decade more of
    it, from members or joint claims that the decision did not see: what else is claimed in a marketplace
    moves the evidence of all rings a little. A decision about the ring it was split from holds by evidence
    whatever it was, and that alone is compared, since a part has fewer of both.
    """
    until, outcome = decision["until"], Outcome(decision["outcome"])
    if until is not None and now >= until:
        return RingStatus.OPEN
    if is_inherited:
        is_back = strength.score >= decision["evidence"] + RETURN_DECADES
    else:
        seen = Strength(decision["evidence"], decision["members"], decision["claims"])
        is_back = outcome in (Outcome.DISMISS, Outcome.ALLOW) and has_new_evidence(seen, strength)
    return RingStatus.OPEN if is_back else _STATUS[outcome]


def ring_standing(
    record: RingRecord,
    strength: Strength,
    now: int,
    *,
    version: int = 0,
    origin: tuple[str, RingRecord] | None = None,
) -> RingStanding:
    """Say where a ring of this strength stands at `now` (µs since 1970-01-01 UTC).

    `origin` names the ring it was split from, and that ring's record: what was decided there holds for a ring
    about which nothing is decided, as long as its own evidence does not exceed what was seen there.
    """
    inherited = origin if record.decision is None and origin is not None and origin[1].decision else None
    source = inherited[1] if inherited else record
    inherited_from = inherited[0] if inherited else None
    decision, status, returned = source.decision, RingStatus.OPEN, None
    if decision is not None:
        status = status_by(decision.to_state(), strength, now, is_inherited=inherited is not None)
        if status is RingStatus.OPEN:
            is_over = decision.until is not None and now >= decision.until
            said = "that time is over" if is_over else growth_text(decision.seen, strength)
            returned = f"{_whose(inherited_from)}{decision}; {said}"
    return RingStanding(
        status=status,
        decision=decision,
        owner=record.assigned if record.assigned is not None else source.owner,
        returned_because=returned,
        inherited_from=inherited_from,
        notes=record.notes,
        version=version,
        proposed=record.proposed,
    )


def _decision(state: Mapping[str, Any]) -> Decision:
    return Decision(**{**state, "outcome": Outcome(state["outcome"])})


def _whose(inherited_from: str | None) -> str:
    return f"split from {inherited_from}, which was " if inherited_from else ""


def _latest() -> int:
    return (datetime(_LAST_YEAR, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
