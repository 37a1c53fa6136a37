"""What people and jobs do in a verification: what they say, and what is answered."""

from collections.abc import Callable

import strawberry

from ringfence.api.loaders import Asking
from ringfence.api.types.asking import Info
from ringfence.api.types.user_error import WHAT_CAN_BE_MENDED, Fields, UserError, tried
from ringfence.api.types.verification import Verification, told_verification
from ringfence.domain import verifications
from ringfence.domain.loads import BrowsingCopyError
from ringfence.domain.texts import TextError
from ringfence.domain.verifications import VerificationOutcome
from ringfence.services import verify_buyers
from ringfence.services.read_buyers import BuyerUnknownError
from ringfence.services.verification_records import VerificationUnknownError
from ringfence.store.records import VersionConflictError

_VERIFICATION = "The verificationId of the verification."
_WHY = "Why, in words, at most 2,000 characters; whoever looks later reads it."
_SEEN = (
    "The `version` of the verification that was seen: CONFLICT if others changed it since. If null, what "
    "they did meanwhile is passed over."
)
_AT_FAULT: Fields = {
    BrowsingCopyError: None,
    VerificationUnknownError: "verificationId",
    VersionConflictError: "expectedVersion",
}


@strawberry.input
class OpenVerificationInput:
    """Who is to be verified."""

    buyer_id: strawberry.ID = strawberry.field(description="The marketplace's own id of the buyer.")
    reason: str = strawberry.field(description=_WHY)


@strawberry.input
class DecideVerificationInput:
    """How a verification ends."""

    verification_id: strawberry.ID = strawberry.field(description=_VERIFICATION)
    outcome: VerificationOutcome = strawberry.field(description="How it ends.")
    reason: str = strawberry.field(description=_WHY)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class AppealInput:
    """An appeal on the buyer's behalf."""

    verification_id: strawberry.ID = strawberry.field(description=_VERIFICATION)
    reason: str = strawberry.field(
        description="What the buyer has to say, at most 2,000 characters; whoever looks later reads it."
    )
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class ReopenVerificationInput:
    """Which verification is opened again."""

    verification_id: strawberry.ID = strawberry.field(description=_VERIFICATION)
    reason: str = strawberry.field(description=_WHY)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class AddVerificationNoteInput:
    """A note about a verification."""

    verification_id: strawberry.ID = strawberry.field(description=_VERIFICATION)
    text: str = strawberry.field(description="The note, at most 10,000 characters.")
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class AssignVerificationInput:
    """To whom a verification is given."""

    verification_id: strawberry.ID = strawberry.field(description=_VERIFICATION)
    owner: str | None = strawberry.field(
        default=None, description="Who answers for it, at most 200 characters; null for nobody."
    )
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.type
class VerificationPayload:
    """What became of a change about a verification."""

    user_errors: list[UserError] = strawberry.field(description=WHAT_CAN_BE_MENDED)
    _found: strawberry.Private[verifications.Verification | None]

    @strawberry.field
    def verification(self, info: Info) -> Verification | None:
        """The verification after the change; null if nothing was changed."""
        if self._found is None:
            return None
        info.context.begin_reading()
        return told_verification(info.context, self._found)


def begin(asking: Asking, said: OpenVerificationInput) -> VerificationPayload:
    """Begin to verify a buyer."""
    return _change(
        asking,
        lambda: verify_buyers.open_verification(
            asking.store, asking.principal, said.buyer_id, said.reason, asking.policy, asking.now
        ),
        {BuyerUnknownError: "buyerId", TextError: "reason", VersionConflictError: None},
    )


def decide(asking: Asking, said: DecideVerificationInput) -> VerificationPayload:
    """Say how a verification ends."""
    return _change(
        asking,
        lambda: verify_buyers.decide_verification(
            asking.store,
            asking.principal,
            said.verification_id,
            said.outcome,
            said.reason,
            asking.policy,
            asking.now,
            said.expected_version,
        ),
        {TextError: "reason"},
    )


def appeal(asking: Asking, said: AppealInput) -> VerificationPayload:
    """Appeal on the buyer's behalf."""
    return _change(
        asking,
        lambda: verify_buyers.appeal(
            asking.store,
            asking.principal,
            said.verification_id,
            said.reason,
            asking.policy,
            asking.now,
            said.expected_version,
        ),
        {TextError: "reason"},
    )


def reopen(asking: Asking, said: ReopenVerificationInput) -> VerificationPayload:
    """Open a verification again."""
    return _change(
        asking,
        lambda: verify_buyers.reopen(
            asking.store,
            asking.principal,
            said.verification_id,
            said.reason,
            asking.policy,
            asking.now,
            said.expected_version,
        ),
        {TextError: "reason"},
    )


def add_note(asking: Asking, said: AddVerificationNoteInput) -> VerificationPayload:
    """Write a note."""
    return _change(
        asking,
        lambda: verify_buyers.note(
            asking.store, asking.principal, said.verification_id, said.text, asking.now, said.expected_version
        ),
        {TextError: "text"},
    )


def assign(asking: Asking, said: AssignVerificationInput) -> VerificationPayload:
    """Give a verification to somebody, or to nobody."""
    return _change(
        asking,
        lambda: verify_buyers.assign(
            asking.store,
            asking.principal,
            said.verification_id,
            said.owner,
            asking.now,
            said.expected_version,
        ),
        {TextError: "owner"},
    )


def _change(
    asking: Asking, change: Callable[[], verifications.Verification], at_fault: Fields
) -> VerificationPayload:
    found, errors = tried(asking, change, {**_AT_FAULT, **at_fault})
    return VerificationPayload(user_errors=errors, _found=found)
