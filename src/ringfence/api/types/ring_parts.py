"""What a ring is made of: its members, their links, and the claims it rests on."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from ringfence.api.loaders import BuyerBatch, Together
from ringfence.api.types.claim import Claim
from ringfence.api.types.scalars import Money, Time, sums_of
from ringfence.domain import buyers as people
from ringfence.domain import rings
from ringfence.domain.leads import LeadClaim
from ringfence.services import read_rings

if TYPE_CHECKING:
    from ringfence.api.types.buyer import Buyer


@strawberry.type
class RingMember:
    """A buyer's part in a ring: (:Buyer)-[:MEMBER_OF {evidence}]->(:Ring)."""

    buyer_id: strawberry.ID = strawberry.field(description="The marketplace's own id of the buyer.")
    score: float = strawberry.field(
        description="Evidence for the buyer's part, in decades: each one is ten times less likely by chance."
    )
    why: str = strawberry.field(description="What speaks for it, in words.")
    _buyers: strawberry.Private[BuyerBatch]

    @strawberry.field
    def buyer(self) -> Annotated["Buyer", strawberry.lazy("ringfence.api.types.buyer")]:
        """The buyer."""
        from ringfence.api.types.buyer import Buyer

        return Buyer.of(self._buyers.of(self.buyer_id), self._buyers)

    @classmethod
    def of(cls, member: rings.Member, buyers: BuyerBatch) -> "RingMember":
        """Answer a member; `buyers` has the buyers of all members of the list."""
        return cls(
            buyer_id=strawberry.ID(member.buyer_id), score=member.score, why=member.why, _buyers=buyers
        )


@strawberry.type
class Link:
    """Evidence between two buyers: (:Buyer)-[:LINKED {evidence, why}]-(:Buyer)."""

    buyer_a: strawberry.ID = strawberry.field(description="The marketplace's own id of one of the two.")
    buyer_b: strawberry.ID = strawberry.field(description="The marketplace's own id of the other.")
    score: float = strawberry.field(
        description="Evidence that the two belong together, in decades: each one is ten times less likely by "
        "chance."
    )
    why: str = strawberry.field(description="What links them, in words.")

    @classmethod
    def of(cls, link: rings.Link) -> "Link":
        """Answer a link."""
        return cls(
            buyer_a=strawberry.ID(link.buyer_a),
            buyer_b=strawberry.ID(link.buyer_b),
            score=link.score,
            why=link.why,
        )


@strawberry.type
class JointEvent:
    """One time that members of a ring claimed together."""

    event: int = strawberry.field(description="1, 2, … in the order of time.")
    since: Time = strawberry.field(name="from", description="When its first claim was filed.")
    until: Time = strawberry.field(description="When its last claim was filed.")
    merchants: list[strawberry.ID] = strawberry.field(
        description="The marketplace's own ids of those that were claimed against."
    )
    buyers: int = strawberry.field(description="How many members took part.")
    claims: int = strawberry.field(description="How many claims they filed.")

    @classmethod
    def of(cls, event: read_rings.JointEvent) -> "JointEvent":
        """Answer a joint event."""
        return cls(
            event=event.event,
            since=Time(event.since),
            until=Time(event.until),
            merchants=[strawberry.ID(merchant) for merchant in event.merchants],
            buyers=event.buyers,
            claims=event.claims,
        )


@strawberry.type
class JointClaim:
    """A claim that a ring or a lead rests on, in one of its joint events."""

    event: int = strawberry.field(description="Number of the joint event it is part of.")
    merchant_id: strawberry.ID = strawberry.field(description="The marketplace's own id of the merchant.")
    buyer_id: strawberry.ID = strawberry.field(description="The marketplace's own id of the buyer.")
    claim_id: strawberry.ID = strawberry.field(description="The marketplace's own id of the claim.")
    filed_at: Time = strawberry.field(description="When it was filed.")
    amount: Money = strawberry.field(description="What is asked for.")
    expected: float = strawberry.field(
        description="How many strangers' claims chance would put as near to the event."
    )
    weak: bool = strawberry.field(
        description="Whether chance alone explains the event: then it counts in no headline."
    )
    _claims: strawberry.Private[Together[people.Claim]]

    @strawberry.field
    def claim(self) -> Claim | None:
        """The claim as last updated; null if it is not in the store any more."""
        found = self._claims.of(self.claim_id)
        return None if found is None else Claim.of(found)

    @classmethod
    def of(cls, claim: rings.JointClaim | LeadClaim, claims: Together[people.Claim]) -> "JointClaim":
        """Answer a joint claim; `claims` finds those of the whole page."""
        return cls(
            event=claim.event,
            merchant_id=strawberry.ID(claim.merchant_id),
            buyer_id=strawberry.ID(claim.buyer_id),
            claim_id=strawberry.ID(claim.claim_id),
            filed_at=Time(claim.filed_at),
            amount=sums_of(claim.amount)[0],
            expected=claim.expected,
            weak=claim.weak,
            _claims=claims,
        )


@strawberry.type
class LineageStep:
    """One step in the life of a ring, seen by one run."""

    run_id: int = strawberry.field(description="Number of the run.")
    ring_id: strawberry.ID = strawberry.field(description="The ring whose step it is.")
    event: rings.LineageEvent = strawberry.field(description="What became of it.")
    previous_ring_id: strawberry.ID | None = strawberry.field(
        description="The ring it came from, often itself; null for one that was born."
    )
    common: float = strawberry.field(
        description="What the two have in common, 0 to 1: weighted Jaccard of their members."
    )

    @classmethod
    def of(cls, step: rings.LineageStep) -> "LineageStep":
        """Answer a step."""
        return cls(
            run_id=step.run_id,
            ring_id=strawberry.ID(step.ring_id),
            event=step.event,
            previous_ring_id=strawberry.ID(step.previous_ring_id) if step.previous_ring_id else None,
            common=step.common,
        )
