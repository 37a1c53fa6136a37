"""A store replaced by a history: written beside it first, then put into its place in one step."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ringfence.store.sqlite.backup import refuse_existing, restore
from ringfence.store.sqlite.store import SqliteStore


@contextmanager
def replaced_store(path: Path, *, replace: bool) -> Iterator[SqliteStore]:
    """Give an empty store to write a history to; what is at `path` is replaced by it if the block ends well.

    Raises ConflictError if there is a store and it is not to be replaced, InvalidError if what is there is no
    store, UnavailableError.
    """
    refuse_existing(path, replace=replace)
    with TemporaryDirectory() as folder:
        staged = Path(folder) / path.name
        with closing(SqliteStore(staged)) as store:
            yield store
        restore(staged, path, replace=replace)
