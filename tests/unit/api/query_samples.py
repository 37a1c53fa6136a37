"""Small queries at random, and what they are with all fragments spread out: the slow way to see it."""

from collections import Counter
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)
from hypothesis import strategies as st

_FRAGMENTS = 3


@dataclass
class Whole:
    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    repeats: int = 0


def documents() -> st.SearchStrategy[DocumentNode]:
    """Queries whose fragments F0 … spread only later ones."""

    def selections(fragment: int) -> st.SearchStrategy[str]:
        field = st.builds(
            "{}{}{}".format,
            st.sampled_from(["", "x: ", "y: "]),
            st.sampled_from(["a", "b"]),
            st.sampled_from(["", " @x", " @x @y"]),
        )
        spread = st.sampled_from([f"...F{i}" for i in range(fragment, _FRAGMENTS)] or ["c"])
        return st.recursive(
            field | spread,
            lambda inner: st.builds(
                "{} {{ {} }}".format,
                field | st.just("... on T"),
                st.lists(inner, min_size=1, max_size=3).map(" ".join),
            ),
            max_leaves=6,
        )

    texts = [selections(0).map("query {{ {} }}".format)] + [
        selections(i + 1).map((f"fragment F{i} on T " + "{{ {} }}").format) for i in range(_FRAGMENTS)
    ]
    return st.tuples(*texts).map(lambda parts: parse(" ".join(parts)))


def spread_out(document: DocumentNode) -> Whole:
    """Walk the query, every fragment again wherever it is spread; unused fragments are looked at, too."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    whole = Whole()

    def direct(selections: SelectionSetNode) -> Counter[str]:
        found: Counter[str] = Counter()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                found[node.alias.value if node.alias else node.name.value] += 1
            elif isinstance(node, InlineFragmentNode):
                found += direct(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                found += direct(fragments[node.name.value].selection_set)
        return found

    def size(selections: SelectionSetNode) -> int:
        number = 0
        for node in selections.selections:
            if isinstance(node, FragmentSpreadNode):
                number += size(fragments[node.name.value].selection_set)
            elif isinstance(node, FieldNode | InlineFragmentNode):
                number += isinstance(node, FieldNode) + (
                    size(node.selection_set) if node.selection_set else 0
                )
        return number

    def walk(selections: SelectionSetNode, level: int, *, counts: bool) -> None:
        whole.repeats = max(whole.repeats, *direct(selections).values())
        for node in selections.selections:
            if counts:
                whole.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                if counts:
                    whole.aliases += node.alias is not None
                    whole.depth = max(whole.depth, level)
                if node.selection_set:
                    walk(node.selection_set, level + 1, counts=counts)
            elif isinstance(node, InlineFragmentNode):
                walk(node.selection_set, level, counts=counts)
            elif isinstance(node, FragmentSpreadNode):
                walk(fragments[node.name.value].selection_set, level, counts=counts)

    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode):
            whole.fields = max(whole.fields, size(node.selection_set))
            walk(node.selection_set, 1, counts=isinstance(node, OperationDefinitionNode))
    return whole
