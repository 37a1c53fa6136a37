"""Ctrl-C, and a process that is killed while it writes."""

import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import KILLED_AT_A_RENAME, Finished, contents, interrupt_at, run_process, stable

Command = Callable[..., Finished]
KILLED = (sys.executable, "-c", KILLED_AT_A_RENAME)


def without_progress(told: Finished) -> list[str]:
    return [line for line in told.err.splitlines() if not line.endswith(" s")]


def test_ctrl_c_while_generating_leaves_nothing(tmp_path: Path) -> None:
    told = interrupt_at("people and shops", "generate", tmp_path / "made", "--buyers", "30000")
    assert told.code == 130
    assert without_progress(told) == ["error: interrupted; nothing is half-written"]
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_detecting_leaves_the_former_run(marketplace: Path, found: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(found, out)
    told = interrupt_at("read claims.csv", "detect", "-i", marketplace, "-o", out)
    assert told.code == 130
    assert without_progress(told) == ["error: interrupted; nothing is half-written"]
    assert told.out == ""
    assert contents(out) == contents(found)


@pytest.mark.parametrize("rename", [1, 2, 6])
def test_a_run_killed_while_it_writes_is_the_former_or_the_new_one(
    ringfence: Command, marketplace: Path, found: Path, tmp_path: Path, rename: int
) -> None:
    former = tmp_path / "former"
    assert ringfence("detect", "-i", marketplace, "-o", former).code == 0
    before = ringfence("rings", "list", "--run", former, "--json").out
    told = run_process(
        str(rename), former, "detect", "-i", marketplace, "-o", former, "--links", program=KILLED
    )
    assert told.code == -signal.SIGKILL
    assert ringfence("rings", "list", "--run", former, "--json").out == before
    shown = ringfence("rings", "show", ring_id(found), "--run", former).out
    assert ("Links were not written" in shown) == (rename == 1)

    assert ringfence("detect", "-i", marketplace, "-o", former, "--links").code == 0
    assert stable(former) == stable(found)


def test_a_marketplace_killed_while_it_is_written_can_be_made_anew(
    ringfence: Command, marketplace: Path, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    told = run_process("1", tmp_path, "generate", made, "--buyers", "500", program=KILLED)
    assert told.code == -signal.SIGKILL
    assert not made.exists()
    assert ringfence("generate", made, "--buyers", "500").code == 0
    assert sorted(contents(made)) == sorted(contents(marketplace))


def ring_id(run: Path) -> str:
    return (run / "rings.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
