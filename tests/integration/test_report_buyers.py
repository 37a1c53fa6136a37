import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ringfence.app import StoresByAddress
from ringfence.domain.buyers import Report, ReportRef
from ringfence.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.loads import BROWSING_KEY_ID, BrowsingCopyError, FileCount, LoadSource
from ringfence.domain.policy import Policy, ReportPolicy
from ringfence.domain.progress import Silent
from ringfence.domain.records import Event, RecordKind, RecordRef, Subject, SubjectKind
from ringfence.domain.reports import ReportStatus
from ringfence.domain.scope import PLATFORM, Principal, Role
from ringfence.domain.verifications import Verification, VerificationFile, VerificationState
from ringfence.market.rows import tables_of_rows
from ringfence.market.tables import SCHEMAS
from ringfence.services.read_buyers import BuyerUnknownError
from ringfence.services.report_buyers import (
    Filing,
    ReportUnknownError,
    dispute_report,
    file_report,
    find_report,
    list_reports,
    withdraw_report,
)
from ringfence.services.weigh_reports import withdrawn_reports
from ringfence.store import Store
from ringfence.store.records import VersionConflictError

DAY = 86_400_000_000
NOW = 1_777_636_800_000_000
"""2026-05-01 12:00"""
POLICY = Policy()


def days(reportable: int) -> Policy:
    return Policy(reports=ReportPolicy(reportable_days=reportable))


SHOP = Principal("shop's key", Role.MERCHANT, "shop")
MART = Principal("mart's key", Role.MERCHANT, "mart")
ORDER_SYSTEM = Principal("order system", Role.JOB)
ANA = Principal("ana", Role.INVESTIGATOR)
OP = Principal("op", Role.OPERATOR)
REJECTED, INCONCLUSIVE = VerificationState.REJECTED, VerificationState.INCONCLUSIVE
BUYERS = ("ann", "bob", "cid", "dan")
MERCHANTS = ("mart", "shop")
LOADED = Report("r1", "shop", "ann", NOW - 9 * DAY, "c1", "never returned", 2)


@pytest.fixture
def market(store: Store) -> Store:
    """Ann claimed at both, Bob ordered at the shop, Cid claimed there long ago, Dan at the mart alone."""
    return filled(store)


def filled(store: Store, key_id: str = "key") -> Store:
    def row(table: str, buyer: str, merchant: str, **cells: Any) -> dict[str, Any]:
        place = {"buyer": BUYERS.index(buyer), "merchant": MERCHANTS.index(merchant)}
        return dict.fromkeys(SCHEMAS[table]) | place | cells

    def claim(id: str, buyer: str, merchant: str, days: int) -> dict[str, Any]:
        told = {"claim_id": id, "filed_at": NOW - days * DAY, "amount": 100, "currency": "EUR"}
        return row("claims", buyer, merchant, **told)

    order = {"order_id": "o1", "ordered_at": NOW - 180 * DAY, "amount": 100, "currency": "EUR"}
    report = {name: getattr(LOADED, name) for name in Report.__slots__ if name in SCHEMAS["reports"]}
    rows = {
        "claims": [
            claim("c1", "ann", "shop", 10),
            claim("c2", "ann", "mart", 9),
            claim("c3", "cid", "shop", 181),
            claim("c4", "dan", "mart", 8),
        ],
        "orders": [row("orders", "bob", "shop", **order)],
        "reports": [row("reports", "ann", "shop", **report)],
    }
    names = ("claims", "orders", "reports", "buyers", "merchants", "changes", "rates")
    frames = {name: pl.DataFrame(rows.get(name, []), schema=SCHEMAS[name]) for name in names}
    frames["identified"] = pl.DataFrame(schema=SCHEMAS["uses"])
    people = [pl.Series(ids, dtype=pl.String) for ids in (BUYERS, MERCHANTS)]
    tables, _ = tables_of_rows(people[0], people[1], (), frames)
    source = LoadSource("files", key_id, 1, (FileCount("claims.csv", "claims", 4, 4, 0, 0, 0),), {})
    lease = store.leases.acquire(LeaseName.LOAD, Holder("here", 1, "today"), 60.0, NOW)
    store.market.write_load(source, tables, lease, NOW, Silent())
    store.leases.release(lease)
    return store


