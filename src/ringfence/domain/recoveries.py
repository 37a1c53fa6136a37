"""What merchants get back of what a confirmed buyer cost them: one record per verification and merchant.

The events of a recovery's record, and what each holds: `proposed` {verification_id, merchant_id, buyer_id,
payer, policy, claims: [{claim_id, currency, lost, amount}]}, `approved` {claim_ids, reason}, `refused`
{claim_ids, reason}, `paid` {claim_id, amount, currency, reference}, `due_back` {claim_ids, reason} (the
verification was reversed), `upheld` {claim_ids, reason} (it was confirmed again), `returned` {claim_id,
amount, currency, reference}, `disputed` {reason}. Amounts are minor units of the currency.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

from ringfence.domain.buyers import Claim
from ringfence.domain.claims import ClaimKind, ClaimStatus
from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError
from ringfence.domain.policy import Policy, RecoveryPolicy
from ringfence.domain.records import Event
from ringfence.domain.texts import LONGEST_NAME, checked_text
from ringfence.domain.verifications import LONGEST_REASON


class RecoveryState(StrEnum):
    """Where the recovery of one claim stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    PAID = "paid"
    REFUSED = "refused"
    RETURNED = "returned"
    """It was paid, and given back since the verification was reversed."""

    @property
    def is_held(self) -> bool:
        """Whether the claim may be recovered nowhere else meanwhile."""
        return self in (RecoveryState.PROPOSED, RecoveryState.APPROVED, RecoveryState.PAID)


class MoveKind(StrEnum):
    """Which way money went."""

    PAID = "paid"
    """To the merchant."""
    RETURNED = "returned"
    """From the merchant."""


@dataclass(frozen=True, slots=True)
class RecoveredClaim:
    """What is given back for one claim."""

    claim_id: str
    currency: str
    lost: int
    """What the claim cost the merchant when it was proposed; minor units, as all amounts."""
    amount: int
    """What is given back of that."""
    state: RecoveryState = RecoveryState.PROPOSED
    is_due_back: bool = False
    """Whether it was paid and the merchant must give it back."""


