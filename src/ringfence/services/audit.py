"""The audit: written by whoever answers, read by those who run the installation and by investigators."""

import hashlib
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ringfence.domain.audit import AuditEntry, Head, SealedEntry, begin_chain, flaw, key_id, seal
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.errors import ForbiddenError, InvalidError, UnavailableError
from ringfence.domain.pages import Key, Page
from ringfence.domain.scope import Principal, Role
from ringfence.services.access import STAFF, require
from ringfence.store import Store
from ringfence.store.audit import ChainContinuedError

_AT_ONCE = 1_000
_SALT_BYTES = 16
_TRIES, _PAUSE_SECONDS = 200, 0.002
"""Every try that fails is another's that went through."""


class AuditWriter:
    """Seals the entries of a process that goes on in a chain of its own; used by one thread at a time."""

    def __init__(self, store: Store, key: bytes) -> None:
        self._store, self._key = store, key
        self._head = self._begin()

    def write(self, entries: Iterable[tuple[int, bytes]]) -> None:
        """Keep entries (µs since 1970-01-01 UTC, payload) in one transaction: on the disk when it returns.

        Raises UnavailableError. What had been written then may be there or not, so another chain begins.
        """
        head, sealed = self._head, []
        for at, payload in entries:
            sealed.append(seal(self._key, head, at, payload))
            head = sealed[-1].head
        try:
            self._store.audit.append(sealed)
        except BaseException:
            self._head = self._begin()
            raise
        self._head = head

    def _begin(self) -> Head:
        return begin_chain(self._key, secrets.token_hex(6))


def salted(entry: AuditEntry) -> bytes:
    """Write an entry so that its digest tells nothing once it is erased."""
    return entry.to_payload(secrets.token_hex(_SALT_BYTES))


def write_in_turn(store: Store, key: bytes, entry: AuditEntry, at: int) -> None:
    """Keep an entry of a process that soon ends, `at` µs since 1970-01-01 UTC: on the disk when it returns.

    Such processes continue one chain: were each a chain of one entry, none would tell that another was taken
    out. The chain is named after the store's place, so that what is asked about a copy joins none that was
    copied. Raises UnavailableError.
    """
    place = hashlib.sha256(store.audit.place.encode()).hexdigest()[:12]
    beginning = begin_chain(key, f"commands-{place}")
    payload = salted(entry)
    for _ in range(_TRIES):
        last = store.audit.head(beginning.chain) or beginning
        try:
            store.audit.append([seal(key, last, at, payload)])
        except ChainContinuedError:
            time.sleep(_PAUSE_SECONDS)
        else:
            return
    raise UnavailableError("Others have been writing into the audit all the time; try again.")


@dataclass(frozen=True, slots=True)
class BrokenEntry:
    """The first entry of a chain that is not as it was sealed."""

    chain: str
    number: int
    at: int | None
    """µs since 1970-01-01 UTC; None where the entry is missing."""
    why: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of verifying the audit."""

    chains: int
    entries: int
    erased: int
    """Of these entries, those that say nothing any more."""
    broken: tuple[BrokenEntry, ...]
    """One a chain at most; none if all is as it was written."""


def list_audit(
    store: Store,
    principal: Principal,
    first: int,
    after: Key | None,
    actor: str | None = None,
    subject: str | None = None,
) -> Page[SealedEntry]:
    """List entries, latest first. Raises ForbiddenError unless an operator or investigator asks."""
    require(principal, STAFF, "the audit")
    return store.audit.page(first, after, actor, subject)


def audit_heads(store: Store, principal: Principal) -> tuple[Head, ...]:
    """Give the ends of all chains, to be kept elsewhere. Raises ForbiddenError as `list_audit`."""
    require(principal, STAFF, "the audit")
    return store.audit.heads()


def verify_audit(
    store: Store,
    principal: Principal,
    key: bytes,
    kept: Sequence[Head] = (),
    other_keys: Sequence[bytes] = (),
) -> Verified:
    """Look whether all chains are as they were sealed, and reach as far as the heads that were `kept`.

    Each was sealed under the key, or one of the others. Raises ForbiddenError as `list_audit`.
    """
    require(principal, STAFF, "the audit")
    heads = store.audit.heads()
    wanted: dict[str, dict[int, bytes]] = {head.chain: {} for head in heads}
    for head in kept:
        wanted.setdefault(head.chain, {})[head.number] = head.mac
    keys = {key_id(each): each for each in (key, *other_keys)}
    entries = erased = 0
    broken = []
    for chain in sorted(wanted):
        found = _Chain(store, keys.get(chain.partition("-")[0], key), chain, wanted[chain])
        broken += [] if found.broken is None else [found.broken]
        entries, erased = entries + found.entries, erased + found.erased
    return Verified(len(heads), entries, erased, tuple(broken))


def erase_audit(store: Store, principal: Principal, days: int, now: int) -> int:
    """Erase what entries say that are older than `days`, and give how many; they can still be verified.

    `now` is µs since 1970-01-01 UTC. Raises ForbiddenError unless an operator asks, InvalidError.
    """
    if principal.role is not Role.OPERATOR:
        raise ForbiddenError("Only operators erase what the audit says.")
    if days < 1:
        raise InvalidError("At least the last day of the audit is kept; say --days 1 or more.")
    before, erased = now - days * MICROSECONDS_A_DAY, 0
    while some := store.audit.erase(before, _AT_ONCE):
        erased += some
    return erased


class _Chain:
    """One chain, read from its beginning to its end or its first flaw."""

    def __init__(self, store: Store, key: bytes, chain: str, wanted: dict[int, bytes]) -> None:
        self.entries = self.erased = 0
        self.broken: BrokenEntry | None = None
        last = replace(begin_chain(key, ""), chain=chain)
        while self.broken is None and (found := store.audit.read(chain, last.number, _AT_ONCE)):
            for sealed in found:
                why = flaw(key, last, sealed)
                if why is None and wanted.get(sealed.number, sealed.mac) != sealed.mac:
                    why = "it is not the one whose head was kept"
                if why is not None:
                    self.broken = BrokenEntry(chain, sealed.number, sealed.at, why)
                    break
                self.entries += 1
                self.erased += sealed.payload is None
                last = sealed.head
        furthest = max(wanted, default=0)
        if self.broken is None and furthest > last.number:
            why = f"the chain ends before entry {furthest}, whose head was kept"
            self.broken = BrokenEntry(chain, last.number + 1, None, why)
