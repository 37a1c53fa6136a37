"""The port of the audit: sealed entries, which are only ever added."""

from collections.abc import Sequence
from typing import Protocol

from ringfence.domain.audit import Head, SealedEntry
from ringfence.domain.errors import ConflictError, InvalidError
from ringfence.domain.pages import Key, Page

_MOST_DIGITS = 18


class ChainContinuedError(ConflictError):
    """Another process has continued the chain meanwhile."""

    def __init__(self, chain: str) -> None:
        super().__init__(f"Another process has continued the audit's chain {chain} meanwhile; try again.")
        self.chain = chain


class Audit(Protocol):
    """The store keeps entries as they were sealed, and finds them by time, actor and subject.

    Snapshots do not hold it: it is always shown as it is.
    """

    @property
    def place(self) -> str:
        """Where the store is: no copy of it is there."""

    def append(self, entries: Sequence[SealedEntry]) -> None:
        """Keep entries of one chain, all or none; they are on the disk when this returns.

        What is there already stays. Raises ChainContinuedError if there is something else at its place: of
        two processes that continue a chain at once one is first. Raises UnavailableError, after which they
        may be there or not: look for the chain's head, or begin another chain.
        """

    def head(self, chain: str) -> Head | None:
        """Give the last entry of a chain; None if there is no such chain."""

    def page(
        self, first: int, after: Key | None, actor: str | None = None, subject: str | None = None
    ) -> Page[SealedEntry]:
        """List entries, latest first (Key: at, place_of); with an actor or a subject, those not erased."""

    def read(self, chain: str, after: int, first: int) -> tuple[SealedEntry, ...]:
        """Give up to `first` entries of a chain that follow its entry `after` (0: from its beginning)."""

    def heads(self) -> tuple[Head, ...]:
        """Give the last entry of each chain, by name."""

    def erase(self, before: int, first: int) -> int:
        """Erase the payloads of up to `first` entries from before a moment (µs since 1970-01-01 UTC).

        Gives how many were erased; 0 when none is left. All else stays, so that chains can be verified.
        """

    def look_up(self, merchant_id: str, day: int, buyers: Sequence[bytes], most: int) -> bool:
        """Count the buyers that a merchant looks up on a day (days since 1970-01-01 UTC), each once.

        `buyers` are digests. Tells whether they are `most` together with those of that day before; if not,
        none is counted. What was counted on other days is forgotten.
        """


def place_of(sealed: SealedEntry) -> str:
    """Give what tells an entry from others of the same time in a list."""
    return f"{sealed.chain}:{sealed.number}"


def read_place(place: str) -> tuple[str, int]:
    """Read chain and number of what `place_of` gave. Raises InvalidError for anything else."""
    chain, _, number = place.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS):
        raise InvalidError("There is no such place in the audit; begin anew.")
    return chain, int(number)
