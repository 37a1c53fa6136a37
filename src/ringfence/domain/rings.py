"""Rings and what they are made of, as the store answers and people read them."""

import math
from dataclasses import dataclass
from enum import StrEnum

from ringfence.domain.errors import InvalidError


class RingOrder(StrEnum):
    """What rings are listed by, greatest first; ties by ring id."""

    SCORE = "score"
    SIZE = "size"
    CLAIMS = "claims"
    LAST_CLAIM_AT = "last_claim_at"
    PRIORITY = "priority"


def priority(score: float, amount: str, merchants: int) -> float:
    """Say how urgent a ring is: evidence x money x reach.

    It is the evidence in decades, times log10(1 + money), times log10(1 + merchants hit): of two rings with
    like evidence the one goes first that took many times as much or hit many times as many, and a ring with
    little evidence, that took nothing or hit nobody, stands last. Money is the sum over all currencies
    (`amount` as in `Ring`): no rates are known, so 100 minor units (cents, yen) of any count the same.
    """
    minor = sum(int(part[part.index(":") + 1 :].replace(".", "")) for part in amount.split(";") if part)
    return score * math.log10(1 + minor / 100) * math.log10(1 + merchants)


class DetectionMethod(StrEnum):
    """What found a ring."""

    COINCIDENCE = "coincidence"
    """Pairs of buyers whose claims coincide."""
    BLOCKS = "blocks"
    """Many buyers who share many merchants, few of them at a time."""
    IDENTIFIERS = "identifiers"
    """Buyers who share identifiers that few hold."""
    WAVES = "waves"
    """Buyers who claim together at one merchant, again and again."""
    STRUCTURE = "structure"
    """Who claims where, without times."""


@dataclass(frozen=True, slots=True)
class Strength:
    """What a decision about a ring or a lead weighs: how much there is of it."""

    score: float
    """Evidence, in decades."""
    members: int
    """A ring's members, a lead's buyers."""
    claims: int
    """Joint claims."""


@dataclass(frozen=True, slots=True)
class Ring:
    """A coordinated group as one run found it.

    `(:Network)<-[:PART_OF]-(:Ring)-[:FOUND_BY]->(:Run)`
    """

    ring_id: str
    """Given at birth and kept for life."""
    run_id: int
    """The run whose findings these are."""
    network_id: str
    score: float
    """Evidence, in decades."""
    size: int
    """Members."""
    claims: int
    """Joint claims that chance does not explain; merchants, amount and times are theirs too."""
    merchants: int
    amount: str
    """`EUR:3.00;USD:120.50`: sums stay apart by currency."""
    first_claim_at: int
    """µs since 1970-01-01 UTC."""
    last_claim_at: int
    """µs since 1970-01-01 UTC."""
    why: str
    first_run_id: int
    """The run it was born in."""
    origin_ring_id: str | None
    """The ring it was split from, if it was."""

    p_value: float | None = None
    """The chance that a marketplace of this shape without rings shows as strong a ring anywhere; None in a
    run that left p-values out."""
    occasions: int | None = None
    """On how many separate occasions it rests; None where times say nothing, and in a run of before they were
    counted."""
    method: str = "coincidence"
    """What found it, one of `DetectionMethod`."""

    @property
    def priority(self) -> float:
        """How urgent it is, as `priority` says."""
        return priority(self.score, self.amount, self.merchants)

    @property
    def strength(self) -> Strength:
        """How much there is of it."""
        return Strength(self.score, self.size, self.claims)


@dataclass(frozen=True, slots=True)
class Member:
    """`(:Buyer)-[:MEMBER_OF {evidence}]->(:Ring)`."""

    ring_id: str
    buyer_id: str
    score: float
    """Evidence, in decades."""
    why: str


@dataclass(frozen=True, slots=True)
class Link:
    """`(:Buyer)-[:LINKED {evidence, why}]-(:Buyer)`, `buyer_a` before `buyer_b`."""

    buyer_a: str
    buyer_b: str
    score: float
    """Evidence, in decades."""
    why: str


@dataclass(frozen=True, slots=True)
class JointClaim:
    """A claim a ring rests on, in one of its joint events."""

    ring_id: str
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
    weak: bool = False
    """Whether chance alone explains the event: it counts in no headline."""


class LineageEvent(StrEnum):
    """What became of a ring between two runs."""

    BORN = "born"
    KEPT = "kept"
    GREW = "grew"
    SHRANK = "shrank"
    CHANGED = "changed"
    MERGED = "merged"
    SPLIT = "split"
    DIED = "died"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class LineageStep:
    """One step in the life of a ring, seen by one run."""

    run_id: int
    ring_id: str
    event: LineageEvent
    previous_ring_id: str
    """Empty for a ring that was born."""
    common: float
    """Weighted Jaccard of the two, 0 to 1."""


@dataclass(frozen=True, slots=True)
class RingQuery:
    """Which rings of a run are asked for; every condition that is given must hold."""

    min_score: float | None = None
    """In decades."""
    merchant_id: str | None = None
    """Has a joint claim against this merchant."""
    buyer_id: str | None = None
    """Has this member."""
    network_id: str | None = None
    since: int | None = None
    """Its last joint claim was filed then or later; µs since 1970-01-01 UTC."""
    born_since: int | None = None
    """It was first published then or later, or never yet; µs since 1970-01-01 UTC."""
    only: frozenset[str] | None = None
    """Is one of these rings."""
    without: frozenset[str] = frozenset()
    """Is none of these rings."""
    order: RingOrder = RingOrder.SCORE

    def __post_init__(self) -> None:
        """Raise InvalidError for an evidence that is no number."""
        if self.min_score is not None and not math.isfinite(self.min_score):
            raise InvalidError(
                f"Evidence of at least {self.min_score} is no number; give decades, such as 20."
            )
