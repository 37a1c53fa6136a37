"""What buyers did, over every store: the same as their claims and orders tell row by row."""

from pathlib import Path

import polars as pl
import pytest

from ringfence.domain.errors import NotFoundError
from ringfence.domain.leases import Holder, LeaseName
from ringfence.intake import IntakeOptions, PseudonymKey
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.store import Store

KEY = PseudonymKey(bytes(32))
HEADER = "claim_id,buyer_id,merchant_id,filed_at,amount,currency,kind,refunded,status\n"
FIRST = (
    "c1,b1,m1,2027-01-01T10:00Z,10.00,EUR,refund_only,7.50,refunded\n"
    "c2,b1,m2,2027-01-02T10:00Z,20.00,EUR,return_refund,,refused\n"
    "c3,b2,m1,2027-01-03T10:00Z,30.00,USD,,,open\n"
)
LATER = (
    "c3,b2,m1,2027-01-03T10:00Z,30.00,USD,,12.00,partly_refunded\n"
    "c4,b0,m1,2027-01-04T10:00Z,40.00,USD,refund_only,,withdrawn\n"
)


def load(store: Store, folder: Path, now: int, **files: str) -> None:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    lease = store.leases.acquire(LeaseName.LOAD, Holder("here", now, "now"), 60.0, now * 10**9)
    load_market(LoadRequest([folder], IntakeOptions(), folder), KEY, store, lease, now * 10**9)
    store.leases.release(lease)


def told(store: Store, version: int | None = None) -> set[tuple[object, ...]]:
    activity = store.market.activity(version)
    named = activity.claims.with_columns(
        pl.Series("buyer", activity.buyer_ids.gather(activity.claims["buyer"]))
    )
    return set(named.select("buyer", "currency", "is_refund_only", "lost").iter_rows())


@pytest.fixture
def loaded(store: Store, tmp_path: Path) -> Store:
    orders = "order_id,buyer_id,merchant_id,ordered_at,amount,currency\n"
    orders += "o1,b1,m1,2027-01-01T09:00Z,10,EUR\no2,b1,m2,2027-01-01T09:00Z,10,EUR\n"
    buyers = "buyer_id,registered_at\nb2,2026-01-01T00:00Z\n"
    load(store, tmp_path / "first", 1, claims=HEADER + FIRST, orders=orders, buyers=buyers)
    load(store, tmp_path / "later", 2, claims=HEADER + LATER)
    return store


def test_claims_tell_their_kind_and_what_they_cost_as_of_the_last_word(loaded: Store) -> None:
    assert told(loaded) == {
        ("b1", "EUR", True, 750),
        ("b1", "EUR", False, 0),
        ("b2", "USD", True, 1_200),
        ("b0", "USD", True, 0),
    }
    assert told(loaded, 1) == {
        ("b1", "EUR", True, 750),
        ("b1", "EUR", False, 0),
        ("b2", "USD", True, 3_000),
    }


def test_buyers_stand_as_in_the_market_with_their_orders_and_ages(loaded: Store) -> None:
    activity = loaded.market.activity()
    assert activity.buyer_ids.to_list() == loaded.market.read().buyer_ids.to_list() == ["b0", "b1", "b2"]
    assert activity.orders is not None
    assert activity.orders.tolist() == [0, 2, 0]
    assert activity.registered_at.to_list() == [None, None, 1_767_225_600_000_000]


def test_an_empty_store_tells_of_nobody(store: Store) -> None:
    activity = store.market.activity()
    assert (len(activity.buyer_ids), len(activity.claims), activity.orders) == (0, 0, None)
    with pytest.raises(NotFoundError):
        store.market.activity(3)
