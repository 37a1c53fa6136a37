"""Whom and what an operation is about: the ids it asks for, and those it answers."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_argument_values,
    get_named_type,
)
from graphql.execution.values import VariableValues

from ringfence.api.global_ids import read_global_id
from ringfence.domain.errors import InvalidError

_ANSWERED = (
    "buyer_id", "ring_id", "lead_id", "verification_id", "recovery_id", "report_id", "buyer_a", "buyer_b",
    "from_buyer_id", "to_buyer_id",
)  # fmt: skip
"""What of an object is noted when it is answered, whether it was asked for or not."""
_BUYERS = frozenset({"from", "to"})
"""Arguments that name buyers though they do not say so."""
BUYER = "Buyer"


class AskedSubjects:
    """The ids that the arguments at the root of one operation name, each with what kind of thing it names."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> None:
        root = schema.get_root_type(operation.operation)
        fields: Mapping[str, GraphQLField] = {} if root is None else root.fields
        self._fields = [
            (fields[node.name.value], node)
            for node in fields_at_root(operation.selection_set, fragments, set())
            if node.name.value in fields and fields[node.name.value].args
        ]

    def of(self, variables: VariableValues) -> set[tuple[str, str]]:
        """Give (kind, id) of each under variables that were coerced; what is not valid names nothing."""
        found: set[tuple[str, str]] = set()
        for field, node in self._fields:
            try:
                given = get_argument_values(field, node, variables)
            except GraphQLError:
                continue
            answers = get_named_type(field.type).name
            for name, argument in field.args.items():
                value = given.get(argument.out_name or name)
                found.update(_ids(name, argument.type, value, answers))
        return found


def noting(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Let a resolver of objects note whom and what it answers."""

    def resolved(source: Any, info: Any, **arguments: Any) -> Any:
        answered = resolve(source, info, **arguments)
        if answered is not None:
            subjects: set[str] = info.context.subjects
            for one in answered if isinstance(answered, list) else (answered,):
                kind = type(one)
                if kind not in names:
                    names[kind] = [name for name in _ANSWERED if hasattr(one, name)]
                for name in names[kind]:
                    own_id = getattr(one, name)
                    if own_id is not None:
                        subjects.add(own_id)
        return answered

    names: dict[type, list[str]] = {}
    return resolved


def fields_at_root(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], entered: set[str]
) -> Iterator[FieldNode]:
    """Give the fields of a selection and its fragments, each of these once; `entered` are known ones."""
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from fields_at_root(node.selection_set, fragments, entered)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in entered:
            entered.add(node.name.value)
            yield from fields_at_root(fragments[node.name.value].selection_set, fragments, entered)


def _ids(name: str, kind: GraphQLInputType, value: Any, answers: str) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, list):
        for one in value:
            yield from _ids(name, kind, one, answers)
        return
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        for inner, field in named.fields.items():
            yield from _ids(inner, field.type, value.get(field.out_name or inner), answers)
    elif named.name == "ID":
        yield _named(name, str(value), answers)


def _named(name: str, own_id: str, answers: str) -> tuple[str, str]:
    """Say what an id names: by its argument, by what is answered, or by itself."""
    if answers == "Node":
        try:
            kind, own_id = read_global_id(own_id)
        except InvalidError:
            return answers, own_id
    elif name in _BUYERS:
        kind = BUYER
    elif name.startswith("id"):
        kind = answers
    else:
        kind = name[0].upper() + name[1:]
    return (BUYER if kind.startswith(BUYER) else kind), own_id
