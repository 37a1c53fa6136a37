"""A small store, keys of every role, and the API on top of it."""

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
from starlette.applications import Starlette

from ringfence.api.application import build_application
from ringfence.api.limits import Limits
from ringfence.app import StoresByAddress
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.leases import Holder, Lease, LeaseName
from ringfence.domain.loads import LoadSource
from ringfence.domain.policy import Policy
from ringfence.domain.progress import Silent
from ringfence.domain.recoveries import recovery_id_of
from ringfence.domain.ring_decisions import Outcome
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import VerificationOutcome, verification_id_of
from ringfence.market import results, tables
from ringfence.market.tables import IdentifierValues, MarketTables
from ringfence.services.decide_rings import decide
from ringfence.services.manage_keys import create_key
from ringfence.services.verify_buyers import decide_verification, open_verification
from ringfence.store import Store

SECOND = 1_000_000
DAY = 86_400 * SECOND
NOW = 1_780_000_000 * SECOND
OPERATOR = Principal("olga", Role.OPERATOR)
ANA = Principal("ana", Role.INVESTIGATOR)
BUYERS = ("b1", "b2", "b3", "b4", "b5", "b6", "old", "quiet")
MERCHANTS = ("m1", "m2", "m3")
FIRST_RUN = {"r1": ("b1", "b2"), "r0": ("b5", "b6")}
SECOND_RUN = {"r1": ("b1", "b2", "b3"), "r2": ("b4", "b5"), "r3": ("b6", "b1")}
"""Rings and members, best first; r0 died, r2 was split from r1."""
LEADS = {"l1": ("one_occasion", None, ("b3", "b4")), "l2": ("associates", "r1", ("b5",))}
"""Kind, the ring it is near and buyers of the leads of both runs."""
VERIFICATION = verification_id_of("b2", 1)
RECOVERY = recovery_id_of(VERIFICATION, "m1")
AUDIT_KEY = bytes(range(32))
QUEUE = "{ rings(first: 10) { totalCount nodes { ringId } } }"


def hold(store: Store, name: LeaseName) -> Lease:
    return store.leases.acquire(name, Holder("host", 1, "start"), 60.0, NOW)


def load_market(store: Store) -> None:
    """Every buyer claims at m1 and m2 these days, `old` did at m1 a year ago, `quiet` only ordered at m3."""
    rows = [
        (f"c-{buyer}-{merchant}", BUYERS.index(buyer), MERCHANTS.index(merchant), NOW - place * DAY)
        for place, buyer in enumerate(BUYERS[:6], start=1)
        for merchant in ("m1", "m2")
    ] + [("c-old-m1", BUYERS.index("old"), 0, NOW - 365 * DAY)]
    claims = pl.DataFrame(
        {
            "claim_id": [row[0] for row in rows],
            "buyer": [row[1] for row in rows],
            "merchant": [row[2] for row in rows],
            "filed_at": [row[3] for row in rows],
            "amount": [1050] * len(rows),
            "currency": ["EUR"] * len(rows),
            "kind": ["refund_only"] * len(rows),
            "reason": ["not_received"] * len(rows),
            "status": ["refunded"] * len(rows),
            "refunded": [1050] * len(rows),
        }
    )
    orders = {
        "order_id": ["o1"], "buyer": [7], "merchant": [2], "ordered_at": [NOW - DAY],
        "amount": [500], "currency": ["JPY"],
    }  # fmt: skip
    uses = {
        "kind": ["phone"] * 2,
        "buyer": [0, 1],
        "value": [0, 0],
        "first_at": [NOW] * 2,
        "last_at": [NOW] * 2,
    }
    reports = {
        "report_id": ["p1", "p2"], "merchant": [0, 1], "buyer": [0, 0], "reported_at": [NOW - DAY, NOW],
        "claim_id": ["c-b1-m1", None], "reason": ["again", "same photos"],
    }  # fmt: skip
    buyers = {"buyer": [0], "country": ["DE"], "registered_at": [NOW - 400 * DAY]}
    given = {"claims": claims, "orders": orders, "uses": uses, "reports": reports, "buyers": buyers}
    frames = {name: _frame(name, given.get(name, {})) for name in tables.SCHEMAS}
    phones = IdentifierValues(IdentifierKind.PHONE, np.zeros((1, 32), np.uint8))
    market = MarketTables(pl.Series(BUYERS), pl.Series(MERCHANTS), (phones,), **frames)
    source = LoadSource("digest", "key", 1, (), {})
    lease = hold(store, LeaseName.LOAD)
    store.market.write_load(source, market, lease, NOW, Silent())
    store.leases.release(lease)


