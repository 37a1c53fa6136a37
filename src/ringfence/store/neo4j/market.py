"""The market in Neo4j: loads, arrays, and what is asked about a buyer."""

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
from ringfence.domain.scope import Scope
from ringfence.market import Market
from ringfence.market.activity import Activity
from ringfence.market.tables import KnownRows, MarketTables
from ringfence.store.columnar.activity import read_activity
from ringfence.store.columnar.arrays import read_arrays
from ringfence.store.columnar.sources import load_of_row
from ringfence.store.neo4j.columns import read_columns
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.known import known_rows
from ringfence.store.neo4j.load_rows import tables_of_load
from ringfence.store.neo4j.loading import begin_load, finish_load, write_batches
from ringfence.store.neo4j.scope import scope_values

_PSEUDONYM_DIGITS = 12


class Neo4jMarket:
    """The port of market."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self) -> int:
        """Give the number of the last complete load; 0 before the first."""
        row = self._database.one("find_version", version=self._database.pins.version)
        return int(row[0]) if row else 0

    def load_of(self, digest: str) -> Load | None:
        """Find the complete load of this digest."""
        version = self._database.pins.version
        row = self._database.one("find_load_by_digest", digest=digest, version=version)
        return load_of_row(*row) if row else None

    def loads(self) -> tuple[Load, ...]:
        """List the complete loads, oldest first."""
        rows = self._database.all("list_loads", version=self._database.pins.version)
        return tuple(load_of_row(*row) for row in rows)

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
        last = write_batches(self._database, load, written, source, tables, lease, progress)
        return finish_load(self._database, load, last, lease, now)

    def tables_of(self, load_id: int) -> MarketTables:
        """Give what a load brought."""
        last = self.version()
        if not 0 < load_id <= last:
            raise NotFoundError(f"There is no load {load_id}; the last one is {last}.")
        return tables_of_load(self._database, load_id)

    def read(self, version: int | None = None) -> Market:
        """Give the market's arrays in their canonical order."""
        return read_arrays(partial(read_columns, self._database, self._meant(version)))

    def activity(self, version: int | None = None) -> Activity:
        """Give what buyers did."""
        return read_activity(partial(read_columns, self._database, self._meant(version)))

    def buyers(self, buyer_ids: Sequence[str], scope: Scope) -> tuple[Buyer, ...]:
        """Find buyers by id, in the order asked for."""
        asked = list(dict.fromkeys(buyer_ids))
        rows = self._database.all("find_buyers", buyer_ids=asked, **scope_values(self._database, scope))
        return tuple(Buyer(*row) for row in rows)

    def sighted(self, buyer_ids: Sequence[str], scope: Scope) -> tuple[str, ...]:
        """Find which buyers exist, in the order asked for."""
        asked = list(dict.fromkeys(buyer_ids))
        asker = {"merchant_id": scope.merchant_id, "since": scope.since}
        rows = self._database.all_and_pins("find_sighted", buyer_ids=asked, **asker)
        return tuple(buyer_id for (found,) in rows for buyer_id in found)

    def merchants(self, merchant_ids: Sequence[str]) -> tuple[Merchant, ...]:
        """Find merchants by id, in the order asked for."""
        asked = list(dict.fromkeys(merchant_ids))
        rows = self._database.all("find_merchants", merchant_ids=asked, version=self._database.pins.version)
        return tuple(Merchant(*row) for row in rows)

    def claims_of(self, buyer_id: str, scope: Scope, first: int, after: Key | None = None) -> Page[Claim]:
        """List a buyer's claims within the scope, latest first."""
        filed_at, claim_id = (int(after.value), after.id) if after is not None else (None, None)
        with self._database.snapshot():
            asked = scope_values(self._database, scope) | {"buyer_id": buyer_id}
            page = asked | {"filed_at": filed_at, "claim_id": claim_id, "first": first + 1}
            rows = self._database.all("list_claims", **page)
            total = self._database.one("count_claims", **asked)
        claims = tuple(Claim(*row) for row in rows[:first])
        return Page(
            items=claims,
            keys=tuple(Key(claim.filed_at, claim.claim_id) for claim in claims),
            has_next=len(rows) > first,
            total=int(total[0]) if total else 0,
        )

    def claims(self, claim_ids: tuple[str, ...], scope: Scope) -> tuple[Claim, ...]:
        """Find claims by id, in the order asked for."""
        asked = list(dict.fromkeys(claim_ids))
        rows = self._database.all("find_claims", claim_ids=asked, **scope_values(self._database, scope))
        return tuple(Claim(*row) for row in rows)

    def shared_identifiers(self, buyer_id: str, scope: Scope) -> tuple[SharedIdentifier, ...]:
        """List the values of a buyer that others use too, rarest first."""
        values = scope_values(self._database, scope)
        rows = self._database.all("list_shared_identifiers", buyer_id=buyer_id, **values)
        return tuple(
            SharedIdentifier(IdentifierKind(label.lower()), exact[:_PSEUDONYM_DIGITS], holders)
            for label, exact, holders in rows
        )

    def shared_by(self, buyer_ids: Sequence[str], most_users: int, most_claimants: int) -> tuple[Shared, ...]:
        """List what any of these buyers shares with few others."""
        asked: dict[str, Any] = {
            "buyer_ids": list(dict.fromkeys(buyer_ids)),
            "version": self._database.pins.version,
        }
        values = self._database.all("list_shared_values", **asked, most=most_users)
        merchants = self._database.all("list_shared_merchants", **asked, most=most_claimants)
        return tuple(
            Shared(TieKind(label.lower()), exact[:_PSEUDONYM_DIGITS], tuple(holders))
            for label, exact, holders in values
        ) + tuple(Shared(TieKind.MERCHANT, name, tuple(holders)) for name, holders in merchants)

    def _meant(self, version: int | None) -> int:
        """Give the load that is meant; NotFoundError for an unknown one."""
        last = self.version()
        wanted = last if version is None else version
        if not 0 <= wanted <= last or (wanted == 0 and version is not None):
            raise NotFoundError(f"There is no load {version}; the last one is {last}.")
        return wanted
