"""The numbers under which buyers, merchants and values stand in the embedded store."""

from collections.abc import Sequence
from typing import Any

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


class SqliteNumbering:
    """Numbers by subject, as of the loads before one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, subject: str, load: int) -> int:
        """Give the last number that loads before `load` gave; 0 if none did."""
        row = self._database.one(_LAST[subject], (load,))
        return int(row[0]) if row else 0

    def known(self, subject: str, load: int, names: Sequence[str] | Sequence[bytes]) -> dict[Any, int]:
        """Give the numbers of those of `names` that have one."""
        found: dict[Any, int] = {}
        for begin in range(0, len(names), _ASKED_AT_ONCE):
            piece = names[begin : begin + _ASKED_AT_ONCE]
            found.update(
                self._database.all(f"{_KNOWN[subject]}({', '.join('?' * len(piece))})", (load, *piece))
            )
        return found
