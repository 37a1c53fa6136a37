"""Paths between buyers."""

import strawberry

from ringfence.api.loaders import Asking
from ringfence.domain import paths
from ringfence.domain.paths import TieKind
from ringfence.services.find_path import find_path


@strawberry.type
class PathStep:
    """One step of a path, from a buyer to the next."""

    from_buyer_id: strawberry.ID = strawberry.field(
        description="The marketplace's own id of the buyer it leads from."
    )
    to_buyer_id: strawberry.ID = strawberry.field(
        description="The marketplace's own id of the buyer it leads to."
    )
    kind: TieKind = strawberry.field(description="What connects the two.")
    via: str | None = strawberry.field(
        description="Pseudonym of the value, or the marketplace's own id of the merchant; null for a link."
    )
    score: float | None = strawberry.field(
        description="Evidence of a link, in decades: each one is ten times less likely by chance; null for "
        "others."
    )
    reason: str = strawberry.field(description="What connects them, in words.")

    @classmethod
    def of(cls, step: paths.PathStep) -> "PathStep":
        """Answer a step."""
        return cls(
            from_buyer_id=strawberry.ID(step.from_buyer_id),
            to_buyer_id=strawberry.ID(step.to_buyer_id),
            kind=step.kind,
            via=step.via,
            score=step.score,
            reason=step.reason,
        )


@strawberry.type
class Path:
    """A shortest chain between two buyers, if there is one."""

    steps: list[PathStep] = strawberry.field(description="Its steps, in order; none if no chain was found.")
    looked_at: int = strawberry.field(description="How many buyers the search came by.")
    is_cut_off: bool = strawberry.field(
        description="Whether the search ended early, after 5000 buyers or 2 s, so that there may be another."
    )


def one_path(asking: Asking, from_id: str, to_id: str, hops: int) -> Path:
    """Answer the path between two buyers."""
    found = find_path(asking.store, asking.principal, from_id, to_id, hops)
    steps = [PathStep.of(step) for step in found.steps]
    return Path(steps=steps, looked_at=found.looked_at, is_cut_off=found.is_cut_off)
