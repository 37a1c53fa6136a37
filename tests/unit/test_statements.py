import pytest

from ringfence.store.neo4j.statements import fragments, parse, statements

ONE = """// name: find_one
// Because it is needed.
// allows AllNodesScan: stops at the first
MATCH (n) RETURN n LIMIT 1
"""


def test_a_statement_has_a_name_a_reason_and_what_its_plan_may_do() -> None:
    (statement,) = parse("things", ONE, {})
    assert (statement.name, statement.subject, statement.why) == (
        "find_one",
        "things",
        "Because it is needed.",
    )
    assert dict(statement.allows) == {"AllNodesScan": "stops at the first"}
    assert statement.text == "MATCH (n) RETURN n LIMIT 1"


def test_statements_keep_their_order() -> None:
    found = parse("things", ONE + "\n// name: find_two\n// Why not.\nRETURN 2\n", {})
    assert [statement.name for statement in found] == ["find_one", "find_two"]


@pytest.mark.parametrize("source", ["// name: x\nRETURN 1\n", "// name: x\n// Why.\n"])
def test_a_statement_without_a_reason_or_a_text_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"things\.cypher: x lacks a reason or a statement"):
        parse("things", source, {})


def test_the_schema_comes_with_the_statements() -> None:
    subjects = {statement.subject for statement in statements().values()}
    assert {"schema", "store", "leases", "records"} <= subjects


def test_a_fragment_stands_where_it_is_named() -> None:
    (statement,) = parse(
        "things", "// name: x\n// Why.\nMATCH (n) WHERE <<is_seen>>\nRETURN n\n", {"is_seen": "n.load < 3"}
    )
    assert statement.text == "MATCH (n) WHERE n.load < 3\nRETURN n"


def test_a_fragment_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"x names fragments that do not exist: \['is_seen'\]"):
        parse("things", "// name: x\n// Why.\nMATCH (n) WHERE <<is_seen>>\nRETURN n\n", {})


@pytest.mark.parametrize("name", sorted(fragments()))
def test_each_fragment_is_said_by_several_statements(name: str) -> None:
    assert sum(fragments()[name] in statement.text for statement in statements().values()) > 1
