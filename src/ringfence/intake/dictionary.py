"""Texts into small numbers, batch after batch, keeping each distinct text once."""

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Hashes = NDArray[np.uint64]


class Numbering:
    """Numbers distinct 64-bit hashes 0, 1, … as they come."""

    def __init__(self) -> None:
        self._hashes = np.zeros(1 << 12, np.uint64)
        self._codes = np.full(1 << 12, -1, np.int32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def encode(self, hashes: Hashes, is_null: NDArray[np.bool_]) -> tuple[Ints, Longs]:
        """Give int32[N], the number of each hash (-1 where null), and the positions of those that are new."""
        while 4 * (self._count + len(hashes)) > 3 * len(self._codes):
            self._hashes, self._codes = _grown(self._hashes, self._codes)
        codes = np.empty(len(hashes), np.int32)
        new = _encode(hashes, is_null, self._hashes, self._codes, self._count, codes)
        self._count += len(new)
        return codes, new


class Dictionary:
    """Numbers distinct texts 0, 1, … as they come.

    Texts are told apart by 64-bit hashes under a secret seed: nobody can craft two that meet, and among ten
    million by chance two do once in 370,000 loads.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._numbering = Numbering()
        self._new: list[pl.Series] = []

    def __len__(self) -> int:
        return len(self._numbering)

    def encode(self, texts: pl.Series) -> Ints:
        """Give int32[N], the number of each text; -1 for null."""
        codes, new = self._numbering.encode(texts.hash(self._seed).to_numpy(), texts.is_null().to_numpy())
        if len(new):
            # a text taken out of a batch would keep all the batch's text in memory; a concatenated one is new
            fresh = texts.gather(new).rename("text").to_frame()
            self._new.append(fresh.select(pl.concat_str("text", pl.lit("")))["text"])
        return codes

    def texts(self) -> pl.Series:
        """Give the distinct texts in the order of their numbers."""
        return pl.concat(self._new) if self._new else pl.Series([], dtype=pl.String)


@njit(cache=True, nogil=True)
def _grown(
    hashes: NDArray[np.uint64], codes: NDArray[np.int32]
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    size = 2 * len(codes)
    new_hashes, new_codes = np.zeros(size, np.uint64), np.full(size, -1, np.int32)
    mask = np.uint64(size - 1)
    for old in range(len(codes)):
        if codes[old] >= 0:
            slot = hashes[old] & mask
            while new_codes[slot] >= 0:
                slot = (slot + np.uint64(1)) & mask
            new_hashes[slot], new_codes[slot] = hashes[old], codes[old]
    return new_hashes, new_codes


@njit(cache=True, nogil=True)
def _encode(
    hashes: NDArray[np.uint64],
    is_null: NDArray[np.bool_],
    table_hashes: NDArray[np.uint64],
    table_codes: NDArray[np.int32],
    count: int,
    codes: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Look every hash up, entering those not seen before; give the positions of those, in order."""
    mask = np.uint64(len(table_codes) - 1)
    first = np.empty(len(hashes), np.int64)
    new = 0
    for row in range(len(hashes)):
        if is_null[row]:
            codes[row] = -1
            continue
        slot = hashes[row] & mask
        while table_codes[slot] >= 0 and table_hashes[slot] != hashes[row]:
            slot = (slot + np.uint64(1)) & mask
        if table_codes[slot] < 0:
            table_codes[slot] = count + new
            table_hashes[slot] = hashes[row]
            first[new] = row
            new += 1
        codes[row] = table_codes[slot]
    return first[:new].copy()
