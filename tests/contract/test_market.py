from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest
from small_loads import (
    Interrupted,
    PulledPlug,
    claim,
    exact_of,
    lease_of,
    load,
    order,
    report,
    source_of,
    tables_of,
)

from ringfence.domain.buyers import Buyer
from ringfence.domain.errors import InvalidError, NotFoundError
from ringfence.domain.leases import Lease, LeaseLostError
from ringfence.domain.progress import Silent
from ringfence.domain.scope import PLATFORM, Scope
from ringfence.market.tables import MarketTables
from ringfence.store import Store

FIRST = {
    "claims": [
        claim("c1", "ann", "shop", 20, address="Elm 1", status="open", kind="refund_only", high_value=True),
        claim("c2", "bob", "shop", 10, address="Elm 1", phone="555", currency="USD"),
        claim("c3", "bob", "mart", 30, address="Oak 2", device="d1"),
    ],
    "orders": [order("o1", "ann", "shop", 5), order("o2", "cyd", "mart", 6, address="Ash 3")],
    "reports": [report("r1", "mart", "bob", 40, reason="liar", evidence_count=2)],
    "buyers": [{"buyer": "ann", "country": "DE", "registered_at": 1}],
    "merchants": [{"merchant": "idle", "name": "Idle"}],
    "identified": [{"kind": "email", "buyer": "dot", "value": "dot@x", "first_at": 1, "last_at": 2}],
    "rates": [{"currency": "USD", "date": 0, "rate": "1.1"}],
}
SECOND = {
    "claims": [claim("c4", "eve", "shop", 15, address="Elm 1", email="eve@x")],
    "changes": [{"claim_id": "c1", "status": "refunded", "refunded": 100}],
    "buyers": [{"buyer": "ann", "registered_at": 2}],
}
NO_REPORTS = pl.DataFrame(schema={"report_id": pl.String, "merchant_id": pl.String})


def buyer_of(store: Store, buyer_id: str, scope: Scope) -> Buyer | None:
    return next(iter(store.market.buyers((buyer_id,), scope)), None)


def same(a: Any, b: Any) -> bool:
    """Compare two markets array by array."""
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and (a == b).all())
    if isinstance(a, pl.Series):
        return bool(a.to_list() == b.to_list())
    if is_dataclass(a):
        return all(same(getattr(a, each.name), getattr(b, each.name)) for each in fields(a))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same(left, right) for left, right in zip(a, b, strict=True))
    return bool(a == b)


@pytest.fixture
def lease(store: Store) -> Lease:
    return lease_of(store)


def first() -> MarketTables:
    return tables_of(**FIRST)


def second() -> MarketTables:
    return tables_of(**SECOND)


def test_an_empty_store_is_an_empty_market(store: Store) -> None:
    assert store.market.version() == 0
    assert store.market.loads() == ()
    market = store.market.read()
    assert len(market.claims) == len(market.buyer_ids) == len(market.merchant_ids) == 0
    assert market.orders is None
    assert market.identifiers == ()
    assert buyer_of(store, "ann", PLATFORM) is None
    with pytest.raises(NotFoundError, match="no load 1"):
        store.market.read(1)


def test_a_load_is_seen_with_what_it_was_told(store: Store, lease: Lease) -> None:
    made = load(store, "first", first(), lease)
    assert (made.load_id, made.source, made.begun_at, made.finished_at) == (1, source_of("first"), 12, 12)
    assert store.market.version() == 1
    assert store.market.load_of("first") == made
    assert store.market.load_of("second") is None
    assert store.market.loads() == (made,)


