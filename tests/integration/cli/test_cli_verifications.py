import json
from collections.abc import Callable

import pytest
from processes import Finished, run_process
from recovery_market import fill

from ringfence.cli.clock import clock
from ringfence.store import Store

Command = Callable[..., Finished]


@pytest.fixture
def address(store: Store, store_address: str) -> str:
    """A store where two buyers claimed of late and merchants reported them."""
    fill(store, now=clock())
    return store_address


@pytest.fixture
def verifications(ringfence: Command, address: str) -> Command:
    """Run `ringfence verifications` on the store."""

    def command(*arguments: str) -> Finished:
        return ringfence("verifications", *arguments, "--store", address)

    return command


@pytest.fixture
def opened(verifications: Command) -> str:
    """A verification of Ann."""
    told = verifications("open", "ann", "--because", "m7 called", "--as", "ana", "--json")
    return str(json.loads(told.out)["verification_id"])


def test_what_happens_in_a_verification_is_told(verifications: Command) -> None:
    assert verifications("list").out == "No verifications.\n"
    told = verifications("open", "ann", "--because", "m7 called", "--as", "ana")
    assert told.code == 0
    id = told.out.split()[0]
    assert told.out == f"{id} of buyer ann: open (version 1)\n"
    assert verifications("assign", id, "bo").out == (
        f"{id} of buyer ann: open; bo answers for it (version 2)\n"
    )
    assert verifications("assign", id, "--nobody", "--as", "bo").out.endswith(": open (version 3)\n")
    verifications("note", id, "they share\na roof", "--as", "bo")
    told = verifications("decide", id, "confirmed", "--reason", "one photo", "--as", "ana")
    assert told.out == (
        f"{id} of buyer ann: confirmed is proposed by ana and waits for somebody else to agree (version 5)\n"
    )
    told = verifications("decide", id, "confirmed", "--reason", "indeed", "--as", "bo")
    assert ": confirmed on " in told.out
    assert " by ana and bo (reason: indeed)" in told.out
    assert verifications("appeal", id, "--reason", "not me", "--as", "ana").out.endswith(
        ": open (version 7)\n"
    )
    verifications("decide", id, "inconclusive", "--reason", "who knows", "--as", "bo")
    verifications("reopen", id, "--because", "a witness", "--as", "ana")
    lines = verifications("show", id).out.splitlines()
    assert lines[0] == f"{id} of buyer ann is open (version 9)"
    assert lines[1:7] == [
        "Because: a witness",
        "Owner: nobody",
        "Claims: c5, c4, c3, c2, c1",
        "Reports: cup/rep3, mart/rep2, shop/rep1",
        "Reporting merchants: cup, mart, shop",
        "In no ring, with 0 links to others",
    ]
    happened = [line.split("\t") for line in lines[8:]]
    assert [(line[0], line[3]) for line in happened] == [
        ("version", "what"),
        ("1", "opened: m7 called"),
        ("2", "owner: bo"),
        ("3", "owner: nobody"),
        ("4", "note: they share a roof"),
        ("5", "proposed confirmed: one photo"),
        ("6", "confirmed, as ana proposed: indeed"),
        ("7", "appeal: not me"),
        ("8", "inconclusive: who knows"),
        ("9", "reopened: a witness"),
    ]
    history = json.loads(verifications("show", id, "--json").out)["history"]
    assert [event["by"] for event in history[4:6]] == ["ana", "bo"]


def test_verifications_are_listed_by_state_owner_and_buyer(verifications: Command, opened: str) -> None:
    verifications("assign", opened, "bo")
    other = json.loads(verifications("open", "bob", "--because", "hm", "--json").out)["verification_id"]
    verifications("decide", other, "rejected", "--reason", "kin")

    def listed(*arguments: str) -> list[str]:
        return [
            each["verification_id"] for each in json.loads(verifications("list", "--json", *arguments).out)
        ]

    assert listed() == [other, opened]
    assert listed("--limit", "1") == [other]
    assert listed("--state", "open") == listed("--owner", "bo") == listed("--buyer", "ann") == [opened]
    header, first, _ = (line.split("\t") for line in verifications("list").out.splitlines())
    assert header == [
        *("verification", "buyer", "state", "owner", "opened at", "claims", "reports", "because")
    ]
    assert (first[:4], first[5:]) == ([other, "bob", "rejected", ""], ["2", "2", "hm"])


def test_a_policy_file_says_whether_one_person_is_enough(
    verifications: Command, opened: str, tmp_path: object
) -> None:
    path = f"{tmp_path}/policy.toml"
    with open(path, "w", encoding="utf-8") as file:
        file.write('version = "2"\n[verification]\nsecond_person_outcomes = []\n')
    told = verifications("decide", opened, "confirmed", "--reason", "seen", "--policy", path, "--json")
    verdict = json.loads(told.out)["verdicts"][0]
    assert (verdict["outcome"], verdict["proposed_by"]) == ("confirmed", None)
    assert verdict["policy"].startswith("2 (")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("open", "nobody", "--because", "hm"), "There is no buyer nobody"),
        (("open", "ann", "--because", "hm"), "is open already; decide it first"),
        (("open", "bob", "--because", " "), "The reason is empty"),
        (("open", "bob"), "--because"),
        (("show", "v9"), "There is no verification v9"),
        (("decide", "v9", "rejected", "--reason", "kin"), "There is no verification v9"),
        (("decide", "ID", "burn", "--reason", "kin"), "'burn' is not one of"),
        (
            ("decide", "ID", "rejected", "--reason", "kin", "--seen", "7"),
            "There is no version 7 of the record of verification",
        ),
        (("appeal", "ID", "--reason", "not me"), "is open; an appeal is against one that is confirmed"),
        (("reopen", "ID", "--because", "hm"), "is open already"),
        (("assign", "ID"), "name an owner, or say --nobody"),
        (("assign", "ID", "ana", "--nobody"), "name an owner, or say --nobody"),
        (("note", "ID", ""), "The note is empty"),
        (("list", "--state", "burnt"), "'burnt' is not one of"),
    ],
)
def test_what_is_refused_changes_nothing(
    verifications: Command, opened: str, arguments: tuple[str, ...], said: str
) -> None:
    told = verifications(*(opened if argument == "ID" else argument for argument in arguments))
    assert (told.code, told.out) == (2, "")
    assert said in told.err.splitlines()[-1]
    (only,) = json.loads(verifications("list", "--json").out)
    assert (only["verification_id"], only["version"]) == (opened, 1)


def test_a_process_opens_one(address: str) -> None:
    told = run_process("verifications", "open", "ann", "--because", "hm", "--store", address)
    assert (told.code, told.err) == (0, "")
    assert told.out.endswith(" of buyer ann: open (version 1)\n")
