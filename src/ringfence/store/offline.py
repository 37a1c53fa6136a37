"""The port of imports: files from which a server's own tool makes a store, for a first load of millions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ringfence.domain.errors import ConflictError
from ringfence.domain.loads import Load, LoadSource
from ringfence.domain.progress import Progress
from ringfence.market.tables import MarketTables


class FolderInUseError(ConflictError):
    """The folder for the files holds something."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is not empty; name a folder that is, or that does not exist yet.")
        self.folder = folder


@dataclass(frozen=True, slots=True)
class Import:
    """Files that are complete, and what makes a store of them."""

    load: Load
    """As the store will tell it."""
    command: str
    """To be run where the server is, as the user it runs as, while it is stopped."""
    before: str
    """What to do first, for people."""
    after: str
    """What to do then, for people."""


class ImportFiles(Protocol):
    """What a first load becomes where no server is asked."""

    def write(
        self, folder: Path, source: LoadSource, tables: MarketTables, now: int, progress: Progress
    ) -> Import:
        """Write the files of a first load; the folder is there whole or not at all.

        Raises FolderInUseError, UnavailableError where the disk refuses.
        """

    def refuse_folder(self, folder: Path) -> None:
        """Raise FolderInUseError unless the folder is empty or does not exist."""
