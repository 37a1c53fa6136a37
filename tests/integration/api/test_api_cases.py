"""Reports, verifications and recoveries over GraphQL, as merchants, jobs and investigators use them."""

import logging
from pathlib import Path
from typing import Any

import pytest
from api_samples import DAY, NOW
from case_market import BUYERS, Cases, open_cases

from ringfence.api.access_log import LOGGER, JsonLines
from ringfence.api.global_ids import global_id
from ringfence.api.types.scalars import time_text
from ringfence.domain.errors import UnavailableError
from ringfence.domain.loads import BROWSING_KEY_ID

ERRORS = "userErrors { field message code }"


def changing(name: str, answer: str) -> str:
    kind = f"{name[0].upper()}{name[1:]}Input"
    return f"mutation M($input: {kind}!) {{ {name}(input: $input) {{ {answer} {ERRORS} }} }}"


REPORT = "report { reportId merchantId buyerId reportedAt claimId reason evidenceCount }"
STANDING = "report { reportId status statusReason version }"
VERIFIED = "verification { verificationId state version }"
RECOVERED = "recovery { recoveryId version totals { state amount { amount currency } } }"
FILE = changing("fileReport", f"{REPORT} isNew")
WITHDRAW = changing("withdrawReport", STANDING)
DISPUTE = changing("disputeReport", STANDING)
OPEN = changing("openVerification", VERIFIED)
DECIDE = changing("decideVerification", VERIFIED)
APPEAL = changing("appeal", VERIFIED)
REOPEN = changing("reopenVerification", VERIFIED)
NOTE = changing("addVerificationNote", "verification { verificationId notes version }")
ASSIGN = changing("assignVerification", "verification { verificationId owner version }")
APPROVE = changing("approveRecovery", RECOVERED)
REFUSE = changing("refuseRecovery", RECOVERED)
PAY = changing("payRecovery", RECOVERED)
RETURN = changing("returnRecovery", RECOVERED)
DISAGREE = changing("disputeRecovery", "recovery { recoveryId isDisputed disputes version }")
VERIFICATION = """query Q($id: ID!) { verification(id: $id) {
    state because owner proposal { outcome by reason } isAppealed notes version
    verdicts { outcome by proposedBy reason proposedReason }
    buyer { buyerId orders }
    file { merchants ringId weight marketVersion runId links { buyerId } ring { ringId }
           claims(first: 9) { totalCount nodes { claimId merchantId } edges { cursor node { claimId } } }
           reports(first: 9) { totalCount nodes { reportId status } } }
    recoveries(first: 9) { totalCount nodes { merchantId } }
    events { version type by outcome text owner } } }"""
RECOVERIES = """query Q($buyer: ID) { recoveries(first: 9, buyerId: $buyer) { totalCount nodes {
    recoveryId merchantId buyerId payer isDisputed version
    claims { claimId state isDueBack lost { amount currency } amount { amount currency } claim { claimId } }
    totals { state amount { amount currency } }
    moves { kind claimId reference at amount { amount currency } } } } }"""


def opened(cases: Cases, buyer: str) -> str:
    told = cases.change("ana", OPEN, buyerId=buyer, reason="seen by chance")["verification"]
    assert (told["state"], told["version"]) == ("OPEN", 1)
    return str(told["verificationId"])


def confirmed(cases: Cases, buyer: str) -> str:
    verification = opened(cases, buyer)
    for who, state in (("ana", "PROPOSED"), ("bo", "CONFIRMED")):
        said = {"verificationId": verification, "outcome": "CONFIRMED", "reason": f"{who} saw it"}
        assert cases.change(who, DECIDE, **said)["verification"]["state"] == state
    return verification


def recoveries(cases: Cases, who: str, buyer: str | None = None) -> list[Any]:
    nodes: list[Any] = cases.ask(who, RECOVERIES, buyer=buyer)["recoveries"]["nodes"]
    return nodes


