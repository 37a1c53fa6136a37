"""What can be asked."""

from importlib.metadata import version
from typing import Annotated

import strawberry

from ringfence.api.global_ids import read_global_id
from ringfence.api.types.asking import Info
from ringfence.api.types.audit import AuditEntry, audit_page
from ringfence.api.types.buyer import Buyer, one_buyer
from ringfence.api.types.claim import Claim
from ringfence.api.types.connections import After, Connection, First
from ringfence.api.types.lead import Lead, leads_page, one_lead
from ringfence.api.types.network import Network, one_network
from ringfence.api.types.node import Node
from ringfence.api.types.path import Path, one_path
from ringfence.api.types.recovery import Recovery, one_recovery, recoveries_page
from ringfence.api.types.report import Report, one_report, reports_page
from ringfence.api.types.ring import Ring, one_ring, rings_page
from ringfence.api.types.risk import AsOf, BuyerRisk, InLanguage, many_risks, one_risk
from ringfence.api.types.run import Run, runs_page
from ringfence.api.types.run_request import RunRequest, open_request
from ringfence.api.types.scalars import Time
from ringfence.api.types.statement import RecoveryStatement, one_statement
from ringfence.api.types.verification import Verification, one_verification, verifications_page
from ringfence.domain.buyers import ReportRef
from ringfence.domain.errors import NotFoundError
from ringfence.domain.leads import LeadKind, LeadQuery
from ringfence.domain.paths import MOST_HOPS
from ringfence.domain.recoveries import RecoveryState
from ringfence.domain.ring_decisions import RingStatus
from ringfence.domain.rings import RingOrder, RingQuery
from ringfence.domain.risk import Language
from ringfence.domain.runs import RunState
from ringfence.domain.verifications import VerificationState
from ringfence.services import read_buyers, read_runs

_MOST_DIGITS = 10
"""Of the number of a run."""
_IN_QUEUE = tuple(status for status in RingStatus if not status.is_down)

OfRun = Annotated[
    int | None,
    strawberry.argument(description="Number of the run whose findings are asked for; the published if null."),
]


