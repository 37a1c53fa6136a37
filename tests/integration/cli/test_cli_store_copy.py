import json
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import Finished, refusals, run_process

from ringfence.app import StoresByAddress

Command = Callable[..., Finished]
CLAIMS = """claim_id,buyer_id,merchant_id,filed_at,amount,currency,email
c1,b1,m1,2026-01-01,10.00,EUR,jane.roe@example.org
c2,b2,m1,2026-01-02,12.00,EUR,jane.roe@example.org
"""


@pytest.fixture
def address(ringfence: Command, publish: Callable[..., int], tmp_path: Path) -> Path:
    """A store with a load and a run."""
    (tmp_path / "claims.csv").write_text(CLAIMS)
    path = tmp_path / "from.sqlite"
    assert ringfence("load", tmp_path / "claims.csv", "--store", path, "--quiet").code == 0
    store = StoresByAddress().open(str(path), create=False)
    try:
        publish(store, {"r1": (31.2, ["b1", "b2"])})
    finally:
        store.close()
    return path


def test_a_copy_tells_what_it_holds(ringfence: Command, address: Path, tmp_path: Path) -> None:
    told = ringfence("store", "copy", address, tmp_path / "to.sqlite", "--quiet")
    assert (told.code, told.err) == (0, "")
    lines = [line.split("\t") for line in told.out.splitlines()]
    assert lines[0] == ["what", "pieces", "rows", "sha256"]
    assert [line[:2] for line in lines[1:]] == [
        ["loads", "1"],
        ["reports", "0"],
        ["runs", "1"],
        ["records", "0"],
        ["audit", "1"],
    ]
    again = ringfence("store", "copy", address, tmp_path / "to.sqlite", "--quiet")
    assert again.out.splitlines()[:-1] == told.out.splitlines()[:-1]
    assert again.out.splitlines()[-1].startswith("audit\t1\t2\t")
    listed = [ringfence("rings", "list", "--store", path).out for path in (address, tmp_path / "to.sqlite")]
    assert listed[0] == listed[1] != ""


def test_a_copy_as_json_names_each_piece(ringfence: Command, address: Path, tmp_path: Path) -> None:
    told = ringfence("store", "copy", address, tmp_path / "to", "--without-personal-data", "--json")
    summary = json.loads(told.out)
    assert (summary["from"], summary["to"]) == (str(address), str(tmp_path / "to"))
    assert summary["without_personal_data"] is True
    assert summary["loads"]["load 1"]["rows"] == 4
    assert len(summary["runs"]["run 1"]["sha256"]) == 64
    refused = ringfence("load", tmp_path / "claims.csv", "--store", tmp_path / "to", "--currency", "USD")
    assert refused.code == 2
    assert "for people to browse" in refused.err
    refused = ringfence("detect", "--store", tmp_path / "to")
    assert refused.code == 2
    assert "for people to browse" in refused.err


def test_a_copy_says_in_one_line_what_is_wrong(ringfence: Command, address: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    (tmp_path / "claims.csv").write_text(CLAIMS.replace("c1", "c9"))
    assert ringfence("load", tmp_path / "claims.csv", "--store", other, "--quiet").code == 0
    for source, target, said in (
        (address, address, "the store itself"),
        (address, other, "load 1 of its own"),
        (tmp_path / "none.sqlite", other, "no store"),
        (address, "mysql://x", "no store"),
    ):
        told = ringfence("store", "copy", source, target, "--quiet")
        assert told.code == 2
        (line,) = refusals(told)
        assert said in line


def test_a_process_copies_and_says_where_it_stands(address: Path, tmp_path: Path) -> None:
    told = run_process("store", "copy", address, tmp_path / "to.sqlite")
    assert told.code == 0
    stages = [line.split(":")[0] for line in told.err.splitlines()]
    assert stages[-4:] == ["records", "audit", "clearing away", "compare"]


def test_the_group_alone_tells_its_commands_and_fails(ringfence: Command) -> None:
    told = ringfence("store")
    assert told.code == 2
    assert "copy" in told.out
