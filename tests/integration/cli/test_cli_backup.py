import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from processes import Finished, contents, run_process

from ringfence.app import StoresByAddress
from ringfence.domain.progress import Silent
from ringfence.store.archive import write_archive
from ringfence.store.history import StoredHistory

Command = Callable[..., Finished]
CLAIMS = """claim_id,buyer_id,merchant_id,filed_at,amount,email
c1,b1,m1,2026-01-01,10.00,jane.roe@example.org
c2,b2,m1,2026-01-02,12.00,jane.roe@example.org
"""


@pytest.fixture
def address(publish: Callable[..., int], tmp_path: Path) -> Path:
    """A store in a file with two rings."""
    path = tmp_path / "store.sqlite"
    store = StoresByAddress().open(str(path), create=True)
    try:
        publish(store, {"r1": (31.2, ["b1", "b2"]), "r2": (20.0, ["b3"])})
    finally:
        store.close()
    return path


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_every_command_explains_itself_with_an_example(ringfence: Command, command: str) -> None:
    told = ringfence(command, "--help")
    assert told.code == 0
    assert f"Example: ringfence {command} monday.sqlite" in told.out
    assert max(map(len, told.out.splitlines())) <= 80


def test_a_backup_says_what_is_inside_and_a_restore_brings_it_back(
    ringfence: Command, address: Path, tmp_path: Path
) -> None:
    decide = ("rings", "decide", "r1", "dismiss", "--reason", "kin", "--store", address)
    assert ringfence(*decide).code == 0
    assert ringfence("keys", "create", "--name", "ana", "--role", "job", "--store", address).code == 0
    made = ringfence("backup", tmp_path / "b.sqlite", "--store", address)
    assert made.code == 0
    assert made.out.startswith(f"{tmp_path / 'b.sqlite'} is a verified copy (")
    assert "loads: 0, run 1 of 1970-01-01T00:00:00Z with 2 rings, decided rings: 1, keys: 1" in made.out
    assert ringfence("rings", "undo", "r1", "--reason", "oops", "--store", address).code == 0

    refused = ringfence("restore", tmp_path / "b.sqlite", "--store", address)
    assert refused.code == 2
    assert "There is a store" in refused.err
    assert "--replace" in refused.err

    told = ringfence("restore", tmp_path / "b.sqlite", "--store", address, "--replace", "--json")
    assert told.code == 0
    assert json.loads(told.out) == {
        "path": str(address),
        "size_bytes": address.stat().st_size,
        "published_at": "1970-01-01T00:00:00Z",
        "loads": 0,
        "run_id": 1,
        "rings": 2,
        "decided_rings": 1,
        "keys": 1,
    }
    (ring,) = json.loads(ringfence("rings", "list", "--store", address, "--json").out)
    assert ring["ring_id"] == "r2"


def test_a_backup_is_not_written_over_a_file(ringfence: Command, address: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    told = ringfence("backup", taken, "--store", address)
    assert (told.code, told.out) == (2, "")
    assert "exists already" in told.err
    assert taken.read_text() == "mine"


def test_there_is_no_backup_of_nothing_and_no_restore_from_nothing(
    ringfence: Command, tmp_path: Path
) -> None:
    store = tmp_path / "no.sqlite"
    for arguments, said in (
        (("backup", tmp_path / "b", "--store", store), "There is no store"),
        (("restore", tmp_path / "b", "--store", store), "There is no backup"),
    ):
        told = ringfence(*arguments)
        assert (told.code, told.out) == (2, "")
        assert said in told.err
    assert contents(tmp_path) == {}


def test_the_key_of_the_pseudonyms_is_in_no_backup(
    ringfence: Command, key_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "claims.csv").write_text(CLAIMS)
    store, made = tmp_path / "s.sqlite", tmp_path / "b.sqlite"
    loaded = ringfence("load", tmp_path / "claims.csv", "--store", store, "--quiet")
    assert loaded.code == 0, loaded.err
    assert ", 0 loads" not in ringfence("backup", made, "--store", store).out
    key = key_file.read_bytes().strip()
    content = made.read_bytes()
    assert len(key) == 64
    for secret in (key, key.upper(), bytes.fromhex(key.decode()), b"jane.roe"):
        assert secret not in content
    assert b"b1" in content


def test_a_process_backs_up_and_restores(address: Path, tmp_path: Path) -> None:
    made = tmp_path / "b.sqlite"
    assert run_process("backup", made, "--store", address).code == 0
    told = run_process("restore", made, "--store", tmp_path / "new.sqlite")
    assert (told.code, told.err) == (0, "")
    assert (tmp_path / "new.sqlite").is_file()


def test_what_takes_long_tells_where_it_stands_unless_it_is_quiet(address: Path, tmp_path: Path) -> None:
    archive = tmp_path / "b.backup"
    with closing(StoresByAddress().open(str(address), create=False)) as store:
        write_archive(StoredHistory(store), archive, Silent())
    told = run_process("restore", archive, "--store", tmp_path / "new.sqlite")
    assert [line.partition(":")[0] for line in told.err.splitlines()][-4:] == [
        "records",
        "audit",
        "clearing away",
        "compare",
    ]
    told = run_process("restore", archive, "--store", tmp_path / "quiet.sqlite", "--quiet")
    assert (told.code, told.err) == (0, "")
