"""Small loads by hand: rows as people would write them."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.leases import Holder, Lease, LeaseName
from ringfence.domain.loads import FileCount, Load, LoadSource
from ringfence.domain.progress import Progress, Silent
from ringfence.market import Sketches
from ringfence.market.canonical import order_of_values
from ringfence.market.rows import tables_of_rows
from ringfence.market.tables import SCHEMAS, IdentifierValues, MarketTables
from ringfence.store import Store

Rows = Sequence[dict[str, Any]]
IDENTIFIED = {name: dtype for name, dtype in SCHEMAS["uses"].items()}
SKETCHED = (IdentifierKind.ADDRESS, IdentifierKind.PHONE, IdentifierKind.EMAIL)


def exact_of(kind: str, value: str) -> bytes:
    """Give what stands for a value: the same for the same."""
    return hashlib.sha256(f"{kind} {value}".encode()).digest()


def tables_of(
    claims: Rows = (),
    orders: Rows = (),
    reports: Rows = (),
    buyers: Rows = (),
    merchants: Rows = (),
    changes: Rows = (),
    identified: Rows = (),
    rates: Rows = (),
) -> MarketTables:
    """Make tables of rows that name buyers, merchants and values as text."""
    told = {"claims": claims, "orders": orders, "reports": reports, "buyers": buyers}
    told |= {"merchants": merchants, "changes": changes, "identified": identified, "rates": rates}
    people: dict[str, dict[str, int]] = {"buyer": {}, "merchant": {}}
    values: dict[str, list[str]] = {
        kind.value: sorted(
            {row[kind.value] for row in (*claims, *orders) if row.get(kind.value)}
            | {row["value"] for row in identified if row["kind"] == kind.value and row.get("value")}
        )
        for kind in IdentifierKind
    }
    made, places = [], {}
    for kind in IdentifierKind:
        if not values[kind.value]:
            continue
        exact = np.array([list(exact_of(kind, value)) for value in values[kind.value]], np.uint8)
        order = order_of_values(exact)
        ranked = [values[kind.value][at] for at in order]
        places[kind.value] = {value: place for place, value in enumerate(ranked)}
        sketches = sketches_of(ranked) if kind in SKETCHED else None
        made.append(IdentifierValues(kind, exact[order], sketches))
    frames = {}
    for name, rows in told.items():
        schema = IDENTIFIED if name == "identified" else SCHEMAS[name]
        written = []
        for row in rows:
            cells = dict(row)
            for column, known in people.items():
                if column in schema:
                    cells[column] = known.setdefault(cells[column], len(known))
            for kind_name, place in places.items():
                if cells.get(kind_name) is not None:
                    cells[kind_name] = place[cells[kind_name]]
            if name == "identified" and cells.get("value") is not None:
                cells["value"] = places[cells["kind"]][cells["value"]]
            written.append({column: cells.get(column) for column in schema})
        frames[name] = pl.DataFrame(written, schema=schema)
    ids = [pl.Series(list(known), dtype=pl.String) for known in people.values()]
    return tables_of_rows(ids[0], ids[1], tuple(made), frames)[0]


def sketches_of(values: Sequence[str]) -> Sketches:
    """Let values that begin with the same letter fall into one block, each with its length as its bigrams."""
    rows = sorted((ord(value[0]), place) for place, value in enumerate(values))
    return Sketches(
        block=np.array([block for block, _ in rows], np.uint64),
        value=np.array([place for _, place in rows], np.int32),
        variant=np.zeros(len(rows), np.uint8),
        start=np.arange(len(rows) + 1, dtype=np.int64),
        bigrams=np.array([len(values[place]) for _, place in rows], np.uint32),
    )


def claim(claim_id: str, buyer: str, merchant: str, filed_at: int, **more: Any) -> dict[str, Any]:
    """Write a claim."""
    told = {"claim_id": claim_id, "buyer": buyer, "merchant": merchant, "filed_at": filed_at}
    return told | {"amount": 100, "currency": "EUR"} | more


def order(order_id: str, buyer: str, merchant: str, ordered_at: int, **more: Any) -> dict[str, Any]:
    """Write an order."""
    told = {"order_id": order_id, "buyer": buyer, "merchant": merchant, "ordered_at": ordered_at}
    return told | {"amount": 100, "currency": "EUR"} | more


def report(report_id: str, merchant: str, buyer: str, reported_at: int, **more: Any) -> dict[str, Any]:
    """Write a report."""
    return {"report_id": report_id, "merchant": merchant, "buyer": buyer, "reported_at": reported_at} | more


def source_of(digest: str, key_id: str = "key", normaliser: int = 1) -> LoadSource:
    """Tell where a load comes from."""
    counts = (FileCount("claims.csv", "claims", 1, 1, 0, 0, 0),)
    return LoadSource(digest, key_id, normaliser, counts, {"claims": {"claim_id": 1}})


def lease_of(store: Store, process: int = 1) -> Lease:
    """Take the lease, from another process if it has it."""
    holder = Holder("here", process, "today")
    return store.leases.acquire(LeaseName.LOAD, holder, 60.0, process * 10**9)


def load(
    store: Store, digest: str, tables: MarketTables, lease: Lease, progress: Progress | None = None
) -> Load:
    """Load at noon."""
    return store.market.write_load(source_of(digest), tables, lease, 12, progress or Silent())


class Interrupted(Exception):
    """Somebody pulled the plug."""


class PulledPlug(Silent):
    """Pulls the plug after so many steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def advance(self, steps: int) -> None:
        """Count down."""
        self.left -= 1
        if self.left < 0:
            raise Interrupted
