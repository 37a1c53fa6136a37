"""What detection without times assumes."""

from dataclasses import dataclass

from ringfence.detection.methods.blocks.parameters import WITHOUT_TIMES, BlockParameters
from ringfence.detection.ranges import InvalidParameterError


@dataclass(frozen=True, slots=True)
class StructureParameters:
    """The numbers of the method; evidence in decades, gains in nats."""

    blocks: BlockParameters = WITHOUT_TIMES
    """What dense blocks of (buyer x merchant) must reach."""
    false_discovery_rate: float = 0.01
    """Share of chance among the pairs of buyers that count as surprising (Benjamini and Hochberg)."""
    most_meetings: int = 50_000_000
    """Pairs of buyers looked at, merchant by merchant; the most crowded merchants are left out beyond."""
    most_pairs_per_edge: float = 8.0
    """Surprising pairs kept per edge, the strongest first."""
    margin: float = 0.5
    """Decades above the threshold of pairs from which a pair counts for the rank of its buyers."""
    smoothings: int = 8
    """How often a buyer's rank is averaged with that of its partners."""
    least_rank: float = 1.75
    """Pair rings are sought among buyers of at least this rank."""
    resolution: float = 0.05
    """Resolution of pair rings, as a share of the median surprise (constant Potts)."""
    cell_share: float = 0.25
    """A merchant belongs to a pair ring that at least this share of it claimed against."""
    gain_per_log: float = 15.0
    """A pair ring must save this many nats per ln(buyers + merchants)."""
    row_dispersion: float = 2.5
    """Highest dispersion of what members of a pair ring do at its merchants."""

    def __post_init__(self) -> None:
        for name in (
            "false_discovery_rate",
            "most_pairs_per_edge",
            "resolution",
            "cell_share",
            "gain_per_log",
            "row_dispersion",
        ):
            if not getattr(self, name) > 0:
                raise InvalidParameterError(name, getattr(self, name), "give a number above 0")
        for name in ("margin", "smoothings", "least_rank"):
            if getattr(self, name) < 0:
                raise InvalidParameterError(name, getattr(self, name), "give a number from 0 up")
        if self.false_discovery_rate >= 1:
            raise InvalidParameterError(
                "false_discovery_rate", self.false_discovery_rate, "give a number below 1"
            )
        if self.most_meetings < 1:
            raise InvalidParameterError("most_meetings", self.most_meetings, "give a whole number from 1 up")
