import random
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from processes import NO_FILE_ABOVE_BYTES, Finished, finish, refusals, run_process, stable, start

from ringfence.app import StoresByAddress
from ringfence.domain.leases import LeaseName
from ringfence.market import Market
from ringfence.services.hold_lease import hold_lease

Command = Callable[..., Finished]
HOUR = 3_600_000_000
FULL_DISK = (sys.executable, "-c", NO_FILE_ABOVE_BYTES)
BOUND_BY_PERMISSIONS = (
    sys.executable,
    "-c",
    """
import ctypes, os
if os.geteuid() == 0:
    # Root without the capabilities to override permissions (1 and 2 of capabilities(7)).
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    every = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None)
    assert libc.capget(header, every) == 0
    every[0] &= ~0b110
    assert libc.capset(header, every) == 0
from ringfence.app import main
main()
""",
)
"""A process that may not write what permissions forbid, even if it is root's."""
CLOCK_SET_BACK = (
    sys.executable,
    "-c",
    """
import sys, time
back, now = float(sys.argv.pop(1)), time.time_ns
time.time_ns = lambda: now() - int(back * 1e9)
from ringfence.app import main
main()
""",
)
"""A process whose clock is so many seconds late."""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store" / "shop.sqlite"


@pytest.fixture(scope="session")
def filled(marketplace: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the marketplace loaded and its rings published. Nobody may change it."""
    path = tmp_path_factory.mktemp("filled") / "shop.sqlite"
    for arguments in (["load", str(marketplace)], ["detect"]):
        done = run_process(*arguments, "--store", path, "--quiet")
        assert done.code == 0, done.err
    return path


@pytest.fixture
def copy(filled: Path, store: Path) -> Path:
    store.parent.mkdir()
    shutil.copy(filled, store)
    return store


@pytest.fixture(scope="session")
def halves(marketplace: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The marketplace in two halves that share no claim."""
    folders = (tmp_path_factory.mktemp("halves") / "one", tmp_path_factory.mktemp("halves") / "other")
    claims = pl.read_csv(marketplace / "claims.csv", infer_schema=False)
    for number, folder in enumerate(folders):
        folder.mkdir()
        claims.gather_every(2, number).write_csv(folder / "claims.csv")
    for name in ("orders.csv", "reports.csv"):
        shutil.copy(marketplace / name, folders[0] / name)
    return folders


def claims_in(path: Path) -> list[str]:
    return market_in(path).claims.claim_id.to_list()


def market_in(path: Path) -> Market:
    store = StoresByAddress().open(str(path), create=False)
    try:
        return store.market.read()
    finally:
        store.close()


def rings_in(ringfence: Command, path: Path) -> str:
    told = ringfence("rings", "list", "--store", path, "--json")
    assert told.code == 0, told.err
    return told.out


def test_of_two_loads_at_once_one_ends_and_the_other_is_told_to_wait_or_follows(
    halves: tuple[Path, Path], store: Path
) -> None:
    both = [start("load", half, "--store", store, "--quiet") for half in halves]
    ended = [finish(process) for process in both]
    assert {each.code for each in ended} <= {0, 4}, [each.err for each in ended]
    assert 0 in {each.code for each in ended}
    for half, each in zip(halves, ended, strict=True):
        if each.code == 4:
            (said,) = refusals(each)
            assert "Another load is under way" in said
            again = run_process("load", half, "--store", store, "--quiet")
            assert again.code == 0, again.err
    expected = [pl.read_csv(half / "claims.csv", infer_schema=False)["claim_id"] for half in halves]
    assert sorted(claims_in(store)) == sorted(pl.concat(expected).to_list())


def test_while_a_detection_holds_the_lease_another_exits_with_4_and_changes_nothing(
    ringfence: Command, copy: Path
) -> None:
    before = rings_in(ringfence, copy)
    store = StoresByAddress().open(str(copy), create=False)
    try:
        with hold_lease(store, LeaseName.DETECT, lambda: time.time_ns() // 1000):
            told = run_process("detect", "--store", copy, "--quiet")
        assert told.code == 4
        (said,) = refusals(told)
        assert "Another detect is under way" in said
    finally:
        store.close()
    assert rings_in(ringfence, copy) == before


def test_a_lease_whose_holder_was_killed_is_free_at_once(copy: Path) -> None:
    process = start("detect", "--store", copy)
    assert process.stderr is not None
    for line in process.stderr:
        if ":" in line:
            break
    process.send_signal(signal.SIGKILL)
    finish(process)
    again = run_process("detect", "--store", copy, "--quiet")
    assert again.code == 0, again.err


@pytest.mark.parametrize("seed", [1, 2])
def test_a_load_killed_at_any_moment_is_taken_up_and_ends_as_if_undisturbed(
    marketplace: Path, filled: Path, store: Path, seed: int
) -> None:
    dice = random.Random(seed)
    for _ in range(2):
        process = start("load", marketplace, "--store", store)
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("find repeated rows"):
                break
        time.sleep(dice.uniform(0.0, 0.4))
        process.kill()
        finish(process)
        if store.exists():
            found = StoresByAddress().open(str(store), create=False)
            assert found.market.version() in (0, 1)
            assert bool(len(found.market.read().claims)) == (found.market.version() == 1)
            found.close()
    done = run_process("load", marketplace, "--store", store, "--quiet")
    assert done.code == 0, done.err
    assert claims_in(store) == claims_in(filled)


def test_a_full_disk_ends_a_load_in_one_line_and_the_same_command_goes_on_when_there_is_room(
    marketplace: Path, filled: Path, store: Path
) -> None:
    store.parent.mkdir()
    told = run_process("400000", "load", marketplace, "--store", store, "--quiet", program=FULL_DISK)
    assert told.code == 1
    (said,) = refusals(told)
    assert "disk" in said
    done = run_process("load", marketplace, "--store", store, "--quiet")
    assert done.code == 0, done.err
    assert claims_in(store) == claims_in(filled)


def test_a_full_disk_during_detection_leaves_the_former_rings(ringfence: Command, copy: Path) -> None:
    before = rings_in(ringfence, copy)
    # The log beside the store is what grows while a run is written.
    told = run_process("100000", "detect", "--store", copy, "--quiet", program=FULL_DISK)
    assert told.code == 1
    (said,) = refusals(told)
    assert "disk" in said
    assert rings_in(ringfence, copy) == before
    done = run_process("detect", "--store", copy, "--quiet")
    assert done.code == 0, done.err


@pytest.fixture
def read_only(copy: Path) -> Iterator[Path]:
    """The store, where it may be read and not written."""
    copy.chmod(0o444)
    copy.parent.chmod(0o555)
    yield copy
    copy.parent.chmod(0o755)


def test_a_read_only_file_is_refused_in_one_line(
    ringfence: Command, read_only: Path, marketplace: Path
) -> None:
    before = read_only.read_bytes()
    for arguments in (["load", marketplace / "claims.csv"], ["detect"]):
        told = run_process(*arguments, "--store", read_only, "--quiet", program=BOUND_BY_PERMISSIONS)
        assert told.code == 1
        (said,) = refusals(told)
        assert str(read_only) in said
    assert read_only.read_bytes() == before


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: b"garbage" * 1000, id="no database"),
        pytest.param(lambda content: content[: len(content) // 3], id="cut short"),
        pytest.param(lambda content: content[:4096] + bytes(40_960) + content[45_056:], id="pages of zeros"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line_that_names_the_remedy(
    copy: Path, spoil: Callable[[bytes], bytes]
) -> None:
    copy.write_bytes(spoil(copy.read_bytes()))
    for arguments in (["detect"], ["rings", "list"], ["backup", str(copy.with_name("backup"))]):
        told = run_process(*arguments, "--store", copy)
        if told.code == 0 and arguments != ["backup"]:
            # A list need not meet the damage; whoever reads everything does.
            continue
        assert told.code == 1
        (said,) = refusals(told)
        assert "damaged" in said
        assert "restore" in said
    assert run_process("detect", "--store", copy, "--quiet").code == 1


def test_a_file_of_a_newer_version_is_refused(copy: Path) -> None:
    with sqlite3.connect(copy) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    told = run_process("rings", "list", "--store", copy)
    assert told.code == 2
    (said,) = refusals(told)
    assert "newer Ringfence" in said


def test_another_database_is_refused_and_left_alone(tmp_path: Path, marketplace: Path) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE things (name TEXT)")
    connection.close()
    before = other.read_bytes()
    told = run_process("load", marketplace, "--store", other, "--quiet")
    assert told.code == 2
    (said,) = refusals(told)
    assert "no Ringfence store" in said
    assert other.read_bytes() == before


def test_a_clock_set_back_changes_neither_the_order_of_runs_nor_of_decisions(
    ringfence: Command, copy: Path, tmp_path: Path
) -> None:
    day = str(86_400.0)
    (ring,) = {
        line.split("\t")[0] for line in ringfence("rings", "list", "--store", copy).out.splitlines()[1:2]
    }
    decide = ["rings", "decide", ring, "--as", "ana", "--store", str(copy)]
    first = run_process(*decide[:3], "dismiss", *decide[3:], "--reason", "a family")
    assert first.code == 0, first.err
    again = run_process(day, "detect", "--store", copy, "--quiet", program=CLOCK_SET_BACK)
    assert again.code == 0, again.err
    second = run_process(day, *decide[:3], "confirm", *decide[3:], "--reason", "no", program=CLOCK_SET_BACK)
    assert second.code == 0, second.err
    store = StoresByAddress().open(str(copy), create=False)
    try:
        run = store.rings.run()
        assert run is not None
        assert run.run_id == 2
    finally:
        store.close()
    history = ringfence("rings", "history", ring, "--store", copy).out
    assert history.index("a family") < history.index("no")


def test_a_killed_detection_is_never_seen_and_the_next_one_finds_what_an_undisturbed_one_finds(
    ringfence: Command, marketplace: Path, found: Path, store: Path, tmp_path: Path
) -> None:
    loaded = run_process("load", marketplace, "--store", store, "--quiet")
    assert loaded.code == 0, loaded.err
    for stage in ("reasons and records", "links"):
        process = start("detect", "--store", store)
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(stage):
                break
        process.kill()
        finish(process)
        assert rings_in(ringfence, store).strip() == "[]"
    out = tmp_path / "run"
    done = run_process("detect", "--store", store, "--out", out, "--links", "--quiet")
    assert done.code == 0, done.err
    assert stable(out) == stable(found)
