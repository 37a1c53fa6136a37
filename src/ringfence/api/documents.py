"""Queries that were read once: parsed, found small enough and valid, kept by their text."""

from collections.abc import Mapping
from functools import lru_cache

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)

from ringfence.api.cost import CostOfOperation
from ringfence.api.limits import Limits, check_extent
from ringfence.api.permissions import MUTATION, coordinates_of
from ringfence.api.subjects import AskedSubjects
from ringfence.domain.errors import InvalidError, RingfenceError

_KEPT = 256
_ABOUT_NOBODY = frozenset({("Query", "version")})
"""Fields that say nothing of anybody, as those of the schema."""
_PLUMBING = ("Connection", "Edge", "PageInfo")
_LONGEST_NAME = 100
_MOST_ERRORS = 10


class Operation:
    """One operation of a valid document."""

    def __init__(
        self,
        schema: GraphQLSchema,
        node: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        limits: Limits,
    ) -> None:
        self.variables = node.variable_definitions or ()
        """Its declarations of variables."""
        self.coordinates = coordinates_of(schema, node, fragments)
        """The fields it asks for."""
        self.cost = CostOfOperation(schema, node, fragments, limits.page)
        """What it costs."""
        self.changes = sorted(name for kind, name in self.coordinates if kind == MUTATION)
        """The names of what it changes; none for a query."""
        self.asked = AskedSubjects(schema, node, fragments)
        """Whom and what it asks for."""
        root = schema.get_root_type(node.operation)
        at_root = [name for kind, name in self.coordinates if root is not None and kind == root.name]
        self.name = ",".join(sorted(at_root))
        """What it asks for or changes, such as `buyer`."""
        self.given_name = node.name.value[:_LONGEST_NAME] if node.name else self.name
        """What whoever wrote it calls it."""
        self.fields = tuple(
            sorted(f"{kind}.{name}" for kind, name in self.coordinates if not kind.endswith(_PLUMBING))
        )
        """The names of its fields, but for those of pages."""
        self.is_about_somebody = not self.coordinates <= _ABOUT_NOBODY
        """Whether it is written into the audit."""


class Document:
    """A valid query text, and its operations by name ("" for one without)."""

    def __init__(self, schema: GraphQLSchema, node: DocumentNode, limits: Limits) -> None:
        fragments = {
            one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self.node = node
        self._operations = {
            one.name.value if one.name else "": Operation(schema, one, fragments, limits)
            for one in node.definitions
            if isinstance(one, OperationDefinitionNode)
        }

    def operation(self, name: str | None) -> Operation:
        """Give the operation of that name, or the only one. Raises InvalidError if there is no such one."""
        if name is None and len(self._operations) == 1:
            return next(iter(self._operations.values()))
        if name not in self._operations:
            names = ", ".join(sorted(self._operations)) or "one without a name"
            raise InvalidError(
                f"The query has no operation {name}; it has {names}."
                if name
                else f"The query has several operations ({names}); say by operationName which one to run."
            )
        return self._operations[name]


class Documents:
    """Query texts as documents; the last ones asked for are kept."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema, self._limits = schema, limits
        self.read = lru_cache(_KEPT)(self._read)
        """Give the document of a query text. Raises InvalidError, or InvalidQueryError for what is not
        GraphQL or does not fit the schema."""

    def _read(self, text: str) -> Document:
        try:
            node = parse(text, max_lexical_tokens=self._limits.tokens, max_comments=self._limits.tokens)
        except GraphQLError as error:
            raise InvalidQueryError([error]) from error
        for one in node.definitions:
            if isinstance(one, OperationDefinitionNode) and one.operation is OperationType.SUBSCRIPTION:
                raise InvalidError("There is no subscription here; ask by a query.")
        check_extent(node, self._limits)
        errors = validate(self._schema, node, max_errors=_MOST_ERRORS)
        if errors:
            raise InvalidQueryError(errors)
        return Document(self._schema, node, self._limits)


class InvalidQueryError(InvalidError):
    """The query is no GraphQL, or does not fit the schema."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = [_without_faults(error) for error in errors]
        """Each with its place in the query."""


def _without_faults(error: GraphQLError) -> GraphQLError:
    """Let a value that nobody can read, such as a number of thousands of digits, be a refusal like others."""
    if error.original_error is None or isinstance(error.original_error, RingfenceError):
        return error
    return GraphQLError("This value is not of the type that is asked for.", error.nodes)
