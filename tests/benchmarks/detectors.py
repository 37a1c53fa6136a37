"""Programs that find rings, behind one question: who do you accuse in this marketplace?"""

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import polars as pl
from measuring import Measured, ProgramFailedError, run_measured

HERE = Path(__file__).parent


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
    """Arguments; {input} and {out} stand for the two folders, {case} for the marketplace's name."""
    file_format: Literal["csv", "parquet"]

    def arguments(self, source: Path, out: Path, case: str = "") -> list[str]:
        """The command line that reads `source` and writes `out`; other braces stay as they are."""
        known = {"{input}": str(source), "{out}": str(out), "{case}": case}
        return [_replace_all(part, known) for part in self.command]


@dataclass(frozen=True)
class Outcome:
    """What a detector answered for one marketplace, and what that cost."""

    members: pl.DataFrame | None
    """ring_id, buyer_id of all that it accuses; None where it failed."""
    scores: pl.DataFrame | None = None
    """buyer_id, score (the higher, the more suspicious); None where it ranks nobody."""
    cost: Measured | None = None
    """None where it failed."""


def _replace_all(text: str, known: dict[str, str]) -> str:
    for placeholder, value in known.items():
        text = text.replace(placeholder, value)
    return text


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
        "recipe_neo4j": (("{input}", "{out}"), "parquet"),
        "recipe_fraudar": (("{input}", "{out}"), "parquet"),
    }
    if script.stem not in calls:
        raise ValueError(f"{script.name} is not one of {', '.join(calls)}; name one of those files")
    arguments, file_format = calls[script.stem]
    return Detector(script.stem, (sys.executable, str(script), *arguments), file_format)


def chosen_detectors(with_product: bool, prototypes: list[Path]) -> list[Detector]:
    """The product, unless it is left out, and the prototypes given."""
    return ([PRODUCT] if with_product else []) + [prototype(path) for path in prototypes]


def named_command(text: str) -> Detector:
    """A program given as "name=COMMAND", which reads CSV; quotes are those of a shell.

    Raises ValueError where a name, {input} or {case}, or {out} is missing.
    """
    name, _, command = text.partition("=")
    parts = tuple(shlex.split(command))
    has_source = any("{input}" in part or "{case}" in part for part in parts)
    if not name.strip() or not has_source or not any("{out}" in part for part in parts):
        raise ValueError(f'{text!r} is not like "name=COMMAND {{input}} {{out}}"')
    return Detector(name.strip(), parts, "csv")


def peeling(blocks: int) -> Detector:
    """FRAUDAR's peeling, which leaves open how many blocks to take."""
    one = prototype(HERE / "recipe_fraudar.py")
    if blocks == 1:
        return one
    return replace(one, name=f"{one.name}_{blocks}", command=(*one.command, "--blocks", str(blocks)))


def built_in_tools() -> dict[str, Detector]:
    """The tools of the open benchmark by name; all read CSV, so that reading costs each the same."""
    recipes = [prototype(HERE / f"recipe_{name}.py") for name in ("networkx", "fast", "neo4j")]
    tools = (PRODUCT, *recipes, peeling(1), peeling(10))
    return {tool.name: replace(tool, file_format="csv") for tool in tools}


def accuse(detector: Detector, market: Marketplace) -> pl.DataFrame | None:
    """Run `detector` on `market` in a folder of its own: ring_id, buyer_id of all it reports.

    None if the program failed; its last words go to standard error.
    """
    with TemporaryDirectory(prefix="ringfence-benchmark-") as folder:
        source = Path(folder, "input")
        source.mkdir()
        write_market(market, source, detector.file_format)
        return run_detector(detector, source).members


def run_detector(detector: Detector, source: Path, case: str = "", limit_seconds: float = 0.0) -> Outcome:
    """Run `detector` on the files in `source`; a limit of 0 seconds is none.

    A program that fails, or whose answer cannot be read, says why on standard error.
    """
    with TemporaryDirectory(prefix="ringfence-benchmark-") as folder:
        out = Path(folder, "out")
        out.mkdir()
        try:
            cost = run_measured(detector.arguments(source, out, case), Path(folder, "log"), limit_seconds)
            members = _read_answer(out / "members.csv", {"ring_id": pl.String, "buyer_id": pl.String})
            ranking = out / "buyers.csv"
            scores = None
            if ranking.exists():
                scores = _read_answer(ranking, {"buyer_id": pl.String, "score": pl.Float64})
        except (ProgramFailedError, OSError, pl.exceptions.PolarsError) as failure:
            print(f"{detector.name}: {failure}", file=sys.stderr)
            return Outcome(None)
        return Outcome(members, scores, cost)


def _read_answer(path: Path, columns: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    """The columns of an answer; raises PolarsError where one is missing or holds what is no number."""
    text = pl.read_csv(path, infer_schema=False)
    return text.select(pl.col(name).cast(kind) for name, kind in columns.items()).drop_nulls()


def write_market(market: Marketplace, folder: Path, file_format: Literal["csv", "parquet"]) -> None:
    """Write the visible part of `market` under the names that a folder is read by."""
    for stem, frame in (("claims", market.claims), ("orders", market.orders), ("reports", market.reports)):
        if frame is None:
            continue
        if file_format == "csv":
            frame.write_csv(folder / f"{stem}.csv", datetime_format="%Y-%m-%dT%H:%M:%S")
        else:
            frame.write_parquet(folder / f"{stem}.parquet")
