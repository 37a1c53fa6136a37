"""Leads: suspicions too weak to be rings, as the store answers and people read them."""

from dataclasses import dataclass
from enum import StrEnum

from ringfence.domain.rings import Strength


class LeadKind(StrEnum):
    """Why a lead is no ring."""

    ONE_OCCASION = "one_occasion"
    """All of it may be one occasion, such as one shipment that was lost."""
    ASSOCIATES = "associates"
    """These buyers are near a ring, and not in step with it often enough to be members."""
    SHARED_SHOPPING = "shared_shopping"
    """They shop together, or no orders are known: then they claim together by habit."""
    WEAK_EVIDENCE = "weak_evidence"
    """Chance shows as strong a group too often."""
    ONE_MERCHANT = "one_merchant"
    """All of it is at one merchant."""
    STRUCTURE = "structure"
    """Who claims where is odd, but the times say nothing."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A group of buyers worth a look, as one run found it; nobody is accused by it."""

    lead_id: str
    """Given at birth, kept as long as its buyers are much the same."""
    run_id: int
    """The run whose finding this is."""
    kind: LeadKind
    ring_id: str | None
    """The ring that its buyers are near; None for a lead that is near none."""
    score: float
    """Evidence, in decades."""
    size: int
    """Buyers."""
    claims: int
    """Joint claims that chance does not explain; merchants, amount and times are theirs too."""
    merchants: int
    occasions: int | None
    """On how many separate occasions it rests; None where times say nothing."""
    amount: str
    """`EUR:3.00;USD:120.50`: sums stay apart by currency."""
    first_claim_at: int | None
    """µs since 1970-01-01 UTC."""
    last_claim_at: int | None
    """µs since 1970-01-01 UTC."""
    p_value: float | None
    why: str
    """What speaks for it, in words."""
    why_not: str
    """Why it is not a ring, in words."""

    @property
    def strength(self) -> Strength:
        """How much there is of it."""
        return Strength(self.score, self.size, self.claims)


@dataclass(frozen=True, slots=True)
class LeadBuyer:
    """A buyer's part in a lead."""

    lead_id: str
    buyer_id: str
    score: float
    """Evidence, in decades."""
    why: str


@dataclass(frozen=True, slots=True)
class LeadClaim:
    """A claim a lead rests on, in one of its joint events."""

    lead_id: str
    event: int
    """1, 2, … in the order of time."""
    merchant_id: str
    buyer_id: str
    claim_id: str
    filed_at: int
    """µs since 1970-01-01 UTC."""
    amount: str
    """`EUR:3.00`."""
    expected: float
    """How many strangers' claims chance would put as near."""
    weak: bool
    """Whether chance alone explains the event."""


@dataclass(frozen=True, slots=True)
class LeadQuery:
    """Which leads of a run are asked for; every condition that is given must hold."""

    kind: LeadKind | None = None
    buyer_id: str | None = None
    """This buyer is in it."""
    ring_id: str | None = None
    """It is near this ring."""
    without: frozenset[str] = frozenset()
    """It is none of these leads."""
