"""What investigators do about a ring: what they say, and what is answered."""

from collections.abc import Callable

import strawberry

from ringfence.api.loaders import Asking
from ringfence.api.types.asking import Info
from ringfence.api.types.ring import Ring, one_ring
from ringfence.api.types.scalars import Time
from ringfence.api.types.user_error import WHAT_CAN_BE_MENDED, Fields, UserError, tried
from ringfence.domain.errors import InvalidError
from ringfence.domain.loads import BrowsingCopyError
from ringfence.domain.ring_decisions import Outcome
from ringfence.domain.texts import TextError
from ringfence.services import decide_rings
from ringfence.services.decide_rings import RingUnknownError
from ringfence.store.records import VersionConflictError

_RING = "The ringId of the ring."
_WHY = "Why, in words, at most 2,000 characters; whoever looks later reads it."
_AT_FAULT: Fields = {
    RingUnknownError: "ringId",
    VersionConflictError: "expectedVersion",
    BrowsingCopyError: None,
}
_SEEN = (
    "The `version` of the ring that was seen: CONFLICT if others changed its record since. If null, what "
    "they decided meanwhile is overridden."
)


@strawberry.input
class DecideRingInput:
    """What is decided about a ring."""

    ring_id: strawberry.ID = strawberry.field(description=_RING)
    outcome: Outcome = strawberry.field(description="What is decided.")
    reason: str = strawberry.field(description=_WHY)
    until: Time | None = strawberry.field(
        default=None,
        description="When it ends: SNOOZE and ALLOW need it, DISMISS may have it, CONFIRM must not.",
    )
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class SetRingAsideInput:
    """Until when a ring is set aside."""

    ring_id: strawberry.ID = strawberry.field(description=_RING)
    reason: str = strawberry.field(description=_WHY)
    until: Time = strawberry.field(description="When it ends; nothing is set aside for ever.")
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class UndoDecisionInput:
    """Which decision is taken back."""

    ring_id: strawberry.ID = strawberry.field(description=_RING)
    reason: str = strawberry.field(description=_WHY)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class AddNoteInput:
    """A note about a ring."""

    ring_id: strawberry.ID = strawberry.field(description=_RING)
    text: str = strawberry.field(description="The note, at most 10,000 characters.")
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class AssignInput:
    """To whom a ring is given."""

    ring_id: strawberry.ID = strawberry.field(description=_RING)
    owner: str | None = strawberry.field(
        default=None,
        description="Who answers for it from now on, at most 200 characters; null for whoever decided.",
    )
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.type
class RingPayload:
    """What became of a change about a ring."""

    user_errors: list[UserError] = strawberry.field(description=WHAT_CAN_BE_MENDED)
    _ring_id: strawberry.Private[str]

    @strawberry.field
    def ring(self, info: Info) -> Ring | None:
        """The ring after the change; null if nothing was changed."""
        if self.user_errors:
            return None
        info.context.begin_reading()
        return one_ring(info.context, self._ring_id, None)


def decide(asking: Asking, said: DecideRingInput) -> RingPayload:
    """Decide about a ring."""
    return _decide(asking, said, said.outcome)


def set_aside(asking: Asking, said: SetRingAsideInput, outcome: Outcome) -> RingPayload:
    """Set a ring aside until a day: snooze it or allow it."""
    return _decide(asking, said, outcome)


def undo(asking: Asking, said: UndoDecisionInput) -> RingPayload:
    """Take back the decision that counts."""
    return _change(
        asking,
        said.ring_id,
        lambda: decide_rings.undo(
            asking.store, asking.principal, said.ring_id, said.reason, asking.now, said.expected_version
        ),
        {InvalidError: "reason"},
    )


def add_note(asking: Asking, said: AddNoteInput) -> RingPayload:
    """Write a note."""
    return _change(
        asking,
        said.ring_id,
        lambda: decide_rings.note(
            asking.store, asking.principal, said.ring_id, said.text, asking.now, said.expected_version
        ),
        {InvalidError: "text"},
    )


def assign(asking: Asking, said: AssignInput) -> RingPayload:
    """Give a ring to somebody, or back."""
    return _change(
        asking,
        said.ring_id,
        lambda: decide_rings.assign(
            asking.store, asking.principal, said.ring_id, said.owner, asking.now, said.expected_version
        ),
        {InvalidError: "owner"},
    )


def _decide(asking: Asking, said: DecideRingInput | SetRingAsideInput, outcome: Outcome) -> RingPayload:
    return _change(
        asking,
        said.ring_id,
        lambda: decide_rings.decide(
            asking.store,
            asking.principal,
            said.ring_id,
            outcome,
            said.reason,
            said.until,
            asking.now,
            said.expected_version,
            asking.policy,
        ),
        {TextError: "reason", InvalidError: "until"},
    )


def _change(asking: Asking, ring_id: str, change: Callable[[], object], at_fault: Fields) -> RingPayload:
    _, errors = tried(asking, change, {**_AT_FAULT, **at_fault})
    return RingPayload(user_errors=errors, _ring_id=ring_id)
