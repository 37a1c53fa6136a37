"""Leads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from ringfence.api.cursors import begun_in, reading_on
from ringfence.api.global_ids import global_id
from ringfence.api.loaders import Asking, BuyerBatch, LeadBatch, claims_together
from ringfence.api.types.asking import Info
from ringfence.api.types.connections import After, Connection, First, connection, connection_of_all
from ringfence.api.types.node import Node
from ringfence.api.types.ring_parts import JointClaim
from ringfence.api.types.run import Run
from ringfence.api.types.scalars import Money, Time, sums_of
from ringfence.domain import leads
from ringfence.domain.lead_decisions import LeadStanding, LeadStatus
from ringfence.domain.leads import LeadKind, LeadQuery
from ringfence.services import leads as services

if TYPE_CHECKING:
    from ringfence.api.types.buyer import Buyer

_LIST = "leads"


@strawberry.type
class LeadBuyer:
    """A buyer's part in a lead."""

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


@strawberry.type
class Lead(Node):
    """A suspicion too weak to be a ring, as one run found it: worth a look, and no accusation."""

    lead_id: strawberry.ID = strawberry.field(
        description="Name of the lead, which it keeps as long as its buyers are much the same."
    )
    run_id: int = strawberry.field(description="Number of the run whose finding this is.")
    kind: LeadKind = strawberry.field(description="Why it is no ring.")
    ring_id: strawberry.ID | None = strawberry.field(
        description="The ring that its buyers are near; null if they are near none."
    )
    score: float = strawberry.field(
        description="Evidence, in decades: each one is ten times less likely by chance."
    )
    size: int = strawberry.field(description="Number of buyers.")
    claims: int = strawberry.field(
        description="Number of joint claims that chance does not explain; what the lead rests on."
    )
    merchants: int = strawberry.field(description="Number of merchants the joint claims are against.")
    occasions: int | None = strawberry.field(
        description="On how many separate occasions it rests; null where times say nothing."
    )
    first_claim_at: Time | None = strawberry.field(description="When the first joint claim was filed.")
    last_claim_at: Time | None = strawberry.field(description="When the last joint claim was filed.")
    p_value: float | None = strawberry.field(
        description="The chance of a lead as strong without any ring, 0 to 1; null if it is not known."
    )
    why: str = strawberry.field(description="What speaks for it, in words.")
    why_not: str = strawberry.field(description="Why it is not a ring, in words.")
    _amount: strawberry.Private[str]
    _batch: strawberry.Private[LeadBatch]

    @strawberry.field
    def amount(self) -> list[Money]:
        """What the joint claims ask for, a sum for each currency."""
        return sums_of(self._amount)

    @strawberry.field
    def run(self, info: Info) -> Run:
        """The run whose finding this is."""
        return Run.of(info.context.run(self.run_id))

    @strawberry.field
    def status(self) -> LeadStatus:
        """Where the lead stands by what was decided about it, and by how it grew since."""
        return self._standing().status

    @strawberry.field
    def status_reason(self) -> str | None:
        """Who dismissed or restored it last, when and why, and how it grew since if that opened it again;
        null if nobody did."""
        return self._standing().because

    @strawberry.field
    def version(self) -> int:
        """Number of the last event of the lead's record, 0 for none; `expectedVersion` takes it."""
        return self._standing().version

    @strawberry.field
    def buyers(self, info: Info, first: First, after: After = None) -> Connection[LeadBuyer]:
        """The buyers in the lead, best evidence first."""

        def nodes_of(chosen: Sequence[leads.LeadBuyer]) -> list[LeadBuyer]:
            buyers = BuyerBatch(info.context, (each.buyer_id for each in chosen))
            return [
                LeadBuyer(
                    buyer_id=strawberry.ID(each.buyer_id),
                    score=each.score,
                    why=each.why,
                    _buyers=buyers,
                )
                for each in chosen
            ]

        return connection_of_all(
            f"Lead.buyers {self.lead_id}",
            self._batch.buyers.of(self.lead_id) or [],
            lambda each: each.buyer_id,
            nodes_of,
            first,
            after,
            self.run_id,
        )

    @strawberry.field
    def evidence(self, info: Info, first: First, after: After = None) -> Connection[JointClaim]:
        """The joint claims that the lead rests on, by joint event, then time."""

        def nodes_of(chosen: Sequence[leads.LeadClaim]) -> list[JointClaim]:
            found = claims_together(info.context, [claim.claim_id for claim in chosen])
            return [JointClaim.of(claim, found) for claim in chosen]

        return connection_of_all(
            f"Lead.evidence {self.lead_id}",
            self._batch.evidence.of(self.lead_id) or [],
            lambda claim: f"{claim.event}\n{claim.claim_id}",
            nodes_of,
            first,
            after,
            self.run_id,
        )

    def _standing(self) -> LeadStanding:
        standing = self._batch.standings.of(self.lead_id)
        assert standing is not None
        return standing

    @classmethod
    def of(cls, lead: leads.Lead, batch: LeadBatch) -> "Lead":
        """Answer a lead that was read together with those of `batch`."""
        return cls(
            id=strawberry.ID(global_id("Lead", lead.lead_id)),
            lead_id=strawberry.ID(lead.lead_id),
            run_id=lead.run_id,
            kind=lead.kind,
            ring_id=None if lead.ring_id is None else strawberry.ID(lead.ring_id),
            score=lead.score,
            size=lead.size,
            claims=lead.claims,
            merchants=lead.merchants,
            occasions=lead.occasions,
            first_claim_at=None if lead.first_claim_at is None else Time(lead.first_claim_at),
            last_claim_at=None if lead.last_claim_at is None else Time(lead.last_claim_at),
            p_value=lead.p_value,
            why=lead.why,
            why_not=lead.why_not,
            _amount=lead.amount,
            _batch=batch,
        )


def one_lead(asking: Asking, lead_id: str, run_id: int | None) -> Lead:
    """Answer one lead, of a run or (None) as it was last published."""
    lead = services.find_lead(asking.store, asking.principal, lead_id, run_id)
    return Lead.of(lead, LeadBatch(asking, [lead], lead.run_id))


def leads_page(
    asking: Asking, query: LeadQuery, first: int, after: str | None, run_id: int | None, with_dismissed: bool
) -> Connection[Lead]:
    """Answer a page of leads, of the run that its cursor names, else of `run_id`, else of the published."""
    cursor, run_id = begun_in(_LIST, after, run_id)
    with reading_on(cursor):
        found = services.list_leads(
            asking.store,
            asking.principal,
            query,
            first,
            cursor.key if cursor else None,
            run_id,
            with_dismissed=with_dismissed,
        )
    batch = LeadBatch(asking, found.page.items, found.run_id)
    return connection(
        _LIST,
        found.page,
        [Lead.of(lead, batch) for lead in found.page.items],
        run_id=found.run_id,
        has_previous=cursor is not None,
    )
