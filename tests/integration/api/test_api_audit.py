"""Who asked what about whom is on the disk before anything of it is told."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_samples import AUDIT_KEY, DAY, NOW, OPERATOR, Api, open_api, problem

from ringfence.domain.audit import ANSWERED, AuditEntry, SealedEntry
from ringfence.domain.policy import MerchantPolicy, Policy
from ringfence.domain.scope import Role
from ringfence.services.audit import erase_audit, verify_audit

BUYER = "query Look($id: ID!) { buyer(id: $id) { orders claims(first: 5) { nodes { claimId } } } }"
RINGS = "{ rings(first: 2) { nodes { why members(first: 9) { nodes { score } } } } }"
NOTE = 'mutation { addNote(input: { ringId: "r1", text: "a secret note" }) { userErrors { code } } }'


@pytest.fixture
def own_api(tmp_path: Path) -> Iterator[Api]:
    with open_api(tmp_path) as api:
        yield api


def last(api: Api) -> AuditEntry:
    entry = entries(api)[0].entry
    assert entry is not None
    return entry


def entries(api: Api) -> tuple[SealedEntry, ...]:
    return api.store.audit.page(100, None).items


def test_an_entry_says_who_asked_what_about_whom_and_why(api: Api) -> None:
    api.ask(BUYER, Role.MERCHANT, id="b1")
    assert last(api) == AuditEntry(
        actor="merchant's key",
        role=Role.MERCHANT,
        merchant_id="m1",
        purpose="Look",
        operation="buyer",
        subjects=("b1",),
        further_subjects=0,
        fields=("Buyer.claims", "Buyer.orders", "Claim.claimId", "Query.buyer"),
        outcome=ANSWERED,
    )
    assert entries(api)[0].at == NOW


def test_people_tell_their_purpose_in_a_header(api: Api) -> None:
    api.post({"query": RINGS}, headers={"X-Purpose": "appeal 7, geprüft".encode()})  # type: ignore[dict-item]
    assert last(api).purpose == "appeal 7, geprüft"
    api.ask(RINGS)
    assert last(api).purpose == "rings"
    before = api.store.audit.page(1, None).total
    for bad in (b"x" * 201, b"\x80", "a\u202eb".encode()):
        response = api.post({"query": RINGS}, headers={"X-Purpose": bad})  # type: ignore[dict-item]
        assert problem(response) == (400, "INVALID"), bad
        assert "X-Purpose" in response.text
    assert api.store.audit.page(1, None).total == before


def test_whoever_is_answered_is_named_though_nobody_asked_for_them(api: Api) -> None:
    api.ask(RINGS)
    assert set(last(api).subjects) == {"r1", "r2", "b1", "b2", "b3", "b4", "b5"}
    api.ask('{ node(id: "QnV5ZXI6YjQ=") { id } }')
    assert last(api).subjects == ("b4",)


def test_refusals_are_written_down_too(api: Api) -> None:
    api.refused(BUYER, Role.MERCHANT, id="stranger")
    assert (last(api).subjects, last(api).outcome) == (("stranger",), "NOT_FOUND")
    api.refused(RINGS, Role.MERCHANT)
    assert (last(api).operation, last(api).outcome, last(api).subjects) == ("rings", "FORBIDDEN", ())


def test_what_is_about_nobody_or_no_query_is_not_written_down(api: Api) -> None:
    before = api.store.audit.page(1, None).total
    api.ask("{ version __schema { types { name } } }")
    api.refused("{ nothing }")
    api.refused(RINGS, None)
    api.refused("{ rings(first: 1000) { totalCount } }")
    assert api.store.audit.page(1, None).total == before


def test_nothing_of_an_answer_and_no_word_of_a_query_is_in_the_audit(own_api: Api) -> None:
    own_api.ask('query A { buyer(id: "b1") { reports { reason } claims(first: 9) { nodes { reason } } } }')
    own_api.ask(NOTE)
    own_api.ask("query B($min: Float) { rings(first: 1, minScore: $min) { totalCount } }", min=12.345)
    for sealed in entries(own_api):
        assert sealed.payload is not None
        for word in (b"again", b"not_received", b"NOT_RECEIVED", b"secret", b"12.345", b"{ "):
            assert word not in sealed.payload
    assert ("r1",) in [sealed.entry.subjects for sealed in entries(own_api) if sealed.entry]


def test_what_cannot_be_written_down_is_not_told(
    own_api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_api.ask(RINGS)
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    connection.execute("ALTER TABLE audit RENAME TO lost")
    connection.commit()
    response = own_api.post({"query": RINGS})
    assert problem(response) == (503, "UNAVAILABLE")
    assert "data" not in response.json()
    assert "audit" not in response.text
    assert own_api.ask("{ version }")
    connection.execute("ALTER TABLE lost RENAME TO audit")
    connection.commit()
    connection.close()
    assert own_api.ask(RINGS)
    verified = verify_audit(own_api.store, OPERATOR, AUDIT_KEY)
    assert (verified.chains, verified.entries, verified.broken) == (2, 2, ())


def test_entries_of_requests_that_end_together_are_written_together(own_api: Api) -> None:
    own_api.calls.clear()
    answers = own_api.post_at_once(*[{"query": BUYER, "variables": {"id": "b1"}}] * 40)
    assert {answer.status_code for answer in answers} == {200}
    assert own_api.store.audit.page(1, None).total == 40
    assert own_api.calls["audit.append"] < 40
    verified = verify_audit(own_api.store, OPERATOR, AUDIT_KEY)
    assert (verified.chains, verified.entries, verified.broken) == (1, 40, ())


LOG = """query Log($first: Int!, $after: String, $actor: String, $subject: ID) {
    auditLog(first: $first, after: $after, actor: $actor, subject: $subject) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { number at role actor purpose operation subjects furtherSubjects fields outcome isErased
                merchantId chain digest mac } } }"""


def test_investigators_and_operators_read_the_audit_from_page_to_page(own_api: Api) -> None:
    own_api.ask(BUYER, Role.MERCHANT, id="b1")
    own_api.ask(BUYER, id="b2")
    own_api.ask(BUYER, id="b1")
    told = own_api.ask(LOG, first=1, subject="b1")["auditLog"]
    assert (told["totalCount"], told["pageInfo"]["hasNextPage"]) == (2, True)
    assert told["nodes"][0] == {
        "number": 3, "at": "2026-05-28T20:26:40Z", "role": "INVESTIGATOR", "actor": "investigator's key",
        "purpose": "Look", "operation": "buyer", "subjects": ["b1"], "furtherSubjects": 0,
        "fields": ["Buyer.claims", "Buyer.orders", "Claim.claimId", "Query.buyer"], "outcome": ANSWERED,
        "isErased": False, "merchantId": None, "chain": told["nodes"][0]["chain"],
        "digest": entries(own_api)[1].digest.hex(), "mac": entries(own_api)[1].mac.hex(),
    }  # fmt: skip
    after = told["pageInfo"]["endCursor"]
    then = own_api.ask(LOG, Role.OPERATOR, first=5, subject="b1", after=after)["auditLog"]
    # Whoever has asked about b1 in the audit stands there too by now, but before the cursor.
    assert [one["merchantId"] for one in then["nodes"]] == ["m1"]
    assert own_api.ask(LOG, first=5, actor="merchant's key")["auditLog"]["totalCount"] == 1
    assert last(own_api).operation == "auditLog"
    assert own_api.refused(LOG, first=5, after=after)[1] == "INVALID"
    for role in (Role.MERCHANT, Role.JOB):
        assert own_api.refused(LOG, role, first=5)[1] == "FORBIDDEN"


def test_erased_entries_say_nothing(own_api: Api) -> None:
    own_api.ask(BUYER, id="b1")
    assert erase_audit(own_api.store, OPERATOR, 1, NOW + 2 * DAY) == 1
    (told,) = own_api.ask(LOG, first=5)["auditLog"]["nodes"]
    assert (told["isErased"], told["actor"], told["role"], told["subjects"]) == (True, None, None, [])


def capped(folder: Path, most: int, clock: Any = lambda: NOW) -> Any:
    policy = Policy(merchants=MerchantPolicy(lookups_a_day=most))
    return open_api(folder, policy=policy, clock=clock, filled=not (folder / "store.sqlite").exists())


def test_a_merchant_looks_up_so_many_buyers_a_day_whether_they_exist_or_not(tmp_path: Path) -> None:
    time = [NOW]
    with capped(tmp_path, 3, lambda: time[0]) as api:
        api.ask(BUYER, Role.MERCHANT, id="b1")
        assert api.refused(BUYER, Role.MERCHANT, id="nobody")[1] == "NOT_FOUND"
        assert api.refused(BUYER, Role.MERCHANT, id="quiet")[1] == "NOT_FOUND"
        told = set()
        for buyer in ("b2", "old", "never"):
            response = api.post({"query": BUYER, "variables": {"id": buyer}}, Role.MERCHANT)
            assert problem(response) == (429, "RATE_LIMITED")
            told.add((response.text, response.headers["retry-after"]))
            assert last(api).outcome == "RATE_LIMITED"
        ((text, seconds),) = told
        assert "3 different buyers a day" in text
        assert int(seconds) * 1_000_000 == (NOW // DAY + 1) * DAY - NOW
        # Those of the day are answered as before, and nobody else's are counted.
        api.ask(BUYER, Role.MERCHANT, id="b1")
        for buyer in ("b2", "b3", "b4", "b5"):
            api.ask(BUYER, id=buyer)
    with capped(tmp_path, 3, lambda: time[0]) as again:
        assert again.refused(BUYER, Role.MERCHANT, id="b2")[1] == "RATE_LIMITED"
        time[0] += DAY
        again.ask(BUYER, Role.MERCHANT, id="b2")


def test_every_way_to_a_buyer_is_counted(tmp_path: Path) -> None:
    ways = (
        '{ buyer(id: "b2") { orders } }',
        '{ x: buyer(id: "b2") { orders } }',
        '{ ... on Query { ...A } } fragment A on Query { buyer(id: "b2") { orders } }',
        '{ buyer(id: "b2") @skip(if: true) { orders } }',
        'query Q($id: ID! = "b2") { buyer(id: $id) { orders } }',
        '{ a: buyer(id: "b1") { orders } b: buyer(id: "b2") { orders } }',
        '{ node(id: "QnV5ZXI6YjI=") { id } }',
        '{ buyerRisk(id: "b2") { band } }',
        '{ buyersRisk(ids: ["b1", "b2"]) { band } }',
    )
    with capped(tmp_path, 1) as api:
        api.ask(BUYER, Role.MERCHANT, id="b1")
        schema = api.ask("{ __schema { queryType { fields { name } } } }")["__schema"]["queryType"]["fields"]
        known = {field["name"] for field in schema}
        for way in ways:
            if any(name in way for name in ("buyerRisk", "buyersRisk")) and "buyerRisk" not in known:
                continue
            answer = api.post({"query": way}, Role.MERCHANT)
            assert problem(answer)[1] in ("RATE_LIMITED", "FORBIDDEN"), way


def test_look_ups_at_once_do_not_slip_through(tmp_path: Path) -> None:
    with capped(tmp_path, 3) as api:
        key = {"Authorization": f"Bearer {api.keys[Role.MERCHANT]}"}
        requests = [
            {"json": {"query": BUYER, "variables": {"id": f"x{number}"}}, "headers": key}
            for number in range(12)
        ]
        codes = [problem(answer)[1] for answer in api.client.post_at_once("/graphql", *requests)]
        assert sorted(codes) == ["NOT_FOUND"] * 3 + ["RATE_LIMITED"] * 9
