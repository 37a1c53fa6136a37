"""Both recipes beside Ringfence inside one warm process, so that neither pays for starting Python.

    python tests/benchmarks/speed_in_process.py DATA

DATA is what marketplaces.py wrote. Two spans are timed: `whole`, from the Parquet file to rings with their
reasons (Ringfence checks and pseudonymises every row in it), and `finding`, from what was read to rings.
"""

import argparse
import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import networkx as nx
import polars as pl
from machine import describe_machine
from measuring import print_table, write_json
from recipe_fast import find_communities
from recipe_input import read_keys
from recipe_networkx import project

from ringfence.detection.detect import find_rings
from ringfence.detection.parameters import Parameters
from ringfence.detection.report import report
from ringfence.domain.progress import Silent
from ringfence.intake import IntakeOptions, PseudonymKey, read_market
from ringfence.market import Market


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Give the median time of `work` over `repeats` runs."""
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return median(taken)


def read(folder: Path) -> Market:
    """Read a marketplace as `ringfence detect` does."""
    return read_market([folder], IntakeOptions(), PseudonymKey(secrets.token_bytes(32))).market


def find(market: Market, with_reasons: bool) -> None:
    """Find rings, and say why."""
    found = find_rings(market, Parameters(), Silent())
    if with_reasons:
        report(market, found, Parameters(), links=False, previous=None, progress=Silent())


def read_and_find(folder: Path) -> None:
    """Do all that lies between a file and rings with reasons."""
    find(read(folder), with_reasons=True)


def louvain(keys: pl.DataFrame) -> object:
    """Run the NetworkX recipe on its keys."""
    return nx.community.louvain_communities(project(keys), weight="weight", seed=1)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder that marketplaces.py wrote")
    parser.add_argument("--repeats", type=int, default=5, help="runs of Ringfence a row (default 5)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    machine = describe_machine(["ringfence", "polars", "numpy", "numba", "networkx", "networkit"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    rows: list[list[object]] = []
    for name, claims, recipe, goal in (
        ("recipe_networkx", 100_000, louvain, 100.0),
        ("recipe_fast", 1_000_000, find_communities, 2.0),
    ):
        folder = asked.data / str(claims) / "parquet"
        if not folder.is_dir():
            continue
        keys, market = read_keys(folder), read(folder)
        find(market, with_reasons=True)
        own = {
            "finding": seconds(partial(find, market, False), asked.repeats),
            "whole": seconds(partial(read_and_find, folder), asked.repeats),
        }
        peer = {"finding": seconds(partial(recipe, keys), 1)}
        peer["whole"] = peer["finding"] + seconds(partial(read_keys, folder), 1)
        rows += [
            [
                name,
                claims,
                span,
                f"{peer[span]:.2f}",
                f"{own[span]:.3f}",
                f"{peer[span] / own[span]:.1f}",
                goal,
            ]
            for span in ("finding", "whole")
        ]
    print_table("In one warm process", ["peer", "claims", "span", "s", "own s", "times faster", "goal"], rows)
    if asked.json:
        write_json(asked.json, {"machine": machine, "rows": rows})


if __name__ == "__main__":
    main()
