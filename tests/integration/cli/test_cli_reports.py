import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from processes import Finished

Command = Callable[..., Finished]
VERIFIED = (
    "To be verified, because of merchants' reports: ann (ringfence verifications list --store ADDRESS).\n"
)


@pytest.fixture
def address(ringfence: Command, tmp_path: Path, store_address: str, store: object) -> str:
    """A store where Ann claimed at the shop and at the mart three days ago, and the shop reported her."""
    at = datetime.now(UTC) - timedelta(days=3)
    written: dict[str, list[tuple[str, ...]]] = {
        "claims": [
            ("claim_id", "buyer_id", "merchant_id", "filed_at", "amount", "currency"),
            ("c1", "ann", "shop", at.isoformat(), "10.00", "EUR"),
            ("c2", "ann", "mart", at.isoformat(), "10.00", "EUR"),
        ],
        "reports": [
            ("report_id", "merchant_id", "buyer_id", "reported_at", "claim_id"),
            ("r1", "shop", "ann", at.isoformat(), "c1"),
        ],
    }
    folder = tmp_path / "files"
    folder.mkdir()
    for name, rows in written.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    assert ringfence("load", folder, "--store", store_address, "--quiet").code == 0
    return store_address


@pytest.fixture
def reports(ringfence: Command, address: str) -> Command:
    """Run `ringfence reports` on the store."""

    def command(*arguments: str) -> Finished:
        return ringfence("reports", *arguments, "--store", address)

    return command


def test_a_report_is_filed_listed_and_shown(reports: Command, address: str) -> None:
    told = reports("file", "--merchant", "mart", "--buyer", "ann", "--reason", "empty box", "--id", "r2")
    assert (told.code, told.out) == (
        0,
        f"Report r2 of buyer ann is filed.\n{VERIFIED.replace('ADDRESS', address)}",
    )
    again = reports("file", "--merchant", "mart", "--buyer", "ann", "--reason", "empty box", "--id", "r2")
    assert (again.code, again.out) == (0, "Report r2 of buyer ann was filed before; nothing changed.\n")
    header, first, second = (line.split("\t") for line in reports("list").out.splitlines())
    assert header == ["report", "merchant", "buyer", "at", "claim", "evidence", "status", "reason"]
    assert (first[0], first[1], first[6], first[7]) == ("r2", "mart", "filed", "empty box")
    assert (second[0], second[4]) == ("r1", "c1")
    shown = reports("show", "r2").out.splitlines()
    assert shown[0] == "Report r2 of buyer ann by merchant mart"
    assert shown[2:] == ["Reason: empty box", "Pieces of evidence: not told", "Status: filed"]


def test_of_two_merchants_reports_of_one_id_the_one_meant_is_shown(reports: Command) -> None:
    told = reports("file", "--merchant", "mart", "--buyer", "ann", "--reason", "empty box", "--id", "r1")
    assert told.code == 0
    asked = reports("show", "r1")
    assert (asked.code, asked.out, asked.err) == (
        2,
        "",
        "error: 2 merchants have a report r1 (mart, shop); say whose is meant: `merchantId`, on the command "
        "line --merchant.\n",
    )
    for merchant in ("mart", "shop"):
        shown = reports("show", "r1", "--merchant", merchant).out.splitlines()
        assert shown[0].startswith(f"Report r1 of buyer ann by merchant {merchant}")
    assert reports("withdraw", "r1", "--merchant", "mart", "--reason", "mistaken").code == 0
    assert json.loads(reports("show", "r1", "--merchant", "shop", "--json").out)["status"] == "filed"


def test_a_report_without_an_id_is_given_one_and_told_in_json(reports: Command) -> None:
    told = reports(
        "file", "--merchant", "mart", "--buyer", "ann", "--claim", "c2", "--evidence", "2", "--json"
    )
    report = json.loads(told.out)
    assert (report["is_new"], report["claim_id"], report["evidence_count"]) == (True, "c2", 2)
    (listed,) = json.loads(reports("list", "--merchant", "mart", "--json").out)
    assert listed["report_id"] == report["report_id"]
    assert (listed["status"], listed["because"], listed["version"]) == ("filed", None, 0)
    assert json.loads(reports("show", report["report_id"], "--json").out) == listed


