import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.detection.doors import LARGEST_BLOCK, LEAST_LIKENESS, doors
from ringfence.domain.identifiers import IdentifierKind
from ringfence.market import Identifiers, Sketches

VALUES = 7
SketchRow = tuple[int, int]
"""block, value"""

SKETCHES = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(0, VALUES - 1)),
    st.tuples(st.integers(0, 2), st.sets(st.integers(0, 6))),
)
"""(block, value) -> variant, bigrams"""


def addresses(sketches: dict[SketchRow, tuple[int, set[int]]] | None, values: int = VALUES) -> Identifiers:
    """Make identifiers of `values` values with these sketches."""
    made = None
    if sketches is not None:
        placed = sorted(sketches)
        bigrams = [sorted(sketches[row][1]) for row in placed]
        made = Sketches(
            block=np.array([block for block, _ in placed], np.uint64),
            value=np.array([value for _, value in placed], np.int32),
            variant=np.array([sketches[row][0] for row in placed], np.uint8),
            start=np.cumsum([0, *map(len, bigrams)]).astype(np.int64),
            bigrams=np.array(list(itertools.chain(*bigrams)), np.uint32),
        )
    nobody = np.empty(0, np.int32)
    return Identifiers(IdentifierKind.ADDRESS, nobody, nobody, np.zeros((values, 32), np.uint8), made)


@given(SKETCHES, st.sampled_from([LEAST_LIKENESS, 0.8, 1.0]))
def test_doors_are_the_components_of_addresses_that_are_alike(
    sketches: dict[SketchRow, tuple[int, set[int]]], likeness: float
) -> None:
    graph = nx.empty_graph(VALUES)
    for (block_a, a), (block_b, b) in itertools.combinations(sketches, 2):
        (variant_a, one), (variant_b, other) = sketches[block_a, a], sketches[block_b, b]
        if block_a != block_b or variant_a or variant_b or not one or not other:
            continue
        if 2 * len(one & other) / (len(one) + len(other)) >= likeness:
            graph.add_edge(a, b)
    expected = {value: min(door) for door in nx.connected_components(graph) for value in door}
    found = doors(addresses(sketches), likeness=likeness)
    assert found.tolist() == [expected[value] for value in range(VALUES)]


@pytest.mark.parametrize(("other", "merged"), [({1, 3}, True), ({1, 3, 4}, False)])
def test_half_of_the_letters_in_common_is_enough(other: set[int], merged: bool) -> None:
    found = doors(addresses({(0, 0): (0, {1, 2}), (0, 1): (0, other)}), likeness=0.5)
    assert (found[0] == found[1]) == merged


def test_addresses_without_letters_match_only_exactly() -> None:
    assert doors(addresses({(0, 0): (0, set()), (0, 1): (0, set())})).tolist() == list(range(VALUES))


def test_addresses_without_sketches_are_doors_of_their_own() -> None:
    assert doors(addresses(None)).tolist() == list(range(VALUES))
    assert doors(addresses({})).tolist() == list(range(VALUES))


@pytest.mark.parametrize(("size", "merged"), [(LARGEST_BLOCK, True), (LARGEST_BLOCK + 1, False)])
def test_a_block_too_large_to_compare_is_left_as_written(size: int, merged: bool) -> None:
    crowd = addresses({(0, value): (0, {1, 2}) for value in range(size)}, size)
    assert len(np.unique(doors(crowd))) == (1 if merged else size)
