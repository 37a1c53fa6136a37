"""What is written on an order and on a claim beyond who, where and when: money, kind, status, evidence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringfence.domain.claims import ClaimKind, ClaimStatus
from ringfence.generator.activity import NOT_RECEIVED, Activity
from ringfence.generator.geography import COUNTRIES
from ringfence.generator.merchants import CATEGORIES, Merchants
from ringfence.generator.population import Ints, Population
from ringfence.generator.seasons import DAY

Longs = NDArray[np.int64]

KINDS = tuple(ClaimKind)
STATUSES = tuple(ClaimStatus)
_REFUND_ONLY = KINDS.index(ClaimKind.REFUND_ONLY)
_PARTIAL = KINDS.index(ClaimKind.PARTIAL_REFUND)
_KIND_SHARES = (0.5, 0.36, 0.14)


@dataclass(frozen=True, eq=False)
class Details:
    """Columns of claims, each as long as the claims."""

    amount: Longs
    """int64, hundredths of the currency."""
    kind: Ints
    """int32, positions in KINDS."""
    status: Ints
    """int32, positions in STATUSES."""
    evidence: Ints
    """int32, how many pieces of evidence."""


def price(
    activity: Activity, population: Population, merchants: Merchants, chance: np.random.Generator
) -> Longs:
    """Draw what each order cost: int64, hundredths of the buyer's currency, whole if it has no cents."""
    category = merchants.category[activity.merchant]
    median = np.array([middle for _, _, middle, _ in CATEGORIES])[category]
    sigma = np.array([spread for _, _, _, spread in CATEGORIES])[category]
    country = population.country[activity.buyer]
    level = np.array([land.price_level for land in COUNTRIES])[country]
    step = np.array([10 ** (2 - land.exponent) for land in COUNTRIES])[country]
    hundredths = 100.0 * level * median * np.exp(sigma * chance.standard_normal(len(activity)))
    amount: Longs = np.maximum((hundredths / step).astype(np.int64), 50) * step
    return amount


def detail(
    claims: Activity, paid: Longs, population: Population, calendar_end: int, chance: np.random.Generator
) -> Details:
    """Draw the details of claims on orders that cost `paid` (int64, hundredths)."""
    count = len(claims)
    kind = chance.choice(len(KINDS), size=count, p=np.array(_KIND_SHARES))
    # nothing to send back where nothing came; and whoever means to keep the goods asks for the money alone
    kind[(claims.reason == NOT_RECEIVED) | claims.is_scheme] = _REFUND_ONLY
    step = np.array([10 ** (2 - land.exponent) for land in COUNTRIES])[population.country[claims.buyer]]
    part = np.where(kind == _PARTIAL, chance.uniform(0.15, 0.7, count), 1.0)
    amount = np.maximum((paid * part / step).astype(np.int64), 1) * step
    settled = np.array([STATUSES.index(ClaimStatus.REFUNDED), STATUSES.index(ClaimStatus.PARTLY_REFUNDED)])
    status = settled[(kind == _PARTIAL).astype(np.int64)]
    fate = chance.random(count)
    status[fate < 0.12] = STATUSES.index(ClaimStatus.REFUSED)
    status[fate > 0.97] = STATUSES.index(ClaimStatus.WITHDRAWN)
    fresh = claims.filed_at > calendar_end - (chance.exponential(3.0, count) * DAY).astype(np.int64)
    status[fresh] = STATUSES.index(ClaimStatus.OPEN)
    evidence = np.where(claims.reason == NOT_RECEIVED, 0, chance.poisson(1.3, count))
    return Details(amount, kind.astype(np.int32), status.astype(np.int32), evidence.astype(np.int32))
