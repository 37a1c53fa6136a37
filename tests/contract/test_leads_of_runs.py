"""Leads, kept with each run, over every store."""

import threading
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from run_samples import NOW, SECOND, hold, tables_of, write

from ringfence.domain.errors import ConflictError, NotFoundError
from ringfence.domain.lead_decisions import LeadStatus
from ringfence.domain.leads import Lead, LeadBuyer, LeadClaim, LeadKind, LeadQuery
from ringfence.domain.leases import Lease
from ringfence.domain.progress import Silent
from ringfence.domain.records import Event, RecordKind, RecordRef
from ringfence.domain.scope import PLATFORM, Principal, Role, Scope
from ringfence.market.results import LEADS, SCHEMAS
from ringfence.services.leads import dismiss, find_lead, list_leads, restore, standings_of
from ringfence.store import Store

RINGS = {"r1": ["a", "b"]}
FOUND = {
    "l3": (LeadKind.ASSOCIATES, "r1", 8.0, ["c", "d"]),
    "l1": (LeadKind.ONE_OCCASION, None, 9.0, ["e", "f", "g"]),
    "l2": (LeadKind.ONE_OCCASION, None, 8.0, ["c", "h"]),
}
Found = Mapping[str, tuple[LeadKind, str | None, float, Sequence[str]]]
ANA = Principal("ana", Role.INVESTIGATOR)


def lead_tables(found: Found) -> dict[str, pl.DataFrame]:
    """Make the tables of leads: each has one claim a buyer at one merchant, `m` and the lead's id."""
    leads, members, claims = [], [], []
    for lead_id, (kind, ring_id, score, buyers) in found.items():
        size = len(buyers)
        told = (score, size, size, 1, 1, "EUR:3.00", NOW, NOW + size, 0.2, f"why {lead_id}", "one shipment")
        leads.append((lead_id, kind.value, ring_id, *told))
        for place, buyer in enumerate(buyers):
            members.append((lead_id, buyer, score - place, f"why {buyer}"))
            at = NOW + place
            claims.append((lead_id, 1, f"m{lead_id}", buyer, f"c-{buyer}", at, "EUR:1.00", 0.5, place == 1))
    rows: dict[str, list[tuple[Any, ...]]] = {
        "leads": leads,
        "lead_members": members,
        "lead_evidence": claims,
    }
    return {
        table: pl.DataFrame(rows[table], schema=SCHEMAS[table], orient="row", strict=False) for table in LEADS
    }


def publish(store: Store, lease: Lease, found: Found) -> int:
    run = write(store, lease, tables_of(RINGS) | lead_tables(found))
    store.rings.publish(run, lease, NOW + SECOND)
    return run


def ids(store: Store, query: LeadQuery, run_id: int | None = None) -> list[str]:
    page = store.leads.page(query, PLATFORM, 100, run_id=run_id)
    assert page.total == len(page.items)
    return [lead.lead_id for lead in page.items]


def test_a_lead_is_read_with_its_buyers_and_the_claims_it_rests_on(store: Store) -> None:
    run = publish(store, hold(store), FOUND)
    (lead,) = store.leads.leads(["l3"], PLATFORM)
    assert lead == Lead(
        lead_id="l3",
        run_id=run,
        kind=LeadKind.ASSOCIATES,
        ring_id="r1",
        score=8.0,
        size=2,
        claims=2,
        merchants=1,
        occasions=1,
        amount="EUR:3.00",
        first_claim_at=NOW,
        last_claim_at=NOW + 2,
        p_value=0.2,
        why="why l3",
        why_not="one shipment",
    )
    members = store.leads.buyers(["l2", "nobody", "l3"], PLATFORM)
    assert [(member.lead_id, member.buyer_id) for member in members] == [
        ("l2", "c"),
        ("l2", "h"),
        ("l3", "c"),
        ("l3", "d"),
    ]
    assert members[1] == LeadBuyer("l2", "h", 7.0, "why h")
    claims = store.leads.joint_claims(["l2"], PLATFORM)
    assert claims == (
        LeadClaim("l2", 1, "ml2", "c", "c-c", NOW, "EUR:1.00", 0.5, False),
        LeadClaim("l2", 1, "ml2", "h", "c-h", NOW + 1, "EUR:1.00", 0.5, True),
    )


