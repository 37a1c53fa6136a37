"""API keys: who may ask over the network, as what, and until when.

The events of a key's record, and what each holds: `created` {name, role, merchant_id, expires_at, digest},
`revoked` {reason}.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.errors import ConflictError, ForbiddenError, InvalidError
from ringfence.domain.records import Event
from ringfence.domain.scope import Principal, Role
from ringfence.domain.texts import LONGEST_NAME, checked_text

LONGEST_REASON = 2_000
LONGEST_DAYS = 3_650


class NoValidKeyError(ForbiddenError):
    """No valid key: there is none, or it is unknown, expired or revoked."""


class KeyStatus(StrEnum):
    """Where a key stands."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: its secret is not."""

    id: str
    """Stands before the dot of the token."""
    name: str
    """Of the principal; several keys may have one, so that they can be renewed without a gap."""
    role: Role
    merchant_id: str | None
    """Of a merchant's key; None for all others."""
    created_at: int
    """µs since 1970-01-01 UTC, as all its times."""
    expires_at: int
    revoked_at: int | None
    digest: str = field(repr=False)
    """SHA-256 of the secret, in hex: of 256 random bits, so it needs neither salt nor stretching."""

    def status(self, now: int) -> KeyStatus:
        """Say where the key stands at `now` (µs since 1970-01-01 UTC)."""
        if self.revoked_at is not None:
            return KeyStatus.REVOKED
        return KeyStatus.VALID if now < self.expires_at else KeyStatus.EXPIRED

    def principal(self) -> Principal:
        """Give the principal it stands for."""
        return Principal(self.name, self.role, self.merchant_id)

    def opens_with(self, secret: str) -> bool:
        """Whether this is its secret; takes as long whether it is or not."""
        return hmac.compare_digest(digest_of(secret), self.digest)

    def to_state(self) -> dict[str, Any]:
        """Give what a store keeps."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "ApiKey":
        """Read what a store kept."""
        return cls(**{**state, "role": Role(state["role"])})


def digest_of(secret: str) -> str:
    """Give what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def fold(key_id: str, events: Iterable[Event], key: ApiKey | None = None) -> ApiKey:
    """Say where events lead, from `key` on if it is given; the first event of a key is `created`."""
    for event in events:
        match event.type, key:
            case "created", None:
                data = event.data
                key = ApiKey(
                    id=key_id,
                    name=data["name"],
                    role=Role(data["role"]),
                    merchant_id=data["merchant_id"],
                    created_at=event.at,
                    expires_at=data["expires_at"],
                    revoked_at=None,
                    digest=data["digest"],
                )
            case "revoked", ApiKey():
                key = replace(key, revoked_at=max(event.at, key.created_at))
            case _:
                raise ValueError(f"event {event.type!r} is out of place in the record of a key")
    if key is None:
        raise ValueError("a key begins with an event")
    return key


def created(
    name: str, role: Role, merchant_id: str | None, days: int, digest: str, by: str, now: int
) -> Event:
    """Make a key that lives for `days` from `now` (µs since 1970-01-01 UTC).

    Raises InvalidError for a bad name, for days out of 1 to 3,650, and unless a merchant's key, and no other,
    names its merchant.
    """
    if merchant_id is None and role is Role.MERCHANT:
        raise InvalidError("A merchant's key needs its merchant; name it.")
    if merchant_id is not None and role is not Role.MERCHANT:
        raise InvalidError(f"Only a merchant's key names a merchant; the role {role} sees all of them.")
    merchant = None if merchant_id is None else checked_text(merchant_id, "The merchant", LONGEST_NAME)
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidError(f"A key lives for 1 to {LONGEST_DAYS:,} days, not {days:,}.")
    data = {
        "name": checked_text(name, "The key's name", LONGEST_NAME),
        "role": role.value,
        "merchant_id": merchant,
        "expires_at": now + days * MICROSECONDS_A_DAY,
        "digest": digest,
    }
    return Event("created", now, by, data)


def revoked(key: ApiKey, reason: str, by: str, now: int) -> Event:
    """End a key at once. Raises ConflictError if it was revoked before, InvalidError for a bad reason."""
    if key.revoked_at is not None:
        raise ConflictError(f"The key {key.id} ({key.name}) was revoked before.")
    return Event("revoked", now, by, {"reason": checked_text(reason, "The reason", LONGEST_REASON)})
