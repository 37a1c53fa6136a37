"""The place that builds the application: settings, stores by address, the command line."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from ringfence.cli.clock import clock
from ringfence.cli.exit_codes import exit_code
from ringfence.cli.main import run
from ringfence.cli.printing import fail
from ringfence.domain.errors import InvalidError, RingfenceError
from ringfence.settings import Settings

if TYPE_CHECKING:
    from ringfence.domain.progress import Progress
    from ringfence.store import ImportFiles, Restored, Store
    from ringfence.store.history import History


class StoresByAddress:
    """Stores by address; a store's code is loaded when one of its kind is opened."""

    def __init__(self, user: str | None = None, password: str | None = None) -> None:
        """Open stores on servers as `user` with `password`; None where a server asks for nobody."""
        self._user, self._password = user, password

    def open(self, address: str | None, *, create: bool) -> "Store":
        """Open the store at an address (None: the one in the user's data folder)."""
        if address is not None and _names_server(address):
            from ringfence.store.neo4j import Neo4jStore, address_of

            return Neo4jStore(address_of(address, self._user, self._password), create=create)
        from ringfence.store.sqlite import SqliteStore

        return SqliteStore(_file_of(address), create=create)

    def import_files(self, address: str | None) -> "ImportFiles":
        """Give what makes files for the import tool of the server at an address."""
        if address is None or not _names_server(address):
            raise InvalidError(
                "Only a Neo4j has a tool that imports files; name its database by --store neo4j://HOST, or "
                "load without --offline."
            )
        from ringfence.store.neo4j import Neo4jFiles, address_of

        return Neo4jFiles(address_of(address, self._user, self._password).database)

    def restore(
        self, backup: Path, address: str | None, *, replace: bool, progress: "Progress | None" = None
    ) -> "Restored":
        """Make the store at an address what the backup holds."""
        from ringfence.services.copy_store import put_history
        from ringfence.store import Restored
        from ringfence.store.archive import is_archive

        if address is not None and _names_server(address):
            from ringfence.store import neo4j

            server = neo4j.address_of(address, self._user, self._password)
            with (
                self.open_backup(backup) as history,
                neo4j.replaced_store(server, history, replace=replace) as store,
            ):
                put_history(history, store, clock, progress)
                return Restored(None, None, store.health())
        from ringfence.store import sqlite

        path = _file_of(address)
        if not is_archive(backup):
            made = sqlite.restore(backup, path, replace=replace)
            return Restored(made.path, made.size_bytes, made.health)
        with (
            self.open_backup(backup) as history,
            sqlite.replaced_store(path, replace=replace) as staged,
        ):
            put_history(history, staged, clock, progress)
            health = staged.health()
        return Restored(path, path.stat().st_size, health)

    @contextmanager
    def open_backup(self, backup: Path) -> "Iterator[History]":
        """Read what a backup holds."""
        from ringfence.store.archive import is_archive, open_archive
        from ringfence.store.history import StoredHistory
        from ringfence.store.sqlite import SqliteStore, read_backup

        if is_archive(backup):
            with open_archive(backup) as archived:
                yield archived
            return
        with read_backup(backup) as file:
            store = SqliteStore(file, create=False)
            try:
                yield StoredHistory(store)
            finally:
                store.close()


def _names_server(address: str) -> bool:
    scheme, separator, _ = address.partition("://")
    return bool(separator) and scheme.partition("+")[0] in ("neo4j", "bolt")


def _file_of(address: str | None) -> Path:
    if address is None:
        return user_data_path("ringfence") / "store.sqlite"
    scheme, separator, path = address.partition(":///")
    if separator and scheme == "sqlite" and path:
        return Path(path)
    if "://" in address or not address:
        # What is before an @ may be a password.
        told = address.rpartition("@")[2] or "nothing"
        raise InvalidError(
            f"{told} is no store; name one as sqlite:///PATH, by its path, or as neo4j://HOST."
        )
    return Path(address)


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        settings = Settings.from_environment(os.environ)
    except RingfenceError as error:
        fail(str(error))
        sys.exit(exit_code(error))
    stores = StoresByAddress(settings.store_user, settings.store_password)
    targets = StoresByAddress(settings.copy_user, settings.copy_password)
    sys.exit(run(sys.argv[1:], settings, stores, targets))
