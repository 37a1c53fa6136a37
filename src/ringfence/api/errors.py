"""What every refusal looks like from outside: code, HTTP status, and nothing that must stay inside."""

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

from ringfence.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RingfenceError,
    UnavailableError,
)
from ringfence.services.look_up import TooManyLookupsError

INTERNAL = "INTERNAL"
INVALID = "INVALID"
RATE_LIMITED = "RATE_LIMITED"
TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
UNAUTHENTICATED = "UNAUTHENTICATED"
UNAVAILABLE = "UNAVAILABLE"
_KINDS: tuple[tuple[type[RingfenceError], str, int], ...] = (
    (NotFoundError, "NOT_FOUND", 404),
    (InvalidError, INVALID, 400),
    (ConflictError, "CONFLICT", 409),
    (ForbiddenError, "FORBIDDEN", 403),
    (UnavailableError, UNAVAILABLE, 503),
)


class UnauthenticatedError(ForbiddenError):
    """A valid key is needed: Authorization: Bearer ID.SECRET (ringfence keys create makes one)."""


class TooManyChangesError(ForbiddenError):
    """Too many changes are waiting for the store; ask again."""


class TooManyRequestsError(ForbiddenError):
    """The allowance of this key is used up for now."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"The allowance of this key is used up; ask again in {seconds} s.")
        self.seconds = seconds
        """Until what was asked for can be afforded."""


def code_of(error: BaseException) -> str:
    """Give the code of an error."""
    return _kind(error)[0]


def status_of(error: BaseException) -> int:
    """Give the HTTP status of a request that came to nothing for an error."""
    return _kind(error)[1]


def is_expected(error: BaseException) -> bool:
    """Whether an error is a refusal of ours, rather than a fault to look into."""
    return isinstance(error, RingfenceError) and not isinstance(error, UnavailableError)


def refusal(error: BaseException, request_id: str) -> dict[str, Any]:
    """Give an error as GraphQL writes it; faults say no more than where the log tells about them."""
    code = code_of(error)
    if code == INTERNAL:
        return _told("Something went wrong here; the server's log says what.", code, request_id)
    if code == UNAVAILABLE:
        return _told("The store does not answer; the server's log says why.", code, request_id)
    return _told(str(error), code, None)


def cause_of(error: GraphQLError) -> BaseException:
    """Give what a resolver raised, or that the query itself is not valid."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause if cause is not None else InvalidError(error.message)


def refusals(errors: Sequence[GraphQLError], request_id: str) -> list[dict[str, Any]]:
    """Give the errors of one answer as GraphQL writes them."""
    told = []
    for error in errors:
        one = refusal(cause_of(error), request_id)
        if error.locations:
            one["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
        if error.path is not None:
            one["path"] = list(error.path)
        told.append(one)
    return told


def _told(message: str, code: str, request_id: str | None) -> dict[str, Any]:
    about = {"code": code} if request_id is None else {"code": code, "requestId": request_id}
    return {"message": message, "extensions": about}


def _kind(error: BaseException) -> tuple[str, int]:
    if isinstance(error, UnauthenticatedError):
        return UNAUTHENTICATED, 401
    if isinstance(error, TooManyRequestsError):
        return TOO_MANY_REQUESTS, 429
    if isinstance(error, TooManyChangesError):
        return TOO_MANY_REQUESTS, 503
    if isinstance(error, TooManyLookupsError):
        return RATE_LIMITED, 429
    for kind, code, status in _KINDS:
        if isinstance(error, kind):
            return code, status
    return INTERNAL, 500
