"""NDJSON text in (one JSON object a line), batches of text cells out."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import polars as pl

from ringfence.intake.batches import Bad, Batch, Chosen, choose_columns
from ringfence.intake.csv_scan import RECORD_LIMIT
from ringfence.intake.errors import UnreadableInputError
from ringfence.intake.options import IntakeOptions
from ringfence.intake.tables import Table

_SAMPLE_LINES = 1000
_LONG = f"a line of more than {RECORD_LIMIT // 1024} KiB"
_NOT_UTF8 = "not UTF-8; convert the file to UTF-8"
_NOT_JSON = "not a JSON object"


def read_ndjson(
    file: str, pieces: Iterable[bytes], table: Table, options: IntakeOptions
) -> tuple[Chosen, Iterator[Batch]]:
    """Look at the first lines of `pieces` for the columns there are; give them and the batches to come.

    Raises UnreadableInputError for an empty file, one without a JSON object in its first lines, or a missing
    column.
    """
    blocks = _whole_lines(iter(pieces))
    first = next(blocks, None)
    if first is None:
        raise UnreadableInputError(f"{file}: empty; it needs one JSON object a line")
    keys: dict[str, None] = {}
    for line in first[1].split(b"\n", _SAMPLE_LINES)[:_SAMPLE_LINES]:
        value = _parsed(line)
        if isinstance(value, dict):
            keys |= dict.fromkeys(value)
    if not keys:
        raise UnreadableInputError(f"{file}: no JSON object in its first lines; is it NDJSON?")
    chosen = choose_columns(file, table, list(keys), options)
    renamed = options.mapping.columns.get(table.name, {}) if options.mapping else {}
    names = {renamed.get(column.name, column.name): column.name for column in table.columns}
    return chosen, _batches(first, blocks, names)


def _whole_lines(source: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Cut a stream behind its line ends; give the number of each block's first line, and the block.

    A line too long to keep is cut off at the limit and one byte, which tells it apart.
    """
    line, text, cut = 1, b"", b""
    is_first = True
    for piece in source:
        text += piece.removeprefix(b"\xef\xbb\xbf") if is_first else piece
        is_first = False
        end = text.rfind(b"\n") + 1
        if end:
            block = cut + text[:end]
            yield line, block
            line += block.count(b"\n")
            text, cut = text[end:], b""
        if len(cut) + len(text) > RECORD_LIMIT:
            cut, text = (cut + text)[: RECORD_LIMIT + 1], b""
    if cut or text:
        yield line, cut + text


def _batches(
    first: tuple[int, bytes], blocks: Iterator[tuple[int, bytes]], names: dict[str, str]
) -> Iterator[Batch]:
    yield _batch(*first, names)
    for line, block in blocks:
        yield _batch(line, block, names)


def _batch(line: int, block: bytes, names: dict[str, str]) -> Batch:
    """Parse a block at one go if every line is sound, else line by line to find those that are not."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
    lengths = np.diff(ends, prepend=-1)
    is_sound = len(block) > 0 and b"\0" not in block and max(lengths.max(initial=0), 0) <= RECORD_LIMIT
    if is_sound and len(block) - (ends[-1] if len(ends) else 0) <= RECORD_LIMIT:
        numbers = line + np.flatnonzero([bool(text.strip()) for text in block.split(b"\n")])
        try:
            frame = pl.read_ndjson(block, schema=dict.fromkeys(names, pl.String))
        except pl.exceptions.PolarsError:
            return _line_by_line(line, block, names)
        if len(frame) == len(numbers):
            return Batch(frame.rename(names), numbers.astype(np.int64))
    return _line_by_line(line, block, names)


def _line_by_line(line: int, block: bytes, names: dict[str, str]) -> Batch:
    cells: dict[str, list[str | None]] = {name: [] for name in names}
    numbers: list[int] = []
    bad: dict[str, list[int]] = {}
    for number, text in enumerate(block.split(b"\n"), line):
        if not text.strip():
            continue
        value = _LONG if len(text) > RECORD_LIMIT else _parsed(text)
        if not isinstance(value, dict):
            bad.setdefault(value, []).append(number)
            continue
        numbers.append(number)
        for name, column in cells.items():
            column.append(_cell(value.get(name)))
    frame = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String)).rename(names)
    rejected = tuple(Bad(np.array(lines, np.int64), "", reason) for reason, lines in bad.items())
    return Batch(frame, np.array(numbers, np.int64), rejected)


def _parsed(text: bytes) -> dict[str, Any] | str:
    """Give the object a line holds, or why it holds none."""
    try:
        value = json.loads(text.decode("utf-8"))
    except UnicodeDecodeError:
        return _NOT_UTF8
    except (ValueError, RecursionError):
        return _NOT_JSON
    return value if isinstance(value, dict) else _NOT_JSON


def _cell(value: object) -> str | None:
    """Write a JSON value as a cell; lone surrogates, which are no text, become question marks."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(value)
