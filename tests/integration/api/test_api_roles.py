"""Role by field: the expected table stands here in full, so that a field that is new is closed until told."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_samples import NOW, RECOVERY, VERIFICATION, Api, open_api, problem
from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_composite_type, is_required_argument

from ringfence.api.global_ids import global_id
from ringfence.api.limits import Limits
from ringfence.api.schema import build_schema
from ringfence.domain.errors import ForbiddenError
from ringfence.domain.leads import LeadQuery
from ringfence.domain.records import RecordKind
from ringfence.domain.scope import Principal, Role
from ringfence.services import leads, read_buyers, read_rings, read_runs

SCHEMA = build_schema()
PAGING = {"nodes", "edges", "totalCount", "pageInfo", "cursor", "node"}
PAGE_INFO = {"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"}
RUN = {"id", "runId", "state", "begunAt", "endedAt", "marketVersion", "rings", "reasons", "notes", "about"}
CLAIM = {
    "id", "claimId", "buyerId", "merchantId", "filedAt", "amount", "refunded", "kind", "reason", "status",
    "orderId", "category", "country", "paidAt", "deliveredAt", "evidenceCount", "highValue",
}  # fmt: skip
REPORT = {"id", "reportId", "merchantId", "buyerId", "reportedAt", "claimId", "reason", "evidenceCount"}
USER_ERROR = {"field", "message", "code"}
OPEN: dict[Role, dict[str, set[str]]] = {
    Role.JOB: {
        "Query": {"version", "runs", "run", "runRequest"},
        "Run": RUN,
        "RunRequest": {"askedAt", "askedBy", "reason"},
        "StartRunPayload": {"runRequest", "userErrors"},
        "RunConnection": PAGING,
        "RunEdge": PAGING,
        "FileReportPayload": {"report", "isNew", "userErrors"},
        "Report": REPORT,
        "VerificationPayload": {"verification", "userErrors"},
        "Verification": {
            "id", "verificationId", "buyerId", "number", "state", "openedAt", "version",
        },
        "UserError": USER_ERROR,
        "PageInfo": PAGE_INFO,
        "Node": {"id"},
    },
    Role.MERCHANT: {
        "Query": {
            "version", "buyer", "buyerRisk", "buyersRisk", "report", "reports", "recovery", "recoveries",
            "recoveryStatement",
        },
        "Buyer": {"id", "buyerId", "orders", "firstClaimAt", "lastClaimAt", "claims", "reports", "risk"},
        "BuyerRisk": {"buyerId", "band", "signals", "asOf", "buyer"},
        "RiskSignal": {"signal", "explanation", "reason", "wouldLower"},
        "Claim": CLAIM,
        "ClaimConnection": PAGING,
        "ClaimEdge": PAGING,
        "Report": REPORT | {"status", "statusReason", "version"},
        "ReportConnection": PAGING,
        "ReportEdge": PAGING,
        "FileReportPayload": {"report", "isNew", "userErrors"},
        "ReportPayload": {"report", "userErrors"},
        "Recovery": {
            "id", "recoveryId", "verificationId", "merchantId", "buyerId", "payer", "proposedAt", "claims",
            "totals", "moves", "disputes", "isDisputed", "version",
        },
        "RecoveryConnection": PAGING,
        "RecoveryEdge": PAGING,
        "RecoveredClaim": {"claimId", "lost", "amount", "state", "isDueBack", "claim"},
        "RecoveryMove": {"kind", "claimId", "amount", "at", "reference"},
        "RecoveryTotal": {"state", "amount"},
        "RecoveryPayload": {"recovery", "userErrors"},
        "RecoveryStatement": {"merchantId", "month", "isComplete", "totals", "lines"},
        "StatementTotal": {"currency", "paid", "returned", "net"},
        "StatementLine": {"move", "recoveryId", "verificationId"},
        "StatementLineConnection": PAGING,
        "StatementLineEdge": PAGING,
        "UserError": USER_ERROR,
        "Money": {"amount", "currency"},
        "PageInfo": PAGE_INFO,
        "Node": {"id"},
    },
}  # fmt: skip
CHANGES: dict[Role, set[str]] = {
    Role.INVESTIGATOR: {
        "dismissLead", "restoreLead",
        "decideRing", "snooze", "allow", "undoDecision", "addNote", "assign",
        "openVerification", "assignVerification", "addVerificationNote", "decideVerification", "appeal",
        "reopenVerification", "approveRecovery", "refuseRecovery", "payRecovery", "returnRecovery",
    },
    Role.OPERATOR: {"startRun"},
    Role.JOB: {"fileReport", "openVerification", "appeal", "startRun"},
    Role.MERCHANT: {"fileReport", "withdrawReport", "disputeReport", "disputeRecovery"},
}  # fmt: skip
_SAID = 'ringId: "nobody", reason: "because"'
_LEAD = '{ leadId: "nobody", reason: "because" }'
_UNTIL = 'until: "2100-01-01T00:00:00Z"'
VALUES = {
    "Mutation.decideRing(input:)": f"{{ {_SAID}, outcome: DISMISS }}",
    "Mutation.snooze(input:)": f"{{ {_SAID}, {_UNTIL} }}",
    "Mutation.allow(input:)": f"{{ {_SAID}, {_UNTIL} }}",
    "Mutation.undoDecision(input:)": f"{{ {_SAID} }}",
    "Mutation.addNote(input:)": '{ ringId: "nobody", text: "seen" }',
    "Mutation.assign(input:)": '{ ringId: "nobody" }',
    "Mutation.dismissLead(input:)": _LEAD,
    "Mutation.restoreLead(input:)": _LEAD,
    "Mutation.fileReport(input:)": '{ buyerId: "nobody" }',
    "Mutation.withdrawReport(input:)": '{ reportId: "none", reason: "because" }',
    "Mutation.disputeReport(input:)": '{ reportId: "none", reason: "because" }',
    "Mutation.openVerification(input:)": '{ buyerId: "nobody", reason: "because" }',
    "Mutation.decideVerification(input:)": '{ verificationId: "none", outcome: REJECTED, reason: "because" }',
    "Mutation.addVerificationNote(input:)": '{ verificationId: "none", text: "seen" }',
    "Mutation.assignVerification(input:)": '{ verificationId: "none" }',
    "Mutation.appeal(input:)": '{ verificationId: "none", reason: "because" }',
    "Mutation.reopenVerification(input:)": '{ verificationId: "none", reason: "because" }',
    "Mutation.approveRecovery(input:)": '{ recoveryId: "none", reason: "because" }',
    "Mutation.refuseRecovery(input:)": '{ recoveryId: "none", reason: "because" }',
    "Mutation.payRecovery(input:)": '{ recoveryId: "none", claimId: "c", reference: "bank 1" }',
    "Mutation.returnRecovery(input:)": '{ recoveryId: "none", claimId: "c", reference: "bank 1" }',
    "Mutation.disputeRecovery(input:)": '{ recoveryId: "none", reason: "because" }',
    "Mutation.startRun(input:)": '{ reason: "" }',
    "Query.buyerRisk(id:)": '"b1"',
    "Query.buyersRisk(ids:)": '["b1", "nobody"]',
    "Query.report(id:)": '"p1"',
    "Query.verification(id:)": f'"{VERIFICATION}"',
    "Query.recovery(id:)": f'"{RECOVERY}"',
    "Query.recoveryStatement(merchantId:)": '"m1"',
    "Query.recoveryStatement(month:)": '"2026-05"',
    "Query.path(from:)": '"b1"',
    "Query.path(to:)": '"b5"',
    "Query.ring(id:)": '"r1"',
    "Query.lead(id:)": '"l1"',
    "Query.network(id:)": '"n1"',
    "Query.buyer(id:)": '"b1"',
    "Query.run(id:)": "2",
    "Query.node(id:)": f'"{global_id("Ring", "r1")}"',
}


def objects() -> Iterator[GraphQLObjectType]:
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            yield kind


def call(kind: str, name: str, field: GraphQLField) -> str:
    needed = {argument for argument, one in field.args.items() if is_required_argument(one)}
    given = [f"{argument}: {VALUES.get(f'{kind}.{name}({argument}:)', '1')}" for argument in sorted(needed)]
    return f"{name}({', '.join(given)})" if given else name


def ways() -> dict[str, list[tuple[str, str]]]:
    """Give a shortest way from a query or a mutation to each type, as (type, field) steps."""
    roots = [SCHEMA.query_type, SCHEMA.mutation_type]
    found: dict[str, list[tuple[str, str]]] = {root.name: [] for root in roots if root is not None}
    left: deque[Any] = deque(roots)
    while left:
        kind = left.popleft()
        for name, field in kind.fields.items():
            inner = get_named_type(field.type)
            if isinstance(inner, GraphQLObjectType) and inner.name not in found:
                found[inner.name] = [*found[kind.name], (kind.name, name)]
                left.append(inner)
    return found


def query_for(kind: GraphQLObjectType, name: str) -> str:
    """Ask for one field of one type, wherever it is."""
    field = kind.fields[name]
    text = call(kind.name, name, field)
    if is_composite_type(get_named_type(field.type)):
        text += " { __typename }"
    way = ways()[kind.name]
    for parent, step in reversed(way):
        field = SCHEMA.type_map[parent].fields[step]  # type: ignore[attr-defined]
        text = f"{call(parent, step, field)} {{ {text} }}"
    root = way[0][0] if way else kind.name
    return f"{root.lower()} {{ {text} }}"


def may_ask(role: Role, kind: str, name: str) -> bool:
    if kind == "Mutation":
        return name in CHANGES.get(role, ())
    return role not in OPEN or name in OPEN[role].get(kind, ())


FIELDS = [(kind, name) for kind in objects() for name in kind.fields]


def test_every_object_can_be_reached() -> None:
    assert {kind.name for kind in objects()} == set(ways())


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_ask_for_what_is_its_and_nothing_else(api: Api, role: Role) -> None:
    for kind, name in FIELDS:
        query = query_for(kind, name)
        steps = [*ways()[kind.name], (kind.name, name)]
        is_open = all(may_ask(role, parent, field) for parent, field in steps)
        response = api.post({"query": query}, role)
        codes = {one["extensions"]["code"] for one in response.json().get("errors", ())}
        assert codes == (set() if is_open else {"FORBIDDEN"}), (role, query)
        assert response.status_code == (200 if is_open else 403)
        if not is_open:
            assert "data" not in response.json()
    decided = [state.record.id for state in api.store.records.current(RecordKind.RING_DECISION)]
    assert decided == ["r3"]


@pytest.mark.parametrize("role", list(OPEN))
def test_what_is_open_can_be_reached_by_that_role(api: Api, role: Role) -> None:
    """No type stands in the table in vain: from what is open to a role all that is open is reached."""
    open_fields = OPEN[role] | {"Mutation": CHANGES.get(role, set())}
    reached = {"Query", "Mutation"}
    for _ in SCHEMA.type_map:
        for kind in objects():
            if kind.name in reached:
                for name in open_fields.get(kind.name, ()):
                    if name in kind.fields:
                        reached.add(get_named_type(kind.fields[name].type).name)
    assert set(OPEN[role]) - reached <= {"Node"}


def test_closed_fields_cannot_be_hidden(api: Api) -> None:
    node = f'node(id: "{global_id("Ring", "r1")}")'
    note = 'addNote(input: { ringId: "r1", text: "x" }) { userErrors { code } }'
    hidden = (
        f"mutation {{ {note} }}",
        f"mutation {{ x: {note} }}",
        f"mutation {{ ... on Mutation {{ ...A }} }} fragment A on Mutation {{ {note} }}",
        f"mutation {{ {note.replace(') {', ') @skip(if: true) {')} }}",
        f"query Q {{ version }} mutation M {{ {note} }}",
        f"{{ {node} {{ ... on Ring {{ why }} }} }}",
        "{ ...A } fragment A on Query { x: rings(first: 1) { totalCount } }",
        '{ buyer(id: "b1") { ... on Node { ... on Buyer { score } } } }',
        '{ buyer(id: "b1") { orders score @skip(if: true) } }',
        '{ buyer(id: "b1") { ...B } } fragment B on Buyer { rings(first: 1) { totalCount } }',
        '{ buyer(id: "b1") { sharedIdentifiers { holders } } }',
    )
    for query in hidden:
        body = {"query": query, "operationName": "M" if " M " in query else None}
        assert problem(api.post(body, Role.MERCHANT)) == (403, "FORBIDDEN"), query
        assert not any(call.startswith(("rings.", "market.")) for call in api.calls)


def test_nobody_gets_anything_without_a_key(api: Api) -> None:
    for kind, name in FIELDS:
        assert api.refused(query_for(kind, name), None)[:2] == (401, "UNAUTHENTICATED")
    assert api.refused("{ __schema { types { name } } }", None)[0] == 401


def test_a_merchant_sees_its_own_part_of_a_buyer(api: Api) -> None:
    ask = """{ buyer(id: "b1") { orders claims(first: 10) { totalCount nodes { merchantId } }
               reports { reportId merchantId } } }"""
    mine = api.ask(ask, Role.MERCHANT)["buyer"]
    assert mine["claims"] == {"totalCount": 1, "nodes": [{"merchantId": "m1"}]}
    assert mine["reports"] == [{"reportId": "p1", "merchantId": "m1"}]
    everything = api.ask(ask)["buyer"]
    assert everything["claims"]["totalCount"] == 2
    assert len(everything["reports"]) == 2


def test_buyers_a_merchant_does_not_know_are_told_as_nobody(tmp_path: Path) -> None:
    """One who claimed a year ago, one who ordered elsewhere, and one who does not exist: the same answer, and
    the same statements of the store's."""
    query = (
        "query Q($id: ID!) { buyer(id: $id) { orders claims(first: 9) { totalCount } reports { reason } } }"
    )
    told: set[tuple[str, ...]] = set()
    with open_api(tmp_path, limits=Limits(threads=1, per_second=0, burst=1_000)) as api:
        assert api.ask(query, Role.MERCHANT, id="b1")["buyer"]["claims"]["totalCount"] == 1
        statements: list[str] = []
        for connection in api.store._database._opened:  # type: ignore[attr-defined]
            connection.set_trace_callback(statements.append)
        for buyer in ("old", "quiet", "nobody"):
            statements.clear()
            response = api.post({"query": query, "variables": {"id": buyer}}, Role.MERCHANT)
            headers = {name: text for name, text in response.headers.items() if name != "x-request-id"}
            del headers["content-length"]
            # What the audit seals is like nothing before it.
            sent = [
                re.sub(r"x'\w+'|(?<=', )\d+|(?<=number >= )\d+", "…", one, flags=re.IGNORECASE)
                for one in statements
            ]
            said = (response.status_code, response.text, *headers.items(), *sent)
            told.add(tuple(str(one).replace(buyer, "…") for one in said))
            assert len(statements) > 3
    (one,) = told
    assert '"There is no buyer …."' in one[1]
    assert "NOT_FOUND" in one[1]


