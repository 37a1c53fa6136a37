"""What the search for dense blocks assumes; one set of defaults for times, one for data without them."""

from dataclasses import asdict, dataclass

from ringfence.detection.ranges import InvalidParameterError


@dataclass(frozen=True, slots=True)
class BlockParameters:
    """The numbers of the method; times in days, gains in nats."""

    cell_days: float = 7.0
    """The longest cell: claims at one merchant further apart never share one."""
    scales: int = 4
    """How many lengths of cells are tried, each half the one before."""
    reach_days: float = 28.0
    """A cell's strangers are expected from the merchant's claims this far before and after it."""
    least_in_cell: int = 3
    """Cells with fewer distinct buyers belong to no block; their claims still count as honest activity."""
    gain_per_log: float = 1.0
    """A block must save this many nats per ln(buyers + cells), the cost of naming it paid."""
    needs_surplus: bool = True
    """A block must have a surplus over whole degrees (see `judge`)."""
    chance_factor: float = 2.5
    """Where it need not, a block without one must gain this many times what rewired graphs yield."""
    row_dispersion: float = 1.5
    """Highest Pearson dispersion of what members do inside the block: 1 when all are equally active."""
    column_dispersion: float = 2.5
    """Highest Pearson dispersion of how many members the block's cells hold."""
    density: float = 1.0
    """Least number of edges inside a block per buyer or cell in it."""
    peels: int = 3
    """Seeds that peeling may propose one after the other until one becomes a block."""
    singular_vectors: int = 0
    """Singular vectors that propose seeds when peeling found none."""
    largest_seed: int = 2_000
    """A seed holds at most this many buyers: peeling goes on until its densest stage does."""
    largest_block: int = 10_000
    """The search of members stops when a block outgrows this: a crowd is no ring."""
    most_peeled: int = 200
    """Most blocks that peeling may find, starts apart."""
    rounds: int = 20
    """Most rounds of the search of members."""
    community_resolution: float = 0.05
    """Resolution of the communities of weak pairs that the search starts from (constant Potts)."""
    uniform_from: int = 50
    """Groups from this size on must be uniform."""
    uneven: float = 2.5
    """Row dispersion above which a group of that size is cut into parts."""

    def __post_init__(self) -> None:
        for name in (
            "cell_days",
            "reach_days",
            "gain_per_log",
            "chance_factor",
            "row_dispersion",
            "column_dispersion",
            "density",
            "community_resolution",
            "uneven",
        ):
            if not getattr(self, name) > 0:
                raise InvalidParameterError(name, getattr(self, name), "give a number above 0")
        for name in ("scales", "least_in_cell", "largest_seed", "largest_block", "rounds", "uniform_from"):
            if getattr(self, name) < 1:
                raise InvalidParameterError(name, getattr(self, name), "give a whole number from 1 up")
        for name in ("peels", "singular_vectors", "most_peeled"):
            if getattr(self, name) < 0:
                raise InvalidParameterError(name, getattr(self, name), "give a whole number from 0 up")

    def to_dict(self) -> dict[str, float | int]:
        """Every parameter by name, for the record of a run."""
        return asdict(self)


WITHOUT_TIMES = BlockParameters(
    least_in_cell=1,
    needs_surplus=False,
    gain_per_log=15.0,
    column_dispersion=1.5,
    density=1.5,
    peels=4,
    singular_vectors=6,
)
"""Where a cell is a whole merchant nothing else confirms a block, so it must stand out far more.

Its cells are few, and small ones hold a good part of a sparse block's edges, so all of them count. In a small
graph a block may be so large a part that naming it costs more than it saves over whole degrees.
"""
