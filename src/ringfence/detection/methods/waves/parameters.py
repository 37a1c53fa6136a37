"""What the search for waves at one merchant assumes."""

from dataclasses import dataclass

from ringfence.detection.ranges import require_count, require_positive, require_share


@dataclass(frozen=True, slots=True)
class WaveParameters:
    """When waves of claims at one merchant are a ring; times in days."""

    least_waves: int = 3
    """A ring at one merchant needs this many waves."""
    least_members: int = 3
    """A wave needs this many members."""
    waves_apart_days: float = 5.0
    """Waves begin at least this long after the one before."""
    wave_days: float = 7.0
    """The longest that a wave lasts."""
    least_nats: float = 30.0
    """What a ring at one merchant must be likelier than its customers, in nats after all choices."""
    claimed_share: float = 0.6
    """Members must have claimed for at least this share of what they ordered at the merchant."""
    linking_rate: float = 0.01
    """Other buyers at the merchant expected to be linked to a buyer by chance."""
    around_days: float = 365.0
    """Members are compared with customers who came this long before and after them, at most."""
    most_claims: int = 1_000
    """Buyers with more claims than this are in no wave: they are shops or robots, and slow."""
    most_regulars: int = 512
    """Merchants with more buyers than this who claimed again and again are not searched."""

    def __post_init__(self) -> None:
        require_positive(self, "waves_apart_days", "wave_days", "least_nats", "linking_rate", "around_days")
        require_count(self, "least_waves", "least_members", "most_claims", "most_regulars")
        require_share(self, "claimed_share")
