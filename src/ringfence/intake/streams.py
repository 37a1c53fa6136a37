"""Files as a stream of bytes, unfolded if compressed, and never further than the limits allow."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from ringfence.intake.errors import UnreadableInputError

PIECE_BYTES = 16 * 2**20
"""How much is unfolded at a time."""
RATIO_FREE_BYTES = 16 * 2**20
"""How much a file may unfold before its ratio counts: small files of one repeated line are no attack."""
_ZSTD_STEP = 4096  # one step of zstd cannot become more than 128 MiB
_ZSTD_WINDOW = 128 * 2**20


def open_pieces(
    path: Path, limit_bytes: int, limit_ratio: float, advance: Callable[[int], None]
) -> Iterator[bytes]:
    """Yield the (unfolded) bytes of `path` in pieces of about 16 MiB, telling `advance` the bytes read.

    Raises UnreadableInputError where the file is missing, cut short, damaged, or unfolds beyond
    `limit_bytes` or, after 16 MiB, `limit_ratio` times its compressed bytes.
    """
    try:
        with path.open("rb") as file:
            if path.suffix == ".gz":
                pieces = _gunzip(file)
            elif path.suffix == ".zst":
                pieces = _unzstd(file)
            else:
                pieces = iter(lambda: file.read(PIECE_BYTES), b"")
            is_compressed = path.suffix in (".gz", ".zst")
            unfolded = seen = 0
            for piece in pieces:
                unfolded += len(piece)
                read = file.tell()
                if is_compressed:
                    _check(path.name, unfolded, read, limit_bytes, limit_ratio)
                advance(read - seen)
                seen = read
                yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError):
        raise UnreadableInputError(
            f"{path.name}: damaged or cut short, it cannot be unfolded; copy it again"
        ) from None
    except OSError as error:
        raise UnreadableInputError(f"{path.name}: {error.strerror or 'cannot be read'}") from None


def _check(name: str, unfolded: int, read: int, limit_bytes: int, limit_ratio: float) -> None:
    if unfolded > limit_bytes:
        raise UnreadableInputError(
            f"{name}: unfolds to more than {limit_bytes:,} bytes; unfold it yourself if it is sound"
        )
    if unfolded > RATIO_FREE_BYTES and unfolded > limit_ratio * read:
        raise UnreadableInputError(
            f"{name}: a byte unfolds to more than {limit_ratio:g} bytes; unfold it yourself if it is sound"
        )


def _gunzip(file: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file) as unfolded:
        while piece := unfolded.read(PIECE_BYTES):
            yield piece


def _unzstd(file: BinaryIO) -> Iterator[bytes]:
    """Unfold frame after frame; unlike a stream reader this notices where a frame is cut short."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = decompressor.decompressobj()
    ready = bytearray()
    is_between_frames = True
    while step := file.read(_ZSTD_STEP):
        while step:
            ready += frame.decompress(step)
            is_between_frames = frame.eof
            step = frame.unused_data if frame.eof else b""
            if frame.eof:
                frame = decompressor.decompressobj()
        if len(ready) >= PIECE_BYTES:
            yield bytes(ready)
            ready.clear()
    if ready:
        yield bytes(ready)
    if not is_between_frames:
        raise EOFError
