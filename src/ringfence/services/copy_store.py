"""A store copied into another, of whatever kind either is."""

from collections.abc import Callable

from ringfence.domain.errors import InvalidError
from ringfence.domain.leases import LeaseName
from ringfence.domain.progress import Progress, Silent
from ringfence.services.hold_lease import hold_lease
from ringfence.services.without_personal_data import WithoutPersonalData
from ringfence.store import Store, Stores
from ringfence.store.copying import Copied, write_history
from ringfence.store.history import History, StoredHistory


def copy_store(
    source: tuple[Stores, str | None],
    target: tuple[Stores, str | None],
    clock: Callable[[], int],
    *,
    without_personal_data: bool = False,
    progress: Progress | None = None,
) -> Copied:
    """Copy the store at one address to another, as of now, and compare both.

    The target is empty, or the same copy was interrupted (or made) before: what it lacks is written. The
    source may be in use; `clock` gives µs since 1970-01-01 UTC. Raises NotFoundError where there is no
    source, InvalidError for the source itself, NoCopyError for a target with something of its own,
    LeaseHeldError where somebody loads or detects there, CopyDiffersError, UnavailableError.
    """
    (sources, source_address), (targets, target_address) = source, target
    if source_address == target_address:
        raise InvalidError(f"{target_address} is the store itself; name another to copy it to.")
    opened = sources.open(source_address, create=False)
    try:
        history: History = StoredHistory(opened)
        if without_personal_data:
            history = WithoutPersonalData(history)
        copy = targets.open(target_address, create=True)
        try:
            return put_history(history, copy, clock, progress)
        finally:
            copy.close()
    finally:
        opened.close()


def put_history(
    history: History, store: Store, clock: Callable[[], int], progress: Progress | None = None
) -> Copied:
    """Write what a store lacks of a history while nobody loads or detects there; raises as `copy_store`."""
    with (
        hold_lease(store, LeaseName.LOAD, clock) as loading,
        hold_lease(store, LeaseName.DETECT, clock) as detecting,
    ):
        return write_history(history, store, loading, detecting, progress or Silent())
