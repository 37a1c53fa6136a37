import contextlib
import threading

import pytest

from ringfence.domain.leases import Holder, Lease, LeaseHeldError, LeaseLostError, LeaseName
from ringfence.store import Store

SECOND = 1_000_000
NOW = 1_760_000_000 * SECOND
ONE, OTHER = Holder("a", 1, "x"), Holder("b", 2, "y")


def acquire(store: Store, holder: Holder, now: int, seconds: float = 60.0) -> Lease:
    return store.leases.acquire(LeaseName.DETECT, holder, seconds, now)


def test_one_process_at_a_time_holds_a_lease_and_the_other_is_told_whose_it_is(store: Store) -> None:
    lease = acquire(store, ONE, NOW)
    with pytest.raises(LeaseHeldError, match="process 1 on a") as held:
        acquire(store, OTHER, NOW + 10 * SECOND)
    assert (held.value.lease, held.value.holder, held.value.seconds_left) == (lease, ONE, 50.0)


def test_leases_of_two_names_do_not_hinder_each_other(store: Store) -> None:
    acquire(store, ONE, NOW)
    assert store.leases.acquire(LeaseName.LOAD, OTHER, 60.0, NOW).token == 1


def test_a_lease_is_free_when_released_and_when_its_seconds_are_over(store: Store) -> None:
    first = acquire(store, ONE, NOW)
    store.leases.release(first)
    second = acquire(store, OTHER, NOW)
    third = acquire(store, ONE, NOW + 60 * SECOND)
    assert first.token < second.token < third.token


def test_a_renewed_lease_lasts_from_then_on(store: Store) -> None:
    lease = acquire(store, ONE, NOW)
    store.leases.renew(lease, 60.0, NOW + 50 * SECOND)
    with pytest.raises(LeaseHeldError):
        acquire(store, OTHER, NOW + 109 * SECOND)
    acquire(store, OTHER, NOW + 110 * SECOND)


def test_a_stalled_holder_may_go_on_as_long_as_nobody_took_its_place(store: Store) -> None:
    lease = acquire(store, ONE, NOW)
    with store.transaction(lease):
        pass
    store.leases.renew(lease, 60.0, NOW + 1000 * SECOND)
    with pytest.raises(LeaseHeldError):
        acquire(store, OTHER, NOW + 1001 * SECOND)


def test_a_stalled_holder_writes_nothing_once_another_took_over(store: Store) -> None:
    stalled = acquire(store, ONE, NOW)
    current = acquire(store, OTHER, NOW + 60 * SECOND)
    with pytest.raises(LeaseLostError), store.transaction(stalled):
        pytest.fail("it was let in")
    with pytest.raises(LeaseLostError):
        store.leases.renew(stalled, 60.0, NOW)
    store.leases.release(stalled)
    with store.transaction(current):
        pass


def test_a_released_lease_is_of_no_use_to_who_had_it(store: Store) -> None:
    lease = acquire(store, ONE, NOW)
    store.leases.release(lease)
    with pytest.raises(LeaseLostError), store.transaction(lease):
        pytest.fail("it was let in")


def test_the_lease_of_a_dead_holder_is_taken_over_by_one_of_those_who_noticed(store: Store) -> None:
    dead = acquire(store, ONE, NOW)
    mine = store.leases.take_over(dead, OTHER, 60.0, NOW)
    assert mine.token > dead.token
    with pytest.raises(LeaseHeldError):
        store.leases.take_over(dead, Holder("c", 3, "z"), 60.0, NOW)
    with pytest.raises(LeaseLostError), store.transaction(dead):
        pytest.fail("it was let in")


def test_a_clock_set_back_makes_no_lease_last_longer_than_its_seconds(store: Store) -> None:
    acquire(store, ONE, NOW)
    hour_before = NOW - 3600 * SECOND
    for passed, left in ((0, 60.0), (30, 30.0), (59, 1.0)):
        with pytest.raises(LeaseHeldError) as held:
            acquire(store, OTHER, hour_before + passed * SECOND)
        assert held.value.seconds_left == left
    acquire(store, OTHER, hour_before + 60 * SECOND)


def test_a_holder_that_renews_keeps_its_lease_though_the_clock_was_set_back(store: Store) -> None:
    lease = acquire(store, ONE, NOW)
    hour_before = NOW - 3600 * SECOND
    store.leases.renew(lease, 60.0, hour_before)
    with pytest.raises(LeaseHeldError) as held:
        acquire(store, OTHER, hour_before + 59 * SECOND)
    assert held.value.seconds_left == 1.0


def test_of_many_threads_that_ask_at_once_one_gets_the_lease(store: Store) -> None:
    got: list[int] = []
    starting = threading.Barrier(6)

    def ask(number: int) -> None:
        starting.wait()
        with contextlib.suppress(LeaseHeldError):
            got.append(acquire(store, Holder("a", number, "x"), NOW).token)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [1]
