"""Networks."""

import strawberry

from ringfence.api.global_ids import global_id
from ringfence.api.loaders import Asking
from ringfence.api.types.asking import Info
from ringfence.api.types.connections import After, Connection, First
from ringfence.api.types.node import Node
from ringfence.api.types.ring import Ring, rings_page
from ringfence.domain.rings import RingQuery
from ringfence.services import read_rings


@strawberry.type
class Network(Node):
    """Rings that share people, identifiers or targets: (:Ring)-[:PART_OF]->(:Network)."""

    network_id: strawberry.ID = strawberry.field(
        description="Name of the network; what network(id:) takes. It changes as rings come and go."
    )
    run_id: int = strawberry.field(description="Number of the run whose findings these are.")

    @strawberry.field
    def rings(self, info: Info, first: First, after: After = None) -> Connection[Ring]:
        """Its rings whatever their status, best evidence first."""
        query = RingQuery(network_id=self.network_id)
        list_name = f"Network.rings {self.network_id}"
        return rings_page(info.context, list_name, query, None, first, after, self.run_id)

    @classmethod
    def of(cls, network_id: str, run_id: int) -> "Network":
        """Answer a network of a run."""
        return cls(
            id=strawberry.ID(global_id("Network", network_id)),
            network_id=strawberry.ID(network_id),
            run_id=run_id,
        )


def one_network(asking: Asking, network_id: str, run_id: int | None) -> Network:
    """Answer one network, of a run or (None) of the published one."""
    found = read_rings.find_network(asking.store, asking.principal, network_id, run_id)
    return Network.of(network_id, found)
