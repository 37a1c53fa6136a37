"""An open benchmark: any program that finds rings, on marketplaces with known rings, in one table.

    python tests/benchmarks/ring_benchmark.py --market generated --seeds 2
    python tests/benchmarks/ring_benchmark.py --command "mine=./mine.sh {input} {out}"
    python tests/benchmarks/ring_benchmark.py --write FOLDER
    python tests/benchmarks/ring_benchmark.py --data FOLDER --command "theirs=cp -r results/{case}/. {out}"

A tool reads the folder {input} (claims.csv; orders.csv and reports.csv where they are known) and writes
members.csv (ring_id, buyer_id) into the folder {out}, which exists, and buyers.csv (buyer_id, score) if it
ranks buyers. docs/benchmark.md says how to add one, what each marketplace is, and how figures are computed.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmark_markets import (
    MARKETS,
    Case,
    Choice,
    WrittenCase,
    choose_cases,
    find_cases,
    generated_market,
    write_case,
)
from detectors import Detector, built_in_tools, named_command, run_detector
from machine import describe_machine
from measuring import Measured, print_table, write_json
from quality import Tally, tally

SMALLEST = 500
"""Buyers of the marketplace on which every tool first runs unmeasured: a first run may compile."""


@dataclass
class Sum:
    """What one tool did in one setting, all its marketplaces together."""

    counts: Tally = field(default_factory=Tally)
    costs: list[Measured] = field(default_factory=list)
    """Of the runs that did not fail."""

    @property
    def seconds(self) -> float | None:
        """Mean of a marketplace."""
        return sum(cost.seconds for cost in self.costs) / len(self.costs) if self.costs else None

    @property
    def cpu_seconds(self) -> float | None:
        """Mean of a marketplace, of all cores."""
        return sum(cost.cpu_seconds for cost in self.costs) / len(self.costs) if self.costs else None

    @property
    def peak_mib(self) -> float | None:
        """Largest of any marketplace."""
        return max((cost.peak_mib for cost in self.costs), default=None)

    def to_dict(self) -> dict[str, object]:
        """All figures for JSON."""
        costs = {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds, "peak_mib": self.peak_mib}
        return {**self.counts.to_dict(), **costs}


Sums = dict[tuple[str, str, str], Sum]
"""By market, setting and tool, in the order in which they were first run."""


def measure(tools: Sequence[Detector], cases: Iterable[WrittenCase], limit_seconds: float) -> Sums:
    """Run every tool on every marketplace; tools take turns, so that a busy machine disturbs all of them."""
    sums: Sums = {}
    for case in cases:
        truth = case.read_truth()
        for tool in tools:
            outcome = run_detector(tool, case.source, case.name, limit_seconds)
            own = sums.setdefault((case.market, case.setting, tool.name), Sum())
            own.counts += tally(truth, outcome.members, outcome.scores)
            if outcome.cost is not None:
                own.costs.append(outcome.cost)
            print(f"{case.name}: {tool.name} done", file=sys.stderr, flush=True)
    return sums


def written_in_turn(cases: Iterable[Case]) -> Iterator[WrittenCase]:
    """Write one marketplace at a time, and remove it when the next is asked for."""
    for case in cases:
        with TemporaryDirectory(prefix="ringfence-benchmark-") as folder:
            yield write_case(case, Path(folder))


def warm_up(tools: Sequence[Detector], limit_seconds: float) -> None:
    """Run each tool once on a tiny marketplace; what it answers, or that it fails, counts nowhere."""
    tiny = Case("generated", "tiny", 1, lambda: generated_market(SMALLEST, 1, 0.0))
    for case in written_in_turn([tiny]):
        for tool in tools:
            run_detector(tool, case.source, case.name, limit_seconds)


def print_sums(sums: Sums) -> None:
    """Print the table, and recall by pattern with a column a tool."""

    def number(value: float | None, digits: int = 3) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    rows: list[list[object]] = []
    for (market, setting, tool), own in sums.items():
        counts = own.counts
        interval = counts.f1_interval
        rate = counts.false_rings_per_100k
        f1 = "-" if interval is None else f"{number(counts.f1)} [{interval[0]:.3f}, {interval[1]:.3f}]"
        rows.append(
            [
                f"{market}, {setting}",
                tool,
                counts.accused,
                counts.recall,
                f1,
                counts.rings,
                f"{rate[0]:.1f} (at most {rate[1]:.1f})" if rate else "-",
                number(counts.average_precision),
                number(own.seconds, 2),
                number(own.cpu_seconds, 2),
                number(own.peak_mib, 0),
                f"{counts.failures} of {counts.markets}",
            ]
        )
    print_table("The benchmark (Wilson 95 %; seconds a marketplace, largest MiB)", HEADER, rows)
    tools = list(dict.fromkeys(tool for _, _, tool in sums))
    rows = []
    for market, setting in dict.fromkeys((market, setting) for market, setting, _ in sums):
        by_tool = [sums[market, setting, tool].counts.members for tool in tools]
        for pattern in sorted({pattern for shares in by_tool for pattern in shares}):
            rows.append([f"{market}, {setting}", pattern, *(shares.get(pattern, "-") for shares in by_tool)])
    if rows:
        print_table("Recall by pattern", ["marketplace", "pattern", *tools], rows)


HEADER = (
    "marketplace",
    "tool",
    "precision",
    "recall",
    "F1",
    "ring recall",
    "false rings /100k",
    "AP",
    "s",
    "CPU s",
    "MiB",
    "failed",
)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--market", action="append", choices=sorted(MARKETS), help="a kind of marketplace (default: all)"
    )
    parser.add_argument("--data", type=Path, help="use the marketplaces in this folder instead")
    parser.add_argument("--write", type=Path, help="write the marketplaces into this folder, and stop")
    parser.add_argument(
        "--command", action="append", default=[], metavar='"NAME=COMMAND {input} {out}"', help="a tool to run"
    )
    parser.add_argument(
        "--tool", action="append", choices=sorted(built_in_tools()), help="a built-in tool (default: all)"
    )
    parser.add_argument("--without-built-in", action="store_true", help="run the given commands alone")
    parser.add_argument("--seeds", type=int, default=2, help="marketplaces a setting (default 2)")
    parser.add_argument("--first-seed", type=int, default=1, help="(default 1)")
    parser.add_argument("--stealth", type=float, action="append", help="default 0, 0.3 and 0.5")
    parser.add_argument("--without-clean", action="store_true", help="leave out marketplaces without rings")
    parser.add_argument(
        "--buyers", type=int, default=20_000, help="of a generated, at most of a hidden one (default 20000)"
    )
    parser.add_argument(
        "--limit-seconds", type=float, default=600.0, help="a tool that takes longer failed (default 600)"
    )
    parser.add_argument("--json", type=Path, help="write the figures here too")
    return parser.parse_args()


def chosen_tools(asked: argparse.Namespace) -> list[Detector]:
    """The built-in tools that were chosen, and the commands given; exits where a command is not clear."""
    known = built_in_tools()
    names = [] if asked.without_built_in else asked.tool or list(known)
    try:
        tools = [known[name] for name in names] + [named_command(text) for text in asked.command]
    except ValueError as error:
        sys.exit(str(error))
    if len({tool.name for tool in tools}) < len(tools):
        sys.exit("Two tools have one name: choose another for your command")
    return tools


def main() -> None:
    """Read the arguments; write marketplaces, or measure and print."""
    asked = parse_arguments()
    stealths: list[float | None] = [] if asked.without_clean else [None]
    stealths += asked.stealth or [0.0, 0.3, 0.5]
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    cases = choose_cases(asked.market or list(MARKETS), Choice(seeds, stealths, asked.buyers))
    if asked.write:
        for case in cases:
            print(write_case(case, asked.write).folder)
        return
    tools = chosen_tools(asked)
    written = find_cases(asked.data) if asked.data else written_in_turn(cases)
    if asked.data and not written:
        sys.exit(f"{asked.data} holds no folder with truth.csv; make some with --write")
    machine = describe_machine(["ringfence", "polars", "numpy", "numba", "networkx", "networkit"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    warm_up(tools, asked.limit_seconds)
    sums = measure(tools, written, asked.limit_seconds)
    print_sums(sums)
    if asked.json:
        figures = [
            {"market": market, "setting": setting, "tool": tool, **own.to_dict()}
            for (market, setting, tool), own in sums.items()
        ]
        write_json(asked.json, {"machine": machine, "figures": figures})


if __name__ == "__main__":
    main()
