"""Rings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from ringfence.api.cursors import begun_in, reading_on
from ringfence.api.global_ids import global_id
from ringfence.api.loaders import Asking, BuyerBatch, RingBatch, claims_together
from ringfence.api.types.asking import Info
from ringfence.api.types.connections import After, Connection, First, connection, connection_of_all
from ringfence.api.types.node import Node
from ringfence.api.types.ring_parts import JointClaim, JointEvent, LineageStep, Link, RingMember
from ringfence.api.types.ring_record import RingEvent
from ringfence.api.types.run import Run
from ringfence.api.types.scalars import Money, Time, sums_of
from ringfence.domain import rings
from ringfence.domain.chance import expected_by_chance
from ringfence.domain.ring_decisions import RingStanding, RingStatus
from ringfence.domain.rings import DetectionMethod, RingQuery
from ringfence.services import read_rings

if TYPE_CHECKING:
    from ringfence.api.types.network import Network


@strawberry.type
class Ring(Node):
    """A group of buyers who claim together more than chance would have it, as one run found it."""

    ring_id: strawberry.ID = strawberry.field(
        description="Name of the ring, given at birth and kept for life; what ring(id:) takes."
    )
    run_id: int = strawberry.field(description="Number of the run whose findings these are.")
    network_id: strawberry.ID = strawberry.field(description="Name of the network the ring is part of.")
    score: float = strawberry.field(
        description="Evidence, in decades: each one is ten times less likely by chance."
    )
    size: int = strawberry.field(description="Number of members.")
    claims: int = strawberry.field(description="Number of joint claims; what the ring rests on.")
    merchants: int = strawberry.field(description="Number of merchants the joint claims are against.")
    occasions: int | None = strawberry.field(
        description="On how many separate occasions the ring rests; null where times say nothing, and in "
        "a run of before this was counted."
    )
    method: DetectionMethod = strawberry.field(description="What found the ring.")
    p_value: float | None = strawberry.field(
        description="The chance that a marketplace of this shape without rings shows as strong a ring "
        "anywhere, 0 to 1; below 0.0001 it is not known better. Null in a run that left p-values out."
    )
    first_claim_at: Time = strawberry.field(description="When the first joint claim was filed.")
    last_claim_at: Time = strawberry.field(description="When the last joint claim was filed.")
    why: str = strawberry.field(description="What speaks for the ring, in words.")
    first_run_id: int = strawberry.field(description="Number of the run the ring was born in.")
    origin_ring_id: strawberry.ID | None = strawberry.field(
        description="The ring it was split from; null if it was not."
    )
    _amount: strawberry.Private[str]
    _batch: strawberry.Private[RingBatch]

    @strawberry.field
    def amount(self) -> list[Money]:
        """What the joint claims ask for, a sum for each currency."""
        return sums_of(self._amount)

    @strawberry.field
    def expected_by_chance(self) -> float | None:
        """How many rings as strong chance shows in such a marketplace; null as pValue is, or at 1."""
        if self.p_value is None or self.p_value >= 1.0:
            return None
        return expected_by_chance(self.p_value)

    @strawberry.field
    def run(self, info: Info) -> Run:
        """The run whose findings these are."""
        return Run.of(info.context.run(self.run_id))

    @strawberry.field
    def network(self) -> Annotated["Network", strawberry.lazy("ringfence.api.types.network")]:
        """The network the ring is part of."""
        from ringfence.api.types.network import Network

        return Network.of(self.network_id, self.run_id)

    @strawberry.field
    def is_alive(self) -> bool:
        """Whether the published run has the ring."""
        return bool(self._batch.alive.of(self.ring_id))

    @strawberry.field
    def status(self) -> RingStatus:
        """Where the ring stands by what was decided about it."""
        return self._standing().status

    @strawberry.field
    def status_reason(self) -> str | None:
        """What was decided or proposed, by whom and why, and why the ring came back; null if nothing was."""
        return self._standing().because

    @strawberry.field
    def owner(self) -> str | None:
        """Who answers for the ring: to whom it was given, else who decided; null for nobody."""
        return self._standing().owner

    @strawberry.field
    def proposed_by(self) -> str | None:
        """Who proposed to confirm the ring, which waits for another investigator; null if nobody did."""
        proposed = self._standing().proposed
        return None if proposed is None else proposed.by

    @strawberry.field
    def notes(self) -> int:
        """How many notes were written about the ring."""
        return self._standing().notes

    @strawberry.field
    def version(self) -> int:
        """Number of the last event of the ring's record, 0 for none; whoever decides names what they saw."""
        return self._standing().version

    @strawberry.field
    def decisions(self, info: Info) -> list[RingEvent]:
        """All that was decided, taken back, noted and assigned about the ring, oldest first."""
        events = read_rings.decisions_of(info.context.store, info.context.principal, self.ring_id)
        return [RingEvent.of(number, event) for number, event in enumerate(events, start=1)]

    @strawberry.field
    def members(self, info: Info, first: First, after: After = None) -> Connection[RingMember]:
        """The buyers in the ring, best evidence first."""

        def nodes_of(chosen: Sequence[rings.Member]) -> list[RingMember]:
            buyers = BuyerBatch(info.context, (member.buyer_id for member in chosen))
            return [RingMember.of(member, buyers) for member in chosen]

        return connection_of_all(
            f"Ring.members {self.ring_id}",
            self._batch.members.of(self.ring_id) or [],
            lambda member: member.buyer_id,
            nodes_of,
            first,
            after,
            self.run_id,
        )

    @strawberry.field
    def links(self, first: First, after: After = None) -> Connection[Link]:
        """Why each two members are linked, best evidence first; not all pairs of a ring are."""
        return connection_of_all(
            f"Ring.links {self.ring_id}",
            self._batch.links.of(self.ring_id) or [],
            lambda link: f"{link.buyer_a}\n{link.buyer_b}",
            lambda chosen: [Link.of(link) for link in chosen],
            first,
            after,
            self.run_id,
        )

    @strawberry.field
    def evidence(self, info: Info, first: First, after: After = None) -> Connection[JointClaim]:
        """The joint claims that the ring rests on, by joint event, then time."""

        def nodes_of(chosen: Sequence[rings.JointClaim]) -> list[JointClaim]:
            found = claims_together(info.context, [claim.claim_id for claim in chosen])
            return [JointClaim.of(claim, found) for claim in chosen]

        return connection_of_all(
            f"Ring.evidence {self.ring_id}",
            self._batch.evidence.of(self.ring_id) or [],
            lambda claim: f"{claim.event}\n{claim.claim_id}",
            nodes_of,
            first,
            after,
            self.run_id,
        )

    @strawberry.field
    def timeline(self) -> list[JointEvent]:
        """The joint events of the ring in the order of time."""
        claims = self._batch.evidence.of(self.ring_id) or []
        return [JointEvent.of(event) for event in read_rings.timeline_of(claims)]

    @strawberry.field
    def lineage(self) -> list[LineageStep]:
        """The life of the ring, run by run, oldest first; what became of others through it, too."""
        return [LineageStep.of(step) for step in self._batch.lineage.of(self.ring_id) or []]

    def _standing(self) -> RingStanding:
        standing = self._batch.standings.of(self.ring_id)
        assert standing is not None
        return standing

    @classmethod
    def of(cls, ring: rings.Ring, batch: RingBatch) -> "Ring":
        """Answer a ring that was read together with those of `batch`."""
        origin = ring.origin_ring_id
        return cls(
            id=strawberry.ID(global_id("Ring", ring.ring_id)),
            ring_id=strawberry.ID(ring.ring_id),
            run_id=ring.run_id,
            network_id=strawberry.ID(ring.network_id),
            score=ring.score,
            size=ring.size,
            claims=ring.claims,
            merchants=ring.merchants,
            occasions=ring.occasions,
            method=DetectionMethod(ring.method),
            p_value=ring.p_value,
            first_claim_at=Time(ring.first_claim_at),
            last_claim_at=Time(ring.last_claim_at),
            why=ring.why,
            first_run_id=ring.first_run_id,
            origin_ring_id=None if origin is None else strawberry.ID(origin),
            _amount=ring.amount,
            _batch=batch,
        )


def one_ring(asking: Asking, ring_id: str, run_id: int | None) -> Ring:
    """Answer one ring, of a run or (None) as it was last seen."""
    ring = read_rings.find_ring(asking.store, asking.principal, ring_id, run_id)
    return Ring.of(ring, RingBatch(asking, [ring], ring.run_id))


def rings_page(
    asking: Asking,
    list_name: str,
    query: RingQuery,
    statuses: Sequence[RingStatus] | None,
    first: int,
    after: str | None,
    run_id: int | None,
) -> Connection[Ring]:
    """Answer a page of rings, of the run that its cursor names, else of `run_id`, else of the published."""
    list_name = f"{list_name} by {query.order.value}"
    cursor, run_id = begun_in(list_name, after, run_id)
    with reading_on(cursor):
        found = read_rings.list_rings(
            asking.store,
            asking.principal,
            query,
            None if statuses is None else frozenset(statuses),
            first,
            cursor.key if cursor else None,
            run_id,
            asking.now,
        )
    batch = RingBatch(asking, found.page.items, found.run_id)
    return connection(
        list_name,
        found.page,
        [Ring.of(ring, batch) for ring in found.page.items],
        run_id=found.run_id,
        has_previous=cursor is not None,
    )
