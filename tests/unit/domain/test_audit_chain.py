from dataclasses import replace

import pytest

from ringfence.domain.audit import (
    ANSWERED,
    MOST_SUBJECTS,
    AuditEntry,
    Head,
    SealedEntry,
    begin_chain,
    bounded,
    checked_purpose,
    flaw,
    seal,
)
from ringfence.domain.errors import InvalidError
from ringfence.domain.scope import Role

KEY, OTHER_KEY = bytes(32), bytes(range(32))
ENTRY = AuditEntry(
    "ana", Role.INVESTIGATOR, None, "appeal 7", "buyer", ("b1", "ü"), 3, ("Buyer.orders",), ANSWERED
)


def sealed_three() -> list[SealedEntry]:
    head, made = begin_chain(KEY, "c"), []
    for at in (5, 6, 7):
        made.append(seal(KEY, head, at, ENTRY.to_payload(f"salt {at}")))
        head = made[-1].head
    return made


def first_flaw(entries: list[SealedEntry], key: bytes = KEY) -> tuple[int, str] | None:
    head = begin_chain(key, "c")
    for sealed in entries:
        if (wrong := flaw(key, replace(head, chain=sealed.chain), sealed)) is not None:
            return sealed.number, wrong
        head = sealed.head
    return None


def test_an_entry_says_what_was_written() -> None:
    assert sealed_three()[0].entry == ENTRY
    of_merchant = replace(ENTRY, role=Role.MERCHANT, merchant_id="m1", outcome="NOT_FOUND", subjects=())
    assert AuditEntry.from_payload(of_merchant.to_payload("x")) == of_merchant


def test_a_chain_as_it_was_sealed_has_no_flaw_erased_or_not() -> None:
    made = sealed_three()
    assert first_flaw(made) is None
    assert first_flaw([replace(made[0], payload=None), *made[1:]]) is None


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda e: [e[0], replace(e[1], at=1), e[2]], (2, "it is not as it was sealed")),
        (lambda e: [e[0], replace(e[1], payload=b"{}"), e[2]], (2, "what it says was changed")),
        (lambda e: [e[0], replace(e[1], digest=e[0].digest, payload=None), e[2]], (2, "it is not as")),
        (lambda e: [e[0], e[2]], (3, "entry 2 is missing before it")),
        (lambda e: e[1:], (2, "entry 1 is missing before it")),
        (lambda e: [e[0], replace(e[2], number=2), replace(e[1], number=3)], (2, "it is not as")),
        (lambda e: [e[0], e[0], e[1]], (1, "entry 2 is missing")),
        (lambda e: [replace(one, chain=f"{one.chain}x") for one in e], (1, "it is not as")),
    ],
)  # fmt: skip
def test_what_was_changed_left_out_or_moved_is_found(change, place) -> None:  # type: ignore[no-untyped-def]
    found = first_flaw(change(sealed_three()))
    assert found is not None
    assert found[0] == place[0]
    assert place[1] in found[1]


def test_a_chain_under_another_key_is_told_as_such() -> None:
    assert first_flaw(sealed_three(), OTHER_KEY) == (1, "it was sealed under another key")


def test_equal_entries_have_unlike_digests() -> None:
    assert len({one.digest for one in sealed_three()}) == 3


def test_a_head_is_read_as_it_was_printed() -> None:
    head = sealed_three()[-1].head
    assert Head.read(f" {head}\n") == head


@pytest.mark.parametrize("text", ["", "c", "c:1", "c:x:00", "c:1:zz", f"c:0:{'00' * 32}", "c:1:00", ":1:00"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="is no head of an audit"):
        Head.read(text)


def test_a_purpose_is_one_line() -> None:
    assert checked_purpose(" appeal 7, überprüft ") == "appeal 7, überprüft"
    for bad in ("", " ", "x" * 201, "a\nb", "a\x00b", "a\u202eb"):
        with pytest.raises(InvalidError, match="purpose"):
            checked_purpose(bad)


def test_subjects_are_bounded_in_number_and_length() -> None:
    assert bounded({"b", "a"}) == (("a", "b"), 0)
    named, further = bounded({f"b{number:04}" for number in range(MOST_SUBJECTS + 7)} | {"a" * 9_999})
    assert (len(named), further) == (MOST_SUBJECTS, 8)
    assert len(named[0]) == 200


def test_subjects_that_were_asked_for_are_named_before_the_others() -> None:
    assert bounded({"a", "b", "c"}, frozenset({"c"})) == (("c", "a", "b"), 0)
    named, further = bounded({f"b{number:04}" for number in range(MOST_SUBJECTS)}, frozenset({"r1"}))
    assert (named[0], len(named), further) == ("r1", MOST_SUBJECTS, 1)
