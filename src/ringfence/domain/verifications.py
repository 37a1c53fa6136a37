"""The platform's check of a buyer, all of it, by people: what happened in it, and where it stands by that.

The events of a verification's record, and what each holds: `opened` {buyer_id, number, because, policy,
file}, `assigned` {owner}, `noted` {text}, `proposed` {outcome, reason}, `decided` {outcome, reason, policy,
proposed_by, proposed_reason}, `appealed` {reason, on_behalf, file}, `reopened` {because, file}.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ringfence.domain.days import day_text
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.errors import ConflictError
from ringfence.domain.policy import Policy, VerificationPolicy
from ringfence.domain.records import Event
from ringfence.domain.texts import LONGEST_NAME, checked_text

LONGEST_REASON = 2_000
LONGEST_NOTE = 10_000
MOST_LINKS = 20
"""So many of a buyer's links lie in its file, the best."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class VerificationState(StrEnum):
    """Where a verification stands."""

    OPEN = "open"
    PROPOSED = "proposed"
    """One person said how it should end; it waits for a second one."""
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"

    @property
    def is_ended(self) -> bool:
        """Whether it is over until somebody opens it again."""
        return self not in (VerificationState.OPEN, VerificationState.PROPOSED)


class VerificationOutcome(StrEnum):
    """How a verification ends."""

    CONFIRMED = "confirmed"
    """The buyer abused refunds; merchants get their losses back."""
    REJECTED = "rejected"
    """The buyer did not; nothing is held against them, and nobody is paid for it."""
    INCONCLUSIVE = "inconclusive"
    """It cannot be told."""


@dataclass(frozen=True, slots=True)
class FiledLink:
    """`(:Buyer)-[:LINKED {evidence, why}]-(:Buyer)`, as the file of a verification tells it."""

    buyer_id: str
    """The other one."""
    score: float
    """Evidence, in decades."""
    why: str


