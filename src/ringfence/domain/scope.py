"""Who asks, and what they may see."""

from dataclasses import dataclass
from enum import StrEnum

from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.errors import ForbiddenError

MERCHANT_SIGHT_DAYS = 180
"""A merchant knows the buyers who ordered or claimed there within so many days, and nobody else."""


class Role(StrEnum):
    """What a principal does here."""

    INVESTIGATOR = "investigator"
    """Sees everything, decides about rings."""
    OPERATOR = "operator"
    """Runs the installation; sees everything, decides nothing."""
    JOB = "job"
    """Loads and detects on a schedule; sees runs."""
    MERCHANT = "merchant"
    """Sees its own part of the marketplace."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the marketplace a read may answer from; it stands in the statement itself."""

    merchant_id: str | None = None
    """Only what concerns this merchant; None for all merchants."""
    since: int = 0
    """Buyers exist only who ordered or claimed there then or later; µs since 1970-01-01 UTC."""


PLATFORM = Scope()
"""The whole marketplace."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks: an argument of every service."""

    name: str
    """Stands beside decisions and in the audit; never a secret."""
    role: Role
    merchant_id: str | None = None
    """Of a merchant's principal; None for all others."""

    def scope(self, now: int) -> Scope:
        """Say what this principal may see at `now` (µs since 1970-01-01 UTC).

        Raises ForbiddenError for a merchant's principal that names none.
        """
        if self.role is Role.MERCHANT:
            if self.merchant_id is None:
                raise ForbiddenError("A merchant's key that names no merchant reads nothing.")
            return Scope(self.merchant_id, now - MERCHANT_SIGHT_DAYS * MICROSECONDS_A_DAY)
        return PLATFORM
