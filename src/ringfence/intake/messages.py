"""Many byte strings end to end: hashed, picked out, told apart."""

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Longs = NDArray[np.int64]


def as_bytes(texts: pl.Series) -> tuple[Bytes, Longs]:
    """Give all bytes of N strings (null counts as empty) end to end, and int64[N + 1], where each begins."""
    starts = np.zeros(len(texts) + 1, np.int64)
    if len(texts) == 0:
        return np.empty(0, np.uint8), starts
    filled = texts.fill_null("")
    np.cumsum(filled.str.len_bytes().to_numpy(), out=starts[1:])
    return np.frombuffer(filled.str.join("").item().encode("utf-8"), np.uint8), starts


def pick(data: Bytes, starts: Longs, chosen: Longs) -> tuple[Bytes, Longs]:
    """Give the messages at positions `chosen`, in that order, as `as_bytes` would."""
    picked = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(starts[chosen + 1] - starts[chosen], out=picked[1:])
    out = np.empty(int(picked[-1]), np.uint8)
    _copy(data, starts, chosen, out, picked)
    out.flags.writeable = False  # as those of `as_bytes`, so that what takes both is compiled once
    return out, picked


@njit(cache=True, nogil=True)
def _copy(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    chosen: NDArray[np.int64],
    out: NDArray[np.uint8],
    picked: NDArray[np.int64],
) -> None:
    for i in range(len(chosen)):
        # A loop, since a slice assignment takes seconds to compile.
        for at in range(starts[chosen[i] + 1] - starts[chosen[i]]):
            out[picked[i] + at] = data[starts[chosen[i]] + at]


@njit(cache=True, nogil=True)
def mixed(word: np.uint64) -> np.uint64:
    """Spread the bits of a uint64 over 64 bits, one to one (the finaliser of splitmix64)."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@njit(cache=True, nogil=True)
def hash_messages(data: NDArray[np.uint8], starts: NDArray[np.int64], seed: np.uint64) -> NDArray[np.uint64]:
    """Hash N messages to uint64[N] under a secret uint64 seed, to tell equal ones; eight bytes at a time."""
    hashes = np.empty(len(starts) - 1, np.uint64)
    for i in range(len(hashes)):
        word = mixed(seed ^ np.uint64(starts[i + 1] - starts[i]))
        piece, shift = np.uint64(0), np.uint64(0)
        for at in range(starts[i], starts[i + 1]):
            piece |= np.uint64(data[at]) << shift
            shift += np.uint64(8)
            if shift == np.uint64(64):
                word = mixed(word ^ piece) + seed
                piece, shift = np.uint64(0), np.uint64(0)
        hashes[i] = mixed(mixed(word ^ piece) + seed)
    return hashes
