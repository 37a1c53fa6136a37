"""Two stores that differ in what is another merchant's business alone tell one merchant exactly the same."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from typing import Any

import polars as pl
import pytest
from api_samples import ANA, BUYERS, DAY, NOW, RECOVERY, VERIFICATION, Api, open_api
from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

from ringfence.api import permissions
from ringfence.api.global_ids import global_id
from ringfence.api.limits import Limits
from ringfence.api.schema import build_schema
from ringfence.domain.buyers import Report, ReportRef
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.loads import LoadSource
from ringfence.domain.policy import Policy
from ringfence.domain.progress import Silent
from ringfence.domain.ring_decisions import Outcome
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import VerificationOutcome
from ringfence.market import results
from ringfence.market.rows import tables_of_rows
from ringfence.market.tables import SCHEMAS
from ringfence.risk.facts import NOBODY
from ringfence.services.decide_rings import decide, note
from ringfence.services.leads import dismiss
from ringfence.services.report_buyers import file_report
from ringfence.services.verify_buyers import decide_verification, open_verification
from ringfence.store import Store

SCHEMA = build_schema()
SECRET = "PLANTED"
BO = Principal("bo", Role.INVESTIGATOR)
BUYER_IDS = ("b1", "b2", "b3", "old", "quiet", "zed", "nil")
"""Own ones, one of a year ago, one of m3's, one whom the other store knows as another merchant's, nobody."""
OWN_IDS = {
    "Buyer": BUYER_IDS,
    "Report": ("p1", "p2", "px", "nil"),
    "Recovery": (RECOVERY, "c000000000000", "nil"),
    "Verification": (VERIFICATION, "nil"),
    "Merchant": ("m1", "m2", "mx"),
    "Claim": ("c-b1-m1", "c-b1-m2", "cx", "nil"),
    "Ring": ("r1", "nil"),
    "Lead": ("l1", "nil"),
    "Network": ("n1",),
    "Run": ("1", "2"),
}
REPORT_NAMES = [ReportRef(*pair).name for pair in product(OWN_IDS["Merchant"], OWN_IDS["Report"])]
DEPTH = 5


def plant(store: Store) -> None:
    """Let another merchant, mx, have claims of buyers whom m1 knows and of zed; m2 and mx report and recover,
    and people say about all of it what is nobody else's business."""
    people, merchants = [*BUYERS, "zed"], ["m1", "m2", "m3", "mx"]
    rows = [(f"cx-{buyer}-{SECRET}", people.index(buyer), 3) for buyer in ("b1", "b2", "b3", "zed")]
    rows += [(f"{SECRET}-{place}", people.index("b1"), 1) for place in range(3)]
    frames = {name: pl.DataFrame(schema=schema) for name, schema in SCHEMAS.items()}
    frames["claims"] = pl.DataFrame(
        [
            {
                "claim_id": claim_id, "buyer": buyer, "merchant": merchant, "filed_at": NOW - 3 * DAY + place,
                "amount": 777_77, "currency": "USD", "kind": "refund_only", "status": "refunded",
                "reason": "quality", "refunded": 777_77, "order_id": SECRET, "category": SECRET,
            }
            for place, (claim_id, buyer, merchant) in enumerate(rows)
        ],
        schema=SCHEMAS["claims"],
    )  # fmt: skip
    frames["merchants"] = pl.DataFrame(
        [{"merchant": 3, "name": SECRET, "owner": SECRET}], schema=SCHEMAS["merchants"]
    )
    frames["identified"] = frames.pop("uses")
    market = tables_of_rows(pl.Series(people), pl.Series(merchants), (), frames)[0]
    lease = store.leases.acquire(LeaseName.LOAD, Holder("host", 1, "start"), 60.0, NOW)
    store.market.write_load(LoadSource("other", "key", 1, (), {}), market, lease, NOW, Silent())
    store.leases.release(lease)
    others = [("px", "m2", "b3"), (f"px1{SECRET}", "mx", "b1"), (f"px2{SECRET}", "mx", "zed")]
    others += [(report_id, merchant, "b3") for report_id in ("p1", "nil") for merchant in ("m2", "mx")]
    for report_id, merchant, buyer in others:
        store.reports.file(Report(report_id, merchant, buyer, NOW - DAY, None, SECRET, 9), NOW)
    plant_leads(store)
    note(store, ANA, "r1", SECRET, NOW)
    decide(store, ANA, "r2", Outcome.DISMISS, SECRET, None, NOW)
    verification = open_verification(store, ANA, "zed", SECRET, Policy(), NOW)
    for who in (ANA, BO):
        decide_verification(
            store, who, verification.verification_id, VerificationOutcome.CONFIRMED, SECRET, Policy(), NOW
        )


