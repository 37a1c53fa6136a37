import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from processes import Finished
from recovery_market import ANA, BO, POLICY, fill

from ringfence.cli.clock import clock
from ringfence.domain.verifications import VerificationOutcome
from ringfence.services.verify_buyers import appeal, decide_verification, open_verification
from ringfence.store import Store

Command = Callable[..., Finished]


@pytest.fixture
def verification(store: Store) -> str:
    """A confirmed verification of Ann, who cost the shop c1 and c2, the mart c3."""
    fill(store, now=clock())
    id = open_verification(store, ANA, "ann", "hm", POLICY, clock()).verification_id
    for who in (ANA, BO):
        decide_verification(store, who, id, VerificationOutcome.CONFIRMED, "seen", POLICY, clock())
    return id


@pytest.fixture
def recoveries(ringfence: Command, verification: str, store_address: str) -> Command:
    """Run `ringfence recoveries` on the store."""

    def command(*arguments: str) -> Finished:
        return ringfence("recoveries", *arguments, "--store", store_address)

    return command


@pytest.fixture
def shops(recoveries: Command) -> str:
    """The recovery of the shop."""
    (told,) = json.loads(recoveries("list", "--merchant", "shop", "--json").out)
    return str(told["recovery_id"])


def test_recoveries_are_listed_by_merchant_buyer_verification_and_state(
    recoveries: Command, verification: str, shops: str
) -> None:
    lines = [line.split("\t") for line in recoveries("list").out.splitlines()]
    assert lines[0] == [*("recovery", "merchant", "buyer", "verification", "claims", "amounts", "disputed")]
    assert {tuple(line[1:]) for line in lines[1:]} == {
        ("shop", "ann", verification, "2", "EUR:10.00 proposed; JPY:500 proposed", ""),
        ("mart", "ann", verification, "1", "EUR:2.50 proposed", ""),
    }
    recoveries("approve", shops, "--reason", "right", "--claim", "c2")
    for asked, count in (
        (("--verification", verification), 2),
        (("--verification", "v9"), 0),
        (("--buyer", "ann", "--merchant", "mart"), 1),
        (("--buyer", "bob"), 0),
        (("--state", "approved"), 1),
        (("--limit", "1"), 1),
    ):
        assert len(json.loads(recoveries("list", "--json", *asked).out)) == count, asked
    assert recoveries("list", "--buyer", "bob").out == "No recoveries.\n"


def test_money_goes_to_the_merchant_and_back_and_the_statement_tells(
    recoveries: Command, store: Store, verification: str, shops: str
) -> None:
    month = f"{datetime.now(UTC):%Y-%m}"
    assert recoveries("statement", "shop", month).out == (
        f"Nothing was paid to merchant shop or returned by it in {month}.\n"
    )
    told = recoveries("approve", shops, "--reason", "as refunded", "--as", "ana")
    assert told.out == f"{shops} for merchant shop: EUR:10.00 approved; JPY:500 approved (version 2)\n"
    recoveries("refuse", shops, "--claim", "c2", "--reason", "insured", "--as", "bo")
    told = recoveries("pay", shops, "c1", "--reference", "=bank 7", "--as", "ana")
    assert told.out == f"{shops} for merchant shop: EUR:10.00 paid; JPY:500 refused (version 4)\n"
    again = recoveries("pay", shops, "c1", "--reference", "bank 8")
    assert (again.code, again.out) == (2, "")
    assert f"Claim c1 of recovery {shops} is paid, not approved" in again.err
    appeal(store, ANA, verification, "not me", POLICY, clock())
    decide_verification(store, ANA, verification, VerificationOutcome.REJECTED, "kin", POLICY, clock())
    assert "c1\tEUR:10.00\tEUR:10.00\tpaid, due back" in recoveries("show", shops).out
    assert recoveries("return", shops, "c1", "--reference", "bank 9", "--as", "bo").code == 0
    shown = recoveries("show", shops).out.splitlines()
    assert shown[0] == f"{shops} for merchant shop (version 6)"
    assert shown[1] == f"After verification {verification} of buyer ann; the platform pays"
    happened = [line.split("\t") for line in shown if line[:1].isdigit()]
    assert [(line[0], *line[2:]) for line in happened] == [
        ("1", "bo", "proposed: c1, c2"),
        ("2", "ana", "approved: c1, c2 (reason: as refunded)"),
        ("3", "bo", "refused: c2 (reason: insured)"),
        ("4", "ana", "paid EUR:10.00 for c1 (=bank 7)"),
        ("5", "ana", f"due back: c1 (reason: verification {verification} is rejected)"),
        ("6", "bo", "returned EUR:10.00 for c1 (bank 9)"),
    ]
    lines = [line.split("\t") for line in recoveries("statement", "shop", month).out.splitlines()]
    assert [line[1:] for line in lines[1:-1]] == [
        ["paid", "c1", "EUR:10.00", "=bank 7", verification],
        ["returned", "c1", "EUR:10.00", "bank 9", verification],
    ]
    assert lines[-1] == ["Total: paid EUR:10.00, returned EUR:10.00, net EUR:0.00"]
    rows = list(csv.DictReader(io.StringIO(recoveries("statement", "shop", month, "--csv").out)))
    assert [(row["what"], row["amount"], row["currency"], row["reference"]) for row in rows] == [
        ("paid", "10.00", "EUR", "'=bank 7"),
        ("returned", "10.00", "EUR", "bank 9"),
    ], "no spreadsheet may run a reference"
    document = json.loads(recoveries("statement", "shop", month, "--json").out)
    assert document["totals"] == {
        "EUR": {"paid": "10.00", "returned": "10.00", "net": "0.00", "net_minor": 0}
    }
    assert [line["amount_minor"] for line in document["lines"]] == [1000, 1000]
    assert document["is_complete"] is False
    moves = json.loads(recoveries("show", shops, "--json").out)["moves"]
    assert [move["kind"] for move in moves] == ["paid", "returned"]


