"""API keys: made, listed, revoked, and asked for who stands behind one."""

import secrets

from ringfence.domain.api_keys import (
    ApiKey,
    KeyStatus,
    NoValidKeyError,
    created,
    digest_of,
    fold,
    revoked,
)
from ringfence.domain.errors import ForbiddenError, NotFoundError
from ringfence.domain.records import RecordKind, RecordRef, Subject, SubjectKind
from ringfence.domain.scope import Principal, Role
from ringfence.store import Store

_SECRET_BYTES = 32
_LONGEST_TOKEN = 200


def create_key(
    store: Store, principal: Principal, name: str, role: Role, merchant_id: str | None, days: int, now: int
) -> tuple[ApiKey, str]:
    """Make a key and give it with its token, `id.secret`, which nobody can find out later.

    `now` is µs since 1970-01-01 UTC. Raises ForbiddenError unless an operator asks, InvalidError.
    """
    _require_operator(principal)
    key_id, secret = f"k{secrets.token_hex(6)}", secrets.token_urlsafe(_SECRET_BYTES)
    event = created(name, role, merchant_id, days, digest_of(secret), principal.name, now)
    key = fold(key_id, [event])
    concerns = [Subject(SubjectKind.MERCHANT, key.merchant_id)] if key.merchant_id else []
    store.records.append(_ref(key_id), [event], 0, key.to_state(), concerns)
    return key, f"{key_id}.{secret}"


def list_keys(store: Store, principal: Principal) -> tuple[ApiKey, ...]:
    """List all keys there ever were, latest first. Raises ForbiddenError unless an operator asks."""
    _require_operator(principal)
    keys = [ApiKey.from_state(state.state) for state in store.records.current(RecordKind.KEY)]
    return tuple(sorted(keys, key=lambda key: (-key.created_at, key.id)))


def revoke_key(store: Store, principal: Principal, key_id: str, reason: str, now: int) -> ApiKey:
    """End a key at once.

    `now` is µs since 1970-01-01 UTC. Raises ForbiddenError unless an operator asks, NotFoundError,
    ConflictError if it was revoked before, InvalidError for a reason that is empty or too long.
    """
    _require_operator(principal)
    with store.transaction():
        state = store.records.state(_ref(key_id))
        if state is None:
            raise NotFoundError(f"There is no key {key_id}; ringfence keys list shows those there are.")
        key = ApiKey.from_state(state.state)
        event = revoked(key, reason, principal.name, now)
        ended = fold(key_id, [event], key)
        store.records.append(_ref(key_id), [event], state.version, ended.to_state())
        return ended


def authenticate(store: Store, token: str, now: int) -> Principal:
    """Say who stands behind a token at `now` (µs since 1970-01-01 UTC).

    Raises NoValidKeyError, the same whatever is wrong with it.
    """
    key_id, separator, secret = token.partition(".")
    if not separator or len(token) > _LONGEST_TOKEN or not token.isascii():
        raise NoValidKeyError
    state = store.records.state(_ref(key_id))
    if state is None:
        raise NoValidKeyError
    key = ApiKey.from_state(state.state)
    if not key.opens_with(secret) or key.status(now) is not KeyStatus.VALID:
        raise NoValidKeyError
    return key.principal()


def _require_operator(principal: Principal) -> None:
    if principal.role is not Role.OPERATOR:
        raise ForbiddenError("Only operators manage keys.")


def _ref(key_id: str) -> RecordRef:
    return RecordRef(RecordKind.KEY, key_id)
