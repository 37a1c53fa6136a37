"""Buyers' risk over GraphQL: to investigators with its reasons, to merchants what is theirs to know."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from api_samples import DAY, NOW, hold
from case_market import Cases, open_cases

from neo4j_database import Emptying, Login
from ringfence.api.types.scalars import time_text
from ringfence.domain.leases import LeaseName
from ringfence.domain.progress import Silent
from ringfence.market import results
from ringfence.risk.facts import NOBODY
from ringfence.store import Store
from ringfence.store.neo4j.statements import statements

RISK = """query Q($id: ID!, $asOf: DateTime, $language: Language! = ENGLISH) {
    buyerRisk(id: $id, asOf: $asOf, language: $language) {
        buyerId band probability asOf runId policy verificationId
        signals { signal weight explanation reason wouldLower } } }"""
MINE = """query Q($id: ID!) { buyerRisk(id: $id) { band asOf
    signals { signal explanation reason wouldLower }
    buyer { claims(first: 9) { nodes { merchantId } } reports { merchantId } } } }"""
MANY = "query Q($ids: [ID!]!) { buyersRisk(ids: $ids) { buyerId band } }"
RINGLEADER, ACCUSED, LITTLE_ACCUSED, HONEST = "u000", "u001", "u002", "u003"
FACTS: dict[str, dict[str, Any]] = {
    RINGLEADER: {"ring_id": "r1", "ring_score": 40.0, "ring_size": 3, "recent_refund_only": 4},
    ACCUSED: {"report_weight": 2.5, "report_merchants": 3},
    LITTLE_ACCUSED: {"report_weight": 2.0, "report_merchants": 2},
}


@dataclass
class Clock:
    """The time at which questions are asked."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


def publish_risks(store: Store, facts: Mapping[str, Mapping[str, Any]]) -> None:
    """Publish a run with one ring, r1, and what is known of buyers."""
    risks = [
        {"probability": 0.5} | NOBODY | {"buyer_id": buyer} | dict(known) for buyer, known in facts.items()
    ]
    ring = ("r1", "n1", 40.0, 3, 9, 2, 3, "EUR:30.00", NOW - DAY, NOW, None, "blocks", "together")
    members = [("r1", buyer, 30.0 - place, "together") for place, buyer in enumerate(facts)]
    rows: dict[str, Any] = {"rings": [ring], "members": members, "risks": risks}
    tables = {
        name: pl.DataFrame(rows.get(name, []), schema=schema, orient="row", strict=False)
        for name, schema in results.SCHEMAS.items()
    }
    lease = hold(store, LeaseName.DETECT)
    run = store.rings.begin_run(lease, 1, NOW)
    store.rings.write_run(run, tables, {"counts": {"rings": 1}}, lease, Silent())
    store.rings.publish(run, lease, NOW)
    store.leases.release(lease)


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module", params=["sqlite", "neo4j"])
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, clock: Clock
) -> Iterator[Cases]:
    """The API on a store of each kind, on which a run found risks."""
    address: str | None = None
    credentials: tuple[str | None, str | None] = (None, None)
    if request.param == "neo4j":
        login: Login = request.getfixturevalue("neo4j_server")
        emptying: Emptying = request.getfixturevalue("_emptying")
        emptying.empty()
        address, credentials = login.address, login.credentials
    folder = tmp_path_factory.mktemp("risk")
    with open_cases(folder, address=address, credentials=credentials, clock=clock) as opened:
        publish_risks(opened.api.store, FACTS)
        yield opened


def told_words(asked: Cases, who: str, query: str, **variables: Any) -> tuple[str, str]:
    """Give code and message of the one error of an answer."""
    (error,) = asked.post(who, query, **variables).json()["errors"]
    return error["extensions"]["code"], error["message"]


