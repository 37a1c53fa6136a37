"""What people decide about recoveries, and merchants dispute: what they say, and what is answered."""

from collections.abc import Callable

import strawberry

from ringfence.api.loaders import Asking
from ringfence.api.types.asking import Info
from ringfence.api.types.recovery import Recovery, told_recovery
from ringfence.api.types.user_error import WHAT_CAN_BE_MENDED, Fields, UserError, tried
from ringfence.domain import recoveries
from ringfence.domain.errors import InvalidError, NotFoundError
from ringfence.domain.loads import BrowsingCopyError
from ringfence.domain.texts import TextError
from ringfence.services import recover_losses
from ringfence.services.recover_losses import RecoveryUnknownError
from ringfence.store.records import VersionConflictError

_RECOVERY = "The recoveryId of the recovery."
_WHY = "Why, in words, at most 2,000 characters; whoever looks later reads it."
_REFERENCE = "What names it in the books, at most 200 characters."
_SEEN = (
    "The `version` of the recovery that was seen: CONFLICT if others changed it since. If null, what they "
    "decided meanwhile is passed over."
)
_AT_FAULT: Fields = {
    BrowsingCopyError: None,
    RecoveryUnknownError: "recoveryId",
    VersionConflictError: "expectedVersion",
}
_OF_CLAIMS: Fields = {TextError: "reason", InvalidError: "claimIds", NotFoundError: "claimIds"}
_OF_MONEY: Fields = {TextError: "reference", NotFoundError: "claimId"}


@strawberry.input
class ApproveRecoveryInput:
    """What is to be paid."""

    recovery_id: strawberry.ID = strawberry.field(description=_RECOVERY)
    claim_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Which of its claims; all that are PROPOSED if null."
    )
    reason: str = strawberry.field(description=_WHY)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class RefuseRecoveryInput:
    """What is not to be paid."""

    recovery_id: strawberry.ID = strawberry.field(description=_RECOVERY)
    claim_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Which of its claims; all that are PROPOSED or APPROVED if null."
    )
    reason: str = strawberry.field(description=_WHY)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class PayRecoveryInput:
    """For which claim the merchant was paid all that was approved."""

    recovery_id: strawberry.ID = strawberry.field(description=_RECOVERY)
    claim_id: strawberry.ID = strawberry.field(description="The claim, which must be APPROVED.")
    reference: str = strawberry.field(description=_REFERENCE)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class ReturnRecoveryInput:
    """For which claim the merchant gave back all that it was paid."""

    recovery_id: strawberry.ID = strawberry.field(description=_RECOVERY)
    claim_id: strawberry.ID = strawberry.field(description="The claim, which must be due back.")
    reference: str = strawberry.field(description=_REFERENCE)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class DisputeRecoveryInput:
    """With which recovery the merchant does not agree."""

    recovery_id: strawberry.ID = strawberry.field(
        description="The recoveryId of the merchant's own recovery."
    )
    reason: str = strawberry.field(description=_WHY)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.type
class RecoveryPayload:
    """What became of a change about a recovery."""

    user_errors: list[UserError] = strawberry.field(description=WHAT_CAN_BE_MENDED)
    _found: strawberry.Private[recoveries.Recovery | None]

    @strawberry.field
    def recovery(self, info: Info) -> Recovery | None:
        """The recovery after the change; null if nothing was changed."""
        if self._found is None:
            return None
        info.context.begin_reading()
        return told_recovery(info.context, self._found)


def approve(asking: Asking, said: ApproveRecoveryInput) -> RecoveryPayload:
    """Agree to pay."""
    return _change(
        asking,
        lambda: recover_losses.approve(
            asking.store,
            asking.principal,
            said.recovery_id,
            said.claim_ids,
            said.reason,
            asking.now,
            said.expected_version,
        ),
        _OF_CLAIMS,
    )


def refuse(asking: Asking, said: RefuseRecoveryInput) -> RecoveryPayload:
    """Decide not to pay."""
    return _change(
        asking,
        lambda: recover_losses.refuse(
            asking.store,
            asking.principal,
            said.recovery_id,
            said.claim_ids,
            said.reason,
            asking.now,
            said.expected_version,
        ),
        _OF_CLAIMS,
    )


def pay(asking: Asking, said: PayRecoveryInput) -> RecoveryPayload:
    """Say that a claim was paid."""
    return _change(
        asking,
        lambda: recover_losses.pay(
            asking.store,
            asking.principal,
            said.recovery_id,
            said.claim_id,
            said.reference,
            asking.now,
            said.expected_version,
        ),
        _OF_MONEY,
    )


def give_back(asking: Asking, said: ReturnRecoveryInput) -> RecoveryPayload:
    """Say that the merchant gave back what it was paid."""
    return _change(
        asking,
        lambda: recover_losses.give_back(
            asking.store,
            asking.principal,
            said.recovery_id,
            said.claim_id,
            said.reference,
            asking.now,
            said.expected_version,
        ),
        _OF_MONEY,
    )


def dispute(asking: Asking, said: DisputeRecoveryInput) -> RecoveryPayload:
    """Disagree, as the merchant."""
    return _change(
        asking,
        lambda: recover_losses.dispute(
            asking.store, asking.principal, said.recovery_id, said.reason, asking.now, said.expected_version
        ),
        {TextError: "reason"},
    )


def _change(asking: Asking, change: Callable[[], recoveries.Recovery], at_fault: Fields) -> RecoveryPayload:
    found, errors = tried(asking, change, {**_AT_FAULT, **at_fault})
    return RecoveryPayload(user_errors=errors, _found=found)
