"""What the judgement of groups that share identifiers assumes."""

from dataclasses import dataclass

from ringfence.detection.ranges import require_count, require_positive


@dataclass(frozen=True, slots=True)
class IdentifierParameters:
    """Which holders of shared identifiers are judged as groups."""

    most_holders: int = 60
    """The holders of a value are judged as a group up to this many."""
    chain_holders: int = 10
    """Values of at most this many holders tie buyers into chains."""
    shortest_chain: int = 3
    """Chains of fewer buyers are no group; two who share a value are one already."""
    longest_chain: int = 40
    """Chains of more buyers are no group."""
    most_claims: int = 1_000
    """Buyers with more claims than this are left out: they meet everybody, and would cost the most time."""
    without_orders: float = 2.0
    """Decades that a group needs more where no orders are known: those who share a home shop together, and
    claims alone do not say so."""
    associate_holders: int = 4
    """A value needs this many holders to bring in those who met no member of a ring."""
    associate_members: int = 3
    """This many of its holders, and half of them, must be members of the ring."""

    def __post_init__(self) -> None:
        require_positive(self, "without_orders")
        require_count(
            self,
            "most_holders",
            "chain_holders",
            "shortest_chain",
            "longest_chain",
            "most_claims",
            "associate_holders",
            "associate_members",
        )
