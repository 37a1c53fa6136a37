"""Programs that find rings, behind one question: who do you accuse in this marketplace?"""

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import polars as pl
from measuring import ProgramFailedError, run_measured


@dataclass(frozen=True)
class Marketplace:
    """What a detector may see, and the truth that it may not."""

    claims: pl.DataFrame
    """claim_id, buyer_id, merchant_id, filed_at (µs), amount, and any of address, device, payment."""
    orders: pl.DataFrame | None
    """order_id, buyer_id, merchant_id, ordered_at (µs), amount; None where orders are not known."""
    truth: pl.DataFrame
    """buyer_id, ring_id and pattern (null where honest), lookalike ("" where nothing), a row a buyer."""
    reports: pl.DataFrame | None = None
    """report_id, merchant_id, buyer_id, reported_at."""


@dataclass(frozen=True)
class Detector:
    """A program that reads a folder of files and writes members.csv (ring_id, buyer_id) into another."""

    name: str
    command: tuple[str, ...]
    """Arguments; {input} and {out} stand for the two folders."""
    file_format: Literal["csv", "parquet"]

    def arguments(self, source: Path, out: Path) -> list[str]:
        """The command line that reads `source` and writes `out`."""
        return [part.format(input=source, out=out) for part in self.command]


PRODUCT = Detector(
    "ringfence",
    (sys.executable, "-m", "ringfence", "detect", "--input", "{input}", "--out", "{out}"),
    "parquet",
)


def prototype(script: Path) -> Detector:
    """A reference program, told apart by its file name because each is called in its own way.

    Raises ValueError for a name that is not known.
    """
    calls: dict[str, tuple[tuple[str, ...], Literal["csv", "parquet"]]] = {
        "grow_rings": (("{input}", "{out}"), "csv"),
        "grow_rings_fast": (("{input}/claims.parquet", "{out}"), "parquet"),
        "dense_blocks": (("--input", "{input}", "--out", "{out}"), "csv"),
        "recipe_networkx": (("{input}", "{out}"), "parquet"),
        "recipe_fast": (("{input}", "{out}"), "parquet"),
    }
    if script.stem not in calls:
        raise ValueError(f"{script.name} is not one of {', '.join(calls)}; name one of those files")
    arguments, file_format = calls[script.stem]
    return Detector(script.stem, (sys.executable, str(script), *arguments), file_format)


def chosen_detectors(with_product: bool, prototypes: list[Path]) -> list[Detector]:
    """The product, unless it is left out, and the prototypes given."""
    return ([PRODUCT] if with_product else []) + [prototype(path) for path in prototypes]


def accuse(detector: Detector, market: Marketplace) -> pl.DataFrame | None:
    """Run `detector` on `market` in a folder of its own: ring_id, buyer_id of all it reports.

    None if the program failed; its last words go to standard error.
    """
    with TemporaryDirectory(prefix="ringfence-benchmark-") as folder:
        source, out = Path(folder, "input"), Path(folder, "out")
        source.mkdir()
        write_market(market, source, detector.file_format)
        try:
            run_measured(detector.arguments(source, out), Path(folder, "log"))
        except ProgramFailedError as failure:
            print(failure, file=sys.stderr)
            return None
        members = pl.read_csv(out / "members.csv", infer_schema=False)
        return members.select("ring_id", "buyer_id")


def write_market(market: Marketplace, folder: Path, file_format: Literal["csv", "parquet"]) -> None:
    """Write the visible part of `market` under the names that a folder is read by."""
    for stem, frame in (("claims", market.claims), ("orders", market.orders), ("reports", market.reports)):
        if frame is None:
            continue
        if file_format == "csv":
            frame.write_csv(folder / f"{stem}.csv", datetime_format="%Y-%m-%dT%H:%M:%S")
        else:
            frame.write_parquet(folder / f"{stem}.parquet")
