"""Verifications of buyers."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from ringfence.api.cursors import read_cursor
from ringfence.api.global_ids import global_id
from ringfence.api.loaders import Asking, BuyerBatch
from ringfence.api.types.asking import Info
from ringfence.api.types.buyer import Buyer
from ringfence.api.types.claim import Claim, claims_of_ids
from ringfence.api.types.connections import After, Connection, First, connection, connection_of_all
from ringfence.api.types.enums import VerificationEventType
from ringfence.api.types.node import Node
from ringfence.api.types.report import Report, reports_of_names
from ringfence.api.types.ring import Ring, one_ring
from ringfence.api.types.scalars import Time
from ringfence.domain import verifications
from ringfence.domain.errors import NotFoundError
from ringfence.domain.records import Event
from ringfence.domain.verifications import VerificationOutcome, VerificationState
from ringfence.services import verify_buyers

if TYPE_CHECKING:
    from ringfence.api.types.recovery import Recovery


@strawberry.type
class FiledLink:
    """A link of the buyer's to another one: (:Buyer)-[:LINKED {evidence, why}]-(:Buyer)."""

    buyer_id: strawberry.ID = strawberry.field(description="The marketplace's own id of the other buyer.")
    score: float = strawberry.field(
        description="Evidence that the two belong together, in decades: each one is ten times less likely by "
        "chance."
    )
    why: str = strawberry.field(description="What links them, in words.")


@strawberry.type
class VerificationFile:
    """What was there about the buyer when the verification was opened, or last opened again."""

    merchants: list[strawberry.ID] = strawberry.field(
        description="The marketplace's own ids of those whose reports are in the file."
    )
    links: list[FiledLink] = strawberry.field(
        description="Those the buyer was linked to, best evidence first, at most 20."
    )
    ring_id: strawberry.ID | None = strawberry.field(
        description="The ring the buyer was in; null for a buyer in none."
    )
    run_id: int | None = strawberry.field(
        description="Number of the run whose findings links and ring are; null before the first run."
    )
    market_version: int = strawberry.field(description="Number of the last load that the file is as of.")
    weight: float | None = strawberry.field(
        description="What the reports weighed together that opened the verification, in merchants of whom "
        "nothing is decided yet; null if no reports did."
    )
    _buyer_id: strawberry.Private[str]
    _file: strawberry.Private[verifications.VerificationFile]

    @strawberry.field
    def claims(self, info: Info, first: First, after: After = None) -> Connection[Claim]:
        """The buyer's claims in the file as last updated, latest first."""
        return connection_of_all(
            f"VerificationFile.claims {self._buyer_id}",
            claims_of_ids(info.context, self._file.claims),
            lambda claim: claim.claim_id,
            list,
            first,
            after,
            0,
        )

    @strawberry.field
    def reports(self, info: Info, first: First, after: After = None) -> Connection[Report]:
        """Merchants' reports in the file, and what became of them since, latest first."""
        return connection_of_all(
            f"VerificationFile.reports {self._buyer_id}",
            reports_of_names(info.context, self._file.reports),
            lambda report: str(report.id),
            list,
            first,
            after,
            0,
        )

    @strawberry.field
    def ring(self, info: Info) -> Ring | None:
        """The ring as it was; null for a buyer in none, and once the findings of its run are cleared."""
        if self.ring_id is None:
            return None
        try:
            return one_ring(info.context, self.ring_id, self.run_id)
        except NotFoundError:
            return None

    @classmethod
    def of(cls, buyer_id: str, file: verifications.VerificationFile) -> "VerificationFile":
        """Answer the file of a verification of a buyer."""
        return cls(
            merchants=[strawberry.ID(merchant_id) for merchant_id in file.merchants],
            links=[
                FiledLink(buyer_id=strawberry.ID(link.buyer_id), score=link.score, why=link.why)
                for link in file.links
            ],
            ring_id=None if file.ring_id is None else strawberry.ID(file.ring_id),
            run_id=file.run_id,
            market_version=file.market_version,
            weight=file.weight,
            _buyer_id=buyer_id,
            _file=file,
        )


@strawberry.type
class VerificationProposal:
    """How one person says that a verification should end; it waits for a second person."""

    outcome: VerificationOutcome = strawberry.field(description="What was proposed.")
    reason: str = strawberry.field(description="Why, in words.")
    by: str = strawberry.field(description="By whom: the name of their key, or of their login.")
    at: Time = strawberry.field(description="When.")


@strawberry.type
class Verdict:
    """How a verification ended, once."""

    outcome: VerificationOutcome = strawberry.field(description="What was decided.")
    reason: str = strawberry.field(description="Why, in words.")
    by: str = strawberry.field(description="Who decided: where two people agreed, the second.")
    at: Time = strawberry.field(description="When.")
    policy: str = strawberry.field(description="Version and fingerprint of the policy it was decided by.")
    proposed_by: str | None = strawberry.field(
        description="Who proposed it; null where one person was enough."
    )
    proposed_reason: str | None = strawberry.field(
        description="Why they did, in words; null where one person was enough."
    )


@strawberry.type
class VerificationEvent:
    """Something that happened in a verification; never changed, never deleted."""

    version: int = strawberry.field(description="1, 2, …: its place in the verification's record.")
    type: VerificationEventType = strawberry.field(description="What happened.")
    at: Time = strawberry.field(description="When.")
    by: str = strawberry.field(
        description="By whom: the name of their key, or of their login; ringfence for what happens by itself."
    )
    outcome: VerificationOutcome | None = strawberry.field(
        description="What was decided or proposed; null for other events."
    )
    text: str | None = strawberry.field(description="The reason, or the note; null for an assignment.")
    owner: str | None = strawberry.field(
        description="To whom it was given; null for other events, and if it was given back."
    )

    @classmethod
    def of(cls, version: int, event: Event) -> "VerificationEvent":
        """Answer an event."""
        data = event.data
        outcome = data.get("outcome")
        return cls(
            version=version,
            type=VerificationEventType(event.type),
            at=Time(event.at),
            by=event.actor,
            outcome=None if outcome is None else VerificationOutcome(outcome),
            text=data.get("reason", data.get("because", data.get("text"))),
            owner=data.get("owner"),
        )


