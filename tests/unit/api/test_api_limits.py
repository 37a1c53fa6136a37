import time

import pytest
from graphql import DocumentNode, parse
from hypothesis import given
from query_samples import documents, spread_out

from ringfence.api.limits import Limits, check_extent
from ringfence.domain.errors import InvalidError

WIDE = Limits(
    depth=10**9,
    fields=10**9,
    aliases=10**9,
    root_fields=10**9,
    fragments=10**9,
    directives=10**9,
    repeats=10**9,
)


def refusal(text: str, limits: Limits = Limits()) -> str:  # noqa: B008
    seconds = []
    for _ in range(3):
        # Of this process alone: others may be busy on the same machine.
        begun = time.process_time()
        with pytest.raises(InvalidError) as refused:
            check_extent(parse(text), limits)
        seconds.append(time.process_time() - begun)
    assert min(seconds) < 0.05
    return str(refused.value)


def test_a_query_that_goes_too_deep_is_refused() -> None:
    assert "levels: 20" in refusal("{ a " * 20 + "}" * 20)


def test_depth_hidden_in_fragments_counts() -> None:
    fragments = " ".join(f"fragment F{i} on T {{ a {{ ...F{i + 1} }} }}" for i in range(16))
    assert "levels" in refusal("{ ...F0 } fragment F16 on T { a } " + fragments)


def test_too_many_aliases_are_refused() -> None:
    assert "aliases: 60" in refusal("{ a { " + " ".join(f"a{i}: b" for i in range(60)) + " } }")


def test_too_many_fields_at_the_root_are_refused_inside_fragments_too() -> None:
    fields = " ".join(f"a{i}" for i in range(12))
    fragments = f"fragment A on Q {{ {fields} }}"
    assert "root: 24" in refusal(f"{{ ...A ... on Q {{ {fields.replace('a', 'b')} }} }} {fragments}")


def test_one_field_many_times_is_refused() -> None:
    assert "one name in one place: 11" in refusal("{ a { " + "b " * 11 + "} }")
    assert "one name in one place" in refusal("{ a { ...B ...B b } } fragment B on T { " + "b " * 5 + "}")


def test_too_many_fields_are_refused_in_fragments_that_nothing_spreads_too() -> None:
    text = "{ " + " ".join("a { " + " ".join(["b { " + "c " * 10 + "}"] * 7) + " }" for _ in range(6)) + " }"
    assert "too many fields: " in refusal(text)
    assert "too many fields: " in refusal("{ a } fragment A on T " + text)
    spread = " ".join(f"a{i} {{ ...A }}" for i in range(9))
    fragment = "fragment A on T { " + " ".join(f"b{i}" for i in range(50)) + " }"
    assert "too many fields: 459" in refusal(f"{{ {spread} }} {fragment}")


def test_too_many_directives_are_refused() -> None:
    assert "directives: 100" in refusal("{ a" + " @x" * 100 + " }")


def test_too_many_fragments_are_refused() -> None:
    fragments = " ".join(f"fragment F{i} on T {{ a }}" for i in range(40))
    assert "fragments: 40" in refusal("{ ...F0 } " + fragments)


def test_a_fragment_that_spreads_itself_is_refused() -> None:
    assert "spreads itself" in refusal("{ ...A } fragment A on T { a { ...B } } fragment B on T { ...A }")


def test_a_bomb_of_fragments_takes_no_longer_than_its_text() -> None:
    fragments = " ".join(
        f"fragment F{i} on T {{ a {{ ...F{i + 1} }} b {{ ...F{i + 1} }} }}" for i in range(25)
    )
    text = "{ ...F0 } fragment F25 on T { x: a y: a } " + fragments
    assert "fields" in refusal(text)
    assert "levels" in refusal(text, Limits(fields=10**9))
    assert "aliases" in refusal(text, Limits(fields=10**9, depth=100))


@given(documents())
def test_extents_are_those_of_the_query_with_its_fragments_spread_out(document: DocumentNode) -> None:
    whole = spread_out(document)
    for name, extent in (
        ("depth", whole.depth),
        ("fields", whole.fields),
        ("aliases", whole.aliases),
        ("directives", whole.directives),
        ("repeats", whole.repeats),
    ):
        check_extent(document, _only(name, extent))
        if extent:
            with pytest.raises(InvalidError):
                check_extent(document, _only(name, extent - 1))


def _only(name: str, limit: int) -> Limits:
    from dataclasses import replace

    return replace(WIDE, **{name: limit})


def test_a_mutation_changes_one_thing() -> None:
    assert "root: 2, and 1" in refusal("mutation { a b }")
    assert "root: 2, and 1" in refusal("mutation { ...A ... on M { b } } fragment A on M { a }")
    check_extent(parse("mutation { a { b c d } }"), Limits())
    check_extent(parse("query A { a b } mutation B { a } mutation C { a }"), Limits())
