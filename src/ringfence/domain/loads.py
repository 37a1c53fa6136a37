"""A load: files that went into the store together."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileCount:
    """What became of the rows of one file: read = kept + repeated + updated + rejected."""

    file: str
    table: str
    read: int
    kept: int
    repeated: int
    """Rows that say what an earlier row said, or what the store knows."""
    updated: int
    """Later rows for a known id that change only what may change."""
    rejected: int


@dataclass(frozen=True, slots=True)
class LoadSource:
    """What is loaded, and how it was read."""

    digest: str
    """Names the files' bytes and how they were read: the same load has the same digest."""
    key_id: str
    """Of the key under which values were pseudonymised."""
    normaliser: int
    """The version of the rules by which they were normalised."""
    files: tuple[FileCount, ...]
    filled: Mapping[str, Mapping[str, int]]
    """Table -> column -> cells that are not empty, of the rows kept; columns a file lacks count 0."""


@dataclass(frozen=True, slots=True)
class Load:
    """A load that is complete, or was begun."""

    load_id: int
    """1, 2, …: the version of the market once it is complete."""
    source: LoadSource
    begun_at: int
    """µs since 1970-01-01 UTC."""
    finished_at: int | None
    """None while it is under way, or if it was interrupted; nobody sees its rows until then."""