def _frame(name: str, columns: Any) -> pl.DataFrame:
    schema = tables.SCHEMAS[name]
    given = pl.DataFrame(columns)
    height = len(given) if given.width else 0
    return pl.DataFrame(
        {
            column: (given[column] if column in given.columns else pl.Series([None] * height)).cast(kind)
            for column, kind in schema.items()
        },
        schema=schema,
    )


def publish_run(
    store: Store, rings: Mapping[str, tuple[str, ...]], lineage: list[tuple[str, str, str]]
) -> int:
    """Publish a run whose rings, best first, claimed together at m1 and, a day later, at m2."""
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in results.SCHEMAS}
    for place, (ring_id, members) in enumerate(rings.items()):
        score, at = 30.0 - 10 * place, NOW - (10 + place) * DAY
        size = len(members)
        rows["rings"].append(
            (ring_id, "n2" if ring_id == "r3" else "n1", score, size, 2 * size, 2, 2,
             f"EUR:{21 * size}.00;JPY:500", at, at + DAY, None, "coincidence", f"why {ring_id}")
        )  # fmt: skip
        for number, buyer in enumerate(members):
            rows["members"].append((ring_id, buyer, score / (1 + number), f"why {buyer}"))
            rows["buyers"].append((buyer, 0.9 - place / 100 - number / 1000))
            for event, merchant in ((1, "m1"), (2, "m2")):
                rows["evidence"].append(
                    (ring_id, event, merchant, buyer, f"c-{buyer}-{merchant}", at + (event - 1) * DAY,
                     "EUR:10.50", 0.25, False)
                )  # fmt: skip
            if number:
                one, other = sorted((members[0], buyer))
                rows["links"].append((one, other, score - number, "together"))
    rows["buyers"] = list({row[0]: row for row in rows["buyers"]}.values())
    rows["lineage"] = [(*step, 0.5) for step in lineage]
    for place, (lead_id, (kind, near, buyers)) in enumerate(LEADS.items()):
        score, size = 9.0 - place, len(buyers)
        rows["leads"].append(
            (
                lead_id,
                kind,
                near,
                score,
                size,
                size,
                1,
                1,
                f"EUR:{size}.00",
                NOW,
                NOW,
                0.2,
                "why",
                "one van",
            )
        )
        rows["lead_members"] += [(lead_id, buyer, 1.0, f"why {buyer}") for buyer in buyers]
        rows["lead_evidence"] += [
            (lead_id, 1, "m1", buyer, f"c-{buyer}-m1", NOW, "EUR:1.00", 2.5, True) for buyer in buyers
        ]
    frames = {
        table: pl.DataFrame(found, schema=results.SCHEMAS[table], orient="row", strict=False)
        for table, found in rows.items()
    }
    lease = hold(store, LeaseName.DETECT)
    run = store.rings.begin_run(lease, 1, NOW)
    about = {"counts": {"rings": len(rings)}, "notes": ["a note"], "seed": 1}
    store.rings.write_run(run, frames, about, lease, Silent())
    store.rings.publish(run, lease, NOW)
    store.leases.release(lease)
    return run


def fill(store: Store) -> None:
    """Load the market, publish both runs, dismiss r3, confirm b2, begin to verify b5."""
    load_market(store)
    publish_run(store, FIRST_RUN, [("r1", "born", ""), ("r0", "born", "")])
    steps = [("r1", "grew", "r1"), ("r2", "split", "r1"), ("r3", "born", ""), ("r0", "died", "r0")]
    publish_run(store, SECOND_RUN, steps)
    decide(store, ANA, "r3", Outcome.DISMISS, "a family", None, NOW)
    verification = open_verification(store, ANA, "b2", "seen by chance", Policy(), NOW)
    assert verification.verification_id == VERIFICATION
    for who in (ANA, Principal("bo", Role.INVESTIGATOR)):
        confirmed = VerificationOutcome.CONFIRMED
        decide_verification(store, who, VERIFICATION, confirmed, "same photos", Policy(), NOW)
    open_verification(store, ANA, "b5", "reported by phone", Policy(), NOW)


def keys_for(store: Store) -> dict[Role, str]:
    """Make a key of each role; the merchant's is that of m1."""
    return {
        role: create_key(
            store, OPERATOR, f"{role}'s key", role, "m1" if role is Role.MERCHANT else None, 30, NOW
        )[1]
        for role in Role
    }


