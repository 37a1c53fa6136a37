from dataclasses import replace
from threading import Thread
from typing import Any

import polars as pl
import pytest
from small_loads import Interrupted, PulledPlug, claim, lease_of, load, report, tables_of

from ringfence.domain.buyers import Report, ReportRef
from ringfence.domain.errors import ConflictError, NotFoundError
from ringfence.domain.leases import Lease
from ringfence.domain.merchants import Merchant
from ringfence.domain.pages import Key
from ringfence.domain.scope import PLATFORM, Scope
from ringfence.store import Store
from ringfence.store.reports import FiledReport

ROWS = [
    report("r1", "shop", "ann", 10, claim_id="c1", reason="never returned", evidence_count=2),
    report("r2", "mart", "ann", 30),
    report("r3", "shop", "ann", 20),
    report("r4", "shop", "bob", 40),
]
CLAIMS = [claim("c1", "ann", "shop", 5), claim("c2", "ann", "mart", 6)]
NEW = Report("r5", "mart", "ann", 25, "c2", "lies", 1)


def filled(store: Store, lease: Lease | None = None) -> Store:
    load(store, "first", tables_of(claims=CLAIMS, reports=ROWS), lease or lease_of(store))
    return store


NOTHING = pl.Series([], dtype=pl.String)


def ids(reports: tuple[Report, ...]) -> list[str]:
    return [each.report_id for each in reports]


def of(merchant_id: str, *report_ids: str) -> list[ReportRef]:
    return [ReportRef(merchant_id, report_id) for report_id in report_ids]


def found_by(store: Store, *names: str) -> tuple[Report, ...]:
    """Find reports by names such as shop/r1."""
    return store.reports.find([ReportRef.of_name(name) for name in names], PLATFORM)


def test_reports_accuse_one_buyer_latest_first(store: Store) -> None:
    found = filled(store).reports.of_buyer("ann", PLATFORM)
    assert ids(found) == ["r2", "r3", "r1"]
    assert found[-1] == Report("r1", "shop", "ann", 10, "c1", "never returned", 2)
    assert store.reports.of_buyer("nobody", PLATFORM) == ()


def test_a_merchant_sees_its_own_reports_alone(store: Store) -> None:
    filled(store).reports.file(replace(NEW, report_id="r0", merchant_id="shop"), 50)
    store.reports.file(NEW, 51)
    assert ids(store.reports.of_buyer("ann", Scope("shop"))) == ["r0", "r3", "r1"]
    asked = [*of("mart", "r5", "r3"), *of("shop", "r5", "r4", "r3", "r2", "r0")]
    assert ids(store.reports.find(asked, Scope("shop"))) == ["r3", "r0"]
    page = store.reports.page(9, None, Scope("shop"))
    assert (ids(page.items), page.total) == (["r0", "r3", "r1"], 3)
    nobody = Scope("nobody")
    assert (
        store.reports.of_buyer("ann", nobody)
        == store.reports.find([*of("shop", "r3"), *of("mart", "r5")], nobody)
        == ()
    )
    assert store.reports.page(9, None, nobody).total == 0


def test_a_merchant_sees_no_reports_about_whom_it_no_longer_knows(store: Store) -> None:
    filled(store).reports.file(replace(NEW, merchant_id="shop"), 50)
    late = Scope("shop", since=6)
    assert store.reports.of_buyer("ann", late) == store.reports.find(of("shop", "r1", "r5"), late) == ()
    assert store.reports.page(9, None, late).total == 0
    assert store.reports.of_buyer("bob", Scope("shop")) == (), "who neither ordered nor claimed there"
    assert store.reports.page(9, None, Scope("shop"), "bob").items == ()


def test_a_report_filed_by_call_is_kept_beside_those_of_loads(store: Store) -> None:
    assert filled(store).reports.file(NEW, 50)
    assert ids(store.reports.of_buyer("ann", PLATFORM)) == ["r2", "r5", "r3", "r1"]
    assert found_by(store, "mart/r5") == (NEW,)
    assert store.reports.filed() == (FiledReport(NEW, 50),)
    assert store.market.version() == 1


def test_the_very_same_report_is_filed_once(store: Store) -> None:
    filled(store)
    assert [store.reports.file(NEW, now) for now in (50, 60)] == [True, False]
    of_load = found_by(store, "shop/r1")[0]
    assert not store.reports.file(of_load, 70)
    assert store.reports.filed() == (FiledReport(NEW, 50),)


@pytest.mark.parametrize(
    ("field", "value"),
    [("buyer_id", "bob"), ("reported_at", 26), ("claim_id", None), ("reason", "x")],
)
def test_one_report_id_says_one_thing(store: Store, field: str, value: Any) -> None:
    filled(store).reports.file(NEW, 50)
    with pytest.raises(ConflictError, match=f"r5 is known with another {field}"):
        store.reports.file(replace(NEW, **{field: value}), 60)
    assert found_by(store, "mart/r5") == (NEW,)
    with pytest.raises(ConflictError, match="r2 is known with another"):
        store.reports.file(replace(NEW, report_id="r2"), 60)


