"""How well the product does on generated marketplaces: pooled over seeds, by pattern and by look-alike.

    python tests/benchmarks/generated_markets.py --seeds 10 --first-seed 1001

Each seed gives a clean marketplace and one at each stealth; all are detected with the defaults, in this
process. Intervals are Wilson's at 95 %, over buyers.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from machine import describe_machine

import ringfence
from ringfence.evaluation import Evaluation, Proportion, evaluate, parse_labels, pool
from ringfence.generator import GeneratorOptions, generate_marketplace


@dataclass(frozen=True)
class Setting:
    """One kind of marketplace."""

    name: str
    rings: bool
    stealth: float


def settings(stealths: list[float]) -> list[Setting]:
    """Give the clean setting and one a stealth."""
    return [Setting("clean", False, 0.0), *(Setting(f"stealth {s:g}", True, s) for s in stealths)]


def evaluations(setting: Setting, seeds: range, buyers: int, with_orders: bool) -> Iterator[Evaluation]:
    """Generate, detect and evaluate, seed by seed."""
    for seed in seeds:
        options = GeneratorOptions(buyers=buyers, seed=seed, rings=setting.rings, stealth=setting.stealth)
        market = generate_marketplace(options)
        result = ringfence.detect(market.claims, market.orders if with_orders else None)
        yield evaluate(result.buyers, result.members, parse_labels(market.truth))


def shown(share: Proportion) -> str:
    """Write a share with its interval and what it is of."""
    if share.value is None or share.interval is None:
        return "-"
    low, high = share.interval
    return f"{share.value:.4f} [{low:.4f}, {high:.4f}] of {share.total:,}"


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10, help="marketplaces a setting (default 10)")
    parser.add_argument("--first-seed", type=int, default=1, help="(default 1)")
    parser.add_argument("--buyers", type=int, default=20_000, help="accounts a marketplace (default 20000)")
    parser.add_argument("--stealth", type=float, action="append", help="default 0, 0.3 and 0.5")
    parser.add_argument("--without-orders", action="store_true", help="let the orders be unknown")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    machine = describe_machine(["ringfence", "polars", "numpy", "numba"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    figures = {}
    for setting in settings(asked.stealth or [0.0, 0.3, 0.5]):
        pooled = pool(list(evaluations(setting, seeds, asked.buyers, not asked.without_orders)))
        figures[setting.name] = pooled.to_dict()
        whole = pooled.evaluation
        print(f"\n{setting.name}: {whole.judged:,} buyers in {pooled.runs} marketplaces")
        print(f"  precision       {shown(whole.precision)}")
        print(f"  recall          {shown(whole.recall)}")
        print(f"  rings found     {shown(whole.ring_recall)}")
        if whole.false_rings_per_100k is not None:
            rate, bound = whole.false_rings_per_100k
            print(f"  false rings     {whole.false_rings} ({rate:.2f} per 100k, at most {bound:.2f})")
        for pattern, share in sorted(whole.recall_by_pattern.items()):
            print(f"  recall {pattern:18s} {shown(share)}")
        for lookalike, share in sorted(whole.accused_by.get("lookalike", {}).items()):
            print(f"  accused {lookalike or '(none)':17s} {shown(share)}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps({"machine": machine, "figures": figures}, indent=2))


if __name__ == "__main__":
    main()
