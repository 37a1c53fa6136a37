"""Claims."""

from collections.abc import Sequence

import strawberry

from ringfence.api.cursors import read_cursor
from ringfence.api.global_ids import global_id
from ringfence.api.loaders import Asking
from ringfence.api.types.connections import Connection, connection
from ringfence.api.types.node import Node
from ringfence.api.types.scalars import Money, Time, money_of
from ringfence.domain import buyers
from ringfence.domain.claims import ClaimKind, ClaimReason, ClaimStatus
from ringfence.services import read_buyers


@strawberry.type
class Claim(Node):
    """A request for money back, as last updated: (:Buyer)-[:FILED]->(:Claim)-[:AGAINST]->(:Merchant)."""

    claim_id: strawberry.ID = strawberry.field(description="The marketplace's own id of the claim.")
    buyer_id: strawberry.ID = strawberry.field(description="The marketplace's own id of who filed it.")
    merchant_id: strawberry.ID = strawberry.field(
        description="The marketplace's own id of whom it is filed against."
    )
    filed_at: Time = strawberry.field(description="When it was filed.")
    amount: Money = strawberry.field(description="What is asked for.")
    refunded: Money | None = strawberry.field(description="What was paid back; null if nobody told.")
    kind: ClaimKind | None = strawberry.field(description="What is asked for; null if nobody told.")
    reason: ClaimReason | None = strawberry.field(description="Why; null if nobody told.")
    status: ClaimStatus | None = strawberry.field(description="Where it stands; null if nobody told.")
    order_id: strawberry.ID | None = strawberry.field(
        description="The marketplace's own id of the order it is about; null if nobody told."
    )
    category: str | None = strawberry.field(description="Category of the goods; null if nobody told.")
    country: str | None = strawberry.field(
        description="Country the goods went to, as the files name it; null if nobody told."
    )
    paid_at: Time | None = strawberry.field(description="When the order was paid; null if nobody told.")
    delivered_at: Time | None = strawberry.field(
        description="When the goods were delivered; null if they were not, or nobody told."
    )
    evidence_count: int | None = strawberry.field(
        description="Photos, videos and documents the buyer attached; null if nobody told."
    )
    high_value: bool | None = strawberry.field(
        description="Whether the marketplace calls it one of high value; null if nobody told."
    )

    @classmethod
    def of(cls, claim: buyers.Claim) -> "Claim":
        """Answer a claim."""
        return cls(
            id=strawberry.ID(global_id("Claim", claim.claim_id)),
            claim_id=strawberry.ID(claim.claim_id),
            buyer_id=strawberry.ID(claim.buyer_id),
            merchant_id=strawberry.ID(claim.merchant_id),
            filed_at=Time(claim.filed_at),
            amount=money_of(claim.amount, claim.currency),
            refunded=None if claim.refunded is None else money_of(claim.refunded, claim.currency),
            kind=None if claim.kind is None else ClaimKind(claim.kind),
            reason=None if claim.reason is None else ClaimReason(claim.reason),
            status=None if claim.status is None else ClaimStatus(claim.status),
            order_id=None if claim.order_id is None else strawberry.ID(claim.order_id),
            category=claim.category,
            country=claim.country,
            paid_at=None if claim.paid_at is None else Time(claim.paid_at),
            delivered_at=None if claim.delivered_at is None else Time(claim.delivered_at),
            evidence_count=claim.evidence_count,
            high_value=claim.high_value,
        )


def claims_of_ids(asking: Asking, claim_ids: Sequence[str]) -> list[Claim]:
    """Answer these claims as last updated; those that are not in the store any more are left out."""
    found = read_buyers.find_claims(asking.store, asking.principal, claim_ids, asking.now)
    return [Claim.of(found[claim_id]) for claim_id in claim_ids if claim_id in found]


def claims_of_buyer(asking: Asking, buyer_id: str, first: int, after: str | None) -> Connection[Claim]:
    """Answer a page of a buyer's claims."""
    list_name = f"Buyer.claims {buyer_id}"
    cursor = read_cursor(list_name, after)
    page = read_buyers.claims_of(
        asking.store, asking.principal, buyer_id, first, cursor.key if cursor else None, asking.now
    )
    return connection(
        list_name, page, [Claim.of(claim) for claim in page.items], has_previous=cursor is not None
    )
