"""The place that builds the application: settings, stores by address, the command line."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from ringfence.cli.main import run
from ringfence.domain.errors import InvalidError
from ringfence.settings import Settings

if TYPE_CHECKING:
    from ringfence.store import Backup, Store


class EmbeddedStores:
    """Stores by address; a store's code is loaded when one of its kind is opened."""

    def open(self, address: str | None, *, create: bool) -> "Store":
        """Open the store at an address (None: the one in the user's data folder)."""
        from ringfence.store.sqlite import SqliteStore

        return SqliteStore(_file_of(address), create=create)

    def restore(self, backup: Path, address: str | None, *, replace: bool) -> "Backup":
        """Make the store at an address what the backup holds."""
        from ringfence.store.sqlite import restore

        return restore(backup, _file_of(address), replace=replace)


def _file_of(address: str | None) -> Path:
    if address is None:
        return user_data_path("ringfence") / "store.sqlite"
    scheme, separator, path = address.partition(":///")
    if separator and scheme == "sqlite" and path:
        return Path(path)
    if "://" in address or not address:
        raise InvalidError(f"{address or 'nothing'} is no store; name one as sqlite:///PATH, or by its path.")
    return Path(address)


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:], Settings.from_environment(os.environ), EmbeddedStores()))
