import pytest

from ringfence.app import StoresByAddress
from ringfence.domain.errors import InvalidError
from ringfence.store.neo4j.address import address_of


@pytest.mark.parametrize(
    ("text", "uri", "database"),
    [
        ("neo4j://graph", "neo4j://graph", "neo4j"),
        ("neo4j+s://graph:7688", "neo4j+s://graph:7688", "neo4j"),
        ("bolt://127.0.0.1:7687/", "bolt://127.0.0.1:7687", "neo4j"),
        ("bolt+ssc://[::1]:7687/rings", "bolt+ssc://[::1]:7687", "rings"),
    ],
)
def test_an_address_names_a_server_and_a_database(text: str, uri: str, database: str) -> None:
    address = address_of(text, None, None)
    assert (address.uri, address.database) == (uri, database)
    assert str(address) == (uri if database == "neo4j" else f"{uri}/{database}")


@pytest.mark.parametrize(
    "text",
    [
        "http://graph",
        "bolt+x://graph",
        "neo4j://",
        "neo4j:///rings",
        "neo4j://graph:port",
        "bolt://graph/a/b",
        "bolt://graph?a=b",
    ],
)
def test_what_names_no_server_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="is no address of a Neo4j"):
        address_of(text, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "neo4j://ana:secret@graph",
        "neo4j://ana:secret@graph:port",
        "neo4j://ana:[secret@graph",
        "neo4j://ana:the/secret@graph",
        "neo4j://ana:secret@",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(InvalidError, match="RINGFENCE_STORE_PASSWORD") as caught:
        address_of(text, None, None)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("user", "password", "lacking"), [("ana", None, "PASSWORD"), (None, "x", "USER")])
def test_a_user_and_a_password_go_together(user: str | None, password: str | None, lacking: str) -> None:
    with pytest.raises(InvalidError, match=f"set RINGFENCE_STORE_{lacking} too"):
        address_of("neo4j://graph", user, password)


def test_a_password_is_not_shown_with_its_address() -> None:
    assert "secret" not in repr(address_of("neo4j://graph", "ana", "secret"))


def test_a_password_in_an_address_of_no_known_kind_is_not_repeated() -> None:
    with pytest.raises(InvalidError, match=r"^graph is no store; name one as sqlite") as caught:
        StoresByAddress().open("neo4js://ana:secret@graph", create=True)
    assert "secret" not in str(caught.value)
