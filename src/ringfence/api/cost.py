"""What a query costs: an object 1, a scalar 0, a connection its size, all of it being full.

A mutation costs what it answers, and what it is to write; a search costs the search.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

from ringfence.api.subjects import fields_at_root
from ringfence.domain.errors import InvalidError

_LIST = 5
"""How long a list is taken to be that is no connection."""
_READ = 4
"""What a field costs besides that reads the store for one object alone, and not for all of a list at once."""
_WRITE = 10
"""What a mutation costs besides."""
_SEARCH = 1_000
"""What a search for a path costs besides: it may come by some thousand buyers."""
_PATH = "path"
READS_ALONE = frozenset(
    {
        ("Network", "rings"),
        ("Ring", "decisions"),
        ("RingMember", "buyer"),
        ("LeadBuyer", "buyer"),
        ("Buyer", "claims"),
        ("Buyer", "links"),
        ("Buyer", "reports"),
        ("Buyer", "rings"),
        ("Buyer", "score"),
        ("Buyer", "sharedIdentifiers"),
        ("Recovery", "events"),
        ("Recovery", "verification"),
        ("Verification", "events"),
        ("Verification", "recoveries"),
        ("VerificationFile", "claims"),
        ("VerificationFile", "reports"),
        ("VerificationFile", "ring"),
    }
)
_FIRST, _IDS = "first", "ids"
"""Arguments that say how long a list is: by a number, and by what it is of."""


class _Cost(NamedTuple):
    """Objects of a selection: some in any case, some for each item of the connection it belongs to."""

    fixed: int
    each: int


class CostOfOperation:
    """The cost of one operation; worked out once if it does not depend on variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        largest_page: int,
    ) -> None:
        self._schema, self._operation, self._fragments = schema, operation, fragments
        self._largest_page = largest_page
        self._static: int | None = None
        at_root = fields_at_root(operation.selection_set, fragments, set())
        searches = sum(node.name.value == _PATH for node in at_root)
        is_change = operation.operation is OperationType.MUTATION
        self.of_work = _SEARCH * searches + _WRITE * is_change
        """What it costs whatever it answers."""

    def of(self, variables: Mapping[str, Any]) -> int:
        """Give the cost under variables that were coerced.

        Raises InvalidError for a page that is not from 1 to the largest.
        """
        if self._static is not None:
            return self._static
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None
        walk = _Walk(self._schema, self._fragments, variables, self._largest_page)
        cost = self.of_work + walk.selections(self._operation.selection_set, root).fixed
        if not walk.depends_on_variables:
            self._static = cost
        return cost


class _Walk:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
        largest_page: int,
    ) -> None:
        self.depends_on_variables = False
        self._schema, self._fragments = schema, fragments
        self._variables, self._largest_page = variables, largest_page
        self._known: dict[str, _Cost] = {}

    def selections(self, selections: SelectionSetNode, parent: GraphQLNamedType) -> _Cost:
        fixed = each = 0
        for node in selections.selections:
            inner = _Cost(0, 0)
            if isinstance(node, FieldNode):
                inner = self._field(node, parent)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                on = self._schema.type_map[condition.name.value] if condition else parent
                inner = self.selections(node.selection_set, on)
            elif isinstance(node, FragmentSpreadNode):
                inner = self._fragment(node.name.value)
            fixed, each = fixed + inner.fixed, each + inner.each
        return _Cost(fixed, each)

    def _fragment(self, name: str) -> _Cost:
        if name not in self._known:
            node = self._fragments[name]
            on = self._schema.type_map[node.type_condition.name.value]
            self._known[name] = self.selections(node.selection_set, on)
        return self._known[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> _Cost:
        name = node.name.value
        read = _READ if (parent.name, name) in READS_ALONE else 0
        field = _field_of(self._schema, parent, name)
        if field is None or not is_composite_type(get_named_type(field.type)):
            return _Cost(read, 0)
        assert node.selection_set is not None
        kind = get_named_type(field.type)
        inner = self.selections(node.selection_set, kind)
        is_list = is_list_type(get_nullable_type(field.type))
        if is_list and parent.name.endswith("Connection"):
            return _Cost(0, 1 + inner.fixed)
        size = self._size(node, field)
        if is_list:
            return _Cost(read + size * (1 + inner.fixed), 0)
        return _Cost(read + 1 + inner.fixed + size * inner.each, 0)

    def _size(self, node: FieldNode, field: GraphQLField) -> int:
        """Give how long a list is at most."""
        name = next((name for name in (_FIRST, _IDS) if name in field.args), None)
        if name is None:
            return _LIST
        size = self._number(node) if name == _FIRST else self._length(node)
        if not isinstance(size, int) or not 1 <= size <= self._largest_page:
            told = "must be" if name == _FIRST else "must name"
            raise InvalidError(
                f"{node.name.value}({name}:) {told} from 1 to {self._largest_page}, not {size}."
            )
        return size

    def _number(self, node: FieldNode) -> Any:
        """Give the size of a page that is asked for."""
        value = _argument(node, _FIRST)
        if isinstance(value, VariableNode):
            return self._variable(value)
        return int(value.value) if isinstance(value, IntValueNode) else 0

    def _length(self, node: FieldNode) -> int:
        """Give how many ids are named; one that is no list stands for a list of it."""
        value = _argument(node, _IDS)
        if isinstance(value, VariableNode):
            return len(self._variable(value))
        return len(value.values) if isinstance(value, ListValueNode) else 1

    def _variable(self, node: VariableNode) -> Any:
        self.depends_on_variables = True
        return self._variables.get(node.name.value)


def _argument(node: FieldNode, name: str) -> ValueNode:
    """Find an argument; validation saw to it that it is given."""
    return next(one.value for one in node.arguments or () if one.name.value == name)


def _field_of(schema: GraphQLSchema, parent: GraphQLNamedType, name: str) -> GraphQLField | None:
    """Find a field; those that tell about the schema itself are at hand everywhere, and cost like others."""
    fields: Mapping[str, GraphQLField] = getattr(parent, "fields", {})
    return fields.get(name) or {
        "__schema": _introspection(schema, "__Schema"),
        "__type": _introspection(schema, "__Type"),
    }.get(name)


def _introspection(schema: GraphQLSchema, name: str) -> GraphQLField:
    kind: Any = schema.type_map[name]
    return GraphQLField(kind)


def size_of(data: Any) -> int:
    """Count the objects of an answer, as they cost; without the answer itself."""
    count, left = -1, [data]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            count += 1
            left.extend(inner for inner in value.values() if isinstance(inner, dict | list))
        elif isinstance(value, list):
            left.extend(value)
    return max(count, 0)