def test_an_investigator_is_told_the_risk_with_its_reasons(asked: Cases) -> None:
    told = asked.ask("ana", RISK, id=RINGLEADER)["buyerRisk"]
    assert (told["buyerId"], told["band"], told["runId"]) == (RINGLEADER, "HIGH", 1)
    assert 0.5 < told["probability"] < 1
    assert told["asOf"] == time_text(NOW)
    assert told["policy"].startswith("1 (")
    assert told["verificationId"] is None
    weights = [abs(one["weight"]) for one in told["signals"]]
    assert weights == sorted(weights, reverse=True)
    ring = told["signals"][0]
    assert (ring["signal"], ring["weight"]) == ("ring", 4.0)
    assert "ring r1, 3 buyers, 40.0 decades" in ring["reason"]
    assert ring["explanation"].endswith(".")
    assert ring["wouldLower"].endswith(".")
    assert asked.ask("olga", RISK, id=RINGLEADER)["buyerRisk"] == told


def test_reasons_are_told_in_the_language_that_is_asked_for(asked: Cases) -> None:
    english = asked.ask("ana", RISK, id=RINGLEADER)["buyerRisk"]["signals"]
    chinese = asked.ask("ana", RISK, id=RINGLEADER, language="CHINESE")["buyerRisk"]["signals"]
    assert [one["signal"] for one in chinese] == [one["signal"] for one in english]
    assert "群体" in chinese[0]["explanation"]
    assert chinese[0]["reason"].isascii() is False


def test_a_buyer_of_whom_nothing_is_known_is_no_risk(asked: Cases) -> None:
    told = asked.ask("ana", RISK, id=HONEST)["buyerRisk"]
    assert (told["band"], told["runId"]) == ("LOW", 1)


def test_a_merchant_is_told_the_band_kinds_of_reasons_and_its_own_evidence(asked: Cases) -> None:
    told = asked.ask("m1", MINE, id=RINGLEADER)["buyerRisk"]
    assert told["band"] == "HIGH"
    assert {"ring", "refund_only_frequency"} <= {one["signal"] for one in told["signals"]}
    assert all(one["reason"] == one["explanation"] for one in told["signals"])
    assert "r1" not in str(told)
    assert {one["merchantId"] for one in told["buyer"]["claims"]["nodes"]} == {"m1"}
    for field in ("probability", "runId", "policy", "verificationId", "signals { weight }"):
        asked.forbidden("m1", f'{{ buyerRisk(id: "{RINGLEADER}") {{ {field} }} }}')


def test_a_merchant_is_not_told_of_fewer_than_three_others_reports(asked: Cases) -> None:
    for buyer, is_told in ((ACCUSED, True), (LITTLE_ACCUSED, False)):
        signals = asked.ask("m1", MINE, id=buyer)["buyerRisk"]["signals"]
        assert ("reports" in {one["signal"] for one in signals}) == is_told
        assert "reports" in str(asked.ask("ana", RISK, id=buyer)["buyerRisk"]["signals"])


def test_who_is_not_in_a_merchants_sight_is_told_as_nobody(asked: Cases) -> None:
    assert asked.ask("m3", MINE, id=RINGLEADER)["buyerRisk"]["band"] == "HIGH"
    many = asked.ask("m3", MANY, ids=[ACCUSED, RINGLEADER, "nobody", RINGLEADER])["buyersRisk"]
    seen = {"buyerId": RINGLEADER, "band": "HIGH"}
    assert many == [None, seen, None, seen]
    words = {
        tuple(part.replace(id, "…") for part in told_words(asked, "m3", query, id=id))
        for id in (ACCUSED, "nobody")
        for query in (MINE, "query Q($id: ID!) { buyer(id: $id) { risk { band } } }")
    }
    assert words == {("NOT_FOUND", "There is no buyer ….")}


def test_many_risks_are_asked_for_at_once_up_to_a_hundred(asked: Cases) -> None:
    ids = [f"u{place:03}" for place in range(100)]
    told = asked.ask("ana", MANY, ids=ids)["buyersRisk"]
    assert [one["buyerId"] for one in told] == ids
    for wrong in ([], [*ids, "u100"]):
        asked.api.calls.clear()
        code, message = told_words(asked, "ana", MANY, ids=wrong)
        assert (code, message) == (
            "INVALID",
            f"buyersRisk(ids:) must name from 1 to 100, not {len(wrong)}.",
        )
        assert not asked.api.calls["rings.risks"]
    cost = asked.post("ana", MANY, ids=ids[:3]).json()["extensions"]["cost"]
    assert (cost["requested"], cost["actual"]) == (3, 3)


