"""Executes operations; numbers and words that are attributes of an object are answered without ado."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import GraphQLObjectType, Undefined, is_leaf_type, is_non_null_type
from graphql.execution import Executor
from graphql.pyutils import Path

ATTRIBUTE = "attribute"
"""Among a field's extensions: the attribute that answers it."""
_TYPES = 1_000


@dataclass(frozen=True, slots=True)
class _Leaf:
    attribute: str
    is_non_null: bool
    coerce: Callable[[Any], Any]


class LeafExecutor(Executor[None]):
    """The executor of GraphQL's, quicker where most fields are leaves; nothing here is awaited.

    Whatever is out of the ordinary is left to the slow way, errors above all.
    """

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: Any,
        position_context: None,
    ) -> dict[str, Any]:
        """Answer the fields of one object."""
        leaves = _leaves_of(parent_type)
        results: dict[str, Any] = {}
        for response_name, details in grouped_field_set.items():
            leaf = leaves.get(details[0].node.name.value)
            answered = Undefined if leaf is None else _answer(leaf, source_value)
            if answered is Undefined:
                field_path = Path(path, response_name, parent_type.name)
                answered = self.execute_field(
                    parent_type, source_value, details, field_path, position_context
                )
            if answered is not Undefined:
                results[response_name] = answered
        return results


def _answer(leaf: _Leaf, source: Any) -> Any:
    """Give a leaf's value as it is told; Undefined where something is amiss."""
    try:
        value = getattr(source, leaf.attribute)
        if value is None:
            return Undefined if leaf.is_non_null else None
        told = leaf.coerce(value)
    except Exception:
        return Undefined
    return Undefined if told is None else told


@lru_cache(_TYPES)
def _leaves_of(kind: GraphQLObjectType) -> dict[str, _Leaf]:
    leaves = {}
    for name, field in kind.fields.items():
        is_non_null = is_non_null_type(field.type)
        own = field.type.of_type if is_non_null else field.type
        if ATTRIBUTE in field.extensions and not field.args and is_leaf_type(own):
            leaves[name] = _Leaf(field.extensions[ATTRIBUTE], is_non_null, own.coerce_output_value)
    return leaves
