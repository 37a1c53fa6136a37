"""The quick executor answers what the slow one does, errors included."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    execute_sync,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from ringfence.api.executor import ATTRIBUTE, LeafExecutor
from ringfence.api.schema import build_schema


class Colour(Enum):
    RED = "r"
    BLUE = "b"


@dataclass
class Thing:
    whole: Any = 1
    number: Any = 0.5
    words: Any = "w"
    colour: Any = Colour.RED
    many: Any = ()
    inner: Any = None


def attribute(kind: GraphQLOutputType, name: str) -> GraphQLField:
    def resolve(source: Any, _: Any) -> Any:
        return getattr(source, name)

    return GraphQLField(kind, resolve=resolve, extensions={ATTRIBUTE: name})


KINDS: dict[str, GraphQLScalarType | GraphQLEnumType] = {
    "whole": GraphQLInt,
    "number": GraphQLFloat,
    "words": GraphQLString,
    "colour": GraphQLEnumType("Colour", Colour),
}
THING: GraphQLObjectType = GraphQLObjectType(
    "Thing",
    lambda: {
        **{name: attribute(kind, name) for name, kind in KINDS.items()},
        **{f"{name}Always": attribute(GraphQLNonNull(kind), name) for name, kind in KINDS.items()},
        "many": attribute(GraphQLList(GraphQLInt), "many"),
        "inner": attribute(THING, "inner"),
        "gone": attribute(GraphQLInt, "gone"),
    },
)
SCHEMA = GraphQLSchema(
    GraphQLObjectType("Query", {"thing": GraphQLField(THING, resolve=lambda source, _: source)})
)
FIELDS = ["__typename", "gone", "many", *KINDS, *(f"{name}Always" for name in KINDS)]
values = st.sampled_from([None, 0, 1, 2**40, 0.5, float("nan"), "7", "", True, Colour.BLUE, (), [1, None]])
things = st.builds(Thing, values, values, values, values, values)


def both(source: Any, fields: list[str]) -> tuple[Any, Any]:
    document = parse(f"{{ thing {{ {' '.join(fields)} inner {{ {' '.join(fields)} }} again: whole }} }}")
    slow = execute_sync(SCHEMA, document, source)
    return slow.formatted, execute_sync(SCHEMA, document, source, executor_class=LeafExecutor).formatted


@given(things, things, st.lists(st.sampled_from(FIELDS), min_size=1, unique=True))
def test_it_answers_what_the_slow_one_does(outer: Thing, inner: Thing, fields: list[str]) -> None:
    outer.inner = inner
    slow, quick = both(outer, fields)
    assert repr(quick) == repr(slow)


def test_an_error_names_its_field_as_the_slow_one_does() -> None:
    slow, quick = both(Thing(words=None), ["wordsAlways"])
    assert quick == slow
    assert [error["path"] for error in quick["errors"]] == [["thing", "wordsAlways"]]


@pytest.mark.parametrize("name", ["Ring", "Claim", "BuyerRisk", "RiskSignal"])
def test_fields_of_our_schema_are_known_to_be_attributes(name: str) -> None:
    kind = build_schema().type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    assert sum(ATTRIBUTE in field.extensions for field in kind.fields.values()) > 3
