"""Runs that are asked for."""

import strawberry

from ringfence.api.loaders import Asking
from ringfence.api.types.scalars import Time
from ringfence.api.types.user_error import WHAT_CAN_BE_MENDED, UserError, tried
from ringfence.domain import run_requests
from ringfence.domain.texts import TextError
from ringfence.services.ask_for_run import ask_for_run, run_request


@strawberry.type
class RunRequest:
    """A run that was asked for and that no run has served yet."""

    asked_at: Time = strawberry.field(description="When it was asked for.")
    asked_by: str = strawberry.field(description="By whom: the name of their key.")
    reason: str = strawberry.field(description="Why, in words.")

    @classmethod
    def of(cls, request: run_requests.RunRequest) -> "RunRequest":
        """Answer a request."""
        return cls(asked_at=Time(request.asked_at), asked_by=request.asked_by, reason=request.reason)


@strawberry.input
class StartRunInput:
    """A run as soon as a schedule looks at the store, within seconds."""

    reason: str = strawberry.field(description="Why, in words, at most 2,000 characters; people read it.")


@strawberry.type
class StartRunPayload:
    """What came of asking for a run."""

    run_request: RunRequest | None = strawberry.field(
        description="What was asked for; null where that was refused."
    )
    user_errors: list[UserError] = strawberry.field(description=WHAT_CAN_BE_MENDED)


def start_run(asking: Asking, given: StartRunInput) -> StartRunPayload:
    """Ask for a run."""
    made, errors = tried(
        asking,
        lambda: ask_for_run(asking.store, asking.principal, given.reason, asking.now),
        {TextError: "reason"},
    )
    return StartRunPayload(run_request=None if made is None else RunRequest.of(made), user_errors=errors)


def open_request(asking: Asking) -> RunRequest | None:
    """Answer the request that no run has served yet."""
    found = run_request(asking.store, asking.principal)
    return None if found is None else RunRequest.of(found)
