import itertools
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_markets import BUYERS, Held, holdings, sharing_of

from ringfence.detection.methods.identifiers.groups import Groups, candidate_groups
from ringfence.detection.methods.identifiers.parameters import IdentifierParameters


def nobody(buyers: int = BUYERS) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.zeros(buyers, np.bool_)


def sets_of(groups: Groups) -> list[frozenset[int]]:
    return [frozenset(groups.members(i).tolist()) for i in range(len(groups.among))]


def expected_sets(held: Held, rules: IdentifierParameters, left_out: set[int]) -> set[frozenset[int]]:
    """List the groups by definition, chains as the components of a graph."""
    graph = nx.Graph()
    found = set()
    for holders in held.values():
        here = holders - left_out
        if len(here) >= 2 and len(holders) <= rules.most_holders:
            found.add(frozenset(here))
        if 2 <= len(holders) <= rules.chain_holders:
            graph.add_edges_from(itertools.combinations(sorted(here), 2))
    for chain in nx.connected_components(graph):
        if rules.shortest_chain <= len(chain) <= rules.longest_chain:
            found.add(frozenset(chain))
    return found


RULES = st.builds(
    IdentifierParameters,
    most_holders=st.integers(2, 6),
    chain_holders=st.integers(1, 4),
    shortest_chain=st.integers(2, 3),
    longest_chain=st.integers(3, 6),
)


@given(holdings(kinds=3), RULES, st.sets(st.integers(0, BUYERS - 1), max_size=2))
def test_groups_are_the_holders_of_rare_values_and_the_chains_they_form(
    held: Held, rules: IdentifierParameters, left_out: set[int]
) -> None:
    mask = nobody()
    mask[list(left_out)] = True
    groups = candidate_groups(sharing_of(held), mask, rules)
    found = sets_of(groups)
    assert len(found) == len(set(found))
    assert set(found) == expected_sets(held, rules, left_out)
    for i in range(len(found)):
        assert (np.diff(groups.members(i)) > 0).all()


@given(holdings(kinds=3), st.permutations(range(BUYERS)), st.permutations(range(4)))
def test_groups_and_how_many_are_alike_follow_no_numbering(
    held: Held, buyers: list[int], values: list[int]
) -> None:
    renamed = {(kind, values[value]): {buyers[b] for b in who} for (kind, value), who in held.items()}
    rules = IdentifierParameters()
    groups = candidate_groups(sharing_of(held), nobody(), rules)
    others = candidate_groups(sharing_of(renamed), nobody(), rules)
    among = dict(zip(sets_of(groups), groups.among.tolist(), strict=True))
    found = {frozenset(buyers[b] for b in group): decades for group, decades in among.items()}
    assert found == pytest.approx(dict(zip(sets_of(others), others.among.tolist(), strict=True)))


def test_a_group_is_singled_out_from_those_of_its_kind_and_size() -> None:
    held = {(0, i): {2 * i, 2 * i + 1} for i in range(8)} | {(1, 0): {0, 1, 2, 3, 4, 5}, (1, 1): {6, 7}}
    groups = candidate_groups(sharing_of(held, 16), nobody(16), IdentifierParameters())
    among = dict(zip(sets_of(groups), groups.among.tolist(), strict=True))
    # Pairs of kind 0 ({6, 7} is one of them), six of kind 1; the chain of the six is the same set.
    assert among[frozenset({0, 1})] == pytest.approx(math.log10(8 * 2))
    assert among[frozenset({0, 1, 2, 3, 4, 5})] == pytest.approx(math.log10(1 * 2))
    assert len(among) == 9


def test_a_value_of_a_hundred_thousand_holders_and_a_chain_as_long_are_skipped() -> None:
    buyers = 100_000
    held: Held = {(0, 0): set(range(buyers))} | {(1, i): {i, i + 1} for i in range(buyers - 1)}
    groups = candidate_groups(sharing_of(held, buyers), nobody(buyers), IdentifierParameters())
    assert len(groups.among) == buyers - 1
    assert (np.diff(groups.start) == 2).all()


def test_without_identifiers_there_are_no_groups() -> None:
    groups = candidate_groups(sharing_of({}), nobody(), IdentifierParameters())
    assert len(groups.among) == 0
    assert groups.start.tolist() == [0]
