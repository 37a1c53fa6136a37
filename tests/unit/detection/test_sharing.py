import itertools
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small_markets import BUYERS, Held, holdings, rarest_by_hand, sharing_of

from ringfence.detection.sharing import (
    LEVELS,
    NOTHING_SHARED,
    holders_of,
    level,
    multiplicities,
    pairs_by_level,
    rarest_shared,
    share,
)

HUBS = st.integers(2, BUYERS)


def test_the_level_of_a_value_is_the_power_of_two_its_holders_do_not_exceed() -> None:
    assert [level(holders) for holders in (2, 3, 4, 5, 8, 9, 500)] == [1, 2, 2, 3, 3, 4, 9]


@given(holdings(), HUBS)
def test_the_rarest_shared_value_is_the_one_with_fewest_holders(held: Held, hub: int) -> None:
    sharing = sharing_of(held)
    for a, b in itertools.permutations(range(BUYERS), 2):
        value = rarest_shared(sharing, a, b, hub)
        expected = rarest_by_hand(held, a, b, hub)
        assert (holders_of(sharing, value) if value >= 0 else 0) == expected


@given(holdings(), HUBS)
def test_pairs_are_counted_once_by_the_level_of_what_they_share(held: Held, hub: int) -> None:
    sharing = sharing_of(held)
    expected = np.zeros(LEVELS, np.int64)
    for a, b in itertools.combinations(range(BUYERS), 2):
        rarest = rarest_by_hand(held, a, b, hub)
        if rarest:
            expected[level(rarest)] += 1
    assert pairs_by_level(sharing, hub).tolist() == expected.tolist()
    found = multiplicities(sharing, hub)
    assert found[NOTHING_SHARED] == BUYERS * (BUYERS - 1) / 2
    assert found[1:].tolist() == np.maximum(np.cumsum(expected), 1)[1:].tolist()


@given(holdings(values=6))
def test_values_of_one_holder_are_left_out_and_both_lists_mirror_each_other(held: Held) -> None:
    sharing = sharing_of(held)
    by_value = sorted(
        (int(sharing.kind[v]), sharing.holder[sharing.holder_start[v] : sharing.holder_start[v + 1]].tolist())
        for v in range(len(sharing.kind))
    )
    assert by_value == sorted((kind, sorted(who)) for (kind, _), who in held.items() if len(who) > 1)
    sizes = np.diff(sharing.holder_start)
    assert (np.diff(sizes) >= 0).all()
    for buyer in range(BUYERS):
        own = sharing.value[sharing.value_start[buyer] : sharing.value_start[buyer + 1]].tolist()
        assert own == [
            v
            for v in range(len(sharing.kind))
            if buyer in sharing.holder[sharing.holder_start[v] : sharing.holder_start[v + 1]]
        ]


@given(st.lists(st.sets(st.integers(0, 9), min_size=4, max_size=5), max_size=8), st.randoms())
def test_the_numbers_of_values_do_not_follow_their_hashes(holders: list[set[int]], random: Random) -> None:
    def laid(order: list[int]) -> list[list[int]]:
        uses = [(buyer, value) for value, number in enumerate(order) for buyer in holders[number]]
        columns = np.array(uses, np.int32).reshape(-1, 2)
        return [column.tolist() for column in share([(columns[:, 0], columns[:, 1])], 10)]

    shuffled = list(range(len(holders)))
    random.shuffle(shuffled)
    assert laid(shuffled) == laid(list(range(len(holders))))


def test_a_use_told_twice_is_one_use() -> None:
    buyer, value = np.array([3, 3, 1], np.int32), np.array([0, 0, 0], np.int32)
    assert share([(buyer, value)], BUYERS).holder.tolist() == [1, 3]
    alone = share([(buyer[:2], value[:2])], BUYERS)
    assert len(alone.kind) == 0


def test_no_identifiers_at_all_share_nothing() -> None:
    sharing = share([], 3)
    assert rarest_shared(sharing, 0, 1, 500) == -1
    assert multiplicities(sharing, 500)[NOTHING_SHARED] == 3.0
