from small_loads import claim, lease_of, load, report, tables_of

from ringfence.domain.buyers import Report
from ringfence.domain.scope import PLATFORM, Scope
from ringfence.store import Store


def filled(store: Store) -> Store:
    lease = lease_of(store)
    rows = [
        report("r1", "shop", "ann", 10, claim_id="c1", reason="never returned", evidence_count=2),
        report("r2", "mart", "ann", 30),
        report("r3", "shop", "ann", 20),
        report("r4", "shop", "bob", 40),
    ]
    claims = [claim("c1", "ann", "shop", 5), claim("c2", "ann", "mart", 6)]
    load(store, "first", tables_of(claims=claims, reports=rows), lease)
    return store


def test_reports_accuse_one_buyer_latest_first(store: Store) -> None:
    found = filled(store).reports.of_buyer("ann", PLATFORM)
    assert [each.report_id for each in found] == ["r2", "r3", "r1"]
    assert found[-1] == Report("r1", "shop", "ann", 10, "c1", "never returned", 2)
    assert store.reports.of_buyer("nobody", PLATFORM) == ()


def test_a_merchant_sees_its_own_reports_alone(store: Store) -> None:
    found = filled(store).reports.of_buyer("ann", Scope("shop"))
    assert [each.report_id for each in found] == ["r3", "r1"]
    assert store.reports.of_buyer("ann", Scope("nobody")) == ()


def test_a_merchant_sees_no_reports_about_whom_it_no_longer_knows(store: Store) -> None:
    assert filled(store).reports.of_buyer("ann", Scope("shop", since=6)) == ()
    assert store.reports.of_buyer("bob", Scope("shop")) == (), "who neither ordered nor claimed there"