def test_arrays_stand_in_their_order(store: Store, lease: Lease) -> None:
    load(store, "first", first(), lease)
    market = store.market.read()
    assert market.buyer_ids.to_list() == ["ann", "bob", "cyd", "dot"]
    assert market.merchant_ids.to_list() == ["mart", "shop"], (
        "whom nobody ordered or claimed from is left out"
    )
    assert market.currencies == ("EUR", "USD")
    assert market.claims.claim_id.to_list() == ["c3", "c2", "c1"]
    assert market.claims.currency.tolist() == [0, 1, 0]
    assert market.orders is not None
    assert market.orders.ordered_at.tolist() == [6, 5]
    assert [each.kind.value for each in market.identifiers] == ["address", "device", "phone", "email"]
    address = market.identifiers[0]
    elm = [bytes(row) for row in address.exact].index(exact_of("address", "Elm 1"))
    assert address.buyer[address.value == elm].tolist() == [0, 1]


def test_loads_add_up_and_each_can_be_read_as_it_was(store: Store, lease: Lease) -> None:
    load(store, "first", first(), lease)
    before = store.market.read()
    load(store, "second", second(), lease)
    both = store.market.read()
    assert both.buyer_ids.to_list() == ["ann", "bob", "cyd", "dot", "eve"]
    assert both.claims.claim_id.to_list() == ["c3", "c2", "c4", "c1"]
    assert len(both.identifiers[0].exact) == 3, "a known value is not kept twice"
    assert same(store.market.read(1), before)


def test_sketches_are_those_of_blocks_that_several_values_fall_into(store: Store, lease: Lease) -> None:
    load(store, "first", tables_of(claims=[claim("c1", "ann", "shop", 1, address="Elm 1")]), lease)
    alone = store.market.read().identifiers[0].sketches
    assert alone is not None
    assert len(alone) == 0
    more = [claim("c2", "bob", "shop", 2, address="Elm 22"), claim("c3", "bob", "shop", 3, address="Oak")]
    load(store, "second", tables_of(claims=more), lease)
    found = store.market.read().identifiers[0].sketches
    assert found is not None
    assert found.block.tolist() == [ord("E")] * 2
    assert sorted(found.bigrams.tolist()) == [len("Elm 1"), len("Elm 22")]
    assert (np.diff(found.value) > 0).all()


@pytest.mark.parametrize("steps", range(7))
def test_an_interrupted_load_is_never_seen_and_goes_on_where_it_stopped(
    store: Store, lease: Lease, steps: int
) -> None:
    load(store, "first", first(), lease)
    before = store.market.read()
    with pytest.raises(Interrupted):
        load(store, "second", second(), lease, PulledPlug(steps))
    assert store.market.version() == 1
    assert store.market.load_of("second") is None
    assert len(store.market.loads()) == 1
    assert same(store.market.read(), before)
    assert buyer_of(store, "eve", PLATFORM) is None
    assert store.market.claims(("c4",), PLATFORM) == ()
    assert [each.status for each in store.market.claims(("c1",), PLATFORM)] == ["open"]
    ann = buyer_of(store, "ann", PLATFORM)
    assert ann is not None
    assert ann.registered_at == 1
    assert [each.holders for each in store.market.shared_identifiers("ann", PLATFORM)] == [2]
    assert store.market.known(pl.Series(["c4"]), pl.Series(["o1"]), NO_REPORTS).claims.is_empty()
    load(store, "second", second(), lease)
    assert store.market.version() == 2
    assert store.market.read().claims.claim_id.to_list() == ["c3", "c2", "c4", "c1"]
    assert [each.holders for each in store.market.shared_identifiers("ann", PLATFORM)] == [3]


@pytest.mark.parametrize("steps", [0, 3, 7, 12])
def test_an_interrupted_load_leaves_nothing_behind_when_another_one_is_made(
    store: Store, lease: Lease, steps: int
) -> None:
    with pytest.raises(Interrupted):
        load(store, "first", first(), lease, PulledPlug(steps))
    made = load(store, "other", tables_of(claims=[claim("c1", "zoe", "zoo", 1, device="d1")]), lease)
    assert made.load_id == 1
    market = store.market.read()
    assert market.buyer_ids.to_list() == ["zoe"]
    assert market.merchant_ids.to_list() == ["zoo"]
    assert [each.kind.value for each in market.identifiers] == ["device"]
    assert market.orders is None
    assert store.market.claims_of("zoe", PLATFORM, 9).total == 1
    assert buyer_of(store, "ann", PLATFORM) is None
    assert store.reports.of_buyer("bob", PLATFORM) == ()


