import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from processes import Finished, finish, refusals, start

Ringfence = Callable[..., Finished]
_LEASE_HELD = 4
CLAIMS = "claim_id,buyer_id,merchant_id,filed_at,amount,currency,status,address\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "claims.csv").write_text(CLAIMS + "c1,ann,shop,2024-01-01,5,EUR,open,Elm St 1\n")
    return folder


def test_load_tells_what_became_of_the_rows_of_each_file(
    ringfence: Ringfence, files: Path, tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    done = ringfence("load", files, "--store", store, "--quiet")
    assert done.code == 0, done.err
    assert [line.split("\t") for line in done.out.splitlines()] == [
        ["file", "read", "kept", "repeated", "updated", "rejected"],
        ["claims.csv", "1", "1", "0", "0", "0"],
    ]
    again = ringfence("load", files, "--store", store, "--quiet")
    assert (again.code, again.out) == (0, "These files are in the store already: nothing to do.\n")
    (files / "claims.csv").write_text(
        CLAIMS
        + "c1,ann,shop,2024-01-01,5,EUR,refunded,Elm St 1\nc2,bob,shop,2024-01-02,6,EUR,open,Elm St 1\n"
    )
    more = ringfence("load", files, "--store", store, "--json")
    assert json.loads(more.out) == {
        "load": 2,
        "files": [
            {
                "file": "claims.csv",
                "table": "claims",
                "read": 2,
                "kept": 1,
                "repeated": 0,
                "updated": 1,
                "rejected": 0,
            }
        ],
        "warnings": [],
        "rejected": None,
        "opened": [],
    }
    assert "write:" in more.err


def test_rows_that_contradict_the_store_refuse_the_load_and_are_told(
    ringfence: Ringfence, files: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store.sqlite"
    assert ringfence("load", files, "--store", store).code == 0
    (files / "claims.csv").write_text(
        CLAIMS + "c1,ann,shop,2024-01-01,7,EUR,open,Elm St 1\nc2,bob,shop,2024-01-02,6,EUR,,\n"
    )
    refused = ringfence("load", files, "--store", store, "--rejected", tmp_path / "told")
    assert refused.code == 1
    (line,) = refusals(refused)
    assert "claims.csv: 1 of 2 rows is bad" in line
    assert f"{tmp_path / 'told' / 'rejected.csv'} names them all" in line
    assert pl.read_csv(tmp_path / "told" / "rejected.csv").rows() == [
        ("claims.csv", 2, "amount", "differs from what is known of the same claim_id")
    ]
    with closing(sqlite3.connect(store)) as connection:
        assert connection.execute("SELECT claim_id FROM claims").fetchall() == [("c1",)]
    told = ringfence(
        "load", files, "--store", store, "--rejected", tmp_path / "told", "--max-rejected", "0.5"
    )
    assert told.code == 0
    assert f"warning: 1 row was rejected; {tmp_path / 'told' / 'rejected.csv'} says where and why" in told.err


def test_a_key_that_is_not_there_is_told_and_not_made_for_a_store_that_has_one(
    ringfence: Ringfence, files: Path, tmp_path: Path
) -> None:
    store, lost = tmp_path / "store.sqlite", tmp_path / "lost-key"
    assert ringfence("load", files, "--store", store).code == 0
    refused = ringfence("load", files, "--store", store, "--key-file", lost)
    assert refused.code == 2
    assert f"pseudonym key {lost}: No such file" in refusals(refused)[0]
    assert not lost.exists()


def test_another_key_is_refused(ringfence: Ringfence, files: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    assert ringfence("load", files, "--store", store).code == 0
    other = tmp_path / "other-key"
    assert ringfence("load", files, "--store", tmp_path / "other.sqlite", "--key-file", other).code == 0
    refused = ringfence("load", files, "--store", store, "--key-file", other)
    assert refused.code == 2
    (line,) = refusals(refused)
    assert "under another key" in line


def test_a_missing_file_makes_no_load(ringfence: Ringfence, tmp_path: Path) -> None:
    new = tmp_path / "new"
    refused = ringfence(
        "load", tmp_path / "nowhere", "--store", new / "store.sqlite", "--key-file", new / "key"
    )
    assert refused.code == 2
    assert "nowhere: no such file or folder" in refusals(refused)[0]
    assert not new.exists()


def test_a_folder_is_no_store(ringfence: Ringfence, files: Path, tmp_path: Path) -> None:
    for command in (("load", files), ("rings", "list"), ("restore", "backup.sqlite")):
        folder = tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        refused = ringfence(*command, "--store", folder)
        assert refused.code == 2
        assert not any(folder.iterdir())
    assert f"{folder} is a folder" in refusals(ringfence("rings", "list", "--store", folder))[0]


def test_two_processes_that_load_at_once_end_as_one_after_the_other(
    marketplace: Path, tmp_path: Path
) -> None:
    store, parts = tmp_path / "store.sqlite", [tmp_path / "even", tmp_path / "odd"]
    for number, part in enumerate(parts):
        part.mkdir()
        rows = pl.read_csv(marketplace / "claims.csv", infer_schema=False)
        rows.gather_every(2, number).write_csv(part / "claims.csv")
        shutil.copy(marketplace / "merchants.csv", part)
    waiting = list(parts)
    for _ in range(20):
        running = [start("load", part, "--store", store, "--quiet") for part in waiting]
        codes = [finish(process).code for process in running]
        assert set(codes) <= {0, _LEASE_HELD}, codes
        waiting = [part for part, code in zip(waiting, codes, strict=True) if code == _LEASE_HELD]
        if not waiting:
            break
    with closing(sqlite3.connect(store)) as connection:
        (claims,) = connection.execute("SELECT count(*) FROM claims").fetchone()
        loads = connection.execute("SELECT load FROM loads WHERE finished_at IS NOT NULL").fetchall()
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert claims == len(pl.read_csv(marketplace / "claims.csv", infer_schema=False))
    assert loads == [(1,), (2,)]
