"""Dense blocks injected into a background, by the protocols of two papers, found again by any detector.

    python tests/benchmarks/injected_blocks.py camouflage --prototype FOLDER/dense_blocks.py
    python tests/benchmarks/injected_blocks.py hijacked --prototype FOLDER/dense_blocks.py --json blocks.json
    python tests/benchmarks/injected_blocks.py hijacked --without-product --method blocks --method structure

camouflage: Hooi et al., "FRAUDAR", KDD 2016, section 5.2. A background of 2,000 x 2,000, 200 x 200 injected
at density p, under four attacks; times say nothing. F over rows, the mean of five trials.

hijacked: Liu et al., "HoloScope", TKDE 2019, section 4.2. 200 objects of in-degree 100 at most, 200 edges
each from N hijacked users, as many edges of camouflage, in bursts; the lowest density 200/N at which F
reaches 0.9.

The papers' backgrounds are subsets of real reviews; here they are drawn with the same size, density and
unequal degrees. F counts every reported buyer, whichever ring it is in.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean

import numpy as np
import polars as pl
from block_methods import METHODS
from detectors import Marketplace, accuse, chosen_detectors
from machine import describe_machine
from measuring import print_table, write_json
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ATTACKS = ("none", "random", "biased", "hijacked")
START = 1_700_000_000_000_000
DAY = 86_400_000_000


@dataclass(frozen=True)
class Contender:
    """A program, or a method in this process, that accuses buyers of a marketplace."""

    name: str
    accuse: Callable[[Marketplace], pl.DataFrame | None]


@dataclass(frozen=True)
class Edges:
    """Who meets what: rows are users, columns are objects, as parallel arrays."""

    row: Ints
    column: Ints

    def __add__(self, other: "Edges") -> "Edges":
        return Edges(np.concatenate([self.row, other.row]), np.concatenate([self.column, other.column]))


def background(rng: np.random.Generator, rows: int, columns: int, edges: int) -> Edges:
    """About `edges` distinct edges between rows and columns of unequal degree."""
    zeal, fame = rng.permutation(np.arange(5.0, rows + 5) ** -0.6), np.arange(5.0, columns + 5) ** -0.8
    row = rng.choice(rows, edges, p=zeal / zeal.sum())
    column = rng.permutation(columns)[rng.choice(columns, edges, p=fame / fame.sum())]
    cells = np.unique(row * columns + column)
    return Edges(cells // columns, cells % columns)


def camouflage(rng: np.random.Generator, kind: str, honest: Edges, block: Edges, columns: int) -> Edges:
    """As many edges as the block has, of the same rows: to random columns, or to the popular ones."""
    count = len(block.row)
    if kind == "biased":
        return Edges(block.row, rng.choice(honest.column, count))
    return Edges(block.row, rng.integers(0, columns, count))


def inject_block(rng: np.random.Generator, attack: str, density: float) -> tuple[Edges, Ints]:
    """The protocol of FRAUDAR: all edges, and the rows of the block.

    `attack`: none, random or biased camouflage, or hijacked (the block takes rows of the background).
    """
    size, new, edges = 2_000, 200, 3_200
    honest = background(rng, size, size, edges)
    rows = rng.choice(size, new, replace=False) if attack == "hijacked" else np.arange(size, size + new)
    columns = np.arange(size, size + new)
    row, column = np.nonzero(rng.random((new, new)) < density)
    block = Edges(rows[row], columns[column])
    everything = honest + block
    if attack in ("random", "biased"):
        everything += camouflage(rng, attack, honest, block, size)
    return everything, rows


def block_market(rng: np.random.Generator, attack: str, density: float) -> Marketplace:
    """An injected block as claims that were all filed at one moment, so that times carry nothing."""
    edges, rows = inject_block(rng, attack, density)
    return edges_market(edges, np.full(len(edges.row), START), rows)


def hijacked_market(rng: np.random.Generator, hijacked: int) -> Marketplace:
    """The protocol of HoloScope with times: bursts of days on the targets, a year of honest life around."""
    rows, columns, targets, each = 20_000, 5_000, 200, 200
    honest = background(rng, rows, columns, 150_000)
    degree = np.bincount(honest.column, minlength=columns)
    target = rng.choice(np.flatnonzero(degree <= 100), targets, replace=False)
    fraudsters = rng.choice(rows, hijacked, replace=False)
    accomplices = np.concatenate([rng.choice(fraudsters, each, replace=False) for _ in range(targets)])
    block = Edges(accomplices, np.repeat(target, each))
    hidden = camouflage(rng, "biased", honest, block, columns)
    begins = np.repeat(rng.uniform(0, 350, targets), each)
    honest_days = rng.uniform(0, 365, len(honest.row))
    days = np.concatenate(
        [honest_days, begins + rng.exponential(1.5, len(begins)), rng.uniform(0, 365, len(begins))]
    )
    return edges_market(honest + block + hidden, START + (days * DAY).astype(np.int64), fraudsters)


def edges_market(edges: Edges, moments: Ints, fraudsters: Ints) -> Marketplace:
    """Edges as claims of ten each; `moments` in µs since 1970."""
    drawn = pl.DataFrame({"row": edges.row, "column": edges.column, "at": moments}).unique(["row", "column"])
    claims = drawn.sort("at", "row", "column").with_row_index("number")
    claims = claims.select(
        claim_id=pl.format("c{}", "number"),
        buyer_id=pl.format("u{}", "row"),
        merchant_id=pl.format("o{}", "column"),
        filed_at=pl.col("at").cast(pl.Datetime("us")),
        amount=pl.lit(10.0),
    )
    buyers = np.unique(np.concatenate([edges.row, fraudsters]))
    truth = pl.DataFrame({"row": buyers, "is_member": np.isin(buyers, fraudsters)}).select(
        buyer_id=pl.format("u{}", "row"),
        ring_id=pl.when("is_member").then(pl.lit("block")),
        pattern=pl.when("is_member").then(pl.lit("block")),
        lookalike=pl.lit(""),
    )
    return Marketplace(claims, None, truth)


def f_measure(market: Marketplace, found: pl.DataFrame | None) -> float:
    """F1 of the reported buyers against the block's rows; 0 where nothing was found or the program failed."""
    accused = set() if found is None else set(found["buyer_id"])
    members = set(market.truth.filter(pl.col("ring_id").is_not_null())["buyer_id"])
    right = len(accused & members)
    return 2 * right / (len(accused) + len(members))


