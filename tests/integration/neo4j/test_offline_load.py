"""A first load by neo4j-admin makes the store that a load over the wire makes."""

import os
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from test_intake_market import same
from whole_graph import kinds_of, whole_graph

from neo4j_database import DATABASE, Login
from neo4j_server import Neo4jServer, jars
from ringfence.app import StoresByAddress
from ringfence.cli.main import run
from ringfence.detection.detect import find_rings
from ringfence.detection.findings import Findings
from ringfence.detection.parameters import Parameters
from ringfence.domain.errors import UnavailableError
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.progress import Progress, Silent
from ringfence.domain.scope import PLATFORM
from ringfence.generator import GeneratorOptions
from ringfence.intake import PseudonymKey
from ringfence.services.load_market import LoadRequest, load_market, load_offline
from ringfence.services.make_marketplace import make_marketplace
from ringfence.settings import Settings
from ringfence.store import FolderInUseError, Store

KEY = PseudonymKey(b"k" * 32)
NOW = 7


@pytest.fixture(scope="module", autouse=True)
def _small_batches() -> Iterator[None]:
    """Let there be several batches of everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ringfence.store.neo4j.loading.BATCH_ROWS", 1_000)
        patch.setattr("ringfence.store.neo4j.offline.BATCH_ROWS", 1_000)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A marketplace with every kind of file, later words on claims, and names that are hard to quote."""
    folder = tmp_path_factory.mktemp("market") / "files"
    make_marketplace(GeneratorOptions(buyers=600, seed=5), folder)
    claims = pl.read_csv(folder / "claims.csv", infer_schema=False)
    told = claims.select("buyer_id", kind=pl.lit("device"), value="device", first_seen="filed_at")
    told.drop_nulls().head(50).write_csv(folder / "identifiers.csv")
    later = claims.head(40).with_columns(status=pl.lit("withdrawn"))
    later.write_csv(folder / "claims_later.csv")
    merchants = pl.read_csv(folder / "merchants.csv", infer_schema=False)
    names = ['Ann "and" Co', "Ann; Bob, Cyd", "C:\\Shop\\", "Ünï 店", " Spaces "]
    merchants.with_columns(
        name=pl.Series([names[at % len(names)] for at in range(len(merchants))])
    ).write_csv(folder / "merchants.csv")
    rates = pl.DataFrame({"currency": ["USD", "BRL"], "date": "2024-01-01", "rate": ["0.9", "0.17"]})
    rates.write_csv(folder / "rates.csv")
    return folder


@pytest.fixture(scope="module")
def imported(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Login]:
    """A server whose database was made from files while it was stopped."""
    folder = tmp_path_factory.mktemp("offline") / "import"
    tool = StoresByAddress().import_files("neo4j://nowhere")
    _, made = load_offline(LoadRequest([files]), KEY, tool, folder, NOW)
    with Neo4jServer(tmp_path_factory.mktemp("server")) as server:
        server.stop()
        run_tool(server, made.command)
        server.start()
        yield server.login


