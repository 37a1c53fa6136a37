import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from processes import Finished

from ringfence.app import StoresByAddress
from ringfence.cli.main import run
from ringfence.settings import Settings

BUYERS = "1500"


@pytest.fixture(scope="session", autouse=True)
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One key for all commands, never the one in the user's folder, and the login of the tests' Neo4j."""
    path = tmp_path_factory.mktemp("key") / "key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RINGFENCE_KEY_FILE", str(path))
        patch.setenv("COLUMNS", "80")
        for name in ("USER", "PASSWORD"):
            patch.setenv(f"RINGFENCE_STORE_{name}", os.environ.get(f"RINGFENCE_TEST_NEO4J_{name}", ""))
        patch.delenv("FORCE_COLOR", raising=False)
        patch.delenv("NO_COLOR", raising=False)
        yield path


@pytest.fixture(scope="session")
def marketplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small marketplace with every kind of ring. Nobody may change it."""
    folder = tmp_path_factory.mktemp("marketplace") / "files"
    assert run(["generate", str(folder), "--buyers", BUYERS, "--quiet"], Settings(), StoresByAddress()) == 0
    return folder


@pytest.fixture(scope="session")
def found(marketplace: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of `detect --links` on the marketplace. Nobody may change it."""
    folder = tmp_path_factory.mktemp("found") / "run"
    arguments = ["detect", "--input", str(marketplace), "--out", str(folder), "--links", "--quiet"]
    assert run(arguments, Settings(key_file=key_file), StoresByAddress()) == 0
    return folder


@pytest.fixture
def ringfence(key_file: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Finished]:
    """Run a command in this process."""

    def command(*arguments: str | Path) -> Finished:
        capfd.readouterr()
        settings = Settings.from_environment(os.environ)
        stores = StoresByAddress(settings.store_user, settings.store_password)
        code = run([str(argument) for argument in arguments], settings, stores)
        return Finished(code, *capfd.readouterr())

    return command