def filed(store: Store, principal: Principal = SHOP, buyer: str = "ann", **fields: Any) -> Report:
    return file_report(store, principal, buyer, fields.pop("policy", POLICY), NOW, **fields).report


def verified(store: Store, number: int, state: VerificationState, *report_ids: str) -> str:
    """Verify Ann, by reports of the shop, and give the verification's id."""
    file = VerificationFile(reports=tuple(ReportRef("shop", report_id).name for report_id in report_ids))
    told = Verification("ann", number, "reports", "1", NOW, file, state)
    record, event = RecordRef(RecordKind.VERIFICATION, told.verification_id), Event("opened", NOW, "ana")
    store.records.append(record, [event], 0, told.to_state(), [Subject(SubjectKind.BUYER, "ann")])
    return told.verification_id


def ids_of(store: Store, principal: Principal, buyer: str | None = None) -> list[str]:
    page = list_reports(store, principal, 50, None, NOW, buyer)
    return [each.report.report_id for each in page.items]


def test_a_report_is_kept_and_read_by_its_merchant_and_by_staff(market: Store) -> None:
    filing = file_report(
        market, SHOP, "bob", POLICY, NOW, report_id="r2", reason="empty box", evidence_count=1
    )
    assert filing == Filing(Report("r2", "shop", "bob", NOW, None, "empty box", 1), True, None)
    report = filing.report
    for reader in (SHOP, ANA, OP):
        found = find_report(market, reader, "r2", NOW)
        assert (found.report, found.record.status, found.version) == (report, ReportStatus.FILED, 0)
    assert ids_of(market, SHOP) == ids_of(market, OP) == ["r2", "r1"]
    assert ids_of(market, ANA, "ann") == ["r1"]
    assert market.records.current(RecordKind.REPORT) == ()


def test_lists_are_read_page_by_page(market: Store) -> None:
    for day in (1, 2, 3):
        filed(market, report_id=f"r{day + 1}", reported_at=NOW - day * DAY)
    first = list_reports(market, SHOP, 2, None, NOW)
    assert (first.total, first.has_next) == (4, True)
    second = list_reports(market, SHOP, 2, first.keys[-1], NOW)
    found = [each.report.report_id for each in (*first.items, *second.items)]
    assert (found, second.has_next) == (["r2", "r3", "r4", "r1"], False)


def test_the_same_report_again_changes_nothing(market: Store) -> None:
    first = filed(market, report_id="r2", reason="empty box")
    again = file_report(market, SHOP, "ann", POLICY, NOW + DAY, report_id="r2", reason="empty box")
    assert again == Filing(first, False, None)
    unnamed = filed(market, reason="no box")
    assert file_report(market, SHOP, "ann", POLICY, NOW + 1, reason="no box") == Filing(unnamed, False, None)
    assert filed(market, report_id="r1", claim_id="c1", reason="never returned", evidence_count=2) == LOADED
    assert market.reports.find((ReportRef("shop", "r2"),), PLATFORM) == (first,)
    assert len(ids_of(market, OP)) == 3


@pytest.mark.parametrize("known", ["r1", "r2"])
def test_other_content_under_a_known_id_is_refused_by_the_field(market: Store, known: str) -> None:
    filed(market, report_id="r2", claim_id="c1", reason="never returned", evidence_count=2)
    told: dict[str, Any] = {"report_id": known, "claim_id": "c1", "reason": "never returned"}
    with pytest.raises(ConflictError, match=f"Report {known} is known with evidence_count 2, not 3"):
        filed(market, **told, evidence_count=3)
    with pytest.raises(ConflictError, match="is known with reported_at"):
        filed(market, **told, evidence_count=2, reported_at=NOW - DAY)
    assert ids_of(market, OP) == ["r2", "r1"]


@pytest.mark.parametrize("buyer", ["nobody", "cid", "dan"])
def test_a_buyer_whom_the_merchant_does_not_know_is_as_unknown_as_nobody(market: Store, buyer: str) -> None:
    for principal, merchant in ((SHOP, None), (ORDER_SYSTEM, "shop")):
        with pytest.raises(BuyerUnknownError) as refused:
            filed(market, principal, buyer, merchant_id=merchant)
        assert str(refused.value) == f"There is no buyer {buyer}."
    assert ids_of(market, OP) == ["r1"]


