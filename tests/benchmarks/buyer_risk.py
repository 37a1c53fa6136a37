"""How long it takes to work out all buyers' risks, and to tell one with its reasons, on both stores.

    python tests/benchmarks/buyer_risk.py --claims 1000000 --reports 1000000

A marketplace of so many claims is loaded into a store of each kind, with so many reports by merchants who
were claimed against. All reports are weighed, all risks worked out, and a run with them is published; then
buyers drawn at random are asked for, one after the other. Goals for a million of each: 10 s to weigh all
reports, 60 s to work all risks out after a run; one buyer with reasons at p99 within 10 ms on the embedded
store, and 3 statements and 25 ms on a Neo4j.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from machine import describe_machine
from marketplaces import write_marketplace
from measuring import print_table, write_json

sys.path.insert(0, str(Path(__file__).parents[1]))

from detect_in_store import load, now

from neo4j_server import Neo4jServer
from ringfence.app import StoresByAddress
from ringfence.domain.policy import Policy, ReportPolicy
from ringfence.domain.scope import Principal, Role
from ringfence.market.results import SCHEMAS
from ringfence.risk.gathering import Findings
from ringfence.services.assess_buyers import assess_buyers
from ringfence.services.buyer_risk import buyer_risk
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.weigh_reports import weigh_reports
from ringfence.store import Store

ANA = Principal("ana", Role.INVESTIGATOR)
POLICY = Policy(reports=ReportPolicy(several=1_000.0))
"""No report opens a verification, of which there would be more here than there are people."""
ROUNDS = 3
WARM_UP = 500


class StatementCount(logging.Handler):
    """Counts the statements that a Neo4j is sent."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.statements = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one message of the driver's."""
        self.statements += " RUN " in record.getMessage()


def write_files(folder: Path, claims: int, reports: int) -> Path:
    """Make the marketplace, and reports of claims drawn at random; give the folder to load."""
    write_marketplace(claims, folder, csv=False, seed=1, zipf=1.0)
    made = folder / "parquet"
    rows = pl.read_parquet(made / "claims.parquet", columns=["buyer_id", "merchant_id", "filed_at"])
    chosen = rows.sample(reports, seed=1, with_replacement=True).with_row_index("number")
    chosen.select(
        pl.format("r{}", "number").alias("report_id"),
        "merchant_id",
        "buyer_id",
        reported_at=pl.col("filed_at") + pl.duration(days=1),
    ).write_parquet(made / "reports.parquet")
    return made


def fastest(act: Callable[[], object]) -> float:
    """Do it a few times; give the seconds of the fastest."""
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def work_out(store: Store) -> tuple[float, float]:
    """Publish a run; give seconds to weigh all reports, and to work out all risks with them."""
    request = StoreDetectionRequest(publish_anyway="a benchmark", policy=POLICY)
    detect_in_store(request, store, now)
    market, version, tables = store.market.read(), store.market.version(), store.rings.tables()
    findings = Findings(*(tables[name].select(list(SCHEMAS[name])) for name in ("rings", "members", "links")))
    moment = now()
    weighing = fastest(lambda: weigh_reports(store, market, POLICY.reports, moment))

    def all_of_it() -> None:
        reports = weigh_reports(store, market, POLICY.reports, moment)
        assess_buyers(store, market, version, findings, reports, POLICY, moment)

    return weighing, fastest(all_of_it)


def ask(store: Store, buyer_ids: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Ask for one buyer after the other; give milliseconds."""
    taken = []
    for buyer_id in buyer_ids:
        begun = time.perf_counter()
        buyer_risk(store, ANA, buyer_id, POLICY, now())
        taken.append((time.perf_counter() - begun) * 1e3)
    return np.array(taken[WARM_UP:])


def count_statements(act: Callable[[], object]) -> int:
    """Give how many statements a Neo4j is sent."""
    counter, log = StatementCount(), logging.getLogger("neo4j.io")
    log.addHandler(counter)
    log.setLevel(logging.DEBUG)
    act()
    log.setLevel(logging.WARNING)
    log.removeHandler(counter)
    return counter.statements


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--claims", type=int, default=1_000_000, help="(default 1000000)")
    parser.add_argument("--reports", type=int, default=1_000_000, help="(default 1000000)")
    parser.add_argument("--asked", type=int, default=3_000, help="buyers asked for (default 3000)")
    parser.add_argument("--store", action="append", choices=("sqlite", "neo4j"), help="default both")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    machine = describe_machine(["ringfence", "neo4j", "neo4j-rust-ext", "polars", "numpy"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    figures: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        inputs = write_files(folder, asked.claims, asked.reports)
        claims = pl.read_parquet(inputs / "claims.parquet", columns=["buyer_id"])
        drawn = claims["buyer_id"].sample(asked.asked + WARM_UP, seed=2, with_replacement=True).to_list()
        for name in asked.store or ("sqlite", "neo4j"):
            address = str(folder / "store.sqlite")
            if name == "neo4j":
                server = Neo4jServer(folder / "server", heap="2g", pagecache="1g", java_options=())
                address = stack.enter_context(server).address
            store = stack.enter_context(closing(StoresByAddress().open(address, create=True)))
            load(store, inputs)
            weighing, working = work_out(store)
            by_people = ask(store, drawn)
            figures[name] = {
                "weigh_seconds": weighing,
                "assess_seconds": working,
                "p50_ms": float(np.median(by_people)),
                "p99_ms": float(np.quantile(by_people, 0.99)),
            }
            if name == "neo4j":
                buyer_id = drawn[0]
                figures[name]["statements"] = count_statements(
                    partial(buyer_risk, store, ANA, buyer_id, POLICY, now())
                )
    print_table(
        "seconds to weigh all reports and to work out all risks, milliseconds and statements to tell one",
        ("store", "weigh", "work out", "p50", "p99", "statements"),
        [
            (
                name,
                f"{taken['weigh_seconds']:.2f}",
                f"{taken['assess_seconds']:.2f}",
                f"{taken['p50_ms']:.2f}",
                f"{taken['p99_ms']:.2f}",
                f"{taken['statements']:.0f}" if "statements" in taken else "",
            )
            for name, taken in figures.items()
        ],
    )
    if asked.json:
        write_json(asked.json, {"machine": machine, "figures": figures})


if __name__ == "__main__":
    main()
