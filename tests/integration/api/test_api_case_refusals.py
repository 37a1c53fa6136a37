"""What is refused about reports, verifications and recoveries over GraphQL, and what becomes of faults."""

import logging
from pathlib import Path
from typing import Any

import pytest
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
    opened,
    recovery_of,
)
from case_market import BUYERS, Cases, open_cases

from ringfence.api.access_log import LOGGER, JsonLines
from ringfence.api.types.scalars import time_text
from ringfence.domain.errors import UnavailableError
from ringfence.domain.loads import BROWSING_KEY_ID

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


def test_who_uses_many_ids_keeps_nobody_else_from_them(cases: Cases, buyer: str) -> None:
    for place in range(3):
        cases.change("m1", FILE, buyerId=buyer, reportId=f"s{place}-{buyer}", reason="squatted")
    for place in range(3):
        said = {"buyerId": buyer, "reportId": f"s{place}-{buyer}", "reason": "an empty box"}
        made = cases.change("m2", FILE, **said)
        assert (made["isNew"], made["report"]["merchantId"]) == (True, "m2")
        assert cases.change("m2", FILE, **said)["isNew"] is False
    assert cases.change("m2", WITHDRAW, reportId=f"s0-{buyer}", reason="mistaken")["report"]["version"] == 1
    ask = "query Q($id: ID!, $m: ID) { report(id: $id, merchantId: $m) { reason status } }"
    others = cases.ask("m1", ask, id=f"s0-{buyer}")["report"]
    assert others == {"reason": "squatted", "status": "FILED"}
    for who, merchant in (("m2", None), ("m2", "m2"), ("ana", "m2")):
        mine = cases.ask(who, ask, id=f"s0-{buyer}", m=merchant)["report"]
        assert mine == {"reason": "an empty box", "status": "WITHDRAWN"}
    for who, merchant, told in (
        ("ana", None, "2 merchants have a report"),
        ("m2", "m1", "There is no report"),
    ):
        response = cases.post(who, ask, id=f"s0-{buyer}", m=merchant)
        assert told in response.json()["errors"][0]["message"]
    page = "query Q($b: ID!) { reports(first: 9, buyerId: $b) { nodes { id reason } } }"
    assert len({one["id"] for one in cases.ask("ana", page, b=buyer)["reports"]["nodes"]}) == 6


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
        assert told["verification"] == {"verificationId": id, "state": "REJECTED", "buyer": None}
        assert told["userErrors"] == []


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
