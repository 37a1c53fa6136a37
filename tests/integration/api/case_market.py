"""A market of buyers who are alike, so that every test has one of its own, and keys of the people around."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import polars as pl
from api_samples import DAY, NOW, OPERATOR, Api, hold, open_api

from ringfence.domain.leases import LeaseName
from ringfence.domain.loads import FileCount, LoadSource
from ringfence.domain.progress import Silent
from ringfence.domain.records import RecordKind
from ringfence.domain.scope import Role
from ringfence.market.rows import tables_of_rows
from ringfence.market.tables import SCHEMAS
from ringfence.services.manage_keys import create_key
from ringfence.store import Store

MERCHANTS = ("m1", "m2", "m3")
BUYERS = tuple(f"u{i:03}" for i in range(120))
PEOPLE = {
    "ana": (Role.INVESTIGATOR, None),
    "bo": (Role.INVESTIGATOR, None),
    "olga": (Role.OPERATOR, None),
    "order system": (Role.JOB, None),
    "m1": (Role.MERCHANT, "m1"),
    "m2": (Role.MERCHANT, "m2"),
    "m3": (Role.MERCHANT, "m3"),
}
"""Role and merchant by the name of the key."""
CASES = (RecordKind.REPORT, RecordKind.VERIFICATION, RecordKind.RECOVERY)


def load_buyers(store: Store, key_id: str = "key") -> None:
    """Each buyer claimed at m1 in two currencies and at m2; m3 knows the first one only."""
    told = (
        ("a", 0, 1_050, "EUR"),
        ("b", 0, 500, "JPY"),
        ("c", 1, 700, "EUR"),
    )
    claims = [
        dict.fromkeys(SCHEMAS["claims"])
        | {
            "claim_id": f"{buyer}-{letter}",
            "buyer": place,
            "merchant": merchant,
            "filed_at": NOW - 9 * DAY - place,
            "amount": amount,
            "currency": currency,
            "kind": "refund_only",
            "status": "refunded",
            "refunded": amount,
        }
        for place, buyer in enumerate(BUYERS)
        for letter, merchant, amount, currency in (*told, *[("d", 2, 900, "EUR")] * (place == 0))
    ]
    names = ("claims", "orders", "reports", "buyers", "merchants", "changes", "rates")
    frames = {name: pl.DataFrame(claims if name == "claims" else [], schema=SCHEMAS[name]) for name in names}
    frames["identified"] = pl.DataFrame(schema=SCHEMAS["uses"])
    buyers, merchants = (pl.Series(ids, dtype=pl.String) for ids in (BUYERS, MERCHANTS))
    tables, _ = tables_of_rows(buyers, merchants, (), frames)
    counts = (FileCount("claims.csv", "claims", len(claims), len(claims), 0, 0, 0),)
    lease = hold(store, LeaseName.LOAD)
    store.market.write_load(LoadSource("digest", key_id, 1, counts, {}), tables, lease, NOW, Silent())
    store.leases.release(lease)


@dataclass
class Cases:
    """The API, and those who ask it by the names of their keys."""

    api: Api
    tokens: dict[str, str]
    unused: Iterator[str] = field(default_factory=lambda: iter(BUYERS[2:-3]))
    """Buyers, one a test."""

    def post(self, who: str, query: str, **variables: Any) -> httpx.Response:
        """Ask as somebody, and wait for what follows."""
        body = {"query": query, "variables": variables}
        response = self.api.post(body, None, {"X-API-Key": self.tokens[who]})
        self.api.settle()
        return response

    def ask(self, who: str, query: str, **variables: Any) -> Any:
        """Give the data of an answer without errors."""
        answer = self.post(who, query, **variables).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def change(self, who: str, query: str, **said: Any) -> Any:
        """Change something, and give the payload, which says that it was changed."""
        (payload,) = self.ask(who, query, input=said).values()
        assert payload["userErrors"] == []
        return payload

    def refused(self, who: str, query: str, **said: Any) -> tuple[str, Any, str]:
        """Give code, field and message of the one thing to mend, having seen that nothing was written."""
        before = self.written()
        (payload,) = self.ask(who, query, input=said).values()
        (error,) = payload["userErrors"]
        assert self.written() == before
        assert error["message"].endswith(".")
        assert not any(payload[name] for name in payload if name != "userErrors")
        return error["code"], error["field"], error["message"]

    def forbidden(self, who: str, query: str, **variables: Any) -> None:
        """See that somebody may not ask for it, and that nothing was read but the key."""
        self.api.calls.clear()
        response = self.post(who, query, **variables)
        (error,) = response.json()["errors"]
        assert (response.status_code, error["extensions"]["code"]) == (403, "FORBIDDEN")
        assert self.api.calls["records.state"] == 1
        assert not [name for name in self.api.calls if name.startswith(("market.", "reports.", "rings."))]

    def at_once(self, *asked: tuple[str, str, dict[str, Any]]) -> list[Any]:
        """Let several people ask at the same time, and give their payloads."""
        requests = [
            {
                "json": {"query": query, "variables": {"input": said}},
                "headers": {"X-API-Key": self.tokens[who]},
            }
            for who, query, said in asked
        ]
        told = []
        for response in self.api.client.post_at_once("/graphql", *requests):
            (payload,) = response.json()["data"].values()
            told.append(payload)
        return told

    def written(self) -> dict[tuple[str, str], int]:
        """Give all reports that were filed, and all records about cases with their versions."""
        records = self.api.store.records
        versions = {
            (kind.value, one.record.id): one.version for kind in CASES for one in records.current(kind)
        }
        filed = {("filed", one.report.report_id): 1 for one in self.api.store.reports.filed()}
        return versions | filed


@contextmanager
def open_cases(folder: Path, key_id: str = "key", **how: Any) -> Iterator[Cases]:
    """Open the API on the market, as `open_api` does on the small store."""
    with open_api(folder, filled=False, **how) as api:
        load_buyers(api.store, key_id)
        tokens = {
            name: create_key(api.store, OPERATOR, name, role, merchant, 30, NOW)[1]
            for name, (role, merchant) in PEOPLE.items()
        }
        yield Cases(api, tokens)
