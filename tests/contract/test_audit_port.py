from collections.abc import Sequence
from threading import Thread

import pytest

from ringfence.domain.audit import ANSWERED, AuditEntry, Head, SealedEntry, begin_chain, flaw, seal
from ringfence.domain.errors import InvalidError
from ringfence.domain.pages import Key
from ringfence.domain.scope import Role
from ringfence.store import Store
from ringfence.store.audit import ChainContinuedError

KEY = bytes(range(32))


def told(actor: str = "ana", *subjects: str) -> AuditEntry:
    return AuditEntry(
        actor, Role.INVESTIGATOR, None, "a call", "buyer", subjects, 0, ("Query.buyer",), ANSWERED
    )


def chain(name: str, *entries: tuple[int, AuditEntry]) -> list[SealedEntry]:
    """Seal entries, each with its time, in a chain of that name."""
    head, sealed = begin_chain(KEY, name), []
    for at, entry in entries:
        sealed.append(seal(KEY, head, at, entry.to_payload("salt")))
        head = sealed[-1].head
    return sealed


ONE = chain("one", (10, told("ana", "b1", "r1")), (20, told("bo", "b2")), (40, told("ana", "b1")))
OTHER = chain("other", (30, told("bo", "b1")), (40, told("bo")))
LATEST_FIRST = [ONE[2], OTHER[1], OTHER[0], ONE[1], ONE[0]]


def filled(store: Store) -> Store:
    store.audit.append(ONE[:2])
    store.audit.append(OTHER)
    store.audit.append(ONE[2:])
    return store


def places(entries: Sequence[SealedEntry]) -> list[tuple[str, int]]:
    return [(sealed.chain.rpartition("-")[2], sealed.number) for sealed in entries]


def test_entries_are_kept_as_they_were_sealed(store: Store) -> None:
    page = filled(store).audit.page(10, None)
    assert list(page.items) == LATEST_FIRST
    assert (page.total, page.has_next) == (5, False)
    assert page.items[0].entry == told("ana", "b1")
    head = begin_chain(KEY, "one")
    for sealed in store.audit.read(ONE[0].chain, 0, 10):
        assert flaw(KEY, head, sealed) is None
        head = sealed.head
    assert head == ONE[-1].head


def test_the_audit_is_listed_from_key_to_key(store: Store) -> None:
    filled(store)
    found: list[SealedEntry] = []
    after = None
    while True:
        page = store.audit.page(2, after)
        assert page.total == 5
        found += page.items
        if not page.has_next:
            break
        after = page.keys[-1]
    assert found == LATEST_FIRST
    assert store.audit.page(2, Key(5.0, "none:1")).items == ()
    for nowhere in ("none", "none:", "none:x", "none:-1", f"none:{'9' * 30}"):
        with pytest.raises(InvalidError, match="no such place"):
            store.audit.page(2, Key(5.0, nowhere))


def test_the_audit_is_listed_by_actor_and_by_subject(store: Store) -> None:
    filled(store)
    of_bo = store.audit.page(2, None, actor="bo")
    assert (places(of_bo.items), of_bo.total, of_bo.has_next) == ([("other", 2), ("other", 1)], 3, True)
    assert places(store.audit.page(2, of_bo.keys[-1], actor="bo").items) == [("one", 2)]
    about = store.audit.page(2, None, subject="b1")
    assert (places(about.items), about.total, about.has_next) == ([("one", 3), ("other", 1)], 3, True)
    assert places(store.audit.page(2, about.keys[-1], subject="b1").items) == [("one", 1)]
    both = store.audit.page(9, None, actor="ana", subject="b1")
    assert (places(both.items), both.total) == ([("one", 3), ("one", 1)], 2)
    assert store.audit.page(9, None, subject="nobody").total == 0


def test_entries_of_one_moment_are_listed_latest_first_too(store: Store) -> None:
    at_once = chain("at once", *((7, told()) for _ in range(5)))
    store.audit.append(at_once)
    page = store.audit.page(2, None)
    assert places(page.items) == [("at once", 5), ("at once", 4)]
    assert places(store.audit.page(9, page.keys[-1]).items) == [("at once", number) for number in (3, 2, 1)]


def test_heads_are_the_ends_of_chains(store: Store) -> None:
    assert store.audit.heads() == ()
    filled(store)
    assert store.audit.heads() == (ONE[-1].head, OTHER[-1].head)
    assert Head.read(str(ONE[-1].head)) == ONE[-1].head


