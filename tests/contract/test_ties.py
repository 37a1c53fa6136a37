"""What few share, which is what paths between buyers go over."""

from contextlib import suppress

from small_loads import Interrupted, PulledPlug, claim, exact_of, lease_of, load, tables_of

from ringfence.domain.paths import Shared, TieKind
from ringfence.store import Store

CLAIMS = [
    claim("c1", "ann", "shop", 1, phone="555", address="Elm 1"),
    claim("c2", "bob", "shop", 2, phone="555"),
    claim("c3", "bob", "mart", 3, device="d1"),
    claim("c4", "cyd", "mart", 4, address="Elm 1"),
    claim("c5", "cyd", "mart", 5, address="Elm 1"),
    claim("c6", "dot", "mall", 6, address="Elm 1"),
]


def pseudonym(kind: str, value: str) -> str:
    return exact_of(kind, value).hex()[:12]


PHONE = Shared(TieKind.PHONE, pseudonym("phone", "555"), ("ann", "bob"))
ADDRESS = Shared(TieKind.ADDRESS, pseudonym("address", "Elm 1"), ("ann", "cyd", "dot"))
SHOP = Shared(TieKind.MERCHANT, "shop", ("ann", "bob"))
MART = Shared(TieKind.MERCHANT, "mart", ("bob", "cyd"))


def test_what_buyers_share_is_told_with_all_who_do_rarest_first(store: Store) -> None:
    load(store, "first", tables_of(claims=CLAIMS), lease_of(store))
    shared = store.market.shared_by
    assert shared(["ann"], 9, 9) == (PHONE, ADDRESS, SHOP)
    assert shared(["cyd", "bob"], 9, 9) == (PHONE, ADDRESS, MART, SHOP)
    assert shared(["dot", "dot"], 9, 9) == (ADDRESS,)
    assert shared(["nobody"], 9, 9) == shared([], 9, 9) == ()


def test_what_many_share_ties_nobody(store: Store) -> None:
    load(store, "first", tables_of(claims=CLAIMS), lease_of(store))
    assert store.market.shared_by(["ann"], 2, 2) == (PHONE, SHOP)
    assert store.market.shared_by(["ann"], 1, 1) == ()


def test_a_load_under_way_ties_nobody(store: Store) -> None:
    lease = lease_of(store)
    load(store, "first", tables_of(claims=CLAIMS[:1]), lease)
    with suppress(Interrupted):
        load(store, "second", tables_of(claims=CLAIMS[1:]), lease, PulledPlug(3))
    assert store.market.shared_by(["ann", "bob"], 9, 9) == ()
