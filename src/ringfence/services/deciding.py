"""What all decisions of people have in common: who may take them, and where."""

from collections.abc import Iterator
from contextlib import contextmanager

from ringfence.domain.errors import ForbiddenError
from ringfence.domain.loads import refuse_browsing_copy
from ringfence.domain.records import RecordRef
from ringfence.domain.scope import Principal, Role
from ringfence.store import Store
from ringfence.store.records import VersionConflictError


def require_role(principal: Principal, roles: tuple[Role, ...], what: str) -> None:
    """Raise ForbiddenError unless the principal has one of the roles; `what` is what it wants to do."""
    if principal.role not in roles:
        allowed = " or ".join(role.value for role in roles)
        raise ForbiddenError(
            f"The role {principal.role.value} may not {what}; it takes a key of role {allowed}."
        )


@contextmanager
def deciding(store: Store) -> Iterator[None]:
    """Decide in one transaction with what the decision rests on. Raises BrowsingCopyError."""
    with store.transaction():
        for load in store.market.loads()[-1:]:
            refuse_browsing_copy(load.source.key_id)
        yield


def refuse_other_version(record: RecordRef, expected: int | None, actual: int) -> None:
    """Raise VersionConflictError unless the record has the version that somebody saw (None: whatever)."""
    if expected is not None and expected != actual:
        raise VersionConflictError(record, expected, actual)
