"""Merchants' reports of buyers."""

from collections.abc import Iterable, Sequence

import strawberry

from ringfence.api.cursors import read_cursor
from ringfence.api.global_ids import global_id
from ringfence.api.loaders import Asking, Together
from ringfence.api.types.connections import Connection, connection
from ringfence.api.types.node import Node
from ringfence.api.types.scalars import Time
from ringfence.domain import buyers
from ringfence.domain.buyers import ReportRef
from ringfence.domain.reports import ReportRecord, ReportStanding, ReportStatus
from ringfence.services import read_buyers, report_buyers


@strawberry.type
class Report(Node):
    """A merchant's accusation: (:Merchant)-[:FILED_REPORT]->(:Report)-[:ACCUSES]->(:Buyer)."""

    report_id: strawberry.ID = strawberry.field(
        description="The merchant's own id of the report, which other merchants may give theirs; "
        "what report(id:) takes."
    )
    merchant_id: strawberry.ID = strawberry.field(
        description="The marketplace's own id of who reported the buyer."
    )
    buyer_id: strawberry.ID = strawberry.field(description="The marketplace's own id of who is accused.")
    reported_at: Time = strawberry.field(description="When it was filed.")
    claim_id: strawberry.ID | None = strawberry.field(
        description="The marketplace's own id of the claim it is about; null if it is about none."
    )
    reason: str | None = strawberry.field(description="In the merchant's words; null if none was given.")
    evidence_count: int | None = strawberry.field(
        description="Photos, videos and documents the merchant attached; null if nobody told."
    )
    _name: strawberry.Private[str]
    _standings: strawberry.Private[Together[ReportStanding]]

    @strawberry.field
    def status(self) -> ReportStatus:
        """Where the report stands."""
        return self._record().status

    @strawberry.field
    def status_reason(self) -> str | None:
        """When it was withdrawn or last disputed, by whom and why; null if it was not."""
        return self._record().because

    @strawberry.field
    def disputed_verification_ids(self) -> list[strawberry.ID]:
        """The verifications with whose outcome the merchant does not agree, oldest first."""
        return [strawberry.ID(verification_id) for verification_id in self._record().disputed]

    @strawberry.field
    def version(self) -> int:
        """Number of the last event of the report's record, 0 for none; a change names what was seen."""
        standing = self._standings.of(self._name)
        return standing.version if standing is not None else 0

    def _record(self) -> ReportRecord:
        standing = self._standings.of(self._name)
        return standing.record if standing is not None else ReportRecord()

    @classmethod
    def of(cls, report: buyers.Report, standings: Together[ReportStanding]) -> "Report":
        """Answer a report; `standings` says what became of those it was read together with."""
        return cls(
            id=strawberry.ID(global_id("Report", report.ref.name)),
            report_id=strawberry.ID(report.report_id),
            merchant_id=strawberry.ID(report.merchant_id),
            buyer_id=strawberry.ID(report.buyer_id),
            reported_at=Time(report.reported_at),
            claim_id=None if report.claim_id is None else strawberry.ID(report.claim_id),
            reason=report.reason,
            evidence_count=report.evidence_count,
            _name=report.ref.name,
            _standings=standings,
        )


def standing_reports(found: Iterable[ReportStanding]) -> list[Report]:
    """Answer reports of which it is known what became of them."""
    by_name = _by_name(found)
    together = Together(lambda: by_name)
    return [Report.of(standing.report, together) for standing in by_name.values()]


def reports_of_names(asking: Asking, names: Iterable[str]) -> list[Report]:
    """Answer the reports of these names; those that are not in sight are left out."""
    refs = [ReportRef.of_name(name) for name in names]
    return standing_reports(report_buyers.find_reports(asking.store, asking.principal, refs, asking.now))


def told_reports(asking: Asking, found: Sequence[buyers.Report]) -> list[Report]:
    """Answer reports; what became of them is read for all at once, when the first is asked for it."""
    refs = [report.ref for report in found]
    together = Together(
        lambda: _by_name(report_buyers.find_reports(asking.store, asking.principal, refs, asking.now))
    )
    return [Report.of(report, together) for report in found]


def reports_of_buyer(asking: Asking, buyer_id: str) -> list[Report]:
    """Answer the reports that accuse a buyer, as far as whoever asks may know of them."""
    found = read_buyers.reports_of(asking.store, asking.principal, buyer_id, asking.now)
    return told_reports(asking, found)


def one_report(asking: Asking, report_id: str, merchant_id: str | None) -> Report:
    """Answer one report, as far as whoever asks may know of it."""
    found = report_buyers.find_report(asking.store, asking.principal, report_id, asking.now, merchant_id)
    return standing_reports([found])[0]


def reports_page(asking: Asking, first: int, after: str | None, buyer_id: str | None) -> Connection[Report]:
    """Answer a page of reports, latest first."""
    cursor = read_cursor("reports", after)
    page = report_buyers.list_reports(
        asking.store, asking.principal, first, cursor.key if cursor else None, asking.now, buyer_id
    )
    return connection("reports", page, standing_reports(page.items), has_previous=cursor is not None)


def _by_name(found: Iterable[ReportStanding]) -> dict[str, ReportStanding]:
    return {standing.report.ref.name: standing for standing in found}