@dataclass(frozen=True, slots=True)
class Move:
    """Money that went from one hand to another."""

    kind: MoveKind
    claim_id: str
    amount: int
    """Minor units."""
    currency: str
    reference: str
    """By which books name it."""
    at: int
    """µs since 1970-01-01 UTC."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """`(:Verification)-[:RECOVERS]->(:Merchant)`, as of its last event."""

    verification_id: str
    merchant_id: str
    buyer_id: str
    payer: str
    """Who pays, by the policy: platform or buyer."""
    policy: str
    """The policy it was last proposed by."""
    proposed_at: int
    """When it began; µs since 1970-01-01 UTC."""
    claims: tuple[RecoveredClaim, ...] = ()
    """By claim id."""
    moves: tuple[Move, ...] = ()
    """Every cent that was paid or returned, oldest first."""
    disputes: int = 0
    """How often the merchant disputed it."""
    is_disputed: bool = False
    """Whether the merchant disputed it and nothing happened to it since."""
    last_at: int = 0
    version: int = 0
    """The number of its events."""

    @property
    def recovery_id(self) -> str:
        """Its name."""
        return recovery_id_of(self.verification_id, self.merchant_id)

    def ids(self, *states: RecoveryState) -> tuple[str, ...]:
        """List the claims that stand so."""
        return tuple(claim.claim_id for claim in self.claims if claim.state in states)

    def totals(self) -> dict[str, dict[RecoveryState, int]]:
        """Sum the amounts by currency and state; a state in which there is nothing is left out."""
        sums: dict[str, dict[RecoveryState, int]] = {}
        for claim in self.claims:
            by_state = sums.setdefault(claim.currency, {})
            by_state[claim.state] = by_state.get(claim.state, 0) + claim.amount
        return sums

    def to_state(self) -> dict[str, Any]:
        """Give what a store keeps."""
        return {name: getattr(self, name) for name in Recovery.__slots__} | {
            "claims": [asdict(claim) for claim in self.claims],
            "moves": [asdict(move) for move in self.moves],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Recovery":
        """Read what a store kept."""
        claims = (
            RecoveredClaim(**{**claim, "state": RecoveryState(claim["state"])}) for claim in state["claims"]
        )
        moves = (Move(**{**move, "kind": MoveKind(move["kind"])}) for move in state["moves"])
        return cls(**{**state, "claims": tuple(claims), "moves": tuple(moves)})


def recovery_id_of(verification_id: str, merchant_id: str) -> str:
    """Name what a merchant is given back after a verification."""
    return f"c{hashlib.sha256(f'{verification_id}:{merchant_id}'.encode()).hexdigest()[:12]}"


def loss_of(claim: Claim) -> int:
    """Say what a claim cost its merchant, in minor units: what was refunded, else what was asked for where
    the buyer keeps the goods and nobody told that it was not paid."""
    if claim.refunded is not None:
        return claim.refunded
    is_paid = claim.status in (ClaimStatus.REFUNDED, None)
    return claim.amount if claim.kind == ClaimKind.REFUND_ONLY and is_paid else 0


def recoverable(claims: Iterable[Claim], policy: RecoveryPolicy) -> dict[str, tuple[RecoveredClaim, ...]]:
    """Say what the policy gives back, by merchant, then claim id; claims for which that is nothing are left
    out. Shares are rounded down to whole minor units."""
    share = Fraction(str(policy.share_percent)) / 100
    found: dict[str, list[RecoveredClaim]] = {}
    for claim in sorted(claims, key=lambda claim: claim.claim_id):
        lost = loss_of(claim)
        amount = int(lost * share)
        if amount > 0:
            told = RecoveredClaim(claim.claim_id, claim.currency, lost, amount)
            found.setdefault(claim.merchant_id, []).append(told)
    return {merchant_id: tuple(told) for merchant_id, told in sorted(found.items())}


def fold(events: Iterable[Event], recovery: Recovery | None = None) -> Recovery:
    """Say where events lead, from `recovery` on if it is given; else the first one proposes it. Time never
    goes back."""
    for event in events:
        recovery = _after(recovery if recovery is not None else _begun(event), event)
    if recovery is None:
        raise ValueError("a recovery begins by an event")
    return recovery


def proposed(
    verification_id: str,
    merchant_id: str,
    buyer_id: str,
    claims: Sequence[RecoveredClaim],
    policy: Policy,
    by: str,
    now: int,
) -> Event:
    """Propose to give back what claims cost; they must not be held by this recovery or another."""
    data = {
        "verification_id": verification_id,
        "merchant_id": merchant_id,
        "buyer_id": buyer_id,
        "payer": policy.recovery.payer,
        "policy": policy.name,
        "claims": [
            {
                "claim_id": claim.claim_id,
                "currency": claim.currency,
                "lost": claim.lost,
                "amount": claim.amount,
            }
            for claim in claims
        ],
    }
    return Event("proposed", now, by, data)


def approved(recovery: Recovery, claim_ids: Sequence[str] | None, reason: str, by: str, now: int) -> Event:
    """Agree to pay claims (None: all that are proposed).

    Raises NotFoundError for a claim that is not in the recovery, ConflictError for one that does not stand so
    or where there is none, InvalidError for a reason that is empty or too long.
    """
    return _chosen("approved", recovery, claim_ids, (RecoveryState.PROPOSED,), reason, by, now)


def refused(recovery: Recovery, claim_ids: Sequence[str] | None, reason: str, by: str, now: int) -> Event:
    """Decide not to pay claims (None: all that are proposed or approved). Raises what `approved` raises."""
    states = (RecoveryState.PROPOSED, RecoveryState.APPROVED)
    return _chosen("refused", recovery, claim_ids, states, reason, by, now)


def paid(recovery: Recovery, claim_id: str, reference: str, by: str, now: int) -> Event:
    """Say that the merchant was paid what was approved for a claim, all of it.

    Raises NotFoundError for a claim that is not in the recovery, ConflictError for one that is not approved,
    InvalidError for a reference that is empty or too long.
    """
    claim = _claim(recovery, claim_id)
    if claim.state is not RecoveryState.APPROVED:
        raise _standing_otherwise(recovery, claim, (RecoveryState.APPROVED,))
    return _moved(MoveKind.PAID, claim, reference, by, now)


def returned(recovery: Recovery, claim_id: str, reference: str, by: str, now: int) -> Event:
    """Say that the merchant gave back what it was paid for a claim, all of it.

    Raises NotFoundError for a claim that is not in the recovery, ConflictError for one that is not due back,
    InvalidError for a reference that is empty or too long.
    """
    claim = _claim(recovery, claim_id)
    if not claim.is_due_back:
        raise ConflictError(
            f"Claim {claim_id} of recovery {recovery.recovery_id} is {claim.state} and nothing is due back; "
            "that is so once its verification ends as rejected."
        )
    return _moved(MoveKind.RETURNED, claim, reference, by, now)


def due_back(recovery: Recovery, reason: str, by: str, now: int) -> Event | None:
    """Ask back what was paid, since the verification was reversed; None where nothing was."""
    claim_ids = [claim.claim_id for claim in recovery.claims if _is_kept(claim)]
    return Event("due_back", now, by, {"claim_ids": claim_ids, "reason": reason}) if claim_ids else None


def upheld(recovery: Recovery, reason: str, by: str, now: int) -> Event | None:
    """Let the merchant keep what was asked back, since the verification was confirmed again; None where
    nothing was."""
    claim_ids = [claim.claim_id for claim in recovery.claims if claim.is_due_back]
    return Event("upheld", now, by, {"claim_ids": claim_ids, "reason": reason}) if claim_ids else None


def disputed(recovery: Recovery, reason: str, by: str, now: int) -> Event:
    """Disagree, as the merchant; people read it, and nothing else changes.

    Raises ConflictError if that was said and nothing happened since, InvalidError for a reason that is empty
    or too long.
    """
    if recovery.is_disputed:
        raise ConflictError(
            f"Recovery {recovery.recovery_id} is disputed already, and nothing happened to it since; wait "
            "for an answer."
        )
    return Event("disputed", now, by, {"reason": checked_text(reason, "The reason", LONGEST_REASON)})


def _chosen(
    type: str,
    recovery: Recovery,
    claim_ids: Sequence[str] | None,
    states: tuple[RecoveryState, ...],
    reason: str,
    by: str,
    now: int,
) -> Event:
    chosen = recovery.ids(*states) if claim_ids is None else tuple(dict.fromkeys(claim_ids))
    if claim_ids is not None and not chosen:
        raise InvalidError("No claim is named; name one or more, or leave them out for all.")
    for claim_id in chosen:
        claim = _claim(recovery, claim_id)
        if claim.state not in states:
            raise _standing_otherwise(recovery, claim, states)
    if not chosen:
        raise ConflictError(
            f"Nothing in recovery {recovery.recovery_id} is {_either(states)}, so nothing can be {type}."
        )
    data = {"claim_ids": list(chosen), "reason": checked_text(reason, "The reason", LONGEST_REASON)}
    return Event(type, now, by, data)


def _moved(kind: MoveKind, claim: RecoveredClaim, reference: str, by: str, now: int) -> Event:
    data = {
        "claim_id": claim.claim_id,
        "amount": claim.amount,
        "currency": claim.currency,
        "reference": checked_text(reference, "The reference", LONGEST_NAME),
    }
    return Event(kind.value, now, by, data)


def _claim(recovery: Recovery, claim_id: str) -> RecoveredClaim:
    for claim in recovery.claims:
        if claim.claim_id == claim_id:
            return claim
    raise NotFoundError(
        f"There is no claim {claim_id} in recovery {recovery.recovery_id}; ringfence recoveries show "
        f"{recovery.recovery_id} lists its claims."
    )


def _standing_otherwise(
    recovery: Recovery, claim: RecoveredClaim, states: tuple[RecoveryState, ...]
) -> ConflictError:
    return ConflictError(
        f"Claim {claim.claim_id} of recovery {recovery.recovery_id} is {claim.state}, not {_either(states)}; "
        "look again, then decide."
    )


def _either(states: tuple[RecoveryState, ...]) -> str:
    return " or ".join(states)


def _is_kept(claim: RecoveredClaim) -> bool:
    return claim.state is RecoveryState.PAID and not claim.is_due_back


def _begun(event: Event) -> Recovery:
    data = event.data
    if event.type != "proposed":
        raise ValueError(f"a recovery begins by being proposed, not by {event.type!r}")
    return Recovery(
        data["verification_id"],
        data["merchant_id"],
        data["buyer_id"],
        data["payer"],
        data["policy"],
        event.at,
    )


def _after(recovery: Recovery, event: Event) -> Recovery:
    data, at = event.data, max(event.at, recovery.last_at)
    stepped = replace(recovery, last_at=at, version=recovery.version + 1, is_disputed=False)
    match event.type:
        case "proposed":
            new = {claim["claim_id"]: RecoveredClaim(**claim) for claim in data["claims"]}
            kept = (claim for claim in stepped.claims if claim.claim_id not in new)
            claims = tuple(sorted((*kept, *new.values()), key=lambda claim: claim.claim_id))
            return replace(stepped, claims=claims, payer=data["payer"], policy=data["policy"])
        case "approved" | "refused":
            state = RecoveryState(event.type)
            return _with(stepped, data["claim_ids"], lambda claim: replace(claim, state=state))
        case "due_back" | "upheld":
            is_due = event.type == "due_back"
            return _with(stepped, data["claim_ids"], lambda claim: replace(claim, is_due_back=is_due))
        case "paid" | "returned":
            state, move = RecoveryState(event.type), Move(MoveKind(event.type), at=at, **data)
            moved = _with(
                stepped, [move.claim_id], lambda claim: replace(claim, state=state, is_due_back=False)
            )
            return replace(moved, moves=(*moved.moves, move))
        case "disputed":
            return replace(stepped, disputes=stepped.disputes + 1, is_disputed=True)
    raise ValueError(f"a recovery knows no event {event.type!r}")


def _with(
    recovery: Recovery, claim_ids: Sequence[str], change: Callable[[RecoveredClaim], RecoveredClaim]
) -> Recovery:
    named = set(claim_ids)
    return replace(
        recovery,
        claims=tuple(change(claim) if claim.claim_id in named else claim for claim in recovery.claims),
    )
