import json

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringfence.domain.errors import InvalidError
from ringfence.evaluation import Evaluation, Proportion, evaluate, pool

Worlds = list[tuple[str, bool, bool, str | None, str | None]]
worlds = st.lists(
    st.tuples(
        st.just(""),
        st.booleans(),
        st.booleans(),
        st.sampled_from([None, "R1", "R2", "R3"]),
        st.sampled_from([None, "T1", "T2"]),
    ),
    min_size=1,
    max_size=24,
).map(lambda rows: [(f"b{place}", *row[1:]) for place, row in enumerate(rows)])
"""Buyers: id, in the run, in the labels, reported ring, true ring."""


def judge(world: Worlds) -> Evaluation | None:
    if not any(labelled for _, _, labelled, _, _ in world):
        return None
    seen = [row for row in world if row[1]]
    return evaluate(
        pl.DataFrame(
            [(row[0], 1.0 if row[3] else 0.0) for row in seen],
            {"buyer_id": pl.String, "score": pl.Float64},
            orient="row",
        ),
        pl.DataFrame(
            [(row[3], row[0]) for row in seen if row[3]],
            {"ring_id": pl.String, "buyer_id": pl.String},
            orient="row",
        ),
        pl.DataFrame(
            [(row[0], row[4], row[4]) for row in world if row[2]],
            {"buyer_id": pl.String, "ring_id": pl.String, "pattern": pl.String},
            orient="row",
        ),
    )


@settings(deadline=None)
@given(worlds)
@example([("a", True, True, "R1", None), ("b", True, True, "R1", "T1")])
def test_figures_agree_with_their_definitions(world: Worlds) -> None:
    figures = judge(world)
    if figures is None:
        return
    judged = [row for row in world if row[1] and row[2]]
    fraud = {row[0] for row in judged if row[4]}
    accused = {row[0] for row in judged if row[3]}
    assert (figures.judged, figures.fraud) == (len(judged), len(fraud))
    assert figures.unlabelled == sum(row[1] and not row[2] for row in world)
    assert figures.absent == sum(row[2] and not row[1] for row in world)
    assert figures.absent_fraud == sum(row[2] and not row[1] and row[4] is not None for row in world)
    assert figures.precision == Proportion(len(fraud & accused), len(accused))
    assert figures.recall == Proportion(len(fraud & accused), len(fraud))
    if fraud:
        expected = 2 * len(fraud & accused) / (len(fraud) + len(accused))
        assert figures.f1 == pytest.approx(expected)
        low, high = figures.f1_interval or (2, -1)
        assert low <= expected + 1e-12
        assert expected <= high + 1e-12
    else:
        assert figures.f1 is None

    reported = {name: {row[0] for row in judged if row[3] == name} for name in ("R1", "R2", "R3")}
    truth = {name: {row[0] for row in judged if row[4] == name} for name in ("T1", "T2")}
    rings = [ring for ring in reported.values() if ring]
    assert figures.rings == len(rings)
    assert figures.unjudged_rings == len({row[3] for row in world if row[1] and row[3]}) - len(rings)
    assert figures.false_rings == sum(2 * len(ring & fraud) < len(ring) for ring in rings)
    assert figures.fraudless_rings == sum(not ring & fraud for ring in rings)
    large = [ring for ring in truth.values() if len(ring) >= 2]
    found = [ring for ring in large if any(2 * len(ring & other) >= len(ring | other) for other in rings)]
    assert figures.ring_recall == Proportion(len(found), len(large))
    assert figures.recall_by_pattern == {
        name: Proportion(len(ring & accused), len(ring)) for name, ring in truth.items() if ring
    }
    assert "NaN" not in json.dumps(figures.to_dict())


