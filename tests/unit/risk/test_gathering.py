"""Facts about all buyers at once, against what a slow reader would count."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.policy import RiskPolicy
from ringfence.market import Identifiers
from ringfence.market.activity import Activity
from ringfence.market.results import SCHEMAS
from ringfence.risk.gathering import Findings, gather
from ringfence.risk.sharing import shared_with

POLICY = RiskPolicy()
NO_REPORTS = pl.DataFrame(schema={"buyer_id": pl.String, "independent": pl.Int64, "weight": pl.Float64})
UNVERIFIED = pl.DataFrame(schema={"buyer_id": pl.String, "confirmed": pl.Int64, "rejected": pl.Int64})
DAY = MICROSECONDS_A_DAY


def uses_of(kind: IdentifierKind, pairs: set[tuple[int, int]]) -> Identifiers:
    ordered = np.array(sorted(pairs), np.int32).reshape(-1, 2)
    return Identifiers(kind, ordered[:, 0].copy(), ordered[:, 1].copy(), np.zeros((6, 32), np.uint8))


@given(
    addresses=st.sets(st.tuples(st.integers(0, 7), st.integers(0, 5))),
    phones=st.sets(st.tuples(st.integers(0, 7), st.integers(0, 5))),
    confirmed=st.sets(st.integers(0, 7)),
    holders=st.integers(2, 4),
)
def test_values_shared_with_confirmed_abusers_are_counted(
    addresses: set[tuple[int, int]], phones: set[tuple[int, int]], confirmed: set[int], holders: int
) -> None:
    expected = [0] * 8
    for uses in (addresses, phones):
        for value in range(6):
            users = {buyer for buyer, used in uses if used == value}
            for buyer in users:
                expected[buyer] += len(users) <= holders and bool(confirmed & (users - {buyer}))
    kinds = (uses_of(IdentifierKind.ADDRESS, addresses), uses_of(IdentifierKind.PHONE, phones))
    flags = np.isin(np.arange(8), sorted(confirmed))
    assert shared_with(kinds, flags, holders).tolist() == expected


def activity_of(claims: Sequence[tuple[int, int, str, bool, int]], orders: list[int] | None) -> Activity:
    schema = {"buyer": pl.Int32, "filed_at": pl.Int64, "currency": pl.String}
    return Activity(
        pl.Series(["a", "b", "c"]),
        pl.DataFrame(claims, schema | {"is_refund_only": pl.Boolean, "lost": pl.Int64}, orient="row"),
        None if orders is None else np.array(orders, np.int64),
        pl.Series([0, None, 95 * DAY], dtype=pl.Int64),
    )


def findings_of(
    rings: Sequence[tuple[str, float]] = (),
    members: Sequence[tuple[str, str]] = (),
    links: Sequence[tuple[str, str, float]] = (),
) -> Findings:
    frames = {name: pl.DataFrame(schema=SCHEMAS[name]) for name in ("rings", "members", "links")}
    return Findings(
        rings=pl.concat(
            [frames["rings"], pl.DataFrame(rings, ["ring_id", "score"], orient="row")], how="diagonal_relaxed"
        ).with_columns(size=pl.lit(2, pl.Int64), claims=pl.lit(9, pl.Int64)),
        members=pl.concat(
            [frames["members"], pl.DataFrame(members, ["ring_id", "buyer_id"], orient="row")],
            how="diagonal_relaxed",
        ),
        links=pl.concat(
            [frames["links"], pl.DataFrame(links, ["buyer_a", "buyer_b", "score"], orient="row")],
            how="diagonal_relaxed",
        ),
    )


NOBODY = np.zeros(3, np.int64)


def test_claims_are_counted_by_kind_and_age() -> None:
    claims = [
        (0, 100 * DAY, "EUR", True, 500),
        (0, 69 * DAY, "EUR", True, 500),
        (0, 70 * DAY, "EUR", True, 0),
        (1, 99 * DAY, "EUR", False, 900),
    ]
    facts = gather(activity_of(claims, [4, 1, 0]), findings_of(), NO_REPORTS, UNVERIFIED, NOBODY, POLICY)
    columns = ("buyer_id", "claims", "refund_only", "recent_refund_only", "orders", "account_days")
    assert facts.select(columns).rows() == [
        ("a", 3, 3, 1, 4, 100),
        ("b", 1, 0, 0, 1, None),
        ("c", 0, 0, 0, 0, 5),
    ]


def test_without_orders_none_are_told() -> None:
    facts = gather(activity_of([], None), findings_of(), NO_REPORTS, UNVERIFIED, NOBODY, POLICY)
    assert facts["orders"].to_list() == [None, None, None]


def test_loss_is_a_rank_within_a_currency_and_what_came_back_costs_nothing() -> None:
    claims = [
        (0, DAY, "EUR", True, 500),
        (1, DAY, "EUR", True, 300),
        (1, DAY, "JPY", True, 1),
        (2, DAY, "EUR", False, 900),
    ]
    facts = gather(activity_of(claims, None), findings_of(), NO_REPORTS, UNVERIFIED, NOBODY, POLICY)
    assert facts["lost"].to_list() == pytest.approx([2 / 3, 2 / 3, 0.0])


def test_the_ring_and_the_strongest_link_of_each_buyer_are_told() -> None:
    findings = findings_of(
        [("r1", 4.0)], [("r1", "a"), ("r1", "b")], [("a", "b", 2.0), ("b", "c", 3.0), ("a", "c", 3.0)]
    )
    facts = gather(activity_of([], None), findings, NO_REPORTS, UNVERIFIED, NOBODY, POLICY)
    columns = ("ring_id", "ring_score", "ring_size", "ring_claims", "linked_to", "link_score")
    assert facts.select(columns).rows() == [
        ("r1", 4.0, 2, 9, "c", 3.0),
        ("r1", 4.0, 2, 9, "c", 3.0),
        (None, 0.0, None, None, "a", 3.0),
    ]


def test_the_strongest_lead_of_each_buyer_is_told() -> None:
    leads = pl.DataFrame({"lead_id": ["l1", "l2", "l3"], "score": [2.0, 5.0, 5.0]})
    members = pl.DataFrame({"lead_id": ["l1", "l2", "l3", "l1"], "buyer_id": ["a", "a", "a", "b"]})
    findings = replace(findings_of(), leads=leads, lead_members=members)
    facts = gather(activity_of([], None), findings, NO_REPORTS, UNVERIFIED, NOBODY, POLICY)
    assert facts.select("lead_id", "lead_score").rows() == [("l2", 5.0), ("l1", 2.0), (None, 0.0)]


def test_reports_verifications_and_shared_values_stand_beside_their_buyer() -> None:
    reports = pl.DataFrame({"buyer_id": ["b"], "independent": [2], "weight": [1.5]})
    shared = np.array([0, 0, 2])
    verified = pl.DataFrame({"buyer_id": ["c"], "confirmed": [1], "rejected": [2]})
    facts = gather(activity_of([], None), findings_of(), reports, verified, shared, POLICY)
    told = facts.select("report_weight", "report_merchants", "confirmed", "rejected", "shared_values").rows()
    assert told == [(0.0, 0, 0, 0, 0), (1.5, 2, 0, 0, 0), (0.0, 0, 1, 2, 2)]
