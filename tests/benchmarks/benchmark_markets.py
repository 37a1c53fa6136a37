"""The marketplaces of the open benchmark: what each is, and how it lies in files that any program can read.

A marketplace is a folder `MARKET/SETTING/seed-N`: `input` holds what a tool may see (claims.csv, and
orders.csv and reports.csv where there are any), next to it lie truth.csv and about.json.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
from detectors import Marketplace, write_market
from hidden.market import market_of_seed
from injected_blocks import ATTACKS, block_market, hijacked_market
from quality import setting_name
from real_shopping import Shopping, load_shopping, plant_market

from ringfence.generator import GeneratorOptions, generate_marketplace

ABOUT = "about.json"
TRUTH = ("buyer_id", "ring_id", "pattern", "lookalike")
TRIAL = 10_007
"""Keeps the seeds of injected blocks apart from those of injected_blocks.py."""


@dataclass(frozen=True)
class Case:
    """One marketplace that can be made."""

    market: str
    setting: str
    seed: int
    make: Callable[[], Marketplace]
    variant: str = ""
    """What sets it apart from others of the same setting and seed."""

    @property
    def name(self) -> str:
        """Its folder, relative to the others': of letters, digits, dots and dashes."""
        parts = [self.market, self.setting.replace(" ", "-"), f"seed-{self.seed}"]
        return "/".join(parts) + (f"-{self.variant}" if self.variant else "")


@dataclass(frozen=True)
class WrittenCase:
    """One marketplace in a folder."""

    folder: Path
    name: str
    """As the tools know it: {case}."""
    market: str
    setting: str
    seed: int

    @property
    def source(self) -> Path:
        """The folder that a tool reads."""
        return self.folder / "input"

    def read_truth(self) -> pl.DataFrame:
        """buyer_id, ring_id and pattern (null where honest), lookalike ("" where nothing), a row a buyer."""
        truth = pl.read_csv(self.folder / "truth.csv", infer_schema=False)
        missing = [pl.lit(None, pl.String).alias(name) for name in TRUTH if name not in truth.columns]
        return truth.with_columns(missing).with_columns(
            pattern=pl.when(pl.col("ring_id").is_not_null()).then(pl.col("pattern").fill_null("ring")),
            lookalike=pl.col("lookalike").fill_null(""),
        )


@dataclass(frozen=True)
class Choice:
    """Which marketplaces of each kind are made."""

    seeds: Sequence[int]
    stealths: Sequence[float | None]
    """None stands for a marketplace without rings."""
    buyers: int
    """Of a generated marketplace, and the most of a hidden one."""


def generated_market(buyers: int, seed: int, stealth: float | None) -> Marketplace:
    """What `ringfence generate` makes, as a benchmark sees it."""
    made = generate_marketplace(
        GeneratorOptions(buyers=buyers, seed=seed, rings=stealth is not None, stealth=stealth or 0.0)
    )
    truth = made.truth.select(TRUTH).with_columns(pl.col("lookalike").fill_null(""))
    return Marketplace(made.claims, made.orders, truth, made.reports)


def injected_market(seed: int, attack: str, density: float) -> Marketplace:
    """A dense block without times; the attack is the pattern."""
    rng = np.random.default_rng([TRIAL + seed, ATTACKS.index(attack), round(density * 1000)])
    return _with_pattern(block_market(rng, attack, density), attack)


def burst_market(seed: int, density: float) -> Marketplace:
    """Hijacked accounts that act in bursts, 200 over `density` of them."""
    rng = np.random.default_rng([TRIAL + seed, 1])
    return _with_pattern(hijacked_market(rng, round(200 / density)), "hijacked")


def planted_market(seed: int, stealth: float | None) -> Marketplace:
    """Rings planted among real shopping."""
    return plant_market(_shopping_data(), seed, stealth)


@cache
def _shopping_data() -> Shopping:
    return load_shopping()


def _generated(choice: Choice) -> Iterator[Case]:
    for stealth, seed in product(choice.stealths, choice.seeds):
        make = partial(generated_market, choice.buyers, seed, stealth)
        yield Case("generated", setting_name(stealth), seed, make)


def _hidden(choice: Choice) -> Iterator[Case]:
    smallest = min(2_000, choice.buyers)
    for stealth, seed in product(choice.stealths, choice.seeds):
        make = partial(market_of_seed, seed, stealth, smallest, choice.buyers)
        yield Case("hidden", setting_name(stealth), seed, make)


def _shopping(choice: Choice) -> Iterator[Case]:
    for stealth, seed in product(choice.stealths, choice.seeds):
        yield Case("shopping", setting_name(stealth), seed, partial(planted_market, seed, stealth))


def _blocks(choice: Choice) -> Iterator[Case]:
    for density, seed, attack in product((0.04, 0.02), choice.seeds, ATTACKS):
        make = partial(injected_market, seed, attack, density)
        yield Case("blocks", f"density {density:g}", seed, make, attack)


def _bursts(choice: Choice) -> Iterator[Case]:
    for density, seed in product((0.2, 0.05), choice.seeds):
        yield Case("bursts", f"density {density:g}", seed, partial(burst_market, seed, density))


def _with_pattern(market: Marketplace, pattern: str) -> Marketplace:
    is_member = pl.col("ring_id").is_not_null()
    truth = market.truth.with_columns(pattern=pl.when(is_member).then(pl.lit(pattern)))
    return Marketplace(market.claims, market.orders, truth, market.reports)


MARKETS: dict[str, Callable[[Choice], Iterator[Case]]] = {
    "generated": _generated,
    "hidden": _hidden,
    "shopping": _shopping,
    "blocks": _blocks,
    "bursts": _bursts,
}
"""Kinds of marketplaces by name; docs/benchmark.md says what each is."""


def choose_cases(markets: Iterable[str], choice: Choice) -> list[Case]:
    """All marketplaces of the kinds in `markets`, in their order."""
    return [case for market in markets for case in MARKETS[market](choice)]


def write_case(case: Case, folder: Path) -> WrittenCase:
    """Make a marketplace and write it under `folder`, over a former one of the same name."""
    market, place = case.make(), folder / case.name
    (place / "input").mkdir(parents=True, exist_ok=True)
    write_market(market, place / "input", "csv")
    market.truth.select(TRUTH).write_csv(place / "truth.csv")
    about = {
        "market": case.market,
        "setting": case.setting,
        "seed": case.seed,
        "variant": case.variant,
        "claims": market.claims.height,
        "orders": None if market.orders is None else market.orders.height,
        "buyers": market.truth.height,
        "rings": market.truth["ring_id"].drop_nulls().n_unique(),
        "members": market.truth["ring_id"].count(),
    }
    (place / ABOUT).write_text(json.dumps(about, indent=2) + "\n")
    return WrittenCase(place, case.name, case.market, case.setting, case.seed)


def find_cases(folder: Path) -> list[WrittenCase]:
    """All marketplaces under `folder` that hold truth.csv, by path; about.json may be missing."""
    found = []
    for truth in sorted(folder.rglob("truth.csv")):
        place = truth.parent
        name = place.relative_to(folder).as_posix()
        about = place / ABOUT
        said = json.loads(about.read_text()) if about.exists() else {}
        market, setting = said.get("market", name), said.get("setting", "given")
        found.append(WrittenCase(place, name, market, setting, said.get("seed", 0)))
    return found
