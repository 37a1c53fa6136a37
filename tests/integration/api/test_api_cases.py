"""Reports, verifications and recoveries over GraphQL, as merchants, jobs and investigators use them."""

from typing import Any

from api_samples import DAY, NOW
from case_changes import (
    APPEAL,
    APPROVE,
    ASSIGN,
    DECIDE,
    DISAGREE,
    DISPUTE,
    FILE,
    NOTE,
    OPEN,
    PAY,
    REFUSE,
    REOPEN,
    RETURN,
    VERIFICATION,
    WITHDRAW,
    confirmed,
    money,
    opened,
    recoveries,
    recovery_of,
)
from case_market import Cases

from ringfence.api.global_ids import global_id
from ringfence.api.types.scalars import time_text


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
        "id": global_id("Report", f"m1/p-{buyer}"),
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


def test_objects_are_found_again_by_their_global_ids(cases: Cases, buyer: str) -> None:
    report = cases.change("m1", FILE, buyerId=buyer)["report"]["reportId"]
    verification = confirmed(cases, buyer)
    recovery = recovery_of(cases, buyer)
    ask = """query Q($id: ID!) { node(id: $id) { id ... on Report { reportId buyerId }
        ... on Verification { verificationId buyerId } ... on Recovery { recoveryId buyerId
        verification { verificationId } } } }"""
    for kind, id in (("Report", f"m1/{report}"), ("Verification", verification), ("Recovery", recovery)):
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
