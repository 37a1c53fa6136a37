"""Leads through the services, over every store: who reads them, what is decided, and what never follows."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from gang_market import ABUSERS, DAY, ESTABLISHED, HONEST, NOW, fill

from ringfence.app import StoresByAddress
from ringfence.domain.days import day_text
from ringfence.domain.errors import ConflictError, ForbiddenError, InvalidError
from ringfence.domain.lead_decisions import LeadStatus
from ringfence.domain.leads import LeadQuery
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.policy import DetectionPolicy, Policy
from ringfence.domain.progress import Silent
from ringfence.domain.records import RecordKind, Subject, SubjectKind
from ringfence.domain.rings import DetectionMethod
from ringfence.domain.risk import RiskBand
from ringfence.domain.scope import Principal, Role
from ringfence.export import read_run
from ringfence.market.results import LEADS, SCHEMAS
from ringfence.services.buyer_risk import buyer_risk
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.leads import (
    LeadUnknownError,
    buyers_of,
    dismiss,
    evidence_of,
    find_lead,
    history,
    list_leads,
    restore,
    standings_of,
)
from ringfence.services.open_verifications import open_due_verifications
from ringfence.services.stored_runs import read_stored_lead, read_stored_run
from ringfence.store import Store
from ringfence.store.archive import write_archive
from ringfence.store.history import StoredHistory
from ringfence.store.records import VersionConflictError

ANA = Principal("ana", Role.INVESTIGATOR)
BO = Principal("bo", Role.INVESTIGATOR)
OPERATOR = Principal("op", Role.OPERATOR)
MERCHANT = Principal("shop's key", Role.MERCHANT, ESTABLISHED[0])
JOB = Principal("cron", Role.JOB)
POLICY = Policy()


def publish(store: Store, leads: dict[str, Sequence[str]], now: int = NOW) -> int:
    """Publish the last run again, with these leads, and let them weigh in their buyers' risk."""
    tables = store.rings.tables()
    rows: dict[str, list[tuple[Any, ...]]] = {
        "leads": [
            (
                lead_id,
                "one_occasion",
                None,
                9.0 - place,
                len(buyers),
                2,
                1,
                1,
                "EUR:1.00",
                now,
                now,
                None,
                "why",
                "not",
            )
            for place, (lead_id, buyers) in enumerate(leads.items())
        ],
        "lead_members": [
            (lead_id, buyer, 1.0, "why") for lead_id, buyers in leads.items() for buyer in buyers
        ],
        "lead_evidence": [
            (lead_id, 1, ESTABLISHED[0], buyer, f"c-{buyer}", now, "EUR:1.00", 0.1, False)
            for lead_id, buyers in leads.items()
            for buyer in buyers
        ],
    }
    homes = pl.DataFrame(
        [(buyer, lead_id, 9.0) for lead_id, buyers in leads.items() for buyer in buyers],
        schema={"buyer_id": pl.String, "lead_id": pl.String, "lead_score": pl.Float64},
        orient="row",
    )
    risks = tables["risks"].drop("lead_id", "lead_score").join(homes, on="buyer_id", how="left")
    tables["risks"] = risks.with_columns(pl.col("lead_score").fill_null(0.0)).select(SCHEMAS["risks"].keys())
    tables |= {
        table: pl.DataFrame(rows[table], schema=SCHEMAS[table], orient="row", strict=False) for table in LEADS
    }
    lease = store.leases.acquire(LeaseName.DETECT, Holder("here", 1, "once"), 60.0, now)
    run = store.rings.begin_run(lease, 1, now)
    store.rings.write_run(run, tables, {"counts": {"rings": 1}}, lease, Silent())
    store.rings.publish(run, lease, now)
    store.leases.release(lease)
    return run


def detect(store: Store, policy: Policy = POLICY, out: Path | None = None) -> int:
    request = StoreDetectionRequest(publish_anyway="a small market by hand", policy=policy, out=out)
    return detect_in_store(request, store, lambda: NOW).run.run_id


@pytest.fixture
def market(store: Store) -> Store:
    """A store with a run of two leads, of which the honest buyer is in the first."""
    fill(store)
    detect(store)
    publish(store, {"l1": [HONEST, "shopper001"], "l2": ["shopper002"]})
    return store


def listed(store: Store, *, with_dismissed: bool = False) -> list[str]:
    found = list_leads(store, OPERATOR, LeadQuery(), 10, with_dismissed=with_dismissed)
    return [lead.lead_id for lead in found.page.items]


