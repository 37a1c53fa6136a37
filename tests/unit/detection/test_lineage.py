from hypothesis import given
from hypothesis import strategies as st

from ringfence.detection.lineage import Past, birth_id, follow, network_id
from ringfence.domain.rings import LineageEvent

Rings = dict[str, dict[str, float]]


def even(*members: str) -> dict[str, float]:
    return dict.fromkeys(members, 1.0)


def told(previous: Rings, current: list[dict[str, float]]) -> tuple[list[str], set[tuple[str, str, str]]]:
    ids, lineage = follow(Past.of_run(previous), current)
    return ids, {(step.ring_id, step.event.value, step.previous_ring_id) for step in lineage}


def test_a_ring_without_a_past_is_born_under_the_hash_of_its_members() -> None:
    ids, steps = told({}, [even("a", "b")])
    assert ids == [birth_id(["b", "a"])]
    assert steps == {(ids[0], "born", "")}


def test_a_ring_keeps_its_name_whatever_happens_to_its_members() -> None:
    for members, event in (
        (even("a", "b", "c"), "kept"),
        (even("a", "b", "c", "d"), "grew"),
        (even("a", "b"), "shrank"),
        (even("a", "b", "d"), "changed"),
    ):
        assert told({"r1": even("a", "b", "c")}, [members]) == (["r1"], {("r1", event, "r1")})


def test_a_ring_whose_members_are_gone_has_died() -> None:
    assert told({"r1": even("a", "b")}, []) == ([], {("r1", "died", "r1")})
    ids, steps = told({"r1": even("a", "b")}, [even("c", "d")])
    assert steps == {(ids[0], "born", ""), ("r1", "died", "r1")}


def test_of_two_rings_that_merge_the_larger_keeps_its_name() -> None:
    previous = {"r1": even("a", "b"), "r2": even("c", "d", "e")}
    assert told(previous, [even("a", "b", "c", "d", "e")]) == (
        ["r2"],
        {("r2", "grew", "r2"), ("r2", "merged", "r1")},
    )


def test_of_a_ring_that_splits_the_larger_part_keeps_the_name() -> None:
    previous = {"r1": even("a", "b", "c", "d", "e")}
    ids, steps = told(previous, [even("a", "b"), even("c", "d", "e")])
    assert ids == [birth_id("ab"), "r1"]
    assert steps == {(ids[0], "split", "r1"), ("r1", "shrank", "r1")}


def test_members_count_by_their_weight() -> None:
    previous = {"leaders": {"a": 9.0, "b": 9.0, "x": 0.1, "y": 0.1}, "rest": even("p", "q", "x", "y")}
    ids, _ = follow(Past.of_run(previous), [{"a": 9.0, "b": 9.0, "p": 0.1, "q": 0.1}])
    assert ids == ["leaders"]


def test_a_name_is_never_given_twice() -> None:
    past = {birth_id("ab"): even("x", "y", "z")}
    ids, _ = follow(Past.of_run(past), [even("x", "y", "z"), even("a", "b")])
    assert ids == [birth_id("ab"), f"{birth_id('ab')}-2"]


def test_names_follow_members_and_not_their_order_or_their_seams() -> None:
    assert birth_id(["a", "b"]) == birth_id(["b", "a"])
    assert birth_id(["ab"]) != birth_id(["a", "b"])
    assert network_id(["r1", "r2"]) == network_id(["r2", "r1"])
    assert birth_id(["r1", "r2"])[1:] == network_id(["r1", "r2"])[1:]


def with_ended(alive: Rings, ended: Rings, names: frozenset[str] = frozenset()) -> Past:
    return Past({**ended, **alive}, frozenset(alive), names | alive.keys() | ended.keys())


def after(past: Past, *current: dict[str, float]) -> set[tuple[str, str, str]]:
    _, lineage = follow(past, current)
    return {(step.ring_id, step.event.value, step.previous_ring_id) for step in lineage}


def test_a_ring_that_ended_and_is_seen_again_returns_under_its_name() -> None:
    past = with_ended({}, {"r1": even("a", "b", "c")})
    assert after(past, even("a", "b", "c", "d")) == {("r1", "returned", "r1")}