def test_leads_are_listed_strongest_first_from_page_to_page(store: Store) -> None:
    publish(store, hold(store), FOUND)
    after, listed = None, []
    for _ in range(3):
        page = store.leads.page(LeadQuery(), PLATFORM, 1, after)
        assert page.total == 3
        listed += [lead.lead_id for lead in page.items]
        after = page.keys[-1]
    assert listed == ["l1", "l2", "l3"]
    assert not page.has_next
    assert all(one != other for one, other in pairwise(listed))


def test_leads_are_listed_by_kind_buyer_and_ring_and_without_some(store: Store) -> None:
    publish(store, hold(store), FOUND)
    assert ids(store, LeadQuery(kind=LeadKind.ONE_OCCASION)) == ["l1", "l2"]
    assert ids(store, LeadQuery(buyer_id="c")) == ["l2", "l3"]
    assert ids(store, LeadQuery(buyer_id="c", kind=LeadKind.ASSOCIATES)) == ["l3"]
    assert ids(store, LeadQuery(buyer_id="a")) == []
    assert ids(store, LeadQuery(ring_id="r1")) == ["l3"]
    assert ids(store, LeadQuery(without=frozenset({"l1", "l3"}))) == ["l2"]


def test_each_run_has_its_own_leads_and_only_published_ones_are_seen(store: Store) -> None:
    lease = hold(store)
    assert ids(store, LeadQuery()) == []
    assert store.leads.last_known("l1", PLATFORM) is None
    first = publish(store, lease, FOUND)
    unseen = write(store, lease, tables_of(RINGS) | lead_tables({"l9": FOUND["l1"]}))
    assert ids(store, LeadQuery()) == ["l1", "l2", "l3"]
    with pytest.raises(NotFoundError):
        store.leads.page(LeadQuery(), PLATFORM, 1, run_id=unseen)
    store.rings.publish(unseen, lease, NOW + SECOND)
    assert ids(store, LeadQuery()) == ["l9"]
    assert ids(store, LeadQuery(), first) == ["l1", "l2", "l3"]
    ended = store.leads.last_known("l2", PLATFORM)
    assert ended is not None
    assert ended.run_id == first
    past = list(store.leads.past())
    assert [sorted(leads["lead_id"]) for leads, _ in past] == [["l9"], ["l1", "l2", "l3"]]
    assert past[1][1].equals(lead_tables(FOUND)["lead_members"])
    store.rings.forget(1, lease, Silent())
    assert store.leads.last_known("l2", PLATFORM) is None
    with pytest.raises(NotFoundError):
        store.leads.leads(["l1"], PLATFORM, first)


def test_a_snapshot_goes_on_seeing_the_leads_it_saw(store: Store) -> None:
    lease = hold(store)
    publish(store, lease, FOUND)
    with store.snapshot():
        assert ids(store, LeadQuery()) == ["l1", "l2", "l3"]
        writer = threading.Thread(target=publish, args=(store, lease, {"l9": FOUND["l1"]}))
        writer.start()
        writer.join()
        assert ids(store, LeadQuery()) == ["l1", "l2", "l3"]
        assert len(list(store.leads.past())) == 1
    assert ids(store, LeadQuery()) == ["l9"]


def test_a_run_without_the_tables_of_leads_has_none(store: Store) -> None:
    lease = hold(store)
    run = write(store, lease, {name: frame for name, frame in tables_of(RINGS).items() if name not in LEADS})
    store.rings.publish(run, lease, NOW)
    assert ids(store, LeadQuery()) == ids(store, LeadQuery(buyer_id="c")) == []
    assert store.leads.buyers(["l1"], PLATFORM) == ()
    assert store.leads.joint_claims(["l1"], PLATFORM) == ()
    assert [leads.height for leads, _ in store.leads.past()] == [0]


def test_a_run_with_no_lead_keeps_empty_tables(store: Store) -> None:
    run = publish(store, hold(store), {})
    assert store.rings.tables(run)["leads"].schema == SCHEMAS["leads"]
    assert ids(store, LeadQuery()) == []


