"""Copies of the embedded store: made while it is in use, verified, and put back."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ringfence.domain.errors import (
    InvalidError,
    NotFoundError,
    RingfenceError,
    UnavailableError,
)
from ringfence.store.new_file import BackupExistsError, StoreExistsError, put, staged, sync
from ringfence.store.sqlite.database import APPLICATION_ID, Database, StoreDamagedError
from ringfence.store.sqlite.health import health_of
from ringfence.store.sqlite.schema import MIGRATIONS
from ringfence.store.store import Backup

_STEP_PAGES = 2_500
"""10 MB: between two steps an interrupt is heard."""
_PATIENCE_SECONDS = 30.0
"""How long to wait for those who write to a store that is to be replaced."""
_TURN_SECONDS = 0.5
_BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite may keep beside a file."""
_TOKEN_LEAP = 1_000
"""More leases than anybody takes while a store is about to be replaced."""


def back_up(database: Database, path: Path) -> Backup:
    """Copy a store into a new file that only its owner may read; whole or not at all.

    The copy shows one moment; others read and write meanwhile. Raises ConflictError if the file exists,
    StoreDamagedError for a store that cannot be copied faithfully, UnavailableError.
    """
    if path.exists():
        raise BackupExistsError(path)
    damaged = StoreDamagedError(database.path)
    with staged(path, _BESIDE) as copy:
        copy.touch(mode=0o600)
        with _refusals(path, damaged), closing(_open(database.path)) as source:
            source.execute("BEGIN")
            # Only reading begins a snapshot; without one, whatever others write would start the copy anew.
            source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            with closing(_open(copy)) as target:
                _copy(source, target, path)
        with _refusals(path, damaged), closing(_open(copy)) as target:
            # One file holds everything, with nothing beside it to be forgotten.
            target.execute("PRAGMA journal_mode = DELETE")
            if not _is_sound(target):
                raise damaged
        with closing(Database(copy, create=False)) as copied:
            health = health_of(copied)
        sync(copy)
        if not put(copy, path):
            raise BackupExistsError(path)
    return Backup(path, path.stat().st_size, health)


def restore(backup: Path, path: Path, *, replace: bool) -> Backup:
    """Make the store at `path` what the backup holds; a process that dies leaves the old one or the new one.

    Those who have the store open see the new one with their next transaction; whoever held a lease has lost
    it. A store too damaged to be written to is kept beside the new one as `….damaged`. Raises NotFoundError
    or InvalidError for the backup, ConflictError if there is a store and it is not to be replaced,
    InvalidError if what is there is no store, UnavailableError.
    """
    _check(backup)
    if path.is_file() and path.samefile(backup):
        raise InvalidError(f"{backup} is the store itself; name a backup of it.")
    refuse_existing(path, replace=replace)
    damaged = InvalidError(f"The backup {backup} is damaged; use another.")
    with staged(path, _BESIDE) as copy:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _refusals(path, damaged):
            copy.touch(mode=0o600)
            with closing(_open(backup, "ro")) as source, closing(_open(copy)) as target:
                _copy(source, target, path)
            with closing(_open(copy)) as target:
                if not _is_sound(target):
                    raise damaged
        with closing(Database(copy, create=False)) as brought_forward:
            health = health_of(brought_forward)
        with _refusals(path, damaged), closing(_open(copy)) as target:
            target.execute("PRAGMA journal_mode = WAL")
            target.execute("UPDATE leases SET expires_at = 0")
        if path.exists():
            _put_into(copy, path)
        else:
            _put_new(copy, path)
    return Backup(path, path.stat().st_size, health)


@contextmanager
def read_backup(backup: Path) -> Iterator[Path]:
    """Give a file to open as a store that holds what the backup does; the backup itself is never changed.

    Raises NotFoundError or InvalidError for the backup.
    """
    if _check(backup) == len(MIGRATIONS):
        yield backup
        return
    with TemporaryDirectory() as folder:
        yield restore(backup, Path(folder) / backup.name, replace=False).path


def refuse_existing(path: Path, *, replace: bool) -> None:
    """Raise ConflictError where a store would be in the way of another, InvalidError for a folder."""
    refuse_folder(path)
    if path.exists() and not replace:
        raise StoreExistsError(str(path))


