"""What must be there first: constraints, indexes, and the node that says whose database it is."""

import re

from ringfence.domain.errors import InvalidError, NotFoundError, UnavailableError
from ringfence.store.neo4j.database import Database
from ringfence.store.neo4j.records import list_all_records
from ringfence.store.neo4j.report_names import name_reports
from ringfence.store.neo4j.statements import statements

SCHEMA_VERSION = 6
"""Rises when what is stored takes another shape."""
_NAMES_REPORTS = 5
"""The version since which reports are known by their merchants too, and records stand on their lists."""
IMPORTED = 0
"""The version of a store that was imported from files: it lacks its constraints yet."""
_OLDEST = (5, 26)
_INDEX_SECONDS = 3600.0
"""How long an index over what was imported may take to be made."""
_RELEASE = re.compile(r"^Neo4j/(\d+)\.(\d+)")


def open_schema(database: Database, *, create: bool) -> None:
    """Refuse a server that is too old and a database that is not ours; make an empty one ours if `create`.

    Raises InvalidError, NotFoundError for an empty database where none is to be made, UnavailableError.
    """
    refuse_old_server(database.agent(), str(database.address))
    version, is_in_use, replacing = database.one("identify_store") or (None, False, None)
    if version is None and is_in_use:
        raise InvalidError(
            f"The database {database.address} holds data that is not Ringfence's; name an empty one."
        )
    if version is None and not create:
        raise NotFoundError(f"There is no store in {database.address} yet; ringfence load makes one.")
    if version is None or version < SCHEMA_VERSION:
        version = _make(database, version)
    if replacing is not None and database.replaces is None:
        raise UnavailableError(
            f"The store {database.address} is being replaced by a backup; if that was interrupted, run the "
            "same ringfence restore again."
        )
    if version != SCHEMA_VERSION:
        raise InvalidError(
            f"The store {database.address} was made by a newer Ringfence (its graph has version {version}, "
            f"this one knows {SCHEMA_VERSION}); use that one."
        )


def refuse_old_server(agent: str, address: str) -> None:
    """Raise InvalidError for a server older than is supported; `agent` is what it calls itself."""
    release = _RELEASE.search(agent)
    if release is None or tuple(map(int, release.groups())) < _OLDEST:
        raise InvalidError(
            f"The server {address} is {agent}, which is too old; use Neo4j {'.'.join(map(str, _OLDEST))} or "
            "newer."
        )


def _make(database: Database, version: int | None) -> int:
    for statement in statements().values():
        if statement.subject == "schema":
            database.write_alone(statement.name, seconds=_INDEX_SECONDS)
    if version is not None and version < _NAMES_REPORTS:
        name_reports(database, _NAMES_REPORTS, _INDEX_SECONDS)
        list_all_records(database)
    rows = database.write_alone("make_store", schema_version=SCHEMA_VERSION)
    return int(rows[0][0])
