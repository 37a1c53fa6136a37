"""The arrays of a marketplace; see each class for its order, shapes and units."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Claims:
    """N claims as parallel columns, in the canonical order (merchant, filed_at, buyer, amount, claim_id).

    `(:Buyer)-[:FILED]->(:Claim)-[:AGAINST]->(:Merchant)`
    """

    claim_id: pl.Series
    """String[N], the marketplace's own ids, each once."""
    buyer: Ints
    """int32[N], positions in `Market.buyer_ids`."""
    merchant: Ints
    """int32[N], positions in `Market.merchant_ids`."""
    filed_at: Longs
    """int64[N], µs since 1970-01-01 UTC."""
    amount: Longs
    """int64[N], minor units of the claim's currency (ISO 4217 exponent), never negative."""
    currency: NDArray[np.int16]
    """int16[N], positions in `Market.currencies`."""

    def __len__(self) -> int:
        return len(self.buyer)


@dataclass(frozen=True, eq=False)
class Orders:
    """Orders as parallel columns, in the order (merchant, ordered_at, buyer): the exposure to chance.

    `(:Buyer)-[:ORDERED]->(:Merchant)`
    """

    buyer: Ints
    """int32, positions in `Market.buyer_ids`."""
    merchant: Ints
    """int32, positions in `Market.merchant_ids`."""
    ordered_at: Longs
    """int64, µs since 1970-01-01 UTC."""

    def __len__(self) -> int:
        return len(self.buyer)


@dataclass(frozen=True, eq=False)
class Sketches:
    """What approximate matching needs of one kind's values, and nothing that can be read back.

    One row per (value, block): S rows, sorted by (block, value); only blocks that two values or more fall
    into are kept, since no other block can match anything.
    """

    block: NDArray[np.uint64]
    """uint64[S], a keyed hash of the value's digits: equal blocks, equal digits."""
    value: Ints
    """int32[S], positions in `Identifiers.exact`."""
    variant: NDArray[np.uint8]
    """uint8[S], 0 for the block of all digits, 1 to 3 for a block with one digit dropped."""
    start: Longs
    """int64[S + 1], where each row's bigrams begin in `bigrams`."""
    bigrams: NDArray[np.uint32]
    """uint32, per row sorted and distinct: salted hashes of the value's letter pairs."""

    def __len__(self) -> int:
        return len(self.block)


@dataclass(frozen=True, eq=False)
class Identifiers:
    """Who used which value of one kind: E uses of V pseudonymised values.

    `(:Buyer)-[:USES]->(:Address|:Device|:Payment|:Phone|:Email)`
    """

    kind: IdentifierKind
    buyer: Ints
    """int32[E], positions in `Market.buyer_ids`; uses are distinct and sorted by (buyer, value)."""
    value: Ints
    """int32[E], positions in `exact`."""
    exact: NDArray[np.uint8]
    """uint8[V, 32], HMAC-SHA256 of each normalised value, rows sorted and distinct.

    The order of the rows follows the key, so nothing may depend on it.
    """
    sketches: Sketches | None = None
    """Present for kinds that are matched approximately."""

    def __len__(self) -> int:
        return len(self.buyer)


@dataclass(frozen=True, eq=False)
class Market:
    """Everything detection may know about a marketplace."""

    buyer_ids: pl.Series
    """String, every buyer seen in any file, sorted by bytes, each once."""
    merchant_ids: pl.Series
    """String, every merchant seen in claims or orders, sorted by bytes, each once."""
    currencies: tuple[str, ...]
    """ISO 4217 codes, sorted."""
    claims: Claims
    orders: Orders | None = None
    """None where no orders are known, which is not the same as no orders."""
    identifiers: tuple[Identifiers, ...] = field(default=())
    """At most one entry a kind, in the order of `IdentifierKind`; kinds never seen are absent."""