@pytest.mark.parametrize("role", [Role.JOB, Role.MERCHANT])
def test_services_refuse_by_themselves_whatever_the_api_lets_through(api: Api, role: Role) -> None:
    principal = Principal("someone", role, "m1" if role is Role.MERCHANT else None)
    closed: list[Callable[[], object]] = [
        lambda: read_rings.find_ring(api.store, principal, "r1", None),
        lambda: read_rings.members_of(api.store, principal, ["r1"], 2),
        lambda: read_rings.evidence_of(api.store, principal, ["r1"], 2),
        lambda: read_rings.links_of_rings(api.store, principal, ["r1"], 2),
        lambda: read_rings.lineage_of(api.store, principal, ["r1"]),
        lambda: read_rings.standings_of(api.store, principal, [], NOW),
        lambda: read_rings.decisions_of(api.store, principal, "r1"),
        lambda: read_rings.alive_among(api.store, principal, ["r1"]),
        lambda: leads.list_leads(api.store, principal, LeadQuery(), 1),
        lambda: leads.find_lead(api.store, principal, "l1"),
        lambda: read_rings.find_network(api.store, principal, "n1", None),
        lambda: read_buyers.score_of(api.store, principal, "b1"),
        lambda: read_buyers.links_of_buyer(api.store, principal, "b1", 1),
        lambda: read_buyers.shared_identifiers_of(api.store, principal, "b1", NOW),
    ]
    if role is Role.JOB:
        closed += [
            lambda: read_buyers.find_buyers(api.store, principal, ("b1",), NOW),
            lambda: read_buyers.claims_of(api.store, principal, "b1", 1, None, NOW),
            lambda: read_buyers.find_claim(api.store, principal, "c-b1-m1", NOW),
            lambda: read_buyers.reports_of(api.store, principal, "b1", NOW),
        ]
    else:
        closed += [
            lambda: read_runs.list_runs(api.store, principal, 1, None, None),
            lambda: read_runs.find_run(api.store, principal, 1),
        ]
    for ask in closed:
        with pytest.raises(ForbiddenError):
            ask()
