"""A load that was killed and given again leaves what an undisturbed one leaves, byte for byte."""

import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from interrupted_loads import BATCH_ROWS, KEY, Interrupted, PulledPlug, killed_load, two_loads

from ringfence.domain.leases import Holder, Lease, LeaseName
from ringfence.domain.progress import Silent
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.store import Store
from ringfence.store.sqlite import SqliteStore


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringfence.store.sqlite.loading.BATCH_ROWS", BATCH_ROWS)
    monkeypatch.setattr("ringfence.store.sqlite.clearing._ROWS", 100)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return two_loads(tmp_path_factory.mktemp("market"))


@contextmanager
def opened(path: Path, process: int = 1) -> Iterator[tuple[Store, Lease]]:
    store = SqliteStore(path)
    try:
        yield (
            store,
            store.leases.acquire(LeaseName.LOAD, Holder("here", process, "now"), 60.0, process * 10**9),
        )
    finally:
        store.close()


def load(path: Path, files: Path, progress: Silent | None = None, process: int = 1) -> None:
    with opened(path, process) as (store, lease):
        load_market(LoadRequest([files]), KEY, store, lease, 7, progress)


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Give all rows of all tables but the leases."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for name in tables
            if name != "leases" and not name.startswith("sqlite_")
        }


@pytest.fixture(scope="module")
def after_first(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the first load."""
    path = tmp_path_factory.mktemp("first") / "store.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ringfence.store.sqlite.loading.BATCH_ROWS", BATCH_ROWS)
        load(path, files[0])
    return path


@pytest.fixture(scope="module")
def undisturbed(
    files: list[Path], after_first: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[tuple[Any, ...]]]:
    """What two loads leave that nothing disturbed."""
    path = tmp_path_factory.mktemp("undisturbed") / "store.sqlite"
    shutil.copy(after_first, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ringfence.store.sqlite.loading.BATCH_ROWS", BATCH_ROWS)
        load(path, files[1], process=2)
    return content(path)


def test_there_is_enough_to_interrupt(undisturbed: dict[str, list[tuple[Any, ...]]]) -> None:
    batches = [row[2] for row in undisturbed["batches"] if row[1] == "orders"]
    assert max(batches) > 1
    assert len(undisturbed["claim_changes"]) > 40
    assert all(len(undisturbed[table]) > 0 for table in ("reports", "buyer_details", "merchant_details"))


@pytest.mark.parametrize("batches", [0, 2, 9, 20])
def test_an_interrupted_load_goes_on_where_it_stopped(
    files: list[Path],
    after_first: Path,
    undisturbed: dict[str, list[tuple[Any, ...]]],
    tmp_path: Path,
    batches: int,
) -> None:
    path = tmp_path / "store.sqlite"
    shutil.copy(after_first, path)
    before = content(path)
    with pytest.raises(Interrupted):
        load(path, files[1], PulledPlug(batches), process=2)
    written = content(path)
    assert sum(map(len, written.values())) > sum(map(len, before.values()))
    with pytest.raises(Interrupted):
        load(path, files[1], PulledPlug(batches + 2), process=3)
    assert len(content(path)["batches"]) >= len(written["batches"])
    load(path, files[1], process=4)
    assert content(path) == undisturbed


@pytest.mark.parametrize("batches", [6, 24])
def test_an_interrupted_load_that_is_not_taken_up_leaves_no_trace(
    files: list[Path],
    after_first: Path,
    undisturbed: dict[str, list[tuple[Any, ...]]],
    tmp_path: Path,
    batches: int,
) -> None:
    path, other = tmp_path / "store.sqlite", tmp_path / "other"
    shutil.copy(after_first, path)
    shutil.copytree(files[1], other)
    claims = pl.read_csv(other / "claims.csv", infer_schema=False)
    claims.with_columns(pl.format("x{}", name).alias(name) for name in ("claim_id", "buyer_id")).write_csv(
        other / "claims.csv"
    )
    with pytest.raises(Interrupted):
        load(path, other, PulledPlug(batches), process=2)
    load(path, files[1], process=3)
    assert content(path) == undisturbed


def test_a_clearing_that_is_interrupted_too_is_done_again(
    files: list[Path],
    after_first: Path,
    undisturbed: dict[str, list[tuple[Any, ...]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "store.sqlite"
    shutil.copy(after_first, path)
    with pytest.raises(Interrupted):
        load(path, files[1], PulledPlug(20), process=2)

    def pull(*_: object) -> int:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr("ringfence.store.sqlite.clearing.SqliteNumbering", pull)
        changed = tmp_path / "changed"
        changed.mkdir()
        shutil.copy(files[1] / "orders.csv", changed / "orders.csv")
        with pytest.raises(Interrupted):
            load(path, changed, process=3)
    load(path, files[1], process=4)
    assert content(path) == undisturbed


@pytest.mark.parametrize("left", [1, 16])
def test_a_load_killed_in_a_transaction_goes_on_from_the_one_before(
    files: list[Path],
    after_first: Path,
    undisturbed: dict[str, list[tuple[Any, ...]]],
    tmp_path: Path,
    left: int,
) -> None:
    path = tmp_path / "store.sqlite"
    shutil.copy(after_first, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE leases SET expires_at = 0")
        connection.commit()
    ended = killed_load("sqlite", str(path), files[1], left)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    with opened(path, process=9) as (store, _):
        assert store.market.version() == 1
    load(path, files[1], process=10)
    assert content(path) == undisturbed
