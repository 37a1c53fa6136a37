"""Pages of what is listed in memory, for lists of up to some thousand, and of what a store lists."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from ringfence.domain.pages import Key, Page

Item = TypeVar("Item")
Read = TypeVar("Read")
ALL = 2**31
"""More than stand on any list: asks for a page of all of it."""


def latest_first(
    items: Iterable[Item], key_of: Callable[[Item], Key], first: int, after: Key | None
) -> Page[Item]:
    """Give up to `first` items after a key, those with the greatest value first, ties by id."""

    def place(key: Key) -> tuple[float, str]:
        return -key.value, key.id

    keyed = sorted(((key_of(item), item) for item in items), key=lambda both: place(both[0]))
    begin = sum(place(key) <= place(after) for key, _ in keyed) if after is not None else 0
    shown = keyed[begin : begin + first]
    return Page(
        tuple(item for _, item in shown),
        tuple(key for key, _ in shown),
        begin + first < len(keyed),
        len(keyed),
    )


def mapped(page: Page[Item], read: Callable[[Item], Read]) -> Page[Read]:
    """Give a page with its items as they are read from what the store lists."""
    return Page(tuple(map(read, page.items)), page.keys, page.has_next, page.total)
