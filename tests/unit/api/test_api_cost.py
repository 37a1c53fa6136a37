import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, parse, validate

from ringfence.api.cost import CostOfOperation, size_of
from ringfence.api.schema import build_schema
from ringfence.domain.errors import InvalidError

SCHEMA = build_schema()


def cost(text: str, **variables: object) -> int:
    document = parse(text)
    assert validate(SCHEMA, document) == []
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    (operation,) = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    counted = CostOfOperation(SCHEMA, operation, fragments, 100)
    assert counted.of(variables) == counted.of(variables)
    return counted.of(variables)


def test_scalars_cost_nothing_and_objects_one() -> None:
    assert cost("{ version }") == 0
    assert cost('{ ring(id: "r1") { score why } }') == 1
    assert cost('{ ring(id: "r1") { score run { runId } } }') == 2


def test_a_connection_costs_its_size() -> None:
    assert cost("{ rings(first: 7) { nodes { ringId } } }") == 1 + 7
    assert cost("{ rings(first: 7) { totalCount } }") == 1
    assert cost("{ rings(first: 7) { edges { node { ringId } } } }") == 1 + 7 * 2
    assert cost("{ rings(first: 7) { nodes { ringId } pageInfo { endCursor } } }") == 1 + 7 + 1


def test_connections_in_connections_multiply() -> None:
    inner = "members(first: 5) { nodes { buyerId } }"
    assert cost(f"{{ rings(first: 10) {{ nodes {{ {inner} }} }} }}") == 1 + 10 * (1 + 1 + 5)


def test_a_list_without_a_size_is_taken_to_have_a_few() -> None:
    assert cost('{ ring(id: "r1") { timeline { event } } }') == 1 + 5


def test_a_list_with_a_size_costs_it() -> None:
    assert cost('{ buyer(id: "b1") { links(first: 70) { why } } }') == 1 + 4 + 70


def test_a_list_of_what_is_named_costs_as_much_as_is_named() -> None:
    assert cost('{ buyersRisk(ids: ["b1", "b2", "b3"]) { band } }') == 3
    assert cost('{ buyersRisk(ids: "b1") { band } }') == cost("{ buyersRisk(ids: 7) { band } }") == 1
    assert cost('{ buyersRisk(ids: ["b1", "b2"]) { signals { reason } } }') == 2 * (1 + 5)
    text = """query Q($ids: [ID!]!, $id: ID!) {
        buyersRisk(ids: $ids) { band } b: buyersRisk(ids: [$id]) { band } }"""
    assert (cost(text, ids=["b"] * 2, id="b"), cost(text, ids=["b"] * 100, id="b")) == (3, 101)
    for number in (0, 101):
        with pytest.raises(InvalidError, match=rf"buyersRisk\(ids:\) must name from 1 to 100, not {number}"):
            cost(text, ids=["b"] * number, id="b")


def test_what_reads_for_one_object_alone_costs_more() -> None:
    buyer = "members(first: 5) { nodes { buyer { orders } } }"
    assert cost(f'{{ ring(id: "r1") {{ {buyer} }} }}') == 1 + 1 + 5 * (1 + 1 + 4)


def test_a_change_costs_what_it_answers_and_ten_for_writing() -> None:
    note = 'mutation { addNote(input: { ringId: "r1", text: "x" }) { %s } }'
    assert cost("mutation { __typename }") == 10
    assert cost(note % "userErrors { message }") == 10 + 1 + 5
    assert cost(note % "ring { score }") == 10 + 1 + 1
    page = "ring { members(first: 7) { nodes { why } } }"
    assert cost(note % page) == 10 + 1 + 1 + 1 + 7
    assert cost(note.replace("addNote", "...A } fragment A on Mutation { addNote") % "ring { score }") == 12


def test_fragments_cost_what_they_hold_wherever_they_are_spread() -> None:
    fragment = "fragment Page on RingConnection { nodes { ...Some } } fragment Some on Ring { run { runId } }"
    text = "{ a: rings(first: 3) { ...Page } b: rings(first: 50) { ...Page } }"
    assert cost(f"{text} {fragment}") == (1 + 3 * 2) + (1 + 50 * 2)


def test_the_size_is_that_of_the_variables() -> None:
    text = "query Q($n: Int!) { rings(first: $n) { nodes { ringId } } }"
    assert (cost(text, n=3), cost(text, n=100)) == (4, 101)


@pytest.mark.parametrize("size", [0, -1, 101, 2**31])
def test_a_page_of_no_size_or_too_large_a_one_is_refused(size: int) -> None:
    with pytest.raises(InvalidError, match=r"rings\(first:\) must be from 1 to 100"):
        cost("query Q($n: Int!) { rings(first: $n) { totalCount } }", n=size)
    if abs(size) < 2**31:
        with pytest.raises(InvalidError, match="must be from 1 to 100"):
            cost(f"{{ rings(first: {size}) {{ totalCount }} }}")


def test_a_bomb_of_fragments_is_counted_at_once() -> None:
    fragments = " ".join(
        f"fragment F{i} on Network {{ a{i}: rings(first: 100) {{ nodes {{ network {{ ...F{i + 1} }} }} }}"
        f" b{i}: rings(first: 100) {{ nodes {{ network {{ ...F{i + 1} }} }} }} }}"
        for i in range(20)
    )
    text = '{ network(id: "n") { ...F0 } } fragment F20 on Network { runId } '
    assert cost(text + fragments) > 100**20


def test_the_size_of_an_answer_is_the_number_of_its_objects() -> None:
    assert size_of(None) == 0
    assert size_of({"a": 1}) == 0
    assert size_of({"a": {"b": [{"c": 1}, {"d": {"e": "{"}}]}, "f": [1, 2]}) == 4
