"""Merchants' reports: mostly right, some mistaken, and those of a few shops that accuse whoever claims."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ringfence.generator.activity import Activity, Ints, Longs
from ringfence.generator.groups import Group, Lookalike
from ringfence.generator.seasons import DAY, HOUR, Calendar

_JUST = 0.15
"""Share of joint claims that the merchant reports."""
_MISTAKEN = 0.002
"""Share of other claims that the merchant reports."""
_ACCUSED = 0.002
"""Share of the buyers whom false reports hit."""

REPORT_REASONS = ("suspected_abuse", "repeat_claims", "goods_kept", "false_claim")


@dataclass(frozen=True, eq=False)
class Accusations:
    """Reports as parallel columns, and who was accused by a shop that accuses falsely."""

    claim: Longs
    """int64, positions in the claims."""
    reported_at: Longs
    """int64, seconds."""
    reason: Ints
    """int32, positions in REPORT_REASONS."""
    falsely_accused: list[Group]
    """A group for each such shop."""


def accuse(
    claims: Activity,
    labelled: NDArray[np.bool_],
    first_number: int,
    calendar: Calendar,
    chance: np.random.Generator,
) -> Accusations:
    """Return reports about `claims`, just and unjust.

    Only buyers not yet `labelled` (bool[n]) become victims of false reports; their groups are numbered from
    `first_number`.
    """
    # a report that comes after the period is lost, and the label would have nothing to show for it
    seen = claims.filed_at < calendar.end - 15 * DAY
    reported = chance.random(len(claims)) < np.where(claims.is_scheme, _JUST, _MISTAKEN)
    groups, false_claims = _falsely(claims, seen & ~labelled[claims.buyer], first_number, chance)
    reported[false_claims] = True
    claim = np.flatnonzero(reported)
    waited = np.minimum(chance.exponential(2.0, len(claim)), 14.0)
    reported_at = claims.filed_at[claim] + HOUR + (waited * DAY).astype(np.int64)
    in_time = reported_at < calendar.end
    reason = chance.integers(0, len(REPORT_REASONS), len(claim))
    return Accusations(claim[in_time], reported_at[in_time], reason[in_time].astype(np.int32), groups)


def _falsely(
    claims: Activity, open_to_blame: NDArray[np.bool_], first_number: int, chance: np.random.Generator
) -> tuple[list[Group], Longs]:
    """Return the accused of each false reporter, and the positions of the claims they are accused for."""
    wanted = max(6, round(_ACCUSED * (int(claims.buyer.max()) + 1)))
    reporters = max(3, wanted // 40)
    candidates = np.flatnonzero(open_to_blame)
    if not len(candidates):
        return [], np.empty(0, dtype=np.int64)
    clients = np.bincount(claims.merchant[candidates])
    shops = np.flatnonzero(clients >= min(wanted // reporters, int(np.sort(clients)[-reporters])))
    accusers = chance.choice(shops, size=min(reporters, len(shops)), replace=False)
    groups: list[Group] = []
    rows: list[NDArray[np.int64]] = []
    blamed = np.empty(0, dtype=np.int32)
    for accuser in accusers:
        here = chance.permutation(candidates[claims.merchant[candidates] == accuser])
        here = here[~np.isin(claims.buyer[here], blamed)]
        accused, first = np.unique(claims.buyer[here], return_index=True)
        chosen = chance.permutation(len(accused))[: max(2, wanted // reporters)]
        if not len(chosen):
            continue
        blamed = np.concatenate([blamed, accused[chosen]])
        groups.append(Group(Lookalike.FALSE_REPORTS, first_number + len(groups), np.sort(accused[chosen])))
        rows.append(here[first[chosen]])
    return groups, np.concatenate(rows)
