"""The recipes next to Ringfence inside one warm process, so that none pays for starting Python.

    python tests/benchmarks/speed_in_process.py DATA

DATA is what marketplaces.py wrote. Two spans are timed: `whole`, from the Parquet file to rings with their
reasons (Ringfence checks and pseudonymises every row in it), and `finding`, from what was read to rings.
FRAUDAR's peeling finds one block a pass, so it is timed for one block and for ten. Peers give no p-values, so
Ringfence is timed next to them without; what p-values add stands in a table of its own.
"""

import argparse
import io
import re
import runpy
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import networkx as nx
import polars as pl
from machine import describe_machine
from measuring import print_table, write_json
from recipe_fast import find_communities
from recipe_fraudar import peel_blocks, read_edges
from recipe_input import read_keys
from recipe_networkx import project

from ringfence.detection.detect import find_rings
from ringfence.detection.parameters import Parameters
from ringfence.detection.report import report
from ringfence.domain.progress import Silent
from ringfence.intake import IntakeOptions, PseudonymKey, read_market
from ringfence.market import Market


@dataclass(frozen=True)
class Peer:
    """A program that is called in this process."""

    name: str
    claims: int
    read: Callable[[Path], pl.DataFrame]
    """The folder with claims.parquet to what `find` takes."""
    find: Callable[[pl.DataFrame], object]
    goal: float
    """How many times as fast Ringfence is to be."""


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


PLAIN = Parameters().without_p_values()


def find(market: Market, with_reasons: bool, parameters: Parameters = PLAIN) -> None:
    """Find rings, and say why."""
    found = find_rings(market, parameters, Silent())
    if with_reasons:
        report(market, found, parameters, links=False, past=None, progress=Silent())


def read_and_find(folder: Path) -> None:
    """Do all that lies between a file and rings with reasons."""
    find(read(folder), with_reasons=True)


def louvain(keys: pl.DataFrame) -> object:
    """Run the NetworkX recipe on its keys."""
    return nx.community.louvain_communities(project(keys), weight="weight", seed=1)


PEERS = (
    Peer("recipe_networkx", 100_000, read_keys, louvain, 100.0),
    Peer("recipe_fast", 1_000_000, read_keys, find_communities, 20.0),
    Peer("recipe_fraudar, one block", 1_000_000, read_edges, partial(peel_blocks, blocks=1), 20.0),
    Peer("recipe_fraudar, ten blocks", 1_000_000, read_edges, partial(peel_blocks, blocks=10), 20.0),
)


def own_seconds(folder: Path, repeats: int) -> dict[str, float]:
    """Give the seconds Ringfence takes in each span, warm."""
    market = read(folder)
    find(market, with_reasons=True)
    return {
        "finding": seconds(partial(find, market, False), repeats),
        "whole": seconds(partial(read_and_find, folder), repeats),
    }


def compare_p_values(claims: int, folder: Path) -> list[object]:
    """Give a row of CPU seconds that finding takes, warm, without and with p-values."""
    market = read(folder)
    taken = []
    for parameters in (PLAIN, Parameters()):
        find(market, False, parameters)
        begun = time.process_time()
        find(market, False, parameters)
        taken.append(time.process_time() - begun)
    return [claims, f"{taken[0]:.2f}", f"{taken[1]:.2f}", f"{taken[1] / taken[0]:.1f}"]


def peer_seconds(peer: Peer, folder: Path) -> dict[str, float]:
    """Give the seconds `peer` takes in each span, once."""
    data = peer.read(folder)
    finding = seconds(partial(peer.find, data), 1)
    return {"finding": finding, "whole": finding + seconds(partial(peer.read, folder), 1)}


def prototype_seconds(script: Path, parquet: Path) -> float:
    """Give the seconds grow_rings_fast.py spends on finding, by its own clock, in its second (warm) run.

    Counted are its laps from counting shared values to growth; not its imports, reading, doors and writing.
    """
    said = io.StringIO()
    before = sys.argv
    with TemporaryDirectory(prefix="ringfence-speed-") as out, redirect_stdout(said):
        sys.argv = [str(script), str(parquet), out]
        try:
            main_of = runpy.run_path(str(script))["main"]
            for _ in range(2):
                said.truncate(0)
                main_of(str(parquet), out)
        finally:
            sys.argv = before
    laps = re.findall(r"^(.+?)\s+([0-9.]+)s\s+rss", said.getvalue(), re.MULTILINE)
    counted = ("sharing", "sort", "local rates", "pairs", "grow")
    return sum(float(taken) for lap, taken in laps if lap.strip("\0").startswith(counted))


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder that marketplaces.py wrote")
    parser.add_argument("--prototype", type=Path, help="grow_rings_fast.py, to be timed too")
    parser.add_argument("--repeats", type=int, default=5, help="runs of Ringfence a row (default 5)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    machine = describe_machine(["ringfence", "polars", "numpy", "numba", "networkx", "networkit"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    rows: list[list[object]] = []
    own: dict[int, dict[str, float]] = {}
    for peer in PEERS:
        folder = asked.data / str(peer.claims) / "parquet"
        if not folder.is_dir():
            continue
        if peer.claims not in own:
            own[peer.claims] = own_seconds(folder, asked.repeats)
        taken_by_peer = peer_seconds(peer, folder)
        for span, taken in own[peer.claims].items():
            times = taken_by_peer[span] / taken
            figures = [f"{taken_by_peer[span]:.2f}", f"{taken:.3f}", f"{times:.1f}"]
            rows.append([peer.name, peer.claims, span, *figures, peer.goal if span == "finding" else "-"])
    compared = [compare_p_values(claims, asked.data / str(claims) / "parquet") for claims in own]
    folder = asked.data / "1000000" / "parquet"
    if asked.prototype and folder.is_dir():
        market = read(folder)
        find(market, with_reasons=False)
        taken = seconds(partial(find, market, False), asked.repeats)
        peer_taken = prototype_seconds(asked.prototype, folder / "claims.parquet")
        figures = [f"{peer_taken:.2f}", f"{taken:.3f}", f"{peer_taken / taken:.1f}"]
        rows.append([asked.prototype.stem, 1_000_000, "finding", *figures, 1.0])
    print_table("In one warm process", ["peer", "claims", "span", "s", "own s", "times faster", "goal"], rows)
    print_table("What p-values cost", ["claims", "CPU s without", "CPU s with", "times"], compared)
    if asked.json:
        write_json(asked.json, {"machine": machine, "rows": rows, "p_values": compared})


if __name__ == "__main__":
    main()
