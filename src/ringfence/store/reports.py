"""The port of merchants' reports, whether they came with loads or were filed by call."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

from ringfence.domain.buyers import Report, ReportRef
from ringfence.domain.errors import ConflictError, NotFoundError
from ringfence.domain.pages import Key, Page
from ringfence.domain.scope import Scope
from ringfence.market.reports import ReportColumns


@dataclass(frozen=True, slots=True)
class FiledReport:
    """A report that was filed by call."""

    report: Report
    filed_at: int
    """When the store was told, µs since 1970-01-01 UTC."""


class ReportDiffersError(ConflictError):
    """The merchant's report of this id is known with other content."""

    def __init__(self, known: Report, told: Report) -> None:
        self.report_id = told.report_id
        self.field = next(
            field.name for field in fields(Report) if getattr(known, field.name) != getattr(told, field.name)
        )
        super().__init__(
            f"The report {told.report_id} is known with another {self.field}; file what is new under an id "
            "of its own."
        )


class NobodyToReportError(NotFoundError):
    """A report names a buyer or a merchant that no load has brought."""

    def __init__(self, report: Report, subject: str) -> None:
        self.subject = subject
        self.id: str = getattr(report, f"{subject}_id")
        super().__init__(
            f"There is no {subject} {self.id}; only whom a load has brought can report and be reported."
        )


class Reports(Protocol):
    """All reports together. A merchant's scope sees its own, about the buyers that it sees."""

    def file(self, report: Report, now: int) -> bool:
        """Keep a report; tell whether it is new, since the very same may be known, by load or by call.

        `now` is when it is filed (µs since 1970-01-01 UTC), whenever it was `reported_at`. Raises
        ReportDiffersError for an id that the merchant's report has that is known with other content,
        NobodyToReportError. A load under way that brings the same report counts as later: this one stays.
        """

    def of_buyer(self, buyer_id: str, scope: Scope) -> tuple[Report, ...]:
        """List the reports that accuse a buyer, latest first."""

    def find(self, refs: Sequence[ReportRef], scope: Scope) -> tuple[Report, ...]:
        """Find reports, in the order asked for; those that do not exist in the scope are left out."""

    def merchants_of(self, report_id: str) -> tuple[str, ...]:
        """Name the merchants who have a report of this id, sorted. For the platform alone."""

    def page(self, first: int, after: Key | None, scope: Scope, buyer_id: str | None = None) -> Page[Report]:
        """List reports, all or those about a buyer, latest first (Key: reported_at, name).

        Those of one time stand by report_id, then by merchant_id.
        """

    def read(self) -> ReportColumns:
        """Give all reports as columns."""

    def filed(self) -> tuple[FiledReport, ...]:
        """List the reports that were filed by call, by report_id, then by merchant_id."""


def place_of(key: Key) -> dict[str, Any]:
    """Give the place in a list that a key of a report names, by the parameters of statements."""
    ref = ReportRef.of_name(key.id)
    return {"reported_at": int(key.value), "report_id": ref.report_id, "of_merchant": ref.merchant_id}
