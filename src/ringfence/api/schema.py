"""The schema, put together, with the docstrings of its types and fields as descriptions."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    print_schema,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.utils.str_converters import to_camel_case

from ringfence.api.executor import ATTRIBUTE
from ringfence.api.subjects import noting
from ringfence.api.types.enums import MEANINGS
from ringfence.api.types.mutation import Mutation
from ringfence.api.types.query import Query
from ringfence.api.types.scalars import SCALARS

_DEFINITION = "strawberry-definition"


@cache
def build_schema() -> GraphQLSchema:
    """Build the schema that documents are validated and run against; the same one each time."""
    whole = strawberry.Schema(query=Query, mutation=Mutation, config=StrawberryConfig(scalar_map=SCALARS))
    # The executor works on the schema beneath, which strawberry offers nowhere else.
    schema = whole._schema
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and _DEFINITION in kind.extensions:
            _finish(kind)
        elif isinstance(kind, GraphQLInputObjectType):
            kind.description = inspect.getdoc(kind.extensions[_DEFINITION].origin)
    for words, meaning, meanings in MEANINGS:
        enum = schema.type_map[words.__name__]
        enum.description = meaning
        if isinstance(enum, GraphQLEnumType):
            for name, value in enum.values.items():
                value.description = meanings[words[name]]
    return schema


def schema_text() -> str:
    """Give the schema as text, as it is kept in schema.graphql."""
    return print_schema(build_schema()) + "\n"


def _finish(kind: GraphQLObjectType | GraphQLInterfaceType) -> None:
    definition: Any = kind.extensions[_DEFINITION]
    kind.description = kind.description or inspect.getdoc(definition.origin)
    for field in kind.fields.values():
        known: Any = field.extensions.get(_DEFINITION)
        if known is None:
            continue
        if known.base_resolver is None:
            # Most of an answer is made of these: strawberry's own way takes a fifth of a page's time.
            field.resolve = _attribute(known.python_name)
            field.extensions = field.extensions | {ATTRIBUTE: known.python_name}
        else:
            field.description = field.description or inspect.getdoc(known.base_resolver.wrapped_func)
            if not any(_is_input(argument.type) for argument in field.args.values()):
                # Strawberry would convert arguments, and wrap what is known of the request, for each object;
                # only inputs need it, words come as members of their enum.
                names = {
                    argument.graphql_name or to_camel_case(argument.python_name): argument.python_name
                    for argument in known.arguments
                }
                assert names.keys() == field.args.keys()
                field.resolve = _called(known.base_resolver.wrapped_func, names)
        if isinstance(get_named_type(field.type), GraphQLObjectType | GraphQLInterfaceType):
            assert field.resolve is not None
            field.resolve = noting(field.resolve)


def _attribute(name: str) -> Callable[[Any, Any], Any]:
    def resolve(source: Any, _: Any) -> Any:
        return getattr(source, name)

    return resolve


def _is_input(kind: GraphQLInputType) -> bool:
    """Say whether such an argument is an input, of which GraphQL reads a mapping."""
    return isinstance(get_named_type(kind), GraphQLInputObjectType)


def _called(function: Callable[..., Any], names: Mapping[str, str]) -> Callable[..., Any]:
    """Make a resolver of a method; `names` gives its parameters by the names of arguments."""
    takes_info = "info" in inspect.signature(function).parameters

    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        given = {names[name]: value for name, value in arguments.items()}
        return function(source, info=info, **given) if takes_info else function(source, **given)

    return resolve
