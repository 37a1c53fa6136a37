"""Detection for notebooks: frames or paths in, tables out, nothing written."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from ringfence.detection.parameters import Parameters
from ringfence.detection.report import Detection
from ringfence.domain.errors import InvalidError
from ringfence.domain.policy import Policy
from ringfence.domain.progress import Progress, Silent
from ringfence.export import RunFolder, conform, read_run, to_networkx, write_run
from ringfence.intake import IntakeOptions, PseudonymKey, market_from_frames, read_market
from ringfence.market.pseudonym_key import KEY_BYTES
from ringfence.services.detect_rings import about, detect_in, tables

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

Table: TypeAlias = "pl.DataFrame | pl.LazyFrame | pd.DataFrame | str | PathLike[str]"


@dataclass(frozen=True, eq=False)
class Result(Detection):
    """The rings of a marketplace, as polars frames with the columns of a run's files."""

    warnings: tuple[str, ...]
    """What was odd about the input."""
    rejected: pl.DataFrame
    """file, line, column, reason: the rows that could not be used."""
    run: dict[str, object]
    """What run.json says: policy (None where parameters were given), parameters, versions, seed, counts,
    notes."""

    def to_networkx(self, ring_ids: Sequence[str] | None = None) -> "nx.Graph":
        """Give rings (all for None) as a graph of rings, buyers and merchants, their claims and links."""
        return to_networkx(self._as_run(), ring_ids)

    def write(self, directory: Path | str) -> None:
        """Write the run's files into a folder, as `ringfence detect --links` does."""
        write_run(directory, tables(self, links=True, lineage=not self.lineage.is_empty()), self.run, {})

    def _repr_html_(self) -> str:
        return self.rings._repr_html_()

    def _as_run(self) -> RunFolder:
        conforming = {
            name: conform(name, frame) for name, frame in tables(self, links=True, lineage=True).items()
        }
        return RunFolder.of_tables(conforming, self.run, {})


def detect(
    claims: Table,
    orders: "Table | None" = None,
    identifiers: "Table | None" = None,
    *,
    previous: "Result | str | PathLike[str] | None" = None,
    options: IntakeOptions | None = None,
    parameters: Parameters | None = None,
    progress: Progress | None = None,
) -> Result:
    """Find the rings in a marketplace's claims.

    Tables are polars or pandas frames, or paths of files; `claims` may be a folder, read as
    `ringfence detect --input` reads it. Columns are those of the files (README), as text or typed. `orders`
    make the result better: they tell households that shop together from rings. `previous` is an earlier
    result or run folder whose rings keep their names. The defaults are those of the command line.

    Raises InvalidError naming file (or table), row, column and remedy; UnsoundFindingsError if what was found
    contradicts itself.
    """
    given = parameters if parameters is not None else Parameters()
    chosen = options if options is not None else IntakeOptions()
    key = PseudonymKey(secrets.token_bytes(KEY_BYTES))
    listener = progress if progress is not None else Silent()
    tables = [table for table in (claims, orders, identifiers) if table is not None]
    paths = [Path(table) for table in tables if isinstance(table, str | PathLike)]
    if paths and len(paths) != len(tables):
        raise InvalidError("claims, orders and identifiers are all paths or all frames: read the files first")
    if paths:
        intake = read_market(paths, chosen, key, listener)
    else:
        intake = market_from_frames(
            _polars(claims),
            None if orders is None else _polars(orders),
            None if identifiers is None else _polars(identifiers),
            key=key,
            options=chosen,
        )
    detection = detect_in(intake, given, links=True, previous=_as_run(previous), progress=listener)
    listener.done()
    return Result(
        **vars(detection),
        warnings=intake.warnings,
        rejected=intake.rejected,
        run=about(given, detection, intake.files, Policy().name if parameters is None else None),
    )


def _as_run(previous: "Result | str | PathLike[str] | None") -> RunFolder | None:
    if previous is None:
        return None
    return previous._as_run() if isinstance(previous, Result) else read_run(Path(previous))


def _polars(table: Any) -> pl.DataFrame:
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    if isinstance(table, pl.DataFrame):
        return table
    if hasattr(table, "to_dict") and type(table).__module__.partition(".")[0] == "pandas":
        return pl.from_pandas(table)
    raise InvalidError(f"a table is a polars or pandas frame or a path, not {type(table).__name__}")