@strawberry.type
class Verification(Node):
    """The platform's check of a buyer, all of it, by people."""

    verification_id: strawberry.ID = strawberry.field(
        description="Name of the verification; what verification(id:) takes."
    )
    buyer_id: strawberry.ID = strawberry.field(
        description="The marketplace's own id of the buyer who is verified."
    )
    number: int = strawberry.field(description="1, 2, …: which of the buyer's verifications it is.")
    state: VerificationState = strawberry.field(description="Where it stands.")
    because: str = strawberry.field(description="Why it was opened, or last opened again, in words.")
    opened_at: Time = strawberry.field(description="When it was first opened.")
    last_at: Time = strawberry.field(description="When something last happened in it.")
    policy: str = strawberry.field(description="Version and fingerprint of the policy it was opened by.")
    owner: str | None = strawberry.field(description="Who answers for it; null for nobody.")
    proposal: VerificationProposal | None = strawberry.field(
        description="What waits for a second person; null if nothing does."
    )
    verdicts: list[Verdict] = strawberry.field(
        description="How it ended each time, oldest first; the last one counts unless it was opened again."
    )
    is_appealed: bool = strawberry.field(
        description="Whether it is open again since the last verdict was appealed against."
    )
    notes: int = strawberry.field(description="How many notes were written about it.")
    version: int = strawberry.field(
        description="Number of the last event of its record; whoever changes it names what they saw."
    )
    file: VerificationFile = strawberry.field(
        description="What was there about the buyer when it was opened, or last opened again."
    )
    _buyers: strawberry.Private[BuyerBatch]

    @strawberry.field
    def buyer(self) -> Buyer | None:
        """The buyer who is verified; null if they are not in the store any more."""
        found = self._buyers.find(self.buyer_id)
        return None if found is None else Buyer.of(found, self._buyers)

    @strawberry.field
    def recoveries(
        self, info: Info, first: First, after: After = None
    ) -> Connection[Annotated["Recovery", strawberry.lazy("ringfence.api.types.recovery")]]:
        """What merchants are given back after it, latest first."""
        from ringfence.api.types.recovery import recoveries_page

        list_name = f"Verification.recoveries {self.verification_id}"
        return recoveries_page(
            info.context,
            list_name,
            first,
            after,
            buyer_id=self.buyer_id,
            verification_id=self.verification_id,
        )

    @strawberry.field
    def events(self, info: Info) -> list[VerificationEvent]:
        """All that happened in it, oldest first."""
        asking = info.context
        events = verify_buyers.verification_history(asking.store, asking.principal, self.verification_id)
        return [VerificationEvent.of(number, event) for number, event in enumerate(events, start=1)]

    @classmethod
    def of(cls, found: verifications.Verification, buyers: BuyerBatch) -> "Verification":
        """Answer a verification; `buyers` finds those of all that are listed together."""
        verification_id = found.verification_id
        proposal = found.proposal
        return cls(
            id=strawberry.ID(global_id("Verification", verification_id)),
            verification_id=strawberry.ID(verification_id),
            buyer_id=strawberry.ID(found.buyer_id),
            number=found.number,
            state=found.state,
            because=found.because,
            opened_at=Time(found.opened_at),
            last_at=Time(found.last_at),
            policy=found.policy,
            owner=found.owner,
            proposal=None
            if proposal is None
            else VerificationProposal(
                outcome=proposal.outcome, reason=proposal.reason, by=proposal.by, at=Time(proposal.at)
            ),
            verdicts=[
                Verdict(
                    outcome=verdict.outcome,
                    reason=verdict.reason,
                    by=verdict.by,
                    at=Time(verdict.at),
                    policy=verdict.policy,
                    proposed_by=verdict.proposed_by,
                    proposed_reason=verdict.proposed_reason,
                )
                for verdict in found.verdicts
            ],
            is_appealed=found.is_appealed,
            notes=found.notes,
            version=found.version,
            file=VerificationFile.of(found.buyer_id, found.file),
            _buyers=buyers,
        )


def told_verification(asking: Asking, found: verifications.Verification) -> Verification:
    """Answer a verification that was found alone."""
    return Verification.of(found, BuyerBatch(asking, (found.buyer_id,)))


def one_verification(asking: Asking, verification_id: str) -> Verification:
    """Answer one verification."""
    return told_verification(
        asking, verify_buyers.find_verification(asking.store, asking.principal, verification_id)
    )


def verifications_page(
    asking: Asking,
    first: int,
    after: str | None,
    *,
    state: VerificationState | None,
    owner: str | None,
    buyer_id: str | None,
) -> Connection[Verification]:
    """Answer a page of verifications, newest first."""
    cursor = read_cursor("verifications", after)
    page = verify_buyers.list_verifications(
        asking.store,
        asking.principal,
        first,
        cursor.key if cursor else None,
        state=state,
        owner=owner,
        buyer_id=buyer_id,
    )
    buyers = BuyerBatch(asking, (found.buyer_id for found in page.items))
    nodes = [Verification.of(found, buyers) for found in page.items]
    return connection("verifications", page, nodes, has_previous=cursor is not None)
