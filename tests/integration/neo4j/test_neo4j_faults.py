"""Real processes and a real server, killed, stalled or in each other's way: nothing is lost or half-done."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import neo4j
import numpy as np
import polars as pl
import pytest

from neo4j_database import DATABASE, Emptying
from neo4j_server import Neo4jServer
from ringfence.app import StoresByAddress
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.progress import Silent
from ringfence.generator import GeneratorOptions
from ringfence.services.make_marketplace import make_marketplace
from ringfence.store import Store

LEASE_HELD = 4
_PATIENCE_SECONDS = 90.0
_BATCHES = "MATCH (l:Load) WHERE l.finished_at IS NULL RETURN l.written"
_OPEN = "SHOW TRANSACTIONS YIELD currentQuery WHERE NOT currentQuery STARTS WITH 'SHOW' RETURN count(*)"
_TABLES = "MATCH (b:RunBatch) RETURN count(b)"


@pytest.fixture(scope="module")
def marketplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market") / "files"
    make_marketplace(GeneratorOptions(buyers=600, seed=11), folder, progress=Silent())
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    """A server that tests may kill."""
    with Neo4jServer(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def server(served: Neo4jServer) -> Neo4jServer:
    with served.login.driver() as driver:
        Emptying(driver).empty()
    return served


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("key") / "key"


@pytest.fixture(scope="module")
def undisturbed(marketplace: Path, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An embedded store in which the same was done without a fault."""
    address = str(tmp_path_factory.mktemp("calm") / "store.sqlite")
    for command in (["load", str(marketplace)], ["detect"]):
        assert finish(start(address, key, *command)) == 0
    with closing(StoresByAddress().open(address, create=False)) as store:
        yield store


def start(address: str, key: Path, *command: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "ringfence", *command, "--store", address, "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"RINGFENCE_KEY_FILE": str(key)},
    )


def finish(process: "subprocess.Popen[bytes]") -> int:
    return process.wait(2 * _PATIENCE_SECONDS)