def test_the_risks_of_those_who_are_listed_together_are_read_at_once(asked: Cases) -> None:
    asked.api.calls.clear()
    ask = '{ ring(id: "r1") { members(first: 9) { nodes { buyer { risk { band } } } } } }'
    told = asked.ask("ana", ask)["ring"]["members"]["nodes"]
    assert [one["buyer"]["risk"]["band"] for one in told] == ["HIGH", "MEDIUM", "LOW"]
    assert asked.api.calls["rings.risks"] == 1


@pytest.mark.parametrize(
    ("who", "query"), [("ana", RISK), ("m1", "query Q($id: ID!) { buyerRisk(id: $id) { band } }")]
)
def test_one_risk_is_three_reads(asked: Cases, who: str, query: str) -> None:
    asked.api.calls.clear()
    asked.ask(who, query, id=RINGLEADER)
    assert asked.api.calls.pop("records.state") == 1, "of the key"
    reads = {name: number for name, number in asked.api.calls.items() if not name.startswith("audit.")}
    assert sum(reads.values()) - reads["snapshot"] <= 3


def test_one_risk_is_three_statements_to_the_server(asked: Cases, caplog: pytest.LogCaptureFixture) -> None:
    """Besides who asks, and what goes into the audit: what the snapshot shows is told by the first."""
    with caplog.at_level(logging.DEBUG, "neo4j.io"):
        asked.ask("ana", RISK, id=RINGLEADER)
    ran = [said.partition("C: RUN ")[2] for said in caplog.messages if "C: RUN " in said]
    named = {repr(each.text): name for name, each in statements().items() if each.subject != "audit"}
    sent = [name for said in ran for text, name in named.items() if said.startswith(text)]
    expected = ["find_states", "find_sighted", "find_run_batches", "list_states_concerning_all"]
    assert sent == ([] if asked.api.store.reads_at_once else expected)


def test_a_verification_outranks_the_score_and_an_appeal_lifts_that(asked: Cases, clock: Clock) -> None:
    """And whoever asks for a past moment is told what was known then."""
    open_one = """mutation M($input: OpenVerificationInput!) { openVerification(input: $input) {
        verification { verificationId } userErrors { message } } }"""
    decide = """mutation M($input: DecideVerificationInput!) { decideVerification(input: $input) {
        verification { state } userErrors { message } } }"""
    appeal = """mutation M($input: AppealInput!) { appeal(input: $input) {
        verification { state } userErrors { message } } }"""
    clock.now = NOW + DAY
    opened = asked.change("ana", open_one, buyerId=HONEST, reason="seen by chance")
    id = opened["verification"]["verificationId"]
    for who in ("ana", "bo"):
        asked.change(who, decide, verificationId=id, outcome="CONFIRMED", reason="same photos")
    told = asked.ask("ana", RISK, id=HONEST)["buyerRisk"]
    assert (told["band"], told["verificationId"]) == ("CONFIRMED", id)
    assert told["probability"] < 0.1
    assert asked.ask("m1", MINE, id=HONEST)["buyerRisk"]["band"] == "CONFIRMED"
    clock.now = NOW + 2 * DAY
    asked.change("order system", appeal, verificationId=id, reason="it was my brother")
    assert asked.ask("ana", RISK, id=HONEST)["buyerRisk"]["band"] == "LOW"
    bands = [
        asked.ask("ana", RISK, id=HONEST, asOf=time_text(NOW + days * DAY))["buyerRisk"]["band"]
        for days in (0, 1, 2)
    ]
    assert bands == ["LOW", "CONFIRMED", "LOW"]
    clock.now = NOW


def test_only_moments_of_which_something_is_kept_can_be_asked_for(asked: Cases) -> None:
    query = """query Q($id: ID!, $asOf: DateTime) {
        buyerRisk(id: $id, asOf: $asOf) { band } buyer(id: $id) { risk(asOf: $asOf) { band } } }"""
    for at, code in ((NOW + DAY, "INVALID"), (NOW - DAY, "NOT_FOUND")):
        for who in ("ana", "m1"):
            answer = asked.post(who, query, id=RINGLEADER, asOf=time_text(at)).json()
            assert {one["extensions"]["code"] for one in answer["errors"]} == {code}
            assert len(answer["errors"]) == 2
