"""A file that appears whole, where there was none, or not at all."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ringfence.domain.errors import ConflictError, UnavailableError


class BackupExistsError(ConflictError):
    """The file is there already."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already, and no backup is written over anything; name another file.")
        self.path = path


class StoreExistsError(ConflictError):
    """There is a store already."""

    def __init__(self, place: str) -> None:
        super().__init__(f"There is a store {place} already; --replace puts the backup in its place.")
        self.place = place


@contextmanager
def staged(path: Path, beside: Sequence[str] = ()) -> Iterator[Path]:
    """Give a name beside `path` for what is not complete yet, and clear away what is left there.

    `beside` are the endings of what else may stand there. Raises UnavailableError where the disk refuses.
    """
    name = path.with_name(f".{path.name[:100]}-{secrets.token_hex(4)}")
    try:
        yield name
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        for suffix in ("", *beside):
            name.with_name(name.name + suffix).unlink(missing_ok=True)


def put(complete: Path, path: Path) -> bool:
    """Give a file its name, unless something has that name already."""
    try:
        path.hardlink_to(complete)
    except FileExistsError:
        return False
    except OSError:
        # Some file systems know no second names.
        if path.exists():
            return False
        complete.rename(path)
    sync(path.parent)
    return True


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
