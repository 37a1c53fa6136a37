import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from ringfence.domain.leases import Holder, LeaseLostError, LeaseName
from ringfence.domain.records import Event, RecordKind, RecordRef
from ringfence.store import Store

ONE = RecordRef(RecordKind.RING_DECISION, "r1")
OTHER = RecordRef(RecordKind.RING_DECISION, "r2")


def append(store: Store, record: RecordRef, version: int = 0) -> None:
    store.records.append(record, [Event("noted", 1, "ana")], version, {"notes": version + 1})


def version_of(store: Store, record: RecordRef) -> int:
    state = store.records.state(record)
    return state.version if state else 0


def elsewhere(work: Callable[[], object]) -> None:
    """Do it in another thread, and wait for it."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_all_that_is_written_in_a_transaction_is_there_or_nothing_is(store: Store) -> None:
    with suppress(ZeroDivisionError), store.transaction():
        append(store, ONE)
        append(store, OTHER)
        raise ZeroDivisionError
    assert (version_of(store, ONE), version_of(store, OTHER)) == (0, 0)
    with store.transaction():
        append(store, ONE)
        append(store, OTHER)
    assert (version_of(store, ONE), version_of(store, OTHER)) == (1, 1)


def test_a_transaction_sees_what_it_has_written_and_others_do_not_yet(store: Store) -> None:
    seen: list[int] = []
    with store.transaction():
        append(store, ONE)
        assert version_of(store, ONE) == 1
        elsewhere(lambda: seen.append(version_of(store, ONE)))
    elsewhere(lambda: seen.append(version_of(store, ONE)))
    assert seen == [0, 1]


def test_a_transaction_inside_another_ends_with_the_outer_one(store: Store) -> None:
    with suppress(ZeroDivisionError), store.transaction():
        with store.transaction():
            append(store, ONE)
        raise ZeroDivisionError
    assert version_of(store, ONE) == 0


def test_a_snapshot_shows_one_state_whatever_others_write_meanwhile(store: Store) -> None:
    append(store, ONE)
    with store.snapshot():
        before = version_of(store, ONE)
        elsewhere(lambda: append(store, ONE, 1))
        with store.snapshot():
            assert version_of(store, ONE) == before == 1
    assert version_of(store, ONE) == 2


def test_a_refusal_inside_a_transaction_leaves_the_store_usable(store: Store) -> None:
    for _ in range(3):
        with suppress(ZeroDivisionError), store.transaction():
            append(store, ONE)
            raise ZeroDivisionError
    append(store, ONE)
    assert version_of(store, ONE) == 1


def test_under_a_lease_that_was_lost_nothing_is_written(store: Store) -> None:
    lease = store.leases.acquire(LeaseName.LOAD, Holder("here", 1, "a"), 60.0, 0)
    with store.transaction(lease):
        append(store, ONE)
    store.leases.take_over(lease, Holder("here", 2, "b"), 60.0, 1)
    with pytest.raises(LeaseLostError), store.transaction(lease):
        append(store, OTHER)
    with store.transaction(), pytest.raises(LeaseLostError), store.transaction(lease):
        append(store, OTHER)
    assert (version_of(store, ONE), version_of(store, OTHER)) == (1, 0)


def test_an_empty_store_says_so(store: Store) -> None:
    health = store.health()
    assert (health.market_version, health.last_run_id, health.last_published_at) == (0, None, None)
    assert health.schema_version >= 1
