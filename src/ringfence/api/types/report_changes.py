"""What merchants do about their reports: what they say, and what is answered."""

from collections.abc import Callable
from functools import partial

import strawberry

from ringfence.api.loaders import Asking
from ringfence.api.types.report import Report, standing_reports, told_reports
from ringfence.api.types.scalars import Time
from ringfence.api.types.user_error import WHAT_CAN_BE_MENDED, Fields, UserError, tried
from ringfence.domain.errors import ConflictError
from ringfence.domain.loads import BrowsingCopyError
from ringfence.domain.reports import ReportFieldError, ReportStanding
from ringfence.domain.texts import TextError
from ringfence.services import report_buyers
from ringfence.services.open_verifications import verify_if_due
from ringfence.services.read_buyers import BuyerUnknownError
from ringfence.services.recover_losses import MerchantUnknownError
from ringfence.services.report_buyers import ClaimNotOfBuyerError, ReportUnknownError
from ringfence.store.records import VersionConflictError

_REPORT = "The reportId of the merchant's own report."
_WHY = "Why, in words, at most 2,000 characters; people read it."
_SEEN = (
    "The `version` of the report that was seen: CONFLICT if it changed since. If null, what happened "
    "meanwhile is passed over."
)


def _camel(error: ReportFieldError) -> str:
    first, *rest = error.field.split("_")
    return first + "".join(word.title() for word in rest)


_FILING_AT_FAULT: Fields = {
    BrowsingCopyError: None,
    TextError: "reason",
    ReportFieldError: _camel,
    BuyerUnknownError: "buyerId",
    MerchantUnknownError: "merchantId",
    ClaimNotOfBuyerError: "claimId",
    ConflictError: "reportId",
}
_CHANGE_AT_FAULT: Fields = {
    BrowsingCopyError: None,
    TextError: "reason",
    ReportUnknownError: "reportId",
    VersionConflictError: "expectedVersion",
}


@strawberry.input
class FileReportInput:
    """A merchant's report of a buyer who ordered or claimed there lately."""

    buyer_id: strawberry.ID = strawberry.field(description="The marketplace's own id of who is accused.")
    merchant_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The marketplace's own id of who reports the buyer. A job's key must tell; a merchant's "
        "key reports in its own name.",
    )
    report_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The merchant's own id of the report, at most 200 bytes, whatever ids others give "
        "theirs: the same again changes nothing. If null, its content and day name it.",
    )
    reported_at: Time | None = strawberry.field(default=None, description="When it was made; now if null.")
    claim_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The marketplace's own id of the claim it is about, of that buyer against that merchant.",
    )
    reason: str | None = strawberry.field(
        default=None, description="What the merchant has to say, at most 2,000 characters."
    )
    evidence_count: int | None = strawberry.field(
        default=None, description="How many photos, videos and documents the merchant has."
    )


@strawberry.input
class WithdrawReportInput:
    """Which report is taken back."""

    report_id: strawberry.ID = strawberry.field(description=_REPORT)
    reason: str = strawberry.field(description=_WHY)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.input
class DisputeReportInput:
    """With which report's verification the merchant does not agree."""

    report_id: strawberry.ID = strawberry.field(description=_REPORT)
    reason: str = strawberry.field(description=_WHY)
    expected_version: int | None = strawberry.field(default=None, description=_SEEN)


@strawberry.type
class ReportPayload:
    """What became of a change about a report."""

    report: Report | None = strawberry.field(
        description="The report after the change; null if nothing was changed."
    )
    user_errors: list[UserError] = strawberry.field(description=WHAT_CAN_BE_MENDED)


@strawberry.type
class FileReportPayload:
    """What became of a report that was filed."""

    report: Report | None = strawberry.field(description="The report as it is kept; null if it is not.")
    is_new: bool = strawberry.field(
        description="Whether it was not known before; false if it is not kept, too."
    )
    user_errors: list[UserError] = strawberry.field(description=WHAT_CAN_BE_MENDED)


def file(asking: Asking, said: FileReportInput) -> FileReportPayload:
    """File a report; the verification that may be due by it is opened later, so that neither the answer nor
    its time tells whether others report the buyer."""
    filing, errors = tried(
        asking,
        lambda: report_buyers.file_report(
            asking.store,
            asking.principal,
            said.buyer_id,
            asking.policy,
            asking.now,
            merchant_id=said.merchant_id,
            report_id=said.report_id,
            reported_at=said.reported_at,
            claim_id=said.claim_id,
            reason=said.reason,
            evidence_count=said.evidence_count,
            opens=False,
        ),
        _FILING_AT_FAULT,
    )
    if filing is None:
        return FileReportPayload(report=None, is_new=False, user_errors=errors)
    if filing.is_new:
        now = max(asking.now, filing.report.reported_at)
        work = partial(verify_if_due, asking.store, said.buyer_id, asking.policy, now)
        asking.afterwards[f"verify {said.buyer_id}"] = work
    (report,) = told_reports(asking, [filing.report])
    return FileReportPayload(report=report, is_new=filing.is_new, user_errors=[])


def withdraw(asking: Asking, said: WithdrawReportInput) -> ReportPayload:
    """Take a report back."""
    return _change(
        asking,
        lambda: report_buyers.withdraw_report(
            asking.store, asking.principal, said.report_id, said.reason, asking.now, said.expected_version
        ),
    )


def dispute(asking: Asking, said: DisputeReportInput) -> ReportPayload:
    """Disagree with a verification that weighed the report in vain."""
    return _change(
        asking,
        lambda: report_buyers.dispute_report(
            asking.store, asking.principal, said.report_id, said.reason, asking.now, said.expected_version
        ),
    )


def _change(asking: Asking, change: Callable[[], ReportStanding]) -> ReportPayload:
    standing, errors = tried(asking, change, _CHANGE_AT_FAULT)
    report = standing_reports([standing])[0] if standing is not None else None
    return ReportPayload(report=report, user_errors=errors)
