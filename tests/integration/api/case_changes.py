"""What people ask for and change about cases, as documents, and the steps that tests begin with."""

from typing import Any

from case_market import Cases

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
