"""CSV text in, batches of text cells out."""

import csv
import io
from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.intake.batches import Bad, Batch, Chosen, choose_columns
from ringfence.intake.csv_scan import CELL_END, REASONS, RECORD_END, RECORD_LIMIT, Scan, scan_records
from ringfence.intake.errors import UnreadableInputError
from ringfence.intake.options import IntakeOptions
from ringfence.intake.tables import Table

_BOM = b"\xef\xbb\xbf"
_OTHER_DELIMITERS = {";": "';'", "\t": "a tab", "|": "'|'", ",": "','"}


def read_csv(
    file: str, pieces: Iterable[bytes], table: Table, options: IntakeOptions
) -> tuple[Chosen, Iterator[Batch]]:
    """Read the header of the CSV text `pieces` and give the columns found and the batches to come.

    Raises UnreadableInputError for an empty file, a header that is no header, or a missing column.
    """
    source = iter(pieces)
    head, rest, line = _first_line(file, source)
    delimiter = options.delimiter or ","
    header = _header(file, head, delimiter)
    try:
        chosen = choose_columns(file, table, header, options)
    except UnreadableInputError:
        if len(header) == 1:
            for other, shown in _OTHER_DELIMITERS.items():
                if other != delimiter and other in header[0]:
                    raise UnreadableInputError(
                        f"{file}: the header is one column with {shown} in it; say --delimiter '{other}'"
                        if other != "\t"
                        else f"{file}: the header is one column with {shown} in it; say --delimiter '\\t'"
                    ) from None
        raise
    return chosen, _batches(source, rest, delimiter, header, chosen, line)


def _first_line(file: str, source: Iterator[bytes]) -> tuple[bytes, bytes, int]:
    """Take the header's line; give it, what follows it, and the number of the next line."""
    text, line = b"", 1
    while b"\n" not in text and len(text) <= RECORD_LIMIT:
        piece = next(source, b"")
        text = (text + piece).removeprefix(_BOM)
        while text.startswith((b"\n", b"\r\n")):
            text = text[text.index(b"\n") + 1 :]
            line += 1
        if not piece:
            break
    if not text:
        raise UnreadableInputError(f"{file}: empty; it needs a header and rows")
    head, _, rest = text.partition(b"\n")
    if len(head) > RECORD_LIMIT:
        raise UnreadableInputError(
            f"{file}: no line ends in the first {RECORD_LIMIT // 2**20} MiB; is it CSV?"
        )
    return head.removesuffix(b"\r"), rest, line + 1


def _header(file: str, head: bytes, delimiter: str) -> list[str]:
    if b"\0" in head:
        raise UnreadableInputError(f"{file}: the header holds NUL bytes; save the file as CSV in UTF-8")
    try:
        header = next(csv.reader([head.decode("utf-8")], delimiter=delimiter, strict=True))
    except UnicodeDecodeError:
        raise UnreadableInputError(f"{file}: the header is not UTF-8; convert the file to UTF-8") from None
    except (csv.Error, StopIteration):
        raise UnreadableInputError(f"{file}: the header's quotes are broken; is it CSV?") from None
    names = [name.strip() for name in header]
    for name in names:
        if name and names.count(name) > 1:
            raise UnreadableInputError(f"{file}: two columns are called {name[:60]}; rename one")
    return names


def _batches(
    source: Iterator[bytes], rest: bytes, delimiter: str, header: list[str], chosen: Chosen, line: int
) -> Iterator[Batch]:
    wanted = np.array([name in chosen.names for name in header], dtype=np.bool_)
    text, is_skipping, is_last = rest, False, False
    while not is_last:
        piece = next(source, b"")
        is_last = not piece
        text += piece
        if is_skipping:
            _, found, text = text.partition(b"\n")
            if not found:
                continue
            line += 1
        scan = scan_records(np.frombuffer(text, np.uint8), delimiter, wanted, line, is_last=is_last)
        text, line, is_skipping = text[scan.consumed :], scan.next_line, scan.is_inside_line
        if len(scan.lines) or len(scan.bad_lines):
            yield Batch(_frame(scan, list(chosen.names.values())), scan.lines, _bad(scan))


def _frame(scan: Scan, names: list[str]) -> pl.DataFrame:
    if len(scan.lines) == 0:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    frame = pl.read_csv(
        io.BytesIO(scan.clean.data),
        has_header=False,
        separator=CELL_END,
        eol_char=RECORD_END,
        quote_char=None,
        infer_schema=False,
        new_columns=[*names, ""],
    )
    if len(frame) != len(scan.lines):
        raise AssertionError("the scanner and the parser disagree about the number of records")
    return frame.select(names)


def _bad(scan: Scan) -> tuple[Bad, ...]:
    reasons: NDArray[np.uint8] = np.unique(scan.bad_reasons)
    return tuple(Bad(scan.bad_lines[scan.bad_reasons == code], "", REASONS[int(code)]) for code in reasons)
