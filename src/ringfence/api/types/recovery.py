"""Recoveries: what merchants are given back, and their monthly statements."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from ringfence.api.cursors import read_cursor
from ringfence.api.global_ids import global_id
from ringfence.api.loaders import Asking, Together, claims_together
from ringfence.api.types.asking import Info
from ringfence.api.types.claim import Claim
from ringfence.api.types.connections import Connection, connection
from ringfence.api.types.enums import RecoveryEventType
from ringfence.api.types.node import Node
from ringfence.api.types.scalars import Money, Time, money_of
from ringfence.domain import buyers, recoveries
from ringfence.domain.records import Event
from ringfence.domain.recoveries import MoveKind, RecoveryState
from ringfence.services import recover_losses

if TYPE_CHECKING:
    from ringfence.api.types.verification import Verification


@strawberry.type
class RecoveredClaim:
    """What a merchant is given back for one claim."""

    claim_id: strawberry.ID = strawberry.field(description="The marketplace's own id of the claim.")
    lost: Money = strawberry.field(description="What the claim cost the merchant when it was proposed.")
    amount: Money = strawberry.field(description="What is given back of that.")
    state: RecoveryState = strawberry.field(description="Where it stands.")
    is_due_back: bool = strawberry.field(
        description="Whether it was paid and the merchant must give it back, since the buyer was cleared."
    )
    _claims: strawberry.Private[Together[buyers.Claim]]

    @strawberry.field
    def claim(self) -> Claim | None:
        """The claim as last updated; null if it is not in the store any more, or its buyer not in sight."""
        found = self._claims.of(self.claim_id)
        return None if found is None else Claim.of(found)


@strawberry.type
class RecoveryMove:
    """Money that went from one hand to another."""

    kind: MoveKind = strawberry.field(description="Which way it went.")
    claim_id: strawberry.ID = strawberry.field(
        description="The marketplace's own id of the claim it was for."
    )
    amount: Money = strawberry.field(description="How much.")
    at: Time = strawberry.field(description="When.")
    reference: str = strawberry.field(description="What names it in the books.")

    @classmethod
    def of(cls, move: recoveries.Move) -> "RecoveryMove":
        """Answer a payment or return."""
        return cls(
            kind=move.kind,
            claim_id=strawberry.ID(move.claim_id),
            amount=money_of(move.amount, move.currency),
            at=Time(move.at),
            reference=move.reference,
        )


@strawberry.type
class RecoveryTotal:
    """The sum of a recovery's claims that stand alike, in one currency."""

    state: RecoveryState = strawberry.field(description="Where these claims stand.")
    amount: Money = strawberry.field(description="What is given back for them together.")


@strawberry.type
class RecoveryEvent:
    """Something that happened to a recovery; never changed, never deleted."""

    version: int = strawberry.field(description="1, 2, …: its place in the recovery's record.")
    type: RecoveryEventType = strawberry.field(description="What happened.")
    at: Time = strawberry.field(description="When.")
    by: str = strawberry.field(description="By whom: the name of their key, or of their login.")
    claim_ids: list[strawberry.ID] = strawberry.field(
        description="The marketplace's own ids of the claims it happened to; none for a dispute."
    )
    text: str | None = strawberry.field(description="The reason; null for a proposal and for money.")
    amount: Money | None = strawberry.field(description="What was paid or returned; null for others.")
    reference: str | None = strawberry.field(
        description="What names the payment or return in the books; null for others."
    )

    @classmethod
    def of(cls, version: int, event: Event) -> "RecoveryEvent":
        """Answer an event."""
        data = event.data
        if "claim_id" in data:
            claim_ids, amount = [data["claim_id"]], money_of(data["amount"], data["currency"])
        else:
            claim_ids = data.get("claim_ids", [claim["claim_id"] for claim in data.get("claims", ())])
            amount = None
        return cls(
            version=version,
            type=RecoveryEventType(event.type),
            at=Time(event.at),
            by=event.actor,
            claim_ids=[strawberry.ID(claim_id) for claim_id in claim_ids],
            text=data.get("reason"),
            amount=amount,
            reference=data.get("reference"),
        )