def test_the_end_of_a_chain_is_found_by_its_name(store: Store) -> None:
    filled(store)
    assert store.audit.head(ONE[0].chain) == ONE[-1].head
    assert store.audit.head("nobody's") is None


def test_of_two_who_continue_a_chain_the_second_is_refused_and_writes_nothing(store: Store) -> None:
    store.audit.append(ONE[:2])
    another = seal(KEY, ONE[0].head, 30, told("bo", "b9").to_payload("salt"))
    for late in ([another], [another, seal(KEY, another.head, 40, told().to_payload("salt"))]):
        with pytest.raises(ChainContinuedError, match=ONE[0].chain):
            store.audit.append(late)
    assert store.audit.read(ONE[0].chain, 0, 9) == tuple(ONE[:2])
    assert store.audit.page(9, None).total == 2
    assert store.audit.page(9, None, subject="b9").total == 0


def test_what_is_sent_twice_is_kept_once(store: Store) -> None:
    store.audit.append(ONE[:2])
    store.audit.append(ONE[2:])
    store.audit.append(ONE[:2])
    assert store.audit.read(ONE[0].chain, 0, 9) == tuple(ONE)
    assert (store.audit.page(9, None).total, store.audit.heads()) == (3, (ONE[-1].head,))


def test_no_copy_of_a_store_is_at_its_place(store: Store, store_address: str) -> None:
    assert store_address.rpartition("/")[2] in store.audit.place


def test_a_chain_is_read_in_its_order_and_in_parts(store: Store) -> None:
    filled(store)
    assert places(store.audit.read(ONE[0].chain, 0, 2)) == [("one", 1), ("one", 2)]
    assert places(store.audit.read(ONE[0].chain, 2, 2)) == [("one", 3)]
    assert store.audit.read("nobody's", 0, 2) == ()


def test_what_is_erased_says_nothing_and_can_still_be_verified(store: Store) -> None:
    filled(store)
    assert [store.audit.erase(40, 2), store.audit.erase(40, 2), store.audit.erase(40, 2)] == [2, 1, 0]
    head = begin_chain(KEY, "one")
    for sealed, before in zip(store.audit.read(ONE[0].chain, 0, 9), ONE, strict=True):
        assert flaw(KEY, head, sealed) is None
        assert (sealed.payload is None) == (before.at < 40)
        head = sealed.head
    assert places(store.audit.page(9, None, subject="b1").items) == [("one", 3)]
    assert store.audit.page(9, None, subject="b2").items == ()
    assert places(store.audit.page(9, None, actor="bo").items) == [("other", 2)]
    assert store.audit.page(9, None).total == 5


def test_an_entry_that_was_erased_is_kept_where_it_is_copied_to(store: Store) -> None:
    erased = [SealedEntry(one.chain, one.number, one.at, one.digest, one.mac, None) for one in ONE]
    store.audit.append(erased)
    assert store.audit.read(ONE[0].chain, 0, 9) == tuple(erased)


def test_a_merchant_looks_up_so_many_buyers_a_day_and_each_counts_once(store: Store) -> None:
    ann, bob, cat = b"ann", b"bob", b"cat"
    look_up = store.audit.look_up
    assert look_up("m1", 7, [ann], 2)
    assert look_up("m1", 7, [ann, bob, bob], 2)
    assert not look_up("m1", 7, [cat], 2)
    assert not look_up("m1", 7, [ann, cat], 2)
    assert look_up("m1", 7, [bob, ann], 2)
    assert look_up("m1", 7, [ann], 1)
    assert look_up("m2", 7, [cat], 2)
    assert look_up("m1", 8, [cat, ann], 2)
    assert not look_up("m1", 8, [bob], 2)
    assert look_up("m1", 8, [], 0)


def test_look_ups_that_come_at_once_are_counted_one_after_another(store: Store) -> None:
    told: list[bool] = []
    threads = [
        Thread(target=lambda buyer=buyer: told.append(store.audit.look_up("m1", 7, [buyer], 3)))
        for buyer in (b"a", b"b", b"c", b"d", b"e", b"f")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False] * 3 + [True] * 3


def test_chains_of_several_threads_do_not_disturb_each_other(store: Store) -> None:
    chains = [chain(f"t{place}", *((at, told("ana", "b1")) for at in range(20))) for place in range(4)]

    def write(sealed: list[SealedEntry]) -> None:
        for start in range(0, 20, 5):
            store.audit.append(sealed[start : start + 5])

    threads = [Thread(target=write, args=(sealed,)) for sealed in chains]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.audit.heads() == tuple(sealed[-1].head for sealed in chains)
    assert store.audit.page(1, None, subject="b1").total == 80
