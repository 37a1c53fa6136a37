"""The store as a whole: its subjects, and what holds them together."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ringfence.domain.leases import Lease
from ringfence.domain.progress import Progress
from ringfence.store.audit import Audit
from ringfence.store.leads import Leads
from ringfence.store.leases import Leases
from ringfence.store.market import MarketPort
from ringfence.store.offline import ImportFiles
from ringfence.store.records import Records
from ringfence.store.reports import Reports
from ringfence.store.rings import Rings

if TYPE_CHECKING:
    from ringfence.store.history import History


@dataclass(frozen=True, slots=True)
class Health:
    """What /readyz tells of a store."""

    schema_version: int
    market_version: int
    """The last complete load; 0 before the first."""
    last_run_id: int | None
    """The published run; None before the first."""
    last_published_at: int | None
    """µs since 1970-01-01 UTC."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was made and verified."""

    path: Path
    size_bytes: int
    health: Health
    """Of the copy."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A store that is what a backup holds."""

    path: Path | None
    """None where the store is on a server, as its size is."""
    size_bytes: int | None
    health: Health


class Store(Protocol):
    """One store holds everything: one thing to back up, one transaction for a decision and its record.

    The verbs of its subjects may be called from any thread. Alone, each is a transaction of its own; inside
    `transaction` or `snapshot` (of the same thread) all share one. A store that does not answer raises
    UnavailableError.
    """

    @property
    def reads_at_once(self) -> bool:
        """Whether it answers small questions from this machine's files, without waiting for anybody."""

    @property
    def market(self) -> MarketPort:
        """Claims, orders, identifiers, and loads."""

    @property
    def rings(self) -> Rings:
        """Rings and runs."""

    @property
    def leads(self) -> Leads:
        """Suspicions too weak to be rings."""

    @property
    def reports(self) -> Reports:
        """Merchants' reports."""

    @property
    def records(self) -> Records:
        """Decisions, keys, and whatever else has a history."""

    @property
    def leases(self) -> Leases:
        """Who may load or detect."""

    @property
    def audit(self) -> Audit:
        """Who asked what about whom."""

    def transaction(self, lease: Lease | None = None) -> AbstractContextManager[None]:
        """Write all or nothing; with a lease only while it is held, else LeaseLostError.

        Keep it short: there is one writer.
        """

    def snapshot(self) -> AbstractContextManager[None]:
        """Read one state of the store, from the first read on, whatever others write meanwhile."""

    def health(self) -> Health:
        """Say where the store stands; raises UnavailableError if it does not answer."""

    def back_up(self, path: Path, progress: Progress | None = None) -> Backup:
        """Copy the store to a new file while it is in use, and verify the copy.

        The key of the pseudonyms is not in it. Raises ConflictError if the file exists, UnavailableError.
        """

    def close(self) -> None:
        """Let go of everything."""


class Stores(Protocol):
    """Where stores are opened and put back by address: `sqlite:///PATH`, the path alone, `neo4j://HOST`."""

    def open(self, address: str | None, *, create: bool) -> Store:
        """Open the store at an address (None: the one in the user's data folder).

        Raises InvalidError for an address of no known kind, NotFoundError where there is no store and
        none is to be made, UnavailableError where it does not answer.
        """

    def import_files(self, address: str | None) -> ImportFiles:
        """Give what makes files for the import tool of the server at an address, which is not asked.

        Raises InvalidError for an address of a store that has no such tool.
        """

    def restore(
        self, backup: Path, address: str | None, *, replace: bool, progress: Progress | None = None
    ) -> Restored:
        """Make the store at an address what the backup holds, whatever kind of store it was made of.

        A file is replaced in one step. A store on a server is emptied and written anew, and until that is
        done everybody who opens it is told; where it is interrupted, the same call heals it. Raises
        NotFoundError or InvalidError for the backup, ConflictError if there is a store already and it is not
        to be replaced, InvalidError if what is there is no store, UnavailableError.
        """

    def open_backup(self, backup: Path) -> "AbstractContextManager[History]":
        """Read what a backup holds, of whatever kind of store; NotFoundError, InvalidError for a bad one."""
