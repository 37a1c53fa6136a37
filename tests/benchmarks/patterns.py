"""How well the product does on the extra rings and look-alikes of the generator, with and without orders.

    python tests/benchmarks/patterns.py --seeds 10 --first-seed 3001 --json after.json --before before.json

Each seed gives a marketplace with the usual rings; one extra at a time is added to it, and it is detected
with the defaults, in this process. Look-alikes are measured at the first stealth only. For rings "found" is
member recall, for look-alikes "accused" is the share of their buyers in any ring. A group counts if two of
its buyers are in one reported ring (one, if it has only one). Precision is of all members of all rings.
Intervals are Wilson's at 95 %, over buyers or groups.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
from machine import describe_machine
from measuring import Share, print_table, write_json

import ringfence
from ringfence.detection.parameters import Parameters
from ringfence.domain.policy import DetectionPolicy
from ringfence.generator import (
    ExtraLookalike,
    ExtraPattern,
    GeneratorOptions,
    Marketplace,
    add_extras,
    generate_marketplace,
)

HEADER = ("extra", "stealth", "orders", "buyers", "groups", "precision", "false rings")


@dataclass(frozen=True)
class Figures:
    """Counts of one or more marketplaces with one extra; they add up."""

    buyers: Share = field(default_factory=Share)
    """Buyers of the extra that are in a reported ring."""
    groups: Share = field(default_factory=Share)
    """Groups of the extra of which two buyers are in one reported ring."""
    precision: Share = field(default_factory=Share)
    """Members of true rings, the usual ones included, among all who are reported."""
    false_rings: int = 0
    """Reported rings of which fewer than half the members belong to a true ring."""

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.buyers + other.buyers,
            self.groups + other.groups,
            self.precision + other.precision,
            self.false_rings + other.false_rings,
        )

    def to_dict(self) -> dict[str, object]:
        """All figures for JSON."""
        return {
            "buyers": self.buyers.to_dict(),
            "groups": self.groups.to_dict(),
            "precision": self.precision.to_dict(),
            "false_rings": self.false_rings,
        }


def count(extra: str, truth: pl.DataFrame, members: pl.DataFrame) -> Figures:
    """Compare reported `members` (ring_id, buyer_id) with the generator's `truth` about `extra`."""
    reported = members.select("buyer_id", reported="ring_id").unique()
    cast = truth.filter((pl.col("pattern") == extra) | (pl.col("lookalike") == extra)).select(
        "buyer_id", group=pl.coalesce("ring_id", "lookalike_group")
    )
    sizes = cast.group_by("group").agg(size=pl.len())
    met = cast.join(reported, on="buyer_id")
    together = met.group_by("group", "reported").agg(both=pl.len()).join(sizes, on="group")
    hit = together.filter(pl.col("both") >= pl.min_horizontal(pl.lit(2), "size"))["group"].n_unique()
    judged = reported.join(truth.select("buyer_id", "ring_id"), on="buyer_id", how="left")
    true = judged["ring_id"].is_not_null()
    pure = judged.group_by("reported").agg(pl.col("ring_id").is_not_null().mean())
    return Figures(
        Share(met["buyer_id"].n_unique(), cast.height),
        Share(hit, sizes.height),
        Share(int(true.sum()), judged.height),
        int((pure["ring_id"] < 0.5).sum()),
    )


def markets(seeds: range, options: GeneratorOptions, stealth: float) -> Iterator[Marketplace]:
    """Generate one marketplace without extras for each seed."""
    for seed in seeds:
        yield generate_marketplace(replace(options, seed=seed, stealth=stealth))


def measure(
    extras: list[str],
    seeds: range,
    options: GeneratorOptions,
    stealths: list[float],
    parameters: Parameters,
) -> dict[str, Figures]:
    """Return the figures of each "extra, stealth, orders", pooled over the seeds."""
    found: dict[str, Figures] = {}
    for stealth in stealths:
        due = [extra for extra in extras if extra in set(ExtraPattern) or stealth == stealths[0]]
        for market in markets(seeds, options, stealth):
            for extra in due:
                whole = add_extras(market, (extra,))
                for word, orders in (("known", whole.orders), ("unknown", None)):
                    result = ringfence.detect(whole.claims, orders, parameters=parameters)
                    key = f"{extra}, {stealth:g}, {word}"
                    figures = count(extra, whole.truth, result.members)
                    found[key] = found.get(key, Figures()) + figures
    return found


def rows_of(figures: dict[str, Any], before: dict[str, Any]) -> list[list[object]]:
    """Write figures as rows of HEADER, each share after "value before →" where there was one."""
    rows: list[list[object]] = []
    for key, now in figures.items():
        then = before.get(key, {})
        cells = [
            _arrow(then.get(name, {}).get("share")) + str(Share(now[name]["hits"], now[name]["total"]))
            for name in ("buyers", "groups", "precision")
        ]
        rings = f"{then['false_rings']} → " if then else ""
        rows.append([*key.split(", "), *cells, f"{rings}{now['false_rings']}"])
    return rows


def _arrow(share: float | None) -> str:
    return "" if share is None else f"{share:.3f} → "


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = [str(extra) for extra in (*ExtraPattern, *ExtraLookalike)]
    parser.add_argument("--seeds", type=int, default=10, help="marketplaces a setting (default 10)")
    parser.add_argument("--first-seed", type=int, default=1, help="(default 1)")
    parser.add_argument("--buyers", type=int, default=20_000, help="accounts a marketplace (default 20000)")
    parser.add_argument("--stealth", type=float, action="append", help="default 0")
    parser.add_argument("--extra", choices=every, action="append", help="default: each of them")
    parser.add_argument(
        "--orders-per-claim",
        type=float,
        default=GeneratorOptions().orders_per_claim,
        help="of the marketplaces (default %(default)s)",
    )
    parser.add_argument(
        "--honest-fault-rate",
        type=float,
        default=DetectionPolicy().honest_fault_rate,
        help="of the policy (default %(default)s)",
    )
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--before", type=Path, help="figures of an earlier run to compare with")
    asked = parser.parse_args()
    machine = describe_machine(["ringfence", "polars", "numpy", "numba"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    options = GeneratorOptions(buyers=asked.buyers, orders_per_claim=asked.orders_per_claim)
    parameters = Parameters().with_policy(DetectionPolicy(honest_fault_rate=asked.honest_fault_rate))
    found = measure(asked.extra or every, seeds, options, asked.stealth or [0.0], parameters)
    figures = {key: counts.to_dict() for key, counts in found.items()}
    before = json.loads(asked.before.read_text())["figures"] if asked.before else {}
    rows = rows_of(figures, before)
    for title, kinds in (("rings: found", set(ExtraPattern)), ("look-alikes: accused", set(ExtraLookalike))):
        chosen = [row for row in rows if row[0] in kinds]
        if chosen:
            print_table(f"{title} ({asked.seeds} seeds of {asked.buyers:,} buyers)", HEADER, chosen)
    if asked.json:
        write_json(asked.json, {"machine": machine, "figures": figures})


if __name__ == "__main__":
    main()