def test_the_policy_says_for_how_long_a_buyer_can_be_reported(market: Store) -> None:
    assert filed(market, buyer="bob").buyer_id == "bob"
    with pytest.raises(BuyerUnknownError):
        filed(market, buyer="bob", reason="late", policy=days(179))
    assert filed(market, buyer="cid", policy=days(181)).buyer_id == "cid"


def test_a_job_files_in_the_name_of_a_merchant(market: Store) -> None:
    report = filed(market, ORDER_SYSTEM, merchant_id="mart", report_id="r2", claim_id="c2")
    assert report.merchant_id == "mart"
    assert ids_of(market, MART) == ["r2"]
    with pytest.raises(InvalidError, match="merchant_id is missing"):
        filed(market, ORDER_SYSTEM)
    with pytest.raises(NotFoundError, match="There is no merchant stall"):
        filed(market, ORDER_SYSTEM, merchant_id="stall")


def test_a_merchant_files_in_its_own_name_alone(market: Store) -> None:
    assert filed(market, merchant_id="shop").merchant_id == "shop"
    with pytest.raises(ForbiddenError, match="leave merchant_id mart out"):
        filed(market, merchant_id="mart", report_id="r3")
    for principal in (ANA, OP):
        with pytest.raises(ForbiddenError, match="Only merchants report buyers"):
            filed(market, principal, merchant_id="shop", report_id="r3")
    assert market.reports.merchants_of("r3") == ()


@pytest.mark.parametrize("claim_id", ["c2", "c3", "c9"])
def test_a_claim_must_be_the_buyers_against_the_merchant(market: Store, claim_id: str) -> None:
    with pytest.raises(NotFoundError, match=f"no claim {claim_id} of buyer ann against merchant shop"):
        filed(market, claim_id=claim_id)
    assert ids_of(market, OP) == ["r1"]


def test_a_field_that_cannot_be_kept_leaves_nothing(market: Store) -> None:
    refused: list[dict[str, Any]] = [
        {"evidence_count": -1},
        {"reported_at": NOW + DAY},
        {"reason": "x" * 2001},
    ]
    for fields in refused:
        with pytest.raises(InvalidError):
            filed(market, **fields)
    assert ids_of(market, OP) == ["r1"]


def test_a_withdrawn_report_counts_nowhere_and_stays_so(market: Store) -> None:
    filed(market, report_id="r2")
    for report_id in ("r1", "r2"):
        standing = withdraw_report(market, SHOP, report_id, "mistaken", NOW)
        assert (standing.record.status, standing.version) == (ReportStatus.WITHDRAWN, 1)
    assert withdrawn_reports(market) == {ReportRef("shop", "r1"), ReportRef("shop", "r2")}
    assert find_report(market, ANA, "r2", NOW).record.reason == "mistaken"
    with pytest.raises(ConflictError, match="Report r2 was withdrawn on 2026-05-01 by shop's key"):
        withdraw_report(market, SHOP, "r2", "again", NOW)
    with pytest.raises(ConflictError, match="Report r2 was withdrawn"):
        filed(market, report_id="r2")
    for kind, id in ((SubjectKind.BUYER, "ann"), (SubjectKind.MERCHANT, "shop")):
        found = market.records.current(RecordKind.REPORT, Subject(kind, id))
        assert [state.record.id for state in found] == ["shop/r1", "shop/r2"]
    (event,) = market.records.stream(RecordRef(RecordKind.REPORT, "shop/r2"))
    assert (event.type, event.actor, event.data) == ("withdrawn", "shop's key", {"reason": "mistaken"})


def test_a_report_can_be_withdrawn_after_its_buyer_left_the_merchants_sight(market: Store) -> None:
    filed(market, report_id="r2")
    later = NOW + 400 * DAY
    with pytest.raises(ReportUnknownError):
        find_report(market, SHOP, "r2", later)
    with pytest.raises(ReportUnknownError):
        dispute_report(market, SHOP, "r2", "no", later)
    withdraw_report(market, SHOP, "r2", "mistaken", later)
    assert withdrawn_reports(market) == {ReportRef("shop", "r2")}