@dataclass
class Counting:
    """Anything that counts the calls of its verbs, those of its subjects included."""

    of: Any
    calls: Counter[str]
    name: str = ""

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.of, name)
        if callable(value):
            self.calls[f"{self.name}{name}"] += 1
            return value
        return Counting(value, self.calls, f"{name}.")


class Client:
    """Asks an application in this process, as over HTTP."""

    def __init__(self, application: Starlette, loop: asyncio.Runner) -> None:
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
        self._loop = loop

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._loop.run(self._client.get(path, headers=headers))

    def post(self, path: str, **what: Any) -> httpx.Response:
        return self._loop.run(self._client.post(path, **what))

    def post_at_once(self, path: str, *requests: dict[str, Any]) -> list[httpx.Response]:
        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(*(self._client.post(path, **what) for what in requests))

        return self._loop.run(all_of_them())

    def request(self, method: str, path: str) -> httpx.Response:
        return self._loop.run(self._client.request(method, path))


@dataclass
class Api:
    """The API under test."""

    client: Client
    keys: dict[Role, str]
    calls: Counter[str]
    store: Store
    settle: Callable[[], object]
    """Waits until all is done that follows from answers."""

    def post(
        self, body: Any, role: Role | None = Role.INVESTIGATOR, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return self.client.post("/graphql", **self._request(body, role, headers or {}))

    def post_at_once(self, *bodies: Any) -> list[httpx.Response]:
        """Ask for several things at the same time, as an investigator."""
        requests = [self._request(body, Role.INVESTIGATOR, {}) for body in bodies]
        return self.client.post_at_once("/graphql", *requests)

    def _request(self, body: Any, role: Role | None, headers: Mapping[str, str]) -> dict[str, Any]:
        key = {} if role is None else {"Authorization": f"Bearer {self.keys[role]}"}
        return {"json": body, "headers": key | dict(headers)}

    def ask(self, query: str, role: Role = Role.INVESTIGATOR, **variables: Any) -> Any:
        """Give the data of an answer without errors."""
        response = self.post({"query": query, "variables": variables}, role)
        answer = response.json()
        assert "errors" not in answer, answer["errors"]
        assert response.status_code == 200
        return answer["data"]

    def refused(self, query: str, role: Role | None = Role.INVESTIGATOR, **variables: Any) -> Any:
        """Give (status, code, message) of the one error of an answer."""
        response = self.post({"query": query, "variables": variables}, role)
        (error,) = response.json()["errors"]
        return response.status_code, error["extensions"]["code"], error["message"]


def settling(application: Starlette) -> Callable[[], object]:
    """Find what waits until all is done that follows from the answers of an application."""
    (graphql,) = (route for route in application.routes if getattr(route, "path", "") == "/graphql")
    endpoint = inspect.getclosurevars(graphql.endpoint).nonlocals["endpoint"]  # type: ignore[attr-defined]
    return lambda: endpoint._afterwards._thread.submit(int).result()


def problem(response: httpx.Response) -> tuple[int, str]:
    """Give status and code of an answer that is one error."""
    (error,) = response.json()["errors"]
    return response.status_code, error["extensions"]["code"]


@contextmanager
def open_api(
    folder: Path,
    *,
    address: str | None = None,
    credentials: tuple[str | None, str | None] = (None, None),
    filled: bool = True,
    graphiql: bool = True,
    any_host: bool = False,
    policy: Policy | None = None,
    limits: Limits | None = None,
    clock: Callable[[], int] = lambda: NOW,
) -> Iterator[Api]:
    """Open the API on the small store, or on an empty one; in the folder unless another address is told."""
    store = StoresByAddress(*credentials).open(address or str(folder / "store.sqlite"), create=True)
    try:
        if filled:
            fill(store)
        calls: Counter[str] = Counter()
        application = build_application(
            Counting(store, calls),
            clock,
            AUDIT_KEY,
            graphiql=graphiql,
            any_host=any_host,
            policy=policy,
            limits=limits,
        )
        with asyncio.Runner() as loop:
            lifespan = application.router.lifespan_context(application)
            loop.run(lifespan.__aenter__())
            yield Api(Client(application, loop), keys_for(store), calls, store, settling(application))
            loop.run(lifespan.__aexit__(None, None, None))
    finally:
        store.close()
