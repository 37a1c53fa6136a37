"""Quality on marketplaces that the product was not made on: a second simulator, and no two markets alike.

    python tests/benchmarks/hidden_markets.py --prototype FOLDER/grow_rings.py --seeds 10 --json hidden.json

Every seed draws a marketplace: its size, its length, how unequal it is, its seasons, which identifiers and
whether orders are known, how households shop; then all ring patterns that this allows and all look-alikes.
The same seed is played without rings and at each stealth. Figures are pooled over the seeds. `--unusual`
adds lost bundles, deal clubs and the like, and rings that try decoys, late claims and the like.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from detectors import Detector, accuse, chosen_detectors
from hidden.market import make_market
from hidden.profile import Profile, draw_profile
from machine import describe_machine
from measuring import print_table, write_json
from quality import QUALITY_HEADER, Tally, quality_rows, setting_name, tally


def measure(
    detectors: Sequence[Detector],
    profiles: Sequence[Profile],
    stealths: Sequence[float | None],
    *,
    unusual: bool = False,
) -> tuple[list[tuple[str, str, Tally]], list[dict[str, object]]]:
    """Pooled tallies by detector and setting, and one record a marketplace."""
    pooled = {
        (detector.name, setting_name(stealth)): Tally() for stealth in stealths for detector in detectors
    }
    records: list[dict[str, object]] = []
    for profile in profiles:
        for stealth in stealths:
            market = make_market(profile, stealth, unusual=unusual)
            for detector in detectors:
                started = time.perf_counter()
                counts = tally(market.truth, accuse(detector, market))
                seconds = time.perf_counter() - started
                pooled[detector.name, setting_name(stealth)] += counts
                record = {"detector": detector.name, "seed": profile.seed, "setting": setting_name(stealth)}
                records.append(
                    record | {"claims": market.claims.height, "seconds": seconds, **counts.to_dict()}
                )
    return [(name, setting, counts) for (name, setting), counts in pooled.items()], records


def print_parts(pooled: Sequence[tuple[str, str, Tally]]) -> None:
    """Print recall by pattern and the accused among look-alikes, a column a setting."""
    for detector in dict.fromkeys(name for name, _, _ in pooled):
        own = [(setting, counts) for name, setting, counts in pooled if name == detector]
        planted = [(setting, counts) for setting, counts in own if counts.members]
        for title, parts in (
            ("recall by pattern", [(setting, counts.members) for setting, counts in planted]),
            ("honest buyers accused", [(setting, counts.lookalikes) for setting, counts in own]),
        ):
            names = sorted({name for _, shares in parts for name in shares})
            rows = [[name or "(none)", *(shares.get(name, "-") for _, shares in parts)] for name in names]
            print_table(f"{detector}: {title}", ["", *(setting for setting, _ in parts)], rows)


def print_markets(profiles: Sequence[Profile], records: Sequence[dict[str, object]]) -> None:
    """Print each marketplace with precision and recall of every run on it."""
    rows = []
    for profile in profiles:
        for record in records:
            if record["seed"] != profile.seed:
                continue
            rows.append(
                [
                    profile.seed,
                    f"{profile.buyers} buyers, {record['claims']} claims, {profile.merchants} merchants, "
                    f"{profile.days} days, {profile.resolution_seconds} s",
                    ("orders " if profile.has_orders else "") + " ".join(profile.kinds) or "-",
                    record["detector"],
                    record["setting"],
                    *(_share(record[name]) for name in ("precision", "recall")),
                    record["false_rings"],
                    f"{record['seconds']:.1f}",
                ]
            )
    header = [
        "seed",
        "marketplace",
        "known",
        "detector",
        "setting",
        "precision",
        "recall",
        "false rings",
        "s",
    ]
    print_table("Each marketplace", header, rows)


def _share(figure: object) -> str:
    value = figure["share"] if isinstance(figure, dict) else None
    return "-" if value is None else f"{value:.3f}"


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prototype", type=Path, action="append", default=[], help="a program to run beside")
    parser.add_argument("--without-product", action="store_true", help="run the prototypes alone")
    parser.add_argument("--seeds", type=int, default=10, help="marketplaces (default 10)")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--stealth", type=float, action="append", help="default 0, 0.3 and 0.5")
    parser.add_argument("--without-clean", action="store_true", help="leave out the runs without rings")
    parser.add_argument("--without-rings", action="store_true", help="only the runs without rings")
    parser.add_argument("--unusual", action="store_true", help="add unusual look-alikes and rings")
    parser.add_argument("--smallest", type=int, default=2_000, help="fewest buyers (default 2000)")
    parser.add_argument("--largest", type=int, default=100_000, help="most buyers (default 100000)")
    parser.add_argument("--each", action="store_true", help="print every marketplace too")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    detectors = chosen_detectors(not asked.without_product, asked.prototype)
    stealths: list[float | None] = [] if asked.without_clean else [None]
    stealths += [] if asked.without_rings else asked.stealth or [0.0, 0.3, 0.5]
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    profiles = [draw_profile(seed, asked.smallest, asked.largest) for seed in seeds]
    machine = describe_machine(["ringfence", "polars", "numpy", "numba"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    pooled, records = measure(detectors, profiles, stealths, unusual=asked.unusual)
    if asked.each:
        print_markets(profiles, records)
    print_parts(pooled)
    print_table("Hidden marketplaces (Wilson 95 %)", QUALITY_HEADER, quality_rows(pooled))
    if asked.json:
        figures = [
            {"detector": name, "setting": setting, **counts.to_dict()} for name, setting, counts in pooled
        ]
        drawn = [asdict(profile) for profile in profiles]
        write_json(asked.json, {"machine": machine, "figures": figures, "profiles": drawn, "runs": records})


if __name__ == "__main__":
    main()
