"""Merchants' reports of buyers: filed, withdrawn, disputed, and read by whom they concern."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringfence.domain.buyers import Report, ReportRef
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.errors import ForbiddenError, InvalidError, NotFoundError
from ringfence.domain.pages import Key, Page
from ringfence.domain.policy import Policy
from ringfence.domain.records import Event, RecordKind, RecordRef, RecordState, Subject, SubjectKind
from ringfence.domain.reports import (
    ReportFieldError,
    ReportRecord,
    ReportStanding,
    disputed,
    fold,
    made_report,
    refuse_other_content,
    refuse_withdrawn,
    withdrawn,
)
from ringfence.domain.scope import PLATFORM, Principal, Role, Scope
from ringfence.domain.verifications import Verification, VerificationState
from ringfence.services.access import BUYER_READERS, require
from ringfence.services.deciding import deciding, refuse_other_version
from ringfence.services.open_verifications import verify_if_due
from ringfence.services.read_buyers import BuyerUnknownError
from ringfence.services.recover_losses import MerchantUnknownError
from ringfence.store import Store

_WHAT = "reports"
_MOST_NAMED = 5
_ENDED_IN_VAIN = (VerificationState.REJECTED, VerificationState.INCONCLUSIVE)
"""What a merchant can dispute."""


class ReportUnknownError(NotFoundError):
    """There is no such report, or it is another merchant's: the words are the same."""

    def __init__(self, report_id: str) -> None:
        super().__init__(f"There is no report {report_id}.")
        self.report_id = report_id


class ReportAmbiguousError(InvalidError):
    """Several merchants have a report of that id."""

    def __init__(self, report_id: str, merchant_ids: Sequence[str]) -> None:
        named, others = ", ".join(merchant_ids[:_MOST_NAMED]), len(merchant_ids) - _MOST_NAMED
        super().__init__(
            f"{len(merchant_ids)} merchants have a report {report_id} ({named}"
            f"{f' and {others:,} more' if others > 0 else ''}); say whose is meant: `merchantId`, on the "
            "command line --merchant."
        )
        self.report_id, self.merchant_ids = report_id, tuple(merchant_ids)


class ClaimNotOfBuyerError(NotFoundError):
    """The claim that a report is about is not there, or not of that buyer against that merchant."""

    def __init__(self, claim_id: str, buyer_id: str, merchant_id: str) -> None:
        super().__init__(f"There is no claim {claim_id} of buyer {buyer_id} against merchant {merchant_id}.")


@dataclass(frozen=True, slots=True)
class Filing:
    """What came of a report."""

    report: Report
    is_new: bool
    """False for one that was filed before."""
    opened: Verification | None
    """The verification that became due by it."""


def file_report(
    store: Store,
    principal: Principal,
    buyer_id: str,
    policy: Policy,
    now: int,
    *,
    merchant_id: str | None = None,
    report_id: str | None = None,
    reported_at: int | None = None,
    claim_id: str | None = None,
    reason: str | None = None,
    evidence_count: int | None = None,
    opens: bool = True,
) -> Filing:
    """File a merchant's report of a buyer; the same again changes nothing. A verification that is due by it
    is opened, unless (without `opens`) that is left to `verify_if_due`, which may take seconds.

    `now` and `reported_at` (without it: `now`) are µs since 1970-01-01 UTC. A merchant files in its own name,
    a job in that of `merchant_id`. `report_id` is the merchant's own, whatever ids others give their reports;
    without it the content names the report. Raises ForbiddenError;
    BuyerUnknownError, in the same words as for nobody, unless the buyer ordered or claimed there within the
    policy's days; NotFoundError for a merchant or a claim that is not there; InvalidError for a field;
    ConflictError where the merchant's id is known with other content. Nothing is written then.
    """
    reporter = _reporter(principal, merchant_id)
    report = made_report(
        reporter,
        buyer_id,
        now,
        report_id=report_id,
        reported_at=reported_at,
        claim_id=claim_id,
        reason=reason,
        evidence_count=evidence_count,
    )
    with deciding(store):
        for known in store.reports.find((report.ref,), PLATFORM):
            refuse_other_content(known, report, is_time_told=reported_at is not None)
            refuse_withdrawn(known.report_id, _read(store.records.state(_record(known.ref)))[0])
            return Filing(known, False, None)
        scope = Scope(reporter, now - policy.reports.reportable_days * MICROSECONDS_A_DAY)
        if not store.market.sighted((buyer_id,), scope):
            if principal.role is Role.JOB and not store.market.merchants((reporter,)):
                raise MerchantUnknownError(reporter)
            raise BuyerUnknownError(buyer_id)
        if claim_id is not None:
            claims = store.market.claims((claim_id,), Scope(reporter))
            if not any(claim.buyer_id == buyer_id for claim in claims):
                raise ClaimNotOfBuyerError(claim_id, buyer_id, reporter)
        is_new = store.reports.file(report, now)
    opened = (
        verify_if_due(store, buyer_id, policy, max(now, report.reported_at)) if is_new and opens else None
    )
    return Filing(report, is_new, opened)


def withdraw_report(
    store: Store,
    principal: Principal,
    report_id: str,
    reason: str,
    now: int,
    expected_version: int | None = None,
) -> ReportStanding:
    """Take a merchant's own report back, for good: it counts nowhere any more, however old it is.

    `now` is µs since 1970-01-01 UTC. `expected_version` is that of the standing the merchant saw; without it,
    what happened meanwhile is passed over. Raises ForbiddenError, ReportUnknownError, ConflictError if it was
    withdrawn before, InvalidError for the reason, VersionConflictError; nothing is written then.
    """

    def event(report: Report, record: ReportRecord) -> Event:
        return withdrawn(report.report_id, record, reason, principal.name, now)

    return _change(store, principal, report_id, Scope(principal.merchant_id), event, expected_version)


