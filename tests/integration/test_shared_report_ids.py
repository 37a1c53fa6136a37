"""Merchants give their own reports ids; that another has the same one neither hinders nor tells anybody."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.app import StoresByAddress
from ringfence.domain.buyers import Report, ReportRef
from ringfence.domain.errors import ConflictError, InvalidError, NotFoundError
from ringfence.domain.leases import LeaseName
from ringfence.domain.loads import FileCount
from ringfence.domain.policy import Policy
from ringfence.domain.reports import ReportStatus
from ringfence.domain.scope import PLATFORM, Principal, Role
from ringfence.intake import IntakeOptions, PseudonymKey
from ringfence.services.hold_lease import hold_lease
from ringfence.services.load_market import LoadOutcome, LoadRequest, load_market
from ringfence.services.report_buyers import Filing, dispute_report, file_report, find_report, withdraw_report
from ringfence.store import Store

NOW = 1_777_636_800_000_000
"""2026-05-01 12:00"""
KEY = PseudonymKey(bytes(range(32)))
LENIENT = IntakeOptions(default_currency="EUR", max_rejected=1)
MERCHANTS = ("m1", "m2", "m3")
OP = Principal("op", Role.OPERATOR)
CLAIMS = "claim_id,buyer_id,merchant_id,filed_at,amount\n" + "".join(
    f"c-{buyer}-{merchant},{buyer},{merchant},2026-04-20,10.00\n"
    for buyer in ("ann", "bob")
    for merchant in MERCHANTS
)
HEADER = "report_id,merchant_id,buyer_id,reported_at,reason\n"
DAY = "2026-04-30T00:00:00Z"
AT = NOW - 36 * 3_600_000_000


def loaded(store: Store, folder: Path, name: str, text: str) -> LoadOutcome:
    path = folder / f"{name}.csv"
    path.write_text(text)
    with hold_lease(store, LeaseName.LOAD, lambda: NOW) as lease:
        return load_market(LoadRequest([path], LENIENT, folder), KEY, store, lease, NOW)


def of_file(store: Store, folder: Path, *rows: Sequence[str]) -> FileCount:
    """Load reports of (report_id, merchant, buyer, reason)."""
    lines = [f"{id},{merchant},{buyer},{DAY},{reason}\n" for id, merchant, buyer, reason in rows]
    return loaded(store, folder, "reports", HEADER + "".join(lines)).files[0]


def by_call(store: Store, report_id: str, merchant: str, buyer: str, reason: str) -> Filing:
    who, policy = as_merchant(merchant), Policy()
    return file_report(
        store, who, buyer, policy, NOW, report_id=report_id, reason=reason, reported_at=AT, opens=False
    )


def as_merchant(merchant_id: str) -> Principal:
    return Principal(f"{merchant_id}'s key", Role.MERCHANT, merchant_id)


@pytest.fixture
def market(store: Store, tmp_path: Path) -> Store:
    """Ann and Bob claimed at three merchants."""
    loaded(store, tmp_path, "claims", CLAIMS)
    return store


def told(store: Store) -> set[tuple[str, str, str, str | None]]:
    page = store.reports.page(100, None, PLATFORM)
    assert page.total == len(page.items) == len(store.reports.read())
    return {(each.report_id, each.merchant_id, each.buyer_id, each.reason) for each in page.items}


M1, M2, M3 = [("R-1", "m1", "ann", "a box"), ("R-1", "m2", "ann", "a stone"), ("R-1", "m3", "bob", "a brick")]


def test_one_file_may_hold_one_id_of_many_merchants(market: Store, tmp_path: Path) -> None:
    changed = ("R-1", "m2", "bob", "a stone")
    count = of_file(market, tmp_path, M1, M2, M3, M2, changed)
    assert (count.kept, count.repeated, count.rejected) == (3, 1, 1)
    assert (
        "differs from an earlier row of the same report_id and merchant_id"
        in (tmp_path / "rejected.csv").read_text()
    )
    assert told(market) == {M1, M2, M3}


@pytest.mark.parametrize("way", ["file then call", "call then file"])
def test_one_id_of_two_merchants_is_kept_whichever_way_and_order_it_came(
    market: Store, tmp_path: Path, way: str
) -> None:
    if way == "file then call":
        assert of_file(market, tmp_path, M1).kept == 1
        assert by_call(market, *M2).is_new
    else:
        assert by_call(market, *M1).is_new
        assert of_file(market, tmp_path, M2).kept == 1
    assert told(market) == {M1, M2}
    assert [by_call(market, *each).is_new for each in (M1, M2)] == [False, False]
    count = of_file(market, tmp_path, M1, M2, M3)
    assert (count.kept, count.repeated, count.rejected) == (1, 2, 0)
    count = of_file(market, tmp_path, ("R-1", "m2", "ann", "a rock"), ("R-2", "m2", "ann", "a rock"))
    assert (count.kept, count.repeated, count.rejected) == (1, 0, 1)
    with pytest.raises(ConflictError, match="Report R-1 is known with reason a stone, not a rock"):
        by_call(market, "R-1", "m2", "ann", "a rock")
    assert told(market) == {M1, M2, M3, ("R-2", "m2", "ann", "a rock")}


def test_nobody_can_take_ids_from_others(market: Store, tmp_path: Path) -> None:
    for number in range(20):
        by_call(market, f"R-{number}", "m1", "ann", "squatted")
    rows = [(f"R-{number}", "m2", "ann", "honest") for number in range(20)]
    assert of_file(market, tmp_path, *rows).kept == 20
    assert all(by_call(market, f"R-{number}", "m3", "bob", "honest").is_new for number in range(20))


def test_what_becomes_of_a_report_becomes_of_no_other_of_its_id(market: Store) -> None:
    for each in (M1, M2, M3):
        by_call(market, *each)
    withdraw_report(market, as_merchant("m2"), "R-1", "mistaken", NOW)
    statuses = [find_report(market, OP, "R-1", NOW, merchant).record.status for merchant in MERCHANTS]
    assert statuses == [ReportStatus.FILED, ReportStatus.WITHDRAWN, ReportStatus.FILED]
    assert by_call(market, *M1).is_new is False
    with pytest.raises(ConflictError, match="Report R-1 was withdrawn"):
        by_call(market, *M2)
    with pytest.raises(ConflictError, match="Report R-1 has nothing to dispute"):
        dispute_report(market, as_merchant("m1"), "R-1", "look again", NOW)


def test_whoever_sees_all_says_whose_report_is_meant(market: Store) -> None:
    by_call(market, *M1)
    assert find_report(market, OP, "R-1", NOW).report.merchant_id == "m1"
    by_call(market, *M2)
    with pytest.raises(InvalidError) as refused:
        find_report(market, OP, "R-1", NOW)
    assert str(refused.value) == (
        "2 merchants have a report R-1 (m1, m2); say whose is meant: `merchantId`, on the command line "
        "--merchant."
    )
    for merchant in ("m1", "m2"):
        assert find_report(market, OP, "R-1", NOW, merchant).report.merchant_id == merchant
        assert find_report(market, as_merchant(merchant), "R-1", NOW).report.merchant_id == merchant
    for who, whose in ((as_merchant("m3"), None), (as_merchant("m3"), "m1"), (OP, "m3"), (OP, "nobody")):
        with pytest.raises(NotFoundError, match=r"^There is no report R-1\.$"):
            find_report(market, who, "R-1", NOW, whose)


_reports = st.builds(
    Report,
    st.sampled_from(["R-1", "R-2"]),
    st.sampled_from(MERCHANTS),
    st.sampled_from(["ann", "bob"]),
    st.integers(AT, AT + 1),
    st.none(),
    st.none(),
    st.none(),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(_reports, max_size=12))
def test_each_merchant_files_as_if_it_were_alone(reports: list[Report]) -> None:
    known: dict[ReportRef, Report] = {}
    with TemporaryDirectory() as folder, closing(StoresByAddress().open(f"{folder}/s", create=True)) as store:
        loaded(store, Path(folder), "claims", CLAIMS)
        for report in reports:
            if known.get(report.ref, report) == report:
                assert store.reports.file(report, NOW) is (report.ref not in known)
                known[report.ref] = report
            else:
                with pytest.raises(ConflictError):
                    store.reports.file(report, NOW)
        ordered = sorted(known.values(), key=lambda one: (-one.reported_at, one.report_id, one.merchant_id))
        assert list(store.reports.page(99, None, PLATFORM).items) == ordered
        read = store.reports.read()
        pairs = zip(read.merchant_ids.gather(read.merchant), read.report_ids, strict=True)
        assert {ReportRef(*pair) for pair in pairs} == set(known)
        assert len(read) == len(known)
