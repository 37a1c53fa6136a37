from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.messages import as_bytes
from ringfence.intake.sketch import sketch_values
from ringfence.market import Sketches
from ringfence.market.canonical import shared_sketches

WORDS = {
    IdentifierKind.ADDRESS: st.lists(
        st.sampled_from(["12", "13", "112", "4b", "elm", "oak"]), max_size=4
    ).map(" ".join),
    IdentifierKind.PHONE: st.from_regex(r"49170123[0-2]{2}", fullmatch=True),
    IdentifierKind.EMAIL: st.from_regex(r"(ann|bob)[0-9]?@mail", fullmatch=True),
}


def same(a: Sketches, b: Sketches) -> bool:
    def arrays(of: Sketches) -> list[np.ndarray[Any, Any]]:
        return [of.block, of.value, of.variant, of.start, of.bigrams]

    return all(
        left.dtype == right.dtype and np.array_equal(left, right)
        for left, right in zip(arrays(a), arrays(b), strict=True)
    )


@pytest.mark.parametrize("kind", list(WORDS))
@given(data=st.data())
def test_all_blocks_less_those_of_one_value_are_the_shared_ones(
    kind: IdentifierKind, data: st.DataObject
) -> None:
    values = sorted(data.draw(st.sets(WORDS[kind].filter(bool), max_size=12)))
    told = (kind, *as_bytes(pl.Series(values, dtype=pl.String)), b"k" * 32, 7)
    every, shared = sketch_values(*told, shared_only=False), sketch_values(*told)
    assert same(shared_sketches(every), shared)
    order = np.random.default_rng(len(values)).permutation(len(every))
    assert same(shared_sketches(reordered(every, order)), shared)


def reordered(of: Sketches, order: np.ndarray[Any, Any]) -> Sketches:
    """Put sketches in another order, each with its bigrams."""
    pieces = [of.bigrams[of.start[row] : of.start[row + 1]] for row in order]
    start = np.concatenate(([0], np.cumsum([len(piece) for piece in pieces]))).astype(np.int64)
    bigrams = np.concatenate([np.empty(0, np.uint32), *pieces])
    return Sketches(of.block[order], of.value[order], of.variant[order], start, bigrams)
