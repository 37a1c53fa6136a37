"""Every store there is, fresh for each test: another one joins by a line in `_OPENED`."""

from collections.abc import Callable, Iterator

import pytest

from ringfence.app import StoresByAddress
from ringfence.store import Store


def _embedded(request: pytest.FixtureRequest) -> Store:
    folder = request.getfixturevalue("tmp_path")
    return StoresByAddress().open(str(folder / "store.sqlite"), create=True)


def _served(request: pytest.FixtureRequest) -> Store:
    address = request.getfixturevalue("neo4j_address")
    stores = StoresByAddress(*request.getfixturevalue("neo4j_server").credentials)
    return stores.open(address, create=True)


_OPENED: dict[str, Callable[[pytest.FixtureRequest], Store]] = {"sqlite": _embedded, "neo4j": _served}


@pytest.fixture(params=sorted(_OPENED))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store, closed after the test."""
    opened = _OPENED[request.param](request)
    try:
        yield opened
    finally:
        opened.close()