def recovery_of(cases: Cases, buyer: str, merchant: str = "m1") -> str:
    (found,) = [one for one in recoveries(cases, "ana", buyer) if one["merchantId"] == merchant]
    return str(found["recoveryId"])


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def test_a_merchant_files_a_report_once_reads_it_and_takes_it_back(cases: Cases, buyer: str) -> None:
    said = {
        "buyerId": buyer,
        "reportId": f"p-{buyer}",
        "claimId": f"{buyer}-a",
        "reason": "an empty box",
        "evidenceCount": 2,
    }
    filed = cases.change("m1", FILE, **said)
    told = said | {"merchantId": "m1", "reportedAt": time_text(NOW)}
    assert filed == {"report": told, "isNew": True, "userErrors": []}
    assert cases.change("m1", FILE, **said)["isNew"] is False
    ask = """query Q($buyer: ID!, $report: ID!) {
        report(id: $report) { id reportId status statusReason version }
        reports(first: 9, buyerId: $buyer) { totalCount nodes { reportId } }
        buyer(id: $buyer) { reports { reportId status } } }"""
    mine = cases.ask("m1", ask, buyer=buyer, report=f"p-{buyer}")
    assert mine["report"] == {
        "id": global_id("Report", f"p-{buyer}"),
        "reportId": f"p-{buyer}",
        "status": "FILED",
        "statusReason": None,
        "version": 0,
    }
    assert mine["reports"] == {"totalCount": 1, "nodes": [{"reportId": f"p-{buyer}"}]}
    assert mine["buyer"]["reports"] == [{"reportId": f"p-{buyer}", "status": "FILED"}]
    taken = {"reportId": f"p-{buyer}", "reason": "my mistake", "expectedVersion": 0}
    back = cases.change("m1", WITHDRAW, **taken)["report"]
    assert (back["status"], back["version"]) == ("WITHDRAWN", 1)
    assert "by m1 (reason: my mistake)" in back["statusReason"]
    assert cases.ask("ana", ask, buyer=buyer, report=f"p-{buyer}")["report"]["status"] == "WITHDRAWN"
    assert cases.refused("m1", FILE, **said)[:2] == ("CONFLICT", ["input", "reportId"])


def test_reports_of_others_are_told_as_none(cases: Cases, buyer: str) -> None:
    report = cases.change("m1", FILE, buyerId=buyer, reason="mine")["report"]["reportId"]
    told = set()
    for id in (report, "none"):
        response = cases.post("m2", "query Q($id: ID!) { report(id: $id) { reason } }", id=id)
        told.add(str(response.json()["errors"]).replace(id, "…"))
        for query in (WITHDRAW, DISPUTE):
            code, field, message = cases.refused("m2", query, reportId=id, reason="x")
            told.add(f"{code} {field} {message}".replace(id, "…"))
    assert len(told) == 2
    assert all("There is no report …." in one for one in told)
    ask = "query Q($buyer: ID!) { reports(first: 9, buyerId: $buyer) { totalCount nodes { reason } } }"
    assert cases.ask("m2", ask, buyer=buyer)["reports"] == {"totalCount": 0, "nodes": []}
    assert cases.ask("ana", ask, buyer=buyer)["reports"]["totalCount"] == 1


def test_a_job_files_in_a_merchants_name_and_sees_what_was_filed(cases: Cases, buyer: str) -> None:
    filed = cases.change("order system", FILE, buyerId=buyer, merchantId="m2", reason="imported")
    assert (filed["report"]["merchantId"], filed["isNew"]) == ("m2", True)
    ask = FILE.replace("evidenceCount", "evidenceCount status")
    cases.forbidden("order system", ask, input={"buyerId": buyer, "merchantId": "m2"})


