from collections.abc import Iterator

import pytest
from api_samples import Api, open_api
from case_market import Cases, open_cases

from neo4j_database import Emptying, Login
from neo4j_server import Neo4jServer


@pytest.fixture(scope="session")
def sqlite_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with open_api(tmp_path_factory.mktemp("api")) as api:
        yield api


@pytest.fixture(scope="session")
def neo4j_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """On a server of its own, which no test empties."""
    folder = tmp_path_factory.mktemp("api")
    with Neo4jServer(folder / "server") as server, open_api(folder, address=server.address) as api:
        yield api


@pytest.fixture(params=["sqlite", "neo4j"])
def shared_api(request: pytest.FixtureRequest) -> Api:
    """The API on a small store of each kind, made once."""
    made: Api = request.getfixturevalue(f"{request.param}_api")
    return made


@pytest.fixture
def api(shared_api: Api) -> Api:
    """The API on the small store, which nobody may change; its calls are counted from here on."""
    shared_api.calls.clear()
    return shared_api


@pytest.fixture(scope="module", params=["sqlite", "neo4j"])
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    """The API on a store of each kind, with keys of several people; each test is about a buyer of its own."""
    address: str | None = None
    credentials: tuple[str | None, str | None] = (None, None)
    if request.param == "neo4j":
        login: Login = request.getfixturevalue("neo4j_server")
        emptying: Emptying = request.getfixturevalue("_emptying")
        emptying.empty()
        address, credentials = login.address, login.credentials
    with open_cases(tmp_path_factory.mktemp("cases"), address=address, credentials=credentials) as opened:
        yield opened


@pytest.fixture
def buyer(cases: Cases) -> str:
    """A buyer whom nobody reported or verified yet."""
    return next(cases.unused)