def plant_leads(store: Store) -> None:
    """Publish the last run again with a lead of buyers whom m1 knows, which weighs in their risk."""
    told = store.rings.tables()
    buyers = ("b1", "b2", "zed")
    facts = NOBODY | {"probability": 0.09, "lead_id": "l1", "lead_score": 40.0}
    lead = ("l1", "one_occasion", None, 40.0, 3, 3, 1, 1, "EUR:1.00", NOW, NOW, None, SECRET, SECRET)
    planted: dict[str, list[Any]] = {
        "leads": [lead],
        "lead_members": [("l1", buyer, 9.0, SECRET) for buyer in buyers],
        "lead_evidence": [
            ("l1", 1, "m1", buyer, f"c-{buyer}-m1", NOW, "EUR:1.00", 0.1, False) for buyer in buyers
        ],
        "risks": [{**facts, "buyer_id": buyer} for buyer in buyers],
    }
    frames = {
        table: pl.DataFrame(rows, schema=results.SCHEMAS[table], orient="row", strict=False)
        for table, rows in planted.items()
    }
    lease = store.leases.acquire(LeaseName.DETECT, Holder("host", 1, "start"), 60.0, NOW)
    run = store.rings.begin_run(lease, 1, NOW)
    store.rings.write_run(run, told | frames, {"counts": {"rings": 3}}, lease, Silent())
    store.rings.publish(run, lease, NOW)
    store.leases.release(lease)
    dismiss(store, ANA, "l1", SECRET, NOW)


@dataclass
class Told:
    """What one request was answered, and the statements that were sent for it."""

    status: int
    body: Any
    headers: dict[str, str]
    statements: list[str]


