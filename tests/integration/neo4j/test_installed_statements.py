import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from neo4j_database import Login
from ringfence.app import StoresByAddress
from ringfence.store.neo4j.statements import statements

ROOT = Path(__file__).parents[3]
OPENING = """
import sys
import ringfence
from ringfence.app import StoresByAddress
from ringfence.store.neo4j.statements import statements
store = StoresByAddress(*(text or None for text in sys.argv[2:4])).open(sys.argv[1], create=True)
print(ringfence.__path__[0], len(statements()), store.health().schema_version)
store.close()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of a copy of the checkout, and unpack it where the checkout is not to be seen."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("src", "cypher"):
        shutil.copytree(ROOT / name, folder / "checkout" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "checkout" / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*build, "--wheel-dir", folder, folder / "checkout"], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    shutil.rmtree(folder / "checkout")
    return folder / "site"


def test_an_installed_ringfence_brings_its_statements_and_connects(
    installed: Path, neo4j_address: str, neo4j_server: Login
) -> None:
    # -P keeps the working folder, and with it the checkout, out of the path.
    command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(installed)!r})\n{OPENING}"]
    credentials = [text or "" for text in neo4j_server.credentials]
    done = subprocess.run(
        [*command, neo4j_address, *credentials],
        check=True,
        capture_output=True,
        text=True,
        cwd=installed.parent,
    )
    opened = StoresByAddress(*neo4j_server.credentials).open(neo4j_address, create=False)
    version = opened.health().schema_version
    opened.close()
    assert done.stdout.split() == [str(installed / "ringfence"), str(len(statements())), str(version)]
