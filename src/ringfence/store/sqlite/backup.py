"""Copies of the embedded store: made while it is in use, verified, and put back."""

from pathlib import Path

from ringfence.store.sqlite.database import Database
from ringfence.store.store import Backup


def back_up(database: Database, path: Path) -> Backup:
    """Copy a store into a new file; whole or not at all.

    Raises ConflictError if the file exists, UnavailableError.
    """
    raise NotImplementedError
