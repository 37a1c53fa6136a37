"""The part of a marketplace that claims: whoever never did cannot be in a ring, nor be a stranger to one."""

from dataclasses import replace

import numpy as np

from ringfence.market.market import Market


def of_claimants(market: Market) -> Market:
    """Give `market` without the buyers who filed no claim; the same object where all did.

    Buyers are renumbered in their order; claims, merchants and values keep theirs. Uses and orders of other
    buyers are left out.
    """
    claims_at_all = np.zeros(len(market.buyer_ids), np.bool_)
    claims_at_all[market.claims.buyer] = True
    if claims_at_all.all():
        return market
    number = (np.cumsum(claims_at_all) - 1).astype(np.int32)
    orders = market.orders
    if orders is not None:
        kept = claims_at_all[orders.buyer]
        orders = replace(
            orders,
            buyer=number[orders.buyer[kept]],
            merchant=orders.merchant[kept],
            ordered_at=orders.ordered_at[kept],
        )
    identifiers = []
    for uses in market.identifiers:
        kept = claims_at_all[uses.buyer]
        identifiers.append(replace(uses, buyer=number[uses.buyer[kept]], value=uses.value[kept]))
    return replace(
        market,
        buyer_ids=market.buyer_ids.gather(np.flatnonzero(claims_at_all)),
        claims=replace(market.claims, buyer=number[market.claims.buyer]),
        orders=orders,
        identifiers=tuple(identifiers),
    )
