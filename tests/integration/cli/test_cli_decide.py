import getpass
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import Finished, finish, run_process, start

from ringfence.store import Store

Command = Callable[..., Finished]


@pytest.fixture
def address(store: Store, publish: Callable[..., int], store_address: str) -> str:
    """A store with three rings."""
    publish(store, {"r1": (31.2, ["b1", "b2"]), "r2": (20.0, ["b3"]), "r3": (10.0, ["b4"])})
    return store_address


@pytest.fixture
def rings(ringfence: Command, address: str) -> Command:
    """Run `ringfence rings` on the store."""

    def command(*arguments: str) -> Finished:
        return ringfence("rings", *arguments, "--store", address)

    return command


def listed(rings: Command, *arguments: str) -> list[str]:
    return [ring["ring_id"] for ring in json.loads(rings("list", "--json", *arguments).out)]


def test_what_is_decided_is_said_listed_and_told_again(rings: Command) -> None:
    told = rings("decide", "r1", "dismiss", "--reason", "one family", "--as", "ana")
    assert told.code == 0
    assert told.out.startswith("r1: dismissed on ")
    assert " by ana with 31.2 decades of evidence (reason: one family); ana answers for it" in told.out
    assert listed(rings) == ["r2", "r3"]
    assert listed(rings, "--status", "dismissed") == ["r1"]
    assert listed(rings, "--status", "dismissed", "--status", "open") == ["r1", "r2", "r3"]
    assert listed(rings, "--status", "all", "--min-score", "15") == ["r1", "r2"]
    assert "Decided: dismissed on" in rings("show", "r1").out
    assert rings("undo", "r1", "--reason", "two families").out == "r1: open (version 2)\n"
    assert listed(rings) == ["r1", "r2", "r3"]


def test_a_confirmed_ring_stays_on_the_list_and_one_that_is_snoozed_or_allowed_does_not(
    rings: Command,
) -> None:
    for who in ("ana", "bo"):
        assert rings("decide", "r1", "confirm", "--reason", "seen", "--as", who).code == 0
    assert rings("decide", "r2", "snooze", "--reason", "later", "--until", "2999-01-02").code == 0
    told = rings("decide", "r3", "allow", "--reason", "staff", "--until", "2999-01-02T03:04", "--json")
    assert json.loads(told.out)["status"] == "allowed"
    assert "until 2999-01-02 by" in json.loads(told.out)["because"]
    assert listed(rings) == ["r1"]
    lines = rings("list", "--status", "all").out.splitlines()
    assert [line.split("\t")[-1] for line in lines] == ["status", "confirmed", "snoozed", "allowed"]
    rings("decide", "r1", "dismiss", "--reason", "not at all")
    assert rings("list").out == "No ring fits; --status all lists those that are down, too.\n"


def test_two_people_confirm_a_ring_unless_the_policy_lets_one(rings: Command, tmp_path: Path) -> None:
    confirm = ("confirm", "--reason", "one crew", "--as", "ana")
    told = rings("decide", "r1", *confirm)
    assert told.out.startswith("r1: confirm proposed on ")
    assert told.out.endswith("(reason: one crew); it waits for another investigator (version 1)\n")
    assert "proposed to confirm at 31.2 decades: one crew" in rings("history", "r1").out
    again = rings("decide", "r1", *confirm)
    assert again.code == 2
    assert "You proposed to confirm this ring on " in again.err
    other = rings("decide", "r1", "confirm", "--reason", "so I see", "--as", "bo", "--json")
    assert json.loads(other.out)["status"] == "confirmed"
    policy = tmp_path / "policy.toml"
    policy.write_text('version = "2"\n[cases]\nsecond_person_to_confirm = false\n', encoding="utf-8")
    alone = rings("decide", "r2", *confirm, "--policy", str(policy), "--json")
    assert json.loads(alone.out)["status"] == "confirmed"


def test_the_queue_is_listed_by_what_is_asked_and_tells_what_is_new(
    rings: Command, store: Store, publish: Callable[..., int]
) -> None:
    publish(store, {"r1": (31.2, ["b1"]), "r2": (20.0, ["b2", "b3"]), "r3": (10.0, ["b4"])})
    assert listed(rings, "--order", "size") == ["r2", "r1", "r3"]
    assert listed(rings, "--order", "priority") == ["r1", "r2", "r3"]
    assert listed(rings, "--new-since", "1970-01-01") == ["r1", "r2", "r3"]
    assert listed(rings, "--new-since", "2999-01-01") == []


def test_an_end_may_be_told_with_its_zone_as_history_writes_it(rings: Command) -> None:
    for until in ("2999-01-02T03:04:05Z", "2999-01-02T11:04:05+08:00", "2999-01-02T03:04:05"):
        assert rings("decide", "r1", "snooze", "--reason", "later", "--until", until).code == 0
    ends = [event["until"] for event in json.loads(rings("history", "r1", "--json").out)]
    assert ends == ["2999-01-02T03:04:05Z"] * 3


