"""The README's commands about leads, cases, reports, verifications, recoveries, risk, audit and policy."""

import json
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from processes import Finished
from recovery_market import fill

from ringfence.app import StoresByAddress
from ringfence.cli.clock import clock

Command = Callable[..., Finished]
README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
SECTIONS = ("Leads", "Cases, reports, verifications, recoveries", "A buyer's risk", "The audit", "The policy")


def commands_of(section: str) -> list[str]:
    """List the commands of a section, comments left out."""
    (text,) = re.findall(rf"^## {section}\n(.+?)^## ", README, re.MULTILINE | re.DOTALL)
    lines = [line for block in re.findall(r"```sh\n(.+?)```", text, re.DOTALL) for line in block.splitlines()]
    return [line.partition("  #")[0].strip() for line in lines]


@pytest.fixture
def named(
    ringfence: Command, publish: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Say what a word of an example stands for in a store where Ann and Bob are a ring and were reported."""
    address = str(tmp_path / "store.sqlite")
    monkeypatch.setenv("RINGFENCE_STORE", address)
    monkeypatch.chdir(tmp_path)
    store = StoresByAddress().open(address, create=True)
    try:
        fill(store, now=clock())
        publish(store, {"r1": (31.2, ["ann", "bob"])}, now=clock(), leads={"l1": ["dan"]})
    finally:
        store.close()

    def found(group: str, *asked: str) -> str:
        (told,) = json.loads(ringfence(group, "list", *asked, "--json").out)
        return str(told[f"{'recovery' if group == 'recoveries' else 'verification'}_id"])

    def name(word: str) -> str:
        match word:
            case "VERIFICATION":
                return found("verifications", "--buyer", "ann")
            case "RECOVERY":
                return found("recoveries", "--merchant", "shop")
            case "2026-01":
                return f"{datetime.now(UTC):%Y-%m}"
            case "2026-11-11":
                return datetime.now(UTC).isoformat()
        return {"RING": "r1", "LEAD": "l1", "MERCHANT": "shop", "BUYER": "ann", "CLAIM": "c1"}.get(word, word)

    return name


def test_the_commands_shown_can_be_given_one_after_the_other(
    ringfence: Command, named: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for section in SECTIONS:
        commands = commands_of(section)
        assert commands
        for line in commands:
            program, *words = shlex.split(line)
            if program == "export":
                monkeypatch.setenv(*words[0].split("="))
                continue
            assert program == "ringfence"
            target = Path(words.pop()) if ">" in words else None
            told = ringfence(*(named(word) for word in words if word != ">"))
            assert (told.code, told.err) == (0, ""), line
            assert told.out or target, line
            if target is not None:
                target.write_text(told.out, encoding="utf-8")
