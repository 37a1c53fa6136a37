"""Sketches: what tells that two pseudonymised values are nearly the same, and nothing else about them.

A value falls into blocks (addresses: equal digits; phones: all but the last digits; e-mails: all but the
local part's digits), each kept as a keyed hash; only values of one block are ever compared, by their letter
bigrams hashed under a salt that belongs to the block. Without the key neither can be guessed by counting.
"""

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.hmac_sha256 import hmac_sha256
from ringfence.intake.text import as_bytes
from ringfence.market import Sketches

Bytes = NDArray[np.uint8]
Longs = NDArray[np.int64]

SKETCHED_KINDS = (IdentifierKind.ADDRESS, IdentifierKind.PHONE, IdentifierKind.EMAIL)
_MOST_BLOCKS = 4
_MOST_TOKENS = 64
_FEWEST_PHONE_DIGITS = 7
_ADDRESS, _PHONE, _EMAIL = range(3)
_CODE = {IdentifierKind.ADDRESS: _ADDRESS, IdentifierKind.PHONE: _PHONE, IdentifierKind.EMAIL: _EMAIL}


def sketch_values(kind: IdentifierKind, normal: pl.Series, secret: bytes) -> Sketches:
    """Sketch V distinct normalised values; `Sketches.value` counts in their order.

    An address has blocks if two of its words or more hold a digit: all such words sorted by length and text
    (variant 0), and the same with each of the first three digits dropped in turn from the shortest word that
    is a number of two digits or more (variants 1 to 3), so that one mistyped digit leaves one block equal.
    """
    data, starts = as_bytes(normal)
    room = _MOST_BLOCKS * (len(data) + 2 * len(normal))
    message = np.empty(max(room, 1), np.uint8)
    ends = np.empty(_MOST_BLOCKS * len(normal) + 1, np.int64)
    owner = np.empty(_MOST_BLOCKS * len(normal), np.int32)
    variant = np.empty(_MOST_BLOCKS * len(normal), np.uint8)
    count = _blocks(_CODE[kind], data, starts, message, ends, owner, variant)
    owner, variant, ends = owner[:count], variant[:count], ends[: count + 1]
    group, first = _equal_messages(message, ends)
    is_shared = np.bincount(group, minlength=len(first)) >= 2
    kept = np.flatnonzero(is_shared[group])
    rank = np.cumsum(is_shared) - 1
    group, owner, variant = rank[group[kept]], owner[kept], variant[kept]
    chosen = first[is_shared]
    lengths = (ends[chosen + 1] - ends[chosen]).astype(np.int64)
    packed_starts = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    packed = np.empty(int(packed_starts[-1]), np.uint8)
    _gather(message, ends, chosen, packed, packed_starts)
    digests = hmac_sha256(secret, kind.encode() + b"\x01", packed, packed_starts)
    words = digests.view(">u8").astype(np.uint64)
    block, salt = words[:, 0][group], words[:, 1][group]
    order = np.lexsort((owner, block))
    block, salt, owner, variant = block[order], salt[order], owner[order], variant[order]
    begin = np.zeros(len(owner) + 1, np.int64)
    bigrams = np.empty(0, np.uint32)
    if kind != IdentifierKind.PHONE and len(owner):
        sizes = (starts[1:] - starts[:-1])[owner]
        bigrams = np.empty(int(sizes.sum()), np.uint32)
        used = _bigrams(_CODE[kind], data, starts, owner, salt, bigrams, begin)
        bigrams = bigrams[:used].copy()
    return Sketches(block=block, value=owner, variant=variant, start=begin, bigrams=bigrams)


def _equal_messages(message: Bytes, ends: Longs) -> tuple[Longs, Longs]:
    """Number equal messages alike; give each message's number and the first message of each number."""
    hashes = _hashes(message, ends)
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    return group.astype(np.int64), first.astype(np.int64)