def test_two_merchants_reports_may_share_an_id(store: Store) -> None:
    filled(store)
    others = Report("r1", "mart", "bob", 45, None, None, None)
    assert [store.reports.file(others, now) for now in (50, 60)] == [True, False]
    assert found_by(store, "mart/r1", "shop/r1") == (
        others,
        Report("r1", "shop", "ann", 10, "c1", "never returned", 2),
    )
    assert store.reports.find(of("shop", "r1"), Scope("mart")) == ()
    assert [store.reports.merchants_of(each) for each in ("r1", "r2", "r9")] == [
        ("mart", "shop"),
        ("mart",),
        (),
    ]
    late = [report("r1", "fair", "ann", 46), report("r9", "mart", "ann", 47), report("r9", "shop", "ann", 47)]
    load(store, "late", tables_of(reports=late), lease_of(store, 2))
    assert store.reports.merchants_of("r1") == ("fair", "mart", "shop")
    assert [each.merchant_id for each in store.reports.of_buyer("ann", PLATFORM)[:3]] == [
        "mart",
        "shop",
        "fair",
    ]
    assert store.reports.file(replace(others, merchant_id="shop", report_id="r2"), 70)
    assert [each.report.ref.name for each in store.reports.filed()] == ["mart/r1", "shop/r2"]
    assert len(store.reports.read()) == store.reports.page(1, None, PLATFORM).total == 9
    told = store.market.tables_of(2)
    assert told.reports["report_id"].to_list() == ["r1", "r9", "r9"]
    assert told.merchant_ids.gather(told.reports["merchant"]).to_list() == ["fair", "mart", "shop"]


def test_a_report_under_way_and_anothers_of_its_id_are_both_kept(store: Store) -> None:
    lease = lease_of(store)
    filled(store, lease)
    tables = tables_of(reports=[report("r8", "shop", "ann", 60), report("r9", "shop", "ann", 61)])
    with pytest.raises(Interrupted):
        load(store, "late", tables, lease, PulledPlug(0))
    assert store.reports.merchants_of("r8") == ()
    assert store.reports.file(Report("r8", "mart", "ann", 70, None, "first", None), 80)
    load(store, "late", tables, lease)
    assert store.reports.merchants_of("r8") == ("mart", "shop")
    assert store.market.tables_of(2).reports["report_id"].to_list() == ["r8", "r9"]
    assert len(store.reports.read()) == 7