def refuse_folder(path: Path) -> None:
    """Raise InvalidError where a folder stands in the place of a store."""
    if path.is_dir():
        raise InvalidError(f"{path} is a folder; name the store's file, such as {path / 'store.sqlite'}.")


def _check(backup: Path) -> int:
    """Refuse what is no backup, or one that this version cannot read; give the version of its tables."""
    if not backup.is_file():
        raise NotFoundError(f"There is no backup {backup}.")
    try:
        with closing(_open(backup, "ro")) as connection:
            mark = _number(connection, "application_id")
            version = _number(connection, "user_version")
    except sqlite3.Error as error:
        raise InvalidError(f"{backup} is no backup of a Ringfence store, or is damaged ({error}).") from error
    if mark != APPLICATION_ID or version == 0:
        raise InvalidError(f"{backup} is no backup of a Ringfence store.")
    if version > len(MIGRATIONS):
        raise InvalidError(
            f"The backup {backup} was made by a newer Ringfence (its tables have version {version}, this one "
            f"knows {len(MIGRATIONS)}); use that one."
        )
    return version


def _put_new(copy: Path, path: Path) -> None:
    """Put a store where there is none."""
    # What a store that was removed left beside it must not be taken for the new one's.
    for suffix in _BESIDE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    sync(copy)
    if not put(copy, path):
        raise StoreExistsError(str(path))


def _put_into(copy: Path, path: Path) -> None:
    """Write a store over another one in one transaction of SQLite's, since others may have it open."""
    try:
        with closing(_open(path)) as target:
            if _number(target, "application_id") != APPLICATION_ID and _tables(target):
                raise InvalidError(f"{path} is an SQLite file, but no Ringfence store; it is not replaced.")
            with closing(_open(copy)) as source:
                _fence(source, target)
                _copy(source, target, path)
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        if not _is_damage(error):
            raise UnavailableError(f"The store {path} cannot be replaced: {error}.") from error
        _set_aside(path)
        _put_new(copy, path)


def _fence(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Let tokens grow: nobody who held a lease of the old store may hold one of the new."""
    if "leases" not in _tables(target):
        return
    for name, token in target.execute("SELECT name, token FROM leases").fetchall():
        # Until the copy has the store to itself, others may still take one.
        source.execute(
            "INSERT INTO leases (name, token, host, process, started, seconds, expires_at)"
            " VALUES (?, ?, '', 0, '', 0, 0)"
            " ON CONFLICT (name) DO UPDATE SET token = max(token, excluded.token)",
            (name, token + _TOKEN_LEAP),
        )


def _set_aside(path: Path) -> None:
    """Keep a damaged store under another name; somebody may save something of it."""
    aside = path.with_name(f"{path.name}.damaged")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    path.rename(aside)
    for suffix in _BESIDE:
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, path: Path) -> None:
    """Copy all pages in one transaction of the target's; `path` is where they go, for whoever must wait."""
    deadline = time.monotonic() + _PATIENCE_SECONDS

    def progress(status: int, remaining: int, pages: int) -> None:
        if status not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return
        if time.monotonic() > deadline:
            raise UnavailableError(f"{path}: others have been writing to it all the time; try again.")

    source.backup(target, pages=_STEP_PAGES, progress=progress, sleep=_TURN_SECONDS / 10)


def _open(path: Path, mode: str = "rw") -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", timeout=_TURN_SECONDS, isolation_level=None, uri=True
    )
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def _is_sound(connection: sqlite3.Connection) -> bool:
    """Read all of a file, and see whether it fits together."""
    verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    return verdict == "ok" and connection.execute("PRAGMA foreign_key_check").fetchone() is None


@contextmanager
def _refusals(written: Path, damaged: RingfenceError) -> Iterator[None]:
    """Say what SQLite's refusals mean where something is copied to `written` that may be damaged."""
    try:
        yield
    except sqlite3.Error as error:
        if _is_damage(error):
            raise damaged from error
        raise UnavailableError(f"{written} cannot be written: {error}.") from error


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
