"""Buyers."""

import strawberry

from ringfence.api.global_ids import global_id
from ringfence.api.loaders import Asking, BuyerBatch
from ringfence.api.types.asking import Info
from ringfence.api.types.claim import Claim, claims_of_buyer
from ringfence.api.types.connections import After, Connection, First
from ringfence.api.types.node import Node
from ringfence.api.types.report import Report, reports_of_buyer
from ringfence.api.types.ring import Ring, rings_page
from ringfence.api.types.ring_parts import Link
from ringfence.api.types.risk import AsOf, BuyerRisk, InLanguage
from ringfence.api.types.scalars import Time
from ringfence.domain import buyers
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.rings import RingQuery
from ringfence.domain.risk import Language
from ringfence.services import read_buyers
from ringfence.services.read_buyers import BuyerUnknownError


@strawberry.type
class SharedIdentifier:
    """A value that several buyers use, known by a keyed hash alone."""

    kind: IdentifierKind = strawberry.field(description="What kind of value.")
    pseudonym: str = strawberry.field(
        description="First hex digits of the keyed hash: the same value has the same pseudonym."
    )
    holders: int = strawberry.field(description="How many buyers use it.")


@strawberry.type
class Buyer(Node):
    """A buyer. A merchant's key sees its own claims, orders and reports only, and no other buyers."""

    buyer_id: strawberry.ID = strawberry.field(
        description="The marketplace's own id of the buyer; what buyer(id:) takes."
    )
    country: str | None = strawberry.field(description="Country, as the files name it; null if nobody told.")
    registered_at: Time | None = strawberry.field(
        description="When the account was opened; null if nobody told."
    )
    orders: int = strawberry.field(description="Number of orders known.")
    first_claim_at: Time | None = strawberry.field(
        description="When the first claim was filed; null if there is none."
    )
    last_claim_at: Time | None = strawberry.field(
        description="When the last claim was filed; null if there is none."
    )
    _batch: strawberry.Private[BuyerBatch]

    @strawberry.field
    def score(self, info: Info) -> float | None:
        """Where the published run puts the buyer among all, 0 to 1; null if it did not see the buyer."""
        return read_buyers.score_of(info.context.store, info.context.principal, self.buyer_id)

    @strawberry.field
    def claims(self, info: Info, first: First, after: After = None) -> Connection[Claim]:
        """The buyer's claims, latest first."""
        return claims_of_buyer(info.context, self.buyer_id, first, after)

    @strawberry.field
    def reports(self, info: Info) -> list[Report]:
        """Merchants' reports that accuse the buyer, latest first."""
        return reports_of_buyer(info.context, self.buyer_id)

    @strawberry.field
    def risk(self, info: Info, as_of: AsOf = None, language: InLanguage = Language.ENGLISH) -> BuyerRisk:
        """How much of a risk the buyer is, and why."""
        found = info.context.risks(self._batch.ids, as_of, language).get(self.buyer_id)
        if found is None:
            raise BuyerUnknownError(self.buyer_id)
        return BuyerRisk.of(found, self._batch)

    @strawberry.field
    def rings(self, info: Info, first: First, after: After = None) -> Connection[Ring]:
        """The rings of the published run that the buyer is in, whatever their status, best first."""
        query = RingQuery(buyer_id=self.buyer_id)
        list_name = f"Buyer.rings {self.buyer_id}"
        return rings_page(info.context, list_name, query, None, first, after, None)

    @strawberry.field
    def links(self, info: Info, first: First) -> list[Link]:
        """Those the buyer is linked to in the published run, best evidence first."""
        asking = info.context
        found = read_buyers.links_of_buyer(asking.store, asking.principal, self.buyer_id, first)
        return [Link.of(link) for link in found]

    @strawberry.field
    def shared_identifiers(self, info: Info) -> list[SharedIdentifier]:
        """Values that the buyer and others use, rarest first."""
        asking = info.context
        found = read_buyers.shared_identifiers_of(asking.store, asking.principal, self.buyer_id, asking.now)
        return [
            SharedIdentifier(kind=one.kind, pseudonym=one.pseudonym, holders=one.holders) for one in found
        ]

    @classmethod
    def of(cls, buyer: buyers.Buyer, batch: BuyerBatch) -> "Buyer":
        """Answer a buyer that is listed with those of `batch`."""
        return cls(
            id=strawberry.ID(global_id("Buyer", buyer.buyer_id)),
            buyer_id=strawberry.ID(buyer.buyer_id),
            country=buyer.country,
            registered_at=None if buyer.registered_at is None else Time(buyer.registered_at),
            orders=buyer.orders,
            first_claim_at=None if buyer.first_claim_at is None else Time(buyer.first_claim_at),
            last_claim_at=None if buyer.last_claim_at is None else Time(buyer.last_claim_at),
            _batch=batch,
        )


def one_buyer(asking: Asking, buyer_id: str) -> Buyer:
    """Answer one buyer, as far as whoever asks may know of it."""
    batch = BuyerBatch(asking, (buyer_id,))
    return Buyer.of(batch.of(buyer_id), batch)