def test_a_complete_load_is_not_made_twice(store: Store, lease: Lease) -> None:
    made = load(store, "first", first(), lease)
    assert load(store, "first", first(), lease) == made
    assert len(store.market.read().claims) == 3


def test_a_stalled_loader_writes_nothing_more(store: Store, lease: Lease) -> None:
    load(store, "first", first(), lease)
    lease_of(store, process=2)
    with pytest.raises(LeaseLostError):
        load(store, "second", second(), lease)
    assert store.market.version() == 1


def test_another_key_or_normaliser_is_refused(store: Store, lease: Lease) -> None:
    load(store, "first", first(), lease)
    for other in (source_of("second", key_id="other"), source_of("second", normaliser=2)):
        with pytest.raises(InvalidError, match=r"another key \(id key|version 1 of the rules"):
            store.market.write_load(other, second(), lease, 13, Silent())
    assert store.market.version() == 1
    load(store, "second", second(), lease)


def test_an_interrupted_first_load_binds_nobody_to_its_key(store: Store, lease: Lease) -> None:
    with pytest.raises(Interrupted):
        load(store, "first", first(), lease, PulledPlug(2))
    store.market.write_load(source_of("second", key_id="other"), first(), lease, 13, Silent())
    assert store.market.version() == 1


def test_what_is_known_is_told_as_last_changed(store: Store, lease: Lease) -> None:
    load(store, "first", first(), lease)
    load(store, "second", second(), lease)
    known = store.market.known(pl.Series(["c9", "c1", "c2"]), pl.Series(["o2"]), NO_REPORTS)
    claims = {row["claim_id"]: row for row in known.claims.iter_rows(named=True)}
    assert set(claims) == {"c1", "c2"}
    assert claims["c1"]["status"] == "refunded"
    assert claims["c1"]["refunded"] == 100
    assert claims["c1"]["high_value"] is True
    assert claims["c1"]["buyer_id"] == "ann"
    assert claims["c1"]["address"] == exact_of("address", "Elm 1")
    assert claims["c2"]["status"] is None
    assert claims["c2"]["phone"] == exact_of("phone", "555")
    (ordered,) = known.orders.iter_rows(named=True)
    assert (ordered["merchant_id"], ordered["address"]) == ("mart", exact_of("address", "Ash 3"))
    assert known.reports.is_empty()


def test_a_buyer_is_told_with_what_was_last_said_of_them(store: Store, lease: Lease) -> None:
    load(store, "first", first(), lease)
    load(store, "second", second(), lease)
    ann = buyer_of(store, "ann", PLATFORM)
    assert ann is not None
    assert (ann.country, ann.registered_at) == ("DE", 2), "an empty cell says nothing"
    assert (ann.claims, ann.orders, ann.first_claim_at, ann.last_claim_at) == (1, 1, 20, 20)
    dot = buyer_of(store, "dot", PLATFORM)
    assert dot is not None
    assert (dot.claims, dot.orders, dot.first_claim_at) == (0, 0, None)


def test_a_merchant_knows_whoever_ordered_or_claimed_there_of_late(store: Store, lease: Lease) -> None:
    load(store, "first", first(), lease)
    assert buyer_of(store, "bob", Scope("shop", since=10)) is not None
    assert buyer_of(store, "bob", Scope("shop", since=11)) is None
    assert buyer_of(store, "cyd", Scope("mart", since=6)) is not None
    assert buyer_of(store, "cyd", Scope("mart", since=7)) is None
    assert buyer_of(store, "cyd", Scope("shop")) is None
    assert buyer_of(store, "dot", Scope("shop")) is None
    assert buyer_of(store, "bob", Scope("nobody")) is None


