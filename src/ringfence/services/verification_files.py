"""What a verification rests on: what there is about a buyer, and what of it is new."""

from collections.abc import Sequence

from ringfence.domain.buyers import Report
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.policy import Policy
from ringfence.domain.records import RecordKind
from ringfence.domain.reports import ReportStatus
from ringfence.domain.rings import RingQuery
from ringfence.domain.scope import PLATFORM
from ringfence.domain.verifications import (
    MOST_LINKS,
    FiledLink,
    Verification,
    VerificationFile,
    VerificationOutcome,
)
from ringfence.services.recover_losses import claims_since
from ringfence.store import Store


def gather_file(
    store: Store, buyer_id: str, opened_at: int, policy: Policy, weight: float | None = None
) -> VerificationFile:
    """Gather what is there about a buyer: claims since the policy's window before `opened_at` (µs since
    1970-01-01 UTC), reports that were not withdrawn, and links and ring of the published run."""
    since = opened_at - policy.recovery.window_days * MICROSECONDS_A_DAY
    standing = standing_reports(store, buyer_id)
    run = store.rings.run()
    rings = store.rings.page(RingQuery(buyer_id=buyer_id), 1).items
    links = store.rings.links_of(buyer_id, MOST_LINKS)
    return VerificationFile(
        claims=tuple(claim.claim_id for claim in claims_since(store, buyer_id, since)),
        reports=tuple(report.report_id for report in standing),
        merchants=tuple(sorted({report.merchant_id for report in standing})),
        links=tuple(
            FiledLink(link.buyer_b if link.buyer_a == buyer_id else link.buyer_a, link.score, link.why)
            for link in links
        ),
        ring_id=rings[0].ring_id if rings else None,
        run_id=run.run_id if run is not None else None,
        market_version=store.market.version(),
        weight=weight,
    )


def standing_reports(store: Store, buyer_id: str) -> list[Report]:
    """List the reports of a buyer that were not withdrawn."""
    reports = store.reports.of_buyer(buyer_id, PLATFORM)
    records = store.records.states(RecordKind.REPORT, [report.report_id for report in reports])
    withdrawn = {each.record.id for each in records if each.state["status"] == ReportStatus.WITHDRAWN}
    return [report for report in reports if report.report_id not in withdrawn]


def unheard_reports(store: Store, buyer_id: str, past: Sequence[Verification]) -> list[Report]:
    """List the reports of a buyer that are new evidence beside verifications that ended."""
    heard = {merchant_id for each in past for merchant_id in each.file.merchants}
    reports = [report for report in standing_reports(store, buyer_id) if report.merchant_id not in heard]
    verdict = past[-1].verdict if past else None
    if verdict is None or verdict.outcome is not VerificationOutcome.REJECTED:
        return reports
    claimed = {claim.merchant_id for claim in claims_since(store, buyer_id, verdict.at + 1)}
    return [report for report in reports if report.merchant_id in claimed]
