import re
from pathlib import Path

import neo4j
import pytest

import ringfence
from neo4j_database import DATABASE, Login
from ringfence.store.neo4j import Neo4jStore, address_of
from ringfence.store.neo4j.statements import Statement, statements

SOURCE = "\n".join(path.read_text("utf-8") for path in Path(*ringfence.__path__).rglob("*.py"))
STATEMENTS = [pytest.param(statement, id=name) for name, statement in statements().items()]


def operators(plan: dict[str, object]) -> set[str]:
    """Name all operators of a plan."""
    children = plan.get("children") or []
    assert isinstance(children, list)
    found = {str(plan["operatorType"]).partition("@")[0]}
    return found.union(*(operators(child) for child in children))


def is_costly(operator: str) -> bool:
    """Whether its cost grows with the graph, not with what is asked for."""
    return operator.endswith("Scan") or operator == "CartesianProduct"


@pytest.fixture
def driver(neo4j_server: Login, neo4j_address: str) -> neo4j.Driver:
    Neo4jStore(address_of(neo4j_address, *neo4j_server.credentials)).close()
    made: neo4j.Driver = neo4j_server.driver(notifications_min_severity="OFF")
    return made


def test_no_statement_scans_the_graph_or_multiplies_rows_unless_it_says_why(driver: neo4j.Driver) -> None:
    wrong = {}
    with driver:
        for name, statement in statements().items():
            _, summary, _ = driver.execute_query(f"EXPLAIN {statement.text}", database_=DATABASE)
            assert summary.plan is not None
            costly = {operator for operator in operators(summary.plan) if is_costly(operator)}
            if costly != set(statement.allows):
                wrong[name] = sorted(costly ^ set(statement.allows))
    assert wrong == {}


def test_a_page_of_all_reports_is_read_in_its_order(driver: neo4j.Driver) -> None:
    with driver:
        text = statements()["list_all_reports"].text
        _, summary, _ = driver.execute_query(f"CYPHER replan=force EXPLAIN {text}", database_=DATABASE)
        assert summary.plan is not None
        found = operators(summary.plan)
    assert "PartialTop" in found, "which stops reading when the page is full"
    assert not found & {"Sort", "Top", "Union"}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_somebody_calls_each_statement(statement: Statement) -> None:
    if statement.subject != "schema":
        assert f'"{statement.name}"' in SOURCE


def test_what_is_sent_stands_in_these_files_alone() -> None:
    for path in Path(*ringfence.__path__).rglob("*.py"):
        text = path.read_text("utf-8")
        assert not re.search(r'"\s*(MATCH|MERGE|UNWIND|CREATE) [(\[$]', text), path