def test_the_history_of_a_ring_tells_all(rings: Command) -> None:
    assert rings("history", "r1").out == "Nothing is decided or noted about this ring.\n"
    rings("decide", "r1", "snooze", "--reason", "later", "--until", "2999-01-02", "--as", "ana")
    rings("note", "r1", "they share\na roof", "--as", "bo")
    rings("assign", "r1", "cy", "--as", "ana")
    rings("assign", "r1", "--nobody", "--as", "ana")
    rings("undo", "r1", "--reason", "oops", "--as", "ana")
    lines = [line.split("\t") for line in rings("history", "r1").out.splitlines()]
    assert [(line[0], *line[2:]) for line in lines] == [
        ("version", "by", "what"),
        ("1", "ana", "snooze until 2999-01-02T00:00:00Z at 31.2 decades: later"),
        ("2", "bo", "note: they share a roof"),
        ("3", "ana", "owner: cy"),
        ("4", "ana", "owner: whoever decided"),
        ("5", "ana", "undo: oops"),
    ]
    told = json.loads(rings("history", "r1", "--json").out)
    assert [event["event"] for event in told] == ["decided", "noted", "assigned", "assigned", "undone"]
    assert (told[0]["until"], told[0]["evidence"], told[1]["text"]) == (
        "2999-01-02T00:00:00Z",
        31.2,
        "they share\na roof",
    )


def test_whoever_is_not_named_decides_under_their_login_name(rings: Command) -> None:
    rings("note", "r1", "hm")
    assert json.loads(rings("history", "r1", "--json").out)[0]["by"] == getpass.getuser()


def test_who_saw_an_earlier_version_is_told(rings: Command) -> None:
    assert rings("decide", "r1", "dismiss", "--reason", "kin", "--seen", "0").code == 0
    told = rings("decide", "r1", "confirm", "--reason", "no kin", "--seen", "0")
    assert told.code == 2
    assert "Somebody else changed the record of ring r1 since version 0" in told.err
    assert len(json.loads(rings("history", "r1", "--json").out)) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("decide", "r9", "dismiss", "--reason", "kin"), "There is no ring r9"),
        (("decide", "r1", "burn", "--reason", "kin"), "'burn' is not one of"),
        (("decide", "r1", "dismiss"), "--reason"),
        (("decide", "r1", "dismiss", "--reason", " "), "The reason is empty"),
        (("decide", "r1", "snooze", "--reason", "later"), "say until when"),
        (("decide", "r1", "snooze", "--reason", "later", "--until", "2001-01-01"), "in the future"),
        (("decide", "r1", "snooze", "--reason", "later", "--until", "soon"), "'soon' is no time; write 20"),
        (("decide", "r1", "dismiss", "--reason", "kin", "--as", " "), "The name is empty"),
        (("undo", "r1", "--reason", "oops"), "Nothing is decided"),
        (("note", "r1", ""), "The note is empty"),
        (("assign", "r1"), "name an owner, or say --nobody"),
        (("assign", "r1", "ana", "--nobody"), "name an owner, or say --nobody"),
        (("history", "r9"), "There is no ring r9"),
        (("list", "--min-score", "nan"), "Evidence of at least nan is no number; give decades, such as 20"),
    ],
)
def test_what_is_refused_changes_nothing(rings: Command, arguments: tuple[str, ...], said: str) -> None:
    told = rings(*arguments)
    assert (told.code, told.out) == (2, "")
    assert said in told.err.splitlines()[-1]
    assert rings("history", "r1").out == "Nothing is decided or noted about this ring.\n"


def test_decisions_need_a_store_that_is_there(ringfence: Command, tmp_path: Path) -> None:
    told = ringfence(
        "rings", "decide", "r1", "dismiss", "--reason", "kin", "--store", str(tmp_path / "no.sqlite")
    )
    assert told.code == 2
    assert "There is no store" in told.err
    assert not (tmp_path / "no.sqlite").exists()


def test_statuses_are_of_a_store_not_of_a_folder(ringfence: Command) -> None:
    told = ringfence("rings", "list", "--run", "run", "--status", "all")
    assert told.code == 2
    assert "a folder holds no decisions" in told.err


def test_processes_that_decide_at_once_lose_no_decision(rings: Command, address: str) -> None:
    program = (
        "import os, sys\n"
        "from ringfence.app import StoresByAddress\n"
        "from ringfence.domain.scope import Principal, Role\n"
        "from ringfence.services.decide_rings import note\n"
        "from ringfence.settings import Settings\n"
        "login = Settings.from_environment(os.environ)\n"
        "store = StoresByAddress(login.store_user, login.store_password).open(sys.argv[1], create=False)\n"
        "for number in range(10):\n"
        "    note(store, Principal(sys.argv[2], Role.INVESTIGATOR), 'r1', str(number), number)\n"
        "store.close()"
    )
    started = [start(address, name, program=(sys.executable, "-c", program)) for name in ("ana", "bo")]
    assert [finish(process).code for process in started] == [0, 0]
    events = json.loads(rings("history", "r1", "--json").out)
    assert [event["version"] for event in events] == list(range(1, 21))
    for name in ("ana", "bo"):
        assert [event["text"] for event in events if event["by"] == name] == list(map(str, range(10)))


def test_a_process_decides(address: str) -> None:
    told = run_process("rings", "decide", "r1", "dismiss", "--reason", "kin", "--store", address)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("r1: dismissed on")
