"""Sketches: what tells that two pseudonymised values are nearly the same, and nothing else about them.

A value falls into blocks (addresses: equal digits; phones: all but the last digits; e-mails: all but the
local part's digits), each kept as a keyed hash; only values of one block are ever compared, by their letter
bigrams hashed under a salt that belongs to the block. Without the key neither can be guessed by counting.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake.hmac_sha256 import hmac_sha256
from ringfence.intake.messages import hash_messages, mixed, pick
from ringfence.intake.normalise import is_digit
from ringfence.market import Sketches

Bytes = NDArray[np.uint8]
Longs = NDArray[np.int64]

SKETCHED_KINDS = (IdentifierKind.ADDRESS, IdentifierKind.PHONE, IdentifierKind.EMAIL)
_THREADS = 2
_MOST_BLOCKS = 4
_MOST_WORDS = 64
_FEWEST_PHONE_DIGITS = 7
_ADDRESS, _PHONE, _EMAIL = range(3)
_CODE = {IdentifierKind.ADDRESS: _ADDRESS, IdentifierKind.PHONE: _PHONE, IdentifierKind.EMAIL: _EMAIL}


def sketch_values(
    kind: IdentifierKind,
    data: Bytes,
    starts: Longs,
    secret: bytes,
    seed: int,
    *,
    shared_only: bool = True,
) -> Sketches:
    """Sketch V distinct normalised values: UTF-8 end to end, value i from `starts[i]` on.

    An address has blocks if two of its words or more hold a digit: all such words sorted by length and text
    (variant 0), and the same with each of the first three digits dropped in turn from the shortest word that
    is a number of two digits or more (variants 1 to 3), so that one mistyped digit leaves one block equal.
    `secret` is the key of what is kept, `seed` that of hashes that are forgotten. Blocks of one value alone
    are left out if `shared_only`: within these values they match nothing.
    """
    values = len(starts) - 1
    message = np.empty(_MOST_BLOCKS * (len(data) + 2 * values), np.uint8)
    ends = np.empty(_MOST_BLOCKS * values + 1, np.int64)
    owner = np.empty(_MOST_BLOCKS * values, np.int32)
    variant = np.empty(_MOST_BLOCKS * values, np.uint8)
    count = _blocks(_CODE[kind], data, starts, message, ends, owner, variant)
    owner, variant, ends = owner[:count], variant[:count], ends[: count + 1]
    rows, group = _grouped_messages(hash_messages(message, ends, np.uint64(seed)), shared_only)
    first = rows[np.diff(group, prepend=-1) > 0]
    words = hmac_sha256(secret, kind.encode() + b"\x01", *pick(message, ends, first)).view(">u8")[:, :2]
    del message, ends
    words = words.astype(np.uint64)
    order = np.argsort(words[:, 0])
    words = words[order]
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    rows, group = _sorted_rows(rows, rank[group], len(order))
    owner, variant, block, salt = owner[rows], variant[rows], words[group, 0], words[group, 1]
    begin = np.zeros(len(owner) + 1, np.int64)
    bigrams = np.empty(0, np.uint32)
    if kind != IdentifierKind.PHONE and len(owner):
        begin, bigrams = _salted_bigrams(_CODE[kind], data, starts, owner, salt)
    return Sketches(block=block, value=owner, variant=variant, start=begin, bigrams=bigrams)


def _salted_bigrams(
    kind: int, data: Bytes, starts: Longs, owner: NDArray[np.int32], salt: NDArray[np.uint64]
) -> tuple[Longs, NDArray[np.uint32]]:
    """Give where each row's bigrams begin, and the bigrams: salted letter pairs, sorted and distinct."""
    letters, letter_starts = _letters(kind, data, starts)
    pairs = np.maximum(letter_starts[1:] - letter_starts[:-1] - 1, 0)
    room = np.zeros(len(owner) + 1, np.int64)
    np.cumsum(pairs[owner], out=room[1:])
    bigrams = np.empty(int(room[-1]), np.uint32)
    used = np.empty(len(owner), np.int64)
    cuts = [len(owner) * part // _THREADS for part in range(_THREADS + 1)]
    with ThreadPoolExecutor(_THREADS) as pool:
        parts = [
            pool.submit(_bigrams, letters, letter_starts, owner, salt, room, bigrams, used, first, last)
            for first, last in pairwise(cuts)
        ]
        for part in parts:
            part.result()
    begin = np.zeros(len(owner) + 1, np.int64)
    np.cumsum(used, out=begin[1:])
    _close_up(bigrams, room, begin)
    return begin, bigrams[: int(begin[-1])]


def _grouped_messages(hashes: NDArray[np.uint64], shared_only: bool) -> tuple[Longs, Longs]:
    """Give where hashes stand (that occur twice or more), equal ones side by side, and 0, 1, … by hash."""
    order = np.argsort(hashes)
    ranked = hashes[order]
    is_as_before = np.zeros(len(hashes), np.bool_)
    is_as_before[1:] = ranked[1:] == ranked[:-1]
    if not shared_only:
        return order, np.cumsum(~is_as_before) - 1
    is_shared = is_as_before.copy()
    is_shared[:-1] |= is_as_before[1:]
    return order[is_shared], np.cumsum(~is_as_before[is_shared]) - 1


@njit(cache=True, nogil=True)
def _sorted_rows(rows: Longs, rank: NDArray[np.int32], ranks: int) -> tuple[Longs, Longs]:
    """Sort rows by (rank, row), where equal ranks stand side by side; give them and their ranks."""
    place = np.zeros(ranks + 1, np.int64)
    for i in range(len(rows)):
        place[rank[i] + 1] += 1
    for i in range(ranks):
        place[i + 1] += place[i]
    ordered, ranked = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    begin = 0
    while begin < len(rows):
        end = begin
        while end < len(rows) and rank[end] == rank[begin]:
            end += 1
        at = place[rank[begin]]
        ordered[at : at + end - begin] = np.sort(rows[begin:end])
        ranked[at : at + end - begin] = rank[begin]
        begin = end
    return ordered, ranked


@njit(cache=True, nogil=True)
def _comes_before(data: NDArray[np.uint8], begin: int, end: int, other: int, other_end: int) -> bool:
    """Compare two words by (length, bytes)."""
    if end - begin != other_end - other:
        return end - begin < other_end - other
    for i in range(end - begin):
        if data[begin + i] != data[other + i]:
            return bool(data[begin + i] < data[other + i])
    return False


@njit(cache=True, nogil=True)
def _digit_words(
    data: NDArray[np.uint8], begin: int, end: int, word_begin: NDArray[np.int64], word_end: NDArray[np.int64]
) -> tuple[int, int]:
    """List the words that hold a digit, sorted by (length, bytes); give how many, and the first long number.

    A long number is a word of two digits or more and nothing else; -1 if there is none.
    """
    count = 0
    at = begin
    while at < end:
        stop = at
        has_digit = False
        while stop < end and data[stop] != 32:
            has_digit = has_digit or is_digit(data[stop])
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
            is_number = is_number and is_digit(data[at])
        if is_number:
            return count, i
    return count, -1


@njit(cache=True, nogil=True)
def _blocks(
    kind: int,
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    message: NDArray[np.uint8],
    ends: NDArray[np.int64],
    owner: NDArray[np.int32],
    variant: NDArray[np.uint8],
) -> int:
    """Write the message of every value's blocks end to end; give how many there are."""
    word_begin, word_end = np.empty(_MOST_WORDS, np.int64), np.empty(_MOST_WORDS, np.int64)
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
                if is_domain or not is_digit(data[at]):
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
def _letters(
    kind: int, data: NDArray[np.uint8], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int32], Longs]:
    """Read every value's letters (code points): of words without a digit, or of an e-mail's local part."""
    letters = np.empty(len(data), np.int32)
    letter_starts = np.zeros(len(starts), np.int64)
    count = 0
    for value in range(len(starts) - 1):
        at, end = starts[value], starts[value + 1]
        while at < end:
            stop = at
            has_digit = False
            while stop < end and data[stop] != 32 and not (kind == _EMAIL and data[stop] == 64):
                has_digit = has_digit or is_digit(data[stop])
                stop += 1
            if kind == _EMAIL or not has_digit:
                while at < stop:
                    byte = data[at]
                    size = 1 + (byte >= 0xC0) + (byte >= 0xE0) + (byte >= 0xF0)
                    if byte >= 128 or 97 <= byte <= 122:
                        point = np.int32(byte) if size == 1 else np.int32(byte & (0x7F >> size))
                        for later in range(at + 1, at + size):
                            point = (point << 6) | np.int32(data[later] & 63)
                        letters[count] = point
                        count += 1
                    at += size
            if kind == _EMAIL:
                break
            at = stop + 1
        letter_starts[value + 1] = count
    return letters[:count].copy(), letter_starts


