"""Which files are there, which table each holds, and how each is read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringfence.intake.batches import Batch, Chosen
from ringfence.intake.csv_file import read_csv
from ringfence.intake.errors import UnreadableInputError
from ringfence.intake.ndjson_file import read_ndjson
from ringfence.intake.options import IntakeOptions
from ringfence.intake.parquet_file import read_parquet
from ringfence.intake.streams import open_pieces
from ringfence.intake.tables import CLAIMS, TABLES, Table

_FORMATS = (".csv", ".ndjson", ".jsonl", ".parquet")
_COMPRESSED = (".gz", ".zst")
_READABLE = ".csv, .ndjson, .jsonl (each also .gz or .zst) or .parquet"


@dataclass(frozen=True)
class Input:
    """One file and the table it holds."""

    path: Path
    table: Table
    format: str


def find_inputs(paths: Sequence[Path], *, needs_claims: bool = True) -> list[Input]:
    """Find the files of `paths` (folders are searched by file stem), by table and then by path.

    `claims.csv` holds claims, and so do `claims-2024.csv` and `claims_2.parquet`. Raises
    UnreadableInputError where a path is missing, a named file's stem or format says nothing, or where no
    file is found (no claims, if it `needs_claims`).
    """
    found: dict[Path, Input] = {}
    seen: list[str] = []
    for path in paths:
        if path.is_dir():
            for child in sorted(path.iterdir()):
                seen.append(child.name)
                if child.is_file() and (known := _recognised(child)):
                    found[child.resolve()] = known
        elif path.is_file():
            seen.append(path.name)
            if (known := _recognised(path)) is None:
                raise UnreadableInputError(
                    f"{path.name}: neither its name nor its ending says what it is; call it one of "
                    f"{', '.join(TABLES)} and write it as {_READABLE}"
                )
            found[path.resolve()] = known
        else:
            raise UnreadableInputError(f"{path}: no such file or folder")
    inputs = sorted(found.values(), key=lambda each: (list(TABLES).index(each.table.name), str(each.path)))
    if not any(each.table is CLAIMS or not needs_claims for each in inputs):
        shown = ", ".join(seen[:10]) + (f" and {len(seen) - 10} more" if len(seen) > 10 else "")
        remedy = (
            f"no claims file; found {shown or 'nothing'}; call it claims{_READABLE}"
            if needs_claims
            else f"no file to load; found {shown or 'nothing'}; call files {', '.join(TABLES)} "
            f"and write them as {_READABLE}"
        )
        raise UnreadableInputError(remedy)
    return inputs


def _recognised(path: Path) -> Input | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    is_compressed = bool(suffixes) and suffixes[-1] in _COMPRESSED
    shape = suffixes[-2 if is_compressed else -1] if len(suffixes) > is_compressed else ""
    if shape not in _FORMATS or (is_compressed and shape == ".parquet"):
        return None
    stem = path.name.split(".")[0].lower()
    for name, table in TABLES.items():
        if stem == name or stem.startswith((f"{name}-", f"{name}_")):
            return Input(path, table, shape)
    return None


def open_input(
    source: Input, options: IntakeOptions, start: Callable[[int], None], advance: Callable[[int], None]
) -> tuple[Chosen, Iterator[Batch]]:
    """Open a file; give its columns and the batches to come.

    `start` is told the size and `advance` the steps: bytes of text files, rows of Parquet files.
    """
    if source.format == ".parquet":
        chosen, batches, rows = read_parquet(source.path, source.table, options)
        start(rows)
        return chosen, _told(batches, advance)
    start(source.path.stat().st_size)
    pieces = open_pieces(source.path, options.max_decompressed_bytes, options.max_compression_ratio, advance)
    read = read_csv if source.format == ".csv" else read_ndjson
    return read(source.path.name, pieces, source.table, options)


def _told(batches: Iterator[Batch], advance: Callable[[int], None]) -> Iterator[Batch]:
    for batch in batches:
        yield batch
        advance(len(batch.lines))
