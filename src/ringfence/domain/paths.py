"""How two buyers are connected: chains of what few share."""

from dataclasses import dataclass
from enum import StrEnum

MOST_HOPS = 6
MOST_USERS = 100
"""A value connects its users only if they are no more."""
MOST_CLAIMANTS = 20
"""A merchant connects those who claimed there only if they are no more."""


class TieKind(StrEnum):
    """What connects two buyers."""

    LINK = "link"
    """Evidence of the published run that they belong together."""
    ADDRESS = "address"
    DEVICE = "device"
    PAYMENT = "payment"
    PHONE = "phone"
    EMAIL = "email"
    MERCHANT = "merchant"
    """Both claimed there, as few do."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A value that few use, or a merchant at whom few claimed."""

    kind: TieKind
    name: str
    """The pseudonym of the value, or the merchant's id."""
    holders: tuple[str, ...]
    """All of them, by id."""


@dataclass(frozen=True, slots=True)
class PathStep:
    """From one buyer to the next."""

    from_buyer_id: str
    to_buyer_id: str
    kind: TieKind
    via: str | None
    """The pseudonym of the value, or the merchant's id; None for a link."""
    score: float | None
    """Evidence of a link, in decades; None for others."""
    reason: str
    """In words."""


@dataclass(frozen=True, slots=True)
class BuyerPath:
    """What a search for the shortest chain between two buyers came to."""

    steps: tuple[PathStep, ...]
    """None if no chain was found."""
    looked_at: int
    """How many buyers the search came by."""
    is_cut_off: bool
    """Whether it ended early, so that there may be a chain although none was found."""
