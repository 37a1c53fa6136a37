"""A simulated marketplace on disk: whole files or none."""

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, cast

import polars as pl
import zstandard

from ringfence.domain.errors import ConflictError
from ringfence.domain.progress import Progress, Silent
from ringfence.generator.geography import COUNTRIES
from ringfence.generator.options import GeneratorOptions
from ringfence.generator.recording import Marketplace

FileFormat = Literal["csv", "parquet"]
Compression = Literal["none", "gz", "zst"]

MARKER = "marketplace.json"
"""Says how the marketplace was made."""
_MADE_BY = "ringfence generate"
_STEMS = ("claims", "orders", "reports", "merchants", "buyers", "truth")
_SUFFIXES = (".csv", ".csv.gz", ".csv.zst", ".parquet")
_TIME = "%Y-%m-%dT%H:%M:%S"
"""UTC, as times without a zone are read."""
_SILENCE = Silent()


class FolderTakenError(ConflictError):
    """The folder holds files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        what = (
            "a marketplace that ringfence generate wrote"
            if holds_marketplace(directory)
            else "files that ringfence generate did not write"
        )
        super().__init__(
            f"{directory} holds {what}: choose an empty folder, or replace its claims, orders and other "
            "tables, in any format, with --overwrite"
        )


def write_marketplace(
    marketplace: Marketplace,
    directory: Path,
    *,
    file_format: FileFormat = "csv",
    compression: Compression = "none",
    overwrite: bool = False,
    progress: Progress = _SILENCE,
) -> list[Path]:
    """Write the files of `marketplace` into `directory` and return their paths.

    Files are complete before any of them gets its name, so that whoever interrupts this leaves nothing half
    written. Files that are there raise FolderTakenError unless `overwrite`, which replaces those of the same
    stem, in whatever format, and leaves the rest alone. `compression` is of CSV; Parquet has its own.
    """
    if not overwrite and not is_free(directory):
        raise FolderTakenError(directory)
    suffix = ".parquet" if file_format == "parquet" else ".csv"
    if file_format == "csv" and compression != "none":
        suffix += f".{compression}"
    progress.stage("files", len(_STEMS))
    with _staging(directory) as staging:
        for stem in _STEMS:
            _write_frame(getattr(marketplace, stem), staging / f"{stem}{suffix}")
            progress.advance(1)
        (staging / MARKER).write_text(_describe(marketplace.options), encoding="utf-8")
    progress.done()
    return [directory / f"{stem}{suffix}" for stem in _STEMS]


def is_free(directory: Path) -> bool:
    """Return whether nothing is here that a marketplace could replace."""
    return not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))


def holds_marketplace(directory: Path) -> bool:
    """Return whether a simulated marketplace is here, and nothing else."""
    try:
        names = {entry.name for entry in directory.iterdir()}
        made_by = json.loads((directory / MARKER).read_text(encoding="utf-8"))["made_by"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    ours = {f"{stem}{suffix}" for stem in _STEMS for suffix in _SUFFIXES} | {MARKER}
    return bool(made_by == _MADE_BY) and names <= ours


@contextmanager
def _staging(directory: Path) -> Iterator[Path]:
    """Yield a folder to write into, whose files become those of `directory` if all goes well."""
    fresh = not directory.exists()
    # inside a folder that exists, since its neighbours may lie on another disk
    staging = (directory.parent if fresh else directory) / f".{directory.name}.{os.getpid()}.partial"
    staging.mkdir(parents=True)
    try:
        yield staging
        if fresh:
            staging.rename(directory)
        else:
            _move_in(staging, directory)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _move_in(staging: Path, directory: Path) -> None:
    new = {entry.name for entry in staging.iterdir()}
    for stem in _STEMS:
        for suffix in _SUFFIXES:
            if f"{stem}{suffix}" not in new:  # claims.csv beside claims.parquet would be read twice
                (directory / f"{stem}{suffix}").unlink(missing_ok=True)
    for name in sorted(new):
        (staging / name).replace(directory / name)


def _write_frame(frame: pl.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.write_parquet(path)
        return
    if "currency" in frame.columns:
        frame = frame.with_columns(_amount_text().alias("amount"))
    with _open(path) as file:
        frame.write_csv(file, datetime_format=_TIME)


def _amount_text() -> pl.Expr:
    """Return amounts with the digits of their currency: 12.34 euros, 1234 yen."""
    whole = [land.currency for land in COUNTRIES if land.exponent == 0]
    text = pl.col("amount").cast(pl.String)
    return pl.when(pl.col("currency").cast(pl.String).is_in(whole)).then(text.str.head(-3)).otherwise(text)


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        # without a time in its header the same marketplace gives the same bytes
        return cast(IO[bytes], gzip.GzipFile(path, "wb", compresslevel=6, mtime=0))
    if path.suffix == ".zst":
        return cast(IO[bytes], zstandard.open(path, "wb"))
    return path.open("wb")


def _describe(options: GeneratorOptions) -> str:
    described: dict[str, object] = {
        "made_by": _MADE_BY,
        "buyers": options.buyers,
        "seed": options.seed,
        "rings": options.rings,
        "stealth": options.stealth,
        "days": options.days,
        "starts_on": options.starts_on.isoformat(),
        "claims_per_buyer": options.claims_per_buyer,
        "orders_per_claim": options.orders_per_claim,
        "merchants": options.merchant_count,
    }
    if options.extras:
        described["extras"] = list(options.extras)
    return json.dumps(described, indent=2) + "\n"