@njit(cache=True, nogil=True)
def _mixed(word):  # type: ignore[no-untyped-def]
    """Spread 64 bits over 64 bits, one to one (the finaliser of splitmix64)."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@njit(cache=True, nogil=True)
def _hashes(message, ends):  # type: ignore[no-untyped-def]
    """Hash messages to 64 bits, to group them before any costly work; these hashes are not kept."""
    hashes = np.empty(len(ends) - 1, np.uint64)
    for i in range(len(hashes)):
        word = np.uint64(ends[i + 1] - ends[i]) + np.uint64(0x9E3779B97F4A7C15)
        for at in range(ends[i], ends[i + 1]):
            word = _mixed(word ^ np.uint64(message[at])) + np.uint64(0x9E3779B97F4A7C15)
        hashes[i] = word
    return hashes


@njit(cache=True, nogil=True)
def _gather(message, ends, chosen, packed, packed_starts):  # type: ignore[no-untyped-def]
    for i in range(len(chosen)):
        begin = ends[chosen[i]]
        packed[packed_starts[i] : packed_starts[i + 1]] = message[begin : ends[chosen[i] + 1]]


@njit(cache=True, nogil=True)
def _is_digit(byte):  # type: ignore[no-untyped-def]
    return 48 <= byte <= 57


@njit(cache=True, nogil=True)
def _comes_before(data, begin, end, other, other_end):  # type: ignore[no-untyped-def]
    """Compare two words by (length, bytes)."""
    if end - begin != other_end - other:
        return end - begin < other_end - other
    for i in range(end - begin):
        if data[begin + i] != data[other + i]:
            return data[begin + i] < data[other + i]
    return False


@njit(cache=True, nogil=True)
def _digit_words(data, begin, end, word_begin, word_end):  # type: ignore[no-untyped-def]
    """List the words that hold a digit, sorted by (length, bytes); give how many, and the first long number.

    A long number is a word of two digits or more and nothing else; -1 if there is none.
    """
    count = 0
    at = begin
    while at < end:
        stop = at
        has_digit = False
        while stop < end and data[stop] != 32:
            has_digit = has_digit or _is_digit(data[stop])
            stop += 1
        if has_digit and count < len(word_begin):
            place = count
            while place > 0 and _comes_before(data, at, stop, word_begin[place - 1], word_end[place - 1]):
                word_begin[place], word_end[place] = word_begin[place - 1], word_end[place - 1]
                place -= 1
            word_begin[place], word_end[place] = at, stop
            count += 1
        at = stop + 1
    for i in range(count):
        is_number = word_end[i] - word_begin[i] >= 2
        for at in range(word_begin[i], word_end[i]):
            is_number = is_number and _is_digit(data[at])
        if is_number:
            return count, i
    return count, -1


@njit(cache=True, nogil=True)
def _blocks(kind, data, starts, message, ends, owner, variant):  # type: ignore[no-untyped-def]
    """Write the message of every value's blocks end to end; give how many there are."""
    word_begin, word_end = np.empty(_MOST_TOKENS, np.int64), np.empty(_MOST_TOKENS, np.int64)
    count = written = 0
    ends[0] = 0
    for value in range(len(starts) - 1):
        begin, end = starts[value], starts[value + 1]
        if kind == _ADDRESS:
            words, number = _digit_words(data, begin, end, word_begin, word_end)
            if words < 2:
                continue
            blocks = 1 if number < 0 else 1 + min(3, word_end[number] - word_begin[number])
            for which in range(blocks):
                is_repeated = (
                    which >= 2
                    and data[word_begin[number] + which - 1] == data[word_begin[number] + which - 2]
                )
                if is_repeated:
                    continue
                message[written] = 48 + (which > 0)
                written += 1
                for word in range(words):
                    for at in range(word_begin[word], word_end[word]):
                        if which == 0 or word != number or at != word_begin[word] + which - 1:
                            message[written] = data[at]
                            written += 1
                    message[written] = 32
                    written += 1
                owner[count], variant[count] = value, which
                count += 1
                ends[count] = written
        elif kind == _PHONE:
            if end - begin < _FEWEST_PHONE_DIGITS:
                continue
            for which in range(2):
                message[written] = 48 + which
                written += 1
                for at in range(begin, end - 1 - which):
                    message[written] = data[at]
                    written += 1
                owner[count], variant[count] = value, which
                count += 1
                ends[count] = written
        else:
            first = written
            has_letter = is_domain = False
            for at in range(begin, end):
                is_domain = is_domain or data[at] == 64
                if is_domain or not _is_digit(data[at]):
                    has_letter = has_letter or not is_domain
                    message[written] = data[at]
                    written += 1
            if not (has_letter and is_domain):
                written = first
                continue
            owner[count], variant[count] = value, 0
            count += 1
            ends[count] = written
    return count


@njit(cache=True, nogil=True)
def _is_letter_byte(byte):  # type: ignore[no-untyped-def]
    return byte >= 128 or 97 <= byte <= 122


@njit(cache=True, nogil=True)
def _letters(kind, data, begin, end, letters):  # type: ignore[no-untyped-def]
    """Read the letters (code points) of the words without a digit, or of an e-mail's local part."""
    count = 0
    at = begin
    while at < end:
        stop = at
        has_digit = False
        while stop < end and data[stop] != 32 and not (kind == _EMAIL and data[stop] == 64):
            has_digit = has_digit or _is_digit(data[stop])
            stop += 1
        if kind == _EMAIL or not has_digit:
            place = at
            while place < stop:
                byte = data[place]
                if byte < 128:
                    size, point = 1, np.int64(byte)
                elif byte < 0xE0:
                    size, point = 2, np.int64(byte & 31)
                elif byte < 0xF0:
                    size, point = 3, np.int64(byte & 15)
                else:
                    size, point = 4, np.int64(byte & 7)
                for later in range(place + 1, place + size):
                    point = (point << 6) | np.int64(data[later] & 63)
                if _is_letter_byte(byte):
                    letters[count] = point
                    count += 1
                place += size
        if kind == _EMAIL:
            break
        at = stop + 1
    return count


@njit(cache=True, nogil=True)
def _bigrams(kind, data, starts, owner, salt, bigrams, begin):  # type: ignore[no-untyped-def]
    """Write every row's salted letter pairs, sorted and distinct; give how many there are in all."""
    written = 0
    longest = 1
    for row in range(len(owner)):
        longest = max(longest, starts[owner[row] + 1] - starts[owner[row]])
    letters = np.empty(longest, np.int64)
    for row in range(len(owner)):
        begin[row] = written
        count = _letters(kind, data, starts[owner[row]], starts[owner[row] + 1], letters)
        pairs = np.empty(max(count - 1, 0), np.uint32)
        for i in range(count - 1):
            pair = np.uint64((letters[i] << 32) | letters[i + 1])
            pairs[i] = np.uint32(_mixed(pair ^ salt[row]) >> np.uint64(32))
        pairs.sort()
        for i in range(len(pairs)):
            if i == 0 or pairs[i] != pairs[i - 1]:
                bigrams[written] = pairs[i]
                written += 1
    begin[len(owner)] = written
    return written
