import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ringfence.domain.leases import Lease, LeaseHeldError, LeaseLostError, LeaseName
from ringfence.services.hold_lease import hold_lease, this_process
from ringfence.store import Store
from ringfence.store.sqlite import SqliteStore


def clock() -> int:
    return time.time_ns() // 1000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = SqliteStore(tmp_path / "store.sqlite")
    try:
        yield opened
    finally:
        opened.close()


def test_a_lease_is_held_inside_the_block_and_free_after_it_whatever_happened(store: Store) -> None:
    with hold_lease(store, LeaseName.DETECT, clock), pytest.raises(LeaseHeldError):
        store.leases.acquire(LeaseName.DETECT, replace(this_process(), process=1), 60.0, clock())
    with pytest.raises(ZeroDivisionError), hold_lease(store, LeaseName.DETECT, clock):
        raise ZeroDivisionError
    with hold_lease(store, LeaseName.DETECT, clock) as lease:
        assert lease.token == 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease-")]


def test_a_lease_is_renewed_while_the_work_takes(store: Store) -> None:
    with hold_lease(store, LeaseName.DETECT, clock, seconds=0.3):
        time.sleep(0.6)
        with pytest.raises(LeaseHeldError):
            store.leases.acquire(LeaseName.DETECT, replace(this_process(), host="b"), 60.0, clock())


def test_the_lease_of_a_dead_process_is_taken_over_at_once(store: Store) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead = replace(this_process(), process=ended.pid)
    store.leases.acquire(LeaseName.DETECT, dead, 3600.0, clock())
    with hold_lease(store, LeaseName.DETECT, clock) as lease, store.transaction(lease):
        assert lease.token == 2


def test_the_lease_of_a_process_elsewhere_is_waited_for(store: Store) -> None:
    elsewhere = replace(this_process(), host="elsewhere", process=1)
    store.leases.acquire(LeaseName.DETECT, elsewhere, 3600.0, clock())
    with pytest.raises(LeaseHeldError), hold_lease(store, LeaseName.DETECT, clock):
        pytest.fail("it was let in")


def test_who_lost_the_lease_is_told_at_the_next_write_and_lets_go_of_nothing(store: Store) -> None:
    def work() -> Lease:
        with hold_lease(store, LeaseName.DETECT, clock) as lease:
            other = store.leases.take_over(lease, replace(this_process(), host="b"), 60.0, clock())
            with pytest.raises(LeaseLostError), store.transaction(lease):
                pytest.fail("it was let in")
        return other

    with store.transaction(work()):
        pass
