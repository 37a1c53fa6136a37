from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from ringfence.domain.identifiers import IdentifierKind
from ringfence.domain.loads import FileCount, LoadSource
from ringfence.market import Claims, Identifiers, Market
from ringfence.services.publication_guard import (
    object_to_empty_columns,
    object_to_number,
    object_to_sharing,
)


@pytest.mark.parametrize(
    ("rings", "former"),
    [(10_000, ()), (300, (100,)), (3, (0, 0, 0)), (3, (1,)), (303, (50, 90, 101, 120, 400))],
)
def test_up_to_three_times_the_usual_number_is_nothing_unusual(rings: int, former: tuple[int, ...]) -> None:
    assert object_to_number(rings, former) == ()


@pytest.mark.parametrize(
    ("rings", "former", "usual"),
    [
        (301, (100,), "run has 100."),
        (4, (0, 0, 0), "3 runs have a median of 0."),
        (304, (50, 90, 101, 120, 400), "5 runs have a median of 101."),
        (8, (2, 3), "2 runs have a median of 2.5."),
    ],
)
def test_more_than_three_times_the_usual_number_is_objected_to_with_figures(
    rings: int, former: tuple[int, ...], usual: str
) -> None:
    (said,) = object_to_number(rings, former)
    assert said.startswith(f"{rings} rings")
    assert said.endswith(f"the last published {usual}")


def market_of(buyers: int, holders: dict[IdentifierKind, int]) -> Market:
    """A market where so many buyers use the first value of a kind, and all others one of their own."""
    none = np.empty(0, np.int64)
    nobody = none.astype(np.int32)
    everyone = np.arange(buyers, dtype=np.int32)
    return Market(
        buyer_ids=pl.Series([f"b{i}" for i in range(buyers)]),
        merchant_ids=pl.Series([], dtype=pl.String),
        currencies=(),
        claims=Claims(pl.Series([], dtype=pl.String), nobody, nobody, none, none, np.empty(0, np.int16)),
        identifiers=tuple(
            Identifiers(
                kind,
                everyone,
                np.maximum(everyone - (many - 1), 0),
                np.zeros((buyers - many + 1, 32), np.uint8),
            )
            for kind, many in holders.items()
        ),
    )


def test_a_value_that_too_many_share_is_objected_to_by_kind_share_and_holders() -> None:
    objections = object_to_sharing(
        market_of(1000, {IdentifierKind.ADDRESS: 50, IdentifierKind.PHONE: 51, IdentifierKind.EMAIL: 900})
    )
    assert objections == (
        "One phone is used by 51 of 1,000 buyers (5.1 %), more than 5 %.",
        "One email is used by 900 of 1,000 buyers (90.0 %), more than 5 %.",
    )


def test_in_a_small_marketplace_twenty_may_share_a_value() -> None:
    assert object_to_sharing(market_of(30, {IdentifierKind.DEVICE: 20})) == ()
    assert len(object_to_sharing(market_of(30, {IdentifierKind.DEVICE: 21}))) == 1
    assert object_to_sharing(market_of(30, {})) == ()


def test_a_value_is_judged_by_all_buyers_though_few_have_one_of_its_kind() -> None:
    market = market_of(1000, {IdentifierKind.DEVICE: 30})
    (few,) = market.identifiers
    few = Identifiers(few.kind, few.buyer[:100], few.value[:100], few.exact[:71])
    assert object_to_sharing(replace(market, identifiers=(few,))) == ()


def load(rows: int, **filled: int) -> LoadSource:
    """A load of so many claims in two files, and of merchants."""
    files = (
        FileCount("claims-1.csv", "claims", rows, rows // 2, 0, 0, 0),
        FileCount("claims-2.csv", "claims", rows, rows - rows // 2, 0, 0, 0),
        FileCount("merchants.csv", "merchants", 5, 5, 0, 0, 0),
    )
    return LoadSource("d", "k", 1, files, {"claims": filled, "merchants": {"name": 5}})


def test_a_column_that_was_full_and_is_empty_now_is_objected_to() -> None:
    before = [load(100, address=100, phone=100), load(100, address=80, phone=100)]
    assert object_to_empty_columns(before, [load(200, address=1, phone=150)]) == (
        "The column address of claims was filled in 90 % of the rows up to the last published run, and in "
        "0.5 % of the 200 rows loaded since.",
    )
    (said,) = object_to_empty_columns(before, [load(40, phone=40)])
    assert "0.0 % of the 40 rows" in said


@pytest.mark.parametrize(
    ("before", "since"),
    [
        ([], [load(100)]),
        ([load(100, address=89)], [load(100)]),
        ([load(100, address=100)], [load(100, address=1)]),
        ([load(100, address=100)], [load(19)]),
        ([load(100, address=100)], [load(100), load(100, address=100)]),
        ([load(100, address=100)], []),
    ],
)
def test_a_column_that_was_not_full_or_is_not_empty_or_little_seen_is_not_judged(
    before: list[LoadSource], since: list[LoadSource]
) -> None:
    assert object_to_empty_columns(before, since) == ()