def test_nobody_unknown_reports_or_is_reported(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no buyer ann"):
        store.reports.file(NEW, 50)
    filled(store)
    with pytest.raises(NotFoundError, match="no buyer cyd"):
        store.reports.file(replace(NEW, buyer_id="cyd"), 50)
    with pytest.raises(NotFoundError, match="no merchant fair"):
        store.reports.file(replace(NEW, merchant_id="fair"), 50)
    assert store.reports.filed() == ()


def test_a_report_is_filed_with_what_else_a_transaction_writes_or_not_at_all(store: Store) -> None:
    filled(store)

    def file_and_fail() -> None:
        with store.transaction():
            store.reports.file(NEW, 50)
            assert found_by(store, "mart/r5") == (NEW,)
            raise Interrupted

    with pytest.raises(Interrupted):
        file_and_fail()
    assert store.reports.filed() == ()
    with store.transaction():
        store.reports.file(NEW, 50)
    assert found_by(store, "mart/r5") == (NEW,)


def test_a_snapshot_sees_the_reports_filed_before_it_began(store: Store) -> None:
    filled(store).reports.file(NEW, 50)
    later = replace(NEW, report_id="r6")
    with store.snapshot():
        assert len(store.reports.filed()) == 1
        filing = Thread(target=store.reports.file, args=(later, 60))
        filing.start()
        filing.join()
        assert found_by(store, "mart/r5", "mart/r6") == (NEW,)
        assert ids(store.reports.of_buyer("ann", PLATFORM)) == ["r2", "r5", "r3", "r1"]
        assert store.reports.page(9, None, PLATFORM).total == 5
        assert len(store.reports.page(9, None, PLATFORM).items) == 5
        assert len(store.reports.filed()) == 1
        assert len(store.reports.read()) == 5
    assert len(store.reports.filed()) == 2
    assert len(store.reports.read()) == 6


@pytest.mark.parametrize("merchant_id", [None, "shop"])
@pytest.mark.parametrize("buyer_id", [None, "ann"])
def test_reports_are_read_page_by_page_latest_first(
    store: Store, merchant_id: str | None, buyer_id: str | None
) -> None:
    filled(store)
    for number in range(6):
        store.reports.file(Report(f"s{number}", "shop", "ann", 20 + number // 3, None, None, None), 50)
        store.reports.file(Report(f"s{number}", "mart", "ann", 20 + number // 4, None, None, None), 51)
    scope, named = Scope(merchant_id), [*(f"r{n}" for n in range(1, 5)), *(f"s{n}" for n in range(6))]
    expected = sorted(
        (
            each
            for each in store.reports.find([*of("shop", *named), *of("mart", *named)], scope)
            if buyer_id in (None, each.buyer_id)
        ),
        key=lambda each: (-each.reported_at, each.report_id, each.merchant_id),
    )
    found: list[Report] = []
    after: Key | None = None
    while True:
        page = store.reports.page(1, after, scope, buyer_id)
        assert page.total == len(expected)
        found += page.items
        if not page.has_next:
            break
        after = page.keys[-1]
    assert found == expected


def test_reports_of_a_load_that_is_under_way_are_not_seen(store: Store) -> None:
    lease = lease_of(store)
    filled(store, lease)
    rows = [report("r8", "shop", "ann", 60), report("r9", "shop", "ann", 61)]
    with pytest.raises(Interrupted):
        load(store, "late", tables_of(reports=rows), lease, PulledPlug(0))
    assert found_by(store, "shop/r8") == ()
    assert store.reports.page(9, None, PLATFORM).total == 4
    assert len(store.reports.read()) == 4


def test_a_report_filed_while_a_load_brings_it_stays_as_it_was_filed(store: Store) -> None:
    lease = lease_of(store)
    filled(store, lease)
    tables = tables_of(reports=[report("r8", "shop", "ann", 60), report("r9", "shop", "ann", 61)])
    with pytest.raises(Interrupted):
        load(store, "late", tables, lease, PulledPlug(0))
    filed = Report("r8", "shop", "ann", 70, None, "first", None)
    assert store.reports.file(filed, 80)
    load(store, "late", tables, lease)
    assert found_by(store, "shop/r8") == (filed,)
    assert store.market.tables_of(2).reports["report_id"].to_list() == ["r9"]


def test_a_report_filed_before_its_load_is_written_stays_as_it_was_filed(store: Store) -> None:
    lease = lease_of(store)
    filled(store, lease)
    tables = tables_of(reports=[report("r5", "mart", "ann", 60), report("r9", "shop", "ann", 61)])
    store.reports.file(NEW, 50)
    load(store, "late", tables, lease)
    assert found_by(store, "mart/r5", "shop/r9")[0] == NEW
    assert store.reports.page(9, None, PLATFORM).total == 6


def test_an_interrupted_load_is_cleared_away_without_what_was_filed(store: Store) -> None:
    lease = lease_of(store)
    filled(store, lease)
    with pytest.raises(Interrupted):
        load(store, "late", tables_of(reports=[report("r9", "shop", "ann", 61)]), lease, PulledPlug(0))
    store.reports.file(NEW, 50)
    load(store, "other", tables_of(reports=[report("r9", "mart", "ann", 62)]), lease)
    assert ids(found_by(store, "shop/r1", "mart/r5", "shop/r9", "mart/r9")) == ["r1", "r5", "r9"]
    assert found_by(store, "mart/r9")[0].reported_at == 62


def test_what_was_filed_is_known_to_loads(store: Store) -> None:
    filled(store).reports.file(NEW, 50)
    asked = [("r5", "mart"), ("r1", "shop"), ("r9", "shop"), ("r5", "shop"), ("r1", "nobody")]
    keys = pl.DataFrame(asked, ["report_id", "merchant_id"], orient="row")
    found = store.market.known(NOTHING, NOTHING, keys).reports
    told = found.sort("report_id").select("report_id", "merchant_id", "buyer_id", "reported_at", "claim_id")
    assert told.rows() == [("r1", "shop", "ann", 10, "c1"), ("r5", "mart", "ann", 25, "c2")]


def test_all_reports_are_read_as_columns_in_their_order(store: Store) -> None:
    empty = store.reports.read()
    assert (len(empty), len(empty.buyer_ids), len(empty.merchant_ids)) == (0, 0, 0)
    filled(store).reports.file(NEW, 50)
    store.reports.file(Report("r0", "mart", "ann", 20, None, None, None), 51)
    read = store.reports.read()
    assert read.buyer_ids.to_list() == ["ann", "bob"]
    assert read.merchant_ids.to_list() == ["mart", "shop"]
    assert read.report_ids.to_list() == ["r1", "r0", "r3", "r5", "r2", "r4"]
    assert read.buyer.tolist() == [0, 0, 0, 0, 0, 1]
    assert read.merchant.tolist() == [1, 0, 1, 0, 0, 1]
    assert read.reported_at.tolist() == [10, 20, 20, 25, 30, 40]


def test_merchants_are_as_loads_last_described_them(store: Store) -> None:
    lease = lease_of(store)
    shop = {
        "merchant": "shop",
        "name": "Shop",
        "country": "DE",
        "level": "A",
        "joined_at": 3,
        "owner": "Ida",
    }
    load(store, "first", tables_of(claims=CLAIMS, merchants=[shop]), lease)
    later = {"merchant": "shop", "name": "Shop 2", "owner": "Ada"}
    load(store, "second", tables_of(merchants=[later]), lease)
    assert store.market.merchants(["shop", "nobody", "mart", "shop"]) == (
        Merchant("shop", "Shop 2", "DE", "A", 3, "Ada"),
        Merchant("mart", None, None, None, None, None),
    )
