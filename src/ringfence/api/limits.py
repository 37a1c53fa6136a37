"""How large a query may be, judged from its text alone: before it is validated, before anything is read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from ringfence.domain.errors import InvalidError


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for, and one key in the course of time."""

    body_bytes: int = 65_536
    """Of a request."""
    tokens: int = 1_000
    """Words, numbers and signs of a query; comments are as many at most."""
    depth: int = 15
    """Levels of fields; as many as GraphiQL's question for the schema has."""
    fields: int = 400
    """Those of a fragment as often as it is spread. Validation compares fields of one name with each other,
    so that its time grows with their square; GraphiQL's question for the schema has 229."""
    aliases: int = 50
    root_fields: int = 20
    changes: int = 1
    """Fields at the root of a mutation: what one changes is done and told as a whole, or not at all."""
    fragments: int = 30
    directives: int = 30
    repeats: int = 10
    """How often one field may stand in one place."""
    cost: int = 10_000
    """Objects that one query may ask for, all its connections being full."""
    page: int = 100
    """Objects of one page."""
    burst: int = 50_000
    """Objects that a key may ask for at once, after a rest."""
    per_second: int = 5_000
    """Objects that a key may ask for in the long run."""
    at_once: int = 200
    """Requests that may wait for an answer."""
    threads: int = 8
    """Requests that are worked on at once."""
    writers: int = 4
    """Mutations among these; the store lets them write one after another, and queries are not to wait."""


@dataclass(frozen=True, slots=True)
class _Extent:
    """How far a selection reaches, all fragments spread out."""

    depth: int = 0
    size: int = 0
    """Number of fields."""
    aliases: int = 0
    directives: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    """How often each name stands directly in the selection."""


def check_extent(document: DocumentNode, limits: Limits) -> None:
    """Refuse a query that reaches too far; raises InvalidError that says what there is too much of.

    Each fragment is looked at once, however often it is spread, so that the time it takes grows with the
    query's length only.
    """
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    _refuse("fragments", len(fragments), limits.fragments)
    walk = _Walk(fragments, limits)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            extent = walk.extent(node.selection_set)
            _refuse("levels", extent.depth, limits.depth)
            _refuse("aliases", extent.aliases, limits.aliases)
            _refuse("directives", extent.directives + len(node.directives or ()), limits.directives)
            is_query = node.operation is OperationType.QUERY
            most = limits.root_fields if is_query else limits.changes
            _refuse("fields at its root", extent.fields.total(), most)
    for fragment in fragments.values():
        walk.fragment(fragment.name.value)


class _Walk:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], limits: Limits) -> None:
        self._fragments, self._limits = fragments, limits
        self._known: dict[str, _Extent] = {}
        self._entered: set[str] = set()

    def extent(self, selections: SelectionSetNode) -> _Extent:
        depth = size = aliases = directives = 0
        fields: Counter[str] = Counter()
        for node in selections.selections:
            inner = _Extent()
            if isinstance(node, FieldNode):
                fields[node.alias.value if node.alias else node.name.value] += 1
                size += 1
                aliases += node.alias is not None
                if node.selection_set:
                    inner = self.extent(node.selection_set)
                depth = max(depth, 1 + inner.depth)
            elif isinstance(node, FragmentSpreadNode | InlineFragmentNode):
                inner = (
                    self.extent(node.selection_set)
                    if isinstance(node, InlineFragmentNode)
                    else self.fragment(node.name.value)
                )
                fields.update(inner.fields)
                depth = max(depth, inner.depth)
            size += inner.size
            aliases += inner.aliases
            directives += inner.directives + len(node.directives or ())
        # Here and not at the end, since fragments that nothing spreads are validated, too.
        _refuse("fields", size, self._limits.fields)
        most = max(fields.values(), default=0)
        _refuse("fields of one name in one place", most, self._limits.repeats)
        return _Extent(depth, size, aliases, directives, fields)

    def fragment(self, name: str) -> _Extent:
        if name not in self._fragments:
            return _Extent()
        if name in self._entered:
            raise InvalidError(f"Fragment {name} spreads itself.")
        if name not in self._known:
            self._entered.add(name)
            node = self._fragments[name]
            self._known[name] = self.extent(node.selection_set)
            self._entered.discard(name)
        return self._known[name]


def _refuse(what: str, number: int, limit: int) -> None:
    if number > limit:
        raise InvalidError(f"The query has too many {what}: {number:,}, and {limit:,} are allowed.")