def test_reports_are_listed_from_page_to_page_latest_first(cases: Cases, buyer: str) -> None:
    for days in (3, 1, 2):
        at = time_text(NOW - days * DAY)
        cases.change("m1", FILE, buyerId=buyer, reportId=f"{buyer} {days}", reportedAt=at)
    ask = """query Q($buyer: ID!, $after: String) { reports(first: 2, after: $after, buyerId: $buyer) {
        totalCount nodes { reportId } pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
    page = cases.ask("m1", ask, buyer=buyer)["reports"]
    assert [one["reportId"] for one in page["nodes"]] == [f"{buyer} 1", f"{buyer} 2"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, True)
    rest = cases.ask("m1", ask, buyer=buyer, after=page["pageInfo"]["endCursor"])["reports"]
    assert [one["reportId"] for one in rest["nodes"]] == [f"{buyer} 3"]
    assert rest["pageInfo"]["hasPreviousPage"]


def test_reports_of_several_independent_merchants_open_a_verification(cases: Cases, buyer: str) -> None:
    ask = "query Q($buyer: ID!) { verifications(first: 9, buyerId: $buyer) { nodes { verificationId } } }"
    first = cases.change("m1", FILE, buyerId=buyer, reason="never returned")["report"]["reportId"]
    assert cases.ask("olga", ask, buyer=buyer)["verifications"]["nodes"] == []
    second = cases.change("m2", FILE, buyerId=buyer, reason="same here")["report"]["reportId"]
    (found,) = cases.ask("olga", ask, buyer=buyer)["verifications"]["nodes"]
    told = cases.ask("olga", VERIFICATION, id=found["verificationId"])["verification"]
    assert (told["state"], told["owner"], told["buyer"]["buyerId"]) == ("OPEN", None, buyer)
    assert "2 reports of independent merchants weigh 2.00" in told["because"]
    file = told["file"]
    assert (file["merchants"], file["weight"], file["marketVersion"]) == (["m1", "m2"], 2.0, 1)
    assert (file["ringId"], file["ring"], file["runId"], file["links"]) == (None, None, None, [])
    claims = {one["claimId"] for one in file["claims"]["nodes"]}
    assert claims == {f"{buyer}-{letter}" for letter in "abc"}
    assert {one["node"]["claimId"] for one in file["claims"]["edges"]} == claims
    assert {one["reportId"]: one["status"] for one in file["reports"]["nodes"]} == {
        first: "FILED",
        second: "FILED",
    }
    (event,) = told["events"]
    assert (event["type"], event["by"], event["text"]) == ("OPENED", "ringfence", told["because"])


def test_a_verification_is_given_to_somebody_and_written_about(cases: Cases, buyer: str) -> None:
    id = opened(cases, buyer)
    assert cases.change("bo", ASSIGN, verificationId=id, owner="ana")["verification"]["owner"] == "ana"
    noted = cases.change("ana", NOTE, verificationId=id, text="called\nthem", expectedVersion=2)
    assert (noted["verification"]["notes"], noted["verification"]["version"]) == (1, 3)
    ask = """query Q($buyer: ID!) { verifications(first: 9, buyerId: $buyer, owner: "ana", state: OPEN) {
        totalCount nodes { verificationId } } }"""
    assert cases.ask("ana", ask, buyer=buyer)["verifications"]["totalCount"] == 1
    assert cases.change("bo", ASSIGN, verificationId=id)["verification"]["owner"] is None
    assert cases.ask("ana", ask, buyer=buyer)["verifications"]["totalCount"] == 0
    events = cases.ask("ana", VERIFICATION, id=id)["verification"]["events"]
    assert [(one["type"], one["by"], one["text"], one["owner"]) for one in events] == [
        ("OPENED", "ana", "seen by chance", None),
        ("ASSIGNED", "bo", None, "ana"),
        ("NOTED", "ana", "called\nthem", None),
        ("ASSIGNED", "bo", None, None),
    ]


def test_a_second_person_confirms_and_merchants_are_proposed_their_losses(cases: Cases, buyer: str) -> None:
    id = opened(cases, buyer)
    said = {"verificationId": id, "outcome": "CONFIRMED", "reason": "same photos"}
    assert cases.change("ana", DECIDE, **said)["verification"]["state"] == "PROPOSED"
    told = cases.ask("bo", VERIFICATION, id=id)["verification"]
    assert told["proposal"] == {"outcome": "CONFIRMED", "by": "ana", "reason": "same photos"}
    code, field, message = cases.refused("ana", DECIDE, **said)
    assert (code, field) == ("CONFLICT", None)
    assert "waits for somebody other than ana" in message
    assert recoveries(cases, "ana", buyer) == []
    assert cases.change("bo", DECIDE, **said)["verification"]["state"] == "CONFIRMED"
    told = cases.ask("bo", VERIFICATION, id=id)["verification"]
    assert told["verdicts"] == [
        {
            "outcome": "CONFIRMED",
            "by": "bo",
            "proposedBy": "ana",
            "reason": "same photos",
            "proposedReason": "same photos",
        }
    ]
    assert told["recoveries"]["totalCount"] == 2
    (mine,) = [one for one in recoveries(cases, "m1") if one["buyerId"] == buyer]
    assert mine["claims"] == [
        {
            "claimId": f"{buyer}-{letter}",
            "state": "PROPOSED",
            "isDueBack": False,
            "lost": lost,
            "amount": lost,
            "claim": {"claimId": f"{buyer}-{letter}"},
        }
        for letter, lost in (("a", money("10.50")), ("b", money("500", "JPY")))
    ]
    assert {one["merchantId"] for one in recoveries(cases, "m1")} == {"m1"}


def test_what_is_approved_is_paid_once_and_told_in_the_months_statement(cases: Cases, buyer: str) -> None:
    confirmed(cases, buyer)
    id = recovery_of(cases, buyer)
    cases.change("ana", APPROVE, recoveryId=id, claimIds=[f"{buyer}-a"], reason="as refunded")
    assert cases.refused("ana", PAY, recoveryId=id, claimId=f"{buyer}-b", reference="x")[0] == "CONFLICT"
    paid = cases.change("bo", PAY, recoveryId=id, claimId=f"{buyer}-a", reference=f"bank {buyer}")
    assert paid["recovery"]["totals"] == [
        {"state": "PAID", "amount": money("10.50")},
        {"state": "PROPOSED", "amount": money("500", "JPY")},
    ]
    code, field, message = cases.refused("bo", PAY, recoveryId=id, claimId=f"{buyer}-a", reference="again")
    assert (code, field) == ("CONFLICT", None)
    assert "is paid, not approved" in message
    refused = cases.change("ana", REFUSE, recoveryId=id, reason="insured")["recovery"]
    assert {"state": "REFUSED", "amount": money("500", "JPY")} in refused["totals"]
    ask = """query Q($merchant: ID!) { recoveryStatement(merchantId: $merchant, month: "2026-05") {
        merchantId month isComplete totals { currency paid { amount } returned { amount } net { amount } }
        lines(first: 100) { totalCount nodes { recoveryId verificationId
            move { kind claimId reference amount { amount currency } } } } } }"""
    told = cases.ask("m1", ask, merchant="m1")["recoveryStatement"]
    assert (told["merchantId"], told["month"], told["isComplete"]) == ("m1", "2026-05", False)
    (line,) = [one for one in told["lines"]["nodes"] if one["recoveryId"] == id]
    assert line["move"] == {
        "kind": "PAID",
        "claimId": f"{buyer}-a",
        "reference": f"bank {buyer}",
        "amount": money("10.50"),
    }
    assert told["totals"][0]["currency"] == "EUR"
    assert cases.ask("olga", ask, merchant="m1")["recoveryStatement"] == told
    words = set()
    for other in ("m2", "nobody"):
        response = cases.post("m1", ask, merchant=other)
        (error,) = response.json()["errors"]
        assert error["extensions"]["code"] == "NOT_FOUND"
        words.add(error["message"].replace(other, "…"))
    assert words == {"There is no merchant …."}


def test_an_appeal_opens_a_verification_again_and_what_was_paid_is_given_back(
    cases: Cases, buyer: str
) -> None:
    verification = confirmed(cases, buyer)
    id = recovery_of(cases, buyer)
    cases.change("ana", APPROVE, recoveryId=id, reason="as refunded")
    cases.change("ana", PAY, recoveryId=id, claimId=f"{buyer}-a", reference="bank 1")
    said = {"verificationId": verification, "reason": "it was my brother"}
    assert cases.change("order system", APPEAL, **said)["verification"] == {
        "verificationId": verification,
        "state": "OPEN",
        "version": 4,
    }
    assert cases.refused("order system", APPEAL, **said)[:2] == ("CONFLICT", None)
    told = cases.ask("ana", VERIFICATION, id=verification)["verification"]
    assert (told["isAppealed"], told["because"]) == (True, "appeal: it was my brother")
    code, _, message = cases.refused("ana", PAY, recoveryId=id, claimId=f"{buyer}-b", reference="bank 2")
    assert code == "CONFLICT"
    assert "is open, not confirmed" in message
    decided = {"verificationId": verification, "outcome": "REJECTED", "reason": "indeed"}
    assert cases.change("bo", DECIDE, **decided)["verification"]["state"] == "REJECTED"
    (mine,) = [one for one in recoveries(cases, "m1") if one["buyerId"] == buyer]
    assert [(one["state"], one["isDueBack"]) for one in mine["claims"]] == [
        ("PAID", True),
        ("REFUSED", False),
    ]
    back = cases.change("ana", RETURN, recoveryId=id, claimId=f"{buyer}-a", reference="bank 3")["recovery"]
    assert {"state": "RETURNED", "amount": money("10.50")} in back["totals"]
    ask = """query Q($id: ID!) { recovery(id: $id) {
        moves { kind } events { type by claimIds amount { amount } } } }"""
    whole = cases.ask("olga", ask, id=id)["recovery"]
    assert [one["kind"] for one in whole["moves"]] == ["PAID", "RETURNED"]
    assert [one["type"] for one in whole["events"]] == [
        "PROPOSED", "APPROVED", "PAID", "REFUSED", "DUE_BACK", "RETURNED",
    ]  # fmt: skip
    assert whole["events"][0]["claimIds"] == [f"{buyer}-a", f"{buyer}-b"]
    assert whole["events"][2]["amount"] == {"amount": "10.50"}


def test_a_merchant_disagrees_with_a_verification_and_with_a_recovery(cases: Cases, buyer: str) -> None:
    reports = [
        cases.change(who, FILE, buyerId=buyer, reason="never returned")["report"]["reportId"]
        for who in ("m1", "m2")
    ]
    found = cases.ask(
        "ana",
        "query Q($b: ID) { verifications(first: 1, buyerId: $b) { nodes { verificationId } } }",
        b=buyer,
    )
    (node,) = found["verifications"]["nodes"]
    verification = node["verificationId"]
    said = {"reportId": reports[0], "reason": "look at the photos"}
    assert cases.refused("m1", DISPUTE, **said)[:2] == ("CONFLICT", None)
    decided = {"verificationId": verification, "outcome": "REJECTED", "reason": "a family"}
    cases.change("ana", DECIDE, **decided)
    assert cases.change("m1", DISPUTE, **said)["report"]["status"] == "DISPUTED"
    ask = "query Q($id: ID!) { report(id: $id) { status disputedVerificationIds } }"
    assert cases.ask("ana", ask, id=reports[0])["report"] == {
        "status": "DISPUTED",
        "disputedVerificationIds": [verification],
    }
    again = cases.change("ana", REOPEN, verificationId=verification, reason="the photos")
    assert again["verification"]["state"] == "OPEN"
    for who in ("ana", "bo"):
        cases.change(who, DECIDE, **decided | {"outcome": "CONFIRMED"})
    id = recovery_of(cases, buyer)
    disputed = cases.change("m1", DISAGREE, recoveryId=id, reason="there was more")["recovery"]
    assert (disputed["isDisputed"], disputed["disputes"]) == (True, 1)
    assert cases.refused("m1", DISAGREE, recoveryId=id, reason="there was more")[0] == "CONFLICT"
    words = set()
    for other in (recovery_of(cases, buyer, "m2"), "none"):
        code, field, message = cases.refused("m1", DISAGREE, recoveryId=other, reason="x")
        assert (code, field) == ("NOT_FOUND", ["input", "recoveryId"])
        words.add(message.replace(other, "…"))
        response = cases.post("m1", "query Q($id: ID!) { recovery(id: $id) { payer } }", id=other)
        words.add(response.json()["errors"][0]["message"].replace(other, "…"))
    assert words == {"There is no recovery …."}


def test_of_two_people_who_saw_the_same_one_decides_and_the_other_is_told(cases: Cases, buyer: str) -> None:
    id = opened(cases, buyer)
    said = {"verificationId": id, "outcome": "REJECTED", "reason": "mine", "expectedVersion": 1}
    told = cases.at_once(("ana", DECIDE, said), ("bo", DECIDE, said), ("ana", DECIDE, said))
    won = [one["verification"] for one in told if one["verification"]]
    assert [(one["state"], one["version"]) for one in won] == [("REJECTED", 2)]
    for lost in (one for one in told if not one["verification"]):
        (error,) = lost["userErrors"]
        assert (error["code"], error["field"]) == ("CONFLICT", ["input", "expectedVersion"])
    assert [one["type"] for one in cases.ask("ana", VERIFICATION, id=id)["verification"]["events"]] == [
        "OPENED",
        "DECIDED",
    ]


def test_two_people_who_confirm_at_once_are_the_two_who_are_needed(cases: Cases, buyer: str) -> None:
    id = opened(cases, buyer)
    said = {"verificationId": id, "outcome": "CONFIRMED", "reason": "same photos"}
    told = cases.at_once(("ana", DECIDE, said), ("bo", DECIDE, said))
    assert {one["verification"]["state"] for one in told} == {"PROPOSED", "CONFIRMED"}
    (verdict,) = cases.ask("ana", VERIFICATION, id=id)["verification"]["verdicts"]
    assert {verdict["by"], verdict["proposedBy"]} == {"ana", "bo"}
    assert len(recoveries(cases, "ana", buyer)) == 2


def test_two_people_who_open_at_once_meet_in_one_verification(cases: Cases, buyer: str) -> None:
    said = {"buyerId": buyer, "reason": "seen by chance"}
    told = cases.at_once(("ana", OPEN, said), ("bo", OPEN, said))
    assert sorted(bool(one["verification"]) for one in told) == [False, True]
    (error,) = [error for one in told for error in one["userErrors"]]
    assert (error["code"], error["field"]) == ("CONFLICT", None)


NONE = {"verificationId": "none"}
AT_FAULT: list[tuple[str, str, dict[str, Any], tuple[str, Any]]] = [
    ("m1", FILE, {"buyerId": "nobody"}, ("NOT_FOUND", ["input", "buyerId"])),
    ("m3", FILE, {}, ("NOT_FOUND", ["input", "buyerId"])),
    ("m1", FILE, {"claimId": "u000-c"}, ("NOT_FOUND", ["input", "claimId"])),
    ("m1", FILE, {"claimId": "a\0b"}, ("INVALID", ["input", "claimId"])),
    ("m1", FILE, {"reportId": ""}, ("INVALID", ["input", "reportId"])),
    ("m1", FILE, {"reportId": "x" * 201}, ("INVALID", ["input", "reportId"])),
    ("m1", FILE, {"reason": "x" * 2_001}, ("INVALID", ["input", "reason"])),
    ("m1", FILE, {"reason": " "}, ("INVALID", ["input", "reason"])),
    ("m1", FILE, {"evidenceCount": -1}, ("INVALID", ["input", "evidenceCount"])),
    ("m1", FILE, {"reportedAt": time_text(NOW + DAY)}, ("INVALID", ["input", "reportedAt"])),
    ("order system", FILE, {}, ("INVALID", ["input", "merchantId"])),
    ("order system", FILE, {"merchantId": "nobody"}, ("NOT_FOUND", ["input", "merchantId"])),
    ("order system", FILE, {"merchantId": "m3"}, ("NOT_FOUND", ["input", "buyerId"])),
    ("m1", WITHDRAW, {"reportId": "none", "reason": "x"}, ("NOT_FOUND", ["input", "reportId"])),
    ("m1", WITHDRAW, {"reportId": "REPORT", "reason": ""}, ("INVALID", ["input", "reason"])),
    (
        "m1",
        WITHDRAW,
        {"reportId": "REPORT", "reason": "x", "expectedVersion": 3},
        ("CONFLICT", ["input", "expectedVersion"]),
    ),
    ("m1", DISPUTE, {"reportId": "REPORT", "reason": "x"}, ("CONFLICT", None)),
    ("ana", OPEN, {"buyerId": "nobody", "reason": "x"}, ("NOT_FOUND", ["input", "buyerId"])),
    ("ana", OPEN, {"reason": ""}, ("INVALID", ["input", "reason"])),
    ("order system", OPEN, {"buyerId": "VERIFIED", "reason": "x"}, ("CONFLICT", None)),
    *(
        (who, query, NONE | said, ("NOT_FOUND", ["input", "verificationId"]))
        for who, query, said in (
            ("ana", DECIDE, {"outcome": "REJECTED", "reason": "x"}),
            ("order system", APPEAL, {"reason": "x"}),
            ("ana", REOPEN, {"reason": "x"}),
            ("ana", NOTE, {"text": "x"}),
            ("ana", ASSIGN, {"owner": "x"}),
        )
    ),
    *(
        ("ana", query, {"verificationId": "VERIFICATION"} | said, ("INVALID", ["input", field]))
        for query, said, field in (
            (DECIDE, {"outcome": "REJECTED", "reason": "x" * 2_001}, "reason"),
            (NOTE, {"text": "x" * 10_001}, "text"),
            (ASSIGN, {"owner": "x" * 201}, "owner"),
        )
    ),
    ("ana", APPEAL, {"verificationId": "VERIFICATION", "reason": "x"}, ("CONFLICT", None)),
    ("ana", REOPEN, {"verificationId": "VERIFICATION", "reason": "x"}, ("CONFLICT", None)),
    (
        "ana",
        NOTE,
        {"verificationId": "VERIFICATION", "text": "x", "expectedVersion": 9},
        ("CONFLICT", ["input", "expectedVersion"]),
    ),
    *(
        ("ana", query, {"recoveryId": "none"} | said, ("NOT_FOUND", ["input", "recoveryId"]))
        for query, said in (
            (APPROVE, {"reason": "x"}),
            (REFUSE, {"reason": "x"}),
            (PAY, {"claimId": "c", "reference": "x"}),
            (RETURN, {"claimId": "c", "reference": "x"}),
        )
    ),
    *(
        ("ana", query, {"recoveryId": "RECOVERY"} | said, refused)
        for query, said, refused in (
            (APPROVE, {"reason": ""}, ("INVALID", ["input", "reason"])),
            (APPROVE, {"reason": "x", "claimIds": []}, ("INVALID", ["input", "claimIds"])),
            (REFUSE, {"reason": "x", "claimIds": ["c9"]}, ("NOT_FOUND", ["input", "claimIds"])),
            (REFUSE, {"reason": "x", "expectedVersion": 7}, ("CONFLICT", ["input", "expectedVersion"])),
            (PAY, {"claimId": "c9", "reference": "x"}, ("NOT_FOUND", ["input", "claimId"])),
            (PAY, {"claimId": "CLAIM", "reference": "x"}, ("CONFLICT", None)),
            (RETURN, {"claimId": "CLAIM", "reference": "x"}, ("CONFLICT", None)),
        )
    ),
]


@pytest.fixture(scope="module")
def standing(cases: Cases) -> dict[str, str]:
    """A report, a buyer who is verified, the verification, a recovery and one of its claims, which stay."""
    reported, verified, paid = BUYERS[-3:]
    report = cases.change("m1", FILE, buyerId=reported, reason="once")["report"]["reportId"]
    verification = opened(cases, verified)
    confirmed(cases, paid)
    return {
        "REPORT": report,
        "VERIFIED": verified,
        "VERIFICATION": verification,
        "RECOVERY": recovery_of(cases, paid),
        "CLAIM": f"{paid}-a",
    }


@pytest.mark.parametrize(("who", "query", "said", "expected"), AT_FAULT)
def test_what_can_be_mended_is_told_with_the_input_at_fault_and_nothing_is_written(
    cases: Cases,
    standing: dict[str, str],
    who: str,
    query: str,
    said: dict[str, Any],
    expected: tuple[str, Any],
) -> None:
    given = {"buyerId": BUYERS[1]} | said if query in (FILE, OPEN) else said
    given = {
        name: standing.get(value, value) if isinstance(value, str) else value for name, value in given.items()
    }
    assert cases.refused(who, query, **given)[:2] == expected


def test_another_report_of_a_known_id_is_refused(cases: Cases, buyer: str) -> None:
    said = {"buyerId": buyer, "reportId": f"q-{buyer}", "reason": "an empty box"}
    cases.change("m1", FILE, **said)
    code, field, message = cases.refused("m1", FILE, **said | {"reason": "a broken box"})
    assert (code, field) == ("CONFLICT", ["input", "reportId"])
    assert "is known with reason an empty box" in message
    code, field, message = cases.refused("m2", FILE, **said)
    assert (code, field) == ("CONFLICT", ["input", "reportId"])
    assert "empty" not in message


def test_a_merchant_cannot_report_in_anothers_name(cases: Cases, buyer: str) -> None:
    before = cases.written()
    response = cases.post("m1", FILE, input={"buyerId": buyer, "merchantId": "m2"})
    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert cases.written() == before


ALLOWED: dict[str, tuple[set[str], dict[str, Any]]] = {
    FILE: ({"m1", "order system"}, {"buyerId": BUYERS[1], "merchantId": "m1"}),
    WITHDRAW: ({"m1"}, {"reportId": "none", "reason": "x"}),
    DISPUTE: ({"m1"}, {"reportId": "none", "reason": "x"}),
    OPEN: ({"ana", "order system"}, {"buyerId": BUYERS[1], "reason": "x"}),
    DECIDE: ({"ana"}, NONE | {"outcome": "REJECTED", "reason": "x"}),
    APPEAL: ({"ana", "order system"}, NONE | {"reason": "x"}),
    REOPEN: ({"ana"}, NONE | {"reason": "x"}),
    NOTE: ({"ana"}, NONE | {"text": "x"}),
    ASSIGN: ({"ana"}, NONE),
    APPROVE: ({"ana"}, {"recoveryId": "none", "reason": "x"}),
    REFUSE: ({"ana"}, {"recoveryId": "none", "reason": "x"}),
    PAY: ({"ana"}, {"recoveryId": "none", "claimId": "c", "reference": "x"}),
    RETURN: ({"ana"}, {"recoveryId": "none", "claimId": "c", "reference": "x"}),
    DISAGREE: ({"m1"}, {"recoveryId": "none", "reason": "x"}),
}
"""Who may make each change, by the names of the keys, and an input for it."""


def test_only_those_change_whom_it_concerns(cases: Cases) -> None:
    """Refused before anything is read, and nothing is written."""
    before = cases.written()
    for query, (allowed, given) in ALLOWED.items():
        for who in {"ana", "olga", "order system", "m1"} - allowed:
            cases.forbidden(who, query, input=given)
    for query in (VERIFICATION, "{ verifications(first: 1) { totalCount } }"):
        for who in ("m1", "order system"):
            cases.forbidden(who, query.replace("query Q($id: ID!)", "query Q($id: ID = 1)"))
    assert cases.written() == before


def test_objects_are_found_again_by_their_global_ids(cases: Cases, buyer: str) -> None:
    report = cases.change("m1", FILE, buyerId=buyer)["report"]["reportId"]
    verification = confirmed(cases, buyer)
    recovery = recovery_of(cases, buyer)
    ask = """query Q($id: ID!) { node(id: $id) { id ... on Report { reportId buyerId }
        ... on Verification { verificationId buyerId } ... on Recovery { recoveryId buyerId
        verification { verificationId } } } }"""
    for kind, id in (("Report", report), ("Verification", verification), ("Recovery", recovery)):
        node = cases.ask("olga", ask, id=global_id(kind, id))["node"]
        assert (node["id"], node["buyerId"]) == (global_id(kind, id), buyer)
        response = cases.post("olga", ask, id=global_id(kind, "none"))
        assert response.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


def test_recoveries_are_listed_by_state_merchant_and_verification(cases: Cases, buyer: str) -> None:
    verification = confirmed(cases, buyer)
    cases.change("ana", REFUSE, recoveryId=recovery_of(cases, buyer), reason="insured")
    ask = """query Q($v: ID, $m: ID, $s: RecoveryState) {
        recoveries(first: 9, verificationId: $v, merchantId: $m, state: $s) { nodes { merchantId } } }"""

    def merchants(who: str = "ana", **given: Any) -> list[str]:
        nodes = cases.ask(who, ask, v=verification, **given)["recoveries"]["nodes"]
        return sorted(one["merchantId"] for one in nodes)

    assert merchants() == ["m1", "m2"]
    assert merchants(m="m2") == ["m2"]
    assert merchants(s="REFUSED") == ["m1"]
    assert merchants(s="PAID") == []
    assert merchants("m2") == ["m2"]
    response = cases.post("m2", ask, v=verification, m="m1")
    assert response.json()["errors"][0]["message"] == "There is no merchant m1."


def test_verifications_are_listed_from_page_to_page(cases: Cases, buyer: str) -> None:
    opened(cases, buyer)
    ask = """query Q($after: String) { verifications(first: 1, after: $after) { totalCount
        nodes { verificationId buyer { buyerId } } pageInfo { hasNextPage endCursor } } }"""
    seen, after = [], None
    for _ in range(3):
        page = cases.ask("ana", ask, after=after)["verifications"]
        seen += [one["verificationId"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(set(seen)) == len(seen) == min(3, page["totalCount"])


def test_nothing_is_changed_in_a_copy_for_browsing(tmp_path: Path) -> None:
    with open_cases(tmp_path, BROWSING_KEY_ID) as copy:
        for query, (allowed, given) in ALLOWED.items():
            for who in allowed:
                code, field, message = copy.refused(who, query, **given)
                assert (code, field) == ("INVALID", None)
                assert message.startswith("A copy without personal data is for people to browse")


def test_a_merchant_is_told_the_same_of_a_buyer_it_does_not_know_as_of_nobody(cases: Cases) -> None:
    told = set()
    for buyer in (BUYERS[1], "nobody"):
        cases.api.calls.clear()
        words = cases.refused("m3", FILE, buyerId=buyer, reason="x")
        told.add((*(str(word).replace(buyer, "…") for word in words), str(sorted(cases.api.calls.items()))))
    ((code, field, message, _),) = told
    assert (code, field, message) == ("NOT_FOUND", "['input', 'buyerId']", "There is no buyer ….")


def test_what_was_done_is_told_though_nothing_more_can_be_read(tmp_path: Path) -> None:
    with open_cases(tmp_path) as own:
        id = opened(own, BUYERS[1])
        said = {"verificationId": id, "outcome": "REJECTED", "reason": "a family"}
        ask = DECIDE.replace("state version", "state buyer { orders }")
        own.api.store.market = Unread(own.api.store.market)  # type: ignore[misc]
        response = own.post("ana", ask, input=said)
        (error,) = response.json()["errors"]
        assert (response.status_code, error["extensions"]["code"]) == (503, "UNAVAILABLE")
        told = response.json()["data"]["decideVerification"]
        assert told == {"verification": None, "userErrors": []}
        assert own.ask("ana", "query Q($id: ID!) { verification(id: $id) { state } }", id=id) == {
            "verification": {"state": "REJECTED"}
        }


def test_a_report_is_kept_and_told_though_what_follows_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The verification that is due is opened with the next report, load or run."""
    ask = "{ verifications(first: 9) { totalCount } }"
    LOGGER.propagate = True
    with open_cases(tmp_path) as own, caplog.at_level(logging.ERROR, "ringfence.api"):
        market = own.api.store.market
        own.api.store.market = Unread(market, "read")  # type: ignore[misc]
        for who in ("m1", "m2"):
            filed = own.change(who, FILE, buyerId=BUYERS[1], reason="never returned")
            assert filed["isNew"]
        (record,) = caplog.records
        assert "is full" not in JsonLines().format(record)
        assert own.ask("ana", ask)["verifications"]["totalCount"] == 0
        own.api.store.market = market  # type: ignore[misc]
        own.change("m2", FILE, buyerId=BUYERS[1], reason="again")
        assert own.ask("ana", ask)["verifications"]["totalCount"] == 1


class Unread:
    """A market of which one thing cannot be read."""

    def __init__(self, market: Any, what: str = "buyers") -> None:
        self._market, self._what = market, what

    def __getattr__(self, name: str) -> Any:
        if name == self._what:
            raise UnavailableError("/home/ana is full")
        return getattr(self._market, name)
