"""The audit in Neo4j: `(:AuditEntry {chain, number})-[:TOUCHED]->(:AuditSubject)`.

Entries are written beside the store's transactions: what is read over the network waits for no load.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from ringfence.domain.audit import Head, SealedEntry
from ringfence.domain.errors import UnavailableError
from ringfence.domain.pages import Key, Page
from ringfence.store.audit import ChainContinuedError, place_of, read_place
from ringfence.store.neo4j.database import Database

_MOST = 2**63 - 1
_BEGINNING: dict[str, Any] = {"at": _MOST, "chain": "", "number": _MOST}
"""The place that all entries follow."""


class Neo4jAudit:
    """The port of the audit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def place(self) -> str:
        """Where the database is."""
        return str(self._database.address)

    def append(self, entries: Sequence[SealedEntry]) -> None:
        """Keep entries of one chain."""
        if not entries:
            return
        rows = [_row(sealed) for sealed in entries]
        first, last = entries[0], entries[-1]
        values: dict[str, Any] = {"chain": last.chain, "first": first.number, "number": last.number}
        values |= {"mac": last.mac, "entries": rows, "replaces": self._database.replaces}
        if not self._write("append_audit", **values)[0][0]:
            raise ChainContinuedError(last.chain)

    def page(
        self, first: int, after: Key | None, actor: str | None = None, subject: str | None = None
    ) -> Page[SealedEntry]:
        """List entries, latest first."""
        place = _BEGINNING
        if after is not None:
            chain, number = read_place(after.id)
            place = {"at": int(after.value), "chain": chain, "number": number}
        values: dict[str, Any] = {"actor": actor, "subject": subject, "first": first + 1}
        if subject is not None:
            listing, counting = "list_audit_about", "count_audit_about"
        elif actor is not None:
            listing, counting = "list_audit_of_actor", "count_audit_of_actor"
        else:
            listing, counting = "list_audit", "count_audit"
        rows = self._database.all(listing, **values, **place)
        total = self._database.one(counting, **values, at=_MOST)
        items = tuple(SealedEntry(*row) for row in rows[:first])
        keys = tuple(Key(sealed.at, place_of(sealed)) for sealed in items)
        return Page(items, keys, len(rows) > first, int(total[0]) if total else 0)

    def read(self, chain: str, after: int, first: int) -> tuple[SealedEntry, ...]:
        """Give entries of a chain in their order."""
        rows = self._database.all("read_audit", chain=chain, after=after, first=first)
        return tuple(SealedEntry(*row) for row in rows)

    def heads(self) -> tuple[Head, ...]:
        """Give the last entry of each chain."""
        return tuple(Head(*row) for row in self._database.all("list_audit_heads"))

    def head(self, chain: str) -> Head | None:
        """Give the last entry of a chain."""
        row = self._database.one("find_audit_head", chain=chain)
        return None if row is None else Head(*row)

    def erase(self, before: int, first: int) -> int:
        """Erase payloads."""
        erase = partial(self._database.all, "erase_audit", before=before, first=first)
        ((erased,),) = self._database.write(erase)
        return int(erased)

    def look_up(self, merchant_id: str, day: int, buyers: Sequence[bytes], most: int) -> bool:
        """Count the buyers that a merchant looks up on a day."""
        values: dict[str, Any] = {
            "merchant_id": merchant_id,
            "day": day,
            "buyers": [buyer.hex() for buyer in dict.fromkeys(buyers)],
        }
        if self._database.one("find_lookups", **values) == (len(values["buyers"]),):
            return True
        return bool(self._write("look_up", **values, most=most)[0][0])

    def _write(self, name: str, **values: Any) -> list[tuple[Any, ...]]:
        rows = self._database.write_alone(name, **values)
        if not rows:
            raise UnavailableError(f"The store {self._database.address} is being replaced; look again later.")
        return rows


def _row(sealed: SealedEntry) -> list[Any]:
    told = {} if sealed.payload is None else orjson.loads(sealed.payload)
    return [
        sealed.number,
        sealed.at,
        sealed.digest,
        sealed.mac,
        sealed.payload,
        told.get("actor"),
        # In one order, so that two processes do not wait for each other.
        sorted(told.get("subjects", ())),
    ]
