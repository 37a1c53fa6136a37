"""Connections: pages of lists in the manner of Relay, from cursor to cursor."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import strawberry

from ringfence.api.cursors import Cursor, read_cursor, write_cursor
from ringfence.domain.errors import InvalidError
from ringfence.domain.pages import Key, Page

NodeType = TypeVar("NodeType")
_Item = TypeVar("_Item")

First = Annotated[int, strawberry.argument(description="How many to answer, 1 to 100.")]
After = Annotated[
    str | None,
    strawberry.argument(description="A cursor of the page before: what follows it is answered."),
]


@strawberry.type
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there was something before this page.")
    start_cursor: str | None = strawberry.field(
        description="Cursor of the first item; null on an empty page."
    )
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last item, for the `after` of the next page; null on an empty page."
    )


@strawberry.type
class Edge(Generic[NodeType]):
    """An item of a list, and its place there."""

    cursor: str = strawberry.field(description="Where the item stands; the `after` of what follows it.")
    node: NodeType = strawberry.field(description="The item.")


@strawberry.type
class Connection(Generic[NodeType]):
    """A page of a list. All its pages are of the same run, however many runs are published meanwhile."""

    nodes: list[NodeType] = strawberry.field(description="The items of the page.")
    total_count: int = strawberry.field(description="How many items the whole list has.")
    _page: strawberry.Private["_Place"]

    @strawberry.field
    def edges(self) -> list[Edge[NodeType]]:
        """The items of the page with their cursors."""
        return [
            Edge(cursor=cursor, node=node)
            for cursor, node in zip(self._page.cursors(), self.nodes, strict=True)
        ]

    @strawberry.field
    def page_info(self) -> PageInfo:
        """Where the page stands in the list."""
        cursors = self._page.cursors()
        return PageInfo(
            has_next_page=self._page.has_next,
            has_previous_page=self._page.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )


class _Place:
    """What a page knows of its place; cursors are written only if somebody asks for them."""

    def __init__(
        self, list_name: str, run_id: int, keys: Sequence[Key], *, has_next: bool, has_previous: bool
    ) -> None:
        self._list_name, self._run_id, self._keys = list_name, run_id, keys
        self.has_next, self.has_previous = has_next, has_previous

    def cursors(self) -> list[str]:
        return [write_cursor(self._list_name, Cursor(self._run_id, key)) for key in self._keys]


def connection(
    list_name: str,
    page: Page[_Item],
    nodes: list[NodeType],
    *,
    run_id: int = 0,
    has_previous: bool,
) -> Connection[NodeType]:
    """Answer a page that a store gave; `nodes` are its items as they are answered."""
    place = _Place(list_name, run_id, page.keys, has_next=page.has_next, has_previous=has_previous)
    return Connection(nodes=nodes, total_count=page.total, _page=place)


def connection_of_all(
    list_name: str,
    items: Sequence[_Item],
    id_of: Callable[[_Item], str],
    nodes_of: Callable[[Sequence[_Item]], list[NodeType]],
    first: int,
    after: str | None,
    run_id: int,
) -> Connection[NodeType]:
    """Answer a page of a list that is at hand as a whole; within one run its order never changes.

    Raises InvalidError for a cursor of another list or run.
    """
    cursor = read_cursor(list_name, after)
    start = 0
    if cursor is not None:
        if cursor.run_id != run_id:
            raise InvalidError(
                f"`after` is a cursor of run {cursor.run_id}, this is run {run_id}; "
                f"ask for run {cursor.run_id}, or leave `after` out to start anew."
            )
        ids = [id_of(item) for item in items]
        if cursor.key.id not in ids:
            raise InvalidError(
                f"`after` is no cursor of this list ({list_name}); leave it out to start anew."
            )
        start = ids.index(cursor.key.id) + 1
    chosen = items[start : start + first]
    place = _Place(
        list_name,
        run_id,
        [Key(0.0, id_of(item)) for item in chosen],
        has_next=start + first < len(items),
        has_previous=start > 0,
    )
    return Connection(nodes=nodes_of(chosen), total_count=len(items), _page=place)
