"""A buyer's risk: a calibrated probability, its band, and the signals it comes from."""

from dataclasses import dataclass
from enum import StrEnum


class RiskBand(StrEnum):
    """How a buyer is to be treated."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CONFIRMED = "confirmed"
    """A verification found abuse; outranks the probability for a time that the policy sets."""
    CLEARED = "cleared"
    """A verification found none; outranks the probability for a time that the policy sets."""


class Language(StrEnum):
    """In which language reasons are told."""

    ENGLISH = "en"
    CHINESE = "zh"


@dataclass(frozen=True, slots=True)
class SignalReading:
    """What one signal says of a buyer."""

    signal: str
    """Its name, the same in every language."""
    weight: float | None
    """By how many decades it multiplies the odds of abuse; below 0 it speaks for the buyer. None where it is
    not to be told."""
    explanation: str
    """What the signal is, in words."""
    reason: str
    """What it rests on for this buyer, in words."""
    would_lower: str | None
    """What would lower it; None where it does not speak against the buyer."""


@dataclass(frozen=True, slots=True)
class BuyerRisk:
    """The risk of one buyer as of a moment."""

    buyer_id: str
    band: RiskBand
    probability: float | None
    """That the buyer abuses refunds, 0 to 1, whatever the band says; None where it is not to be told."""
    readings: tuple[SignalReading, ...]
    """Those that say anything, strongest first."""
    as_of: int
    """µs since 1970-01-01 UTC: what was known then."""
    run_id: int
    """The run it was worked out with."""
    policy: str
    """The policy it was worked out by."""
    verification_id: str | None = None
    """What the band rests on, where that is CONFIRMED or CLEARED."""
