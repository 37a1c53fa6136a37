"""A first load as the files of `neo4j-admin database import`: the same graph, made by a stopped server."""

import os
import secrets
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from ringfence.domain.errors import UnavailableError
from ringfence.domain.loads import Load, LoadSource
from ringfence.domain.progress import Progress
from ringfence.market.tables import MarketTables
from ringfence.store.columnar.batches import PLAN, LoadBatches
from ringfence.store.columnar.columns import bytes_of
from ringfence.store.columnar.numbers import NoNumbers
from ringfence.store.columnar.sources import json_of
from ringfence.store.neo4j.database import STORE
from ringfence.store.neo4j.import_rows import Piece, nodes, pieces_of
from ringfence.store.neo4j.loading import BATCH_ROWS
from ringfence.store.neo4j.schema import IMPORTED
from ringfence.store.offline import FolderInUseError, Import

_LOAD = 1
_OPTIONS = (
    "--overwrite-destination",
    "--id-type=integer",
    "--array-delimiter=;",
    "--multiline-fields=true",
    # The longest field fits: the columns of a batch whose ids are as long as they may be.
    "--read-buffer-size=16m",
)
_BEFORE = (
    "Stop the server; then run this where it is, as the user it runs as. Whatever the database holds is "
    "overwritten."
)
_AFTER = (
    "Start the server; the first command that opens the store, such as ringfence detect, makes the "
    "constraints, which takes a minute for each few million claims."
)
_DIGITS = [str(number).encode() + b";" for number in np.arange(256, dtype=np.uint8).view(np.int8).tolist()]
_CELLS = np.array([list(digits.ljust(5)) for digits in _DIGITS], np.uint8)
_IS_CELL = np.not_equal(_CELLS, ord(" "))


class Neo4jFiles:
    """The files of one database."""

    def __init__(self, database: str) -> None:
        self._database = database

    def refuse_folder(self, folder: Path) -> None:
        """Raise FolderInUseError unless the folder is empty or does not exist."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FolderInUseError(folder)

    def write(
        self, folder: Path, source: LoadSource, tables: MarketTables, now: int, progress: Progress
    ) -> Import:
        """Write the files of a first load; the folder is there whole or not at all."""
        folder = Path(os.path.abspath(folder))
        self.refuse_folder(folder)
        beside = folder.with_name(f".{folder.name[:100]}-{secrets.token_hex(4)}")
        try:
            beside.mkdir(parents=True, mode=0o700)
            files = _write_files(beside, source, tables, now, progress)
            beside.rename(folder)
        except OSError as error:
            raise UnavailableError(f"{folder} cannot be written: {error.strerror or error}.") from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        told = [f"--{kind}={labels}={folder / name}" for name, (kind, labels) in files.items()]
        command = ["neo4j-admin", "database", "import", "full", self._database, *_OPTIONS, *told]
        return Import(Load(_LOAD, source, now, now), shlex.join(command), _BEFORE, _AFTER)


def _write_files(
    folder: Path, source: LoadSource, tables: MarketTables, now: int, progress: Progress
) -> dict[str, tuple[str, str]]:
    """Write the files; give what is in each: nodes or relationships, and their labels or type."""
    numbered = LoadBatches(NoNumbers(), _LOAD, tables, BATCH_ROWS)
    batches = list(numbered)
    claims = tables.claims.select("claim_id").with_row_index("claim", offset=1)
    files: dict[str, tuple[str, str]] = {}
    progress.stage("write", sum(batch.size for batch in batches))
    kept = 0
    for batch in batches:
        for piece in pieces_of(batch, claims, source.normaliser, BATCH_ROWS):
            _append(folder, files, piece)
        for name, columns in batch.columns().items():
            _append(folder, files, _kept(kept, name, batch.number, bytes_of(columns)))
            kept += 1
        progress.advance(batch.size)
    for piece in _about(source, now, len(batches), numbered.last):
        _append(folder, files, piece)
    progress.done()
    return files


def _append(folder: Path, files: dict[str, tuple[str, str]], piece: Piece) -> None:
    if piece.rows.is_empty():
        return
    name = f"{piece.file}.csv"
    with (folder / name).open("ab") as file:
        piece.rows.write_csv(file, include_header=name not in files)
    files[name] = piece.kind, piece.labels


def _kept(id: int, name: str, number: int, columns: bytes) -> Piece:
    """Keep columns as a node; bytes are told as a list of numbers from -128 to 127."""
    data = np.frombuffer(columns, np.uint8)
    told = _CELLS[data][_IS_CELL[data]].tobytes()[:-1].decode("ascii")
    row = {"id": [id], "load": [_LOAD], "name": [name], "number": [number], "columns": [told]}
    made = nodes("batches", "Batch", pl.DataFrame(row), "id")
    return Piece(made.file, made.kind, made.labels, made.rows.rename({"columns:string": "columns:byte[]"}))


def _about(source: LoadSource, now: int, written: int, last: dict[str, int]) -> Iterator[Piece]:
    """Give the load and the store, which says that its constraints are to be made yet."""
    load = {
        "id": _LOAD,
        "load": _LOAD,
        "digest": source.digest,
        "source": json_of(source),
        "plan": PLAN,
        "written": written,
        "begun_at": now,
        "finished_at": now,
        "last_buyer": last["buyers"],
        "last_merchant": last["merchants"],
        "last_value": last["identifiers"],
    }
    yield nodes("loads", "Load", pl.DataFrame([load]), "id")
    store = {
        "number": 1,
        "id": STORE,
        "schema_version": IMPORTED,
        "writes": 0,
        "market_version": _LOAD,
        "published_run": 0,
    }
    yield nodes("store", "Store", pl.DataFrame([store]), "number")