def test_a_report_is_disputed_once_after_each_verification_that_ended_in_vain(market: Store) -> None:
    filed(market, report_id="r2")
    for number, state in enumerate(set(VerificationState) - {REJECTED, INCONCLUSIVE}, 1):
        verified(market, number, state, "r1", "r2")
    first = verified(market, 11, REJECTED, "r1")
    with pytest.raises(ConflictError, match="Report r2 has nothing to dispute"):
        dispute_report(market, SHOP, "r2", "look again", NOW)
    assert dispute_report(market, SHOP, "r1", "look again", NOW).record.disputed == (first,)
    with pytest.raises(ConflictError, match="was disputed before"):
        dispute_report(market, SHOP, "r1", "look again", NOW)
    second = verified(market, 12, INCONCLUSIVE, "r1", "r2")
    assert dispute_report(market, SHOP, "r1", "once more", NOW).record.disputed == (first, second)
    standing = dispute_report(market, SHOP, "r2", "look again", NOW)
    assert (standing.record.status, standing.version) == (ReportStatus.DISPUTED, 1)
    assert find_report(market, ANA, "r2", NOW) == standing
    assert withdrawn_reports(market) == frozenset()


ACTS: dict[str, Callable[[Store, Principal], object]] = {
    "withdraw": lambda store, who: withdraw_report(store, who, "r1", "mistaken", NOW),
    "dispute": lambda store, who: dispute_report(store, who, "r1", "look again", NOW),
}


@pytest.mark.parametrize("act", ACTS)
def test_only_the_merchant_who_reported_withdraws_and_disputes(market: Store, act: str) -> None:
    verified(market, 1, REJECTED, "r1")
    nameless = Principal("shop's key", Role.MERCHANT)
    for principal in (ANA, OP, ORDER_SYSTEM, nameless):
        with pytest.raises(ForbiddenError, match=r"Only the merchant who filed|names no merchant"):
            ACTS[act](market, principal)
    with pytest.raises(ReportUnknownError, match=r"^There is no report r1\.$"):
        ACTS[act](market, MART)
    assert market.records.current(RecordKind.REPORT) == ()


def test_reports_of_others_are_as_unknown_as_none(market: Store) -> None:
    for report_id in ("r1", "r9"):
        with pytest.raises(ReportUnknownError, match=rf"^There is no report {report_id}\.$"):
            find_report(market, MART, report_id, NOW)
    assert list_reports(market, MART, 50, None, NOW).total == 0
    assert list_reports(market, MART, 50, None, NOW, "ann").total == 0
    for reading in (
        lambda: find_report(market, ORDER_SYSTEM, "r1", NOW),
        lambda: ids_of(market, ORDER_SYSTEM),
    ):
        with pytest.raises(ForbiddenError):
            reading()


def test_whoever_saw_an_older_standing_is_told(market: Store) -> None:
    verified(market, 1, REJECTED, "r1")
    dispute_report(market, SHOP, "r1", "look again", NOW, expected_version=0)
    with pytest.raises(VersionConflictError):
        withdraw_report(market, SHOP, "r1", "mistaken", NOW, expected_version=0)
    with pytest.raises(VersionConflictError):
        dispute_report(market, SHOP, "r1", "once more", NOW, expected_version=0)
    assert find_report(market, SHOP, "r1", NOW).record.status is ReportStatus.DISPUTED
    withdraw_report(market, SHOP, "r1", "mistaken", NOW, expected_version=1)


def test_of_many_who_file_the_same_at_once_one_is_first(market: Store) -> None:
    gate, told = threading.Barrier(4), []

    def file() -> None:
        gate.wait()
        told.append(file_report(market, SHOP, "ann", POLICY, NOW, report_id="r2").is_new)

    threads = [threading.Thread(target=file) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False, False, False, True]
    assert ids_of(market, OP) == ["r2", "r1"]


def test_a_copy_for_browsing_takes_no_reports(tmp_path: Path) -> None:
    opened = StoresByAddress().open(str(tmp_path / "copy.sqlite"), create=True)
    try:
        filled(opened, BROWSING_KEY_ID)
        with pytest.raises(BrowsingCopyError):
            filed(opened, report_id="r2")
        with pytest.raises(BrowsingCopyError):
            withdraw_report(opened, SHOP, "r1", "mistaken", NOW)
        assert ids_of(opened, OP) == ["r1"]
    finally:
        opened.close()
