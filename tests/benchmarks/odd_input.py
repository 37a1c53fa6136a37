"""What odd and hostile input costs, and whether the rings of the marketplace below it are still found.

    python tests/benchmarks/odd_input.py --json figures.json
    python tests/benchmarks/odd_input.py --crowd one_second --size 100000

Each crowd of claims is added to one generated marketplace (none: to compare with), and `ringfence detect`
reads and detects the whole, p-values included, as a process of its own. A ring is false if fewer than half
its members are of a true ring.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from machine import describe_machine
from measuring import print_table, run_measured, write_json
from quality import tally

from ringfence.domain.durations import MICROSECONDS_A_DAY
from ringfence.generator import GeneratorOptions, Marketplace, generate_marketplace
from ringfence.market import Longs

HEADER = ("crowd", "claims", "s", "CPU s", "MiB", "precision", "recall", "false rings")


class Crowds:
    """Odd claims for one marketplace, `size` of each kind."""

    def __init__(self, market: Marketplace, size: int) -> None:
        self._claims, self._size = market.claims, size
        self._shops = market.merchants["merchant_id"]
        self._chance = np.random.default_rng(17)
        filed = market.claims["filed_at"].cast(pl.Int64).to_numpy()
        self._begin, self._end = int(filed.min()), int(filed.max())

    def none(self) -> pl.DataFrame:
        """No claims."""
        return self._claims.clear()

    def one_buyer(self) -> pl.DataFrame:
        """All of one buyer, at all merchants."""
        return self._made(np.zeros(self._size, np.int64), self._anywhere(), self._anytime())

    def one_buyer_at_fifty_merchants(self) -> pl.DataFrame:
        """All of one buyer, at fifty merchants."""
        return self._made(np.zeros(self._size, np.int64), self._anywhere(50), self._anytime())

    def buyers_of_three_thousand_claims(self) -> pl.DataFrame:
        """Many-claim buyers, each as a robot would."""
        return self._made(np.arange(self._size) // 3_000, self._anywhere(), self._anytime())

    def half_at_one_merchant(self) -> pl.DataFrame:
        """One merchant has every second claim."""
        shop = np.where(np.arange(self._size) % 2, 0, self._anywhere())
        return self._made(self._anybody(5), shop, self._anytime())

    def one_address(self) -> pl.DataFrame:
        """Everybody has one address."""
        rows = self._made(self._anybody(2), self._anywhere(), self._anytime())
        return rows.with_columns(address=pl.lit("1 Locker Street, 10115 Berlin"))

    def fifty_years(self) -> pl.DataFrame:
        """Times over fifty years."""
        return self._made(self._anybody(5), self._anywhere(), self._anytime(years=50))

    def one_hour_at_fifty_merchants(self) -> pl.DataFrame:
        """A crowd in one hour."""
        return self._made(self._anybody(2), self._anywhere(50), self._middle(3_600_000_000))

    def one_second(self) -> pl.DataFrame:
        """A crowd in one second."""
        return self._made(self._anybody(5), self._anywhere(), self._middle(1_000_000))

    def _anybody(self, claims_each: int) -> Longs:
        return self._chance.integers(0, self._size // claims_each, self._size)

    def _anywhere(self, shops: int | None = None) -> Longs:
        return self._chance.integers(0, shops or len(self._shops), self._size)

    def _anytime(self, years: int = 0) -> Longs:
        begin = self._begin - years * 365 * MICROSECONDS_A_DAY
        return self._chance.integers(begin, self._end, self._size)

    def _middle(self, width: int) -> Longs:
        return (self._begin + self._end) // 2 + self._chance.integers(0, width, self._size)

    def _made(self, buyer: Longs, shop: Longs, filed_at: Longs) -> pl.DataFrame:
        """Give claims with the marketplace's columns; identifiers and orders are unknown."""
        made = {
            "claim_id": "odd" + pl.Series(np.arange(self._size)).cast(pl.String),
            "buyer_id": "odd" + pl.Series(buyer).cast(pl.String),
            "merchant_id": self._shops.gather(shop),
            "filed_at": pl.Series(filed_at).cast(pl.Datetime("us", "UTC")),
            "amount": pl.repeat(1999, self._size, eager=True) / 100,
            "currency": pl.repeat("EUR", self._size, eager=True),
        }
        return pl.DataFrame(
            [
                made[name].alias(name).cast(kind)
                if name in made
                else pl.repeat(None, self._size, dtype=kind, eager=True).alias(name)
                for name, kind in self._claims.schema.items()
            ]
        )


CROWDS: dict[str, Callable[[Crowds], pl.DataFrame]] = {
    name: made for name, made in vars(Crowds).items() if not name.startswith("_")
}


def measure(market: Marketplace, odd: pl.DataFrame, folder: Path) -> list[object]:
    """Detect in a marketplace with odd claims; give the row of HEADER from its second cell on."""
    claims = pl.concat([market.claims, odd]).sort("filed_at", "claim_id")
    source, out = folder / "in", folder / "out"
    source.mkdir(parents=True)
    claims.write_parquet(source / "claims.parquet")
    market.orders.write_parquet(source / "orders.parquet")
    command = ["-m", "ringfence", "detect", "--input", str(source), "--out", str(out), "--quiet"]
    cost = run_measured([sys.executable, *command], folder / "log", limit_seconds=3_600.0)
    members = pl.read_csv(out / "members.csv", schema_overrides={"ring_id": pl.String, "buyer_id": pl.String})
    truth = market.truth.with_columns(pl.col("lookalike").fill_null(""))
    counts = tally(truth, members.select("ring_id", "buyer_id"))
    return [
        claims.height,
        f"{cost.seconds:.1f}",
        f"{cost.cpu_seconds:.1f}",
        round(cost.peak_mib),
        counts.accused.value,
        counts.recall.value,
        counts.false_rings,
    ]


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--crowd", choices=list(CROWDS), action="append", help="default: each of them")
    parser.add_argument("--size", type=int, default=1_000_000, help="odd claims (default 1000000)")
    parser.add_argument("--buyers", type=int, default=20_000, help="of the marketplace (default 20000)")
    parser.add_argument("--seed", type=int, default=1, help="of the marketplace (default 1)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    machine = describe_machine(["ringfence", "polars", "numpy", "numba"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    market = generate_marketplace(GeneratorOptions(buyers=asked.buyers, seed=asked.seed))
    rows: list[list[object]] = []
    for name in asked.crowd or CROWDS:
        odd = CROWDS[name](Crowds(market, asked.size))
        with TemporaryDirectory(prefix="ringfence-odd-") as folder:
            rows.append([name, *measure(market, odd, Path(folder))])
        print(*rows[-1], flush=True)
    print_table(f"With {asked.size:,} odd claims", HEADER, rows)
    if asked.json:
        write_json(asked.json, {"machine": machine, "header": HEADER, "rows": rows})


if __name__ == "__main__":
    main()
