"""Where a Neo4j is: `neo4j://HOST[:PORT][/DATABASE]` and its kin."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ringfence.domain.errors import InvalidError

_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
_DATABASE = "neo4j"


@dataclass(frozen=True)
class Address:
    """A server and a database on it."""

    uri: str
    """Without the database."""
    database: str
    user: str | None = None
    """None where the server asks for nobody."""
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.uri if self.database == _DATABASE else f"{self.uri}/{self.database}"


def address_of(text: str, user: str | None, password: str | None) -> Address:
    """Read an address; raises InvalidError for one that names no server, or holds a password."""
    # First of all, since every other refusal repeats the address.
    if "@" in text:
        raise InvalidError(
            "A password in an address is seen by everybody on the machine: set RINGFENCE_STORE_USER and "
            "RINGFENCE_STORE_PASSWORD instead."
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise InvalidError(f"{text} is no address of a Neo4j: {error}.") from error
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise InvalidError(f"{text} is no address of a Neo4j; name one as neo4j://HOST:7687.")
    if parts.query or parts.fragment or parts.path.count("/") > 1:
        raise InvalidError(f"{text} is no address of a Neo4j; name one as neo4j://HOST:7687/DATABASE.")
    if (user is None) != (password is None):
        lacking = "RINGFENCE_STORE_PASSWORD" if password is None else "RINGFENCE_STORE_USER"
        raise InvalidError(f"A user and a password go together: set {lacking} too.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    uri = f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
    return Address(uri, parts.path.removeprefix("/") or _DATABASE, user, password)
