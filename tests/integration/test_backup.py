import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ringfence.app import StoresByAddress
from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from ringfence.domain.leases import Holder, LeaseLostError, LeaseName
from ringfence.domain.records import Event, RecordKind, RecordRef
from ringfence.services.back_up import back_up, contents_of, restore
from ringfence.store import Store

STORES = StoresByAddress()
ONE, OTHER = RecordRef(RecordKind.KEY, "one"), RecordRef(RecordKind.KEY, "other")
HOLDER = Holder("here", 1, "once")
Publish = Callable[..., int]


def append(store: Store, record: RecordRef = ONE, text: str = "") -> int:
    state = store.records.state(record)
    version = state.version if state else 0
    return store.records.append(
        record, [Event("noted", 1, "ana", {"text": text})], version, {"n": version + 1}
    )


def both(store: Store, text: str = "") -> None:
    """Write to two records in one transaction."""
    with store.transaction():
        append(store, ONE, text)
        append(store, OTHER, text)


def version(store: Store, record: RecordRef = ONE) -> int:
    """Give a record's version, after seeing that its events are all there."""
    with store.snapshot():
        state = store.records.state(record)
        found = state.version if state else 0
        assert len(store.records.stream(record)) == found
        return found


def version_at(path: Path) -> int:
    opened = STORES.open(str(path), create=False)
    try:
        assert version(opened, ONE) == version(opened, OTHER)
        return version(opened)
    finally:
        opened.close()


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An empty store in a file, whose backups are files of the same kind."""
    opened = STORES.open(str(path), create=True)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where `store` is."""
    return tmp_path / "store.sqlite"


@pytest.fixture
def backup(store: Store, tmp_path: Path) -> Path:
    """A backup of three changes, after which there were two more."""
    for _ in range(3):
        both(store)
    made = tmp_path / "backups" / "b.sqlite"
    made.parent.mkdir()
    store.back_up(made)
    for _ in range(2):
        both(store)
    return made


def test_a_backup_holds_what_the_store_held(store: Store, publish: Publish, tmp_path: Path) -> None:
    publish(store, {"r1": (31.2, ["b1", "b2"])}, now=77)
    both(store)
    made = store.back_up(tmp_path / "b.sqlite")
    assert made.path == tmp_path / "b.sqlite"
    assert made.size_bytes == made.path.stat().st_size
    assert made.health == store.health()
    assert (made.health.last_run_id, made.health.last_published_at) == (1, 77)
    copied = STORES.open(str(made.path), create=False)
    try:
        assert contents_of(copied) == contents_of(store)
        assert copied.rings.members(("r1",)) == store.rings.members(("r1",))
        assert copied.records.stream(ONE) == store.records.stream(ONE)
    finally:
        copied.close()


def test_a_backup_is_one_file_for_its_owner_alone_and_nothing_is_left_beside_it(
    store: Store, backup: Path, path: Path
) -> None:
    assert [left.name for left in backup.parent.iterdir()] == ["b.sqlite"]
    assert backup.stat().st_mode & 0o777 == 0o600
    # Whether it is in one piece can be seen with nothing but the file itself.
    moved = backup.rename(backup.with_name("elsewhere"))
    with closing(sqlite3.connect(f"{moved.as_uri()}?mode=ro&immutable=1", uri=True)) as alone:
        assert alone.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert alone.execute("SELECT count(*) FROM events").fetchone() == (6,)
    assert version_at(moved) == 3
    assert [left.name for left in moved.parent.iterdir()] == ["elsewhere"]


def test_a_backup_is_never_written_over_anything(store: Store, backup: Path, path: Path) -> None:
    before = backup.read_bytes()
    for taken in (backup, path, path.parent):
        with pytest.raises(ConflictError, match="exists already"):
            store.back_up(taken)
    assert backup.read_bytes() == before
    assert version(store) == 5


def test_a_backup_that_cannot_be_written_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot be written"):
        store.back_up(tmp_path / "no" / "such" / "folder" / "b.sqlite")
    assert [left.name for left in tmp_path.iterdir() if "b.sqlite" in left.name] == []


def test_a_damaged_store_is_not_copied_as_if_it_were_whole(store: Store, path: Path, tmp_path: Path) -> None:
    for _ in range(50):
        append(store, text="x" * 3_000)
    with closing(sqlite3.connect(path)) as own:
        own.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _damage(path)
    with pytest.raises(UnavailableError, match="is damaged"):
        store.back_up(tmp_path / "b.sqlite")
    assert sorted(left.name for left in tmp_path.iterdir() if "b.sqlite" in left.name) == []


