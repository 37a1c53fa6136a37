"""Time and memory of Ringfence and of the programs it is meant to replace, on the same data in one run.

    python tests/benchmarks/marketplaces.py DATA --claims 100000 --claims 1000000 --claims 10000000 --csv
    python tests/benchmarks/speed.py DATA --prototypes FOLDER --json speed.json

Programs take turns, so that whatever else the machine does falls on all of them; each runs once unmeasured
on the smallest data first, because a first run compiles. A row whose program or data is missing is left out.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from detectors import PRODUCT, Detector, peeling, prototype
from machine import describe_machine
from measuring import Measured, print_table, run_measured, write_json

HERE = Path(__file__).parent
SMALL, MIDDLE, LARGE = 100_000, 1_000_000, 10_000_000


@dataclass(frozen=True)
class Comparison:
    """A peer that the product is measured against, and by how much it is to win."""

    peer: Detector
    claims: int
    times_faster: float | None
    """Goal: the peer's seconds over the product's; None where the ratio is only reported."""
    memory_share: float | None
    """Goal: the product's peak over the peer's; None where only time counts."""


@dataclass(frozen=True)
class Runs:
    """Repeated runs of one program on one marketplace."""

    seconds: float
    """Median."""
    peak_mib: float
    """Median."""
    precision: float
    recall: float
    """Of the planted members: a program that is fast because it finds nothing, or accuses all, shows."""


def comparisons(prototypes: Path | None) -> list[Comparison]:
    """The recipes, and the prototypes where their folder is given."""
    rows = [
        Comparison(prototype(HERE / "recipe_networkx.py"), SMALL, 100.0, None),
        Comparison(prototype(HERE / "recipe_fast.py"), MIDDLE, 2.0, 0.5),
        Comparison(peeling(1), MIDDLE, None, None),
        Comparison(peeling(10), MIDDLE, None, None),
    ]
    if prototypes is not None:
        rows.append(Comparison(prototype(prototypes / "grow_rings.py"), MIDDLE, 5.0, 0.5))
        rows.append(Comparison(prototype(prototypes / "grow_rings_fast.py"), MIDDLE, 1.0, None))
    return [row for row in rows if Path(row.peer.command[1]).exists()]


def precision_and_recall(members: Path, truth: Path) -> tuple[float, float]:
    """Share of planted members among the reported, and of the reported among the planted."""

    def buyers(path: Path) -> set[str]:
        with path.open(newline="") as file:
            return {row["buyer_id"] for row in csv.DictReader(file)}

    planted, reported = buyers(truth), buyers(members)
    right = len(planted & reported)
    return right / max(1, len(reported)), right / max(1, len(planted))


def take_turns(programs: Sequence[Detector], market: Path, repeats: int) -> list[Runs]:
    """Run `programs` one after another, `repeats` times over, on the marketplace in `market`."""
    measured: list[list[Measured]] = [[] for _ in programs]
    right = [(0.0, 0.0) for _ in programs]
    for _ in range(repeats):
        for number, program in enumerate(programs):
            with TemporaryDirectory(prefix="ringfence-speed-") as folder:
                out = Path(folder, "out")
                command = program.arguments(market / program.file_format, out)
                measured[number].append(run_measured(command, Path(folder, "log")))
                right[number] = precision_and_recall(out / "members.csv", market / "truth.csv")
    return [
        Runs(median(run.seconds for run in runs), median(run.peak_mib for run in runs), *shares)
        for runs, shares in zip(measured, right, strict=True)
    ]


def verdict(is_met: bool) -> str:
    """One word for the last column."""
    return "met" if is_met else "MISSED"


def compare(row: Comparison, data: Path, repeats: int, with_product: bool) -> dict[str, object]:
    """Measure one row; without the product only the peer's own cost is known."""
    programs = [row.peer, PRODUCT] if with_product else [row.peer]
    runs = take_turns(programs, data / str(row.claims), repeats)
    peer = runs[0]
    figures: dict[str, object] = {
        "peer": row.peer.name,
        "claims": row.claims,
        "peer_seconds": peer.seconds,
        "peer_peak_mib": peer.peak_mib,
        "peer_precision": peer.precision,
        "peer_recall": peer.recall,
        "goal_times_faster": row.times_faster,
        "goal_memory_share": row.memory_share,
    }
    if with_product:
        own = runs[1]
        faster, share = peer.seconds / own.seconds, own.peak_mib / peer.peak_mib
        is_fast = row.times_faster is None or faster >= row.times_faster
        is_met = is_fast and (row.memory_share is None or share <= row.memory_share)
        figures |= {
            "seconds": own.seconds,
            "peak_mib": own.peak_mib,
            "precision": own.precision,
            "recall": own.recall,
            "times_faster": faster,
            "memory_share": share,
            "is_met": is_met,
        }
    return figures


