"""The schema, put together, with the docstrings of its types and fields as descriptions."""

import inspect
from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from ringfence.api.types import enums
from ringfence.api.types.query import Query
from ringfence.api.types.scalars import SCALARS

_DEFINITION = "strawberry-definition"


@cache
def build_schema() -> GraphQLSchema:
    """Build the schema that documents are validated and run against; the same one each time."""
    enums.describe()
    whole = strawberry.Schema(query=Query, config=StrawberryConfig(scalar_map=SCALARS))
    # The executor works on the schema beneath, which strawberry offers nowhere else.
    schema = whole._schema
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and _DEFINITION in kind.extensions:
            _describe(kind)
    return schema


def _describe(kind: GraphQLObjectType | GraphQLInterfaceType) -> None:
    definition: Any = kind.extensions[_DEFINITION]
    kind.description = kind.description or inspect.getdoc(definition.origin)
    for field in kind.fields.values():
        known: Any = field.extensions.get(_DEFINITION)
        if field.description is None and known is not None and known.base_resolver is not None:
            field.description = inspect.getdoc(known.base_resolver.wrapped_func)
