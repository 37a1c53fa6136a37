import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from cutting_proxy import CuttingProxy
from neo4j_database import DATABASE, Login
from neo4j_server import Neo4jServer
from ringfence.app import StoresByAddress
from ringfence.domain.errors import InvalidError, NotFoundError, UnavailableError
from ringfence.domain.leases import Holder, LeaseLostError, LeaseName
from ringfence.domain.records import Event, RecordKind, RecordRef
from ringfence.store import Store
from ringfence.store.neo4j.schema import refuse_old_server

ONE = RecordRef(RecordKind.RING_DECISION, "r1")
HERE, ELSEWHERE = Holder("here", 1, "a"), Holder("elsewhere", 2, "b")


def append(store: Store, version: int) -> int:
    return store.records.append(ONE, [Event("noted", version, "ana")], version, {"notes": version + 1})


def opened(address: str, login: Login, *, create: bool = True) -> Store:
    return StoresByAddress(*login.credentials).open(address, create=create)


@pytest.fixture
def proxy(neo4j_address: str) -> Iterator[CuttingProxy]:
    made = CuttingProxy(int(neo4j_address.rpartition(":")[2]))
    yield made
    made.close()


@pytest.fixture
def store(proxy: CuttingProxy, neo4j_server: Login) -> Iterator[Store]:
    with closing(opened(f"bolt://127.0.0.1:{proxy.port}", neo4j_server)) as store:
        yield store


def refusal(work: Callable[[], object], kind: type[Exception]) -> str:
    with pytest.raises(kind) as caught:
        work()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_dead_host_is_told_in_one_line_and_soon() -> None:
    began = time.monotonic()
    message = refusal(lambda: StoresByAddress().open("neo4j://127.0.0.1:9", create=True), UnavailableError)
    assert message == (
        "The store neo4j://127.0.0.1:9: it does not answer; see whether it runs and whether the address "
        "is right."
    )
    assert time.monotonic() - began < 10


