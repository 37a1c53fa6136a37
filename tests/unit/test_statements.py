import pytest

from ringfence.store.neo4j.statements import parse, statements

ONE = """// name: find_one
// Because it is needed.
// allows AllNodesScan: stops at the first
MATCH (n) RETURN n LIMIT 1
"""


def test_a_statement_has_a_name_a_reason_and_what_its_plan_may_do() -> None:
    (statement,) = parse("things", ONE)
    assert (statement.name, statement.subject, statement.why) == (
        "find_one",
        "things",
        "Because it is needed.",
    )
    assert dict(statement.allows) == {"AllNodesScan": "stops at the first"}
    assert statement.text == "MATCH (n) RETURN n LIMIT 1"


def test_statements_keep_their_order() -> None:
    found = parse("things", ONE + "\n// name: find_two\n// Why not.\nRETURN 2\n")
    assert [statement.name for statement in found] == ["find_one", "find_two"]


@pytest.mark.parametrize("source", ["// name: x\nRETURN 1\n", "// name: x\n// Why.\n"])
def test_a_statement_without_a_reason_or_a_text_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"things\.cypher: x lacks a reason or a statement"):
        parse("things", source)


def test_the_schema_comes_with_the_statements() -> None:
    subjects = {statement.subject for statement in statements().values()}
    assert {"schema", "store", "leases", "records"} <= subjects
