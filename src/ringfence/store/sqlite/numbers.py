"""The numbers under which buyers, merchants and values stand in the embedded store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ringfence.store.sqlite.database import Database

_ASKED_AT_ONCE = 5_000
_LAST = {
    "buyers": "SELECT buyer FROM buyers WHERE load < ? ORDER BY buyer DESC LIMIT 1",
    "merchants": "SELECT merchant FROM merchants WHERE load < ? ORDER BY merchant DESC LIMIT 1",
    "identifiers": "SELECT value FROM identifiers WHERE load < ? ORDER BY value DESC LIMIT 1",
    "claims": "SELECT claim FROM claims WHERE load < ? ORDER BY claim DESC LIMIT 1",
    "orders": 'SELECT "order" FROM orders WHERE load < ? ORDER BY "order" DESC LIMIT 1',
    "reports": "SELECT report FROM reports WHERE load < ? ORDER BY report DESC LIMIT 1",
}
_KNOWN = {
    "buyers": "SELECT buyer_id, buyer FROM buyers WHERE load < ? AND buyer_id IN ",
    "merchants": "SELECT merchant_id, merchant FROM merchants WHERE load < ? AND merchant_id IN ",
    "identifiers": "SELECT exact, value FROM identifiers WHERE load < ? AND exact IN ",
}


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of N things."""

    number: NDArray[np.int32]
    """int32[N]."""
    is_new: NDArray[np.bool_]
    """bool[N]: not known to loads before."""


def last_number(database: Database, table: str, load: int) -> int:
    """Give the last number that loads before `load` gave; 0 if none did."""
    row = database.one(_LAST[table], (load,))
    return int(row[0]) if row else 0


def numbers_of(
    database: Database, table: str, names: Sequence[str] | Sequence[bytes], load: int, base: int
) -> Numbers:
    """Look up how loads before `load` number `names`, and number the others from `base` + 1 on.

    The same for an interrupted load when it is taken up, since what it wrote itself does not count.
    """
    number = np.zeros(len(names), np.int64)
    if last_number(database, table, load):
        known = dict(_rows(database, _KNOWN[table], load, names))
        number[:] = [known.get(name, 0) for name in names]
    is_new = number == 0
    number[is_new] = base + 1 + np.arange(int(is_new.sum()))
    return Numbers(number.astype(np.int32), is_new)


def _rows(database: Database, statement: str, load: int, names: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for begin in range(0, len(names), _ASKED_AT_ONCE):
        piece = names[begin : begin + _ASKED_AT_ONCE]
        yield from database.all(f"{statement}({', '.join('?' * len(piece))})", (load, *piece))