@dataclass(frozen=True, slots=True)
class VerificationFile:
    """What is there about a buyer at one moment, for people to judge."""

    claims: tuple[str, ...] = ()
    """Claim ids, latest first."""
    reports: tuple[str, ...] = ()
    """Names (`ReportRef.name`) of the reports that were not withdrawn, latest first."""
    merchants: tuple[str, ...] = ()
    """Those who filed these reports, by id."""
    links: tuple[FiledLink, ...] = ()
    """In the run `run_id`, best first."""
    ring_id: str | None = None
    """In the run `run_id`; None for a buyer in no ring."""
    run_id: int | None = None
    """The published run then; None before the first."""
    market_version: int = 0
    weight: float | None = None
    """What the reports that opened it weigh together; None if a person opened it."""

    def to_state(self) -> dict[str, Any]:
        """Give what a store keeps."""
        return {
            "claims": list(self.claims),
            "reports": list(self.reports),
            "merchants": list(self.merchants),
            "links": [[link.buyer_id, link.score, link.why] for link in self.links],
            "ring_id": self.ring_id,
            "run_id": self.run_id,
            "market_version": self.market_version,
            "weight": self.weight,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "VerificationFile":
        """Read what a store kept."""
        lists = {name: tuple(state[name]) for name in ("claims", "reports", "merchants")}
        return cls(**{**state, **lists, "links": tuple(FiledLink(*link) for link in state["links"])})


@dataclass(frozen=True, slots=True)
class Proposal:
    """How one person says a verification should end."""

    outcome: VerificationOutcome
    reason: str
    by: str
    """The principal's name."""
    at: int
    """µs since 1970-01-01 UTC."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a verification ended, once."""

    outcome: VerificationOutcome
    reason: str
    by: str
    """The principal's name; where two agreed, the second's."""
    at: int
    """µs since 1970-01-01 UTC."""
    policy: str
    """The policy it was decided by."""
    proposed_by: str | None
    """Who said so first; None where one person was enough."""
    proposed_reason: str | None

    def __str__(self) -> str:
        both = f"{self.proposed_by} and {self.by}" if self.proposed_by is not None else self.by
        return f"{self.outcome} on {day_text(self.at)} by {both} (reason: {self.reason})"


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification as of its last event."""

    buyer_id: str
    number: int
    """1 for the buyer's first."""
    because: str
    """Why it was opened, or opened again."""
    policy: str
    """The policy it was opened by."""
    opened_at: int
    """µs since 1970-01-01 UTC, as all its times."""
    file: VerificationFile
    """As gathered when it was opened, or opened again."""
    state: VerificationState = VerificationState.OPEN
    owner: str | None = None
    proposal: Proposal | None = None
    """What waits for a second person."""
    verdicts: tuple[Verdict, ...] = ()
    """All there were, oldest first; the last one counts unless it was opened again."""
    is_appealed: bool = False
    """Whether the last verdict was appealed against; it is open again since."""
    notes: int = 0
    """How many were written."""
    last_at: int = 0
    version: int = 0
    """The number of its events."""

    @property
    def verification_id(self) -> str:
        """Its name."""
        return verification_id_of(self.buyer_id, self.number)

    @property
    def verdict(self) -> Verdict | None:
        """What counts; None while it is open."""
        return self.verdicts[-1] if self.state.is_ended else None

    def to_state(self) -> dict[str, Any]:
        """Give what a store keeps."""
        told = {name: getattr(self, name) for name in Verification.__slots__}
        return told | {
            "state": self.state.value,
            "file": self.file.to_state(),
            "proposal": _plain(self.proposal) if self.proposal is not None else None,
            "verdicts": [_plain(verdict) for verdict in self.verdicts],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Verification":
        """Read what a store kept."""
        proposal = state["proposal"]
        return cls(
            **{
                **state,
                "state": VerificationState(state["state"]),
                "file": VerificationFile.from_state(state["file"]),
                "proposal": Proposal(**_with_outcome(proposal)) if proposal is not None else None,
                "verdicts": tuple(Verdict(**_with_outcome(verdict)) for verdict in state["verdicts"]),
            }
        )


def verification_id_of(buyer_id: str, number: int) -> str:
    """Name the n-th verification of a buyer: two who open it at once meet in one record."""
    return f"v{hashlib.sha256(f'{number}:{buyer_id}'.encode()).hexdigest()[:12]}"


def fold(events: Iterable[Event], verification: Verification | None = None) -> Verification:
    """Say where events lead, from `verification` on if it is given; else the first one opens it. Time never
    goes back."""
    for event in events:
        verification = _after(verification, event) if verification is not None else _opened(event)
    if verification is None:
        raise ValueError("a verification begins by an event")
    return verification


def opened(
    buyer_id: str, number: int, because: str, file: VerificationFile, policy: Policy, by: str, now: int
) -> Event:
    """Begin the n-th verification of a buyer. Raises InvalidError for a reason that is empty or too long."""
    data = {
        "buyer_id": buyer_id,
        "number": number,
        "because": checked_text(because, "The reason", LONGEST_REASON),
        "policy": policy.name,
        "file": file.to_state(),
    }
    return Event("opened", now, by, data)


def decided(
    verification: Verification, outcome: VerificationOutcome, reason: str, policy: Policy, by: str, now: int
) -> Event:
    """Say how a verification ends: it does, or it waits for a second person where the policy wants one.

    Whoever made a proposal may make another one, but not agree with their own. Raises ConflictError for one
    that has ended and for who agrees with themselves, InvalidError for a reason that is empty or too long.
    """
    written = checked_text(reason, "The reason", LONGEST_REASON)
    if verification.state.is_ended:
        raise ConflictError(
            f"Verification {verification.verification_id} was {verification.verdict}; open it again to "
            "decide anew."
        )
    proposal = verification.proposal
    agreed = proposal if proposal is not None and proposal.outcome is outcome else None
    if outcome.value in policy.verification.second_person_outcomes:
        if agreed is None:
            return Event("proposed", now, by, {"outcome": outcome.value, "reason": written})
        if agreed.by == by:
            raise ConflictError(
                f"Verification {verification.verification_id} waits for somebody other than {by}, who "
                f"proposed {outcome}; let them decide it."
            )
    second = agreed if agreed is not None and agreed.by != by else None
    data = {
        "outcome": outcome.value,
        "reason": written,
        "policy": policy.name,
        "proposed_by": second.by if second is not None else None,
        "proposed_reason": second.reason if second is not None else None,
    }
    return Event("decided", now, by, data)


def appealed(
    verification: Verification,
    reason: str,
    file: VerificationFile,
    policy: VerificationPolicy,
    by: str,
    now: int,
) -> Event:
    """Appeal on the buyer's behalf against being confirmed: it is open again, with its file as of now.

    Raises ConflictError where nothing is confirmed (it is open once it was appealed against) or that was too
    long ago, InvalidError for a reason that is empty or too long.
    """
    verdict = verification.verdict
    name = verification.verification_id
    if verdict is None or verdict.outcome is not VerificationOutcome.CONFIRMED:
        raise ConflictError(
            f"Verification {name} is {verification.state}; an appeal is against one that is confirmed."
        )
    last = verdict.at + policy.appeal_days * MICROSECONDS_A_DAY
    if now > last:
        raise ConflictError(
            f"Verification {name} was confirmed on {day_text(verdict.at)}, and appeals ended on "
            f"{day_text(last)}; an investigator can open it again."
        )
    data = {
        "reason": checked_text(reason, "The reason", LONGEST_REASON),
        "on_behalf": verification.buyer_id,
        "file": file.to_state(),
    }
    return Event("appealed", now, by, data)


def reopened(verification: Verification, because: str, file: VerificationFile, by: str, now: int) -> Event:
    """Open a verification again, with its file as of now; what was decided stays in its history.

    Raises ConflictError for one that is open, InvalidError for a reason that is empty or too long.
    """
    if not verification.state.is_ended:
        raise ConflictError(f"Verification {verification.verification_id} is open already; decide it.")
    data = {"because": checked_text(because, "The reason", LONGEST_REASON), "file": file.to_state()}
    return Event("reopened", now, by, data)


def noted(text: str, by: str, now: int) -> Event:
    """Write a note. Raises InvalidError for one that is empty or too long."""
    return Event("noted", now, by, {"text": checked_text(text, "The note", LONGEST_NOTE)})


def assigned(owner: str | None, by: str, now: int) -> Event:
    """Give the verification to somebody, or (None) to nobody. Raises InvalidError for a bad name."""
    named = checked_text(owner, "The owner's name", LONGEST_NAME) if owner is not None else None
    return Event("assigned", now, by, {"owner": named})


def _opened(event: Event) -> Verification:
    data = event.data
    if event.type != "opened":
        raise ValueError(f"a verification begins by being opened, not by {event.type!r}")
    return Verification(
        data["buyer_id"],
        data["number"],
        data["because"],
        data["policy"],
        event.at,
        VerificationFile.from_state(data["file"]),
        last_at=event.at,
        version=1,
    )


def _after(verification: Verification, event: Event) -> Verification:
    data, at = event.data, max(event.at, verification.last_at)
    stepped = replace(verification, last_at=at, version=verification.version + 1)
    match event.type:
        case "assigned":
            return replace(stepped, owner=data["owner"])
        case "noted":
            return replace(stepped, notes=stepped.notes + 1)
        case "proposed":
            proposal = Proposal(VerificationOutcome(data["outcome"]), data["reason"], event.actor, at)
            return replace(stepped, state=VerificationState.PROPOSED, proposal=proposal)
        case "decided":
            verdict = Verdict(by=event.actor, at=at, **_with_outcome(data))
            state = VerificationState(verdict.outcome.value)
            verdicts = (*stepped.verdicts, verdict)
            return replace(stepped, state=state, proposal=None, verdicts=verdicts, is_appealed=False)
        case "appealed":
            return replace(_open_again(stepped, f"appeal: {data['reason']}", data), is_appealed=True)
        case "reopened":
            return _open_again(stepped, data["because"], data)
    raise ValueError(f"a verification knows no event {event.type!r}")


def _open_again(verification: Verification, because: str, data: Mapping[str, Any]) -> Verification:
    file = VerificationFile.from_state(data["file"])
    return replace(verification, state=VerificationState.OPEN, because=because, file=file)


def _plain(said: Proposal | Verdict) -> dict[str, Any]:
    return {name: getattr(said, name) for name in type(said).__slots__} | {"outcome": said.outcome.value}


def _with_outcome(data: Mapping[str, Any]) -> dict[str, Any]:
    return {**data, "outcome": VerificationOutcome(data["outcome"])}