def test_a_backup_made_while_others_write_shows_one_moment(store: Store, tmp_path: Path) -> None:
    # Large enough that a copy takes several steps.
    for _ in range(15):
        both(store, "x" * 1_000_000)
    done = threading.Event()
    times: list[float] = []
    # A copy that began anew with every write would not end before the writing does.
    end = time.monotonic() + 30

    def keep_writing() -> None:
        while not done.is_set() and time.monotonic() < end:
            began = time.perf_counter()
            both(store, "y" * 1_000)
            times.append(time.perf_counter() - began)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for place in range(2):
            before = version(store)
            made = store.back_up(tmp_path / f"{place}.sqlite")
            assert before <= version_at(made.path) <= version(store)
            # What was written meanwhile did not wait for the copy.
            assert version(store) > before
            assert time.monotonic() < end
            back = tmp_path / f"restored {place}.sqlite"
            STORES.restore(made.path, str(back), replace=False)
            assert version_at(back) == version_at(made.path)
    finally:
        done.set()
        writer.join()
    assert max(times) < 5


def test_a_restored_store_is_what_the_backup_holds(backup: Path, tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "s?#%20.sqlite"
    made = STORES.restore(backup, str(target), replace=False)
    assert (made.path, made.size_bytes) == (target, target.stat().st_size)
    assert [left.name for left in target.parent.iterdir()] == [target.name]
    assert version_at(target) == 3
    with closing(sqlite3.connect(target)) as own:
        # Else readers would wait for writers.
        assert own.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_new_store_and_a_restored_one_are_for_their_owner_alone_with_all_that_lies_beside_them(
    store: Store, backup: Path, path: Path, tmp_path: Path
) -> None:
    both(store)
    beside = [path, *path.parent.glob(f"{path.name}-*")]
    assert len(beside) == 3
    STORES.restore(backup, str(tmp_path / "new" / "r.sqlite"), replace=False)
    for file in (*beside, tmp_path / "new" / "r.sqlite"):
        assert file.stat().st_mode & 0o777 == 0o600, file


def test_a_store_is_only_replaced_if_that_is_said(store: Store, backup: Path, path: Path) -> None:
    with pytest.raises(ConflictError, match=r"There is a store .* already; --replace"):
        STORES.restore(backup, str(path), replace=False)
    assert version(store) == 5
    STORES.restore(backup, str(path), replace=True)
    assert version(store) == 3
    both(store)
    assert version_at(path) == 4
    assert version_at(backup) == 3


def test_whoever_has_the_store_open_sees_the_restored_one_next(
    store: Store, backup: Path, path: Path
) -> None:
    other = STORES.open(str(path), create=False)
    try:
        with store.snapshot():
            assert version(store) == 5
            assert version(other) == 5
            STORES.restore(backup, str(path), replace=True)
            # What is being read stays as it was.
            assert version(store) == 5
            assert version(other) == 3
        assert version(store) == 3
        both(other)
        both(store)
        assert version(other) == version(store) == 5
    finally:
        other.close()
    assert version_at(path) == 5


def test_writers_meanwhile_write_before_or_after_a_store_is_replaced(
    store: Store, backup: Path, path: Path
) -> None:
    done = threading.Event()
    told: list[BaseException] = []

    def keep_writing() -> None:
        other = STORES.open(str(path), create=False)
        try:
            while not done.is_set():
                both(other)
        except BaseException as error:
            told.append(error)
        finally:
            other.close()

    writers = [threading.Thread(target=keep_writing) for _ in range(2)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(3):
            STORES.restore(backup, str(path), replace=True)
            assert version(store) >= 3
    finally:
        done.set()
        for writer in writers:
            writer.join()
    assert told == []
    assert version_at(path) >= 3


def test_nobody_who_held_a_lease_holds_it_after_a_restore(store: Store, path: Path, tmp_path: Path) -> None:
    before = store.leases.acquire(LeaseName.LOAD, HOLDER, 60.0, 1)
    made = store.back_up(tmp_path / "b.sqlite")
    store.leases.release(before)
    for _ in range(3):
        held = store.leases.acquire(LeaseName.LOAD, HOLDER, 60.0, 1)
        store.leases.release(held)
    held = store.leases.acquire(LeaseName.LOAD, HOLDER, 60.0, 1)
    STORES.restore(made.path, str(path), replace=True)
    for lost in (before, held):
        with pytest.raises(LeaseLostError), store.transaction(lost):
            pass
    # The backup says that somebody held it, but they are of another life of the store.
    taken = store.leases.acquire(LeaseName.LOAD, HOLDER, 60.0, 1)
    assert taken.token > held.token
    with pytest.raises(LeaseLostError), store.transaction(held):
        pass
    with store.transaction(taken):
        pass


def test_what_is_no_backup_is_refused_and_the_store_stays(
    store: Store, backup: Path, path: Path, tmp_path: Path
) -> None:
    text, empty, foreign, newer = (tmp_path / name for name in ("text", "empty", "foreign", "newer"))
    text.write_text("no database at all, but long enough to be taken for one" * 100)
    empty.touch()
    with closing(sqlite3.connect(foreign)) as other:
        other.execute("CREATE TABLE t (x)")
    newer.write_bytes(backup.read_bytes())
    with closing(sqlite3.connect(newer)) as other:
        other.execute("PRAGMA user_version = 99")
    before = sorted(left.name for left in tmp_path.iterdir())
    for wrong, said in (
        (text, "is no backup of a Ringfence store, or is damaged"),
        (empty, "is no backup of a Ringfence store"),
        (foreign, "is no backup of a Ringfence store"),
        (newer, "made by a newer Ringfence"),
        (path, "is the store itself"),
    ):
        with pytest.raises(InvalidError, match=said):
            STORES.restore(wrong, str(path), replace=True)
    for missing in (tmp_path / "nothing", tmp_path):
        with pytest.raises(NotFoundError, match="There is no backup"):
            STORES.restore(missing, str(path), replace=True)
    assert sorted(left.name for left in tmp_path.iterdir()) == before
    assert version(store) == 5


def test_a_damaged_backup_is_refused_and_the_store_stays(store: Store, path: Path, tmp_path: Path) -> None:
    for _ in range(50):
        append(store, text="x" * 3_000)
    made = store.back_up(tmp_path / "b.sqlite").path
    whole = made.read_bytes()
    _damage(made)
    for damaged in (made.read_bytes(), whole[: len(whole) // 2]):
        made.write_bytes(damaged)
        with pytest.raises(InvalidError, match="damaged"):
            STORES.restore(made, str(path), replace=True)
        with pytest.raises(InvalidError, match="damaged"):
            STORES.restore(made, str(tmp_path / "new.sqlite"), replace=False)
    assert version(store) == 50
    assert not [left for left in tmp_path.iterdir() if "new.sqlite" in left.name]


def test_another_programs_database_is_not_replaced(backup: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    with closing(sqlite3.connect(foreign)) as other:
        other.execute("CREATE TABLE t (x)")
    before = foreign.read_bytes()
    with pytest.raises(InvalidError, match="no Ringfence store; it is not replaced"):
        STORES.restore(backup, str(foreign), replace=True)
    assert foreign.read_bytes() == before


def test_a_store_that_is_damaged_beyond_opening_is_replaced_and_kept_aside(
    backup: Path, tmp_path: Path
) -> None:
    target = tmp_path / "damaged.sqlite"
    for place in range(2):
        target.write_bytes(f"rubbish {place}".encode() * 1_000)
        target.with_name(f"{target.name}-wal").write_bytes(b"more rubbish")
        STORES.restore(backup, str(target), replace=True)
        assert version_at(target) == 3
    asides = [tmp_path / "damaged.sqlite.damaged", tmp_path / "damaged.sqlite.damaged-2"]
    assert [aside.read_bytes()[:9] for aside in asides] == [b"rubbish 0", b"rubbish 1"]


def test_a_store_with_damaged_pages_is_replaced_where_it_is(store: Store, path: Path, tmp_path: Path) -> None:
    for _ in range(50):
        both(store, text="x" * 3_000)
    made = store.back_up(tmp_path / "b.sqlite").path
    store.close()
    _damage(path)
    STORES.restore(made, str(path), replace=True)
    assert version_at(path) == 50


def test_what_a_removed_store_left_beside_it_is_not_mixed_into_a_restored_one(
    store: Store, backup: Path, path: Path
) -> None:
    log = path.with_name(f"{path.name}-wal")
    assert log.stat().st_size
    left = log.read_bytes()
    store.close()
    path.unlink()
    log.write_bytes(left)
    STORES.restore(backup, str(path), replace=False)
    assert version_at(path) == 3


def test_a_backup_of_an_earlier_version_is_brought_forward(backup: Path, tmp_path: Path) -> None:
    opened = STORES.open(str(tmp_path / "fresh.sqlite"), create=True)
    current = opened.health().schema_version
    opened.close()
    made = STORES.restore(backup, str(tmp_path / "new.sqlite"), replace=False)
    assert made.health.schema_version == current


def test_services_say_what_is_inside(store: Store, publish: Publish, tmp_path: Path, path: Path) -> None:
    publish(store, {"r1": (31.2, ["b1"]), "r2": (3.0, ["b2"])})
    both(store)
    made, inside = back_up(STORES, str(path), tmp_path / "b.sqlite")
    assert (inside.loads, inside.run_id, inside.rings, inside.decided_rings, inside.keys) == (0, 1, 2, 0, 2)
    again, same = restore(STORES, made.path, str(tmp_path / "new.sqlite"), replace=False)
    assert same == inside
    assert again.health == made.health
    with pytest.raises(NotFoundError):
        back_up(STORES, str(tmp_path / "nothing"), tmp_path / "c.sqlite")


_RESTORE = """
import sys
from pathlib import Path
from ringfence.store.sqlite import restore
restore(Path(sys.argv[1]), Path(sys.argv[2]), replace=True)
"""
_KILLED = """
import os, signal, sqlite3, sys
left = reached = int(sys.argv.pop(1))
def reach():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
class Connection(sqlite3.Connection):
    def execute(self, *given):
        reach()
        return super().execute(*given)
    def backup(self, target, *, progress, pages, sleep):
        def step(*told):
            reach()
            progress(*told)
        super().backup(target, progress=step, pages=50, sleep=sleep)
    def close(self):
        reach()
        super().close()
        reach()
connect = sqlite3.connect
sqlite3.connect = lambda *given, **named: connect(*given, factory=Connection, **named)
def watch(event, arguments):
    if event in ("os.link", "os.rename", "os.remove"):
        reach()
sys.addaudithook(watch)
"""
"""A process that dies at its n-th statement, step of a copy, or change of a folder."""


@pytest.mark.parametrize("there_is", ["a store in use", "a store", "no store"])
def test_a_restore_that_is_killed_leaves_the_old_store_or_the_new_one(
    store: Store, path: Path, tmp_path: Path, there_is: str
) -> None:
    for _ in range(3):
        both(store, "x" * 300_000)
    made = store.back_up(tmp_path / "b.sqlite").path
    if there_is != "a store in use":
        store.close()

    def make_old() -> None:
        if there_is == "no store":
            path.unlink(missing_ok=True)
            return
        opened = STORES.open(str(path), create=False)
        both(opened, "z" * 300_000)
        if version(opened) > 4:
            STORES.restore(made, str(path), replace=True)
            both(opened, "z" * 300_000)
        opened.close()

    def found() -> int | None:
        return version_at(path) if path.exists() else None

    old = None if there_is == "no store" else 4
    make_old()
    code, points = _restore(made, path, _KILLED + _RESTORE + "print(reached - left)", 10**9)
    assert (code, found()) == (0, 3)
    seen = []
    for point in sorted({*range(1, int(points), int(points) // 9), int(points)}):
        make_old()
        assert found() == old
        code, _ = _restore(made, path, _KILLED + _RESTORE, point)
        assert code == -signal.SIGKILL
        seen.append(found())
    # First the old one, from some point on the new one.
    assert seen == [old] * seen.count(old) + [3] * seen.count(3)
    assert old in seen
    assert 3 in seen


def test_a_disk_that_is_full_leaves_the_store_as_it_was(store: Store, path: Path, tmp_path: Path) -> None:
    for _ in range(5):
        both(store, "x" * 1_000_000)
    made = store.back_up(tmp_path / "b.sqlite").path
    both(store)
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n"
    )
    before = sorted(left.name for left in tmp_path.iterdir())
    # Too small for the copy beside the store, then for its log.
    for most in (3_000_000, made.stat().st_size + 30_000):
        code, told = _restore(made, path, limited.format(most=most) + _RESTORE)
        assert code == 1
        assert "UnavailableError" in told
        assert version(store) == 6
        assert sorted(left.name for left in tmp_path.iterdir()) == before


def _restore(backup: Path, path: Path, program: str, *options: object) -> tuple[int, str]:
    """Restore in another process; give its exit code and what it told."""
    process = subprocess.run(
        [sys.executable, "-c", program, *map(str, options), str(backup), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    return process.returncode, process.stdout + process.stderr


def _damage(path: Path) -> None:
    """Overwrite the middle of a file."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8 * 4096] = random.Random(1).randbytes(8 * 4096)
    path.write_bytes(content)
