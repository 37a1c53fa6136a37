"""One SQLite file: its connections, its transactions, and what its errors mean."""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from ringfence.domain.errors import InvalidError, NotFoundError, UnavailableError
from ringfence.domain.leases import Lease, LeaseLostError
from ringfence.domain.listings import listing_of
from ringfence.domain.records import RecordKind
from ringfence.domain.rings import priority
from ringfence.store.sqlite.schema import MIGRATIONS

APPLICATION_ID = 0x52464E43
"""`RFNC` in the file's header, which tells a store from any other SQLite file."""
_PATIENCE_SECONDS = 30.0
"""How long a writer waits for another; transactions are short."""
_CACHE_KIB = 65_536
_ROWS_TOGETHER = 100
"""Few enough for every SQLite's limit on values."""


class StoreDamagedError(UnavailableError):
    """The file is damaged, or no SQLite file at all."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"The store {path} is damaged, or is none; restore a backup (ringfence restore).")
        self.path = path


class StoreGoneError(UnavailableError):
    """The file was removed, or another one stands in its place, while the store was in use."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"The store {path} was removed or replaced meanwhile; run the same command again.")
        self.path = path


class Database:
    """Connections to one file: one that writes, and one for each thread that reads.

    Statements run on the connection of the transaction or snapshot their thread is in, else on the thread's
    own; whatever SQLite refuses becomes a domain error. A file that was removed is neither read nor written
    any more, though the system would let it; one that stands in its place is read, and not written.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self._local = threading.local()
        self._turn = threading.RLock()
        self._opened: list[sqlite3.Connection] = []
        if not create and not path.is_file():
            raise NotFoundError(f"There is no store {path}; ringfence load makes one.")
        try:
            if create and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                # What is said about people is for its owner to read; the log beside it follows the file.
                path.touch(mode=0o600)
        except OSError as error:
            raise UnavailableError(f"The store {path} cannot be made: {error.strerror}.") from error
        self._file: tuple[int, int] | None = None
        with self._errors():
            self._writer = self._connect(create=create)
            try:
                self._bring_forward()
                self._file = self._file_now()
            except BaseException:
                self.close()
                raise

    def all(self, statement: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Give all rows of a query."""
        with self._errors():
            return self._connection().execute(statement, values).fetchall()

    def one(self, statement: str, values: Sequence[Any] | dict[str, Any] = ()) -> tuple[Any, ...] | None:
        """Give the first row of a query."""
        with self._errors():
            row: tuple[Any, ...] | None = self._connection().execute(statement, values).fetchone()
            return row

    def run(self, statement: str, values: Sequence[Any] | dict[str, Any] = ()) -> int:
        """Write, inside a transaction; give the number of rows that changed."""
        with self._errors():
            return self._connection().execute(statement, values).rowcount

    def insert(self, statement: str, values: Sequence[Any]) -> int:
        """Write a row, inside a transaction; give its number."""
        with self._errors():
            return int(self._connection().execute(statement, values).lastrowid or 0)

    def run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Write once for each row, inside a transaction."""
        with self._errors():
            self._connection().executemany(statement, rows)

    def run_together(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows that follow VALUES by few statements, inside a transaction.

        Between two statements others take their turn: where many threads are at work, `run_many` waits at
        every row.
        """
        for first in range(0, len(rows), _ROWS_TOGETHER):
            some = rows[first : first + _ROWS_TOGETHER]
            places = ", ".join(["(" + ", ".join("?" * len(some[0])) + ")"] * len(some))
            self.run(f"{statement} VALUES {places}", [cell for row in some for cell in row])

    @contextmanager
    def transaction(self, lease: Lease | None = None) -> Iterator[None]:
        """Write all or nothing; inside another transaction, be part of it."""
        with self._turn:
            if getattr(self._local, "is_writing", False):
                self._check(lease)
                yield
                return
            if self._file is not None and self._file_now() != self._file:
                raise StoreGoneError(self.path)
            with self._errors():
                self._writer.execute("BEGIN IMMEDIATE")
            self._local.is_writing = True
            try:
                self._check(lease)
                yield
                with self._errors():
                    self._writer.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself if the disk was full.
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            finally:
                self._local.is_writing = False

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state of the file; inside a transaction or another snapshot, be part of it."""
        if getattr(self._local, "is_writing", False) or (reader := self._reader()).in_transaction:
            yield
            return
        with self._errors():
            reader.execute("BEGIN")
        try:
            yield
        finally:
            # SQLite has ended it by itself if the disk failed.
            if reader.in_transaction:
                reader.execute("ROLLBACK")

    def version(self) -> int:
        """Give the version of the tables."""
        row = self.one("PRAGMA user_version")
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Close every connection, those of other threads too."""
        with self._turn:
            for connection in self._opened:
                connection.close()
            self._opened.clear()

    def _connection(self) -> sqlite3.Connection:
        return self._writer if getattr(self._local, "is_writing", False) else self._reader()

    def _reader(self) -> sqlite3.Connection:
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is not None and reader.in_transaction:
            return reader
        file = self._file_now()
        if reader is not None and file == self._local.file:
            return reader
        if reader is not None:
            reader.close()
            self._opened.remove(reader)
        reader = self._local.reader = self._connect(create=False)
        self._local.file = file
        reader.execute("PRAGMA query_only = ON")
        return reader

    def _file_now(self) -> tuple[int, int]:
        """Say which file has the store's name."""
        try:
            found = os.stat(self.path)
        except OSError as error:
            raise StoreGoneError(self.path) from error
        return found.st_dev, found.st_ino

    def _connect(self, *, create: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}",
            timeout=_PATIENCE_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
        self._opened.append(connection)
        connection.create_function("ring_priority", 3, priority, deterministic=True)
        connection.create_function("record_listing", 2, _listing, deterministic=True)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        # A commit is on the disk before it is acknowledged: decisions outlive a power cut.
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _bring_forward(self) -> None:
        """Refuse what is no store of ours, make the tables of a new file, bring an older one forward."""
        mark = self._writer.execute("PRAGMA application_id").fetchone()[0]
        if mark != APPLICATION_ID and self._writer.execute("SELECT 1 FROM sqlite_schema").fetchone():
            raise InvalidError(f"{self.path} is an SQLite file, but no Ringfence store; name another.")
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise InvalidError(
                f"The store {self.path} was made by a newer Ringfence (its tables have version {version}, "
                f"this one knows {len(MIGRATIONS)}); use that one."
            )
        if version == len(MIGRATIONS):
            return
        self._writer.execute("PRAGMA journal_mode = WAL")
        with self.transaction():
            # Another process may have done it meanwhile.
            for number in range(self.version(), len(MIGRATIONS)):
                for statement in _statements(MIGRATIONS[number]):
                    self.run(statement)
                self.run(f"PRAGMA user_version = {number + 1}")
            self.run(f"PRAGMA application_id = {APPLICATION_ID}")

    def _check(self, lease: Lease | None) -> None:
        """Fence off whoever held a lease before another did."""
        if (
            lease is not None
            and self.one(
                "SELECT 1 FROM leases WHERE name = ? AND token = ? AND expires_at > 0",
                (lease.name, lease.token),
            )
            is None
        ):
            raise LeaseLostError(lease.name)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._meaning(error) from error

    def _meaning(self, error: sqlite3.Error) -> UnavailableError:
        """Say what an error means for whoever reads it, and what to do."""
        code = getattr(error, "sqlite_errorcode", None)
        primary = code & 0xFF if isinstance(code, int) else None
        if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return StoreDamagedError(self.path)
        reasons = {
            sqlite3.SQLITE_FULL: "the disk is full; make room and run the same command again",
            sqlite3.SQLITE_READONLY: "it is read-only; make the file and its folder writable",
            sqlite3.SQLITE_BUSY: "others have been writing to it all the time; try again",
            sqlite3.SQLITE_CANTOPEN: "it cannot be opened; see whether file and folder may be read",
            sqlite3.SQLITE_PERM: "its permissions do not allow it",
            sqlite3.SQLITE_IOERR: "the disk reports an error; see whether it is full",
        }
        return UnavailableError(f"The store {self.path}: {reasons.get(primary or 0, str(error))}.")


def _listing(kind: str, state: str) -> str:
    """Give the names of the lists a record stands on, and its place there, for a file without lists."""
    listing = listing_of(RecordKind(kind), orjson.loads(state))
    return orjson.dumps([[name, -listing.at] for name in listing.lists]).decode()


def _statements(script: str) -> Iterator[str]:
    """Part a script at the ends of its statements (triggers hold semicolons of their own)."""
    begun = ""
    for line in script.splitlines():
        begun += line + "\n"
        if sqlite3.complete_statement(begun):
            yield begun
            begun = ""
