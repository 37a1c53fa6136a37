"""The port of the market: loads in, arrays out, and what people ask about a buyer."""

from collections.abc import Sequence
from typing import Protocol

import polars as pl

from ringfence.domain.buyers import Buyer, Claim, SharedIdentifier
from ringfence.domain.leases import Lease
from ringfence.domain.loads import Load, LoadSource
from ringfence.domain.merchants import Merchant
from ringfence.domain.pages import Key, Page
from ringfence.domain.paths import Shared
from ringfence.domain.progress import Progress
from ringfence.domain.scope import Scope
from ringfence.market import Market
from ringfence.market.activity import Activity
from ringfence.market.tables import KnownRows, MarketTables


class MarketPort(Protocol):
    """Loads become visible one after another, each in one step; the last one is the market's version."""

    def version(self) -> int:
        """Give the number of the last complete load; 0 before the first."""

    def load_of(self, digest: str) -> Load | None:
        """Find the complete load of this digest."""

    def loads(self) -> tuple[Load, ...]:
        """List the complete loads, oldest first."""

    def known(self, claim_ids: pl.Series, order_ids: pl.Series, reports: pl.DataFrame) -> KnownRows:
        """Look up which of these are known, and as what; ids are String, as the columns report_id and
        merchant_id of `reports`, whose rows are distinct."""

    def write_load(
        self,
        source: LoadSource,
        tables: MarketTables,
        lease: Lease,
        now: int,
        progress: Progress,
        begun_at: int | None = None,
    ) -> Load:
        """Write a load in short transactions and make it visible by the last one.

        `begun_at` says when it began if not `now`, as where a load is written again as another store had it.

        The claims, orders and reports of `tables` must be unknown so far, its changes be about known claims
        or its own. A load of the same digest that was interrupted is taken up where it stopped; another one
        that was interrupted is cleared away first. Raises LeaseLostError if the lease was lost (nothing is
        written then), InvalidError for another key or normaliser version than the store's, UnavailableError.
        """

    def tables_of(self, load_id: int) -> MarketTables:
        """Give what a load brought, so that `write_load` can write it again after the loads before it.

        Claims, orders and reports stand by their time, then by id, other rows by what tells them apart.
        Buyers, merchants and values are those that its rows name and those that it was the first to bring;
        sketches are those of the values it was the first to bring. Raises NotFoundError for a load that is
        not complete.
        """

    def read(self, version: int | None = None) -> Market:
        """Give the market's arrays in their canonical order, as `intake.read_market` gives them for the same
        rows, as of the last complete load or of the load `version`. Raises NotFoundError for an unknown one.
        """

    def activity(self, version: int | None = None) -> Activity:
        """Give what buyers did up to a load; raises as `read`."""

    def buyers(self, buyer_ids: Sequence[str], scope: Scope) -> tuple[Buyer, ...]:
        """Find buyers by id, in the order asked for; those that do not exist in the scope are left out."""

    def sighted(self, buyer_ids: Sequence[str], scope: Scope) -> tuple[str, ...]:
        """Give those of these buyers that exist in the scope, each once, in the order asked for."""

    def merchants(self, merchant_ids: Sequence[str]) -> tuple[Merchant, ...]:
        """Find merchants by id, in the order asked for; those that do not exist are left out.

        Their owners are the platform's business alone: no merchant may be told.
        """

    def claims_of(self, buyer_id: str, scope: Scope, first: int, after: Key | None = None) -> Page[Claim]:
        """List a buyer's claims within the scope, latest first (Key: filed_at, claim_id)."""

    def claims(self, claim_ids: tuple[str, ...], scope: Scope) -> tuple[Claim, ...]:
        """Find claims by id, in the order asked for; those that do not exist in the scope are left out."""

    def shared_identifiers(self, buyer_id: str, scope: Scope) -> tuple[SharedIdentifier, ...]:
        """List the values of a buyer that others use too, rarest first; nothing for a merchant's scope."""

    def shared_by(self, buyer_ids: Sequence[str], most_users: int, most_claimants: int) -> tuple[Shared, ...]:
        """List the values that any of these buyers uses and 2 to `most_users` use in all, those of the fewest
        first; then, likewise, the merchants at whom any of them claimed. For the platform alone.
        """
