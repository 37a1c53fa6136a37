"""What detection assumes, in one place; one set of defaults serves every marketplace."""

from dataclasses import asdict, dataclass, fields

from ringfence.domain.errors import InvalidError


class InvalidParameterError(InvalidError):
    """A detection parameter is outside its range."""

    def __init__(self, name: str, value: object, remedy: str) -> None:
        self.name, self.value = name, value
        super().__init__(f"detection parameter {name}={value!r} is out of range: {remedy}")


@dataclass(frozen=True, slots=True)
class Parameters:
    """The numbers of the method; times in days, evidence in decades (-log10 of a chance)."""

    window_days: float = 14.0
    """Claims at one merchant further apart than this are never compared."""
    rate_days: float = 14.0
    """The local rate of a merchant is counted this far before and after."""
    closest_days: float = 0.25
    """Claims nearer than this count as this near: hours of the day are habit, not evidence."""
    strangers: float = 32.0
    """A coincidence counts only if chance would put fewer claims of strangers as near as this."""
    neighbours: int = 8
    """Each claim is compared with this many next claims at its merchant."""
    seed_score: float = -3.0
    """Pairs of at least this evidence, after multiplicity, may start a ring."""
    joining_rate: float = 0.03
    """Strangers expected to join a group of one by chance; a group of g allows g times as many."""
    ring_score: float = 2.0
    """A ring needs at least this evidence, without the merchant it rests on most."""
    gap_days: float = 7.0
    """A group's claims at one merchant belong to one event while no gap is longer."""
    hub_holders: int = 500
    """A value held by more buyers than this says nothing about any two of them."""
    exposure_days: float = 2.0
    """Orders of two buyers at one merchant within this time count as shopping together."""
    exposure_smoothing: float = 0.3
    """Added to both sides of the ratio of orders together, seen over expected."""
    growth_rounds: int = 8
    """A group is grown in at most this many rounds."""
    single_joins_below: int = 4
    """Groups smaller than this take in one member at a time."""

    def __post_init__(self) -> None:
        for name in ("window_days", "rate_days", "closest_days", "strangers", "joining_rate", "gap_days"):
            if not getattr(self, name) > 0:
                raise InvalidParameterError(name, getattr(self, name), "give a number above 0")
        for name in ("neighbours", "growth_rounds", "single_joins_below", "hub_holders"):
            if getattr(self, name) < 1:
                raise InvalidParameterError(name, getattr(self, name), "give a whole number from 1 up")
        if self.exposure_days < 0 or not self.exposure_smoothing > 0:
            raise InvalidParameterError("exposure_days", self.exposure_days, "give days ≥ 0, smoothing > 0")

    def to_dict(self) -> dict[str, float | int]:
        """Every parameter by name, for the record of a run."""
        return asdict(self)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The parameters' names in their order."""
        return tuple(f.name for f in fields(cls))