def dispute_report(
    store: Store,
    principal: Principal,
    report_id: str,
    reason: str,
    now: int,
    expected_version: int | None = None,
) -> ReportStanding:
    """Disagree, as the reporting merchant, with a verification that ended as rejected or inconclusive.

    It changes no count: people read it and may open the verification again. Raises ConflictError where there
    is no such verification that weighed the report and was not disputed before, and what `withdraw_report`
    raises.
    """

    def event(report: Report, record: ReportRecord) -> Event:
        return disputed(report_id, record, _ended_in_vain(store, report), reason, principal.name, now)

    return _change(store, principal, report_id, principal.scope(now), event, expected_version)


def find_report(
    store: Store, principal: Principal, report_id: str, now: int, merchant_id: str | None = None
) -> ReportStanding:
    """Find a report and what became of it: a merchant's own, or that of `merchant_id`.

    Raises ForbiddenError, ReportUnknownError; ReportAmbiguousError where several merchants have one of that
    id, and none is named.
    """
    require(principal, BUYER_READERS, _WHAT)
    named = merchant_id if merchant_id is not None else principal.merchant_id
    with store.snapshot():
        if named is None:
            merchant_ids = store.reports.merchants_of(report_id)
            if len(merchant_ids) > 1:
                raise ReportAmbiguousError(report_id, merchant_ids)
            named = next(iter(merchant_ids), "")
        found = find_reports(store, principal, (ReportRef(named, report_id),), now)
    if not found:
        raise ReportUnknownError(report_id)
    return found[0]


def find_reports(
    store: Store, principal: Principal, refs: Sequence[ReportRef], now: int
) -> tuple[ReportStanding, ...]:
    """Find reports and what became of them, in the order asked for; those not in sight are left out.

    Raises ForbiddenError.
    """
    require(principal, BUYER_READERS, _WHAT)
    with store.snapshot():
        return _standings(store, store.reports.find(refs, principal.scope(now)))


def list_reports(
    store: Store,
    principal: Principal,
    first: int,
    after: Key | None,
    now: int,
    buyer_id: str | None = None,
) -> Page[ReportStanding]:
    """List reports, of one buyer or of all, latest first (Key: reported_at, name); a merchant's own.

    Raises ForbiddenError.
    """
    require(principal, BUYER_READERS, _WHAT)
    with store.snapshot():
        page = store.reports.page(first, after, principal.scope(now), buyer_id)
        return Page(_standings(store, page.items), page.keys, page.has_next, page.total)


def _change(
    store: Store,
    principal: Principal,
    report_id: str,
    scope: Scope,
    event_of: Callable[[Report, ReportRecord], Event],
    expected_version: int | None,
) -> ReportStanding:
    """Append what happens to a merchant's own report, in one transaction with what it rests on."""
    if principal.role is not Role.MERCHANT or principal.merchant_id is None:
        raise ForbiddenError("Only the merchant who filed a report withdraws or disputes it.")
    with deciding(store):
        found = store.reports.find((ReportRef(principal.merchant_id, report_id),), scope)
        if not found:
            raise ReportUnknownError(report_id)
        (report,) = found
        ref = _record(report.ref)
        record, version = _read(store.records.state(ref))
        refuse_other_version(ref, expected_version, version)
        event = event_of(report, record)
        changed = fold([event], record)
        concerned = [
            Subject(SubjectKind.BUYER, report.buyer_id),
            Subject(SubjectKind.MERCHANT, report.merchant_id),
        ]
        version = store.records.append(ref, [event], version, changed.to_state(), concerned)
        return ReportStanding(report, changed, version)


def _reporter(principal: Principal, merchant_id: str | None) -> str:
    """Say in whose name the principal files."""
    if principal.role is Role.MERCHANT:
        own = principal.merchant_id or ""
        if merchant_id not in (None, own):
            raise ForbiddenError(
                f"Merchant {own} reports in its own name; leave merchant_id {merchant_id} out."
            )
        return own
    if principal.role is not Role.JOB:
        raise ForbiddenError("Only merchants report buyers, and jobs in a merchant's name.")
    if merchant_id is None:
        raise ReportFieldError("merchant_id", "merchant_id is missing; name the merchant who reports.")
    return merchant_id


def _ended_in_vain(store: Store, report: Report) -> list[str]:
    """Name the verifications of the buyer that weighed the report and ended as rejected or inconclusive."""
    concerned = Subject(SubjectKind.BUYER, report.buyer_id)
    found = store.records.current(RecordKind.VERIFICATION, concerned)
    return [
        verification.verification_id
        for verification in (Verification.from_state(each.state) for each in found)
        if verification.state in _ENDED_IN_VAIN and report.ref.name in verification.file.reports
    ]


def _standings(store: Store, reports: tuple[Report, ...]) -> tuple[ReportStanding, ...]:
    found = store.records.states(RecordKind.REPORT, [report.ref.name for report in reports])
    records = {state.record.id: state for state in found}
    return tuple(ReportStanding(report, *_read(records.get(report.ref.name))) for report in reports)


def _read(state: RecordState | None) -> tuple[ReportRecord, int]:
    return (ReportRecord.from_state(state.state), state.version) if state else (ReportRecord(), 0)


def _record(ref: ReportRef) -> RecordRef:
    return RecordRef(RecordKind.REPORT, ref.name)
