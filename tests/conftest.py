"""What all tests share: compiled code, and a real Neo4j for those that ask for one."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from neo4j_database import DATABASE, Emptying, Login, count_nodes, drop_schema
from neo4j_server import Neo4jServer
from ringfence.app import StoresByAddress
from ringfence.store import Store


def pytest_configure(config: pytest.Config) -> None:
    """Key compiled code by all it was compiled from: numba alone would miss a change in another file."""
    sources = sorted((config.rootpath / "src").rglob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    kept = config.rootpath / ".pytest_cache" / "numba"
    for old in kept.glob("*"):
        if old.name != digest:
            shutil.rmtree(old, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(Path(kept, digest))


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


def _embedded(request: pytest.FixtureRequest) -> Store:
    folder = request.getfixturevalue("tmp_path")
    return StoresByAddress().open(str(folder / "store.sqlite"), create=True)


def _served(request: pytest.FixtureRequest) -> Store:
    address = request.getfixturevalue("neo4j_address")
    stores = StoresByAddress(*request.getfixturevalue("neo4j_server").credentials)
    return stores.open(address, create=True)


_STORES: dict[str, Callable[[pytest.FixtureRequest], Store]] = {"sqlite": _embedded, "neo4j": _served}
"""How every store there is comes to be, empty: another one joins by a line."""


@pytest.fixture(params=sorted(_STORES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of each kind, closed after the test."""
    opened = _STORES[request.param](request)
    try:
        yield opened
    finally:
        opened.close()