def wait_for(server: Neo4jServer, question: str, least: int) -> None:
    """Wait until a number in the graph is at least so large."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with server.login.driver() as driver:
        while not _number(driver, question) >= least:
            assert time.monotonic() < deadline, question
            time.sleep(0.002)


def _number(driver: neo4j.Driver, question: str) -> int:
    rows, _, _ = driver.execute_query(neo4j.Query(question), database_=DATABASE)
    return int(rows[0][0]) if rows else -1


def stall_between_transactions(process: "subprocess.Popen[bytes]", server: Neo4jServer) -> None:
    """Stop it where it holds no lock: those of a stalled transaction are held until its time is out."""
    with server.login.driver() as driver:
        while process.poll() is None:
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.05)
            if _number(driver, _OPEN) == 0:
                return
            process.send_signal(signal.SIGCONT)
            time.sleep(0.01)
    pytest.fail("it ended before it could be stalled")


def assert_same(one: Store, other: Store) -> None:
    """Hold all that two stores know of a marketplace and its rings against each other."""
    for load in one.market.loads():
        mine, theirs = one.market.tables_of(load.load_id), other.market.tables_of(load.load_id)
        assert mine.claims.sort("claim_id").equals(theirs.claims.sort("claim_id"))
        assert mine.orders.sort("order_id").equals(theirs.orders.sort("order_id"))
        assert mine.uses.equals(theirs.uses)
    assert [load.source for load in one.market.loads()] == [load.source for load in other.market.loads()]
    left, right = one.market.read(), other.market.read()
    assert left.claims.claim_id.equals(right.claims.claim_id)
    assert np.array_equal(left.claims.buyer, right.claims.buyer)
    run = one.rings.run()
    if run is not None:
        found, expected = other.rings.tables(), one.rings.tables()
        for table in ("rings", "members", "buyers", "evidence", "links"):
            assert found[table].equals(expected[table]), table


def assert_one_load(server: Neo4jServer, undisturbed: Store) -> None:
    """See that the graph itself holds the claims of one load, each once."""
    with closing(StoresByAddress().open(server.address, create=False)) as store:
        assert len(store.market.loads()) == 1
    with server.login.driver() as driver:
        assert _number(driver, "MATCH (l:Load) RETURN count(l)") == 1
        claims = len(undisturbed.market.tables_of(1).claims)
        assert _number(driver, "MATCH (c:Claim) RETURN count(c)") == claims


@pytest.mark.parametrize("batches", [4])
def test_a_load_goes_on_when_its_server_was_killed_and_started_again(
    server: Neo4jServer, marketplace: Path, key: Path, undisturbed: Store, batches: int
) -> None:
    process = start(server.address, key, "load", str(marketplace))
    wait_for(server, _BATCHES, batches)
    server.kill()
    server.start()
    assert finish(process) == 0
    assert_one_load(server, undisturbed)
    assert finish(start(server.address, key, "detect")) == 0
    with closing(StoresByAddress().open(server.address, create=False)) as store:
        assert_same(undisturbed, store)


@pytest.mark.parametrize("written", [2])
def test_a_publication_is_whole_or_unseen_when_its_server_or_itself_is_killed(
    server: Neo4jServer, marketplace: Path, key: Path, undisturbed: Store, written: int
) -> None:
    assert finish(start(server.address, key, "load", str(marketplace))) == 0
    process = start(server.address, key, "detect")
    wait_for(server, _TABLES, written)
    process.kill()
    process.wait()
    with closing(StoresByAddress().open(server.address, create=False)) as store:
        assert store.rings.run() is None
    process = start(server.address, key, "detect")
    wait_for(server, _TABLES, written)
    server.kill()
    server.start()
    if finish(process) != 0:
        assert finish(start(server.address, key, "detect")) == 0
    with closing(StoresByAddress().open(server.address, create=False)) as store:
        assert_same(undisturbed, store)
        assert [run.reasons for run in store.rings.runs(10).items][-1] == ("interrupted",)


def test_of_two_loaders_at_once_one_loads_and_the_other_is_told(
    server: Neo4jServer, marketplace: Path, key: Path, undisturbed: Store, tmp_path: Path
) -> None:
    claims = pl.read_csv(marketplace / "claims.csv", infer_schema=False)
    renamed = claims.with_columns(pl.format("other-{}", "claim_id").alias("claim_id"))
    (tmp_path / "other").mkdir()
    renamed.write_csv(tmp_path / "other" / "claims.csv")
    first = start(server.address, key, "load", str(marketplace))
    wait_for(server, _BATCHES, 1)
    second = start(server.address, key, "load", str(tmp_path / "other"))
    assert (finish(second), finish(first)) == (LEASE_HELD, 0)
    assert_one_load(server, undisturbed)
    assert finish(start(server.address, key, "load", str(tmp_path / "other"))) == 0
    with closing(StoresByAddress().open(server.address, create=False)) as store:
        assert len(store.market.read().claims) == 2 * len(claims)


def test_a_loader_that_was_stalled_writes_nothing_once_another_took_over(
    server: Neo4jServer, marketplace: Path, key: Path, undisturbed: Store
) -> None:
    process = start(server.address, key, "load", str(marketplace))
    wait_for(server, _BATCHES, 2)
    stall_between_transactions(process, server)
    with closing(StoresByAddress().open(server.address, create=False)) as store:
        in_an_hour = time.time_ns() // 1_000 + 3_600_000_000
        lease = store.leases.acquire(LeaseName.LOAD, Holder("elsewhere", 1, "later"), 60.0, in_an_hour)
        with server.login.driver() as driver:
            nodes = _number(driver, "MATCH (n) RETURN count(n)")
            process.send_signal(signal.SIGCONT)
            assert finish(process) == LEASE_HELD
            assert _number(driver, "MATCH (n) RETURN count(n)") == nodes
        store.leases.release(lease)
    assert finish(start(server.address, key, "load", str(marketplace))) == 0
    assert_one_load(server, undisturbed)