def test_a_merchants_view_has_its_own_reports_alone(reports: Command) -> None:
    assert reports("list", "--merchant", "mart").out == "No reports.\n"
    assert reports("list", "--buyer", "bob").out == "No reports.\n"
    assert "c1" in reports("list", "--merchant", "shop", "--buyer", "ann", "--limit", "1").out
    told = reports("show", "r1", "--merchant", "mart")
    assert (told.code, told.err) == (2, "error: There is no report r1.\n")


def test_a_report_is_withdrawn_by_its_merchant_under_the_name_of_who_does_it(reports: Command) -> None:
    told = reports("withdraw", "r1", "--merchant", "mart", "--reason", "mistaken")
    assert (told.code, told.err) == (2, "error: There is no report r1.\n")
    told = reports("withdraw", "r1", "--merchant", "shop", "--reason", "mistaken", "--as", "eve")
    assert told.code == 0
    assert told.out.startswith("Report r1 of buyer ann by merchant shop about claim c1\n")
    assert " by eve (reason: mistaken)\n" in told.out
    again = reports("withdraw", "r1", "--merchant", "shop", "--reason", "mistaken")
    assert again.code == 2
    assert "was withdrawn on" in again.err


def test_what_was_not_verified_cannot_be_disputed(reports: Command) -> None:
    told = reports("dispute", "r1", "--merchant", "shop", "--reason", "look again")
    assert told.code == 2
    assert told.err.startswith("error: Report r1 has nothing to dispute")


def test_a_merchant_disputes_once_that_its_report_was_rejected(
    ringfence: Command, reports: Command, address: str
) -> None:
    told = reports("file", "--merchant", "mart", "--buyer", "ann", "--json")
    id = json.loads(told.out)["opened"]
    decide = ("verifications", "decide", id, "rejected", "--reason", "kin", "--store", address)
    assert ringfence(*decide).code == 0
    dispute = ("dispute", "r1", "--merchant", "shop", "--reason", "look again", "--as", "eve")
    told = reports(*dispute)
    assert (told.code, told.err) == (0, "")
    assert " by eve (reason: look again)\n" in told.out
    again = reports(*dispute)
    assert (again.code, again.out) == (2, "")
    assert json.loads(reports("show", "r1", "--json").out)["status"] == "disputed"
    others = reports("dispute", "r1", "--merchant", "mart", "--reason", "look again")
    assert (others.code, others.err) == (2, "error: There is no report r1.\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--merchant", "shop", "--buyer", "bob"), "There is no buyer bob."),
        (("--merchant", "stall", "--buyer", "ann"), "There is no buyer ann."),
        (("--merchant", "shop", "--buyer", "ann", "--claim", "c2"), "There is no claim c2 of buyer ann"),
        (("--merchant", "shop", "--buyer", "ann", "--id", "r1"), "is known with claim_id c1, not left out"),
        (("--merchant", "shop", "--buyer", "ann", "--evidence", "-1"), "evidence_count -1 cannot be"),
        (("--merchant", "shop", "--buyer", "ann", "--at", "2999-01-02"), "2999-01-02T00:00:00Z is in the"),
        (("--merchant", "shop", "--buyer", "ann", "--at", "soon"), "'soon' is no time"),
    ],
)
def test_what_cannot_be_filed_is_refused_in_one_line(
    reports: Command, arguments: tuple[str, ...], problem: str
) -> None:
    told = reports("file", *arguments)
    assert (told.code, told.out) == (2, "")
    assert problem in told.err.splitlines()[-1]
    assert len(json.loads(reports("list", "--json").out)) == 1


def test_the_policy_of_a_file_says_for_how_long_a_buyer_can_be_reported(
    reports: Command, tmp_path: Path
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('version = "strict"\n[reports]\nreportable_days = 2\n', encoding="utf-8")
    told = reports("file", "--merchant", "shop", "--buyer", "ann", "--policy", str(path))
    assert (told.code, told.err) == (2, "error: There is no buyer ann.\n")
    path.write_text("reports = 2\n", encoding="utf-8")
    told = reports("file", "--merchant", "shop", "--buyer", "ann", "--policy", str(path))
    assert told.code == 2
    assert "version is missing" in told.err