def test_many_buyers_come_in_the_order_they_are_asked_for_as_far_as_they_are_in_sight(
    store: Store, lease: Lease
) -> None:
    load(store, "first", first(), lease)
    asked = ("bob", "nobody", "ann", "bob")
    assert [buyer.buyer_id for buyer in store.market.buyers(asked, PLATFORM)] == ["bob", "ann"]
    assert [buyer.buyer_id for buyer in store.market.buyers(asked, Scope("shop", since=11))] == ["ann"]
    assert store.market.sighted(asked, PLATFORM) == ("bob", "ann")
    assert store.market.sighted(asked, Scope("shop", since=11)) == ("ann",)
    assert store.market.sighted(asked, Scope("nobody")) == ()


def test_a_merchant_sees_its_own_claims_and_reports_alone(store: Store, lease: Lease) -> None:
    load(store, "first", first(), lease)
    bob = buyer_of(store, "bob", Scope("shop"))
    assert bob is not None
    assert (bob.claims, bob.orders, bob.last_claim_at) == (1, 0, 10)
    page = store.market.claims_of("bob", Scope("shop"), 9)
    assert [each.claim_id for each in page.items] == ["c2"]
    assert page.total == 1
    assert store.market.claims_of("bob", Scope("shop", since=11), 9).items == ()
    assert store.market.claims_of("bob", Scope("nobody"), 9).total == 0
    assert [each.claim_id for each in store.market.claims(("c3", "c2"), Scope("shop"))] == ["c2"]
    assert store.market.shared_identifiers("bob", Scope("shop")) == ()


def test_a_merchant_sees_old_claims_as_long_as_their_buyers_are_in_sight(store: Store, lease: Lease) -> None:
    buyers = ("claims", "orders", "elsewhere", "never")
    old = [claim(f"old {buyer}", buyer, "shop", 5) for buyer in buyers]
    new = [claim("new", "claims", "shop", 30), claim("new elsewhere", "elsewhere", "mart", 30)]
    orders = [order("o1", "orders", "shop", 30), order("o2", "elsewhere", "mart", 30)]
    reports = [report(f"r {buyer}", "shop", buyer, 5) for buyer in buyers]
    load(store, "first", tables_of(claims=[*old, *new], orders=orders, reports=reports), lease)
    ids = tuple(row["claim_id"] for row in (*old, *new))
    for since, seen in ((30, {"claims", "orders"}), (31, set())):
        scope = Scope("shop", since)
        found = [each.claim_id for each in store.market.claims(ids, scope)]
        assert found == [id for id in ids if id.removeprefix("old ") in seen or (id == "new" and seen)]
        for buyer in buyers:
            page = store.market.claims_of(buyer, scope, 9)
            listed = [each.claim_id for each in page.items if each.claim_id.startswith("old")]
            assert listed == ([f"old {buyer}"] if buyer in seen else [])
            assert page.total == len(page.items)
            assert bool(store.reports.of_buyer(buyer, scope)) == (buyer in seen)


def test_claims_come_in_pages_latest_first(store: Store, lease: Lease) -> None:
    times = {"c5": 7, "c1": 9, "c3": 9, "c2": 9, "c4": 8}
    rows = [claim(name, "ann", "shop", at) for name, at in times.items()]
    load(store, "first", tables_of(claims=rows), lease)
    seen, after = [], None
    while True:
        page = store.market.claims_of("ann", PLATFORM, 2, after)
        assert page.total == 5
        seen += [each.claim_id for each in page.items]
        if not page.has_next:
            break
        after = page.keys[-1]
    assert seen == ["c1", "c2", "c3", "c4", "c5"]


def test_claims_are_found_in_the_order_asked_for(store: Store, lease: Lease) -> None:
    load(store, "first", first(), lease)
    found = store.market.claims(("c3", "none", "c1"), PLATFORM)
    assert [each.claim_id for each in found] == ["c3", "c1"]
    assert found[1].high_value is True
    assert found[1].kind == "refund_only"
    assert (found[0].buyer_id, found[0].merchant_id, found[0].filed_at, found[0].high_value) == (
        "bob",
        "mart",
        30,
        None,
    )


