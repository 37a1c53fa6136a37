from collections.abc import Iterator

import pytest
from api_samples import Api, open_api

from neo4j_server import Neo4jServer


@pytest.fixture(scope="session", params=["sqlite", "neo4j"])
def shared_api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API on a small store of each kind; that in Neo4j has a server of its own, which no test empties."""
    folder = tmp_path_factory.mktemp("api")
    if request.param == "sqlite":
        with open_api(folder) as api:
            yield api
    else:
        with Neo4jServer(folder / "server") as server, open_api(folder, address=server.address) as api:
            yield api


@pytest.fixture
def api(shared_api: Api) -> Api:
    """The API on the small store, which nobody may change; its calls are counted from here on."""
    shared_api.calls.clear()
    return shared_api
