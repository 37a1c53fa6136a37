"""A marketplace by hand in which merchants accuse: an honest buyer, true abusers, and everybody else."""

from collections.abc import Sequence

import polars as pl

from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.loads import FileCount, LoadSource
from ringfence.domain.progress import Silent
from ringfence.market.rows import tables_of_rows
from ringfence.market.tables import SCHEMAS
from ringfence.store import Store

DAY = 86_400_000_000
HOUR = 3_600_000_000
NOW = 1_777_636_800_000_000
"""2026-05-01 12:00"""
HONEST = "honest"
ABUSERS = tuple(f"abuser{place}" for place in range(4))
SHOPPERS = tuple(f"shopper{place:03}" for place in range(200))
VICTIMS = tuple(f"victim{place:02}" for place in range(20))
NEW = tuple(f"new{place:02}" for place in range(20))
"""Merchants of whom nothing is known, at whom the honest buyer ordered."""
ESTABLISHED = tuple(f"old{place:02}" for place in range(20))
"""Merchants with years of orders and claims, at whom the honest buyer ordered, too."""


def fill(store: Store) -> None:
    """Load it as of NOW.

    The honest buyer ordered at all NEW and ESTABLISHED merchants and claimed once. The abusers claimed
    together at each victim, within an hour, a day after the one before. Shoppers ordered and claimed at the
    established merchants and the victims, each by themselves.
    """
    claims = [_claim(HONEST, "old00", NOW - 40 * DAY)]
    orders = [_order(HONEST, merchant, NOW - 60 * DAY) for merchant in (*NEW, *ESTABLISHED)]
    for day, victim in enumerate(VICTIMS):
        for place, abuser in enumerate(ABUSERS):
            at = NOW - (30 - day) * DAY + place * HOUR // 8
            orders.append(_order(abuser, victim, at - 5 * DAY))
            claims.append(_claim(abuser, victim, at))
    for place, shopper in enumerate(SHOPPERS):
        for turn in range(6):
            merchants = (*ESTABLISHED, *VICTIMS)
            merchant = merchants[(place * 7 + turn * 11) % len(merchants)]
            at = NOW - (10 + (place * 37 + turn * 101) % 150) * DAY - place * 7 * HOUR // 5
            orders.append(_order(shopper, merchant, at - 5 * DAY))
            if turn == 0:
                claims.append(_claim(shopper, merchant, at))
    load(store, claims, orders, NOW)


def load(
    store: Store, claims: Sequence[dict[str, object]], orders: Sequence[dict[str, object]], now: int
) -> None:
    """Load these rows as of `now`."""
    buyers = sorted({str(row["buyer"]) for row in (*claims, *orders)})
    merchants = sorted({str(row["merchant"]) for row in (*claims, *orders)})
    places = {id: place for ids in (buyers, merchants) for place, id in enumerate(ids)}

    def frame(name: str, rows: Sequence[dict[str, object]]) -> pl.DataFrame:
        cells = [
            {key: row.get(key) for key in SCHEMAS[name]}
            | {"buyer": places[str(row["buyer"])], "merchant": places[str(row["merchant"])]}
            for row in rows
        ]
        return pl.DataFrame(cells, schema=SCHEMAS[name])

    tables = {"claims": frame("claims", claims), "orders": frame("orders", orders)}
    empty = ("reports", "buyers", "merchants", "changes", "rates")
    tables |= {name: pl.DataFrame(schema=SCHEMAS[name]) for name in empty}
    tables["identified"] = pl.DataFrame(schema=SCHEMAS["uses"])
    made, _ = tables_of_rows(
        pl.Series(buyers, dtype=pl.String), pl.Series(merchants, dtype=pl.String), (), tables
    )
    source = LoadSource(
        f"files of {now}", "key", 1, (FileCount("claims.csv", "claims", 1, len(claims), 0, 0, 0),), {}
    )
    lease = store.leases.acquire(LeaseName.LOAD, Holder("here", 1, str(now)), 60.0, now)
    store.market.write_load(source, made, lease, now, Silent())
    store.leases.release(lease)


def claim_again(store: Store, buyer: str, merchants: Sequence[str], now: int) -> None:
    """Let a buyer order and claim at merchants, as of `now`."""
    claims = [_claim(buyer, merchant, now - DAY) for merchant in merchants]
    load(store, claims, [_order(buyer, merchant, now - 6 * DAY) for merchant in merchants], now)


def _claim(buyer: str, merchant: str, at: int) -> dict[str, object]:
    told: dict[str, object] = {"claim_id": f"c-{buyer}-{merchant}-{at}", "buyer": buyer, "merchant": merchant}
    return told | {"filed_at": at, "amount": 2_000, "currency": "EUR", "kind": "refund_only"}


def _order(buyer: str, merchant: str, at: int) -> dict[str, object]:
    told: dict[str, object] = {"order_id": f"o-{buyer}-{merchant}-{at}", "buyer": buyer, "merchant": merchant}
    return told | {"ordered_at": at, "amount": 2_000, "currency": "EUR"}
