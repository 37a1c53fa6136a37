"""What a verification rests on: what there is about a buyer, and what of it is new."""

from collections.abc import Mapping, Sequence

from ringfence.domain.buyers import Report
from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.policy import Policy
from ringfence.domain.records import RecordKind
from ringfence.domain.reports import ReportStatus
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


def gather_file(store: Store, buyer_id: str, opened_at: int, policy: Policy) -> VerificationFile:
    """Gather what is there about a buyer for a verification that a person opens, or opened at `opened_at`."""
    return gather_files(store, {buyer_id: opened_at}, policy)[buyer_id]


def gather_files(
    store: Store,
    opened_at: Mapping[str, int],
    policy: Policy,
    standing: Mapping[str, Sequence[Report]] | None = None,
    weights: Mapping[str, float] | None = None,
) -> dict[str, VerificationFile]:
    """Gather what is there about buyers: claims since the policy's window before `opened_at` (by buyer, µs
    since 1970-01-01 UTC), reports that were not withdrawn, and links and ring of the published run.

    `standing` is what `standing_reports` gives; `weights` is what the reports weigh that open it.
    """
    standing = standing_reports(store, tuple(opened_at)) if standing is None else standing
    run = store.rings.run()
    market_version = store.market.version()
    rings, links = _rings(store, tuple(opened_at)), _links(store, tuple(opened_at))
    files = {}
    for buyer_id, moment in opened_at.items():
        since = moment - policy.recovery.window_days * MICROSECONDS_A_DAY
        files[buyer_id] = VerificationFile(
            claims=tuple(claim.claim_id for claim in claims_since(store, buyer_id, since)),
            reports=tuple(report.ref.name for report in standing[buyer_id]),
            merchants=tuple(sorted({report.merchant_id for report in standing[buyer_id]})),
            links=tuple(links[buyer_id]),
            ring_id=rings.get(buyer_id),
            run_id=run.run_id if run is not None else None,
            market_version=market_version,
            weight=weights[buyer_id] if weights is not None else None,
        )
    return files


def standing_reports(store: Store, buyer_ids: Sequence[str]) -> dict[str, list[Report]]:
    """List the reports of each buyer that were not withdrawn."""
    told = {buyer_id: store.reports.of_buyer(buyer_id, PLATFORM) for buyer_id in buyer_ids}
    asked = [report.ref.name for reports in told.values() for report in reports]
    records = store.records.states(RecordKind.REPORT, asked)
    withdrawn = {each.record.id for each in records if each.state["status"] == ReportStatus.WITHDRAWN}
    return {
        buyer_id: [report for report in reports if report.ref.name not in withdrawn]
        for buyer_id, reports in told.items()
    }


def unheard_reports(
    store: Store, buyer_id: str, past: Sequence[Verification], standing: Sequence[Report]
) -> list[Report]:
    """List those of the standing reports of a buyer that are new evidence beside verifications that ended."""
    heard = {merchant_id for each in past for merchant_id in each.file.merchants}
    reports = [report for report in standing if report.merchant_id not in heard]
    verdict = past[-1].verdict if past else None
    if verdict is None or verdict.outcome is not VerificationOutcome.REJECTED:
        return reports
    claimed = {claim.merchant_id for claim in claims_since(store, buyer_id, verdict.at + 1)}
    return [report for report in reports if report.merchant_id in claimed]


def _rings(store: Store, buyer_ids: Sequence[str]) -> dict[str, str]:
    """Give the ring of each buyer that there is most evidence for; who is in none is left out."""
    rings_of = store.rings.rings_of(buyer_ids)
    rings = store.rings.rings(sorted({ring_id for ring_ids in rings_of.values() for ring_id in ring_ids}))
    scores = {ring.ring_id: ring.score for ring in rings}
    return {
        buyer_id: min(ring_ids, key=lambda ring_id: (-scores[ring_id], ring_id))
        for buyer_id, ring_ids in rings_of.items()
    }


def _links(store: Store, buyer_ids: Sequence[str]) -> dict[str, list[FiledLink]]:
    """Give the best links of each buyer, best first."""
    best: dict[str, list[FiledLink]] = {buyer_id: [] for buyer_id in buyer_ids}
    for link in store.rings.links_from(buyer_ids):
        for own, other in ((link.buyer_a, link.buyer_b), (link.buyer_b, link.buyer_a)):
            if own in best and len(best[own]) < MOST_LINKS:
                best[own].append(FiledLink(other, link.score, link.why))
    return best
