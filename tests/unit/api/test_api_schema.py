from collections.abc import Iterator
from importlib.resources import files

from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    is_specified_scalar_type,
)
from graphql.utilities import find_breaking_changes

from ringfence.api import schema as schema_module
from ringfence.api.cost import READS_ALONE

SCHEMA = schema_module.build_schema()
KEPT = (files("ringfence.api") / "schema.graphql").read_text(encoding="utf-8")


def own_types() -> Iterator[GraphQLObjectType | GraphQLInterfaceType | GraphQLEnumType | GraphQLScalarType]:
    for kind in SCHEMA.type_map.values():
        if not kind.name.startswith("__") and not is_specified_scalar_type(kind):
            assert isinstance(
                kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLEnumType | GraphQLScalarType
            )
            yield kind


def undescribed() -> Iterator[str]:
    for kind in own_types():
        if not kind.description:
            yield kind.name
        if isinstance(kind, GraphQLEnumType):
            yield from (f"{kind.name}.{name}" for name, one in kind.values.items() if not one.description)
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
    for kind in ("Ring", "RingMember", "Link"):
        fields = getattr(SCHEMA.type_map[kind], "fields")  # noqa: B009
        assert "decades" in fields["score"].description


def test_the_kept_schema_is_the_one_that_is_served() -> None:
    assert schema_module.schema_text() == KEPT, "write schema_text() to src/ringfence/api/schema.graphql"


def test_nothing_that_clients_rely_on_is_taken_away() -> None:
    broken = find_breaking_changes(build_schema(KEPT), SCHEMA)
    assert [change.description for change in broken] == []


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
