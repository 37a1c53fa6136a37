"""Reports against a buyer are summed by who files them: an obvious slow program agrees, and gangs gain
nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ringfence.domain.buyers import ReportRef
from ringfence.domain.durations import MICROSECONDS_A_DAY as DAY
from ringfence.domain.policy import ReportPolicy
from ringfence.market.market import Claims, Market
from ringfence.market.reports import ReportColumns
from ringfence.risk.credibility import credibility, merchant_weight, most_weight
from ringfence.risk.independence import MOST_ACCUSERS, NEVER, independent_groups, last_claims
from ringfence.risk.report_weight import DECIDED, weigh_buyers, weigh_merchants

NOW = 2_000 * DAY
POLICY = ReportPolicy()


@dataclass(frozen=True)
class Filed:
    report_id: str
    merchant: str
    buyer: str
    at: int = NOW - DAY

    @property
    def ref(self) -> ReportRef:
        return ReportRef(self.merchant, self.report_id)


Decided = tuple[str, str | None, str, int]
"""Buyer, merchant, outcome, when."""


def filed(merchants: Iterable[str], buyers: Sequence[str], at: int = NOW - DAY) -> list[Filed]:
    """Every merchant reports every buyer."""
    return [
        Filed(f"{merchant}>{buyer}@{at}", merchant, buyer, at) for merchant in merchants for buyer in buyers
    ]


def columns(reports: Iterable[Filed]) -> ReportColumns:
    rows = sorted(reports, key=lambda report: (report.buyer, report.at, report.report_id))
    buyers, merchants = (sorted({getattr(report, name) for report in rows}) for name in ("buyer", "merchant"))
    return ReportColumns(
        pl.Series([report.report_id for report in rows], dtype=pl.String),
        pl.Series(buyers, dtype=pl.String),
        pl.Series(merchants, dtype=pl.String),
        np.array([buyers.index(report.buyer) for report in rows], np.int32),
        np.array([merchants.index(report.merchant) for report in rows], np.int32),
        np.array([report.at for report in rows], np.int64),
    )


def market(claims: Iterable[tuple[str, str]]) -> Market:
    rows = sorted(claims, key=lambda claim: (claim[1], claim[0]))
    buyers, merchants = (sorted({claim[end] for claim in rows}) for end in (0, 1))
    zeros = np.zeros(len(rows), np.int64)
    return Market(
        pl.Series(buyers, dtype=pl.String),
        pl.Series(merchants, dtype=pl.String),
        ("EUR",),
        Claims(
            pl.Series([f"c{place}" for place in range(len(rows))], dtype=pl.String),
            np.array([buyers.index(buyer) for buyer, _ in rows], np.int32),
            np.array([merchants.index(merchant) for _, merchant in rows], np.int32),
            zeros,
            zeros,
            zeros.astype(np.int16),
        ),
    )


def frame(decided: Iterable[Decided]) -> pl.DataFrame:
    return pl.DataFrame(list(decided), schema=DECIDED, orient="row")


def weighed(
    reports: list[Filed],
    claims: Iterable[tuple[str, str]] = (),
    owners: dict[str, str] | None = None,
    decided: Iterable[Decided] = (),
    withdrawn: Iterable[ReportRef] = (),
    policy: ReportPolicy = POLICY,
) -> dict[str, tuple[int, int, int, float]]:
    """(reports, merchants, independent, weight) by buyer."""
    given = columns(reports)
    claimed = last_claims(given, market(claims)) > NEVER
    ended = frame(decided)
    merchants = weigh_merchants(given, set(withdrawn), claimed, owners or {}, ended, policy, NOW)
    found = weigh_buyers(given, merchants, set(withdrawn), ended, policy, NOW)
    assert found["buyer_id"].is_sorted()
    return {
        buyer: (reports, merchants, independent, round(weight, 6))
        for buyer, reports, merchants, independent, weight in found.iter_rows()
    }


def slowly(
    reports: list[Filed],
    claims: set[tuple[str, str]],
    owners: dict[str, str],
    decided: list[Decided],
    withdrawn: set[ReportRef],
    policy: ReportPolicy,
) -> dict[str, tuple[int, int, int, float]]:
    """The same, as one would do it by hand."""
    known = [report for report in reports if report.at <= NOW and report.ref not in withdrawn]
    ended = [row for row in decided if row[3] <= NOW]
    merchants = sorted({report.merchant for report in reports})
    accused = {m: {report.buyer for report in known if report.merchant == m} for m in merchants}
    group = {m: {m} for m in merchants}
    for a, b in combinations(merchants, 2):
        both = accused[a] & accused[b]
        unexplained = [x for x in both if not ((x, a) in claims and (x, b) in claims)]
        same_owner = a in owners and owners.get(a) == owners.get(b)
        if same_owner or len(unexplained) >= policy.together:
            one = group[a] | group[b]
            for member in one:
                group[member] = one

    def weight(m: str) -> float:
        confirmed = sum(row[1] == m and row[2] == "confirmed" for row in ended)
        rejected = sum(row[1] == m and row[2] == "rejected" for row in ended)
        prior = policy.prior_confirmed + policy.prior_rejected
        mean = (policy.prior_confirmed + confirmed) / (prior + confirmed + rejected)
        return mean / (policy.prior_confirmed / prior)

    def is_heard(report: Filed) -> bool:
        outcomes = [row for row in ended if row[0] == report.buyer and row[2] != "inconclusive"]
        if not outcomes:
            return False
        last = max(outcomes, key=lambda row: row[3])
        first = min(r.at for r in reports if (r.buyer, r.merchant) == (report.buyer, report.merchant))
        return last[2] == "rejected" and first <= last[3]

    found = {}
    for buyer in {report.buyer for report in reports}:
        counting = [
            report
            for report in known
            if report.buyer == buyer and report.at >= NOW - policy.window_days * DAY and not is_heard(report)
        ]
        if counting:
            who = {report.merchant for report in counting}
            groups = {frozenset(group[m]) for m in who}
            total = sum(max(weight(m) for m in who & one) for one in groups)
            found[buyer] = (len(counting), len(who), len(groups), round(total, 6))
    return found


_buyers, _merchants = st.sampled_from("vwxyz"), st.sampled_from("abcdef")
_pairs = st.tuples(_buyers, _merchants)


@given(
    st.lists(st.tuples(_merchants, _buyers, st.integers(-40, 2)), max_size=60),
    st.sets(_pairs),
    st.dictionaries(_merchants, st.sampled_from(["one", "two"]), max_size=4),
    st.lists(
        st.tuples(_buyers, _merchants, st.sampled_from(["confirmed", "rejected", "inconclusive"])), max_size=8
    ),
    st.sets(st.integers(0, 59), max_size=5),
    st.integers(2, 4),
)
def test_the_weight_of_reports_is_what_one_finds_by_hand(
    rows: list[tuple[str, str, int]],
    claims: set[tuple[str, str]],
    owners: dict[str, str],
    outcomes: list[tuple[str, str, str]],
    taken_back: set[int],
    together: int,
) -> None:
    mine = [sum(m == other for other, *_ in rows[:n]) for n, (m, *_) in enumerate(rows)]
    reports = [Filed(f"r{mine[n]}", m, b, NOW + day * DAY) for n, (m, b, day) in enumerate(rows)]
    decided: list[Decided] = [
        (b, m, outcome, NOW + (n * 7 % 50 - 45) * DAY) for n, (b, m, outcome) in enumerate(outcomes)
    ]
    withdrawn = {reports[n].ref if n < len(reports) else ReportRef("nobody", "r0") for n in taken_back}
    policy = ReportPolicy(window_days=30, together=together, prior_confirmed=3, prior_rejected=2)
    given = (reports, claims, owners, decided, withdrawn, policy)
    assert weighed(*given) == slowly(*given)


@given(
    st.lists(st.tuples(_merchants, _buyers, st.booleans()), max_size=80, unique_by=lambda row: row[:2]),
    st.integers(2, 3),
)
def test_groups_do_not_depend_on_how_many_merchants_are_compared_at_once(
    rows: list[tuple[str, str, bool]], together: int
) -> None:
    given = columns(Filed(f"{m}>{b}", m, b) for m, b, _ in rows)
    claimed = last_claims(given, market((b, m) for m, b, has_claim in rows if has_claim)) > NEVER
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ringfence.risk.independence._PRODUCTS_AT_ONCE", 1)
        one_by_one = independent_groups(given, claimed, {}, together)
    at_once = independent_groups(given, claimed, {}, together)
    assert _same_partition(one_by_one, at_once)


def _same_partition(a: NDArray[np.int32], b: NDArray[np.int32]) -> bool:
    return len(set(zip(a, b, strict=True))) == len(set(a)) == len(set(b))


def test_a_merchant_of_whom_nothing_was_decided_weighs_one() -> None:
    nothing = np.zeros(1, np.int64)
    for confirmed, rejected in ((4.0, 1.0), (1.0, 1.0), (0.3, 0.7)):
        policy = ReportPolicy(prior_confirmed=confirmed, prior_rejected=rejected)
        assert merchant_weight(nothing, nothing, policy) == [1.0]


@given(st.integers(0, 50), st.integers(0, 50))
def test_confirmed_reports_raise_credibility_and_rejected_ones_lower_it(
    confirmed: int, rejected: int
) -> None:
    right = np.array([confirmed, confirmed + 1, confirmed])
    decided = np.array([confirmed + rejected, confirmed + rejected + 1, confirmed + rejected + 1])
    now, after_one_more, after_one_less = credibility(right, decided, POLICY)
    assert 0 < after_one_less < now < after_one_more < 1


def test_one_merchant_reporting_many_times_counts_once() -> None:
    reports = [Filed(f"r{n}", "a", "x", NOW - n) for n in range(40)]
    assert weighed(reports) == {"x": (40, 1, 1, 1.0)}


def test_a_report_counts_until_the_last_moment_of_the_window() -> None:
    oldest = NOW - POLICY.window_days * DAY
    assert "x" in weighed([Filed("r", "a", "x", oldest)])
    assert "x" not in weighed([Filed("r", "a", "x", oldest - 1)])
    assert "x" not in weighed([Filed("r", "a", "x", NOW + 1)])


def test_no_reports_weigh_nothing() -> None:
    assert weighed([]) == {}


def test_merchants_of_one_owner_weigh_as_the_best_of_them() -> None:
    decided = [("y", "b", "confirmed", NOW - 9 * DAY), ("z", "a", "rejected", NOW - 9 * DAY)]
    found = weighed(filed("ab", ["x"]), owners={"a": "o", "b": "o"}, decided=decided)
    assert found["x"] == (2, 2, 1, round(5 / 6 / 0.8, 6))


GANGS = [pytest.param(size, is_old, id=f"{size}-{'established' if is_old else 'new'}")
         for size in (2, 3, 7, 20) for is_old in (False, True)]  # fmt: skip


@pytest.mark.parametrize(("size", "is_old"), GANGS)
def test_a_gang_that_was_rejected_weighs_nothing_with_new_reports(size: int, is_old: bool) -> None:
    gang, decided = gang_of(size, is_old)
    first = filed(gang, ["honest"], NOW - 9 * DAY)
    assert weighed(first, decided=decided)["honest"][3] >= POLICY.several
    # those beside the first two report while the buyer is being verified
    rejected = [("honest", merchant, "rejected", NOW - 5 * DAY) for merchant in gang[:2]]
    again = first + filed(gang, ["honest"], NOW - DAY)
    assert weighed(again, decided=[*decided, *rejected]) == {}
    withdrawn = [report.ref for report in first]
    assert weighed(again, decided=[*decided, *rejected], withdrawn=withdrawn) == {}


@pytest.mark.parametrize(("size", "is_old"), GANGS)
@pytest.mark.parametrize("ordinary", [False, True])
def test_a_gang_that_accuses_honest_buyers_together_counts_as_one(
    size: int, is_old: bool, ordinary: bool
) -> None:
    gang, decided = gang_of(size, is_old)
    honest = ["h1", "h2", "h3", "h4"]
    claims = [(buyer, gang[0]) for buyer in honest] if ordinary else []
    found = weighed(filed(gang, honest), claims, decided=decided)
    for buyer in honest:
        assert found[buyer][:3] == (size, size, 1)
        assert found[buyer][3] < POLICY.several


def test_a_gang_that_accuses_too_few_together_is_still_several() -> None:
    assert weighed(filed("abc", ["h1", "h2"]))["h1"] == (3, 3, 3, 3.0)


@pytest.mark.parametrize("size", [2, 20])
def test_a_gang_is_one_against_a_buyer_whom_it_accuses_alone(size: int) -> None:
    gang, _ = gang_of(size, False)
    reports = filed(gang, ["h1", "h2", "h3"]) + filed(gang[:2], ["alone"])
    assert weighed(reports)["alone"] == (2, 2, 1, 1.0)


def test_a_rejection_lowers_those_who_reported_elsewhere_too() -> None:
    rejected = [("honest", "a", "rejected", NOW - 5 * DAY)]
    found = weighed(filed("ab", ["other"]), decided=rejected)
    assert found["other"][3] == pytest.approx(1 + (4 / 6) / 0.8)
    assert found["other"][3] < POLICY.several


def test_twenty_victims_of_one_ring_are_independent() -> None:
    ring, victims = [f"b{n}" for n in range(8)], [f"m{n:02}" for n in range(20)]
    claims = [(buyer, merchant) for buyer in ring for merchant in victims]
    found = weighed(filed(victims, ring), claims)
    assert {found[buyer] for buyer in ring} == {(20, 20, 20, 20.0)}


def test_a_gang_among_the_victims_of_a_ring_joins_no_victim() -> None:
    ring, victims = [f"b{n}" for n in range(8)], [f"m{n:02}" for n in range(20)]
    claims = [(buyer, merchant) for buyer in ring for merchant in victims]
    # victims know of the ring; a gang accuses honest buyers of two of them, and the ring
    reports = filed(victims, ring) + filed(victims[:2], ["h1", "h2", "h3"])
    found = weighed(reports, claims)
    assert found["b0"] == (20, 20, 19, 19.0)


def test_a_confirmation_lets_those_who_were_rejected_count_again() -> None:
    reports = filed("ab", ["x"])
    rejected: list[Decided] = [("x", "a", "rejected", NOW - DAY // 2)]
    assert weighed(reports, decided=rejected) == {}
    confirmed: list[Decided] = [*rejected, ("x", "b", "confirmed", NOW - DAY // 4)]
    assert weighed(reports, decided=confirmed)["x"][:3] == (2, 2, 2)


def test_a_verification_without_reports_silences_whoever_reported_before_its_end() -> None:
    reports = filed("a", ["x"], NOW - 1) + filed("b", ["x"], NOW)
    assert weighed(reports, decided=[("x", None, "rejected", NOW - 1)])["x"][:3] == (1, 1, 1)


def test_new_evidence_is_what_the_last_verification_did_not_hear() -> None:
    reports = columns(filed("abc", ["x"], NOW - 9) + filed("cde", ["x"], NOW - 1))
    decided = frame([("x", "a", "inconclusive", NOW - 5)])
    nobody = np.zeros(len(reports), np.bool_)
    merchants = weigh_merchants(reports, (), nobody, {}, decided, POLICY, NOW)
    asked = (reports, merchants, (), decided, POLICY, NOW)
    assert weigh_buyers(*asked)["merchants"].to_list() == [5]
    ended = ("confirmed", "rejected", "inconclusive")
    assert weigh_buyers(*asked, heard_by=ended)["merchants"].to_list() == [2]


def test_a_merchant_not_weighed_before_counts_one_for_itself() -> None:
    known = columns(filed("ab", ["x"]))
    nobody = np.zeros(len(known), np.bool_)
    merchants = weigh_merchants(known, (), nobody, {"a": "o", "b": "o"}, frame([]), POLICY, NOW)
    assert merchants["group"].to_list() == ["a", "a"]
    more = columns(filed("abc", ["x"]))
    found = weigh_buyers(more, merchants, (), frame([]), POLICY, NOW)
    assert found.rows() == [("x", 3, 3, 2, 2.0)]


def test_a_buyer_whom_too_many_accuse_joins_nobody() -> None:
    crowd = [f"m{n:04}" for n in range(MOST_ACCUSERS + 1)]
    notorious = filed(crowd, ["n1", "n2", "n3"])
    assert weighed(notorious)["n1"][2] == len(crowd)
    gang = filed(crowd[:20], ["h1", "h2", "h3"])
    assert weighed(notorious + gang)["h1"] == (20, 20, 1, 1.0)
    fewer = filed(crowd[1:], ["n1", "n2", "n3"])
    assert weighed(fewer)["n1"][2] == 1


def gang_of(size: int, is_old: bool) -> tuple[list[str], list[Decided]]:
    """A gang without a common owner, and the 50 confirmed reports of each member if it `is_old`."""
    gang = [f"g{n:02}" for n in range(size)]
    decided: list[Decided] = [
        (f"{merchant}-{n}", merchant, "confirmed", NOW - 400 * DAY) for merchant in gang for n in range(50)
    ]
    return gang, decided if is_old else []


@given(
    st.floats(0.01, 100),
    st.floats(0, 100),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1),
)
def test_no_merchant_weighs_more_than_the_most(
    confirmed: float, rejected: float, records: list[tuple[int, int]]
) -> None:
    policy = ReportPolicy(prior_confirmed=confirmed, prior_rejected=rejected)
    found = np.array([good for good, _ in records])
    weights = merchant_weight(found, found + np.array([bad for _, bad in records]), policy)
    assert weights.max() <= most_weight(policy) * (1 + 1e-12)
