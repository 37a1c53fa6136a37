"""Leads keep their ids from run to run."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ringfence.detection.leads import name_leads, past_leads
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


def test_a_new_lead_is_named_by_its_buyers() -> None:
    settled = name_leads(detected([("one_occasion", 3.0, ["b", "a"])]), {})
    (name,) = settled.leads["lead_id"]
    assert name == lead_birth_id("group", ["a", "b"])
    assert name != lead_birth_id("associates", ["a", "b"])
    assert name.startswith("l")
    assert groups(settled) == {name: ["b", "a"]}
    assert settled.lead_evidence["lead_id"].to_list() == [name, name]
    assert (settled.counts, settled.notes) == ({"rings": 0}, ("a note",))


def test_a_lead_keeps_its_id_while_its_buyers_are_much_the_same() -> None:
    first = name_leads(detected([("one_occasion", 3.0, ["a", "b", "c"])]), {})
    second = name_leads(detected([("one_occasion", 5.0, ["a", "b", "d"])]), after(first))
    assert second.leads["lead_id"].to_list() == first.leads["lead_id"].to_list()
    third = name_leads(detected([("one_occasion", 5.0, ["x", "y"])]), after(second, first))
    assert set(third.leads["lead_id"]).isdisjoint(first.leads["lead_id"])
    fourth = name_leads(detected([("one_occasion", 1.0, ["a", "b", "d"])]), after(third, second, first))
    assert fourth.leads["lead_id"].to_list() == first.leads["lead_id"].to_list()


def test_a_group_that_another_rule_refuses_is_the_same_lead() -> None:
    first = name_leads(detected([("one_occasion", 3.0, ["a", "b"])]), {})
    second = name_leads(detected([("weak_evidence", 3.0, ["a", "b"])]), after(first))
    assert second.leads["lead_id"].to_list() == first.leads["lead_id"].to_list()


def test_associates_are_never_the_lead_that_a_group_of_the_same_buyers_was() -> None:
    first = name_leads(detected([("one_occasion", 3.0, ["a", "b"])]), {})
    second = name_leads(detected([("associates", 3.0, ["a", "b"])]), after(first))
    assert set(second.leads["lead_id"]).isdisjoint(first.leads["lead_id"])


def test_two_leads_of_a_run_never_have_one_id() -> None:
    first = name_leads(detected([("associates", 3.0, ["a", "b", "c", "d"])]), {})
    halves = detected([("associates", 3.0, ["a", "b"]), ("associates", 3.0, ["c", "d"])])
    settled = name_leads(halves, after(first))
    assert settled.leads["lead_id"].n_unique() == 2
    twice = detected([("associates", 3.0, ["a"]), ("associates", 3.0, ["a"])])
    assert name_leads(twice, {}).leads["lead_id"].n_unique() == 2


def test_without_leads_the_tables_stay_empty() -> None:
    settled = name_leads(detected([]), {})
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
)
def test_the_same_leads_get_the_same_ids_again(found: Found) -> None:
    once = name_leads(detected(found), {})
    again = name_leads(detected(found), after(once))
    assert once.leads.height == len(found)
    assert once.leads["lead_id"].n_unique() == once.leads.height
    assert sorted(map(sorted, groups(again).values())) == sorted(map(sorted, groups(once).values()))
    assert set(again.leads["lead_id"]) == set(once.leads["lead_id"])
