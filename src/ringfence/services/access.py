"""Which roles may read what; every service that reads for a principal asks here first."""

from ringfence.domain.errors import ForbiddenError
from ringfence.domain.scope import Principal, Role

STAFF = frozenset({Role.INVESTIGATOR, Role.OPERATOR})
"""Those who see the whole marketplace."""
RUN_READERS = STAFF | {Role.JOB}
BUYER_READERS = STAFF | {Role.MERCHANT}
"""Merchants read within their scope."""


def require(principal: Principal, roles: frozenset[Role], what: str) -> None:
    """Raise ForbiddenError unless the principal has one of the roles; `what` is what it wants to read."""
    if principal.role not in roles:
        raise ForbiddenError(f"A {principal.role.value}'s key may not read {what}.")