@strawberry.type
class Recovery(Node):
    """What one merchant is given back after one verification: (:Verification)-[:RECOVERS]->(:Merchant)."""

    recovery_id: strawberry.ID = strawberry.field(
        description="Name of the recovery; what recovery(id:) takes."
    )
    verification_id: strawberry.ID = strawberry.field(description="The verification it rests on.")
    merchant_id: strawberry.ID = strawberry.field(description="The marketplace's own id of whose loss it is.")
    buyer_id: strawberry.ID = strawberry.field(description="The marketplace's own id of who caused it.")
    payer: str = strawberry.field(description="Who pays, by the policy: platform or buyer.")
    policy: str = strawberry.field(
        description="Version and fingerprint of the policy it was last proposed by."
    )
    proposed_at: Time = strawberry.field(description="When it was first proposed.")
    claims: list[RecoveredClaim] = strawberry.field(description="What is given back, claim by claim.")
    totals: list[RecoveryTotal] = strawberry.field(
        description="What is given back in all, a sum for each currency and each state that claims are in."
    )
    moves: list[RecoveryMove] = strawberry.field(
        description="Every payment and return there was, oldest first."
    )
    disputes: int = strawberry.field(description="How often the merchant disputed it.")
    is_disputed: bool = strawberry.field(
        description="Whether the merchant disputed it and nothing happened to it since."
    )
    version: int = strawberry.field(
        description="Number of the last event of its record; whoever changes it names what they saw."
    )

    @strawberry.field
    def verification(
        self, info: Info
    ) -> Annotated["Verification", strawberry.lazy("ringfence.api.types.verification")]:
        """The verification it rests on."""
        from ringfence.api.types.verification import one_verification

        return one_verification(info.context, self.verification_id)

    @strawberry.field
    def events(self, info: Info) -> list[RecoveryEvent]:
        """All that happened to it and who did it, oldest first."""
        asking = info.context
        events = recover_losses.recovery_history(asking.store, asking.principal, self.recovery_id)
        return [RecoveryEvent.of(number, event) for number, event in enumerate(events, start=1)]

    @classmethod
    def of(cls, found: recoveries.Recovery, claims: Together[buyers.Claim]) -> "Recovery":
        """Answer a recovery; `claims` finds those of all that are listed together."""
        return cls(
            id=strawberry.ID(global_id("Recovery", found.recovery_id)),
            recovery_id=strawberry.ID(found.recovery_id),
            verification_id=strawberry.ID(found.verification_id),
            merchant_id=strawberry.ID(found.merchant_id),
            buyer_id=strawberry.ID(found.buyer_id),
            payer=found.payer,
            policy=found.policy,
            proposed_at=Time(found.proposed_at),
            claims=[
                RecoveredClaim(
                    claim_id=strawberry.ID(claim.claim_id),
                    lost=money_of(claim.lost, claim.currency),
                    amount=money_of(claim.amount, claim.currency),
                    state=claim.state,
                    is_due_back=claim.is_due_back,
                    _claims=claims,
                )
                for claim in found.claims
            ],
            totals=[
                RecoveryTotal(state=state, amount=money_of(amount, currency))
                for currency, by_state in sorted(found.totals().items())
                for state, amount in by_state.items()
            ],
            moves=[RecoveryMove.of(move) for move in found.moves],
            disputes=found.disputes,
            is_disputed=found.is_disputed,
            version=found.version,
        )


def told_recovery(asking: Asking, found: recoveries.Recovery) -> Recovery:
    """Answer a recovery that was found alone."""
    return Recovery.of(found, claims_together(asking, [claim.claim_id for claim in found.claims]))


def one_recovery(asking: Asking, recovery_id: str) -> Recovery:
    """Answer one recovery, as far as whoever asks may know of it."""
    return told_recovery(asking, recover_losses.find_recovery(asking.store, asking.principal, recovery_id))


def recoveries_page(
    asking: Asking,
    list_name: str,
    first: int,
    after: str | None,
    *,
    state: RecoveryState | None = None,
    merchant_id: str | None = None,
    buyer_id: str | None = None,
    verification_id: str | None = None,
) -> Connection[Recovery]:
    """Answer a page of recoveries, latest first; a merchant's own."""
    cursor = read_cursor(list_name, after)
    page = recover_losses.list_recoveries(
        asking.store,
        asking.principal,
        first,
        cursor.key if cursor else None,
        verification_id=verification_id,
        merchant_id=merchant_id,
        buyer_id=buyer_id,
        state=state,
    )
    claim_ids = [claim.claim_id for found in page.items for claim in found.claims]
    claims = claims_together(asking, claim_ids)
    nodes = [Recovery.of(found, claims) for found in page.items]
    return connection(list_name, page, nodes, has_previous=cursor is not None)