def test_the_scope_of_a_merchant_holds_no_lead_not_even_about_its_own_claims(store: Store) -> None:
    publish(store, hold(store), FOUND)
    scope = Scope("ml1", 0)
    assert store.leads.page(LeadQuery(), scope, 10).total == 0
    assert store.leads.page(LeadQuery(buyer_id="e"), scope, 10).total == 0
    assert store.leads.leads(["l1"], scope) == ()
    assert store.leads.last_known("l1", scope) is None
    assert store.leads.buyers(["l1"], scope) == ()
    assert store.leads.joint_claims(["l1"], scope) == ()


def queue(store: Store, run_id: int | None = None) -> list[str]:
    """List the leads that are open."""
    return [lead.lead_id for lead in list_leads(store, ANA, LeadQuery(), 100, run_id=run_id).page.items]


def grown(score: float, buyers: Sequence[str]) -> Found:
    return FOUND | {"l1": (LeadKind.ONE_OCCASION, None, score, buyers)}


def test_a_dismissed_lead_that_does_not_grow_stays_dismissed_run_after_run(store: Store) -> None:
    lease = hold(store)
    publish(store, lease, FOUND)
    dismiss(store, ANA, "l1", "one van", NOW)
    assert queue(store) == ["l2", "l3"]
    for found in (FOUND, grown(9.9, list("efghi")), grown(30.0, list("xyz")), FOUND):
        publish(store, lease, found)
        assert queue(store) == ["l2", "l3"]
    with pytest.raises(ConflictError, match="already"):
        dismiss(store, ANA, "l1", "again", NOW)


@pytest.mark.parametrize(
    ("score", "buyers"),
    [
        pytest.param(10.0, "efgh", id="a decade more, with a new buyer"),
        pytest.param(2.0, "efghij", id="twice the buyers"),
    ],
)
def test_a_dismissed_lead_that_grew_is_open_again_in_that_run(
    store: Store, score: float, buyers: str
) -> None:
    lease = hold(store)
    first = publish(store, lease, FOUND)
    dismiss(store, ANA, "l1", "one van", NOW)
    second = publish(store, lease, grown(score, buyers))
    assert set(queue(store)) == {"l1", "l2", "l3"}
    assert queue(store, first) == ["l2", "l3"]
    assert set(queue(store, second)) == {"l1", "l2", "l3"}
    lead = find_lead(store, ANA, "l1")
    standing = standings_of(store, ANA, [lead])["l1"]
    assert (standing.status, standing.is_back, standing.version) == (LeadStatus.OPEN, True, 1)
    assert standing.because is not None
    assert "by ana with 9.0 decades of evidence (reason: one van); it has " in standing.because
    assert f"{len(buyers)} buyers and {len(buyers)} joint claims where 3 and 3 were seen" in standing.because
    dismiss(store, ANA, "l1", "two vans", NOW)
    assert queue(store) == ["l2", "l3"]
    publish(store, lease, grown(score + 0.9, buyers + "k"))
    assert queue(store) == ["l2", "l3"]


def test_a_lead_that_grew_and_was_restored_stays_open_when_it_shrinks(store: Store) -> None:
    lease = hold(store)
    publish(store, lease, FOUND)
    dismiss(store, ANA, "l1", "one van", NOW)
    publish(store, lease, grown(30.0, "efgh"))
    restore(store, ANA, "l1", "it grows", NOW)
    publish(store, lease, FOUND)
    assert queue(store) == ["l1", "l2", "l3"]


def test_a_dismissal_of_before_leads_could_come_back_is_read_by_its_events(store: Store) -> None:
    lease = hold(store)
    run = publish(store, lease, FOUND)
    data = {"reason": "one van", "evidence": 9.0, "run_id": run, "members": 3}
    former = {"status": "dismissed", "reason": "one van", "by": "ana", "last_at": NOW}
    event = Event("dismissed", NOW, "ana", data)
    store.records.append(RecordRef(RecordKind.LEAD_DECISION, "l1"), [event], 0, former)
    assert queue(store) == ["l2", "l3"]
    publish(store, lease, grown(9.9, "efg"))
    assert queue(store) == ["l2", "l3"]
    publish(store, lease, grown(10.0, "efg"))
    assert queue(store) == ["l1", "l2", "l3"]
