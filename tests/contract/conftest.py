"""Every store there is, fresh for each test: another one joins by a line in `_ADDRESSES`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.app import StoresByAddress
from ringfence.store import Store

_ADDRESSES: dict[str, Callable[[pytest.FixtureRequest], str]] = {
    "sqlite": lambda request: str(_folder(request) / "store.sqlite"),
    "neo4j": lambda request: str(request.getfixturevalue("neo4j_address")),
}


@pytest.fixture(params=sorted(_ADDRESSES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store, closed after the test."""
    opened = StoresByAddress().open(_ADDRESSES[request.param](request), create=True)
    try:
        yield opened
    finally:
        opened.close()


def _folder(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue("tmp_path")
    return folder
