"""When a group that people decided about is open again: it grew since they looked at it."""

from ringfence.domain.counted import counted
from ringfence.domain.rings import Strength

RETURN_DECADES = 1.0
"""By how much the evidence must exceed what a decision saw before the group comes back."""


def has_new_evidence(seen: Strength, now: Strength) -> bool:
    """Say whether there is a decade more of evidence than a decision saw, from buyers or joint claims that it
    did not see: what else is claimed in a marketplace moves all evidence a little."""
    is_new = now.members > seen.members or now.claims > seen.claims
    return is_new and now.score >= seen.score + RETURN_DECADES


def growth_text(seen: Strength, now: Strength) -> str:
    """Say how much there is of a group now, and how much a decision saw."""
    return (
        f"it has {now.score:.1f} now, {counted(now.members, 'buyer')} and "
        f"{counted(now.claims, 'joint claim')} where {seen.members:,} and {seen.claims:,} were seen"
    )
