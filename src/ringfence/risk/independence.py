"""Which merchants speak for themselves, and which count as one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ringfence.market.market import Ints, Longs, Market
from ringfence.market.reports import ReportColumns

NEVER = np.iinfo(np.int64).min
"""The time of what did not happen."""
MOST_ACCUSERS = 500
"""Buyers whom more merchants accuse are no evidence that two of them act together."""
_PRODUCTS_AT_ONCE = 1 << 23


def last_claims(reports: ReportColumns, market: Market) -> Longs:
    """Say of each report when the buyer last filed a claim against the merchant who reports.

    int64[R], µs since 1970-01-01 UTC; NEVER where there is no such claim.
    """
    buyer = _places(reports.buyer_ids, market.buyer_ids)[reports.buyer]
    merchant = _places(reports.merchant_ids, market.merchant_ids)[reports.merchant]
    merchants = len(market.merchant_ids)
    pair = market.claims.buyer.astype(np.int64) * merchants + market.claims.merchant
    wanted = np.where((buyer >= 0) & (merchant >= 0), buyer * merchants + merchant, -1)
    kept = np.isin(pair, wanted)
    order = np.lexsort((market.claims.filed_at[kept], pair[kept]))
    pair, filed_at = pair[kept][order], market.claims.filed_at[kept][order]
    last = np.searchsorted(pair, wanted, side="right") - 1
    found = np.full(len(reports), NEVER)
    has_claim = (last >= 0) & (pair[last] == wanted) if len(pair) else np.zeros(len(reports), np.bool_)
    found[has_claim] = filed_at[last[has_claim]]
    return found


def independent_groups(
    reports: ReportColumns, claimed: NDArray[np.bool_], owners: Mapping[str, str], together: int
) -> Ints:
    """Give the group of each merchant, within which all count as one: int32[M], numbers from 0.

    Merchants are one who have one owner (`owners`, by merchant id), or who accuse at least `together` buyers
    together of whom they do not both have claims (`claimed`, bool[R]); and so is whoever
    is one with either of them. Victims of one ring accuse the same buyers, too, but have claims of them all:
    that joins nobody.

    A buyer whom more than MOST_ACCUSERS merchants accuse joins nobody either, so that the work stays bounded.
    No gang can hide behind that: such a buyer is verified whoever counts as one, and merchants who act
    together against others are joined by those others.
    """
    count = len(reports.merchant_ids)
    groups = _joined(np.arange(count, dtype=np.int32), *_same_owner(reports.merchant_ids, owners))
    pair = reports.buyer.astype(np.int64) * count + reports.merchant
    _, once = np.unique(pair, return_index=True)
    left = _Accusations(reports.buyer[once], reports.merchant[once], claimed[once])
    left = left.where(np.bincount(left.buyer)[left.buyer] <= MOST_ACCUSERS)
    while len((left := _that_can_join(left, groups, together)).buyer):
        compared, first, second = _compare_some(left, together)
        groups = _joined(groups, first, second)
        left = left.where(~np.isin(left.merchant, compared))
    return groups


def _places(wanted: pl.Series, among: pl.Series) -> Longs:
    """Find each id among others, -1 where it is not."""
    known = pl.DataFrame({"id": among}).with_row_index("place")
    found = pl.DataFrame({"id": wanted}).join(known, on="id", how="left", maintain_order="left")
    return found["place"].cast(pl.Int64).fill_null(-1).to_numpy()


def _same_owner(merchant_ids: pl.Series, owners: Mapping[str, str]) -> tuple[Ints, Ints]:
    """Pair each merchant that has an owner with the first one of that owner."""
    known = pl.DataFrame(
        {"id": list(owners.keys()), "owner": list(owners.values())},
        schema={"id": pl.String, "owner": pl.String},
    )
    owned = pl.DataFrame({"id": merchant_ids}).with_row_index("merchant").join(known, on="id")
    pairs = owned.select("merchant", first=pl.col("merchant").min().over("owner")).cast(pl.Int32)
    return pairs["first"].to_numpy(), pairs["merchant"].to_numpy()


@dataclass(frozen=True, eq=False)
class _Accusations:
    """Who accuses whom, each pair once, in the order of buyers."""

    buyer: Ints
    merchant: Ints
    has_claim: NDArray[np.bool_]

    def where(self, kept: NDArray[np.bool_]) -> "_Accusations":
        return _Accusations(self.buyer[kept], self.merchant[kept], self.has_claim[kept])


def _joined(groups: Ints, first: Ints, second: Ints) -> Ints:
    """Make the groups of merchants that are one into one."""
    count = len(groups)
    graph = csr_array((np.ones(len(first), np.bool_), (groups[first], groups[second])), shape=(count, count))
    joined: Ints = connected_components(graph, directed=False)[1].astype(np.int32)[groups]
    return joined


def _that_can_join(left: _Accusations, groups: Ints, together: int) -> _Accusations:
    """Leave out buyers whose accusers are one, or all have claims, and merchants with too few of the others:
    nearly all, since most reports come with a claim."""
    if not len(left.buyer):
        return left
    starts = np.flatnonzero(np.diff(left.buyer, prepend=-1))
    group = groups[left.merchant]
    is_divided = np.minimum.reduceat(group, starts) < np.maximum.reduceat(group, starts)
    is_unexplained = ~np.logical_and.reduceat(left.has_claim, starts)
    left = left.where(np.repeat(is_divided & is_unexplained, np.diff(starts, append=len(left.buyer))))
    return left.where(np.bincount(left.merchant, minlength=len(groups))[left.merchant] >= together)


def _compare_some(left: _Accusations, together: int) -> tuple[Ints, Ints, Ints]:
    """Compare as many merchants with all others as can be at once, and give them, and pairs that are one.

    With A the accusations (merchants by buyers), C those with a claim and U those without, AAᵀ less CCᵀ
    counts by pair the buyers of whom they do not both have claims. It equals UAᵀ + CUᵀ, which costs little
    where nearly everybody has claims.
    """
    named, row = np.unique(left.merchant, return_inverse=True)
    accused, column = np.unique(left.buyer, return_inverse=True)
    shape = (len(named), len(accused))

    def matrix(kept: NDArray[np.bool_]) -> csr_array:
        return csr_array((np.ones(kept.sum(), np.int32), (row[kept], column[kept])), shape=shape)

    without, claims = matrix(~left.has_claim), matrix(left.has_claim)
    accusers, strangers = np.bincount(column), np.bincount(column, weights=~left.has_claim)
    cost = np.bincount(row, weights=np.where(left.has_claim, strangers[column], accusers[column]))
    rows = max(1, int(np.searchsorted(np.cumsum(cost), _PRODUCTS_AT_ONCE)))
    counts = (without[:rows] @ (without + claims).T + claims[:rows] @ without.T).tocoo()
    # merchants meet themselves and, among those compared at once, each other twice
    found = (counts.data >= together) & (counts.row < counts.col)
    return named[:rows], named[counts.row[found]], named[counts.col[found]]
