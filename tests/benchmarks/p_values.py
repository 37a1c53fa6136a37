"""Whether p-values mean what they say: clean marketplaces of several shapes, and marketplaces that grow.

    python tests/benchmarks/p_values.py --markets 300 --nights 365 --years 10 --json p_values.json

--markets: clean marketplaces are detected once each. The lowest p-value that any candidate of chance gets in
a marketplace, rings or not, should be at most x in a share x of them; and no ring should be published.
--nights: one marketplace with rings is detected night after night as its claims come in; of the rings ever
published, how many are false? --years: the same with clean marketplaces of a year each. Each of the three is
left out at 0. A ring is false if fewer than half of its members belong to a planted one. Bounds are one-sided
at 95 %: an observed share below `significant from` is no sign of too many low p-values.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from hidden.market import make_market
from hidden.profile import KINDS, draw_profile
from machine import describe_machine
from measuring import print_table, rate_bound, write_json
from scipy.stats import beta, binom

import ringfence
from ringfence.detection.calibrate import calibrate, judge_by_p
from ringfence.detection.detect import propose
from ringfence.detection.parameters import Parameters
from ringfence.detection.prepare import prepare
from ringfence.detection.soundness import strength
from ringfence.domain.progress import Silent
from ringfence.generator import GeneratorOptions, Marketplace, generate_marketplace
from ringfence.intake import IntakeOptions, PseudonymKey, market_from_frames
from ringfence.market import Market

LEVELS = (0.5, 0.1, 0.05, 0.01)
_KEY = PseudonymKey(b"k" * 32)


@dataclass(frozen=True)
class Sample:
    """What one clean marketplace gave."""

    shape: str
    buyers: int
    claims: int
    lowest_p: float
    """1 where chance showed no candidate at all."""
    rings: int
    """Published, all of them false."""
    detection_seconds: float
    """CPU seconds without p-values."""
    calibration_seconds: float
    """CPU seconds that p-values took."""


def hidden(seed: int, smallest: int, largest: int) -> Market:
    """Draw a clean marketplace of the second simulator."""
    made = make_market(draw_profile(seed, smallest, largest), None)
    return market_from_frames(made.claims, made.orders, key=_KEY, options=IntakeOptions()).market


def households(seed: int, smallest: int, largest: int) -> Market:
    """Draw one in which two buyers of five live in a household that shops together."""
    has_orders = seed // len(SHAPES) % 2 == 0
    profile = replace(
        draw_profile(seed, smallest, largest),
        household_share=0.4,
        together=0.4 if has_orders else 0.1,
        joint_claims=0.15 if has_orders else 0.04,
        kinds=KINDS,
        has_orders=has_orders,
    )
    made = make_market(profile, None)
    return market_from_frames(made.claims, made.orders, key=_KEY, options=IntakeOptions()).market


def generated(seed: int, smallest: int, largest: int) -> Market:
    """Draw one of the product's own generator; every second one without orders."""
    buyers = max(500, smallest + (largest - smallest) * (seed % 7) // 6)
    made = generate_marketplace(GeneratorOptions(buyers=buyers, seed=seed, rings=False))
    orders = made.orders if seed // len(SHAPES) % 2 == 0 else None
    return market_from_frames(made.claims, orders, key=_KEY, options=IntakeOptions()).market


def small(seed: int, smallest: int, largest: int) -> Market:
    """Draw one of a tenth of the size."""
    return hidden(seed, max(100, smallest // 10), max(200, largest // 10))


SHAPES: dict[str, Callable[[int, int, int], Market]] = {
    "hidden": hidden,
    "households": households,
    "generated": generated,
    "small": small,
}


def look(shape: str, market: Market) -> Sample:
    """Detect, and find the lowest p-value of any candidate, however weak."""
    parameters = Parameters()
    lowered = replace(parameters, ring_score=parameters.calibration.floor)
    begun = time.process_time()
    prepared = prepare(market, parameters, Silent())
    found = propose(prepared, parameters, Silent())
    detected = time.process_time()
    calibration = calibrate(prepared, found, propose, parameters, Silent())
    calibrated = time.process_time()
    lowest, rings = 1.0, 0
    if calibration is not None:
        rings = len(judge_by_p(prepared, found, calibration, parameters).rings)
        for candidate in [*found.rings, *propose(prepared, lowered, Silent()).rings]:
            lowest = min(lowest, calibration.p_value(strength(candidate, prepared, parameters)))
    return Sample(
        shape,
        len(market.buyer_ids),
        len(market.claims),
        lowest,
        rings,
        detected - begun,
        calibrated - detected,
    )


def level_rows(samples: Sequence[Sample]) -> list[list[object]]:
    """Compare, level by level, the share of marketplaces with as low a p-value with that level."""
    rows: list[list[object]] = []
    for x in LEVELS:
        hits, total = sum(sample.lowest_p <= x for sample in samples), len(samples)
        at_least = float(beta.ppf(0.05, hits, total - hits + 1)) if hits else 0.0
        most = int(binom.ppf(0.95, total, x)) + 1
        rows.append([x, hits, f"{hits / total:.3f}", f"{at_least:.3f}", most, at_least <= x])
    return rows


@dataclass(frozen=True)
class Growth:
    """What the nights of one marketplace gave."""

    nights: int
    published: int
    """Rings ever published, by their ids."""
    false: int
    """Those that on some night had fewer than half their members in a planted ring."""


def grow(made: Marketplace, nights: int, every: int, first_day: int) -> Growth:
    """Detect on the evening of `first_day` and each `every` days from then on, as runs of one store."""
    planted = set(made.truth.filter(pl.col("ring_id").is_not_null())["buyer_id"])
    start = made.claims["filed_at"].min()
    assert isinstance(start, datetime)
    published: set[str] = set()
    false: set[str] = set()
    previous, seen = None, 0
    for night in range(nights):
        until = start + timedelta(days=first_day + night * every)
        claims = made.claims.filter(pl.col("filed_at") < until)
        orders = made.orders.filter(pl.col("ordered_at") < until)
        if claims.height == seen:
            break
        seen = claims.height
        result = ringfence.detect(claims, orders, previous=previous)
        previous = result
        for (ring_id,), members in result.members.group_by("ring_id"):
            published.add(str(ring_id))
            if 2 * sum(buyer in planted for buyer in members["buyer_id"]) < members.height:
                false.add(str(ring_id))
    return Growth(nights, len(published), len(false))


def samples_of(asked: argparse.Namespace) -> Iterator[Sample]:
    """Draw and detect the clean marketplaces, shape by shape in turn."""
    names = list(SHAPES)
    for seed in range(asked.first_seed, asked.first_seed + asked.markets):
        shape = names[seed % len(names)]
        yield look(shape, SHAPES[shape](seed, asked.smallest, asked.largest))


def print_samples(samples: Sequence[Sample]) -> None:
    """Print levels in all and by shape, false rings and cost."""
    header = ["p at most", "markets", "share", "at least (95 %)", "significant from", "holds"]
    counts = Counter(sample.shape for sample in samples)
    print_table(f"All {len(samples)} clean marketplaces", header, level_rows(samples))
    for shape in counts:
        own = [sample for sample in samples if sample.shape == shape]
        print_table(f"{shape}: {counts[shape]}", header, level_rows(own))
    rings, buyers = sum(s.rings for s in samples), sum(s.buyers for s in samples)
    print(f"\nfalse rings: {rings} in {buyers:,} clean buyers, {rings / buyers * 1e5:.2f} per 100k, ", end="")
    print(f"at most {rate_bound(rings, buyers / 1e5):.2f} (95 %)")
    spent = sum(s.calibration_seconds for s in samples) / sum(s.detection_seconds for s in samples)
    print(f"p-values cost {spent:.1f} times the detection of clean marketplaces (CPU)")


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--markets", type=int, default=300, help="clean marketplaces (default 300)")
    parser.add_argument("--first-seed", type=int, default=1, help="(default 1)")
    parser.add_argument("--smallest", type=int, default=1_500, help="fewest buyers (default 1500)")
    parser.add_argument("--largest", type=int, default=6_000, help="most buyers (default 6000)")
    parser.add_argument("--nights", type=int, default=0, help="of a growing marketplace with rings (0)")
    parser.add_argument("--years", type=int, default=0, help="of growing clean marketplaces (0)")
    parser.add_argument("--every", type=int, default=1, help="days between two nights (default 1)")
    parser.add_argument("--first-day", type=int, default=30, help="day of the first night (default 30)")
    parser.add_argument("--buyers", type=int, default=5_000, help="of growing marketplaces (default 5000)")
    parser.add_argument("--stealth", type=float, default=0.3, help="of the growing rings (default 0.3)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    machine = describe_machine(["ringfence", "polars", "numpy", "numba"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    figures: dict[str, object] = {"machine": machine}
    if asked.markets:
        samples = list(samples_of(asked))
        print_samples(samples)
        figures["markets"] = [vars(sample) for sample in samples]
    rows: list[list[object]] = []
    runs = [("with rings", True, asked.nights)] if asked.nights else []
    nights_a_year = (365 - asked.first_day) // asked.every + 1
    runs += [(f"clean year {year + 1}", False, nights_a_year) for year in range(asked.years)]
    for place, (name, rings, nights) in enumerate(runs):
        options = GeneratorOptions(
            buyers=asked.buyers, seed=asked.first_seed + place, rings=rings, stealth=asked.stealth
        )
        growth = grow(generate_marketplace(options), nights, asked.every, asked.first_day)
        rows.append([name, growth.nights, growth.published, growth.false])
    if rows:
        print_table("Growing marketplaces", ["", "nights", "rings ever published", "false"], rows)
        false = sum(int(str(row[3])) for row in rows if str(row[0]).startswith("clean"))
        if asked.years:
            print(f"clean years: {false} false rings, at most {rate_bound(false, asked.years):.2f} a year")
        figures["growing"] = rows
    if asked.json:
        write_json(asked.json, figures)


if __name__ == "__main__":
    main()
