"""One Neo4j database: its statements, its transactions, and what holds reads together."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVar
from uuid import uuid4

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    Driver,
    GraphDatabase,
    NotificationMinimumSeverity,
    Query,
    Session,
    Transaction,
)

from ringfence.domain.errors import UnavailableError
from ringfence.domain.leases import Lease, LeaseLostError
from ringfence.store.neo4j.address import Address
from ringfence.store.neo4j.failures import DRIVER_ERRORS, ServerError, meaning
from ringfence.store.neo4j.statements import statements

STORE = "ringfence"
"""The id of the one node (:Store), which every writer locks first."""
_UNHEARD = logging.NullHandler()
"""What the driver logs comes as an error too; unheard, Python would print it between lines for people."""
_CONNECT_SECONDS = 5.0
_ACQUIRE_SECONDS = 10.0
"""How long to wait for a connection that is ready for use."""
_READ_SECONDS = 60.0
"""How long a statement that reads may take."""
_WRITE_SECONDS = 120.0
"""How long a transaction may take, waiting for others included."""
READ_PATIENCE_SECONDS = 10.0
"""How long to go on asking a server that does not answer, as while it is started again."""
WRITE_PATIENCE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 2.0
_MANY_RECORDS, _FEW_RECORDS = 1_000, 8
"""How many records come at a time, and how many of bulk, each of which holds thousands of rows."""

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Pins:
    """The state a snapshot shows; None where there is no snapshot, so that the current state is meant."""

    version: int | None = None
    """The last complete load; 0 before the first."""
    run: int | None = None
    """The published run; 0 before the first."""
    write: int | None = None
    """The last transaction that wrote: records are shown as of it."""


@dataclass(slots=True)
class _Seen:
    """What the snapshot of a thread shows."""

    pins: Pins | None = None
    """None until something is read that hangs on them."""


class Database:
    """Statements by name, on the transaction or snapshot of their thread, else each by itself.

    There is one writer at a time: each transaction that writes locks (:Store) first and counts itself there,
    so that writers never meet in a deadlock, and a record's events tell in which transaction they came.
    Readers wait for nobody: rows carry the load, run or transaction they came with, and a snapshot asks for
    those up to what it saw at first.
    """

    def __init__(self, address: Address, *, replaces: str | None = None) -> None:
        """Make a driver; nothing is sent yet. `replaces` names who replaces the store, if one does."""
        self.address, self.replaces = address, replaces
        self._local = threading.local()
        logging.getLogger("neo4j").addHandler(_UNHEARD)
        with self._errors():
            self._driver: Driver = GraphDatabase.driver(
                address.uri,
                auth=None if address.user is None else (address.user, address.password or ""),
                connection_timeout=_CONNECT_SECONDS,
                connection_acquisition_timeout=_ACQUIRE_SECONDS,
                max_transaction_retry_time=0.0,
                liveness_check_timeout=30.0,
                keep_alive=True,
                notifications_min_severity=NotificationMinimumSeverity.OFF,
                user_agent="ringfence",
            )
        self._bookmarks = GraphDatabase.bookmark_manager()

    def agent(self) -> str:
        """Ask the server what it is, such as Neo4j/5.26.0."""
        with self._errors():
            return self._driver.get_server_info().agent

    def all(
        self,
        name: str,
        /,
        *,
        patience: float = READ_PATIENCE_SECONDS,
        bulk: bool = False,
        **values: Any,
    ) -> list[tuple[Any, ...]]:
        """Give all rows of a statement; `bulk` where a row holds thousands of cells."""
        text = statements()[name].text
        given = {"store": STORE, **values}
        transaction: Transaction | None = getattr(self._local, "transaction", None)
        if transaction is not None:
            with self._errors():
                return [tuple(row.values()) for row in transaction.run(text, given)]

        def read() -> list[tuple[Any, ...]]:
            with self._errors(), self._session(READ_ACCESS, bulk=bulk) as session:
                return [tuple(row.values()) for row in session.run(Query(text, timeout=_READ_SECONDS), given)]

        return _persist(read, patience)

    def one(self, name: str, /, **values: Any) -> tuple[Any, ...] | None:
        """Give the first row of a statement."""
        rows = self.all(name, **values)
        return rows[0] if rows else None

    def write_alone(
        self, name: str, /, *, seconds: float = _WRITE_SECONDS, **values: Any
    ) -> list[tuple[Any, ...]]:
        """Run one statement that writes before there is a store to lock; it must bear being run twice.

        It may take `seconds`.
        """
        return _persist(partial(self._write_alone, name, seconds, values), WRITE_PATIENCE_SECONDS)

    def write(self, work: Callable[[], _Made], lease: Lease | None = None) -> _Made:
        """Do work that writes in a transaction, all of it or nothing, under a lease only while it is held.

        Inside another transaction it is part of that one. Alone, it is done again where the server turned it
        down for the moment or the connection was lost, so it must bear being done twice; where the commit
        itself was cut off, the store tells whether it took place.
        """
        if self.is_writing:
            self._check(lease)
            return work()
        made: list[_Made] = []

        def attempt() -> None:
            made.clear()
            with self.transaction(lease):
                made.append(work())

        _persist(attempt, WRITE_PATIENCE_SECONDS)
        return made[0]

    @contextmanager
    def transaction(self, lease: Lease | None = None) -> Iterator[None]:
        """Write all or nothing; inside another transaction, be part of it."""
        if self.is_writing:
            self._check(lease)
            yield
            return
        mark = uuid4().hex
        with self._session(WRITE_ACCESS) as session:
            with self._errors():
                transaction = session.begin_transaction(timeout=_WRITE_SECONDS)
            self._local.transaction = transaction
            try:
                number = self._begin(lease, mark)
                self._local.write = number
                yield
            except BaseException:
                with suppress(*DRIVER_ERRORS):
                    transaction.close()
                raise
            finally:
                self._local.transaction = None
            self._commit(transaction, number, mark, lease)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state of the store, from the first read on; inside a transaction or another snapshot, be
        part of it."""
        if self.is_writing or self._seen() is not None:
            yield
            return
        self._local.seen = _Seen()
        try:
            yield
        finally:
            self._local.seen = None

    def all_and_pins(self, name: str, /, **values: Any) -> list[tuple[Any, ...]]:
        """Give all rows of a statement without their last three cells: the pins as of which it reads where
        `version` is null. A snapshot that begins with it need not ask for them."""
        seen = None if self.is_writing else self._seen()
        is_first = seen is not None and seen.pins is None
        rows = self.all(name, version=None if is_first else self.pins.version, **values)
        if seen is not None and is_first:
            seen.pins = Pins(*rows[0][-3:]) if rows else Pins(0, 0, 0)
        return [row[:-3] for row in rows]

    @property
    def is_writing(self) -> bool:
        """Whether this thread is in a transaction."""
        return getattr(self._local, "transaction", None) is not None

    @property
    def pins(self) -> Pins:
        """What the snapshot of this thread shows; in a transaction, what there is."""
        seen = None if self.is_writing else self._seen()
        if seen is None:
            return Pins()
        if seen.pins is None:
            row = self.one("find_pins")
            seen.pins = Pins(*row) if row else Pins(0, 0, 0)
        return seen.pins

    @property
    def write_number(self) -> int:
        """The number of this thread's transaction."""
        return int(self._local.write)

    def close(self) -> None:
        """Let go of all connections."""
        with suppress(*DRIVER_ERRORS):
            self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _seen(self) -> _Seen | None:
        seen: _Seen | None = getattr(self._local, "seen", None)
        return seen

    def _write_alone(self, name: str, seconds: float, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._errors(), self._session(WRITE_ACCESS) as session:
            given = {"store": STORE, **values}
            found = session.run(Query(statements()[name].text, timeout=seconds), given)
            return [tuple(row.values()) for row in found]

    def _session(self, access: str, *, bulk: bool = False) -> Session:
        return self._driver.session(
            database=self.address.database,
            default_access_mode=access,
            bookmark_manager=self._bookmarks,
            fetch_size=_FEW_RECORDS if bulk else _MANY_RECORDS,
        )

    def _begin(self, lease: Lease | None, mark: str) -> int:
        """Wait for one's turn, count oneself, and see whether the lease is held."""
        name, token = (lease.name, lease.token) if lease else (None, None)
        row = self.one("begin_write", mark=mark, lease=name, token=token, replaces=self.replaces)
        if row is None:
            raise UnavailableError(
                f"The store {self.address} is being replaced, or was emptied meanwhile; look again when that "
                "is done."
            )
        number, is_held = row
        if lease is not None and not is_held:
            raise LeaseLostError(lease.name)
        return int(number)

    def _check(self, lease: Lease | None) -> None:
        if lease is not None and self.one("find_held_lease", lease=lease.name, token=lease.token) is None:
            raise LeaseLostError(lease.name)

    def _commit(self, transaction: Transaction, number: int, mark: str, lease: Lease | None) -> None:
        try:
            with self._errors():
                transaction.commit()
        except ServerError as error:
            if not error.is_cut_off:
                raise
            if not self._was_committed(number, mark, lease, error):
                raise ServerError(self.address, error.reason, is_transient=True) from error

    def _was_committed(self, number: int, mark: str, lease: Lease | None, error: ServerError) -> bool:
        """Ask whether a commit that was cut off took place."""
        asked: dict[str, Any] = {"lease": lease.name if lease else None}
        ((writes, last, last_of_lease),) = self.write_alone("settle_last_write", **asked)
        if mark in (last, last_of_lease):
            return True
        # Numbers are given once: had it taken place, its mark stood there until a later writer's number did.
        # Under a lease nobody else leaves a mark on it: a renewal leaves none.
        if writes <= number or lease is not None:
            return False
        raise ServerError(
            self.address,
            "the connection was lost while something was written, and others have written since; look "
            "whether it is there before you try again",
            is_transient=False,
        ) from error

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DRIVER_ERRORS as error:
            raise meaning(self.address, error) from error
        except OSError as error:
            raise ServerError(self.address, str(error), is_transient=False) from error


def _persist(work: Callable[[], _Made], patience: float) -> _Made:
    """Do it again, with growing pauses, while the server turns it down for the moment."""
    deadline = time.monotonic() + patience
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return work()
        except ServerError as error:
            if not error.is_transient or time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