def measure_camouflage(
    contenders: Sequence[Contender], densities: Sequence[float], trials: int
) -> list[dict[str, object]]:
    """Mean and least F for each contender, density and attack."""
    figures: list[dict[str, object]] = []
    for density in densities:
        for number, attack in enumerate(ATTACKS):
            markets = [
                block_market(np.random.default_rng([trial, number, round(density * 1e4)]), attack, density)
                for trial in range(trials)
            ]
            for contender in contenders:
                f = [f_measure(market, contender.accuse(market)) for market in markets]
                figures.append(
                    {
                        "detector": contender.name,
                        "density": density,
                        "attack": attack,
                        "f": mean(f),
                        "least": min(f),
                    }
                )
    return figures


def measure_hijacked(
    contenders: Sequence[Contender], densities: Sequence[float], trials: int
) -> list[dict[str, object]]:
    """Mean and least F for each contender and density, the density being 200 over the hijacked users."""
    figures: list[dict[str, object]] = []
    for density in densities:
        hijacked = round(200 / density)
        markets = [
            hijacked_market(np.random.default_rng([trial, hijacked]), hijacked) for trial in range(trials)
        ]
        for contender in contenders:
            f = [f_measure(market, contender.accuse(market)) for market in markets]
            figures.append(
                {
                    "detector": contender.name,
                    "density": density,
                    "attack": "bursts",
                    "f": mean(f),
                    "least": min(f),
                }
            )
    return figures


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("protocol", choices=("camouflage", "hijacked"))
    parser.add_argument("--prototype", type=Path, action="append", default=[], help="a program to run beside")
    parser.add_argument("--without-product", action="store_true", help="run the prototypes alone")
    parser.add_argument(
        "--method", choices=sorted(METHODS), action="append", default=[], help="a method to run by itself"
    )
    parser.add_argument("--density", type=float, action="append", help="default: the protocol's")
    parser.add_argument("--trials", type=int, default=5, help="trials a setting (default 5)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    contenders = [
        Contender(detector.name, partial(accuse, detector))
        for detector in chosen_detectors(not asked.without_product, asked.prototype)
    ] + [Contender(name, METHODS[name]) for name in asked.method]
    machine = describe_machine(["ringfence", "polars", "numpy"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    if asked.protocol == "camouflage":
        figures = measure_camouflage(contenders, asked.density or [0.04, 0.02], asked.trials)
    else:
        figures = measure_hijacked(contenders, asked.density or [0.5, 0.2, 0.1, 0.05, 0.033], asked.trials)
    rows = [
        [
            figure["detector"],
            figure["density"],
            figure["attack"],
            f"{figure['f']:.3f}",
            f"{figure['least']:.3f}",
        ]
        for figure in figures
    ]
    print_table("F over rows", ["detector", "density", "attack", "mean F", "least F"], rows)
    if asked.protocol == "hijacked":
        for contender in contenders:
            own = [figure for figure in figures if figure["detector"] == contender.name]
            reached = [float(str(figure["density"])) for figure in own if float(str(figure["f"])) >= 0.9]
            lowest = min(reached) if reached else "none"
            print(f"{contender.name}: lowest density with F of 0.9 or more: {lowest}")
    if asked.json:
        write_json(asked.json, {"machine": machine, "protocol": asked.protocol, "figures": figures})


if __name__ == "__main__":
    main()
