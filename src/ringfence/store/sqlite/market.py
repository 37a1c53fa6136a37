"""The market in SQLite: loads, arrays, and what is asked about a buyer."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import polars as pl

from ringfence.domain.buyers import Buyer, Claim, SharedIdentifier
from ringfence.domain.errors import NotFoundError
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.leases import Lease
from ringfence.domain.loads import Load, LoadSource
from ringfence.domain.merchants import Merchant
from ringfence.domain.pages import Key, Page
from ringfence.domain.paths import Shared, TieKind
from ringfence.domain.progress import Progress
from ringfence.domain.scope import PLATFORM, Scope
from ringfence.market import Market
from ringfence.market.activity import Activity
from ringfence.market.tables import KnownRows, MarketTables
from ringfence.store.columnar.activity import read_activity
from ringfence.store.columnar.arrays import read_arrays
from ringfence.store.columnar.sources import load_of_row
from ringfence.store.sqlite.columns import read_columns
from ringfence.store.sqlite.database import Database
from ringfence.store.sqlite.known import CLAIM_NOW, claim_columns, known_rows
from ringfence.store.sqlite.load_rows import tables_of_load
from ringfence.store.sqlite.loading import begin_load, write_batches
from ringfence.store.sqlite.scope import SEES_BUYER, VERSION, scope_values

_PSEUDONYM_BYTES = 6
_LOADS = "SELECT load, begun_at, finished_at, source FROM loads WHERE finished_at IS NOT NULL"
_CLAIM = (
    "claim_id", "buyer_id", "merchant_id", "filed_at", "amount", "currency", "kind", "reason", "status",
    "order_id", "category", "country", "paid_at", "delivered_at", "refunded", "evidence_count", "high_value",
)  # fmt: skip
_CLAIMS = f"""
    FROM claims AS c JOIN buyers AS b USING (buyer) JOIN merchants AS m USING (merchant) {CLAIM_NOW}
    WHERE c.load <= :version AND (:merchant_id IS NULL OR m.merchant_id = :merchant_id) AND {SEES_BUYER}
"""
_FILED = """FROM claims AS c WHERE c.buyer = b.buyer AND c.load <= :version
            AND (:merchant_id IS NULL OR c.merchant = :merchant)"""
_BUYERS = f"""
    SELECT b.buyer_id,
        (SELECT country FROM buyer_details AS d
            WHERE d.buyer = b.buyer AND d.load <= :version AND country IS NOT NULL
            ORDER BY d.load DESC LIMIT 1),
        (SELECT registered_at FROM buyer_details AS d
            WHERE d.buyer = b.buyer AND d.load <= :version AND registered_at IS NOT NULL
            ORDER BY d.load DESC LIMIT 1),
        (SELECT count(*) {_FILED}),
        (SELECT count(*) FROM orders AS o
            WHERE o.buyer = b.buyer AND o.load <= :version
                AND (:merchant_id IS NULL OR o.merchant = :merchant)),
        (SELECT min(filed_at) {_FILED}),
        (SELECT max(filed_at) {_FILED})
    FROM json_each(:buyer_ids) AS asked CROSS JOIN buyers AS b ON b.buyer_id = asked.value
    WHERE {SEES_BUYER} ORDER BY asked.key
"""
_SIGHTED = f"""
    SELECT b.buyer_id FROM json_each(:buyer_ids) AS asked CROSS JOIN buyers AS b ON b.buyer_id = asked.value
    WHERE {SEES_BUYER} ORDER BY asked.key
"""
_MERCHANTS = f"""
    SELECT m.merchant_id, {
    ", ".join(
        f"(SELECT {name} FROM merchant_details AS d"
        f" WHERE d.merchant = m.merchant AND d.load <= :version AND {name} IS NOT NULL"
        f" ORDER BY d.load DESC LIMIT 1)"
        for name in ("name", "country", "level", "joined_at", "owner")
    )
}
    FROM json_each(:merchant_ids) AS asked CROSS JOIN merchants AS m ON m.merchant_id = asked.value
    WHERE m.load <= :version ORDER BY asked.key
"""
_SHARED = """
    SELECT kind, exact, holders FROM (
        SELECT i.kind, i.exact, (
            SELECT count(DISTINCT u.buyer) FROM uses AS u WHERE u.value = i.value AND u.load <= :version
        ) AS holders
        FROM identifiers AS i WHERE i.load <= :version AND :merchant_id IS NULL AND i.value IN (
            SELECT mine.value FROM uses AS mine JOIN buyers AS b USING (buyer)
            WHERE b.buyer_id = :buyer_id AND mine.load <= :version
        )
    ) WHERE holders > 1 ORDER BY holders, exact
