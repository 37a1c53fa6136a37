"""What can be asked."""

from importlib.metadata import version
from typing import Annotated

import strawberry

from ringfence.api.global_ids import read_global_id
from ringfence.api.types.asking import Info
from ringfence.api.types.buyer import Buyer, one_buyer
from ringfence.api.types.claim import Claim
from ringfence.api.types.connections import After, Connection, First
from ringfence.api.types.network import Network, one_network
from ringfence.api.types.node import Node
from ringfence.api.types.ring import Ring, one_ring, rings_page
from ringfence.api.types.run import Run, runs_page
from ringfence.api.types.scalars import Time
from ringfence.domain.errors import NotFoundError
from ringfence.domain.ring_decisions import RingStatus
from ringfence.domain.rings import RingOrder, RingQuery
from ringfence.domain.runs import RunState
from ringfence.services import read_buyers, read_runs

_MOST_DIGITS = 10
"""Of the number of a run."""
_IN_QUEUE = tuple(status for status in RingStatus if not status.is_down)

OfRun = Annotated[
    int | None,
    strawberry.argument(description="Number of the run whose findings are asked for; the published if null."),
]


@strawberry.type
class Query:
    """What can be asked. A key's role says of what: fields that are closed to it answer FORBIDDEN."""

    @strawberry.field
    def rings(
        self,
        info: Info,
        first: First,
        after: After = None,
        status: Annotated[
            list[RingStatus] | None,
            strawberry.argument(description="Of one of these; OPEN or CONFIRMED if null."),
        ] = None,
        min_score: Annotated[
            float | None, strawberry.argument(description="With this evidence or more, in decades.")
        ] = None,
        merchant_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="With a joint claim against this merchant."),
        ] = None,
        buyer_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="With this buyer among the members.")
        ] = None,
        since: Annotated[
            Time | None,
            strawberry.argument(description="Whose last joint claim was filed then or later."),
        ] = None,
        new_since: Annotated[
            Time | None,
            strawberry.argument(description="First published then or later, or never yet."),
        ] = None,
        order_by: Annotated[
            RingOrder, strawberry.argument(description="What they are listed by, greatest first.")
        ] = RingOrder.SCORE,
        run: OfRun = None,
    ) -> Connection[Ring]:
        """The rings of a run for which all conditions hold; a following page is of the run of its cursor."""
        query = RingQuery(
            min_score=min_score,
            merchant_id=merchant_id,
            buyer_id=buyer_id,
            since=since,
            born_since=new_since,
            order=order_by,
        )
        statuses = _IN_QUEUE if status is None else status
        return rings_page(info.context, "rings", query, statuses, first, after, run)

    @strawberry.field
    def ring(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The ringId, such as r0123456789ab.")],
        run: Annotated[
            int | None,
            strawberry.argument(description="Number of the run; the last that saw the ring if null."),
        ] = None,
    ) -> Ring | None:
        """One ring, also one that ended; NOT_FOUND if no run whose findings are kept saw it."""
        return one_ring(info.context, id, run)

    @strawberry.field
    def network(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The networkId.")],
        run: OfRun = None,
    ) -> Network | None:
        """One network; NOT_FOUND if the run has none of that name."""
        return one_network(info.context, id, run)

    @strawberry.field
    def buyer(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The marketplace's own id of the buyer.")
        ],
    ) -> Buyer | None:
        """One buyer; NOT_FOUND if there is none, or none that the key may see."""
        return one_buyer(info.context, id)

    @strawberry.field
    def runs(
        self,
        info: Info,
        first: First,
        after: After = None,
        state: Annotated[
            RunState | None, strawberry.argument(description="In this state; in any if null.")
        ] = None,
    ) -> Connection[Run]:
        """Runs, latest first."""
        return runs_page(info.context, first, after, state)

    @strawberry.field
    def run(
        self,
        info: Info,
        id: Annotated[int, strawberry.argument(description="The number of the run.")],
    ) -> Run | None:
        """One run; NOT_FOUND if there is none of that number."""
        return Run.of(info.context.run(id))

    @strawberry.field
    def node(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID,
            strawberry.argument(description="The global `id` of an object, as it was answered."),
        ],
    ) -> Node | None:
        """One object of any kind by its global id; rings and networks as they were last seen."""
        asking = info.context
        kind, own_id = read_global_id(id)
        match kind:
            case "Ring":
                return one_ring(asking, own_id, None)
            case "Network":
                return one_network(asking, own_id, None)
            case "Buyer":
                return one_buyer(asking, own_id)
            case "Claim":
                return Claim.of(read_buyers.find_claim(asking.store, asking.principal, own_id, asking.now))
            case "Run" if own_id.isascii() and own_id.isdigit() and len(own_id) <= _MOST_DIGITS:
                return Run.of(read_runs.find_run(asking.store, asking.principal, int(own_id)))
        raise NotFoundError(f"There is no {kind.lower()} {own_id}.")

    @strawberry.field
    def version(self) -> str:
        """Version of Ringfence that answers."""
        return version("ringfence")
