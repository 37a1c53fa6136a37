"""How long it takes to weigh all reports, and how much memory.

    python tests/benchmarks/report_weight.py --reports 1000000

One process makes the reports and weighs them; every size is a process of its own, so that its peak memory is
its own. Goal: 10 s for 1,000,000 reports about 200,000 buyers by 20,000 merchants on two cores. One report in
fifty is about a buyer without a claim; one merchant files 50,000, one buyer has 2,000 accusers, and 200 gangs
of 2 to 20 merchants accuse 3 to 10 buyers each together. `crowded` is the worst of its size: nobody has a
claim, and each buyer has as many accusers as are compared.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from machine import describe_machine
from measuring import print_table, run_measured
from numpy.typing import NDArray

from ringfence.domain.buyers import ReportRef
from ringfence.domain.policy import ReportPolicy
from ringfence.market.reports import ReportColumns
from ringfence.risk.independence import MOST_ACCUSERS
from ringfence.risk.report_weight import DECIDED, weigh_buyers, weigh_merchants

NOW = 1_760_000_000_000_000
DAY = 86_400_000_000
GOAL_SECONDS = 10.0
KINDS = ("usual", "crowded")


def make(
    kind: str, reports: int, seed: int
) -> tuple[ReportColumns, NDArray[np.bool_], dict[str, str], pl.DataFrame]:
    """Make reports, which of them come with a claim, owners, and 5,000 verifications that ended."""
    chance = np.random.default_rng(seed)
    buyers, merchants = max(reports // 5, 10), max(reports // 50, 30)
    if kind == "crowded":
        buyers = max(reports // MOST_ACCUSERS, 3)
        merchant = np.concatenate([chance.permutation(merchants)[: reports // buyers] for _ in range(buyers)])
        buyer = np.repeat(np.arange(buyers), len(merchant) // buyers)
        claimed = np.zeros(len(buyer), np.bool_)
    else:
        buyer = (buyers * chance.random(reports) ** 1.5).astype(np.int64)
        merchant = (merchants * chance.random(reports) ** 3).astype(np.int64)
        merchant[: reports // 20] = 7
        buyer[reports // 20 : reports // 20 + reports // 500] = 11
        claimed = chance.random(reports) >= 0.02
        at = reports // 2
        for _ in range(reports // 5_000):
            gang = chance.choice(merchants, chance.integers(2, 21), replace=False)
            accused = chance.choice(buyers, chance.integers(3, 11), replace=False)
            rows = slice(at, at + len(gang) * len(accused))
            merchant[rows], buyer[rows] = np.repeat(gang, len(accused)), np.tile(accused, len(gang))
            claimed[rows] = False
            at = rows.stop
    reported_at = NOW - chance.integers(0, 365 * DAY, len(buyer))
    order = np.lexsort((reported_at, buyer))
    ids = pl.Series(np.arange(len(buyer))).cast(pl.String).str.zfill(9)
    columns = ReportColumns(
        "rep-" + ids,
        "buyer-" + pl.Series(np.arange(buyers)).cast(pl.String).str.zfill(9),
        "merchant-" + pl.Series(np.arange(merchants)).cast(pl.String).str.zfill(9),
        buyer[order].astype(np.int32),
        merchant[order].astype(np.int32),
        reported_at[order],
    )
    owners = {
        name: f"owner-{place // 3}" for place, name in enumerate(columns.merchant_ids) if place % 4 == 0
    }
    chosen = chance.choice(len(buyer), min(5_000, len(buyer)), replace=False)
    decided = pl.DataFrame(
        {
            "buyer_id": columns.buyer_ids.gather(columns.buyer[chosen]),
            "merchant_id": columns.merchant_ids.gather(columns.merchant[chosen]),
            "outcome": [("confirmed", "rejected", "inconclusive")[place % 3] for place in range(len(chosen))],
            "at": columns.reported_at[chosen] + DAY,
        },
        schema=DECIDED,
    )
    return columns, claimed[order], owners, decided


def measure(kind: str, reports: int, seed: int) -> None:
    """Weigh once and print seconds, rows and the size of the largest group."""
    columns, claimed, owners, decided = make(kind, reports, seed)
    accusing = columns.merchant_ids.gather(columns.merchant[::1000])
    withdrawn = [ReportRef(*pair) for pair in zip(accusing, columns.report_ids[::1000], strict=True)]
    policy = ReportPolicy()
    started = time.perf_counter()
    merchants = weigh_merchants(columns, withdrawn, claimed, owners, decided, policy, NOW)
    weighed = weigh_buyers(columns, merchants, withdrawn, decided, policy, NOW)
    seconds = time.perf_counter() - started
    groups = weigh_merchants(columns, withdrawn, claimed, {}, decided, policy, NOW)["group"]
    largest = int(groups.value_counts()["count"].max())  # type: ignore[arg-type]
    print(seconds, len(weighed), int((weighed["weight"] >= policy.several).sum()), largest)


def main() -> None:
    """Measure each kind in a process of its own, and one that makes the reports alone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reports", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        measure(options.only, options.reports, options.seed)
        return
    os.environ.setdefault("POLARS_MAX_THREADS", "2")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            log = Path(folder) / kind
            command = [
                sys.executable,
                __file__,
                "--reports",
                str(options.reports),
                "--seed",
                str(options.seed),
            ]
            measured = run_measured([*command, "--only", kind], log)
            seconds, buyers, several, largest = log.read_text().split()
            rows.append(
                (
                    kind,
                    f"{float(seconds):.2f}",
                    GOAL_SECONDS,
                    f"{measured.peak_mib:.0f}",
                    buyers,
                    several,
                    largest,
                )
            )
    print(describe_machine(["numpy", "scipy", "polars"]))
    print_table(
        f"{options.reports:,} reports",
        ("kind", "seconds", "goal", "peak MiB", "buyers", "to verify", "largest group"),
        rows,
    )


if __name__ == "__main__":
    main()