def test_the_driver_prints_nothing_of_its_own_beside_that_line() -> None:
    command = [
        str(Path(sys.executable).with_name("ringfence")),
        "rings",
        "list",
        "--store",
        "neo4j://127.0.0.1:9",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: The store neo4j://127.0.0.1:9")


def test_a_host_that_does_not_exist_is_told_in_one_line() -> None:
    message = refusal(
        lambda: StoresByAddress().open("neo4j://no-such-host.invalid:7687", create=True), UnavailableError
    )
    assert "neo4j://no-such-host.invalid:7687" in message


def test_something_else_than_a_neo4j_is_told_in_one_line() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        address = f"bolt://127.0.0.1:{other.getsockname()[1]}"
        assert address in refusal(lambda: StoresByAddress().open(address, create=True), UnavailableError)


def test_a_wrong_password_is_told_with_its_remedy(tmp_path: Path) -> None:
    with Neo4jServer(tmp_path / "server", password="a-good-password") as server:
        for credentials in (("neo4j", "another-password"), ()):
            stores = StoresByAddress(*credentials)
            message = refusal(partial(stores.open, server.address, create=True), UnavailableError)
            assert "RINGFENCE_STORE_PASSWORD" in message
            assert "another-password" not in message
        StoresByAddress("neo4j", "a-good-password").open(server.address, create=True).close()


def test_a_database_that_does_not_exist_is_told_with_its_remedy(
    neo4j_address: str, neo4j_server: Login
) -> None:
    message = refusal(lambda: opened(f"{neo4j_address}/other", neo4j_server), UnavailableError)
    assert message.startswith(f"The store {neo4j_address}/other: it has no such database")


@pytest.mark.parametrize("agent", ["Neo4j/4.4.35", "Neo4j/5.25.1", "Neo4j/dev", "Memgraph"])
def test_a_server_too_old_or_of_another_kind_is_refused(agent: str) -> None:
    message = refusal(lambda: refuse_old_server(agent, "neo4j://here"), InvalidError)
    assert message == f"The server neo4j://here is {agent}, which is too old; use Neo4j 5.26 or newer."


@pytest.mark.parametrize("agent", ["Neo4j/5.26.0", "Neo4j/5.26.31", "Neo4j/2025.01.0", "Neo4j/2026.09.0"])
def test_a_server_that_is_new_enough_is_taken(agent: str) -> None:
    refuse_old_server(agent, "neo4j://here")


def test_a_database_with_data_of_somebody_else_is_refused_and_left_as_it_was(
    neo4j_address: str, neo4j_server: Login
) -> None:
    with neo4j_server.driver() as driver:
        driver.execute_query("CREATE (:Film {title: 'Heat'})", database_=DATABASE)
        for create in (True, False):
            message = refusal(partial(opened, neo4j_address, neo4j_server, create=create), InvalidError)
            assert "not Ringfence's" in message
        rows, _, _ = driver.execute_query("MATCH (n) RETURN labels(n)", database_=DATABASE)
        assert [row.values() for row in rows] == [[["Film"]]]


def test_an_empty_database_is_no_store_until_one_is_made(neo4j_address: str, neo4j_server: Login) -> None:
    message = refusal(lambda: opened(neo4j_address, neo4j_server, create=False), NotFoundError)
    assert "ringfence load" in message
    opened(neo4j_address, neo4j_server).close()
    opened(neo4j_address, neo4j_server, create=False).close()


def test_a_store_of_a_newer_version_is_refused(neo4j_address: str, neo4j_server: Login) -> None:
    opened(neo4j_address, neo4j_server).close()
    with neo4j_server.driver() as driver:
        driver.execute_query("MATCH (s:Store) SET s.schema_version = 99", database_=DATABASE)
    assert "newer Ringfence" in refusal(lambda: opened(neo4j_address, neo4j_server), InvalidError)


def test_many_who_open_an_empty_database_at_once_make_one_store(
    neo4j_address: str, neo4j_server: Login
) -> None:
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            opened(neo4j_address, neo4j_server).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with neo4j_server.driver() as driver:
        rows, _, _ = driver.execute_query("MATCH (n) RETURN labels(n)", database_=DATABASE)
    assert [row.values() for row in rows] == [[["Store"]]]


@pytest.mark.parametrize("reaches_server", [True, False])
def test_what_was_appended_as_the_connection_was_lost_is_there_once(
    store: Store, proxy: CuttingProxy, reaches_server: bool
) -> None:
    assert append(store, 0) == 1
    proxy.cut_next_commit(reaches_server=reaches_server)
    assert append(store, 1) == 2
    assert proxy.cuts == 1
    assert len(store.records.stream(ONE)) == 2


@pytest.mark.parametrize("reaches_server", [True, False])
def test_a_lease_that_was_given_as_the_connection_was_lost_is_held_by_who_asked(
    store: Store, proxy: CuttingProxy, reaches_server: bool
) -> None:
    proxy.cut_next_commit(reaches_server=reaches_server)
    lease = store.leases.acquire(LeaseName.LOAD, HERE, 60.0, 0)
    assert proxy.cuts == 1
    with store.transaction(lease):
        append(store, 0)


def test_a_transaction_whose_commit_was_carried_out_unheard_is_no_failure(
    store: Store, proxy: CuttingProxy
) -> None:
    lease = store.leases.acquire(LeaseName.DETECT, HERE, 60.0, 0)
    with store.transaction(lease):
        append(store, 0)
        proxy.cut_next_commit(reaches_server=True)
    assert proxy.cuts == 1
    assert len(store.records.stream(ONE)) == 1


def test_a_commit_is_known_as_carried_out_though_the_lease_was_renewed_before_anybody_asked(
    store: Store, proxy: CuttingProxy, neo4j_address: str, neo4j_server: Login
) -> None:
    lease = store.leases.acquire(LeaseName.DETECT, HERE, 60.0, 0)
    with closing(opened(neo4j_address, neo4j_server)) as renewing:
        with store.transaction(lease):
            append(store, 0)
            proxy.cut_next_commit(
                reaches_server=True, meanwhile=lambda: renewing.leases.renew(lease, 60.0, 1)
            )
        assert proxy.cuts == 1
    assert len(store.records.stream(ONE)) == 1


def test_whether_something_was_written_without_a_lease_is_left_open_if_others_wrote_since(
    store: Store, proxy: CuttingProxy, neo4j_address: str, neo4j_server: Login
) -> None:
    with closing(opened(neo4j_address, neo4j_server)) as other:
        proxy.cut_next_commit(reaches_server=True, meanwhile=lambda: append(other, 1))
        with pytest.raises(UnavailableError, match="look whether it is there"):
            append(store, 0)
    assert len(store.records.stream(ONE)) == 2


def test_a_transaction_whose_commit_was_lost_fails_and_leaves_nothing(
    store: Store, proxy: CuttingProxy
) -> None:
    proxy.cut_next_commit(reaches_server=False)
    with pytest.raises(UnavailableError), store.transaction():
        append(store, 0)
    assert store.records.stream(ONE) == ()
    assert append(store, 0) == 1


def test_who_lost_lease_and_connection_together_is_told_of_the_lease(
    store: Store, proxy: CuttingProxy, neo4j_address: str, neo4j_server: Login
) -> None:
    lease = store.leases.acquire(LeaseName.LOAD, HERE, 60.0, 0)
    with closing(opened(neo4j_address, neo4j_server)) as other:
        other.leases.take_over(lease, ELSEWHERE, 60.0, 1)
    with pytest.raises(LeaseLostError):
        store.leases.renew(lease, 60.0, 2)


def test_a_server_that_is_started_again_is_waited_for(tmp_path: Path) -> None:
    with Neo4jServer(tmp_path / "server") as server, closing(opened(server.address, server.login)) as store:
        append(store, 0)
        server.kill()
        restart = threading.Timer(0.5, server.start)
        restart.start()
        assert append(store, 1) == 2
        restart.join()
        assert [event.at for event in store.records.stream(ONE)] == [0, 1]
        server.kill()
        with suppress(UnavailableError):
            began = time.monotonic()
            store.health()
            pytest.fail("a dead server was found healthy")
        assert time.monotonic() - began < 8