def test_a_dismissed_lead_is_hidden_run_after_run_until_it_is_restored(market: Store) -> None:
    assert listed(market) == ["l1", "l2"]
    standing = dismiss(market, ANA, "l1", "one lost van", NOW)
    assert (standing.record.status, standing.version) == (LeadStatus.DISMISSED, 1)
    assert listed(market) == ["l2"]
    assert listed(market, with_dismissed=True) == ["l1", "l2"]
    publish(market, {"l1": [HONEST, "shopper003"], "l3": ["shopper004"]}, NOW + DAY)
    assert listed(market) == ["l3"]
    standing = standings_of(market, OPERATOR, [find_lead(market, OPERATOR, "l1")])["l1"]
    assert standing.because == (
        f"dismissed on {day_text(NOW)} by ana with 9.0 decades of evidence (reason: one lost van)"
    )
    restore(market, BO, "l1", "it was no van", NOW + DAY)
    assert listed(market) == ["l1", "l3"]
    assert [(event.type, event.actor) for event in history(market, OPERATOR, "l1")] == [
        ("dismissed", "ana"),
        ("restored", "bo"),
    ]
    about = market.records.concerning([RecordKind.LEAD_DECISION], [Subject(SubjectKind.BUYER, HONEST)])
    assert [state.record.id for (state,) in about.values()] == ["l1"]


def test_a_lead_that_ended_may_still_be_decided_about(market: Store) -> None:
    publish(market, {"l3": ["shopper004"]}, NOW + DAY)
    assert listed(market) == ["l3"]
    assert find_lead(market, OPERATOR, "l1").run_id == 2
    assert dismiss(market, ANA, "l1", "one van", NOW + DAY).record.is_dismissed
    publish(market, {"l1": [HONEST, "shopper001"]}, NOW + 2 * DAY)
    assert listed(market) == []


def test_of_two_who_decide_at_once_one_is_refused(market: Store) -> None:
    dismiss(market, ANA, "l1", "one van", NOW, expected_version=0)
    with pytest.raises(VersionConflictError):
        restore(market, BO, "l1", "no van", NOW, expected_version=0)
    with pytest.raises(ConflictError, match="already"):
        dismiss(market, BO, "l1", "one van", NOW)
    with pytest.raises(InvalidError, match="reason"):
        restore(market, BO, "l1", " ", NOW)
    with pytest.raises(LeadUnknownError, match="no lead l9"):
        dismiss(market, BO, "l9", "one van", NOW)
    assert len(history(market, ANA, "l1")) == 1
    assert market.records.current(RecordKind.LEAD_DECISION)[0].version == 1


@pytest.mark.parametrize("who", [OPERATOR, JOB, MERCHANT])
def test_only_investigators_decide(market: Store, who: Principal) -> None:
    for change in (dismiss, restore):
        with pytest.raises(ForbiddenError):
            change(market, who, "l1", "one van", NOW)
    assert history(market, ANA, "l1") == ()


@pytest.mark.parametrize("who", [JOB, MERCHANT])
def test_nobody_but_staff_reads_leads(market: Store, who: Principal) -> None:
    for read in (
        lambda: list_leads(market, who, LeadQuery(), 1),
        lambda: find_lead(market, who, "l1"),
        lambda: buyers_of(market, who, ["l1"], 2),
        lambda: evidence_of(market, who, ["l1"], 2),
        lambda: standings_of(market, who, []),
        lambda: history(market, who, "l1"),
    ):
        with pytest.raises(ForbiddenError):
            read()


def test_a_lead_weighs_a_little_in_a_risk_until_it_is_dismissed(market: Store) -> None:
    before = buyer_risk(market, ANA, HONEST, POLICY, NOW)
    (reading,) = (reading for reading in before.readings if reading.signal == "lead")
    assert reading.reason == "In lead l1, 9.0 decades of evidence, too weak for a ring."
    assert reading.weight == POLICY.risk.lead
    assert before.band in (RiskBand.LOW, RiskBand.MEDIUM)
    dismiss(market, ANA, "l1", "one van", NOW + DAY)
    after = buyer_risk(market, ANA, HONEST, POLICY, NOW + DAY)
    assert "lead" not in [reading.signal for reading in after.readings]
    assert after.probability is not None
    assert before.probability is not None
    assert after.probability < before.probability
    then = buyer_risk(market, ANA, HONEST, POLICY, NOW + DAY, as_of=NOW)
    assert "lead" in [reading.signal for reading in then.readings]
    restore(market, ANA, "l1", "no van", NOW + 2 * DAY)
    assert buyer_risk(market, ANA, HONEST, POLICY, NOW + 2 * DAY).probability == before.probability