def measure_scale(data: Path, repeats: int, sizes: Sequence[int]) -> list[dict[str, object]]:
    """The product alone from Parquet to rings, at each of `sizes`, and how its time grows."""
    limits = {MIDDLE: 1024.0, LARGE: 4096.0}
    measured: list[dict[str, object]] = []
    before: Runs | None = None
    for claims in sizes:
        runs = take_turns([PRODUCT], data / str(claims), repeats)[0]
        growth = runs.seconds / before.seconds if before else None
        measured.append(
            {
                "claims": claims,
                "seconds": runs.seconds,
                "peak_mib": runs.peak_mib,
                "precision": runs.precision,
                "recall": runs.recall,
                "growth": growth,
                "limit_mib": limits[claims],
                "limit_growth": 15.0 if growth else None,
                "is_met": runs.peak_mib <= limits[claims] and (growth is None or growth <= 15.0),
            }
        )
        before = runs
    return measured


def warm_up(programs: Sequence[Detector], data: Path) -> None:
    """Run each program once, so that none is charged for compiling."""
    smallest = min(int(folder.name) for folder in data.iterdir() if folder.name.isdigit())
    for program in programs:
        if program.name != "recipe_networkx":
            take_turns([program], data / str(smallest), 1)


def print_figures(rows: Sequence[dict[str, object]], scale: Sequence[dict[str, object]]) -> None:
    """Print both tables."""

    def cell(value: object, digits: int = 2) -> str:
        return f"{value:.{digits}f}" if isinstance(value, float) else "-"

    table = [
        [
            row["peer"],
            row["claims"],
            cell(row["peer_seconds"]),
            cell(row["peer_peak_mib"], 0),
            f"{cell(row['peer_precision'])} {cell(row['peer_recall'])}",
            cell(row.get("seconds")),
            cell(row.get("peak_mib"), 0),
            f"{cell(row.get('precision'))} {cell(row.get('recall'))}",
            f"{cell(row.get('times_faster'), 1)} (goal {cell(row['goal_times_faster'], 0)})",
            f"{cell(row.get('memory_share'))} (goal {cell(row['goal_memory_share'])})",
            verdict(bool(row["is_met"])) if "is_met" in row and row["goal_times_faster"] else "-",
        ]
        for row in rows
    ]
    header = [
        "peer",
        "claims",
        "s",
        "MiB",
        "recall",
        "own s",
        "MiB",
        "recall",
        "times faster",
        "memory",
        "goal",
    ]
    print_table("Ringfence beside its peers (medians)", header, table)
    table = [
        [
            row["claims"],
            cell(row["seconds"]),
            f"{cell(row['peak_mib'], 0)} (limit {cell(row['limit_mib'], 0)})",
            f"{cell(row['precision'])} {cell(row['recall'])}",
            f"{cell(row['growth'], 1)} (limit {cell(row['limit_growth'], 0)})",
            verdict(bool(row["is_met"])),
        ]
        for row in scale
    ]
    if table:
        print_table("Parquet to rings", ["claims", "s", "MiB", "P R", "growth", "goal"], table)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder that marketplaces.py wrote")
    parser.add_argument("--prototypes", type=Path, help="folder with grow_rings.py and grow_rings_fast.py")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each program a row (default 3)")
    parser.add_argument("--without-product", action="store_true", help="measure the peers alone")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    with_product = not asked.without_product

    def is_there(claims: int, program: Detector) -> bool:
        return Path(asked.data, str(claims), program.file_format).is_dir()

    chosen = [row for row in comparisons(asked.prototypes) if is_there(row.claims, row.peer)]
    if not chosen:
        sys.exit(
            f"{asked.data} holds none of the marketplaces that are compared; make them with marketplaces.py"
        )
    machine = describe_machine(["ringfence", "polars", "numpy", "numba", "networkx", "networkit"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    warm_up([row.peer for row in chosen] + ([PRODUCT] if with_product else []), asked.data)
    rows = [compare(row, asked.data, asked.repeats, with_product) for row in chosen]
    sizes = [claims for claims in (MIDDLE, LARGE) if is_there(claims, PRODUCT)] if with_product else []
    scale = measure_scale(asked.data, asked.repeats, sizes)
    print_figures(rows, scale)
    if asked.json:
        write_json(asked.json, {"machine": machine, "peers": rows, "scale": scale, "repeats": asked.repeats})


if __name__ == "__main__":
    main()