def run_tool(server: Neo4jServer, command: str) -> None:
    """Run a command of neo4j-admin on the files of a stopped server."""
    program, *arguments = shlex.split(command)
    assert program == "neo4j-admin"
    java = ["java", "-Xmx1g", "-cp", f"{jars(server.version)}/*", "org.neo4j.cli.AdminTool", *arguments]
    home = {"NEO4J_HOME": str(server.folder), "NEO4J_CONF": str(server.folder / "conf")}
    ended = subprocess.run(
        java, env=os.environ | home, capture_output=True, text=True, check=False, cwd=server.folder
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "bad entries" not in ended.stdout.replace("no bad entries", "")


def opened(login: Login) -> Store:
    return StoresByAddress(*login.credentials).open(login.address, create=False)


def load(store: Store, files: Path, progress: Progress | None = None) -> None:
    lease = store.leases.acquire(LeaseName.LOAD, Holder("here", 1, "now"), 600.0, 0)
    load_market(LoadRequest([files]), KEY, store, lease, NOW, progress)
    store.leases.release(lease)


def rings_in(found: Findings) -> list[tuple[list[int], float, list[float], list[int]]]:
    """Give the members, evidence, members' evidence and joint claims of each ring."""
    return [
        (ring.members.tolist(), ring.score, ring.support.member_scores.tolist(), ring.joint.claim.tolist())
        for ring in found.rings
    ]


def test_an_import_makes_the_graph_and_the_arrays_that_a_load_makes(
    files: Path, imported: Login, neo4j_server: Login, neo4j_address: str
) -> None:
    with closing(StoresByAddress(*neo4j_server.credentials).open(neo4j_address, create=True)) as served:
        load(served, files)
        with closing(opened(imported)) as store:
            assert store.market.loads() == served.market.loads()
            made, loaded = store.market.read(), served.market.read()
            assert same(made, loaded)
            found, expected = (find_rings(each, Parameters(), Silent()) for each in (made, loaded))
            assert rings_in(found) == rings_in(expected) != []
        theirs, ours = whole_graph(imported), whole_graph(neo4j_server)
    assert ours - theirs == Counter()
    assert theirs - ours == Counter()
    assert kinds_of(ours) > {"CHANGED_BY", "ABOUT", "SHIPPED_TO", "DESCRIBED_BY", "ORDERED", "USES"}


def test_the_first_to_open_an_import_makes_its_constraints(imported: Login, neo4j_server: Login) -> None:
    with closing(opened(imported)):
        pass

    def constraints(login: Login) -> set[str]:
        with login.driver() as driver:
            records, _, _ = driver.execute_query("SHOW INDEXES YIELD name, state", database_=DATABASE)
        assert {record["state"] for record in records} == {"ONLINE"}
        return {record["name"] for record in records if not record["name"].startswith("index_")}

    with closing(StoresByAddress(*neo4j_server.credentials).open(neo4j_server.address, create=True)):
        assert constraints(imported) == constraints(neo4j_server)


def test_an_import_is_known_and_goes_on_by_loads_over_the_wire(
    files: Path, imported: Login, tmp_path: Path
) -> None:
    with closing(opened(imported)) as store:
        load(store, files)
        assert store.market.version() == 1, "the same files bring nothing new"
        claims = pl.read_csv(files / "claims.csv", infer_schema=False)
        more = claims.head(3).with_columns(claim_id=pl.format("new-{}", "claim_id"))
        pl.concat([more, claims.head(3)]).write_csv(tmp_path / "claims.csv")
        before = len(store.market.read().claims)
        load(store, tmp_path)
        assert store.market.version() == 2
        assert len(store.market.read().claims) == before + 3
        assert len(store.market.claims(tuple(more["claim_id"]), PLATFORM)) == 3


def test_files_of_an_import_are_there_whole_or_not_at_all(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = StoresByAddress().import_files("neo4j://nowhere/market")
    request = LoadRequest([files])

    def fill_the_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ringfence.store.neo4j.offline._about", fill_the_disk)
        with pytest.raises(UnavailableError, match="cannot be written: No space left"):
            load_offline(request, KEY, tool, tmp_path / "import", NOW)
    assert list(tmp_path.iterdir()) == []
    load_offline(request, KEY, tool, tmp_path / "import", NOW)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "import").iterdir()}
    with pytest.raises(FolderInUseError, match="is not empty"):
        load_offline(request, KEY, tool, tmp_path / "import", NOW)
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "import").iterdir()} == before


def test_the_command_line_tells_how_to_import(
    files: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def load_offline_by(*arguments: str) -> tuple[int, str, str]:
        command = ["load", str(files), "--offline", str(tmp_path / "import"), "--quiet", *arguments]
        code = run(command, Settings(key_file=tmp_path / "key"), StoresByAddress())
        return code, *capfd.readouterr()

    code, _, said = load_offline_by("--store", str(tmp_path / "store.sqlite"))
    assert (code, (tmp_path / "import").exists()) == (2, False)
    assert "Only a Neo4j has a tool that imports files" in said
    code, told, said = load_offline_by("--store", "neo4j://nowhere/market")
    assert code == 0, said
    assert "Stop the server" in told
    assert "Start the server" in told
    (command,) = re.findall(r"^neo4j-admin database import full market .*$", told, re.MULTILINE)
    named = {Path(path) for path in re.findall(r"=(/\S+\.csv)", command)}
    assert named == set((tmp_path / "import").iterdir())