def test_a_statement_of_nothing_has_a_header_as_csv(recoveries: Command) -> None:
    assert recoveries("statement", "shop", "2020-02", "--csv").out == (
        "date,merchant_id,what,claim_id,amount,currency,reference,recovery_id,verification_id\n"
    )
    assert json.loads(recoveries("statement", "shop", "2020-02", "--json").out)["is_complete"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "c9"), "There is no recovery c9"),
        (("approve", "c9", "--reason", "right"), "There is no recovery c9"),
        (("approve", "ID", "--reason", " "), "The reason is empty"),
        (("approve", "ID", "--reason", "right", "--claim", "c3"), "There is no claim c3 in recovery"),
        (
            ("approve", "ID", "--reason", "right", "--seen", "9"),
            "There is no version 9 of the record of recovery",
        ),
        (("pay", "ID", "c1", "--reference", "bank"), "is proposed, not approved"),
        (("pay", "ID", "c1"), "--reference"),
        (("refuse", "c9", "--reason", "insured"), "There is no recovery c9"),
        (("refuse", "ID", "--reason", " "), "The reason is empty"),
        (("pay", "ID", "c3", "--reference", "bank"), "There is no claim c3 in recovery"),
        (("return", "c9", "c1", "--reference", "bank"), "There is no recovery c9"),
        (("return", "ID", "c1", "--reference", "bank"), "nothing is due back"),
        (("statement", "nobody", "2020-01"), "There is no merchant nobody"),
        (("statement", "shop", "2020-13"), "'2020-13' is no month; write one as 2027-01"),
        (("statement", "shop", "9998-01"), "has not begun"),
        (("statement", "shop", "2020-01", "--csv", "--json"), "not both"),
        (("list", "--state", "burnt"), "'burnt' is not one of"),
    ],
)
def test_what_is_refused_changes_nothing(
    recoveries: Command, shops: str, arguments: tuple[str, ...], said: str
) -> None:
    told = recoveries(*(shops if argument == "ID" else argument for argument in arguments))
    assert (told.code, told.out) == (2, "")
    assert said in told.err.splitlines()[-1]
    assert json.loads(recoveries("show", shops, "--json").out)["version"] == 1


def test_while_a_verification_is_open_again_nothing_is_approved(
    recoveries: Command, store: Store, verification: str, shops: str
) -> None:
    appeal(store, ANA, verification, "not me", POLICY, clock())
    told = recoveries("approve", shops, "--reason", "right")
    assert (told.code, told.out) == (2, "")
    assert f"Verification {verification} is open, not confirmed" in told.err
