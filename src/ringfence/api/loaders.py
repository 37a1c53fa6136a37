"""What a query reads: once for all objects of a list, as soon as one of them is asked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ringfence.domain.buyers import Buyer, Claim
from ringfence.domain.lead_decisions import LeadStanding
from ringfence.domain.leads import Lead, LeadBuyer, LeadClaim
from ringfence.domain.policy import Policy
from ringfence.domain.ring_decisions import RingStanding
from ringfence.domain.rings import JointClaim, LineageStep, Link, Member, Ring
from ringfence.domain.risk import BuyerRisk, Language
from ringfence.domain.runs import Run
from ringfence.domain.scope import Principal
from ringfence.services import buyer_risk, leads, read_buyers, read_rings, read_runs
from ringfence.services.read_buyers import BuyerUnknownError
from ringfence.store import Store

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Asking:
    """One request: who asks, when, and what is read for it."""

    store: Store
    principal: Principal
    now: int
    """µs since 1970-01-01 UTC."""
    policy: Policy
    """The one in force."""
    snapshots: ExitStack
    """What it reads, it reads in these."""
    refusals: list[str] = field(default_factory=list)
    """Codes of what it was refused and may mend."""
    subjects: set[str] = field(default_factory=set)
    """Ids of whom and what was answered."""
    afterwards: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What is to be done after the answer, by a name for it."""
    _runs: dict[int, Run] = field(default_factory=dict)
    _risks: dict[tuple[tuple[str, ...], int | None, Language], dict[str, BuyerRisk]] = field(
        default_factory=dict
    )

    def begin_reading(self) -> None:
        """Read one state of the store from here on, with what this request has changed so far."""
        self.snapshots.enter_context(self.store.snapshot())

    def run(self, run_id: int) -> Run:
        """Find a run, once a request."""
        if run_id not in self._runs:
            self._runs[run_id] = read_runs.find_run(self.store, self.principal, run_id)
        return self._runs[run_id]

    def risks(
        self, buyer_ids: tuple[str, ...], as_of: int | None, language: Language
    ) -> dict[str, BuyerRisk]:
        """Work out the risks of buyers that are listed together, once a request."""
        asked = (buyer_ids, as_of, language)
        if asked not in self._risks:
            self._risks[asked] = buyer_risk.buyers_risk(
                self.store, self.principal, buyer_ids, self.policy, self.now, as_of, language
            )
        return self._risks[asked]


class Together(Generic[_Value]):
    """Values of many objects, read at once when the first is asked for."""

    def __init__(self, read: Callable[[], Mapping[str, _Value]]) -> None:
        self._read = read
        self._found: Mapping[str, _Value] | None = None

    def of(self, own_id: str) -> _Value | None:
        """Give the value of one of the objects."""
        if self._found is None:
            self._found = self._read()
        return self._found.get(own_id)


class RingBatch:
    """Rings of one run that were read together, and what they are made of."""

    def __init__(self, asking: Asking, rings: Sequence[Ring], run_id: int) -> None:
        store, principal = asking.store, asking.principal
        ids = tuple(ring.ring_id for ring in rings)
        self.run_id = run_id
        self.members: Together[list[Member]] = Together(
            lambda: read_rings.members_of(store, principal, ids, run_id)
        )
        self.evidence: Together[list[JointClaim]] = Together(
            lambda: read_rings.evidence_of(store, principal, ids, run_id)
        )
        self.links: Together[list[Link]] = Together(
            lambda: read_rings.links_of_rings(store, principal, ids, run_id)
        )
        self.lineage: Together[list[LineageStep]] = Together(
            lambda: read_rings.lineage_of(store, principal, ids)
        )
        self.standings: Together[RingStanding] = Together(
            lambda: read_rings.standings_of(store, principal, rings, asking.now)
        )
        self.alive: Together[bool] = Together(
            lambda: dict.fromkeys(read_rings.alive_among(store, principal, ids), True)
        )


class LeadBatch:
    """Leads of one run that were read together, and what they are made of."""

    def __init__(self, asking: Asking, found: Sequence[Lead], run_id: int) -> None:
        store, principal = asking.store, asking.principal
        ids = tuple(lead.lead_id for lead in found)
        self.buyers: Together[list[LeadBuyer]] = Together(
            lambda: leads.buyers_of(store, principal, ids, run_id)
        )
        self.evidence: Together[list[LeadClaim]] = Together(
            lambda: leads.evidence_of(store, principal, ids, run_id)
        )
        self.standings: Together[LeadStanding] = Together(lambda: leads.standings_of(store, principal, found))


class BuyerBatch:
    """Buyers that are listed together, up to 100 of them: read at once, when the first is asked for."""

    def __init__(self, asking: Asking, buyer_ids: Iterable[str]) -> None:
        self.ids = tuple(dict.fromkeys(buyer_ids))
        self._found = Together(
            lambda: read_buyers.find_buyers(asking.store, asking.principal, self.ids, asking.now)
        )

    def find(self, buyer_id: str) -> Buyer | None:
        """Find one of them; None for one who is not in sight."""
        return self._found.of(buyer_id)

    def of(self, buyer_id: str) -> Buyer:
        """Give one of them. Raises BuyerUnknownError for one who is not in sight."""
        found = self.find(buyer_id)
        if found is None:
            raise BuyerUnknownError(buyer_id)
        return found


def claims_together(asking: Asking, claim_ids: Sequence[str]) -> Together[Claim]:
    """Read these claims at once, when the first is asked for."""
    return Together(lambda: read_buyers.find_claims(asking.store, asking.principal, claim_ids, asking.now))
