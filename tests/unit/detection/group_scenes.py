"""Small marketplaces with people who do something together, made ready for detection."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl

from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import Prepared, prepare
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.progress import Silent
from ringfence.market import Claims, Identifiers, Market, Orders

Visit = tuple[int, int, float]
"""Buyer, merchant, day."""
Use = tuple[int, int]
"""Buyer, value."""

SPAN_DAYS = 365.0


def strangers(seed: int, buyers: range, merchants: int, claims: int, days: float = SPAN_DAYS) -> list[Visit]:
    """Draw claims of strangers, at any merchant, at any time."""
    rng = np.random.default_rng(seed)
    who = rng.integers(buyers.start, buyers.stop, claims).tolist()
    where = rng.integers(0, merchants, claims).tolist()
    return list(zip(who, where, rng.uniform(0.0, days, claims).tolist(), strict=True))


def scene(
    claims: Iterable[Visit],
    orders: Iterable[Visit] | None = None,
    uses: Mapping[IdentifierKind, Sequence[Use]] | None = None,
) -> Prepared:
    """Prepare a marketplace; buyers are numbered from 0, and every buyer claims."""
    filed = sorted(claims, key=lambda visit: (visit[1], visit[2], visit[0]))
    buyer = np.array([b for b, _, _ in filed], np.int32)
    merchant = np.array([m for _, m, _ in filed], np.int32)
    if len(np.unique(buyer)) != buyer.max() + 1:
        raise ValueError("every buyer must claim")
    placed = None if orders is None else sorted(orders, key=lambda visit: (visit[1], visit[2], visit[0]))
    merchants = max([merchant.max(), *(m for _, m, _ in placed or [])]) + 1
    market = Market(
        buyer_ids=pl.Series([f"b{i:06}" for i in range(buyer.max() + 1)]),
        merchant_ids=pl.Series([f"m{i:06}" for i in range(merchants)]),
        currencies=("EUR",),
        claims=Claims(
            claim_id=pl.Series([f"c{i}" for i in range(len(filed))]),
            buyer=buyer,
            merchant=merchant,
            filed_at=_moments(filed),
            amount=np.full(len(filed), 100, np.int64),
            currency=np.zeros(len(filed), np.int16),
        ),
        orders=None
        if placed is None
        else Orders(
            np.array([b for b, _, _ in placed], np.int32),
            np.array([m for _, m, _ in placed], np.int32),
            _moments(placed),
        ),
        identifiers=tuple(
            _identifiers(kind, uses[kind]) for kind in IdentifierKind if uses is not None and kind in uses
        ),
    )
    return prepare(market, Parameters(), Silent())


def _moments(visits: Sequence[Visit]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([round(day * MICROSECONDS_A_DAY) for _, _, day in visits], np.int64)


def _identifiers(kind: IdentifierKind, uses: Sequence[Use]) -> Identifiers:
    columns = np.array(sorted(set(uses)), np.int32).reshape(-1, 2)
    values = int(columns[:, 1].max()) + 1
    exact = np.zeros((values, 32), np.uint8)
    exact[:, :8] = np.arange(values, dtype=">u8").view(np.uint8).reshape(-1, 8)
    return Identifiers(kind, columns[:, 0], columns[:, 1], exact)