def test_a_dismissed_lead_that_grew_weighs_in_a_risk_again(market: Store) -> None:
    before = buyer_risk(market, ANA, HONEST, POLICY, NOW)
    dismiss(market, ANA, "l1", "one van", NOW + DAY)
    assert buyer_risk(market, ANA, HONEST, POLICY, NOW + DAY).probability != before.probability
    publish(market, {"l1": [HONEST, *(f"shopper00{n}" for n in range(1, 4))]}, NOW + 2 * DAY)
    assert buyer_risk(market, ANA, HONEST, POLICY, NOW + 3 * DAY).probability == before.probability
    assert buyer_risk(market, ANA, HONEST, POLICY, NOW + 3 * DAY, as_of=NOW + DAY).probability != (
        before.probability
    )
    dismiss(market, ANA, "l1", "two vans", NOW + 4 * DAY)
    assert buyer_risk(market, ANA, HONEST, POLICY, NOW + 4 * DAY).probability != before.probability


def test_a_merchant_is_answered_as_if_there_were_no_lead(market: Store) -> None:
    with_lead = buyer_risk(market, MERCHANT, HONEST, POLICY, NOW)
    assert "lead" not in [reading.signal for reading in with_lead.readings]
    publish(market, {}, NOW + DAY)
    without = buyer_risk(market, MERCHANT, HONEST, POLICY, NOW)
    assert (with_lead.band, with_lead.readings) == (without.band, without.readings)


def test_a_lead_opens_no_verification(market: Store) -> None:
    assert open_due_verifications(market, POLICY, NOW) == ()
    dismiss(market, ANA, "l1", "one van", NOW)
    restore(market, ANA, "l1", "no van", NOW)
    assert market.records.current(RecordKind.VERIFICATION) == ()


def test_one_lead_is_read_with_all_that_belongs_to_it(market: Store) -> None:
    stored = read_stored_lead(market, OPERATOR, "l1")
    assert stored.part.leads["lead_id"].to_list() == ["l1"]
    assert sorted(stored.part.lead_members["buyer_id"]) == [HONEST, "shopper001"]
    assert stored.part.lead_evidence.height == 2
    assert stored.part.rings.is_empty()
    assert read_stored_run(market).leads.height == 2
    with pytest.raises(LeadUnknownError, match="in run 1"):
        read_stored_lead(market, OPERATOR, "l1", 1)


def test_a_detection_writes_the_tables_of_leads_into_store_and_folder(store: Store, tmp_path: Path) -> None:
    fill(store)
    run = detect(store, Policy(detection=DetectionPolicy(leads_per_run=3)), tmp_path / "run")
    kept, written = store.rings.tables(run), read_run(tmp_path / "run")
    for table in LEADS:
        assert kept[table].schema == SCHEMAS[table]
        assert kept[table].height == getattr(written, table).height
    assert written.run["counts"]["leads"] == written.leads.height <= 3
    assert set(kept["rings"]["method"]) <= set(DetectionMethod)
    assert kept["rings"]["occasions"].null_count() == 0
    assert set(kept["members"]["buyer_id"]) >= set(ABUSERS)


@pytest.fixture
def restored(market: Store, tmp_path: Path) -> Iterator[Store]:
    """A store made of a backup of the other."""
    dismiss(market, ANA, "l1", "one van", NOW)
    write_archive(StoredHistory(market), tmp_path / "all.backup", Silent())
    stores = StoresByAddress()
    stores.restore(tmp_path / "all.backup", str(tmp_path / "new.sqlite"), replace=False)
    with closing(stores.open(str(tmp_path / "new.sqlite"), create=False)) as opened:
        yield opened


def test_leads_and_what_was_decided_about_them_are_in_a_backup(market: Store, restored: Store) -> None:
    assert listed(restored) == ["l2"]
    assert listed(restored, with_dismissed=True) == ["l1", "l2"]
    for table, frame in market.rings.tables().items():
        assert restored.rings.tables()[table].equals(frame), table
