"""Backups: made and put back, and what is inside."""

from dataclasses import dataclass
from pathlib import Path

from ringfence.domain.records import RecordKind
from ringfence.store import Backup, Store, Stores


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


def back_up(stores: Stores, address: str | None, path: Path) -> tuple[Backup, Contents]:
    """Copy a store to a new file while it is in use, and say what the copy holds.

    Raises NotFoundError where there is no store, ConflictError if the file exists, UnavailableError.
    """
    store = stores.open(address, create=False)
    try:
        backup = store.back_up(path)
    finally:
        store.close()
    return backup, _inside(stores, str(path))


def restore(stores: Stores, backup: Path, address: str | None, *, replace: bool) -> tuple[Backup, Contents]:
    """Make a store what a backup holds, in one step, and say what it holds.

    Raises NotFoundError or InvalidError for the backup, ConflictError if there is a store already and it is
    not to be replaced, UnavailableError.
    """
    return stores.restore(backup, address, replace=replace), _inside(stores, address)


def contents_of(store: Store) -> Contents:
    """Say what a store holds, as of one moment."""
    with store.snapshot():
        run = store.rings.run()
        return Contents(
            loads=len(store.market.loads()),
            run_id=run.run_id if run else None,
            rings=run.rings if run else 0,
            decided_rings=sum(
                bool(state.state["standing"]) for state in store.records.current(RecordKind.RING_DECISION)
            ),
            keys=len(store.records.current(RecordKind.KEY)),
        )


def _inside(stores: Stores, address: str | None) -> Contents:
    store = stores.open(address, create=False)
    try:
        return contents_of(store)
    finally:
        store.close()
