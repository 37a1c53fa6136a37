"""What only the embedded store promises: one file, its settings, and its way from version to version."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ringfence.domain.errors import InvalidError, NotFoundError, UnavailableError
from ringfence.store.sqlite import SqliteStore, database
from ringfence.store.sqlite.schema import MIGRATIONS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "shop.sqlite"


@pytest.fixture
def made(path: Path) -> Iterator[sqlite3.Connection]:
    """The file of a new store, read without Ringfence."""
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def test_every_table_is_strict(made: sqlite3.Connection) -> None:
    tables = made.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table'").fetchall()
    ours = {name: strict for name, strict in tables if not name.startswith("sqlite_")}
    assert len(ours) > 15
    assert [name for name, strict in ours.items() if not strict] == []


def test_readers_do_not_wait_for_the_writer(made: sqlite3.Connection) -> None:
    assert made.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_references_are_checked(path: Path) -> None:
    opened = database.Database(path, create=True)
    try:
        with pytest.raises(UnavailableError, match="FOREIGN KEY"), opened.transaction():
            opened.run("INSERT INTO buyers (buyer, buyer_id, load) VALUES (1, 'b1', 99)")
    finally:
        opened.close()


def test_a_reader_cannot_write(path: Path) -> None:
    opened = database.Database(path, create=True)
    try:
        with pytest.raises(UnavailableError, match="read-only"):
            opened.run("DELETE FROM loads")
    finally:
        opened.close()


def test_an_older_file_is_brought_forward_with_what_it_holds(
    path: Path, made: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.execute("INSERT INTO about (name, value) VALUES ('shop', 'ours')")
    made.commit()
    steps = (
        *MIGRATIONS,
        "CREATE TABLE later (name TEXT) STRICT;\n INSERT INTO later SELECT value FROM about;",
    )
    monkeypatch.setattr(database, "MIGRATIONS", steps)
    SqliteStore(path, create=False).close()
    assert made.execute("SELECT name FROM later").fetchall() == [("ours",)]
    assert made.execute("PRAGMA user_version").fetchone() == (len(steps),)


def test_a_step_that_fails_leaves_the_file_as_it_was(
    path: Path, made: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (*MIGRATIONS, "CREATE TABLE later (name TEXT) STRICT;\n INSERT INTO nowhere VALUES (1);")
    monkeypatch.setattr(database, "MIGRATIONS", steps)
    with pytest.raises(UnavailableError, match="nowhere"):
        SqliteStore(path)
    assert made.execute("SELECT name FROM sqlite_schema WHERE name = 'later'").fetchall() == []
    assert made.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def test_a_file_of_a_newer_version_is_left_alone(path: Path, made: sqlite3.Connection) -> None:
    newer = len(MIGRATIONS) + 1
    made.execute(f"PRAGMA user_version = {newer}")
    made.commit()
    with pytest.raises(InvalidError, match="newer Ringfence"):
        SqliteStore(path)
    assert made.execute("PRAGMA user_version").fetchone() == (newer,)


def test_of_a_run_whose_clearing_away_was_interrupted_nothing_is_told(
    path: Path, made: sqlite3.Connection, publish: Callable[..., int]
) -> None:
    store = SqliteStore(path)
    try:
        publish(store, {"r1": (9.0, ["ann", "bob"])})
        assert set(store.rings.last_members()) == {"r1"}
        made.execute("UPDATE runs SET is_kept = 0")
        made.execute("DELETE FROM members WHERE buyer_id = 'ann'")
        made.commit()
        assert store.rings.last_members() == {}
        assert store.rings.last_known("r1") is None
    finally:
        store.close()


def test_where_there_is_no_store_none_is_made_unless_asked_for(path: Path) -> None:
    with pytest.raises(NotFoundError, match="ringfence load"):
        SqliteStore(path, create=False)
    assert not path.parent.exists()


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match=r"is a folder; name the store's file"):
        SqliteStore(tmp_path)


def test_processes_that_open_a_new_store_at_once_all_find_it_whole(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ringfence.store.sqlite import SqliteStore; "
        "store = SqliteStore(Path(sys.argv[1])); print(store.health().schema_version); store.close()"
    )
    command = [sys.executable, "-c", program, str(path)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    told = [process.communicate(timeout=60) for process in processes]
    assert told == [(f"{len(MIGRATIONS)}\n", "")] * 4
