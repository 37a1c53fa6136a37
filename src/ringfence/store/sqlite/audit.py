"""The audit in SQLite."""

from collections.abc import Sequence
from typing import Any

import orjson

from ringfence.domain.audit import Head, SealedEntry
from ringfence.domain.pages import Key, Page
from ringfence.store.audit import ChainContinuedError, place_of, read_place
from ringfence.store.sqlite.database import Database

_COLUMNS = "a.chain, a.number, a.at, a.digest, a.mac, a.payload"
_ABOUT = "audit_subjects AS s JOIN audit AS a USING (chain, number)"
_CHAINS = """
    WITH RECURSIVE chains (chain) AS (
        SELECT min(chain) FROM audit
        UNION ALL SELECT (SELECT min(a.chain) FROM audit AS a WHERE a.chain > chains.chain) FROM chains
        WHERE chains.chain IS NOT NULL
    )
    SELECT chain, (SELECT max(number) FROM audit AS a WHERE a.chain = chains.chain) AS number FROM chains
    WHERE chain IS NOT NULL
"""
"""The chains and how long they are, by some looks into the index for each chain."""


class SqliteAudit:
    """The port of the audit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def place(self) -> str:
        """Where the file is."""
        return str(self._database.path.resolve())

    def append(self, entries: Sequence[SealedEntry]) -> None:
        """Keep entries of one chain."""
        if not entries:
            return
        first, last = entries[0], entries[-1]
        rows, subjects = [], []
        for sealed in entries:
            told = {} if sealed.payload is None else orjson.loads(sealed.payload)
            place = (sealed.chain, sealed.number)
            rows.append((*place, sealed.at, sealed.digest, sealed.mac, sealed.payload, told.get("actor")))
            subjects += [(subject, sealed.at, *place) for subject in told.get("subjects", ())]
        with self._database.transaction():
            longer = "SELECT 1 FROM audit WHERE chain = ? AND number >= ?"
            if self._database.one(longer, (first.chain, first.number)) is not None:
                if last in self.read(last.chain, last.number - 1, 1):
                    return
                raise ChainContinuedError(first.chain)
            self._database.run_together(
                "INSERT INTO audit (chain, number, at, digest, mac, payload, actor)", rows
            )
            self._database.run_together(
                "INSERT OR IGNORE INTO audit_subjects (subject, at, chain, number)", subjects
            )

    def page(
        self, first: int, after: Key | None, actor: str | None = None, subject: str | None = None
    ) -> Page[SealedEntry]:
        """List entries, latest first."""
        values: dict[str, Any] = {"actor": actor, "subject": subject, "rows": first + 1}
        conditions = ["1"] if actor is None else ["a.actor = :actor"]
        if subject is not None:
            conditions.append("s.subject = :subject")
        table, source = ("a", "audit AS a") if subject is None else ("s", _ABOUT)
        counting = f"SELECT count(*) FROM {source} WHERE {' AND '.join(conditions)}"
        if actor is None and subject is None:
            counting = f"SELECT coalesce(sum(number), 0) FROM ({_CHAINS})"
        if after is not None:
            chain, number = read_place(after.id)
            values |= {"at": int(after.value), "chain": chain, "number": number}
            conditions.append(
                f"{table}.at <= :at AND ({table}.at < :at"
                f" OR {table}.chain > :chain OR {table}.chain = :chain AND {table}.number < :number)"
            )
        with self._database.snapshot():
            rows = self._database.all(
                f"SELECT {_COLUMNS} FROM {source} WHERE {' AND '.join(conditions)}"
                f" ORDER BY {table}.at DESC, {table}.chain, {table}.number DESC LIMIT :rows",
                values,
            )
            total = self._database.one(counting, values)
        items = tuple(SealedEntry(*row) for row in rows[:first])
        keys = tuple(Key(sealed.at, place_of(sealed)) for sealed in items)
        return Page(items, keys, len(rows) > first, int(total[0]) if total else 0)

    def read(self, chain: str, after: int, first: int) -> tuple[SealedEntry, ...]:
        """Give entries of a chain in their order."""
        rows = self._database.all(
            f"SELECT {_COLUMNS} FROM audit AS a WHERE chain = ? AND number > ? ORDER BY number LIMIT ?",
            (chain, after, first),
        )
        return tuple(SealedEntry(*row) for row in rows)

    def heads(self) -> tuple[Head, ...]:
        """Give the last entry of each chain."""
        rows = self._database.all(
            f"SELECT chain, number, mac FROM ({_CHAINS}) JOIN audit USING (chain, number) ORDER BY chain"
        )
        return tuple(Head(*row) for row in rows)

    def head(self, chain: str) -> Head | None:
        """Give the last entry of a chain."""
        row = self._database.one(
            "SELECT chain, number, mac FROM audit WHERE chain = ? ORDER BY number DESC LIMIT 1", (chain,)
        )
        return None if row is None else Head(*row)

    def erase(self, before: int, first: int) -> int:
        """Erase payloads."""
        with self._database.transaction():
            places = self._database.all(
                "SELECT chain, number FROM audit WHERE at < ? AND payload IS NOT NULL ORDER BY at LIMIT ?",
                (before, first),
            )
            self._database.run_many("DELETE FROM audit_subjects WHERE chain = ? AND number = ?", places)
            self._database.run_many(
                "UPDATE audit SET payload = NULL, actor = NULL WHERE chain = ? AND number = ?", places
            )
        return len(places)

    def look_up(self, merchant_id: str, day: int, buyers: Sequence[bytes], most: int) -> bool:
        """Count the buyers that a merchant looks up on a day."""
        if not self._new(merchant_id, day, buyers):
            return True
        with self._database.transaction():
            new = self._new(merchant_id, day, buyers)
            known = self._database.one(
                "SELECT count(*) FROM lookups WHERE merchant_id = ? AND day = ?", (merchant_id, day)
            )
            if new and (known or (0,))[0] + len(new) > most:
                return False
            self._database.run("DELETE FROM lookups WHERE merchant_id = ? AND day <> ?", (merchant_id, day))
            self._database.run_many(
                "INSERT INTO lookups (merchant_id, day, buyer) VALUES (?, ?, ?)",
                [(merchant_id, day, buyer) for buyer in sorted(new)],
            )
        return True

    def _new(self, merchant_id: str, day: int, buyers: Sequence[bytes]) -> set[bytes]:
        """Give those who were not looked up on the day yet."""
        return {
            buyer
            for buyer in buyers
            if self._database.one(
                "SELECT 1 FROM lookups WHERE merchant_id = ? AND day = ? AND buyer = ?",
                (merchant_id, day, buyer),
            )
            is None
        }
