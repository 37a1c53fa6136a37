"""The policy: every number of the marketplace's rules, so that none is a constant in code."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReportPolicy:
    """How merchants' reports count."""

    reportable_days: int = 180
    """A merchant may report only a buyer who ordered or claimed there within so many days."""
    window_days: int = 180
    """Reports count together for so long."""
    several: float = 2.0
    """What the independent merchants who report a buyer must weigh together to open a verification; one of
    whom nothing was decided yet weighs 1."""
    prior_confirmed: float = 4.0
    """Reports of a merchant that count as confirmed before any was decided."""
    prior_rejected: float = 1.0
    """Reports of a merchant that count as rejected before any was decided."""
    together: int = 3
    """Merchants count as one who accuse so many buyers together of whom they do not both have claims."""


@dataclass(frozen=True, slots=True)
class VerificationPolicy:
    """How a buyer is verified."""

    second_person_outcomes: tuple[str, ...] = ("confirmed",)
    """Outcomes that a second person must agree to: of confirmed, rejected, inconclusive."""
    confirmed_days: int = 365
    """So long a confirmed verification outranks the score."""
    cleared_days: int = 180
    """So long a rejected verification outranks the score."""
    appeal_days: int = 90
    """So long after it was confirmed an appeal can be filed."""


@dataclass(frozen=True, slots=True)
class CasePolicy:
    """How rings are decided."""

    second_person_to_confirm: bool = True
    """Whether a second person must agree before a ring is confirmed."""


@dataclass(frozen=True, slots=True)
class RecoveryPolicy:
    """Who gives merchants their money back."""

    payer: str = "platform"
    """Who pays: platform, or buyer."""
    share_percent: float = 100.0
    """How much of what a claim cost the merchant is proposed, in percent."""
    window_days: int = 180
    """Claims count that were filed so long before the verification was opened, or since."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the rules' numbers."""

    version: str = "1"
    """Stands beside every decision that rests on it."""
    reports: ReportPolicy = field(default_factory=ReportPolicy)
    verification: VerificationPolicy = field(default_factory=VerificationPolicy)
    cases: CasePolicy = field(default_factory=CasePolicy)
    recovery: RecoveryPolicy = field(default_factory=RecoveryPolicy)