"""
_ASKED = """
    SELECT b.buyer FROM json_each(:buyer_ids) AS asked CROSS JOIN buyers AS b ON b.buyer_id = asked.value
    WHERE b.load <= :version
"""
_FEW = """
    (SELECT count(*) FROM (SELECT DISTINCT buyer FROM {table} WHERE {key} = held.{key} AND load <= :version
        LIMIT :most + 1)) BETWEEN 2 AND :most
"""
_HOLDERS = """
    (SELECT json_group_array(buyer_id) FROM (SELECT buyer_id FROM buyers WHERE buyer IN
        (SELECT buyer FROM {table} WHERE {key} = held.{key} AND load <= :version) ORDER BY buyer_id))
"""
_SHARED_VALUES = f"""
    SELECT kind, exact, holders FROM (
        SELECT i.kind, i.exact, {_HOLDERS.format(table="uses", key="value")} AS holders
        FROM (SELECT DISTINCT value FROM uses WHERE buyer IN ({_ASKED}) AND load <= :version) AS held
        CROSS JOIN identifiers AS i USING (value) WHERE {_FEW.format(table="uses", key="value")}
    ) ORDER BY json_array_length(holders), exact
"""
_SHARED_MERCHANTS = f"""
    SELECT merchant_id, holders FROM (
        SELECT m.merchant_id, {_HOLDERS.format(table="claims", key="merchant")} AS holders
        FROM (SELECT DISTINCT merchant FROM claims WHERE buyer IN ({_ASKED}) AND load <= :version) AS held
        CROSS JOIN merchants AS m USING (merchant) WHERE {_FEW.format(table="claims", key="merchant")}
    ) ORDER BY json_array_length(holders), merchant_id
