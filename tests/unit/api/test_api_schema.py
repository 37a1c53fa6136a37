from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    get_named_type,
    is_specified_scalar_type,
)
from graphql.utilities import find_breaking_changes

from ringfence.api import schema as schema_module
from ringfence.api.cost import READS_ALONE

SCHEMA = schema_module.build_schema()
RELEASED = Path(__file__).with_name("released_schema.graphql").read_text(encoding="utf-8")
"""What the last release served; replaced by a release, and by nothing else."""
KEPT = (files("ringfence.api") / "schema.graphql").read_text(encoding="utf-8")


Kind = GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType | GraphQLEnumType | GraphQLScalarType


def own_types() -> Iterator[Kind]:
    for kind in SCHEMA.type_map.values():
        if not kind.name.startswith("__") and not is_specified_scalar_type(kind):
            assert isinstance(kind, Kind)
            yield kind


def undescribed() -> Iterator[str]:
    for kind in own_types():
        if not kind.description:
            yield kind.name
        if isinstance(kind, GraphQLEnumType):
            yield from (f"{kind.name}.{name}" for name, one in kind.values.items() if not one.description)
        if isinstance(kind, GraphQLInputObjectType):
            yield from (f"{kind.name}.{name}" for name, one in kind.fields.items() if not one.description)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                if not field.description:
                    yield f"{kind.name}.{name}"
                for argument, one in field.args.items():
                    if not one.description:
                        yield f"{kind.name}.{name}({argument}:)"


def test_every_type_field_argument_and_word_is_described() -> None:
    assert list(undescribed()) == []


def test_descriptions_are_sentences_with_an_end() -> None:
    for kind in own_types():
        assert (kind.description or "").endswith((".", "?")), kind.name
        for name, field in getattr(kind, "fields", {}).items():
            assert field.description.endswith("."), f"{kind.name}.{name}"


def test_evidence_is_told_with_its_unit() -> None:
    for kind in ("Ring", "RingMember", "Link", "Lead", "LeadBuyer"):
        fields = getattr(SCHEMA.type_map[kind], "fields")  # noqa: B009
        assert "in decades: each one is ten times less likely by chance" in fields["score"].description


def test_the_kept_schema_is_the_one_that_is_served() -> None:
    assert schema_module.schema_text() == KEPT, "write schema_text() to src/ringfence/api/schema.graphql"


def test_nothing_that_clients_rely_on_is_taken_away() -> None:
    broken = find_breaking_changes(build_schema(RELEASED), SCHEMA)
    assert [change.description for change in broken] == []


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("  ringId: ID!\n", "  name: ID!\n"),
        ("  score: Float!\n", "  score: Float\n"),
        ("DISMISSED", "DROPPED"),
    ],
)
def test_a_break_is_seen_though_the_kept_schema_is_written_anew(was: str, becomes: str) -> None:
    assert was in RELEASED
    changed = build_schema(RELEASED.replace(was, becomes))
    assert find_breaking_changes(build_schema(RELEASED), changed)


def test_a_change_takes_one_input_and_answers_what_can_be_mended() -> None:
    assert SCHEMA.mutation_type is not None
    for name, field in SCHEMA.mutation_type.fields.items():
        assert [str(one.type)[-6:] for one in field.args.values()] == ["Input!"], name
        payload = get_named_type(field.type)
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["userErrors"].type) == "[UserError!]!"


def test_a_page_is_asked_for_with_its_size() -> None:
    for kind in own_types():
        for name, field in getattr(kind, "fields", {}).items():
            if str(field.type).endswith("Connection!"):
                assert str(field.args["first"].type) == "Int!", f"{kind.name}.{name}"


def test_what_reads_alone_is_still_there() -> None:
    for kind, name in READS_ALONE:
        assert name in getattr(SCHEMA.type_map[kind], "fields")  # noqa: B009


def test_building_the_schema_twice_gives_one() -> None:
    assert schema_module.build_schema() is SCHEMA