@settings(deadline=None, max_examples=40)
@given(worlds, st.randoms())
def test_the_order_of_rows_changes_nothing(world: Worlds, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(world)
    random.shuffle(shuffled)
    assert judge(shuffled) == judge(world)


def buyers(*ids: str) -> pl.DataFrame:
    return pl.DataFrame({"buyer_id": ids, "score": [1 / (place + 1) for place in range(len(ids))]})


def members(**rings: str) -> pl.DataFrame:
    pairs = [(ring, buyer) for ring, inside in rings.items() for buyer in inside]
    return pl.DataFrame(pairs, {"ring_id": pl.String, "buyer_id": pl.String}, orient="row")


def test_accusations_are_shared_out_by_lookalike_and_country() -> None:
    labels = pl.DataFrame(
        {
            "buyer_id": ["a", "b", "c", "d"],
            "label": [1, 0, 0, 0],
            "lookalike": ["", "family", "family", "locker"],
            "country": ["DE", "DE", "FR", "FR"],
        }
    )
    figures = evaluate(buyers("a", "b", "c", "d"), members(r="ab"), labels)
    assert figures.accused_by == {
        "lookalike": {"family": Proportion(1, 2), "locker": Proportion(0, 1)},
        "country": {"DE": Proportion(1, 1), "FR": Proportion(0, 2)},
    }


def test_labels_without_fraud_leave_recall_undefined_and_count_every_accusation() -> None:
    labels = pl.DataFrame({"buyer_id": ["a", "b", "c"], "label": [0, 0, 0]})
    told = evaluate(buyers("a", "b", "c"), members(r="ab"), labels).to_dict()
    assert told["recall"]["value"] is None
    assert told["f1"] == {"value": None, "low": None, "high": None}
    assert told["average_precision"] is None
    assert told["precision"]["value"] == 0.0
    assert told["rings"]["fraudless"] == 1
    assert any("no fraud" in note for note in told["notes"])


def test_a_run_without_rings_has_no_precision_and_a_bound_on_false_rings() -> None:
    labels = pl.DataFrame({"buyer_id": ["a", "b"], "label": [1, 0]})
    figures = evaluate(buyers("a", "b"), members(), labels)
    assert figures.precision.value is None
    assert figures.recall.value == 0.0
    rate, upper = figures.false_rings_per_100k or (-1.0, -1.0)
    assert rate == 0.0
    assert upper == pytest.approx(299_573.2, rel=1e-5)


def test_ids_of_another_kind_are_said_and_crash_nothing() -> None:
    figures = evaluate(buyers("a"), members(r="a"), pl.DataFrame({"buyer_id": ["X"], "label": [1]}))
    assert (figures.judged, figures.absent_fraud, figures.false_rings_per_100k) == (0, 1, None)
    assert any("ids are of one kind" in note for note in figures.notes)


def test_a_buyer_listed_twice_in_the_run_is_refused() -> None:
    with pytest.raises(InvalidError, match="twice"):
        evaluate(buyers("a", "a"), members(), pl.DataFrame({"buyer_id": ["a"], "label": [1]}))


def test_pooled_counts_are_sums_and_pooled_rankings_are_means() -> None:
    labels = pl.DataFrame(
        {"buyer_id": ["a", "b", "c"], "label": [1, 1, 0], "pattern": ["chain", "chain", ""]}
    )
    good = evaluate(buyers("a", "b", "c"), members(r="ab"), labels)
    bad = evaluate(buyers("c", "b", "a"), members(r="c"), labels)
    clean = evaluate(buyers("x"), members(), pl.DataFrame({"buyer_id": ["x"], "label": [0]}))
    pooled = pool([good, bad, clean])
    assert pooled.runs == 3
    assert pooled.evaluation.precision == Proportion(2, 3)
    assert pooled.evaluation.recall == Proportion(2, 4)
    assert pooled.evaluation.recall_by_pattern == {"chain": Proportion(2, 4)}
    assert pooled.evaluation.honest == 3
    assert pooled.evaluation.false_rings == 1
    assert pooled.evaluation.ranking.roc_auc == pytest.approx(0.5)
    assert pooled.worst.roc_auc == 0.0
    assert pooled.to_dict()["runs"] == 3


def test_pooling_one_run_is_that_run() -> None:
    figures = evaluate(
        buyers("a", "b"), members(r="a"), pl.DataFrame({"buyer_id": ["a", "b"], "label": [1, 0]})
    )
    assert pool([figures]).evaluation == figures


def test_pooling_nothing_is_refused() -> None:
    with pytest.raises(InvalidError, match="no evaluation"):
        pool([])
