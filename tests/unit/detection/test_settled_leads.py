"""Leads keep their ids from run to run, and a run has no more than are allowed."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ringfence.detection.leads import past_leads, settle_leads
from ringfence.detection.lineage import Past, lead_birth_id
from ringfence.detection.report import Detection
from ringfence.market.results import SCHEMAS, no_leads

Found = Sequence[tuple[str, float, Sequence[str]]]
"""kind, score, buyers"""


def detected(found: Found) -> Detection:
    leads, members, claims = [], [], []
    for place, (kind, score, buyers) in enumerate(found):
        name = f"found-{place:03d}"
        told = (len(buyers), len(buyers), 1, 1, "EUR:1.00", 0, 0, None, "why", "why not")
        leads.append((name, kind, None, score, *told))
        members += [(name, buyer, 1.0, "why") for buyer in buyers]
        claims += [(name, 1, "m", buyer, f"c-{buyer}", 0, "EUR:1.00", 0.1, False) for buyer in buyers]
    rows: dict[str, list[tuple[Any, ...]]] = {
        "leads": leads,
        "lead_members": members,
        "lead_evidence": claims,
    }
    frames = {
        table: pl.DataFrame(rows.get(table, []), schema=schema, orient="row")
        for table, schema in SCHEMAS.items()
        if table != "risks"
    }
    return Detection(**frames, notes=("a note",), counts={"rings": 0}, calibration=None)


def after(*runs: Detection) -> Mapping[str, Past]:
    """Know some runs, given latest first."""
    return past_leads((run.leads, run.lead_members) for run in runs)


def groups(detection: Detection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for lead_id, buyer_id in detection.lead_members.select("lead_id", "buyer_id").iter_rows():
        found.setdefault(lead_id, []).append(buyer_id)
    return found


def test_a_new_lead_is_named_by_its_kind_and_its_buyers() -> None:
    settled = settle_leads(detected([("one_occasion", 3.0, ["b", "a"])]), {}, 10)
    (name,) = settled.leads["lead_id"]
    assert name == lead_birth_id("one_occasion", ["a", "b"])
    assert name != lead_birth_id("associates", ["a", "b"])
    assert name.startswith("l")
    assert groups(settled) == {name: ["b", "a"]}
    assert settled.lead_evidence["lead_id"].to_list() == [name, name]
    assert (settled.counts["leads"], settled.notes) == (1, ("a note",))


def test_a_lead_keeps_its_id_while_its_buyers_are_much_the_same() -> None:
    first = settle_leads(detected([("one_occasion", 3.0, ["a", "b", "c"])]), {}, 10)
    second = settle_leads(detected([("one_occasion", 5.0, ["a", "b", "d"])]), after(first), 10)
    assert second.leads["lead_id"].to_list() == first.leads["lead_id"].to_list()
    third = settle_leads(detected([("one_occasion", 5.0, ["x", "y"])]), after(second, first), 10)
    assert set(third.leads["lead_id"]).isdisjoint(first.leads["lead_id"])
    fourth = settle_leads(detected([("one_occasion", 1.0, ["a", "b", "d"])]), after(third, second, first), 10)
    assert fourth.leads["lead_id"].to_list() == first.leads["lead_id"].to_list()


def test_a_lead_of_another_kind_is_another_lead() -> None:
    first = settle_leads(detected([("one_occasion", 3.0, ["a", "b"])]), {}, 10)
    second = settle_leads(detected([("weak_evidence", 3.0, ["a", "b"])]), after(first), 10)
    assert set(second.leads["lead_id"]).isdisjoint(first.leads["lead_id"])


def test_two_leads_of_a_run_never_have_one_id() -> None:
    first = settle_leads(detected([("associates", 3.0, ["a", "b", "c", "d"])]), {}, 10)
    halves = detected([("associates", 3.0, ["a", "b"]), ("associates", 3.0, ["c", "d"])])
    settled = settle_leads(halves, after(first), 10)
    assert settled.leads["lead_id"].n_unique() == 2
    twice = detected([("associates", 3.0, ["a"]), ("associates", 3.0, ["a"])])
    assert settle_leads(twice, {}, 10).leads["lead_id"].n_unique() == 2


def test_only_the_strongest_are_kept_and_a_note_says_how_many_there_were() -> None:
    found = detected([("structure", float(score), [f"b{score}"]) for score in range(5)])
    settled = settle_leads(found, {}, 2)
    assert settled.leads["score"].to_list() == [4.0, 3.0]
    assert sorted(groups(settled).values()) == [["b3"], ["b4"]]
    assert set(settled.lead_evidence["lead_id"]) == set(settled.leads["lead_id"])
    assert settled.counts["leads"] == 2
    assert settled.notes[-1] == (
        "5 leads were found; the strongest 2 are kept (detection.leads_per_run in the policy)."
    )
    assert settle_leads(found, {}, 0).leads.is_empty()


def test_without_leads_the_tables_stay_empty() -> None:
    settled = settle_leads(detected([]), {}, 10)
    assert settled.counts["leads"] == 0
    for table, frame in no_leads().items():
        assert getattr(settled, table).equals(frame)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["one_occasion", "associates"]),
            st.integers(0, 3).map(float),
            st.lists(st.sampled_from("abcdef"), min_size=1, unique=True),
        ),
        max_size=6,
    ),
    st.integers(0, 6),
)
def test_the_same_leads_get_the_same_ids_again(found: Found, most: int) -> None:
    once = settle_leads(detected(found), {}, most)
    again = settle_leads(detected(found), after(once), most)
    assert once.leads.height == min(most, len(found))
    assert once.leads["lead_id"].n_unique() == once.leads.height
    assert sorted(map(sorted, groups(again).values())) == sorted(map(sorted, groups(once).values()))
    assert set(again.leads["lead_id"]) == set(once.leads["lead_id"])
