"""What all tests share: compiled code, and a real Neo4j for those that ask for one."""

import os
from collections.abc import Callable, Iterator

import pytest

from compiled_code import keep_compiled_code
from neo4j_database import DATABASE, Emptying, Login, count_nodes, drop_schema
from neo4j_server import Neo4jServer
from ringfence.app import StoresByAddress
from ringfence.store import Store

MOST_WORKERS = 4
"""Each has a Neo4j of its own, and its memory."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Say how many processes test for `-n auto`; one alone where RINGFENCE_TEST_NEO4J names the server."""
    return 0 if os.environ.get("RINGFENCE_TEST_NEO4J") else min(os.cpu_count() or 1, MOST_WORKERS)


def pytest_configure(config: pytest.Config) -> None:
    """Let all processes share what was compiled."""
    keep_compiled_code()


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Login]:
    """A real Neo4j for all tests: one of our own, or the one RINGFENCE_TEST_NEO4J names.

    `neo4j_address` is the same with nothing in it. Tests that stop or kill a server start a Neo4jServer.
    """
    given = os.environ.get("RINGFENCE_TEST_NEO4J")
    if given:
        user = os.environ.get("RINGFENCE_TEST_NEO4J_USER") or "neo4j"
        yield Login(given, user, os.environ.get("RINGFENCE_TEST_NEO4J_PASSWORD") or None)
    else:
        with Neo4jServer(tmp_path_factory.mktemp("neo4j")) as server:
            yield server.login


@pytest.fixture(scope="session")
def _emptying(neo4j_server: Login) -> Iterator[Emptying]:
    with neo4j_server.driver() as driver:
        nodes = count_nodes(driver)
        if nodes:
            pytest.exit(
                f"The database at {neo4j_server.address} holds {nodes:,} nodes, and tests would delete them: "
                "name an empty one in RINGFENCE_TEST_NEO4J, or none."
            )
        emptying = Emptying(driver)
        yield emptying
        emptying.empty()
        with driver.session(database=DATABASE) as session:
            drop_schema(session)


@pytest.fixture
def neo4j_address(neo4j_server: Login, _emptying: Emptying) -> str:
    """The address of `neo4j_server`, whose database is empty; constraints of the test before may stand."""
    _emptying.empty()
    return neo4j_server.address


_ADDRESSES: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: str(request.getfixturevalue("tmp_path") / "store.sqlite"),
    "neo4j": lambda request: str(request.getfixturevalue("neo4j_address")),
}
"""Where a new store of every kind can be made: another one joins by a line."""


@pytest.fixture(params=sorted(_ADDRESSES))
def store_address(request: pytest.FixtureRequest) -> str:
    """Where `store` is, of each kind."""
    return _ADDRESSES[request.param](request)


@pytest.fixture
def store(request: pytest.FixtureRequest, store_address: str) -> Iterator[Store]:
    """An empty store of each kind, closed after the test."""
    is_served = "://" in store_address
    credentials = request.getfixturevalue("neo4j_server").credentials if is_served else ()
    opened = StoresByAddress(*credentials).open(store_address, create=True)
    try:
        yield opened
    finally:
        opened.close()