@strawberry.type
class Query:
    """What can be asked. A key's role says of what: fields that are closed to it answer FORBIDDEN."""

    @strawberry.field
    def rings(
        self,
        info: Info,
        first: First,
        after: After = None,
        status: Annotated[
            list[RingStatus] | None,
            strawberry.argument(description="Of one of these; OPEN or CONFIRMED if null."),
        ] = None,
        min_score: Annotated[
            float | None,
            strawberry.argument(
                description="With this evidence or more, in decades: each one is ten times less likely by "
                "chance."
            ),
        ] = None,
        merchant_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="With a joint claim against this merchant."),
        ] = None,
        buyer_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="With this buyer among the members.")
        ] = None,
        since: Annotated[
            Time | None,
            strawberry.argument(description="Whose last joint claim was filed then or later."),
        ] = None,
        new_since: Annotated[
            Time | None,
            strawberry.argument(description="First published then or later, or never yet."),
        ] = None,
        order_by: Annotated[
            RingOrder, strawberry.argument(description="What they are listed by, greatest first.")
        ] = RingOrder.SCORE,
        run: OfRun = None,
    ) -> Connection[Ring]:
        """The rings of a run for which all conditions hold; a following page is of the run of its cursor."""
        query = RingQuery(
            min_score=min_score,
            merchant_id=merchant_id,
            buyer_id=buyer_id,
            since=since,
            born_since=new_since,
            order=order_by,
        )
        statuses = _IN_QUEUE if status is None else status
        return rings_page(info.context, "rings", query, statuses, first, after, run)

    @strawberry.field
    def ring(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The ringId, such as r0123456789ab.")],
        run: Annotated[
            int | None,
            strawberry.argument(description="Number of the run; the last that saw the ring if null."),
        ] = None,
    ) -> Ring | None:
        """One ring, also one that ended; NOT_FOUND if no run whose findings are kept saw it."""
        return one_ring(info.context, id, run)

    @strawberry.field
    def leads(
        self,
        info: Info,
        first: First,
        after: After = None,
        kind: Annotated[
            LeadKind | None, strawberry.argument(description="Of this kind; of any if null.")
        ] = None,
        buyer_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="With this buyer in them.")
        ] = None,
        ring_id: Annotated[strawberry.ID | None, strawberry.argument(description="Near this ring.")] = None,
        include_dismissed: Annotated[
            bool, strawberry.argument(description="Whether those that were dismissed are listed, too.")
        ] = False,
        run: OfRun = None,
    ) -> Connection[Lead]:
        """The suspicions of a run that are too weak to be rings and for which all conditions hold, strongest
        first; a following page is of the run of its cursor."""
        query = LeadQuery(kind=kind, buyer_id=buyer_id, ring_id=ring_id)
        return leads_page(info.context, query, first, after, run, include_dismissed)

    @strawberry.field
    def lead(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The leadId, such as l0123456789ab.")],
        run: Annotated[
            int | None,
            strawberry.argument(description="Number of the run; the last that saw the lead if null."),
        ] = None,
    ) -> Lead | None:
        """One lead, also a dismissed one; NOT_FOUND if no run whose findings are kept saw it."""
        return one_lead(info.context, id, run)

    @strawberry.field
    def network(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The networkId.")],
        run: OfRun = None,
    ) -> Network | None:
        """One network; NOT_FOUND if the run has none of that name."""
        return one_network(info.context, id, run)

    @strawberry.field
    def buyer(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The marketplace's own id of the buyer.")
        ],
    ) -> Buyer | None:
        """One buyer; NOT_FOUND if there is none, or none that the key may see."""
        return one_buyer(info.context, id)

    @strawberry.field
    def buyer_risk(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The marketplace's own id of the buyer.")
        ],
        as_of: AsOf = None,
        language: InLanguage = Language.ENGLISH,
    ) -> BuyerRisk | None:
        """How much of a risk a buyer is; NOT_FOUND if there is none, or none that the key may see."""
        return one_risk(info.context, id, as_of, language)

    @strawberry.field
    def buyers_risk(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID],
            strawberry.argument(description="The marketplace's own ids of 1 to 100 buyers."),
        ],
        as_of: AsOf = None,
        language: InLanguage = Language.ENGLISH,
    ) -> list[BuyerRisk | None]:
        """How much of a risk buyers are, in the order of `ids`; null for one the key may not see."""
        return many_risks(info.context, ids, as_of, language)

    @strawberry.field
    def reports(
        self,
        info: Info,
        first: First,
        after: After = None,
        buyer_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="That accuse this buyer.")
        ] = None,
    ) -> Connection[Report]:
        """Merchants' reports, latest first; to a merchant's key its own."""
        return reports_page(info.context, first, after, buyer_id)

    @strawberry.field
    def report(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The reportId.")],
        merchant_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="Whose report it is, where several merchants have one of that id."
            ),
        ] = None,
    ) -> Report | None:
        """One report; NOT_FOUND if there is none, or none that the key may see. A merchant's key asks for its
        own."""
        return one_report(info.context, id, merchant_id)

    @strawberry.field
    def verifications(
        self,
        info: Info,
        first: First,
        after: After = None,
        state: Annotated[
            VerificationState | None, strawberry.argument(description="In this state; in any if null.")
        ] = None,
        owner: Annotated[
            str | None, strawberry.argument(description="Given to this person; to anybody or nobody if null.")
        ] = None,
        buyer_id: Annotated[strawberry.ID | None, strawberry.argument(description="Of this buyer.")] = None,
    ) -> Connection[Verification]:
        """Verifications for which all conditions hold, newest first."""
        return verifications_page(info.context, first, after, state=state, owner=owner, buyer_id=buyer_id)

    @strawberry.field
    def verification(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The verificationId, such as v0123456789ab.")
        ],
    ) -> Verification | None:
        """One verification; NOT_FOUND if there is none."""
        return one_verification(info.context, id)

    @strawberry.field
    def recoveries(
        self,
        info: Info,
        first: First,
        after: After = None,
        state: Annotated[
            RecoveryState | None, strawberry.argument(description="With a claim that stands so.")
        ] = None,
        merchant_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="To this merchant; a merchant's key can name its own only."),
        ] = None,
        buyer_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="For losses by this buyer.")
        ] = None,
        verification_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="After this verification.")
        ] = None,
    ) -> Connection[Recovery]:
        """Recoveries for which all conditions hold, latest first; to a merchant's key its own."""
        return recoveries_page(
            info.context,
            "recoveries",
            first,
            after,
            state=state,
            merchant_id=merchant_id,
            buyer_id=buyer_id,
            verification_id=verification_id,
        )

    @strawberry.field
    def recovery(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID, strawberry.argument(description="The recoveryId, such as c0123456789ab.")
        ],
    ) -> Recovery | None:
        """One recovery; NOT_FOUND if there is none, or none that the key may see."""
        return one_recovery(info.context, id)

    @strawberry.field
    def recovery_statement(
        self,
        info: Info,
        merchant_id: Annotated[
            strawberry.ID,
            strawberry.argument(
                description="The marketplace's own id of the merchant; to a merchant's key its own."
            ),
        ],
        month: Annotated[str, strawberry.argument(description="A calendar month in UTC, such as 2027-01.")],
    ) -> RecoveryStatement | None:
        """What a merchant was paid and gave back in a month; NOT_FOUND for one the key may not see."""
        return one_statement(info.context, merchant_id, month)

    @strawberry.field
    def runs(
        self,
        info: Info,
        first: First,
        after: After = None,
        state: Annotated[
            RunState | None, strawberry.argument(description="In this state; in any if null.")
        ] = None,
    ) -> Connection[Run]:
        """Runs, latest first."""
        return runs_page(info.context, first, after, state)

    @strawberry.field
    def run(
        self,
        info: Info,
        id: Annotated[int, strawberry.argument(description="The number of the run.")],
    ) -> Run | None:
        """One run; NOT_FOUND if there is none of that number."""
        return Run.of(info.context.run(id))

    @strawberry.field
    def run_request(self, info: Info) -> RunRequest | None:
        """The run that was asked for and that none has served yet; null if there is no such request."""
        return open_request(info.context)

    @strawberry.field
    def audit_log(
        self,
        info: Info,
        first: First,
        after: After = None,
        actor: Annotated[
            str | None, strawberry.argument(description="Only what the key of this name asked.")
        ] = None,
        subject: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only about this buyer, ring, verification or the like."),
        ] = None,
    ) -> Connection[AuditEntry]:
        """What was asked for about people, latest first; to ask for it is written down, too."""
        return audit_page(info.context, first, after, actor, subject)

    @strawberry.field
    def path(
        self,
        info: Info,
        from_id: Annotated[
            strawberry.ID,
            strawberry.argument(name="from", description="The marketplace's own id of one buyer."),
        ],
        to_id: Annotated[
            strawberry.ID,
            strawberry.argument(name="to", description="The marketplace's own id of the other."),
        ],
        hops: Annotated[
            int, strawberry.argument(description="How many steps it may have, 1 to 6.")
        ] = MOST_HOPS,
    ) -> Path | None:
        """A shortest chain between two buyers over links of the published run, values that up to 100 use, and
        merchants at whom up to 20 claimed; NOT_FOUND if there is no such buyer."""
        return one_path(info.context, from_id, to_id, hops)

    @strawberry.field
    def node(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID,
            strawberry.argument(description="The global `id` of an object, as it was answered."),
        ],
    ) -> Node | None:
        """One object of any kind by its global id; rings, leads and networks as they were last seen."""
        asking = info.context
        kind, own_id = read_global_id(id)
        match kind:
            case "Ring":
                return one_ring(asking, own_id, None)
            case "Lead":
                return one_lead(asking, own_id, None)
            case "Network":
                return one_network(asking, own_id, None)
            case "Buyer":
                return one_buyer(asking, own_id)
            case "Claim":
                return Claim.of(read_buyers.find_claim(asking.store, asking.principal, own_id, asking.now))
            case "Report" if "/" in own_id:
                ref = ReportRef.of_name(own_id)
                return one_report(asking, ref.report_id, ref.merchant_id)
            case "Verification":
                return one_verification(asking, own_id)
            case "Recovery":
                return one_recovery(asking, own_id)
            case "Run" if own_id.isascii() and own_id.isdigit() and len(own_id) <= _MOST_DIGITS:
                return Run.of(read_runs.find_run(asking.store, asking.principal, int(own_id)))
        raise NotFoundError(f"There is no {kind.lower()} {own_id}.")

    @strawberry.field
    def version(self) -> str:
        """Version of Ringfence that answers."""
        return version("ringfence")
