"""How far buyers' risks can be taken at their word, before and after people decided.

    python tests/benchmarks/risk_calibration.py --seeds 5 --first-seed 1001

Each seed gives a generated marketplace a stealth, and one of the second simulator, which the product was not
made on. All of it is loaded into an embedded store and detected with the defaults. Then people verify a
random half of the buyers at high risk, and decide about a random half of the rings, by the truth, and
detection runs again. Figures are over the buyers whom nobody verified, the same before and after: the Brier
score (less is better), that of somebody who knows the base rate alone, and the reliability table. To be true
is to belong to a ring.
"""

import argparse
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
from detectors import Marketplace
from hidden.market import market_of_seed
from machine import describe_machine
from measuring import print_table, write_json

from ringfence.app import StoresByAddress
from ringfence.domain.leases import Holder, LeaseName
from ringfence.domain.policy import CasePolicy, Policy, VerificationPolicy
from ringfence.domain.progress import Silent
from ringfence.domain.ring_decisions import Outcome
from ringfence.domain.scope import Principal, Role
from ringfence.domain.verifications import VerificationOutcome
from ringfence.evaluation.calibration import Calibration, calibration
from ringfence.generator import GeneratorOptions, generate_marketplace
from ringfence.intake import PseudonymKey
from ringfence.services.decide_rings import decide
from ringfence.services.detect_in_store import StoreDetectionRequest, detect_in_store
from ringfence.services.load_market import LoadRequest, load_market
from ringfence.services.verify_buyers import decide_verification, open_verification
from ringfence.store import Store

KEY = PseudonymKey(bytes(32))
ANA = Principal("ana", Role.INVESTIGATOR)
ALONE = Policy(
    cases=CasePolicy(second_person_to_confirm=False),
    verification=VerificationPolicy(second_person_outcomes=()),
)
REQUEST = StoreDetectionRequest(publish_anyway="a benchmark", policy=ALONE)


def generated(seed: int, buyers: int, stealth: float) -> dict[str, pl.DataFrame]:
    """Generate the files of a marketplace, the truth among them."""
    market = generate_marketplace(GeneratorOptions(buyers=buyers, seed=seed, stealth=stealth))
    names = ("claims", "orders", "reports", "merchants", "buyers", "truth")
    return {name: getattr(market, name) for name in names}


def simulated(seed: int, buyers: int, stealth: float) -> dict[str, pl.DataFrame]:
    """Draw a marketplace of the second simulator."""
    market: Marketplace = market_of_seed(seed, stealth, buyers // 2, buyers)
    frames = {"claims": market.claims, "truth": market.truth}
    others = {"orders": market.orders, "reports": market.reports}
    return frames | {name: frame for name, frame in others.items() if frame is not None}


def load(store: Store, frames: dict[str, pl.DataFrame], folder: Path) -> None:
    """Write the files, and load them."""
    for name, frame in frames.items():
        if name != "truth":
            frame.write_parquet(folder / f"{name}.parquet")
    now = time.time_ns() // 1_000
    lease = store.leases.acquire(LeaseName.LOAD, Holder("here", 1, "now"), 3_600.0, now)
    load_market(LoadRequest([folder]), KEY, store, lease, now, Silent())
    store.leases.release(lease)


def probabilities(store: Store) -> pl.DataFrame:
    """Detect; give buyer_id and probability of everybody."""
    detect_in_store(REQUEST, store, lambda: time.time_ns() // 1_000)
    return store.rings.tables()["risks"].select("buyer_id", "probability")


def feed_back(store: Store, told: pl.DataFrame, guilty: frozenset[str], seed: int) -> frozenset[str]:
    """Decide, by the truth, half of what stands out; give the buyers who were verified."""
    chance = np.random.default_rng(seed)
    now = time.time_ns() // 1_000
    high = told.filter(pl.col("probability") >= ALONE.risk.high_percent / 100)["buyer_id"].sort().to_list()
    verified = frozenset(buyer for buyer in high if chance.random() < 0.5)
    for buyer in sorted(verified):
        verification = open_verification(store, ANA, buyer, "high risk", ALONE, now)
        outcome = VerificationOutcome.CONFIRMED if buyer in guilty else VerificationOutcome.REJECTED
        decide_verification(store, ANA, verification.verification_id, outcome, "by the truth", ALONE, now)
    members = store.rings.tables()["members"]
    for ring_id in members["ring_id"].unique().sort().to_list():
        inside = members.filter(ring_id=ring_id)["buyer_id"]
        is_true = inside.is_in(list(guilty)).mean()
        assert isinstance(is_true, float)
        if chance.random() < 0.5 and is_true < 0.5:
            decide(store, ANA, ring_id, Outcome.DISMISS, "by the truth", None, now, policy=ALONE)
    return verified


def measure(frames: dict[str, pl.DataFrame], seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give probability and is_true of the buyers nobody verified, before and after."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "files"
        made.mkdir()
        with closing(StoresByAddress().open(str(Path(folder) / "store.sqlite"), create=True)) as store:
            load(store, frames, made)
            before = probabilities(store)
            ids = frames["truth"].filter(pl.col("ring_id").is_not_null())["buyer_id"].to_list()
            guilty = frozenset(ids)
            verified = feed_back(store, before, guilty, seed)
            after = probabilities(store)
    claimed = frames["claims"].select("buyer_id").unique()
    judged = claimed.filter(~pl.col("buyer_id").is_in(list(verified))).with_columns(
        is_true=pl.col("buyer_id").is_in(ids)
    )
    return before.join(judged, on="buyer_id"), after.join(judged, on="buyer_id")


def judge(rows: list[pl.DataFrame]) -> Calibration:
    """Pool the buyers of several marketplaces."""
    pooled = pl.concat(rows)
    return calibration(pooled["probability"].to_numpy(), pooled["is_true"].to_numpy())


def shown(when: str, told: Calibration) -> list[list[str]]:
    """Give the lines of a table."""
    return [
        [
            when,
            f"{row.low:g} to {row.high:g}",
            f"{row.said:.4f}",
            f"{row.found.value:.4f}",
            f"{row.found.total:,}",
        ]
        for row in told.rows
    ]


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="marketplaces a setting (default 5)")
    parser.add_argument("--first-seed", type=int, default=1, help="(default 1)")
    parser.add_argument("--buyers", type=int, default=20_000, help="accounts a marketplace (default 20000)")
    parser.add_argument("--stealth", type=float, action="append", help="default 0 and 0.5")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    machine = describe_machine(["ringfence", "polars", "numpy"])
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    figures = {}
    for maker in (generated, simulated):
        for stealth in asked.stealth or [0.0, 0.5]:
            pairs = [
                measure(maker(seed, asked.buyers, stealth), seed)
                for seed in range(asked.first_seed, asked.first_seed + asked.seeds)
            ]
            before, after = judge([first for first, _ in pairs]), judge([last for _, last in pairs])
            name = f"{maker.__name__}, stealth {stealth:g}"
            figures[name] = {"before": before.to_dict(), "after": after.to_dict()}
            print(
                f"\n{name}: Brier {before.brier:.5f} before and {after.brier:.5f} after decisions; "
                f"base rate {before.brier_of_base_rate:.5f}; skill {before.skill:.3f} and {after.skill:.3f}"
            )
            rows = shown("before", before) + shown("after", after)
            print_table(name, ["", "probability", "mean told", "found", "buyers"], rows)
    if asked.json:
        write_json(asked.json, {"machine": machine, "figures": figures})


if __name__ == "__main__":
    main()
