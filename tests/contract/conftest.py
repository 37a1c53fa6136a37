"""Every store there is, fresh for each test: another one joins by a line in `_STORES`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.store import Store
from ringfence.store.sqlite import SqliteStore

_STORES: dict[str, Callable[[Path], Store]] = {
    "sqlite": lambda folder: SqliteStore(folder / "store.sqlite"),
}


@pytest.fixture(params=sorted(_STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, closed after the test."""
    opened = _STORES[request.param](tmp_path)
    try:
        yield opened
    finally:
        opened.close()
