"""Rows that name the same claim or order again: repeated, updated, or in contradiction."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.intake.tables import Table

Longs = NDArray[np.int64]


@dataclass(frozen=True)
class Verdict:
    """What became of N rows in the order they came."""

    is_kept: NDArray[np.bool_]
    """bool[N]: the first row of each key."""
    is_repeated: NDArray[np.bool_]
    """bool[N]: says what is known."""
    is_updated: NDArray[np.bool_]
    """bool[N]: changes only what may change."""
    is_conflicting: NDArray[np.bool_]
    """bool[N]: changes something else; `conflicts` says what."""
    conflicts: tuple[tuple[str, Longs], ...]
    """By column, the rows that differ in it from the first row of their key."""
    first: Longs | None = None
    """int64[N], the first row of each row's key; None where no key comes twice."""


class Ledger:
    """Remembers of each row its key, what may not change, and everything as hashes, and a byte a column.

    Hashes have 64 bits under a secret seed. A column that a file lacks counts as empty.
    """

    def __init__(self, table: Table, seed: int) -> None:
        self._table = table
        self._seed = seed
        self._keys: list[NDArray[np.uint64]] = []
        self._fixed: list[NDArray[np.uint64]] = []
        self._whole: list[NDArray[np.uint64]] = []
        self._traces: list[dict[str, NDArray[np.uint8]]] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Remember the rows of `frame`, which has the table's columns, typed."""
        keys, fixed, whole = np.zeros((3, len(frame)), np.uint64)
        traces: dict[str, NDArray[np.uint8]] = {}
        for number, column in enumerate(self._table.columns):
            if column.name not in frame.columns:
                continue
            cells = frame[column.name]
            hashes = cells.hash((self._seed + number) % 2**63).to_numpy()
            if cells.null_count():
                hashes = np.where(cells.is_null().to_numpy(), np.uint64(0), hashes)
            if column.name in self._table.key:
                keys += hashes
                continue
            whole += hashes
            if not column.may_change:
                fixed += hashes
                traces[column.name] = (hashes >> np.uint64(56)).astype(np.uint8)
        self._keys.append(keys)
        self._fixed.append(fixed)
        self._whole.append(whole)
        self._traces.append(traces)

    def judge(self) -> Verdict:
        """Compare all rows of one key with its first; later rows that contradict it are out."""
        keys = np.concatenate(self._keys) if self._keys else np.empty(0, np.uint64)
        nobody = np.zeros(len(keys), np.bool_)
        ranked = np.sort(keys)
        if not (ranked[1:] == ranked[:-1]).any():
            return Verdict(~nobody, nobody, nobody, nobody, ())
        order = np.argsort(keys, kind="stable")
        first = _first_of_run(keys[order], order)
        fixed, whole = np.concatenate(self._fixed), np.concatenate(self._whole)
        is_kept = first == np.arange(len(keys))
        is_conflicting = fixed != fixed[first]
        accepted = order[~is_conflicting[order]]
        before = np.concatenate((accepted[:1], accepted[:-1]))
        is_same = np.zeros(len(keys), np.bool_)
        is_same[accepted] = whole[accepted] == whole[before]
        is_repeated = is_same & ~is_kept & ~is_conflicting
        is_updated = ~is_same & ~is_kept & ~is_conflicting
        rows = np.flatnonzero(is_conflicting)
        conflicts = self._conflicts(rows, first[rows])
        return Verdict(is_kept, is_repeated, is_updated, is_conflicting, conflicts, first)

    def _conflicts(self, rows: Longs, first: Longs) -> tuple[tuple[str, Longs], ...]:
        """Tell in which column each row differs from the first of its key, as far as a byte can tell."""
        found: list[tuple[str, Longs]] = []
        for column in self._table.columns:
            if len(rows) == 0:
                break
            if column.may_change or column.name in self._table.key:
                continue
            trace = np.concatenate(
                [
                    traces.get(column.name, np.zeros(len(fixed), np.uint8))
                    for traces, fixed in zip(self._traces, self._fixed, strict=True)
                ]
            )
            differs = trace[rows] != trace[first]
            if differs.any():
                found.append((column.name, rows[differs]))
                rows, first = rows[~differs], first[~differs]
        if len(rows):
            found.append(("", rows))
        return tuple(found)


def _first_of_run(ranked: NDArray[np.uint64], order: Longs) -> Longs:
    """Give for each row the first row of its key; `order` sorts rows by (key, arrival)."""
    begins = np.concatenate(([True], ranked[1:] != ranked[:-1]))
    heads = order[begins]
    first = np.empty(len(order), np.int64)
    first[order] = heads[np.cumsum(begins) - 1]
    return first