def test_values_that_others_use_too_are_told_rarest_first(store: Store, lease: Lease) -> None:
    rows = [claim(f"c{i}", f"b{i}", "shop", i, address="Elm 1", phone="555") for i in range(3)]
    rows += [claim("c3", "b3", "shop", 3, address="Elm 1", device="own")]
    load(store, "first", tables_of(claims=rows), lease)
    load(store, "again", tables_of(claims=[claim("c4", "b0", "shop", 9, address="Elm 1")]), lease)
    shared = store.market.shared_identifiers("b0", PLATFORM)
    assert [(each.kind.value, each.holders) for each in shared] == [("phone", 3), ("address", 4)]
    assert exact_of("phone", "555").hex().startswith(shared[0].pseudonym)
    assert len(shared[0].pseudonym) >= 8


def test_orders_or_identifiers_alone_make_a_market(store: Store, lease: Lease) -> None:
    load(store, "first", tables_of(orders=FIRST["orders"], identified=FIRST["identified"]), lease)
    market = store.market.read()
    assert market.buyer_ids.to_list() == ["ann", "cyd", "dot"]
    assert len(market.claims) == 0
    assert market.currencies == ()
    assert market.orders is not None
    assert [each.kind.value for each in market.identifiers] == ["address", "email"]


def test_a_merchant_counts_the_orders_at_its_own_shop_alone(store: Store, lease: Lease) -> None:
    orders = [order("o1", "ann", "shop", 5), order("o2", "ann", "mart", 6), order("o3", "ann", "mart", 7)]
    load(store, "first", tables_of(orders=orders), lease)
    for scope, many in ((PLATFORM, 3), (Scope("mart"), 2), (Scope("shop"), 1)):
        ann = buyer_of(store, "ann", scope)
        assert ann is not None
        assert ann.orders == many


def test_of_several_words_about_a_claim_the_last_one_holds(store: Store, lease: Lease) -> None:
    load(store, "first", first(), lease)
    for count, status in enumerate(("refused", "refunded", "withdrawn"), 2):
        changes = [{"claim_id": "c1", "status": status, "evidence_count": count}]
        load(store, status, tables_of(changes=changes), lease)
        (told,) = store.market.claims(("c1",), PLATFORM)
        assert (told.status, told.evidence_count) == (status, count)
        nothing = pl.Series([], dtype=pl.String)
        known = store.market.known(pl.Series(["c1"]), nothing, NO_REPORTS).claims
        assert known.select("status", "evidence_count").row(0) == (status, count)


def test_a_load_taken_up_by_a_clock_that_was_set_back_does_not_end_before_it_began(
    store: Store, lease: Lease
) -> None:
    with pytest.raises(Interrupted):
        store.market.write_load(source_of("first"), first(), lease, 100, PulledPlug(2))
    made = store.market.write_load(source_of("first"), first(), lease, 40, Silent())
    assert (made.begun_at, made.finished_at) == (100, 100)


def test_many_ids_are_known_as_well_as_few(store: Store, lease: Lease) -> None:
    many, buyers = 50_100, 5_100
    claims = [
        claim(f"c{at:06}", f"b{at % buyers:06}", "shop", at, device=f"d{at % buyers}") for at in range(many)
    ]
    load(store, "first", tables_of(claims=claims), lease)
    ids, nothing = pl.Series([row["claim_id"] for row in claims]), pl.Series([], dtype=pl.String)
    known = store.market.known(ids, nothing, NO_REPORTS).claims.sort("claim_id")
    assert known["claim_id"].to_list() == ids.to_list()
    assert known["buyer_id"].to_list() == [row["buyer"] for row in claims]
    load(
        store,
        "second",
        tables_of(
            claims=[
                claim(f"n{row['claim_id']}", row["buyer"], "shop", 1, device=row["device"])
                for row in claims[:buyers]
            ]
        ),
        lease,
    )
    market = store.market.read()
    assert len(market.buyer_ids) == buyers
    assert np.bincount(market.claims.buyer).tolist() == [
        1 + (many - at + buyers - 1) // buyers for at in range(buyers)
    ]
    (devices,) = market.identifiers
    assert len(devices.exact) == buyers
