"""The numbers under which buyers, merchants and values stand in the graph."""

from collections.abc import Sequence
from typing import Any

from ringfence.store.neo4j.database import Database

_ASKED_AT_ONCE = 20_000
_KNOWN = {
    "buyers": "find_buyer_numbers",
    "merchants": "find_merchant_numbers",
    "identifiers": "find_value_numbers",
}


class Neo4jNumbering:
    """Numbers by subject, as of the loads before one; claims, orders and reports need none in a graph."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, subject: str, load: int) -> int:
        """Give the last number that loads before `load` gave; 0 if none did."""
        if subject not in _KNOWN:
            return 0
        row = self._database.one("find_last_numbers", load=load - 1)
        return int(dict(zip(_KNOWN, row, strict=True))[subject]) if row else 0

    def known(self, subject: str, load: int, names: Sequence[str] | Sequence[bytes]) -> dict[Any, int]:
        """Give the numbers of those of `names` that have one."""
        found: dict[Any, int] = {}
        for begin in range(0, len(names), _ASKED_AT_ONCE):
            piece = names[begin : begin + _ASKED_AT_ONCE]
            asked = [name.hex() if isinstance(name, bytes) else name for name in piece]
            for places, numbers in self._database.all(_KNOWN[subject], load=load, names=asked, bulk=True):
                found.update((piece[place], number) for place, number in zip(places, numbers, strict=True))
        return found
