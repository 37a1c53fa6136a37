"""A load into Neo4j that was killed and given again leaves what an undisturbed one leaves."""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from interrupted_loads import BATCH_ROWS, KEY, Interrupted, PulledPlug, killed_load, two_loads
from whole_graph import kinds_of, whole_graph

from neo4j_database import Emptying, Login
from ringfence.app import StoresByAddress
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.progress import Progress
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.store.neo4j.loading import begin_load


@pytest.fixture(scope="module", autouse=True)
def _small_batches() -> Iterator[None]:
    """Let there be several batches of everything, and several steps to clear them away."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ringfence.store.neo4j.loading.BATCH_ROWS", BATCH_ROWS)
        patch.setattr("ringfence.store.neo4j.clearing._ROWS", 100)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return two_loads(tmp_path_factory.mktemp("market"))


def load(login: Login, files: Path, process: int, progress: Progress | None = None) -> None:
    with closing(StoresByAddress(*login.credentials).open(login.address, create=True)) as store:
        holder = Holder("here", process, "now")
        lease = store.leases.acquire(LeaseName.LOAD, holder, 60.0, process * 10**9)
        load_market(LoadRequest([files]), KEY, store, lease, 7, progress)


@pytest.fixture(scope="module")
def undisturbed(files: list[Path], neo4j_server: Login, _emptying: Emptying) -> Counter[tuple[Any, ...]]:
    """What two loads leave that nothing disturbed."""
    _emptying.empty()
    for process, each in enumerate(files):
        load(neo4j_server, each, process)
    return whole_graph(neo4j_server)


@pytest.fixture
def after_first(
    files: list[Path], undisturbed: Counter[tuple[Any, ...]], neo4j_server: Login, neo4j_address: str
) -> Login:
    """A store with the first load."""
    load(neo4j_server, files[0], 0)
    return neo4j_server


def test_there_is_enough_to_interrupt(undisturbed: Counter[tuple[Any, ...]]) -> None:
    assert kinds_of(undisturbed) > {"CHANGED_BY", "ABOUT", "SHIPPED_TO", "DESCRIBED_BY", "ORDERED", "USES"}


@pytest.mark.parametrize("batches", [6, 24])
def test_an_interrupted_load_that_is_not_taken_up_leaves_no_trace(
    files: list[Path],
    undisturbed: Counter[tuple[Any, ...]],
    after_first: Login,
    tmp_path: Path,
    batches: int,
) -> None:
    for path in files[1].glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    claims = pl.read_csv(files[1] / "claims.csv", infer_schema=False)
    renamed = claims.with_columns(pl.format("x{}", "claim_id").alias("claim_id"))
    new = renamed.tail(len(claims) // 2).with_columns(pl.format("x{}", "buyer_id").alias("buyer_id"))
    renamed.head(len(claims) // 2).vstack(new).write_csv(tmp_path / "claims.csv")
    before = whole_graph(after_first)
    with pytest.raises(Interrupted):
        load(after_first, tmp_path, 1, PulledPlug(batches))
    assert len(whole_graph(after_first)) > len(before)
    load(after_first, files[1], 2)
    assert whole_graph(after_first) == undisturbed


@pytest.mark.parametrize("left", [1, 16])
def test_a_load_killed_in_a_transaction_goes_on_from_the_one_before(
    files: list[Path], undisturbed: Counter[tuple[Any, ...]], after_first: Login, left: int
) -> None:
    ended = killed_load("neo4j", after_first.address, files[1], left)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    with closing(StoresByAddress(*after_first.credentials).open(after_first.address, create=False)) as store:
        assert store.market.version() == 1
    load(after_first, files[1], 9)
    assert whole_graph(after_first) == undisturbed


def test_a_clearing_that_is_interrupted_too_is_done_again(
    files: list[Path],
    undisturbed: Counter[tuple[Any, ...]],
    after_first: Login,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Interrupted):
        load(after_first, files[1], 1, PulledPlug(20))
    written = whole_graph(after_first)

    def pull(*_: object) -> int:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr("ringfence.store.neo4j.clearing.Neo4jNumbering", pull)
        (tmp_path / "orders.csv").write_bytes((files[1] / "orders.csv").read_bytes())
        with pytest.raises(Interrupted):
            load(after_first, tmp_path, 2)
    assert len(whole_graph(after_first)) < len(written)
    load(after_first, files[1], 3)
    assert whole_graph(after_first) == undisturbed


def test_batches_whose_commit_went_unheard_are_not_written_twice(
    files: list[Path],
    undisturbed: Counter[tuple[Any, ...]],
    after_first: Login,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Interrupted):
        load(after_first, files[1], 1, PulledPlug(20))

    def begin_from_nothing(*arguments: Any) -> tuple[int, int]:
        load, written = begin_load(*arguments)
        assert written > 10
        return load, 0

    monkeypatch.setattr("ringfence.store.neo4j.market.begin_load", begin_from_nothing)
    load(after_first, files[1], 2)
    assert whole_graph(after_first) == undisturbed
