"""Leads over GraphQL: read page by page, dismissed and restored, by staff alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_samples import LEADS, NOW, Api, open_api, problem

from ringfence.api.global_ids import global_id
from ringfence.domain.records import RecordKind
from ringfence.domain.scope import Role

DISMISS = """mutation M($input: DismissLeadInput!) { dismissLead(input: $input) {
    lead { leadId status statusReason version } userErrors { field message code } } }"""
RESTORE = DISMISS.replace("DismissLeadInput", "RestoreLeadInput").replace("dismissLead", "restoreLead")


def queue(api: Api, conditions: str = "") -> list[str]:
    data = api.ask(f"{{ leads(first: 10{conditions}) {{ totalCount nodes {{ leadId }} }} }}")
    found = [lead["leadId"] for lead in data["leads"]["nodes"]]
    assert data["leads"]["totalCount"] == len(found)
    return found


def test_leads_are_listed_strongest_first_by_kind_buyer_and_ring(api: Api) -> None:
    assert queue(api) == list(LEADS)
    assert queue(api, ", kind: ASSOCIATES") == ["l2"]
    assert queue(api, ', buyerId: "b4"') == ["l1"]
    assert queue(api, ', ringId: "r1"') == ["l2"]
    assert queue(api, ", kind: STRUCTURE") == []
    assert queue(api, ", run: 1") == ["l1", "l2"]


def test_a_lead_is_told_with_everything_it_is_made_of(api: Api) -> None:
    lead = api.ask(
        """{ lead(id: "l1") { id leadId runId kind ringId score size claims merchants occasions pValue why
             whyNot amount { amount currency } firstClaimAt lastClaimAt run { runId }
             status statusReason version
             buyers(first: 1) { totalCount nodes { buyerId score why buyer { buyerId orders } } }
             evidence(first: 5) { nodes { event merchantId buyerId claimId weak claim { kind } } } } }"""
    )["lead"]
    assert lead["id"] == global_id("Lead", "l1")
    assert (lead["kind"], lead["ringId"], lead["why"], lead["whyNot"]) == (
        "ONE_OCCASION",
        None,
        "why",
        "one van",
    )
    assert (lead["score"], lead["size"], lead["occasions"], lead["pValue"]) == (9.0, 2, 1, 0.2)
    assert (lead["status"], lead["statusReason"], lead["version"]) == ("OPEN", None, 0)
    assert lead["amount"] == [{"amount": "2.00", "currency": "EUR"}]
    assert lead["buyers"] == {
        "totalCount": 2,
        "nodes": [{"buyerId": "b3", "score": 1.0, "why": "why b3", "buyer": {"buyerId": "b3", "orders": 0}}],
    }
    assert [(one["claimId"], one["weak"]) for one in lead["evidence"]["nodes"]] == [
        ("c-b3-m1", True),
        ("c-b4-m1", True),
    ]
    assert lead["evidence"]["nodes"][0]["claim"] == {"kind": "REFUND_ONLY"}
    ring = api.ask('{ ring(id: "r1") { occasions method evidence(first: 1) { nodes { weak } } } }')["ring"]
    assert ring == {"occasions": 2, "method": "COINCIDENCE", "evidence": {"nodes": [{"weak": False}]}}


def test_pages_follow_one_another_in_one_run(api: Api) -> None:
    page = """query P($after: String, $run: Int) { leads(first: 1, after: $after, run: $run) {
        nodes { leadId } pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
    first = api.ask(page)["leads"]
    second = api.ask(page, after=first["pageInfo"]["endCursor"])["leads"]
    assert [one["nodes"][0]["leadId"] for one in (first, second)] == ["l1", "l2"]
    assert first["pageInfo"]["hasNextPage"]
    assert not second["pageInfo"]["hasNextPage"]
    status, code, message = api.refused(page, after=first["pageInfo"]["endCursor"], run=1)
    assert (status, code) == (200, "INVALID")
    assert "leave one of the two out" in message


def test_a_lead_is_found_by_its_global_id_and_an_unknown_one_is_not(api: Api) -> None:
    node = api.ask(f'{{ node(id: "{global_id("Lead", "l2")}") {{ ... on Lead {{ leadId }} }} }}')["node"]
    assert node == {"leadId": "l2"}
    assert api.refused('{ lead(id: "l9") { why } }')[1] == "NOT_FOUND"


@pytest.mark.parametrize("role", [Role.JOB, Role.MERCHANT])
def test_nobody_but_staff_may_ask(api: Api, role: Role) -> None:
    for query in (
        "{ leads(first: 1) { totalCount } }",
        '{ lead(id: "l1") { why } }',
        'mutation { dismissLead(input: { leadId: "l1", reason: "x" }) { userErrors { code } } }',
        'mutation { restoreLead(input: { leadId: "l1", reason: "x" }) { userErrors { code } } }',
    ):
        assert problem(api.post({"query": query}, role)) == (403, "FORBIDDEN"), query
    for field in ("dismissLead", "restoreLead"):
        query = f'mutation {{ {field}(input: {{ leadId: "l1", reason: "x" }}) {{ userErrors {{ code }} }} }}'
        assert problem(api.post({"query": query}, Role.OPERATOR)) == (403, "FORBIDDEN")
    assert api.store.records.current(RecordKind.LEAD_DECISION) == ()


@pytest.fixture
def own_api(tmp_path: Path) -> Iterator[Api]:
    with open_api(tmp_path) as opened:
        yield opened


def test_a_dismissal_hides_a_lead_until_it_is_restored(own_api: Api) -> None:
    said = {"leadId": "l1", "reason": "one lost van", "expectedVersion": 0}
    told = own_api.ask(DISMISS, input=said)["dismissLead"]
    assert told["userErrors"] == []
    assert (told["lead"]["status"], told["lead"]["version"]) == ("DISMISSED", 1)
    assert "one lost van" in told["lead"]["statusReason"]
    assert queue(own_api) == ["l2"]
    assert queue(own_api, ", includeDismissed: true") == ["l1", "l2"]
    (event,) = own_api.store.records.stream(own_api.store.records.current(RecordKind.LEAD_DECISION)[0].record)
    assert (event.type, event.at) == ("dismissed", NOW)
    for refused, at_fault in (
        (said, ("CONFLICT", ["input", "expectedVersion"])),
        (said | {"expectedVersion": 1}, ("CONFLICT", None)),
        (said | {"leadId": "l9"}, ("NOT_FOUND", ["input", "leadId"])),
        ({"leadId": "l2", "reason": " "}, ("INVALID", ["input", "reason"])),
    ):
        (payload,) = own_api.ask(DISMISS, input=refused).values()
        (error,) = payload["userErrors"]
        assert (payload["lead"], error["code"], error["field"]) == (None, *at_fault)
    told = own_api.ask(RESTORE, input=said | {"expectedVersion": 1, "reason": "no van"})["restoreLead"]
    assert (told["lead"]["status"], told["lead"]["version"]) == ("OPEN", 2)
    assert queue(own_api) == ["l1", "l2"]


def test_who_looked_at_a_lead_is_in_the_audit(own_api: Api) -> None:
    own_api.ask("{ leads(first: 1) { nodes { leadId buyers(first: 9) { nodes { buyerId } } } } }")
    own_api.settle()
    entry = own_api.store.audit.page(1, None).items[0].entry
    assert entry is not None
    assert {"l1", "b3", "b4"} <= set(entry.subjects)
