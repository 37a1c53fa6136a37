"""The audit: who asked what about whom, sealed in chains that show whether entries were changed or taken out.

Each process that answers over the network writes a chain of its own; commands continue one, in turn. An
entry's MAC is taken over the MAC before it and the digest of its
payload: so a payload can be erased, and the chain still proves when there was something, and that nothing was
put in, taken out or moved. That its end was not cut off is proved by heads that were kept elsewhere.
"""

import hashlib
import hmac
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

import orjson

from ringfence.domain.errors import InvalidError
from ringfence.domain.scope import Role
from ringfence.domain.texts import checked_text

ANSWERED = "ANSWERED"
"""The outcome of what was not refused."""
LONGEST_PURPOSE = 200
MOST_SUBJECTS = 200
"""So many subjects of an operation are named; the others are counted."""
_LONGEST_SUBJECT = 200
_NO_MAC = bytes(32)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One operation. What was answered is not in it, nor the words it was asked in."""

    actor: str
    """The principal's name: of the key, or of who gave the command."""
    role: Role
    merchant_id: str | None
    """Of a merchant's principal; None for all others."""
    purpose: str
    """Why, as who asked has told it; else the operation's name."""
    operation: str
    """What was asked for or changed: `buyerRisk`, `ringfence risk`; several are joined by commas."""
    subjects: tuple[str, ...]
    """Ids of the buyers, rings, verifications and the like that were asked for or answered, in order."""
    further_subjects: int
    """How many subjects there are besides those named."""
    fields: tuple[str, ...]
    """Names of the fields that were asked for, in order; none of a command, which always tells the same."""
    outcome: str
    """ANSWERED, or the code of the refusal."""

    def to_payload(self, salt: str) -> bytes:
        """Write it; the salt keeps its digest from telling anything once the payload is erased."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return orjson.dumps(told | {"salt": salt})

    @classmethod
    def from_payload(cls, payload: bytes) -> "AuditEntry":
        """Read what `to_payload` wrote."""
        told: Mapping[str, Any] = orjson.loads(payload)
        cells = {name: told[name] for name in cls.__slots__}
        lists = {name: tuple(cells[name]) for name in ("subjects", "fields")}
        return cls(**cells | lists | {"role": Role(cells["role"])})


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: whoever keeps it elsewhere can tell whether the chain was cut off or replaced."""

    chain: str
    number: int
    """Of the last entry; 0 before the first."""
    mac: bytes

    def __str__(self) -> str:
        return f"{self.chain}:{self.number}:{self.mac.hex()}"

    @classmethod
    def read(cls, text: str) -> "Head":
        """Read what `str` wrote. Raises InvalidError."""
        chain, _, rest = text.strip().partition(":")
        number, _, mac = rest.partition(":")
        try:
            head = cls(chain, int(number), bytes.fromhex(mac))
        except ValueError:
            head = cls("", 0, b"")
        if not head.chain or head.number < 1 or len(head.mac) != len(_NO_MAC):
            raise InvalidError(
                f"{text[:100]} is no head of an audit; write it as ringfence audit heads has printed it."
            )
        return head


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """An entry in its chain: `(:AuditEntry {chain, number})`; only its payload may ever be erased."""

    chain: str
    number: int
    """1, 2, … without a gap."""
    at: int
    """When it was written down, µs since 1970-01-01 UTC."""
    digest: bytes
    """SHA-256 of the payload."""
    mac: bytes
    """HMAC-SHA-256 over the MAC before it, chain, number, time and digest."""
    payload: bytes | None
    """None once it is erased."""

    @property
    def head(self) -> Head:
        """Give the end of the chain that this entry makes."""
        return Head(self.chain, self.number, self.mac)

    @property
    def entry(self) -> AuditEntry | None:
        """Give what it says; None once that is erased."""
        return None if self.payload is None else AuditEntry.from_payload(self.payload)


def begin_chain(key: bytes, name: str) -> Head:
    """Begin a chain under a key; `name` is random where one process alone is to write it."""
    return Head(f"{key_id(key)}-{name}", 0, _NO_MAC)


def seal(key: bytes, last: Head, at: int, payload: bytes) -> SealedEntry:
    """Put a payload at the end of a chain; `at` is µs since 1970-01-01 UTC."""
    digest = hashlib.sha256(payload).digest()
    number = last.number + 1
    return SealedEntry(last.chain, number, at, digest, _mac(key, last, number, at, digest), payload)


def flaw(key: bytes, last: Head, sealed: SealedEntry) -> str | None:
    """Say what is wrong with the entry that follows `last` in its chain; None if nothing is."""
    if not sealed.chain.startswith(f"{key_id(key)}-"):
        return "it was sealed under another key"
    if sealed.number != last.number + 1:
        return f"entry {last.number + 1} is missing before it"
    if not hmac.compare_digest(_mac(key, last, sealed.number, sealed.at, sealed.digest), sealed.mac):
        return "it is not as it was sealed"
    if sealed.payload is not None and hashlib.sha256(sealed.payload).digest() != sealed.digest:
        return "what it says was changed"
    return None


def key_id(key: bytes) -> str:
    """Name a key in 8 hex digits that say nothing about it."""
    return hmac.digest(key, b"ringfence audit key id", "sha256").hex()[:8]


def checked_purpose(text: str, where: str = "X-Purpose") -> str:
    """Give a purpose as it is kept; `where` it was told.

    Raises InvalidError for one that is too long or not of one line.
    """
    purpose = checked_text(text, f"The purpose ({where})", LONGEST_PURPOSE)
    if not purpose.isprintable():
        raise InvalidError(f"The purpose ({where}) holds characters that cannot be shown; write one line.")
    return purpose


def bounded(subjects: set[str], asked: Set[str] = frozenset()) -> tuple[tuple[str, ...], int]:
    """Give the subjects that an entry names, long ones cut, and how many there are besides.

    They are in order, those that were `asked` for before the others.
    """
    named = [*sorted(asked), *sorted(subjects - asked)][:MOST_SUBJECTS]
    return tuple(subject[:_LONGEST_SUBJECT] for subject in named), len(subjects | asked) - len(named)


def _mac(key: bytes, last: Head, number: int, at: int, digest: bytes) -> bytes:
    # The quick way of hmac.digest lets another thread in, and then waits for it.
    told = last.mac + f"{last.chain}:{number}:{at}:".encode() + digest
    return hmac.new(key, told, "sha256").digest()
