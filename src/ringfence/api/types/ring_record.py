"""What investigators did about a ring."""

import strawberry

from ringfence.api.types.enums import RingEventType
from ringfence.api.types.scalars import Time
from ringfence.domain.records import Event
from ringfence.domain.ring_decisions import Outcome


@strawberry.type
class RingEvent:
    """Something that was done about a ring; never changed, never deleted."""

    version: int = strawberry.field(description="1, 2, …: its place in the ring's record.")
    type: RingEventType = strawberry.field(description="What was done.")
    at: Time = strawberry.field(description="When.")
    by: str = strawberry.field(description="By whom: the name of their key, or of their login.")
    outcome: Outcome | None = strawberry.field(
        description="What was decided or proposed; null for other events."
    )
    text: str | None = strawberry.field(
        description="The reason of a decision, of a proposal or of their end, or the note; null for others."
    )
    until: Time | None = strawberry.field(description="When the decision ends; null if it does not.")
    owner: str | None = strawberry.field(
        description="To whom the ring was given; null for other events, and if it was given back."
    )
    evidence: float | None = strawberry.field(
        description="Evidence of the ring that was seen, in decades: each one is ten times less likely by "
        "chance; null for other events."
    )

    @classmethod
    def of(cls, version: int, event: Event) -> "RingEvent":
        """Answer an event."""
        data = event.data
        outcome, until = data.get("outcome"), data.get("until")
        return cls(
            version=version,
            type=RingEventType(event.type),
            at=Time(event.at),
            by=event.actor,
            outcome=None if outcome is None else Outcome(outcome),
            text=data.get("reason", data.get("text")),
            until=None if until is None else Time(until),
            owner=data.get("owner"),
            evidence=data.get("evidence"),
        )