@njit(cache=True, nogil=True)
def _bigrams(
    letters: NDArray[np.int32],
    letter_starts: NDArray[np.int64],
    owner: NDArray[np.int32],
    salt: NDArray[np.uint64],
    room: Longs,
    bigrams: NDArray[np.uint32],
    used: Longs,
    first: int,
    last: int,
) -> None:
    """Write the salted letter pairs of rows `first` to `last` from `room` on, and how many each has.

    Hashes are spread evenly, so each is dropped near its final place and moved the rest of the way.
    """
    longest = 1
    for row in range(first, last):
        longest = max(longest, room[row + 1] - room[row])
    hashes = np.empty(longest, np.uint32)
    places = np.empty(longest + 1, np.int64)
    for row in range(first, last):
        begin, size = room[row], room[row + 1] - room[row]
        places[: size + 1] = 0
        letter = letter_starts[owner[row]]
        for i in range(size):
            pair = (np.uint64(letters[letter + i]) << np.uint64(32)) | np.uint64(letters[letter + i + 1])
            hashes[i] = mixed(pair ^ salt[row]) >> np.uint64(32)
            places[((np.int64(hashes[i]) * size) >> 32) + 1] += 1
        for i in range(size):
            places[i + 1] += places[i]
        for i in range(size):
            near = (np.int64(hashes[i]) * size) >> 32
            bigrams[begin + places[near]] = hashes[i]
            places[near] += 1
        end = begin + size
        for at in range(begin + 1, end):
            bigram = bigrams[at]
            place = at
            while place > begin and bigrams[place - 1] > bigram:
                bigrams[place] = bigrams[place - 1]
                place -= 1
            bigrams[place] = bigram
        distinct = begin
        for at in range(begin, end):
            if at == begin or bigrams[at] != bigrams[distinct - 1]:
                bigrams[distinct] = bigrams[at]
                distinct += 1
        used[row] = distinct - begin


@njit(cache=True, nogil=True)
def _close_up(bigrams: NDArray[np.uint32], room: NDArray[np.int64], begin: NDArray[np.int64]) -> None:
    """Move every row's bigrams left to where they begin for good."""
    for row in range(len(begin) - 1):
        if room[row] != begin[row]:
            for i in range(begin[row + 1] - begin[row]):
                bigrams[begin[row] + i] = bigrams[room[row] + i]
