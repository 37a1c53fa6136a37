"""Commands that messages name work where they are pasted: on the store or the run that was asked about."""

import re
import shlex
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from processes import Finished

from ringfence.app import StoresByAddress

Command = Callable[..., Finished]
HINT = re.compile(r"ringfence ((?:[a-z-]+ )+(?:'[^']*'|[^ ;)])+(?: --run-id \d+)?)")


@pytest.fixture
def place(tmp_path: Path, publish: Callable[..., int]) -> Path:
    """A store with a ring and a lead, in a folder whose name has a blank."""
    path = tmp_path / "my stores" / "store.sqlite"
    path.parent.mkdir()
    with closing(StoresByAddress().open(str(path), create=True)) as store:
        publish(store, {"r1": (31.2, ["b1", "b2"])}, leads={"l1": ["b3"]})
    return path


def hinted(told: Finished) -> list[str]:
    """The words of the command that a message names."""
    (found,) = HINT.findall(told.out + told.err)
    return shlex.split(found)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("rings", "show", "r9"), ("rings", "list")),
        (("rings", "show", "r9", "--run-id", "1"), ("rings", "list", "--run-id", "1")),
        (("rings", "export", "-f", "csv", "--ring", "r9"), ("rings", "list")),
        (("rings", "decide", "r9", "dismiss", "--reason", "kin"), ("rings", "list")),
        (("rings", "history", "r9"), ("rings", "list")),
        (("leads", "show", "l9"), ("leads", "list")),
        (("leads", "show", "l9", "--run-id", "1"), ("leads", "list", "--run-id", "1")),
        (("leads", "export", "-f", "csv", "--lead", "l9"), ("leads", "list")),
        (("leads", "dismiss", "l9", "--reason", "one van"), ("leads", "list")),
        (("leads", "list", "--buyer", "b9"), ("leads", "list")),
        (("verifications", "show", "v9"), ("verifications", "list")),
        (("runs", "show", "9"), ("runs", "list")),
        (("rings", "list", "--run-id", "9"), ("runs", "list")),
        (("keys", "revoke", "k9", "--reason", "lost"), ("keys", "list")),
    ],
)
def test_what_a_message_says_to_do_next_can_be_pasted(
    ringfence: Command, place: Path, arguments: tuple[str, ...], hint: tuple[str, ...]
) -> None:
    command = hinted(ringfence(*arguments, "--store", str(place)))
    assert command == [*hint[:2], "--store", str(place), *hint[2:]]
    assert ringfence(*command).code == 0


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("rings", "show", "r9"), ["rings", "list"]),
        (("leads", "show", "l9"), ["leads", "list"]),
        (("leads", "list", "--buyer", "nobody"), ["leads", "list"]),
    ],
)
def test_a_hint_about_a_run_in_a_folder_names_the_folder(
    ringfence: Command, found: Path, tmp_path: Path, arguments: tuple[str, ...], hint: list[str]
) -> None:
    folder = tmp_path / "my run"
    folder.symlink_to(found)
    told = ringfence(*arguments, "--run", folder)
    if told.out.startswith("No leads"):
        hint = ["rings", "list"]
    command = hinted(told)
    assert command == [*hint, "--run", str(folder)]
    assert ringfence(*command).code == 0


def test_a_store_of_the_environment_needs_no_option(
    ringfence: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_STORE", str(place))
    assert "; ringfence leads list shows" in ringfence("leads", "show", "l9").err


def test_a_detection_names_the_store_that_it_was_given(ringfence: Command, tmp_path: Path) -> None:
    made, store = tmp_path / "made", tmp_path / "my store.sqlite"
    extras = ("--with", "deal_club_40", "--stealth", "0.4")
    assert ringfence("generate", made, "--buyers", "1500", "--seed", "6", *extras, "--quiet").code == 0
    assert ringfence("load", made / "claims.csv", "--store", store, "--quiet").code == 0
    anyway = ("--publish-anyway", "a marketplace of a test")
    told = ringfence("detect", "--no-p-values", "--quiet", "--store", store, *anyway)
    assert told.code == 0
    assert f": ringfence leads list --store '{store}'\n" in told.out
    out = tmp_path / "my run"
    told = ringfence("detect", "--no-p-values", "--quiet", "--input", made / "claims.csv", "--out", out)
    assert f": ringfence leads list --run '{out}'\n" in told.out


def test_no_keys_is_said_with_a_command_for_the_store(ringfence: Command, place: Path) -> None:
    told = ringfence("keys", "list", "--store", place)
    assert told.out == f"No keys; ringfence keys create --store '{place}' makes one.\n"