"""


class SqliteMarket:
    """The port of market."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self) -> int:
        """Give the number of the last complete load; 0 before the first."""
        row = self._database.one(f"SELECT {VERSION}")
        return int(row[0]) if row else 0

    def load_of(self, digest: str) -> Load | None:
        """Find the complete load of this digest."""
        row = self._database.one(f"{_LOADS} AND digest = ?", (digest,))
        return load_of_row(*row) if row else None

    def loads(self) -> tuple[Load, ...]:
        """List the complete loads, oldest first."""
        return tuple(load_of_row(*row) for row in self._database.all(f"{_LOADS} ORDER BY load"))

    def known(self, claim_ids: pl.Series, order_ids: pl.Series, reports: pl.DataFrame) -> KnownRows:
        """Look up which of these are known, and as what."""
        with self._database.snapshot():
            return known_rows(self._database, self.version(), claim_ids, order_ids, reports)

    def write_load(
        self,
        source: LoadSource,
        tables: MarketTables,
        lease: Lease,
        now: int,
        progress: Progress,
        begun_at: int | None = None,
    ) -> Load:
        """Write a load in short transactions and make it visible by the last one."""
        if (complete := self.load_of(source.digest)) is not None:
            return complete
        load, written = begin_load(self._database, source, lease, now if begun_at is None else begun_at)
        write_batches(self._database, load, written, source, tables, lease, progress)
        with self._database.transaction(lease):
            # A clock that was set back must not make a load end before it began.
            self._database.run("UPDATE loads SET finished_at = max(begun_at, ?) WHERE load = ?", (now, load))
            (row,) = self._database.all(f"{_LOADS} AND load = ?", (load,))
        return load_of_row(*row)

    def tables_of(self, load_id: int) -> MarketTables:
        """Give what a load brought."""
        with self._database.snapshot():
            last = self.version()
            if not 0 < load_id <= last:
                raise NotFoundError(f"There is no load {load_id}; the last one is {last}.")
            return tables_of_load(self._database, load_id)

    def read(self, version: int | None = None) -> Market:
        """Give the market's arrays in their canonical order."""
        with self._database.snapshot():
            return read_arrays(partial(read_columns, self._database, self._meant(version)))

    def activity(self, version: int | None = None) -> Activity:
        """Give what buyers did."""
        with self._database.snapshot():
            return read_activity(partial(read_columns, self._database, self._meant(version)))

    def buyers(self, buyer_ids: Sequence[str], scope: Scope) -> tuple[Buyer, ...]:
        """Find buyers by id, in the order asked for."""
        asked = json.dumps(list(dict.fromkeys(buyer_ids)))
        with self._database.snapshot():
            rows = self._database.all(_BUYERS, self._values(scope, buyer_ids=asked))
        return tuple(Buyer(*row) for row in rows)

    def sighted(self, buyer_ids: Sequence[str], scope: Scope) -> tuple[str, ...]:
        """Find which buyers exist, in the order asked for."""
        asked = json.dumps(list(dict.fromkeys(buyer_ids)))
        with self._database.snapshot():
            rows = self._database.all(_SIGHTED, self._values(scope, buyer_ids=asked))
        return tuple(buyer_id for (buyer_id,) in rows)

    def merchants(self, merchant_ids: Sequence[str]) -> tuple[Merchant, ...]:
        """Find merchants by id, in the order asked for."""
        asked = json.dumps(list(dict.fromkeys(merchant_ids)))
        with self._database.snapshot():
            rows = self._database.all(_MERCHANTS, self._values(PLATFORM, merchant_ids=asked))
        return tuple(Merchant(*row) for row in rows)

    def claims_of(self, buyer_id: str, scope: Scope, first: int, after: Key | None = None) -> Page[Claim]:
        """List a buyer's claims within the scope, latest first."""
        values = self._values(scope, buyer_id=buyer_id)
        of_buyer = f"{_CLAIMS} AND b.buyer_id = :buyer_id"
        page = f"SELECT {claim_columns(_CLAIM)} {of_buyer}"
        if after is not None:
            page += " AND (c.filed_at < :filed_at OR (c.filed_at = :filed_at AND c.claim_id > :claim_id))"
        page += " ORDER BY c.filed_at DESC, c.claim_id LIMIT :first"
        place = {"filed_at": int(after.value), "claim_id": after.id} if after is not None else {}
        with self._database.snapshot():
            rows = self._database.all(page, values | place | {"first": first + 1})
            total = self._database.one(f"SELECT count(*) {of_buyer}", values)
        claims = tuple(_claim(row) for row in rows[:first])
        return Page(
            items=claims,
            keys=tuple(Key(claim.filed_at, claim.claim_id) for claim in claims),
            has_next=len(rows) > first,
            total=int(total[0]) if total else 0,
        )

    def claims(self, claim_ids: tuple[str, ...], scope: Scope) -> tuple[Claim, ...]:
        """Find claims by id, in the order asked for."""
        asked = f"{_CLAIMS} AND c.claim_id IN (SELECT value FROM json_each(:claim_ids))"
        values = self._values(scope, claim_ids=json.dumps(claim_ids))
        with self._database.snapshot():
            rows = self._database.all(f"SELECT {claim_columns(_CLAIM)} {asked}", values)
        found = {row[0]: _claim(row) for row in rows}
        return tuple(found[claim_id] for claim_id in dict.fromkeys(claim_ids) if claim_id in found)

    def shared_identifiers(self, buyer_id: str, scope: Scope) -> tuple[SharedIdentifier, ...]:
        """List the values of a buyer that others use too, rarest first."""
        with self._database.snapshot():
            rows = self._database.all(_SHARED, self._values(scope, buyer_id=buyer_id))
        return tuple(
            SharedIdentifier(IdentifierKind(kind), exact[:_PSEUDONYM_BYTES].hex(), holders)
            for kind, exact, holders in rows
        )

    def shared_by(self, buyer_ids: Sequence[str], most_users: int, most_claimants: int) -> tuple[Shared, ...]:
        """List what any of these buyers shares with few others."""
        asked: dict[str, Any] = {"buyer_ids": json.dumps(list(dict.fromkeys(buyer_ids)))}
        with self._database.snapshot():
            asked |= {"version": self.version()}
            values = self._database.all(_SHARED_VALUES, asked | {"most": most_users})
            merchants = self._database.all(_SHARED_MERCHANTS, asked | {"most": most_claimants})
        return tuple(
            Shared(TieKind(kind), name[:_PSEUDONYM_BYTES].hex(), tuple(json.loads(holders)))
            for kind, name, holders in values
        ) + tuple(Shared(TieKind.MERCHANT, name, tuple(json.loads(holders))) for name, holders in merchants)

    def _meant(self, version: int | None) -> int:
        """Give the load that is meant; NotFoundError for an unknown one."""
        last = self.version()
        wanted = last if version is None else version
        if not 0 <= wanted <= last or (wanted == 0 and version is not None):
            raise NotFoundError(f"There is no load {version}; the last one is {last}.")
        return wanted

    def _values(self, scope: Scope, **more: Any) -> dict[str, Any]:
        return scope_values(self._database, scope) | more


def _claim(row: tuple[Any, ...]) -> Claim:
    cells = dict(zip(_CLAIM, row, strict=True))
    if cells["high_value"] is not None:
        cells["high_value"] = bool(cells["high_value"])
    return Claim(**cells)
