from collections.abc import Iterator

import pytest
from api_samples import Api, open_api


@pytest.fixture(scope="session")
def shared_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with open_api(tmp_path_factory.mktemp("api")) as api:
        yield api


@pytest.fixture
def api(shared_api: Api) -> Api:
    """The API on the small store, which nobody may change; its calls are counted from here on."""
    shared_api.calls.clear()
    return shared_api
