"""A page of a list that is read from key to key, never by counting off rows."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Key:
    """Where an item stands in its list: what the list is sorted by, then the id."""

    value: float
    id: str


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Up to `first` items after a key."""

    items: tuple[Item, ...]
    keys: tuple[Key, ...]
    """One an item."""
    has_next: bool
    total: int
    """How many items the whole list has."""
