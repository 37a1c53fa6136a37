"""What can be changed."""

from typing import Annotated

import strawberry

from ringfence.api.types import ring_changes
from ringfence.api.types.asking import Info
from ringfence.api.types.ring_changes import (
    AddNoteInput,
    AssignInput,
    DecideRingInput,
    RingPayload,
    SetRingAsideInput,
    UndoDecisionInput,
)
from ringfence.domain.ring_decisions import Outcome

_WHAT = strawberry.argument(description="What is to be done, and about what.")


@strawberry.type
class Mutation:
    """What can be changed, one thing a request. The name of the key, or of the login, stands beside it."""

    @strawberry.field
    def decide_ring(self, info: Info, input: Annotated[DecideRingInput, _WHAT]) -> RingPayload | None:
        """Decide about a ring as last seen, or propose it where the policy wants a second person."""
        return ring_changes.decide(info.context, input)

    @strawberry.field
    def snooze(self, info: Info, input: Annotated[SetRingAsideInput, _WHAT]) -> RingPayload | None:
        """Put a ring off until a day, whatever its evidence; as decideRing with SNOOZE."""
        return ring_changes.set_aside(info.context, input, Outcome.SNOOZE)

    @strawberry.field
    def allow(self, info: Info, input: Annotated[SetRingAsideInput, _WHAT]) -> RingPayload | None:
        """Tolerate a ring until a day, or until it grows; as decideRing with ALLOW."""
        return ring_changes.set_aside(info.context, input, Outcome.ALLOW)

    @strawberry.field
    def undo_decision(self, info: Info, input: Annotated[UndoDecisionInput, _WHAT]) -> RingPayload | None:
        """Take back what is proposed about a ring, else its decision; the one before counts again."""
        return ring_changes.undo(info.context, input)

    @strawberry.field
    def add_note(self, info: Info, input: Annotated[AddNoteInput, _WHAT]) -> RingPayload | None:
        """Write a note about a ring."""
        return ring_changes.add_note(info.context, input)

    @strawberry.field
    def assign(self, info: Info, input: Annotated[AssignInput, _WHAT]) -> RingPayload | None:
        """Give a ring to somebody, or back to whoever decided."""
        return ring_changes.assign(info.context, input)
