"""The policy: every number of the marketplace's rules, so that none is a constant in code."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Annotated


@dataclass(frozen=True, slots=True)
class Within:
    """What a number of the policy may be, its bounds included."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class OneOf:
    """What a word of the policy may be."""

    words: tuple[str, ...]


Days = Annotated[int, Within(1, 3_650)]
Percent = Annotated[float, Within(0, 100)]
Weight = Annotated[float, Within(0, 1_000)]
PositiveWeight = Annotated[float, Within(0.01, 1_000)]
Outcomes = Annotated[tuple[str, ...], OneOf(("confirmed", "rejected", "inconclusive"))]
RISING = (("risk", ("base_percent", "medium_percent", "high_percent")),)
"""Keys of a section of which none may be less than the one before it."""


@dataclass(frozen=True, slots=True)
class ReportPolicy:
    """How merchants' reports count."""

    reportable_days: Days = 180
    """A merchant may report only a buyer who ordered or claimed there within so many days."""
    window_days: Days = 180
    """Reports count together for so long."""
    several: PositiveWeight = 2.0
    """What the independent merchants who report a buyer must weigh together to open a verification; one of
    whom nothing was decided yet weighs 1."""
    prior_confirmed: PositiveWeight = 4.0
    """Reports of a merchant that count as confirmed before any was decided."""
    prior_rejected: Weight = 1.0
    """Reports of a merchant that count as rejected before any was decided."""
    together: Annotated[int, Within(2, 1_000)] = 3
    """Merchants count as one who accuse so many buyers together of whom they do not both have claims."""


@dataclass(frozen=True, slots=True)
class VerificationPolicy:
    """How a buyer is verified."""

    second_person_outcomes: Outcomes = ("confirmed",)
    """Outcomes that a second person must agree to: of confirmed, rejected, inconclusive."""
    confirmed_days: Days = 365
    """So long a confirmed verification outranks the score."""
    cleared_days: Days = 180
    """So long a rejected verification outranks the score."""
    appeal_days: Days = 90
    """So long after it was confirmed an appeal can be filed."""


@dataclass(frozen=True, slots=True)
class CasePolicy:
    """How rings are decided."""

    second_person_to_confirm: bool = True
    """Whether a second person must agree before a ring is confirmed."""


@dataclass(frozen=True, slots=True)
class RecoveryPolicy:
    """Who gives merchants their money back."""

    payer: Annotated[str, OneOf(("platform", "buyer"))] = "platform"
    """Who pays: platform, or buyer."""
    share_percent: Percent = 100.0
    """How much of what a claim cost the merchant is proposed, in percent."""
    window_days: Days = 180
    """Claims count that were filed so long before the verification was opened, or since."""


@dataclass(frozen=True, slots=True)
class MerchantPolicy:
    """What merchants may ask."""

    lookups_a_day: Annotated[int, Within(1, 1_000_000)] = 1_000
    """So many different buyers a merchant's keys may ask for on one day (UTC), known or not."""


@dataclass(frozen=True, slots=True)
class DetectionPolicy:
    """What detection publishes."""

    ring_p_value: Annotated[float, Within(0.000001, 1)] = 0.05
    """A ring's p-value may not be higher; what chance shows more often in a marketplace of this shape without
    rings is a lead."""
    honest_fault_rate: Annotated[float, Within(0.01, 1)] = 0.5
    """The highest share of what an honest group orders together that may be bad. Lower it to find rings that
    hide among joint orders they claim for only now and then; clubs with worse goods are then called rings."""
    leads_per_run: Annotated[int, Within(0, 10_000)] = 200
    """Maximum number of leads of a run: suspicions too weak to be rings, the strongest of them."""


@dataclass(frozen=True, slots=True)
class RiskPolicy:
    """How signals make a buyer's risk. Weights are decades: by how many powers of ten odds are multiplied."""

    base_percent: Annotated[float, Within(0.001, 50)] = 1.0
    """How many buyers in a hundred abuse refunds, before anything is known of one."""
    medium_percent: Annotated[float, Within(0.1, 100)] = 10.0
    """From which probability on the band is MEDIUM."""
    high_percent: Annotated[float, Within(0.1, 100)] = 50.0
    """From which probability on the band is HIGH."""
    ring: Weight = 3.0
    """What membership in a ring weighs, before its evidence."""
    ring_per_decade: Weight = 0.1
    """What each decade of the ring's evidence adds to that, up to one decade in all."""
    link_per_decade: Weight = 0.2
    """What each decade of the strongest link weighs for a buyer in no ring, up to one decade in all."""
    recent_days: Days = 30
    """How many days before the last claim of the marketplace are recent."""
    lead: Weight = 0.7
    """What it weighs to be in a lead, for a buyer in no ring; it never makes the band HIGH."""
    frequent_claims: Annotated[int, Within(2, 1_000)] = 5
    """So many recent refund-only claims are a high frequency."""
    frequency: Weight = 1.0
    """What a high frequency weighs; from the second recent claim on it counts in part."""
    share_orders: Annotated[int, Within(1, 1_000)] = 6
    """From so many orders on the share of refund-only claims says something."""
    share_percent: Annotated[float, Within(1, 100)] = 40.0
    """Such a share of refund-only claims among orders is high."""
    share: Weight = 0.7
    """What a high share weighs; from a quarter of it on it counts in part."""
    reports: Weight = 0.5
    """What each independent merchant who reports the buyer weighs, up to three of them."""
    confirmed: Weight = 1.5
    """What it weighs that a verification found abuse, once that no longer outranks the score."""
    rejected: Weight = 0.5
    """What each verification that found no abuse weighs for a buyer, up to two of them."""
    shared: Weight = 1.0
    """What a value weighs that few hold, a confirmed abuser among them; up to two such values count."""
    shared_holders: Annotated[int, Within(2, 1_000)] = 5
    """So many holders are few."""
    new_account_days: Days = 30
    """Within so many days an account is new."""
    new_account: Weight = 0.3
    """What a new account weighs."""
    loss: Weight = 0.3
    """What it weighs to be among the hundredth of buyers who cost most."""
    honest_history: Weight = 1.0
    """What a hundred orders without a refund-only claim weigh for a buyer; fewer count in part."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the rules' numbers."""

    version: str = "1"
    """Stands beside every decision that rests on it."""
    reports: ReportPolicy = field(default_factory=ReportPolicy)
    verification: VerificationPolicy = field(default_factory=VerificationPolicy)
    cases: CasePolicy = field(default_factory=CasePolicy)
    recovery: RecoveryPolicy = field(default_factory=RecoveryPolicy)
    merchants: MerchantPolicy = field(default_factory=MerchantPolicy)
    detection: DetectionPolicy = field(default_factory=DetectionPolicy)
    risk: RiskPolicy = field(default_factory=RiskPolicy)

    @property
    def fingerprint(self) -> str:
        """Give 12 hex digits of the SHA-256 of all but the version: other numbers, another fingerprint."""
        return _fingerprint(self)

    @property
    def name(self) -> str:
        """Give the version with the fingerprint, as decisions keep it: `1 (0123456789ab)`."""
        return f"{self.version} ({self.fingerprint})"


@lru_cache(maxsize=64)
def _fingerprint(policy: Policy) -> str:
    numbers = {name: value for name, value in asdict(policy).items() if name != "version"}
    return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()[:12]
