"""A load: files that went into the store together."""

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.domain.errors import InvalidError

BROWSING_KEY_ID = "none: a copy without personal data"
"""Stands for the id of a key in a copy whose values are pseudonyms of no key."""


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


class OtherKeyError(InvalidError):
    """The store holds pseudonyms of another key."""

    def __init__(self, stored: str, given: str) -> None:
        super().__init__(
            f"This store was pseudonymised under another key (id {stored}, yours has {given}); name its key "
            "with --key-file or RINGFENCE_KEY_FILE, or load into a new store."
        )
        self.stored, self.given = stored, given


class OtherNormaliserError(InvalidError):
    """The store holds values that were normalised by other rules."""

    def __init__(self, stored: int, given: int) -> None:
        super().__init__(
            f"The values in this store were normalised by version {stored} of the rules, this Ringfence has "
            f"version {given}, and they do not compare; load the files into a new store."
        )
        self.stored, self.given = stored, given


class BrowsingCopyError(InvalidError):
    """A copy without personal data is for people to browse: do that in the store it was made of."""


def refuse_browsing_copy(key_id: str) -> None:
    """Raise BrowsingCopyError where a store's loads were copied without their pseudonyms."""
    if key_id == BROWSING_KEY_ID:
        raise BrowsingCopyError


def refuse_other_pseudonyms(stored_key_id: str, stored_normaliser: int, key_id: str, normaliser: int) -> None:
    """Raise OtherKeyError or OtherNormaliserError where values would not compare with those of the store, and
    BrowsingCopyError where the store has none."""
    if stored_key_id != key_id:
        refuse_browsing_copy(stored_key_id)
    if stored_key_id != key_id:
        raise OtherKeyError(stored_key_id, key_id)
    if stored_normaliser != normaliser:
        raise OtherNormaliserError(stored_normaliser, normaliser)
