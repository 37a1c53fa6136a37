"""Find the records of CSV text, cut out the bad ones, and write the good ones so that no quoting is left."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

CELL_LIMIT = 64 * 2**10
"""Bytes a cell may have."""
RECORD_LIMIT = 2**20
"""Bytes a record may have; a quote still open after so many was never meant to be closed."""

CELL_END = "\x1f"
"""Stands after each cell of the clean text."""
RECORD_END = "\x1e"
"""Stands after each record of the clean text."""

RAGGED, UNCLOSED, STRAY_QUOTE, CONTROL, LONG_CELL, LONG_RECORD, NOT_UTF8 = range(1, 8)
REASONS = {
    RAGGED: "another number of cells than the header",
    UNCLOSED: "a quote that is never closed",
    STRAY_QUOTE: "text after a closing quote",
    CONTROL: "a control character (NUL, RS or US)",
    LONG_CELL: f"a cell of more than {CELL_LIMIT // 1024} KiB",
    LONG_RECORD: f"a line of more than {RECORD_LIMIT // 1024} KiB",
    NOT_UTF8: "not UTF-8; convert the file to UTF-8",
}


@dataclass(frozen=True, eq=False)
class Scan:
    """What one piece of CSV text holds."""

    clean: NDArray[np.uint8]
    """The wanted cells of the good records, unquoted; CELL_END closes each, RECORD_END a record."""
    lines: NDArray[np.int64]
    """The line on which each good record begins."""
    bad_lines: NDArray[np.int64]
    """The line on which each bad record begins."""
    bad_reasons: NDArray[np.uint8]
    """Why, as in REASONS."""
    consumed: int
    """Bytes that are dealt with; the rest is the beginning of a record."""
    next_line: int
    """The line after the consumed bytes."""
    is_inside_line: bool
    """Whether the consumed bytes end inside a record too long to keep, whose line must be skipped."""


def scan_records(
    data: NDArray[np.uint8], delimiter: str, wanted: NDArray[np.bool_], line: int, *, is_last: bool
) -> Scan:
    """Scan `data`, which begins at a record's start on `line`; `wanted` says which of the columns to keep.

    Unless `is_last`, a record that `data` does not hold whole is left over. Quoting follows RFC 4180; a
    quote inside a cell that does not begin with one is text. Where quoting is broken only the line on
    which the record begins is lost.
    """
    clean = np.empty(2 * len(data) + 16, np.uint8)
    lines = np.empty(len(data) // len(wanted) + 2, np.int64)
    bad_lines = np.empty(len(data) // 2 + 2, np.int64)
    bad_reasons = np.empty(len(bad_lines), np.uint8)
    written, good, bad, consumed, next_line, inside = _scan(
        data, ord(delimiter), wanted, line, is_last, clean, lines, bad_lines, bad_reasons
    )
    return Scan(
        clean[:written], lines[:good], bad_lines[:bad], bad_reasons[:bad], consumed, next_line, inside
    )


@njit(cache=True, nogil=True)
def _is_utf8(data: NDArray[np.uint8], begin: int, end: int) -> bool:
    """Tell whether the bytes are UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF."""
    at = begin
    while at < end:
        byte = data[at]
        if byte < 0x80:
            at += 1
            continue
        low, high = 0x80, 0xBF
        if 0xC2 <= byte <= 0xDF:
            more = 1
        elif 0xE0 <= byte <= 0xEF:
            more = 2
            if byte == 0xE0:
                low = 0xA0
            elif byte == 0xED:
                high = 0x9F
        elif 0xF0 <= byte <= 0xF4:
            more = 3
            if byte == 0xF0:
                low = 0x90
            elif byte == 0xF4:
                high = 0x8F
        else:
            return False
        if at + more >= end:
            return False
        if not low <= data[at + 1] <= high:
            return False
        for later in range(at + 2, at + more + 1):
            if not 0x80 <= data[later] <= 0xBF:
                return False
        at += more + 1
    return True


@njit(cache=True, nogil=True)
def _scan(
    data: NDArray[np.uint8],
    delimiter: int,
    wanted: NDArray[np.bool_],
    line: int,
    is_last: bool,
    clean: NDArray[np.uint8],
    lines: NDArray[np.int64],
    bad_lines: NDArray[np.int64],
    bad_reasons: NDArray[np.uint8],
) -> tuple[int, int, int, int, int, bool]:
    size, columns = len(data), len(wanted)
    written = good = bad = begin = 0
    while begin < size:
        if data[begin] == 10:
            begin += 1
            line += 1
            continue
        if data[begin] == 13 and begin + 1 < size and data[begin + 1] == 10:
            begin += 2
            line += 1
            continue
        at = begin
        out = written
        reason = column = breaks = 0
        is_high = is_broken = is_ended = False
        while True:
            keep = column < columns and wanted[column]
            cell = at
            if at < size and data[at] == 34:
                at += 1
                is_closed = False
                while at < size and at - begin <= RECORD_LIMIT:
                    byte = data[at]
                    if byte == 34:
                        if at + 1 < size and data[at + 1] == 34:
                            at += 1
                        else:
                            is_closed = True
                            break
                    elif byte == 10:
                        breaks += 1
                    elif byte >= 128:
                        is_high = True
                    elif byte == 0 or byte == 30 or byte == 31:
                        reason = CONTROL
                    if keep:
                        clean[out] = byte
                        out += 1
                    at += 1
                if not is_closed:
                    is_broken = True
                    reason = UNCLOSED
                    break
                if at - cell - 1 > CELL_LIMIT:
                    reason = LONG_CELL
                at += 1
                if at < size and data[at] == 13 and at + 1 < size and data[at + 1] == 10:
                    at += 1
                if at < size and data[at] != delimiter and data[at] != 10:
                    if data[at] == 13 and at + 1 == size:
                        at += 1
                    else:
                        is_broken = True
                        reason = STRAY_QUOTE
                        break
            else:
                while at < size:
                    byte = data[at]
                    if byte == delimiter or byte == 10:
                        break
                    if byte >= 128:
                        is_high = True
                    elif byte == 0 or byte == 30 or byte == 31:
                        reason = CONTROL
                    if keep:
                        clean[out] = byte
                        out += 1
                    at += 1
                if at - cell > CELL_LIMIT:
                    reason = LONG_CELL
                if keep and at > cell and data[at - 1] == 13 and (at == size or data[at] == 10):
                    out -= 1
            if keep:
                clean[out] = 31
                out += 1
            column += 1
            if at < size and data[at] == delimiter:
                at += 1
                continue
            is_ended = at < size
            break
        if not is_ended and not is_last and (not is_broken or at >= size) and at - begin <= RECORD_LIMIT:
            break
        if is_broken:
            at = begin
            while at < size and data[at] != 10:
                at += 1
            is_ended = at < size
            breaks = 0
            if not is_ended and not is_last and at - begin <= RECORD_LIMIT:
                break
        elif reason == 0 or reason == LONG_CELL:
            if at - begin > RECORD_LIMIT:
                reason = LONG_RECORD
            elif column != columns:
                reason = RAGGED
            elif reason == 0 and is_high and not _is_utf8(data, begin, at):
                reason = NOT_UTF8
        if reason == 0:
            clean[out] = 30
            written = out + 1
            lines[good] = line
            good += 1
        else:
            bad_lines[bad] = line
            bad_reasons[bad] = reason
            bad += 1
        line += breaks
        begin = at
        if is_ended:
            begin += 1
            line += 1
        elif not is_last:
            return written, good, bad, begin, line, True
    return written, good, bad, begin, line, False
