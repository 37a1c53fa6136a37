"""Backups: made and put back, and what is inside."""

from dataclasses import dataclass
from pathlib import Path

from ringfence.domain.progress import Progress
from ringfence.domain.records import RecordKind
from ringfence.domain.runs import RunState
from ringfence.store import Backup, Restored, Store, Stores
from ringfence.store.history import History, StoredHistory


@dataclass(frozen=True, slots=True)
class Contents:
    """What a store, or a copy of one, holds."""

    loads: int
    run_id: int | None
    """The published run; None before the first."""
    rings: int
    """Of that run."""
    decided_rings: int
    """About how many rings something is decided."""
    keys: int
    """API keys, those that ended included."""


def back_up(
    stores: Stores, address: str | None, path: Path, progress: Progress | None = None
) -> tuple[Backup, Contents]:
    """Copy a store to a new file while it is in use, and say what the copy holds.

    Raises NotFoundError where there is no store, ConflictError if the file exists, UnavailableError.
    """
    store = stores.open(address, create=False)
    try:
        backup = store.back_up(path, progress)
    finally:
        store.close()
    with stores.open_backup(path) as history:
        return backup, _contents(history)


def restore(
    stores: Stores, backup: Path, address: str | None, *, replace: bool, progress: Progress | None = None
) -> tuple[Restored, Contents]:
    """Make a store what a backup holds, and say what it holds.

    Raises NotFoundError or InvalidError for the backup, ConflictError if there is a store already and it is
    not to be replaced, UnavailableError.
    """
    restored = stores.restore(backup, address, replace=replace, progress=progress)
    store = stores.open(address, create=False)
    try:
        return restored, contents_of(store)
    finally:
        store.close()


def contents_of(store: Store) -> Contents:
    """Say what a store holds, as of one moment."""
    return _contents(StoredHistory(store))


def _contents(history: History) -> Contents:
    published = [run for run in history.runs if run.state is RunState.PUBLISHED]
    decided = [state for state in history.records if state.record.kind is RecordKind.RING_DECISION]
    return Contents(
        loads=len(history.loads),
        run_id=published[-1].run_id if published else None,
        rings=published[-1].rings if published else 0,
        decided_rings=sum(bool(state.state["standing"]) for state in decided),
        keys=sum(state.record.kind is RecordKind.KEY for state in history.records),
    )