def test_a_ring_that_ended_does_not_return_for_a_stray_member() -> None:
    past = with_ended({}, {"r1": even("a", "b", "c", "d")})
    strangers = even("a", "w", "x", "y", "z")
    assert after(past, strangers) == {(birth_id(strangers), "born", "")}


def test_a_ring_ends_once() -> None:
    past = with_ended({"r2": even("x", "y")}, {"r1": even("a", "b")})
    assert after(past) == {("r2", "died", "r2")}
    swallowed = with_ended({"r2": even("a", "b", "x", "y", "z")}, {"r1": even("a", "b")})
    assert after(swallowed, even("a", "b", "x", "y", "z")) == {("r2", "kept", "r2")}


def test_a_ring_that_is_alive_keeps_its_name_whoever_returns() -> None:
    past = with_ended({"r2": even("a", "b", "c", "d")}, {"r1": even("a", "b")})
    assert after(past, even("a", "b")) == {("r2", "shrank", "r2")}
    assert after(past, even("a", "b"), even("c", "d", "e")) == {
        ("r2", "shrank", "r2"),
        (birth_id("cde"), "split", "r2"),
    }
    assert after(past, even("a", "b"), even("c", "d", "x", "y")) == {
        ("r2", "shrank", "r2"),
        (birth_id("cdxy"), "born", ""),
    }
    bigger = with_ended({"r2": even("a", "b", "c", "d", "e")}, {"r1": even("a", "b")})
    assert after(bigger, even("a", "b"), even("c", "d", "e")) == {
        ("r1", "returned", "r1"),
        ("r2", "shrank", "r2"),
    }


def test_the_name_of_a_ring_long_forgotten_is_not_given_again() -> None:
    past = with_ended({}, {}, frozenset({birth_id("ab")}))
    assert after(past, even("a", "b")) == {(f"{birth_id('ab')}-2", "born", "")}


WEIGHTS = st.floats(0.1, 50.0)


@st.composite
def runs(draw: st.DrawFn) -> list[dict[str, float]]:
    """Draw rings that share no member."""
    homes = draw(st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 3), min_size=1))
    rings: dict[int, dict[str, float]] = {}
    for member in sorted(homes):
        rings.setdefault(homes[member], {})[member] = draw(WEIGHTS)
    return list(rings.values())


@given(runs(), runs())
def test_every_ring_of_both_runs_is_told_of_once_and_matched_at_most_once(
    before: list[dict[str, float]], now: list[dict[str, float]]
) -> None:
    previous = {f"r{i}": members for i, members in enumerate(before)}
    ids, lineage = follow(Past.of_run(previous), now)
    assert len(set(ids)) == len(ids) == len(now)
    ended = [s for s in lineage if s.event in (LineageEvent.MERGED, LineageEvent.DIED)]
    lived = [s for s in lineage if s not in ended]
    assert [s.ring_id for s in lived] == ids
    continued = [s.previous_ring_id for s in lived if s.ring_id == s.previous_ring_id]
    assert sorted(continued + [s.previous_ring_id for s in ended]) == sorted(previous)
    for step in lineage:
        assert 0.0 <= step.common <= 1.0
        if step.event is LineageEvent.SPLIT:
            inside = now[ids.index(step.ring_id)].keys()
            assert 2 * len(inside & previous[step.previous_ring_id].keys()) > len(inside)
        if step.event is LineageEvent.MERGED:
            gone = previous[step.previous_ring_id].keys()
            assert 2 * len(gone & now[ids.index(step.ring_id)].keys()) > len(gone)


@given(runs())
def test_the_same_rings_again_keep_all_names(rings: list[dict[str, float]]) -> None:
    first, _ = follow(Past.of_run({}), rings)
    ids, lineage = follow(Past.of_run(dict(zip(first, rings, strict=True))), rings)
    assert ids == first
    assert {step.event for step in lineage} == {LineageEvent.KEPT}
    assert min(step.common for step in lineage) > 0.999
