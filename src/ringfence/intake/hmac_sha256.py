"""HMAC-SHA256 of many short messages at once, under one key."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Longs = NDArray[np.int64]

_THREADS = 2
_BLOCK_BYTES = 64


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def _root_fraction(prime: int, root: int) -> int:
    """Give the first 32 bits of the fraction of a prime's square or cube root, by whole numbers only."""
    scaled, low, high = prime << (32 * root), 0, 1 << 40
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**root <= scaled else (low, middle)
    return low & 0xFFFFFFFF


_INITIAL = np.array([_root_fraction(prime, 2) for prime in _primes(8)], np.uint32)
_ROUND = np.array([_root_fraction(prime, 3) for prime in _primes(64)], np.uint32)


def hmac_sha256(key: bytes, prefix: bytes, data: Bytes, starts: Longs) -> Bytes:
    """Give uint8[N, 32]: HMAC-SHA256 (RFC 2104) of `prefix` followed by each of N messages.

    Message i is `data[starts[i]:starts[i + 1]]`; `key` has at most 64 bytes.
    """
    if len(key) > _BLOCK_BYTES:
        raise ValueError("the key is longer than a block")
    padded = np.zeros(_BLOCK_BYTES, np.uint8)
    padded[: len(key)] = np.frombuffer(key, np.uint8)
    inner, outer = _INITIAL.copy(), _INITIAL.copy()
    schedule = np.empty(64, np.uint32)
    _compress(inner, padded ^ np.uint8(0x36), 0, schedule, _ROUND)
    _compress(outer, padded ^ np.uint8(0x5C), 0, schedule, _ROUND)
    start = np.frombuffer(prefix, np.uint8)
    count = len(starts) - 1
    digests = np.empty((count, 32), np.uint8)
    cuts = [count * part // _THREADS for part in range(_THREADS + 1)]
    with ThreadPoolExecutor(_THREADS) as pool:
        parts = [
            pool.submit(_digest, inner, outer, start, data, starts, begin, end, digests, _ROUND)
            for begin, end in pairwise(cuts)
        ]
        for part in parts:
            part.result()
    return digests


@njit(cache=True, nogil=True, inline="always")
def _turn(word: np.uint32, bits: int) -> np.uint32:
    return (word >> np.uint32(bits)) | (word << np.uint32(32 - bits))


@njit(cache=True, nogil=True)
def _compress(
    state: NDArray[np.uint32],
    block: NDArray[np.uint8],
    at: int,
    w: NDArray[np.uint32],
    constants: NDArray[np.uint32],
) -> None:
    """Mix 64 bytes of `block` from `at` into `state` (FIPS 180-4, 6.2.2); `w` is room for 64 words."""
    for i in range(16):
        j = at + 4 * i
        w[i] = (
            (np.uint32(block[j]) << np.uint32(24))
            | (np.uint32(block[j + 1]) << np.uint32(16))
            | (np.uint32(block[j + 2]) << np.uint32(8))
            | np.uint32(block[j + 3])
        )
    for i in range(16, 64):
        early, late = w[i - 15], w[i - 2]
        mixed_early = _turn(early, 7) ^ _turn(early, 18) ^ (early >> np.uint32(3))
        mixed_late = _turn(late, 17) ^ _turn(late, 19) ^ (late >> np.uint32(10))
        w[i] = np.uint32(w[i - 16] + mixed_early + w[i - 7] + mixed_late)
    a, b, c, d = state[0], state[1], state[2], state[3]
    e, f, g, h = state[4], state[5], state[6], state[7]
    for i in range(64):
        choice = g ^ (e & (f ^ g))
        majority = (a & b) | (c & (a | b))
        first = np.uint32(h + (_turn(e, 6) ^ _turn(e, 11) ^ _turn(e, 25)) + choice + constants[i] + w[i])
        second = np.uint32((_turn(a, 2) ^ _turn(a, 13) ^ _turn(a, 22)) + majority)
        h, g, f, e = g, f, e, np.uint32(d + first)
        d, c, b, a = c, b, a, np.uint32(first + second)
    state[0] += a
    state[1] += b
    state[2] += c
    state[3] += d
    state[4] += e
    state[5] += f
    state[6] += g
    state[7] += h


@njit(cache=True, nogil=True)
def _finish(
    state: NDArray[np.uint32],
    block: NDArray[np.uint8],
    filled: int,
    length: int,
    w: NDArray[np.uint32],
    constants: NDArray[np.uint32],
) -> None:
    """Pad a last, partly filled block; `length` is that of the message in bytes."""
    block[filled] = 128
    block[filled + 1 : 64] = 0
    if filled >= 56:
        _compress(state, block, 0, w, constants)
        block[:] = 0
    bits = length * 8
    for i in range(8):
        block[63 - i] = (bits >> (8 * i)) & 255
    _compress(state, block, 0, w, constants)


@njit(cache=True, nogil=True)
def _digest(
    inner: NDArray[np.uint32],
    outer: NDArray[np.uint32],
    prefix: NDArray[np.uint8],
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    begin: int,
    end: int,
    digests: NDArray[np.uint8],
    constants: NDArray[np.uint32],
) -> None:
    w = np.empty(64, np.uint32)
    block = np.empty(64, np.uint8)
    state = np.empty(8, np.uint32)
    for message in range(begin, end):
        state[:] = inner
        filled = 0
        for byte in prefix:
            block[filled] = byte
            filled += 1
            if filled == 64:
                _compress(state, block, 0, w, constants)
                filled = 0
        for at in range(starts[message], starts[message + 1]):
            block[filled] = data[at]
            filled += 1
            if filled == 64:
                _compress(state, block, 0, w, constants)
                filled = 0
        _finish(state, block, filled, 64 + len(prefix) + starts[message + 1] - starts[message], w, constants)
        for i in range(8):
            for j in range(4):
                block[4 * i + j] = (state[i] >> np.uint32(24 - 8 * j)) & np.uint32(255)
        state[:] = outer
        _finish(state, block, 32, 96, w, constants)
        for i in range(8):
            for j in range(4):
                digests[message, 4 * i + j] = (state[i] >> np.uint32(24 - 8 * j)) & np.uint32(255)
