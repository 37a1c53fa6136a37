import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.messages import as_bytes
from ringfence.intake.sketch import sketch_values
from ringfence.market import Sketches

ADDRESS, PHONE, EMAIL = IdentifierKind.ADDRESS, IdentifierKind.PHONE, IdentifierKind.EMAIL
ALPHABETS = {ADDRESS: "12ab ", PHONE: "12", EMAIL: "1a2b@."}


def sketch(kind: IdentifierKind, *values: str, secret: bytes = b"s" * 32) -> Sketches:
    return sketch_values(kind, *as_bytes(pl.Series(values, dtype=pl.String)), secret, 7)


def shared(sketches: Sketches, a: int, b: int) -> set[tuple[int, int]]:
    """Give the variants under which two values meet."""
    rows = list(zip(sketches.block.tolist(), sketches.value.tolist(), sketches.variant.tolist(), strict=True))
    return {(u, v) for x, i, u in rows for y, j, v in rows if x == y and i == a and j == b}


def likeness(sketches: Sketches, a: int, b: int) -> float:
    """Give the Dice coefficient of two values' bigrams in the first block they share."""
    grams = {
        (int(sketches.block[row]), int(sketches.value[row])): set(
            sketches.bigrams[sketches.start[row] : sketches.start[row + 1]].tolist()
        )
        for row in range(len(sketches))
    }
    block = next(block for block, value in grams if value == a and (block, b) in grams)
    left, right = grams[block, a], grams[block, b]
    return 2 * len(left & right) / (len(left) + len(right))


def test_one_door_written_in_three_ways_shares_a_block_and_its_letters() -> None:
    values = ("12 main st apt 4b", "12 main street apartment 4b", "4b apt 12 main st")
    sketches = sketch(ADDRESS, *values)
    assert (0, 0) in shared(sketches, 0, 1)
    assert (0, 0) in shared(sketches, 0, 2)
    assert likeness(sketches, 0, 1) > 0.5
    assert likeness(sketches, 0, 2) > 0.5


def test_another_street_has_other_letters() -> None:
    assert likeness(sketch(ADDRESS, "12 main st apt 4b", "12 wolkow prospekt 4b"), 0, 1) < 0.5


def test_one_mistyped_digit_of_the_house_number_leaves_a_block_equal() -> None:
    for a, b in (("12", "13"), ("12", "92"), ("124", "134"), ("124", "129"), ("124", "924")):
        assert shared(sketch(ADDRESS, f"{a} main 90210", f"{b} main 90210"), 0, 1)
    assert not shared(sketch(ADDRESS, "12 main 90210", "34 main 90210"), 0, 1)
    assert not shared(sketch(ADDRESS, "1 main 90210", "12 main 90210"), 0, 1)


def test_an_address_with_one_number_has_no_block() -> None:
    assert len(sketch(ADDRESS, "12 main st", "12 main street")) == 0


def test_blocks_with_a_single_value_are_left_out() -> None:
    assert len(sketch(ADDRESS, "12 main 90210", "77 oak 10115")) == 0


def test_the_same_letters_leave_other_bigrams_under_another_block_or_key() -> None:
    values = ("12 main 90210", "12 main st 90210", "77 main 10115", "77 main st 10115")
    one, two = sketch(ADDRESS, *values), sketch(ADDRESS, *values, secret=b"t" * 32)
    by_block: dict[int, set[int]] = {}
    for sketches in (one, two):
        for row, block in enumerate(sketches.block.tolist()):
            grams = sketches.bigrams[sketches.start[row] : sketches.start[row + 1]].tolist()
            by_block.setdefault(block, set()).update(grams)
    assert len(by_block) == 10
    assert sum(map(len, by_block.values())) == len(set().union(*by_block.values()))


def test_letters_of_any_script_count() -> None:
    values = ("8 朝阳区建国路 100020", "8 海淀区中关村 100020", "8 朝阳区建国路口 100020")
    sketches = sketch(ADDRESS, *values)
    assert likeness(sketches, 0, 1) < 0.5 < likeness(sketches, 0, 2)


def test_an_address_without_letters_has_no_bigrams() -> None:
    sketches = sketch(ADDRESS, "12 90210", "12 main 90210")
    mine = np.flatnonzero(sketches.value == 0)
    assert len(mine)
    assert (sketches.start[mine] == sketches.start[mine + 1]).all()


def test_phones_share_all_but_the_last_digits() -> None:
    sketches = sketch(PHONE, "491701234567", "491701234568", "491701234577", "491709999999")
    assert shared(sketches, 0, 1) == {(0, 0), (1, 1)}
    assert shared(sketches, 0, 2) == {(1, 1)}
    assert shared(sketches, 0, 3) == set()
    assert len(sketches.bigrams) == 0


def test_emails_share_all_but_the_digits_of_the_local_part() -> None:
    sketches = sketch(
        EMAIL, "ann1@mail.example", "ann22@mail.example", "ann1@post.example", "bob1@mail.example"
    )
    assert shared(sketches, 0, 1) == {(0, 0)}
    assert likeness(sketches, 0, 1) == 1
    assert shared(sketches, 0, 2) == shared(sketches, 0, 3) == set()


@given(data=st.data(), kind=st.sampled_from([ADDRESS, PHONE, EMAIL]))
def test_the_key_changes_hashes_and_nothing_else(data: st.DataObject, kind: IdentifierKind) -> None:
    words = st.text(st.sampled_from(ALPHABETS[kind]), min_size=1, max_size=12).map(str.split).map(" ".join)
    values = data.draw(st.lists(words.filter(bool), unique=True, max_size=12))
    one, two = sketch(kind, *values, secret=b"1" * 32), sketch(kind, *values, secret=b"2" * 32)

    def structure(sketches: Sketches) -> list[list[tuple[int, int, int]]]:
        sizes = np.diff(sketches.start)
        rows = list(zip(sketches.value.tolist(), sketches.variant.tolist(), sizes.tolist(), strict=True))
        blocks = sketches.block.tolist()
        return sorted(
            [row for row, at in zip(rows, blocks, strict=True) if at == block] for block in set(blocks)
        )

    assert structure(one) == structure(two)
    assert not len(one) or set(one.block.tolist()).isdisjoint(two.block.tolist())
    order = np.lexsort((one.value, one.block))
    assert (order == np.arange(len(one))).all()
    for row in range(len(one)):
        grams = one.bigrams[one.start[row] : one.start[row + 1]].astype(np.int64)
        assert (np.diff(grams) > 0).all()
    _, counts = np.unique(one.block, return_counts=True)
    assert (counts >= 2).all()
