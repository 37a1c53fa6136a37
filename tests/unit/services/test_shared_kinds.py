import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.detection.parameters import Parameters
from ringfence.domain.identifiers import IdentifierKind
from ringfence.market import Claims, Identifiers, Market
from ringfence.services.evaluate_decisions import shared_kinds

HUB = Parameters().yardstick.hub_holders


def uses(kind: IdentifierKind, value_of: NDArray[np.float64] | NDArray[np.int64]) -> Identifiers:
    buyers = np.arange(len(value_of), dtype=np.int32)
    return Identifiers(
        kind, buyers, value_of.astype(np.int32), np.zeros((int(value_of.max()) + 1, 32), np.uint8)
    )


def test_kinds_of_which_two_members_use_one_value_that_few_use_are_named() -> None:
    many = HUB + 1
    none = np.empty(0, np.int64)
    nobody = none.astype(np.int32)
    claims = Claims(pl.Series([], dtype=pl.String), nobody, nobody, none, none, none.astype(np.int16))
    apart = np.arange(many)
    in_pairs = apart // 2
    crowd = np.zeros(many)
    market = Market(
        pl.Series([f"b{place:04}" for place in range(many)]),
        pl.Series([], dtype=pl.String),
        (),
        claims,
        None,
        (
            uses(IdentifierKind.ADDRESS, in_pairs),
            uses(IdentifierKind.DEVICE, apart),
            uses(IdentifierKind.PHONE, crowd),
        ),
    )
    groups: list[list[str]] = [
        ["b0000", "b0001", "gone"],
        ["b0001", "b0002"],
        [],
        ["b0009", "b0005", "b0004"],
    ]
    assert shared_kinds(market, groups) == [["address"], [], [], ["address"]]
