"""What detection assumes, by subject; one set of defaults serves every marketplace."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ringfence.detection.methods.blocks.parameters import BlockParameters
from ringfence.detection.methods.identifiers.parameters import IdentifierParameters
from ringfence.detection.methods.structure.parameters import StructureParameters
from ringfence.detection.methods.waves.parameters import WaveParameters
from ringfence.detection.ranges import InvalidParameterError, require_count, require_positive, require_share
from ringfence.domain.policy import DetectionPolicy
from ringfence.domain.rings import DetectionMethod


@dataclass(frozen=True, slots=True)
class YardstickParameters:
    """How the closeness of two claims is measured; times in days."""

    window_days: float = 14.0
    """Claims at one merchant further apart than this are never compared."""
    rate_days: float = 14.0
    """The local rate of a merchant is counted this far before and after."""
    closest_days: float = 0.25
    """Claims nearer than this count as this near: hours of the day are habit, not evidence."""
    strangers: float = 32.0
    """A coincidence counts only if chance would put fewer claims of strangers as near as this."""
    gap_days: float = 7.0
    """A group's claims at one merchant belong to one event while no gap is longer."""
    neighbours: int = 8
    """Each claim is compared with this many next claims at its merchant."""
    hub_holders: int = 500
    """Maximum number of holders for a shared value to say anything about two of them."""
    habit_days: float = 4.0
    """Buyers who ordered together file their claims within this time."""

    def __post_init__(self) -> None:
        require_positive(
            self, "window_days", "rate_days", "closest_days", "strangers", "gap_days", "habit_days"
        )
        require_count(self, "neighbours", "hub_holders")


@dataclass(frozen=True, slots=True)
class OccasionParameters:
    """What counts as one occasion of one buyer; times in days."""

    act_days: float = 1.0
    """Claims of one buyer filed less than this after the first of them are one act."""
    checkout_days: float = 1.0 / 24.0
    """Orders of one buyer placed less than this after the first of them are one checkout."""
    checkout_claims_days: float = 14.0
    """Claims for goods of one checkout are one occasion when filed less than this after the first of them."""

    def __post_init__(self) -> None:
        require_positive(self, "act_days", "checkout_days", "checkout_claims_days")


@dataclass(frozen=True, slots=True)
class OrderParameters:
    """What orders say about claims to expect."""

    together_days: float = 2.0
    """Orders at one merchant within this time count as placed together."""
    habit_score: float = 1.0
    """Where no orders are known: decades by which claims must lie closer than that explains."""
    household_score: float = 1.5
    """Decades that buyers who share an identifier need more there: households file on the same evening."""
    household_days: float = 2.0
    """Where orders are known: the days over which a household files its claims for one parcel."""
    honest_fault_rate: float = 0.5
    """The highest share of what an honest group orders together that may be bad. Lower it to find rings that
    hide among joint orders they claim for only now and then; clubs with worse goods are then called rings."""

    def __post_init__(self) -> None:
        require_positive(self, "together_days", "habit_score", "household_days")
        require_share(self, "honest_fault_rate")


@dataclass(frozen=True, slots=True)
class CoincidenceParameters:
    """How rings grow from weak pairs; evidence in decades."""

    seed_score: float = -3.0
    """Pairs of at least this evidence, after multiplicity, may start a ring."""
    joining_rate: float = 0.03
    """Strangers expected to join a group of one by chance; a group of g allows g times as many."""
    growth_rounds: int = 8
    """A group is grown in at most this many rounds."""
    single_joins_below: int = 4
    """Groups smaller than this take in one member at a time."""

    def __post_init__(self) -> None:
        require_positive(self, "joining_rate")
        require_count(self, "growth_rounds", "single_joins_below")


@dataclass(frozen=True, slots=True)
class FusionParameters:
    """How candidates of all methods become one list; evidence in decades."""

    largest: int = 1000
    """Members of groups larger than this are not judged one by one: such a group is divided first."""
    least_score: float = 2.0
    """Rings of less evidence than this are left as they are; in marketplaces without rings there are such."""
    rounds: int = 4
    """A block takes in outsiders in at most this many rounds."""
    slack: float = 0.5
    """A member of a settled group may fall this far below the bar for joining."""
    one_merchant_share: float = 0.6
    """A block with this share of its claims at one merchant is judged as waves there."""
    meets_chance: float = 0.001
    """A member leaves a ring if chance puts it at so few of the ring's events at most this often."""
    meets_score: float = 2.0
    """Members of at least this evidence of their own stay, however rarely they take part."""

    def __post_init__(self) -> None:
        require_count(self, "largest", "rounds")
        require_share(self, "one_merchant_share", "meets_chance")


@dataclass(frozen=True, slots=True)
class CalibrationParameters:
    """How p-values are worked out: what chance shows in marketplaces of the same shape without rings."""

    null_runs: int = 6
    """Maximum number of such marketplaces; 0 leaves p-values out."""
    thorough_runs: int = 3
    """All methods search this many of them; the quick ones search the others too."""
    enough: int = 40
    """No further one is made once they showed this many candidates of chance; the strongest make the tail."""
    block_days: float = 28.0
    """Buyers are shuffled among a merchant's claims of this many days."""
    floor: float = -2.5
    """Candidates of at least this evidence are counted there (decades)."""
    peel_score: float = 3.0
    """Leads of at least this evidence are left out of them, as rings are."""
    ring_p_value: float = 0.05
    """A ring's p-value may not be higher."""

    def __post_init__(self) -> None:
        require_positive(self, "block_days")
        require_count(self, "thorough_runs", "enough")
        require_share(self, "ring_p_value")
        if self.null_runs < 0:
            raise InvalidParameterError("null_runs", self.null_runs, "give a whole number from 0 up")


@dataclass(frozen=True, slots=True)
class Parameters:
    """The numbers of the methods."""

    yardstick: YardstickParameters = field(default_factory=YardstickParameters)
    occasions: OccasionParameters = field(default_factory=OccasionParameters)
    orders: OrderParameters = field(default_factory=OrderParameters)
    coincidence: CoincidenceParameters = field(default_factory=CoincidenceParameters)
    identifiers: IdentifierParameters = field(default_factory=IdentifierParameters)
    waves: WaveParameters = field(default_factory=WaveParameters)
    blocks: BlockParameters = field(default_factory=BlockParameters)
    structure: StructureParameters = field(default_factory=StructureParameters)
    fusion: FusionParameters = field(default_factory=FusionParameters)
    calibration: CalibrationParameters = field(default_factory=CalibrationParameters)
    without: tuple[DetectionMethod, ...] = ()
    """Methods that are left out."""
    ring_score: float = 2.0
    """A ring needs at least this evidence (decades), also without the merchant it rests on most."""

    def without_p_values(self) -> "Parameters":
        """Give the same without p-values."""
        return replace(self, calibration=replace(self.calibration, null_runs=0))

    def with_policy(self, policy: DetectionPolicy) -> "Parameters":
        """Give the same with what the policy decides."""
        return replace(
            self,
            orders=replace(self.orders, honest_fault_rate=policy.honest_fault_rate),
            calibration=replace(self.calibration, ring_p_value=policy.ring_p_value),
        )

    def to_dict(self) -> dict[str, Any]:
        """Every parameter by subject and name, for the record of a run."""
        return asdict(self)