class Watched:
    """An API whose store tells each statement it is sent."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._statements: list[str] = []

    def statements_of(self, work: Callable[[Store], object]) -> list[str]:
        """Give the statements that some work sends."""
        self._watch()
        work(self.api.store)
        return [shape(one) for one in self._statements]

    def _watch(self) -> None:
        for connection in self.api.store._database._opened:  # type: ignore[attr-defined]
            connection.set_trace_callback(self._statements.append)
        self._statements.clear()

    def ask(self, query: str, role: Role = Role.MERCHANT) -> Told:
        self._watch()
        response = self.api.post({"query": query}, role)
        self.api.settle()
        body = response.json()
        body.get("extensions", {}).get("cost", {}).pop("available", None)
        headers = {name: text for name, text in response.headers.items() if name != "x-request-id"}
        return Told(response.status_code, body, headers, [shape(one) for one in self._statements])


def changes(body: Any) -> list[Any]:
    """Give what came of changes that were asked for."""
    return [one for one in (body.get("data") or {}).values() if isinstance(one, dict) and "userErrors" in one]


def shape(statement: str) -> str:
    """Leave the values out of a statement."""
    without = re.sub(r"(x?'(?:[^']|'')*')|\b\d+(?:\.\d+)?\b", "?", statement, flags=re.IGNORECASE)
    return " ".join(re.sub(r"-\s*\?", "?", without).split())


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Watched, Watched]]:
    """The API on a store without, and on one with what is planted; the merchant is m1."""
    with ExitStack() as opened:
        made = []
        for name in ("plain", "planted"):
            folder = tmp_path_factory.mktemp(name)
            limits = Limits(threads=1, burst=10**9, cost=10**6)
            api = opened.enter_context(open_api(folder, limits=limits))
            if name == "planted":
                plant(api.store)
            made.append(Watched(api))
        yield made[0], made[1]


def everything(kind: GraphQLNamedType, depth: int = DEPTH) -> str:
    """Select all that is open to a merchant, so many levels deep."""
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    told = ["__typename"]
    for name, field in kind.fields.items():
        if not permissions.may_ask(Role.MERCHANT, kind.name, name):
            continue
        inner = get_named_type(field.type)
        if not is_composite_type(inner):
            told.append(call(field, name))
        elif depth > 1:
            told.append(f"{call(field, name)} {{ {everything(inner, depth - 1)} }}")
    if isinstance(kind, GraphQLInterfaceType):
        for one in SCHEMA.get_possible_types(kind):
            if permissions.may_ask(Role.MERCHANT, one.name, "id"):
                told.append(f"... on {one.name} {{ {everything(one, depth - 1)} }}")
    return " ".join(told)


def call(field: GraphQLField, name: str, given: dict[str, str] | None = None) -> str:
    values = {**({"first": "100"} if "first" in field.args else {}), **(given or {})}
    return f"{name}({', '.join(f'{key}: {text}' for key, text in values.items())})" if values else name


def choices(field: GraphQLField, name: str) -> Iterator[dict[str, str]]:
    """Give values of the arguments of a field at the root: each id that it may be asked for by."""
    needed = [one for one, value in field.args.items() if is_required_argument(value) or one == "buyerId"]
    fixed = {one: text for one, text in (("first", "100"), ("month", '"2026-05"')) if one in needed}
    named = [one for one in needed if one not in fixed]
    if named == ["input"]:
        yield from inputs(get_named_type(field.args["input"].type))
    elif not named:
        yield fixed
    elif name == "node":
        for kind, own_ids in OWN_IDS.items():
            whole = REPORT_NAMES if kind == "Report" else own_ids
            yield from ({"id": quoted(global_id(kind, own_id))} for own_id in whole)
    elif named == ["ids"]:
        yield {"ids": f"[{', '.join(map(quoted, BUYER_IDS))}]"}
    else:
        (argument,) = named
        kind = get_named_type(field.type).name if argument == "id" else argument.removesuffix("Id").title()
        for own_id in OWN_IDS["Buyer" if kind.startswith("Buyer") else kind]:
            yield fixed | {argument: quoted(own_id)}
            if name == "report":
                yield from ({"id": quoted(own_id), "merchantId": quoted(m)} for m in OWN_IDS["Merchant"])


def inputs(kind: GraphQLNamedType) -> Iterator[dict[str, str]]:
    """Give inputs of a change: each id that may be named, with words for all else that is needed."""
    assert isinstance(kind, GraphQLInputObjectType)
    needed = {name: get_named_type(field.type).name for name, field in kind.fields.items()
              if is_required_input_field(field)}  # fmt: skip
    words = [f'{name}: "because"' for name in needed if needed[name] == "String"]
    (named,) = (name for name in needed if needed[name] == "ID")
    others = [
        f"{name}: {quoted(own_id)}"
        for name in ("reportId", "claimId", "merchantId")
        if name in kind.fields and name != named
        for own_id in OWN_IDS[name.removesuffix("Id").title()]
    ]
    for own_id in OWN_IDS[named.removesuffix("Id").title()]:
        for other in ("", *others):
            yield {"input": f"{{ {', '.join(filter(None, [f'{named}: {quoted(own_id)}', *words, other]))} }}"}


def quoted(text: str) -> str:
    return f'"{text}"'


def requests() -> Iterator[str]:
    """Give every question and change that is open to a merchant, about everything it may name."""
    for operation, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)):
        assert root is not None
        for name, field in root.fields.items():
            if not permissions.may_ask(Role.MERCHANT, root.name, name):
                continue
            inner = get_named_type(field.type)
            selection = f" {{ {everything(inner)} }}" if is_composite_type(inner) else ""
            for given in choices(field, name):
                yield f"{operation} {{ {call(field, name, given)}{selection} }}"


REQUESTS = list(requests())


@pytest.mark.parametrize("operation", ["query", "mutation"])
def test_what_others_have_changes_nothing_of_what_a_merchant_is_told(
    both: tuple[Watched, Watched], operation: str
) -> None:
    plain, planted = both
    differing, unlike = [], []
    for request in REQUESTS:
        if not request.startswith(operation):
            continue
        without, told = plain.ask(request), planted.ask(request)
        assert SECRET not in str(told), request
        assert without.status == told.status != 500
        if (without.body, without.headers) != (told.body, told.headers):
            differing.append((request, without.body, told.body))
        is_refused = "errors" in told.body or any(one["userErrors"] for one in changes(told.body))
        # What is weighed after a change was answered is not waited for.
        if (operation == "query" or is_refused) and without.statements != told.statements:
            unlike.append((request, without.statements, told.statements))
    assert differing == []
    assert unlike == []


def test_a_report_is_filed_in_the_same_steps_whoever_else_has_its_id(both: tuple[Watched, Watched]) -> None:
    plain, planted = both

    def file(store: Store) -> None:
        own = Principal("m1's key", Role.MERCHANT, "m1")
        filing = file_report(store, own, "b1", Policy(), NOW, report_id="taken", opens=False)
        assert filing.is_new

    planted.api.store.reports.file(Report("taken", "mx", "b1", NOW - DAY, None, SECRET, 9), NOW)
    assert plain.statements_of(file) == planted.statements_of(file) != []


def test_staff_are_told_what_is_planted(both: tuple[Watched, Watched]) -> None:
    _, planted = both
    query = '{ buyer(id: "b1") { claims(first: 99) { nodes { claimId } } } }'
    assert SECRET in str(planted.ask(query, Role.INVESTIGATOR).body)
    asked = planted.ask('{ report(id: "p1") { reason } }', Role.INVESTIGATOR).body
    assert "3 merchants have a report p1 (m1, m2, mx); say whose is meant" in asked["errors"][0]["message"]
    asked = planted.ask('{ report(id: "p1", merchantId: "mx") { reason } }', Role.INVESTIGATOR).body
    assert asked["data"]["report"]["reason"] == SECRET
