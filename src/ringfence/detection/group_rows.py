"""A ring or a lead as rows: its headline, its members, the claims behind it."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from ringfence.detection.findings import Finding
from ringfence.detection.reasons import Reasons
from ringfence.detection.wording import Group
from ringfence.domain.currencies import amount_text
from ringfence.market import Market
from ringfence.market.results import SCHEMAS


def headline(found: Finding, market: Market) -> dict[str, object]:
    """Sum up the joint events that chance does not explain: claims, merchants, occasions, amount, times.

    Times are µs since 1970-01-01 UTC, None where no event is left. `market` is the part that claims.
    """
    claims, joint = market.claims, found.joint.claim[found.telling]
    currency, amount = claims.currency[joint], claims.amount[joint]
    at = claims.filed_at[joint]
    return {
        "size": len(found.members),
        "claims": len(joint),
        "merchants": len(np.unique(claims.merchant[joint])),
        "occasions": found.support.occasions,
        "amount": ";".join(
            amount_text(int(amount[currency == code].sum()), market.currencies[code])
            for code in np.unique(currency).tolist()
        ),
        "first_claim_at": int(at.min()) if len(at) else None,
        "last_claim_at": int(at.max()) if len(at) else None,
    }


def member_rows(
    group_id: str, found: Finding, names: Sequence[str], reasons: Reasons, group: Group
) -> list[tuple[str, str, float, str]]:
    """List id, buyer, decades and why of each member of a ring or buyer of a lead, best first; `names` are
    their ids."""
    scores = found.support.member_scores
    best_first = sorted(range(len(names)), key=lambda m: (-scores[m], names[m]))
    return [(group_id, names[m], float(scores[m]), reasons.of_member(found, m, group)) for m in best_first]


def evidence_rows(group_id: str, found: Finding, market: Market, group: Group) -> pl.DataFrame:
    """List the joint claims, weak ones included, by event and time; `market` is the part that claims."""
    claims, joint = market.claims, found.joint
    order = np.lexsort((joint.claim, joint.event))
    claim = joint.claim[order]
    codes = claims.currency[claim]
    table = "evidence" if group == "ring" else "lead_evidence"
    return pl.DataFrame(
        {
            f"{group}_id": pl.Series([group_id]).new_from_index(0, len(claim)),
            "event": joint.event[order] + 1,
            "merchant_id": market.merchant_ids.gather(claims.merchant[claim]),
            "buyer_id": market.buyer_ids.gather(claims.buyer[claim]),
            "claim_id": claims.claim_id.gather(claim),
            "filed_at": pl.Series(claims.filed_at[claim]).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            "amount": [
                amount_text(minor, market.currencies[code])
                for minor, code in zip(claims.amount[claim].tolist(), codes.tolist(), strict=True)
            ],
            "expected": joint.strangers[order],
            "weak": found.support.is_weak[order],
        },
        schema=SCHEMAS[table],
    )
