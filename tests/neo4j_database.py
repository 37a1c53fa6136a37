"""The one database of a Neo4j server, as tests reach it and empty it."""

from dataclasses import dataclass
from typing import Any

import neo4j

DATABASE = "neo4j"
USER = "neo4j"

_WIPE_SECONDS = 120.0
_Schema = frozenset[tuple[str, ...]]
"""Kind, name and definition of each constraint and index."""


@dataclass(frozen=True)
class Login:
    """Where a server answers, and to whom."""

    address: str
    """Such as bolt://127.0.0.1:7687."""
    user: str = USER
    password: str | None = None
    """None: it asks for none."""

    @property
    def credentials(self) -> tuple[str | None, str | None]:
        """User and password; nobody where it asks for none."""
        return (None, None) if self.password is None else (self.user, self.password)

    def driver(self, **options: Any) -> neo4j.Driver:
        """Connect; the caller closes it."""
        auth = None if self.password is None else (self.user, self.password)
        return neo4j.GraphDatabase.driver(self.address, auth=auth, **options)


class Emptying:
    """Empties the database between tests, and spares the schema that every test makes again.

    Making thirty constraints takes longer than most tests. So the schema stays if the test before left the
    same one, and is dropped as a whole if it differs.
    """

    def __init__(self, driver: neo4j.Driver) -> None:
        self._driver = driver
        self._last: _Schema = frozenset()

    def empty(self) -> None:
        """Delete all nodes and relationships, and any schema the test before did not leave as well."""
        with self._driver.session(database=DATABASE) as session:
            session.run(
                neo4j.Query(
                    "MATCH (node) CALL (node) { DETACH DELETE node } IN TRANSACTIONS OF 2000 ROWS",
                    timeout=_WIPE_SECONDS,
                )
            ).consume()
            schema = _schema(session)
            if schema != self._last:
                drop_schema(session)
            self._last = schema


def count_nodes(driver: neo4j.Driver) -> int:
    """Say how many nodes the database holds."""
    records, _, _ = driver.execute_query("MATCH (node) RETURN count(node) AS nodes", database_=DATABASE)
    return int(records[0]["nodes"])


def drop_schema(session: neo4j.Session) -> None:
    """Drop every constraint and every index that was made."""
    for kind, name, *_ in sorted(_schema(session)):
        session.run(neo4j.Query(f"DROP {kind} `{name}`", timeout=_WIPE_SECONDS)).consume()


def _schema(session: neo4j.Session) -> _Schema:
    constraints = session.run(
        "SHOW CONSTRAINTS YIELD name, type, labelsOrTypes, properties "
        "RETURN 'CONSTRAINT' AS kind, name, type, labelsOrTypes, properties"
    )
    found = [tuple(map(str, record.values())) for record in constraints]
    indexes = session.run(
        "SHOW INDEXES YIELD name, type, labelsOrTypes, properties, owningConstraint "
        "WHERE type <> 'LOOKUP' AND owningConstraint IS NULL "
        "RETURN 'INDEX' AS kind, name, type, labelsOrTypes, properties"
    )
    return frozenset(found + [tuple(map(str, record.values())) for record in indexes])
